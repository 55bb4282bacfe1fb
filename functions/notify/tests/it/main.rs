//! `notify` over real wires: tables, queues and SES of the emulator, and a network that speaks HTTP.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail where it stands"
)]

mod network;
mod returns;
mod told;
mod wire;
mod world;
