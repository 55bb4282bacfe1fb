//! `hashcart config`: the storefront that a stage's functions read.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use lambda::clock::Clock;
use store::settings::Pushed;

use crate::stage::StageArgs;
use crate::storefront;
use crate::terminal::say;

/// Checks `storefront.toml` and makes it the one that a stage uses.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    Check(CheckArgs),
    Push(PushArgs),
}

/// Reads a storefront and names every problem with its key and line. Needs no AWS.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Example:
  hashcart config check storefront.toml")]
struct CheckArgs {
    /// The storefront.
    #[arg(value_name = "FILE", default_value = "storefront.toml")]
    file: PathBuf,
}

/// Checks a storefront and makes it the stage's. Every version is kept; the functions take the new one up
/// within a minute.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hashcart config push storefront.toml --stage prod
  hashcart config push demo/storefront.toml          into the running local stack")]
struct PushArgs {
    /// The storefront.
    #[arg(value_name = "FILE", default_value = "storefront.toml")]
    file: PathBuf,
    #[command(flatten)]
    stage: StageArgs,
}

/// Checks or pushes.
///
/// # Errors
/// When the file is not a valid storefront, or the stage can't be reached.
pub async fn run(args: Args) -> anyhow::Result<()> {
    match args.action {
        Action::Check(args) => {
            let storefront = storefront::read(&args.file, false)?;
            say(format!("{} is a valid storefront of {}.", args.file.display(), storefront.brand));
            Ok(())
        }
        Action::Push(args) => push(&args).await,
    }
}

async fn push(args: &PushArgs) -> anyhow::Result<()> {
    let storefront = storefront::read(&args.file, args.stage.is_local())?;
    let settings = args.stage.settings().await?;
    let stage = &args.stage.name;
    let current = settings
        .current()
        .await
        .with_context(|| format!("the settings of the stage {stage} can't be read"))?;
    if current.as_ref().is_some_and(|current| current.value == storefront) {
        say(format!("The stage {stage} uses this storefront already."));
        return Ok(());
    }
    let expected = current.map(|current| current.version);
    match settings.push(&storefront, expected, Clock::system().now()).await? {
        Pushed::Version(version) => {
            say(format!("The stage {stage} uses version {version} now; its functions within a minute."));
            Ok(())
        }
        Pushed::Conflict { .. } => {
            bail!("somebody else pushed at this moment: look at theirs and push again")
        }
    }
}
