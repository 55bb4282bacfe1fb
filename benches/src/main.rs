//! `cargo run -p benches -- all`: measures everything, or a part of it, and keeps what was measured.

use clap::{Parser, Subcommand};

/// Measures what Hashcart costs, and shows the table.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {}
}
