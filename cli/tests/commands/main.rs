//! The engineer's commands as they are called: the program against a stage in the emulator, reached over
//! TLS with the credentials that engineers have.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops where something is not as expected"
)]

mod config;
mod cost;
mod credentials;
mod docs;
mod doctor;
mod help;
mod lean;
mod load;
mod operator;
mod permissions;
mod secrets;
mod support;
