//! The `hashcart` command: the whole of Hashcart on one machine, and the operator's tools.

pub mod catalog;
mod checkout;
pub mod completions;
pub mod config;
pub mod cost;
pub mod dlq;
pub mod doctor;
pub mod explain;
pub mod load;
pub mod local;
mod logs;
pub mod pause;
mod playground;
mod queues;
pub mod replay;
pub mod secrets;
mod signals;
mod stage;
pub mod stats;
mod storefront;
mod table;
mod terminal;
pub mod trace;

use clap::{CommandFactory as _, Parser, Subcommand};

/// Put products into a cart by answering a post.
#[derive(Debug, Parser)]
#[command(
    name = "hashcart",
    version,
    max_term_width = 100,
    after_help = "Examples:
  hashcart                              in a checkout: `hashcart local`, everything on this machine
  hashcart catalog import feed.xml      takes a product feed into the catalogue
  echo '{\"text\":\"@acme #AcmeCart x2\"}' | hashcart explain
  hashcart secrets init --stage prod    makes up the keys that are ours
  hashcart config push storefront.toml --stage prod
  hashcart doctor --stage prod          finds what is missing, with the remedy

`hashcart help COMMAND` explains each command with its own examples."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Local(local::Args),
    Catalog(catalog::Args),
    Config(config::Args),
    Cost(cost::Args),
    Dlq(dlq::Args),
    Doctor(doctor::Args),
    Explain(explain::Args),
    Load(load::Args),
    Pause(pause::PauseArgs),
    Replay(replay::Args),
    Resume(pause::ResumeArgs),
    Secrets(secrets::Args),
    Stats(stats::Args),
    Trace(trace::Args),
    Completions(completions::CompletionsArgs),
    Man(completions::ManArgs),
}

/// Runs the command line.
///
/// # Errors
/// What the command says went wrong, for the person at the terminal.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Some(Command::Local(args)) => local::run(args).await,
        Some(Command::Catalog(args)) => catalog::run(args).await,
        Some(Command::Dlq(args)) => dlq::run(args).await,
        Some(Command::Doctor(args)) => doctor::run(args).await,
        Some(Command::Explain(args)) => explain::run(args).await,
        Some(Command::Cost(args)) => cost::run(args).await,
        Some(Command::Load(args)) => load::run(args).await,
        Some(Command::Config(args)) => config::run(args).await,
        Some(Command::Pause(args)) => pause::pause(args).await,
        Some(Command::Replay(args)) => replay::run(args).await,
        Some(Command::Resume(args)) => pause::resume(args).await,
        Some(Command::Secrets(args)) => secrets::run(args).await,
        Some(Command::Stats(args)) => stats::run(args).await,
        Some(Command::Trace(args)) => trace::run(args).await,
        Some(Command::Completions(args)) => completions::completions(&args, Cli::command()),
        Some(Command::Man(args)) => completions::man(&args, Cli::command()),
        None if checkout::Checkout::find().is_ok() => local::run(local::Args::default()).await,
        None => Ok(Cli::command().print_long_help()?),
    }
}

/// Gives every TLS client of this process its cryptography, ring, once.
fn install_tls() {
    // A second call finds the first one's provider and leaves it.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
