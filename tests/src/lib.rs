//! What the tests share.

pub mod faults;
pub mod stack;
