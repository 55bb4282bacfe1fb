//! What Hashcart's numbers are measured with. `docs/PERFORMANCE.md` holds the last table and says how to
//! repeat it.

pub mod table;
