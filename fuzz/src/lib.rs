//! The laws that the fuzz targets hold their inputs against: those of the tests, by their very source, so that
//! the emulator and the browser are not built for them.

#[path = "../../tests/src/fuzz/mod.rs"]
pub mod fuzz;
