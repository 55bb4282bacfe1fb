//! What a million adds and a million posts cost: `hashcart cost`, which reckons with what is counted and
//! measured here, at list prices.

use ::tests::stack::hashcart;
use anyhow::{Context as _, ensure};
use serde::Deserialize;

use crate::table::Measure;

/// The most dollars that a million adds may cost, before mail, tracing and network fees.
const GOAL: f64 = 12.0;
const MILLION: &str = "1000000";

/// What `hashcart cost --json` says, as far as it is needed.
#[derive(Debug, Deserialize)]
struct Bill {
    lines: Vec<Line>,
    usd_per_million_adds: f64,
    usd_per_million_posts: f64,
    digest_saves_usd: f64,
}

#[derive(Debug, Deserialize)]
struct Line {
    group: String,
    usd: f64,
}

impl Bill {
    /// That of a million adds and as many posts that aren't for us.
    fn of(options: &[&str]) -> anyhow::Result<Self> {
        let mut command = hashcart();
        command.args(["cost", "--json", "--posts", MILLION, "--adds", MILLION]).args(options);
        let output = command.output().context("hashcart can't be run")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "hashcart cost: {said}");
        serde_json::from_slice(&output.stdout).context("what hashcart cost says")
    }

    fn sum(&self, group: &str) -> f64 {
        self.lines.iter().filter(|line| line.group == group).map(|line| line.usd).sum()
    }
}

/// The rows of the table.
///
/// # Errors
/// When `hashcart cost` can't be run.
pub fn measure() -> anyhow::Result<Vec<Measure>> {
    // Only the first is of digests: what mail costs without them, the second says.
    let row = |name: &str, usd: f64| Measure::new("money", name, usd, "dollars");
    let (different, popular) = (Bill::of(&["--digest", "5"])?, Bill::of(&["--adds-are", "popular"])?);
    let adds = |what: &str, bill: &Bill| {
        row(&format!("a million adds, {what}"), bill.usd_per_million_adds).at_most(GOAL)
    };
    Ok(vec![
        adds("ten different products and shoppers a batch", &different),
        adds("one product, different shoppers", &popular),
        row("a million posts not for us", different.usd_per_million_posts),
        row("a mail for each of a million adds", popular.sum("mail")),
        row("a mail for five of a million adds saves", different.digest_saves_usd),
        row("tracing of both", different.sum("tracing")),
        row("each month, whether anybody posts or not", different.sum("fixed")),
    ])
}
