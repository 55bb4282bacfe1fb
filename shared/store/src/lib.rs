//! The DynamoDB tables, one module each. Nothing here decides anything about a shopper's wish: that
//! is `domain`'s; here is what is written once, claimed, or changed in one transaction.
//!
//! Architecture invariant: this crate imports only `domain` of ours, and scans no table.

pub mod catalog;
pub mod error;

pub use error::{Fault, StoreError};
