//! The DynamoDB tables, one module each: [`links`], [`carts`], [`catalog`], [`deliveries`],
//! [`settings`], [`ledger`]; what spans several: [`linking`], [`facts`]; and the [`decider`] that
//! writes decisions.
//!
//! What a command comes to is `domain`'s to decide; here is what is written once, claimed, or changed
//! in one transaction. Whatever may come twice may be written twice: writes are absolute or
//! conditional, and what counts is a set of keys.
//!
//! Every item carries its version in `v` and, where it is due, `expires_at` in seconds, which is also
//! compared when it is read, because TTL deletes late.
//!
//! Architecture invariant: imports `domain` only, reads no clock, and scans no table but the
//! catalogue, and that for the operator's tools only.

mod account;
pub mod carts;
pub mod catalog;
pub mod decider;
pub mod deliveries;
pub mod error;
pub mod facts;
mod item;
pub mod ledger;
pub mod linking;
pub mod links;
pub mod products;
pub mod settings;
mod table;

pub use account::Account;
pub use error::{Fault, StoreError};
