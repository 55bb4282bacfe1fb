//! What the commands write to the terminal.

use std::io::{IsTerminal as _, Write as _};

use anyhow::bail;
use console::Term;

/// Writes a line. A reader that has gone away is no reason to stop.
pub(crate) fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Writes a line beside the result: what goes on, or a warning.
pub(crate) fn complain(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// A number of things: `1 message`, `2 messages`.
pub(crate) fn counted(number: impl TryInto<u64> + std::fmt::Display + Copy, thing: &str) -> String {
    let plural = if number.try_into().is_ok_and(|number| number == 1) { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

/// Asks a question that `y` says yes to. Without a terminal nobody can answer, and nothing is done by
/// default.
///
/// # Errors
/// When nobody is there to ask.
pub(crate) async fn confirmed(question: &str) -> anyhow::Result<bool> {
    let term = Term::stderr();
    if !is_attended() {
        bail!("nobody is there to ask: say --yes to do it, --dry-run to look only");
    }
    term.write_str(&format!("{question} [y/N] "))?;
    let answer = tokio::task::spawn_blocking(move || term.read_line()).await??;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Whether a person sits at both ends: what they type is read, and what is said to them is shown.
pub(crate) fn is_attended() -> bool {
    Term::stderr().is_term() && std::io::stdin().is_terminal()
}
