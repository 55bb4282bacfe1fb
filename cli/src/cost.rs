//! `hashcart cost`: what posts and adds cost at list prices, by service and network fee.

mod model;

use std::path::PathBuf;

use anyhow::Context as _;
use console::style;
use indicatif::{HumanCount, HumanFloatCount};

use crate::table::Table;
use crate::terminal::say;
use model::{Bill, Group, Line, Model, Month};

/// Reckons what a month's posts and adds cost at list prices: by service and network fee, each on its own
/// line.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hashcart cost                                    a million adds, on a network without fees
  hashcart cost --posts 20000000 --adds 50000 --network x
  hashcart cost --adds 1000000 --digest 5          one mail for five adds
  hashcart cost --prices ours.toml --json

--posts are posts that the network delivers and that carry no tag of yours, in addition to the adds.
Where the counts of requests come from is in docs/COST.md; the prices are list prices of us-east-1
without free tiers, to be checked against the pages that --json names. A file for --prices holds
what differs:

  [prices.ses_mails]
  usd = 0.08

  [usage]
  metrics = 72")]
pub struct Args {
    /// Posts in a month that are not for us.
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u64).range(..=1_000_000_000_000))]
    posts: u64,
    /// Adds in a month.
    #[arg(long, default_value_t = 1_000_000, value_name = "M", value_parser = clap::value_parser!(u64).range(..=1_000_000_000_000))]
    adds: u64,
    /// How many adds one mail tells of.
    #[arg(long, default_value_t = 1, value_name = "K", value_parser = clap::value_parser!(u64).range(1..=1000))]
    digest: u64,
    /// The network: its own fees.
    #[arg(long, value_enum, default_value = "generic")]
    network: Network,
    /// How alike the adds are: the less alike, the more is read.
    #[arg(long, value_enum, default_value = "different")]
    adds_are: Likeness,
    /// Other prices and usage than the built-in ones.
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// JSON instead of a table.
    #[arg(long)]
    json: bool,
}

/// A network, by what it charges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// Charges nothing: your own.
    Generic,
    /// X, pay per use.
    X,
}

/// What a batch of ten adds holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Likeness {
    /// Ten products and ten shoppers.
    Different,
    /// One product and ten shoppers: a campaign.
    Popular,
}

/// Reckons and shows.
///
/// # Errors
/// When the file with prices can't be read or names what the model doesn't know.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let other = match &args.prices {
        Some(file) => {
            std::fs::read_to_string(file).with_context(|| format!("{} can't be read", file.display()))?
        }
        None => String::new(),
    };
    let name = args.prices.as_ref().map_or_else(String::new, |file| file.display().to_string());
    let model = Model::with(&other).with_context(|| format!("{name} isn't what the model reads"))?;
    let month = Month {
        posts: args.posts,
        adds: args.adds,
        digest: args.digest,
        network: args.network,
        adds_are: args.adds_are,
    };
    let bill = model.bill(month)?;
    match args.json {
        true => say(serde_json::to_string_pretty(&bill)?),
        false => show(&bill),
    }
    Ok(())
}

fn show(bill: &Bill) {
    let Month { posts, adds, digest, .. } = bill.month;
    let mails = if digest == 1 { "a mail each".to_owned() } else { format!("one mail for {digest}") };
    say(format!(
        "A month with {} adds ({mails}) and {} posts that are not for us",
        HumanCount(adds),
        HumanCount(posts)
    ));
    for group in Group::ALL {
        let lines: Vec<&Line> = bill.lines.iter().filter(|line| line.group == group).collect();
        if lines.is_empty() {
            continue;
        }
        say(format!("\n{}", style(group.title()).bold()));
        let mut rows = Table::new(&["line", ">quantity", "unit", ">dollars"]);
        for line in lines {
            rows.row([line.name.clone(), quantity(line.quantity), line.unit.clone(), dollars(line.usd)]);
        }
        rows.row(["together".to_owned(), String::new(), String::new(), dollars(bill.sum(group))]);
        rows.lines().iter().for_each(|line| say(format!("  {line}")));
    }
    say(String::new());
    if let Some(per_million) = bill.usd_per_million_adds {
        say(format!(
            "A million adds cost {} by use, before mail, tracing and network fees.",
            style(dollars(per_million)).bold()
        ));
    }
    if bill.digest_saves_usd > 0.0 {
        say(format!("One mail for {digest} adds saves {}.", dollars(bill.digest_saves_usd)));
    }
    say(format!("All of it: {} a month.", style(dollars(bill.usd)).bold()));
    if bill.unchecked > 0 {
        say(format!(
            "{} of the list prices are still to be checked against their pages (--json names them).",
            bill.unchecked
        ));
    }
}

/// `12.34`, and what is less than a cent as such.
fn dollars(usd: f64) -> String {
    if usd > 0.0 && usd < 0.005 { "<0.01".to_owned() } else { format!("{usd:.2}") }
}

fn quantity(quantity: f64) -> String {
    let digits = usize::from(quantity < 100.0);
    format!("{:.digits$}", HumanFloatCount(quantity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!([0.0, 0.001, 0.005, 1234.5].map(dollars), ["0.00", "<0.01", "0.01", "1234.50"]);
        assert_eq!([0.0, 99.96, 100.4, 12_345.6].map(quantity), ["0", "100", "100", "12,346"]);
    }
}
