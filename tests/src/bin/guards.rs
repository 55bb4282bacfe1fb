//! Takes each guard of the threat model away and sees a test fail: `cargo run -p tests --bin guards`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tests::guards::Bench;
use tests::stack::workspace;

/// Takes each guard of docs/THREATS.md away and sees whether one of its tests fails.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only guards whose name holds this.
    #[arg(long)]
    only: Option<String>,
    /// What is built goes here; `target/guards` of the checkout otherwise.
    #[arg(long)]
    target: Option<PathBuf>,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let target = arguments.target.unwrap_or_else(|| workspace().join("target/guards"));
    let bench = Bench { workspace: workspace(), target, only: arguments.only };
    let outcome = bench.run(&|guard, missed| match missed {
        Some(test) => println!("{guard}: missed by {test}"),
        None => println!("{guard}: SURVIVES, no test misses it"),
    })?;
    println!("{} guards were missed, {} were not", outcome.missed.len(), outcome.survivors.len());
    Ok(if outcome.survivors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
