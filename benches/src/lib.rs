//! What Hashcart's numbers are measured with. `docs/PERFORMANCE.md` holds the last table and says how to
//! repeat it.

pub mod callgrind;
pub mod capacity;
pub mod cloud;
pub mod corpus;
pub mod guard;
pub mod latency;
pub mod loopback;
pub mod money;
pub mod parsing;
pub mod peers;
pub mod plot;
pub mod quota;
pub mod release;
pub mod requests;
pub mod runtime;
pub mod shop;
pub mod start;
pub mod table;
pub mod units;
pub mod warm;
pub mod work;

/// Says something beside the table, on standard error.
pub fn tell(what: &str) {
    use std::io::Write as _;
    // Who doesn't listen misses it.
    let _ = writeln!(std::io::stderr().lock(), "{what}");
}
