//! What the commands write to the terminal.

use std::io::Write as _;

/// Writes a line. A reader that has gone away is no reason to stop.
pub(crate) fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
