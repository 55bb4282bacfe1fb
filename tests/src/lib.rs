//! What the tests share.

pub mod faults;
pub mod form;
pub mod fuzz;
pub mod guards;
pub mod items;
pub mod sabotage;
pub mod stack;
