//! What the tests share.

pub mod stack;
