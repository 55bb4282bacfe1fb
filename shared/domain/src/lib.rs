//! What Hashcart knows and decides, without any AWS, clock or network: a post is read into
//! [`command::PostCommands`], each command is decided into an [`outcome::Outcome`], and the cart is
//! a pure [`cart::Cart::fold`] over what was decided.
//!
//! Architecture invariant: this crate imports nothing of ours, no AWS crate, no tokio, and reads no
//! clock. Time, randomness and configuration come in as values.

pub mod cart;
pub mod command;
pub mod decide;
pub mod fault;
pub mod grammar;
pub mod ids;
pub mod money;
pub mod outcome;
pub mod post;
pub mod product;
pub mod storefront;
pub mod text;
pub mod time;

pub use fault::Retryable;
