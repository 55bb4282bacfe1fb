//! What Hashcart knows of shops: which link means which product, what a product feed says, and how
//! a cart is handed over to the shop's checkout.
//!
//! Architecture invariant: of our own crates this one imports `domain` only. It does no I/O but
//! reading the feed that it is given.

pub mod checkout;
pub mod codes;
pub mod feed;
pub mod links;
