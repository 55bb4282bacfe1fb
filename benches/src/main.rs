//! `cargo run -p benches -- all`: measures everything, or a part of it, and shows the table.

use std::io::Write as _;

use benches::peers::Peers;
use benches::table::{Measure, Published, Report};
use benches::{capacity, guard, latency, money, parsing, requests, start, tell, warm};
use clap::{Args, Parser, Subcommand, ValueEnum};
use tests::stack::workspace;

/// Measures what Hashcart costs, and shows the table.
///
/// The functions are built with the profile `release`, and measured as processes of their own. This program
/// needs `--release` for what it measures in itself (parsing), and is quicker with it. Needs Linux, valgrind,
/// and for the peers Node, npm and Python.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Cold starts: package, memory, processor time, instructions
    Start(Runs),
    /// Warm work: processor time and instructions of an event
    Warm(Events),
    /// Reading posts: a second's worth, against the crate twitter-text. Needs `--release`
    Parsing,
    /// Requests to AWS, and the capacity that they use
    Requests,
    /// The same with many carts and products, and with long histories
    Capacity(Size),
    /// From the post to reply and mail, through a local stack
    Latency,
    /// Dollars at list prices: what `hashcart cost` makes of the numbers
    Money,
    /// All of these, kept in docs/performance.json and on docs/PERFORMANCE.md
    All(Everything),
    /// Writes the tables of docs/PERFORMANCE.md and its plot again from what was kept
    Page,
    /// Compares instructions and requests with benches/baseline.json: more than 3 % worse fails
    Guard {
        /// Takes what is measured as the baseline instead
        #[arg(long)]
        accept: bool,
        /// Compares requests alone, which takes a second and no release build
        #[arg(long, conflicts_with = "accept")]
        only_requests: bool,
    },
}

#[derive(Debug, Args)]
struct Runs {
    /// How often each process is started; the table shows medians
    #[arg(long, default_value_t = 15)]
    runs: usize,
    #[command(flatten)]
    peers: WithPeers,
}

#[derive(Debug, Args)]
struct Events {
    /// How many events each process is given
    #[arg(long, default_value_t = 20_000)]
    events: u64,
    #[command(flatten)]
    peers: WithPeers,
}

#[derive(Debug, Args)]
struct Size {
    /// The most carts and products that are tried; a million takes 7 GB of memory, and without `--release` a
    /// quarter of an hour
    #[arg(long, default_value_t = 1_000_000)]
    carts: usize,
}

#[derive(Debug, Args)]
struct Everything {
    #[command(flatten)]
    runs: Runs,
    /// How many events each process is given
    #[arg(long, default_value_t = 20_000)]
    events: u64,
    #[command(flatten)]
    size: Size,
    /// Only these parts; the others stay as they were kept
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Parsing,
    Requests,
    Capacity,
    Start,
    Warm,
    Latency,
    Money,
}

#[derive(Debug, Args)]
struct WithPeers {
    /// Without the handlers in Node and Python
    #[arg(long)]
    no_peers: bool,
}

impl WithPeers {
    fn install(&self) -> anyhow::Result<Option<Peers>> {
        Ok(if self.no_peers { None } else { Some(Peers::install()?) })
    }
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match Cli::parse().command {
        Command::Start(options) => {
            let peers = options.peers.install()?;
            show(runtime.block_on(start::measure(options.runs, peers.as_ref()))?)
        }
        Command::Warm(options) => {
            let peers = options.peers.install()?;
            show(runtime.block_on(warm::measure(options.events, peers.as_ref()))?)
        }
        Command::Parsing => show(parsing::measure()?),
        Command::Requests => show(requests::measure()?.0),
        Command::Capacity(size) => show(capacity::measure(size.carts)?),
        Command::Latency => show(runtime.block_on(latency::measure())?),
        Command::Money => show(money::measure()?),
        Command::All(everything) => all(&everything, &runtime),
        Command::Page => Published::of(&workspace()).rewrite(),
        Command::Guard { accept, only_requests } => {
            let told = runtime.block_on(async {
                if accept { guard::accept().await } else { guard::check(only_requests).await }
            })?;
            Ok(writeln!(std::io::stdout().lock(), "{told}")?)
        }
    }
}

/// Measures part by part and keeps each, so that what fails late takes nothing along; then shows the whole table.
fn all(everything: &Everything, runtime: &tokio::runtime::Runtime) -> anyhow::Result<()> {
    let published = Published::of(&workspace());
    let wanted = |part| everything.only.is_empty() || everything.only.contains(&part);
    let keep = |measures: Vec<Measure>| -> anyhow::Result<()> {
        let measured = measures.first().map_or_else(String::new, |measure| measure.part.clone());
        published.renew(measures)?;
        tell(&format!("measured and kept: {measured}"));
        Ok(())
    };
    if wanted(Part::Parsing) {
        keep(parsing::measure()?)?;
    }
    if wanted(Part::Requests) {
        let (measures, details) = requests::measure()?;
        published.keep_details(&details)?;
        keep(measures)?;
    }
    if wanted(Part::Capacity) {
        keep(capacity::measure(everything.size.carts)?)?;
    }
    let runs = &everything.runs;
    if wanted(Part::Start) || wanted(Part::Warm) {
        let peers = runs.peers.install()?;
        if wanted(Part::Start) {
            keep(runtime.block_on(start::measure(runs.runs, peers.as_ref()))?)?;
        }
        if wanted(Part::Warm) {
            keep(runtime.block_on(warm::measure(everything.events, peers.as_ref()))?)?;
        }
    }
    if wanted(Part::Latency) {
        keep(runtime.block_on(latency::measure())?)?;
    }
    if wanted(Part::Money) {
        keep(money::measure()?)?;
    }
    published.rewrite()?;
    write!(std::io::stdout().lock(), "{}", published.report()?.text())?;
    Ok(())
}

fn show(measures: Vec<Measure>) -> anyhow::Result<()> {
    write!(std::io::stdout().lock(), "{}", Report::of("", "", measures).text())?;
    Ok(())
}
