//! The networks over real wires: payloads as they arrive, HTTP against local servers that speak as the
//! networks do.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "the helpers of tests")]

mod guard;
mod length;
mod payloads;
mod support;
mod webhooks;
mod wire;
