//! The `hashcart` command.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    match hashcart::run(hashcart::Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody may be reading any more: then there is nobody to tell that to either.
            let _ = writeln!(std::io::stderr(), "hashcart: {error:#}");
            ExitCode::FAILURE
        }
    }
}
