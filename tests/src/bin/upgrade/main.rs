//! Upgrades a running stack from an earlier version to the present one while work is under way, and finds
//! all of it done exactly once.
//!
//! ```console
//! $ cargo run -p tests --bin upgrade                    # from the last release
//! $ cargo run -p tests --bin upgrade -- --from v0.1.0
//! ```
//!
//! The earlier version's local stack is started and does some work. Then its functions are taken off
//! their queues one by one, so that each queue holds messages that the earlier version wrote, each of
//! them twice; other work waits in the tables: parked commands, and a notice that somebody has claimed
//! and will not finish. Now the present template and functions are deployed as an update of the same
//! stack. The playground stays the earlier one: it is the network and the mail that the world would be.

mod earlier;
mod flight;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use clap::Parser;
use tests::stack::{Stack, workspace};

use earlier::Earlier;
use flight::{Deployments, Flight};

/// Upgrades a stack from an earlier version with work under way.
#[derive(Parser)]
struct Args {
    /// The earlier version: a tag, a branch or a commit. Without it the last release before this commit.
    #[arg(long, value_name = "REF")]
    from: Option<String>,
    /// Where the earlier version is built; kept, so that the next run is quicker.
    #[arg(long, value_name = "DIR")]
    target_dir: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("upgrade: {error:?}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> anyhow::Result<()> {
    let from = match args.from {
        Some(from) => from,
        None => match earlier::last_release() {
            Some(release) => release,
            None => {
                eprintln!(
                    "upgrade: NOTHING WAS TESTED. This clone knows no release before this commit to upgrade from. If \
                     there is one, `git fetch --unshallow --tags`; or name another version by --from."
                );
                return Ok(());
            }
        },
    };
    let started = Instant::now();
    let step = |what: &str| println!("{:>5.0} s  {what}", started.elapsed().as_secs_f64());
    let earlier = Earlier::check_out(&from)?;
    let target = args.target_dir.unwrap_or_else(|| workspace().join(".hashcart/upgrade/target"));
    // Both versions' programs have the same names.
    ensure!(
        !std::env::current_exe()?.starts_with(&target),
        "--target-dir must be another than the present version's"
    );
    step(&format!("building {}", earlier.name));
    let old = earlier.build(&target)?;
    step("building the present version");
    let new = earlier::build_present()?;

    step(&format!("starting the stack of {}", earlier.name));
    let data = workspace().join(".hashcart/upgrade/data");
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    let hashcart = old.get("hashcart").context("the earlier hashcart")?.display().to_string();
    let stack = Stack::start_by(&[hashcart], &earlier.tree, &data).await?;
    let deployments = Deployments::of(&stack, &earlier, old, new)?;
    step("work that is done, and work that waits on each queue and in the tables");
    let flight = Flight::begin(&stack, &deployments).await?;
    step("deploying the present version over it");
    deployments.present().await?;
    step("waiting until all is done");
    flight.end(&stack, &deployments).await?;
    stack.stop()?;
    step(&format!("from {} to the present version: everything done, nothing twice", earlier.name));
    Ok(())
}
