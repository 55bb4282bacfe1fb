//! What the tests share.

pub mod faults;
pub mod form;
pub mod fuzz;
pub mod items;
pub mod stack;
