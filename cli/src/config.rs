//! `hashcart config`: the storefront that a stage's functions read.

pub(crate) mod diff;

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use console::style;
use domain::storefront::Storefront;
use lambda::clock::Clock;
use serde::Serialize;
use store::settings::{Pushed, Settings, Versioned};

use crate::stage::{StageArgs, stage_option};
use crate::storefront;
use crate::table::Table;
use crate::terminal::{confirmed, say};

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
    Show(ShowArgs),
    History(HistoryArgs),
    Rollback(RollbackArgs),
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

/// Checks a storefront, shows how it differs from the one in force, and puts it in its place.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hashcart config push storefront.toml --stage prod --dry-run    shows what would change
  hashcart config push storefront.toml --stage prod              shows it and asks
  hashcart config push storefront.toml --stage prod --yes        in a script
  hashcart config push mine.toml                                 into the running local stack

Every version is kept; the functions take the new one up within a minute. The local stack asks
nothing, and neither does the first push to a stage.")]
struct PushArgs {
    /// The storefront.
    #[arg(value_name = "FILE", default_value = "storefront.toml")]
    file: PathBuf,
    #[command(flatten)]
    change: ChangeArgs,
}

/// What every change to a stage's storefront needs.
#[derive(Clone, Debug, clap::Args)]
struct ChangeArgs {
    #[command(flatten)]
    stage: StageArgs,
    /// Doesn't ask.
    #[arg(long)]
    yes: bool,
    /// Shows what would change and changes nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Prints the storefront in force, or an earlier version, as TOML.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hashcart config show --stage prod > storefront.toml
  hashcart config show --version 3 --stage prod

Defaults are written out; comments are not kept.")]
struct ShowArgs {
    /// An earlier version (default: the one in force).
    #[arg(long, value_name = "VERSION")]
    version: Option<u64>,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stage: StageArgs,
}

/// Lists every version that was pushed to a stage, the newest first.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Example:
  hashcart config history --stage prod")]
struct HistoryArgs {
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stage: StageArgs,
}

/// Puts an earlier version in force again, as a new version. Shows the differences and asks, as `push` does.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Example:
  hashcart config rollback 3 --stage prod")]
struct RollbackArgs {
    /// The version, as `hashcart config history` lists it.
    #[arg(value_name = "VERSION")]
    version: u64,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Runs the action.
///
/// # Errors
/// When the file is not a valid storefront, the stage can't be reached, or nobody is there to ask.
pub async fn run(args: Args) -> anyhow::Result<()> {
    match args.action {
        Action::Check(args) => {
            let storefront = storefront::read(&args.file, false)?;
            say(format!("{} is a valid storefront of {}.", args.file.display(), storefront.brand));
            Ok(())
        }
        Action::Push(args) => {
            let storefront = storefront::read(&args.file, args.change.stage.is_local())?;
            put_in_force(&args.change, &storefront, current(&args.change.stage).await?).await
        }
        Action::Show(args) => show(&args).await,
        Action::History(args) => history(&args).await,
        Action::Rollback(args) => rollback(&args).await,
    }
}

/// A stage's settings and the storefront in force there.
async fn current(stage: &StageArgs) -> anyhow::Result<(Settings, Option<Versioned<Storefront>>)> {
    let settings = stage.settings().await?;
    let current = settings.current().await.with_context(|| {
        format!(
            "the settings of the stage {} can't be read: is it deployed, in this region and account?",
            stage.name
        )
    })?;
    Ok((settings, current))
}

// ---------------------------------------------------------------- push, rollback

async fn put_in_force(
    args: &ChangeArgs,
    storefront: &Storefront,
    (settings, current): (Settings, Option<Versioned<Storefront>>),
) -> anyhow::Result<()> {
    let stage = &args.stage;
    if current.as_ref().is_some_and(|current| current.value == *storefront) {
        say(format!("The stage {} uses this storefront already: nothing to do.", stage.name));
        return Ok(());
    }
    match &current {
        Some(current) => tell_changes(current, storefront, stage)?,
        None => say(format!("The first storefront of the stage {}: {}", stage.name, summary(storefront))),
    }
    if args.dry_run {
        say("Dry run: nothing was changed.");
        return Ok(());
    }
    let asks = current.is_some() && !stage.is_local() && !args.yes;
    if asks && !confirmed(&format!("Put this in force on {}?", stage.name)).await? {
        say("Nothing was changed.");
        return Ok(());
    }
    let expected = current.map(|current| current.version);
    match settings.push(storefront, expected, Clock::system().now()).await? {
        Pushed::Version(version) => {
            say(format!(
                "The stage {} uses version {version} now; its functions within a minute.",
                stage.name
            ));
            Ok(())
        }
        Pushed::Conflict { .. } => {
            bail!(
                "somebody else pushed at this moment: look at theirs (`hashcart config show{}`) and push again",
                stage_option(&stage.name)
            )
        }
    }
}

fn tell_changes(current: &Versioned<Storefront>, new: &Storefront, stage: &StageArgs) -> anyhow::Result<()> {
    say(format!("Against version {} in force on {}:\n", current.version, stage.name));
    for change in diff::changes(&current.value, new)? {
        say(match change.kind {
            diff::Kind::Added(_) => style(format!("  {change}")).green(),
            diff::Kind::Removed(_) => style(format!("  {change}")).red(),
            diff::Kind::Changed(..) => style(format!("  {change}")).yellow(),
        });
    }
    say("");
    for danger in diff::dangers(&current.value, new) {
        say(format!("{} {danger}.", style("Careful:").red().bold()));
    }
    Ok(())
}

fn summary(storefront: &Storefront) -> String {
    let tags = storefront.marketplaces.iter().flat_map(|marketplace| &marketplace.cart_tags);
    let tags: Vec<String> = tags.map(|tag| format!("#{tag}")).collect();
    let networks: Vec<&str> = storefront.networks.iter().map(|network| network.id.as_str()).collect();
    format!("{}, {} on {}.", storefront.brand, tags.join(" "), networks.join(", "))
}

async fn rollback(args: &RollbackArgs) -> anyhow::Result<()> {
    let stage = &args.change.stage;
    let (settings, current) = current(stage).await?;
    let earlier = version(&settings, args.version, stage).await?.value;
    // It was valid when it was pushed; rules may have become stricter since.
    let problems = earlier.check(stage.is_local());
    if let Some(problem) = problems.first() {
        bail!("version {} is not valid any more: {problem}", args.version);
    }
    put_in_force(&args.change, &earlier, (settings, current)).await
}

async fn version(
    settings: &Settings,
    version: u64,
    stage: &StageArgs,
) -> anyhow::Result<Versioned<Storefront>> {
    let found = settings.version(version).await;
    let found =
        found.with_context(|| format!("version {version} can't be read by this release of Hashcart"))?;
    found.with_context(|| {
        format!(
            "the stage {} has no version {version}: `hashcart config history --stage {0}` lists them",
            stage.name
        )
    })
}

// ---------------------------------------------------------------- show, history

async fn show(args: &ShowArgs) -> anyhow::Result<()> {
    let (settings, current) = current(&args.stage).await?;
    let shown = match args.version {
        Some(number) => version(&settings, number, &args.stage).await?,
        None => current.with_context(|| args.stage.no_storefront())?,
    };
    if args.json {
        say(serde_json::to_string_pretty(&shown.value)?);
    } else {
        say(format!("# Version {}, pushed at {}", shown.version, shown.pushed_at));
        say(toml::to_string(&shown.value).context("this storefront can't be written as TOML")?.trim_end());
    }
    Ok(())
}

/// A line of the history, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Listed {
    version: u64,
    pushed_at: String,
    in_force: bool,
}

async fn history(args: &HistoryArgs) -> anyhow::Result<()> {
    let (settings, current) = current(&args.stage).await?;
    let in_force = current.with_context(|| args.stage.no_storefront())?.version;
    let versions = settings.versions().await.context("the versions can't be read")?;
    let listed: Vec<Listed> = versions
        .into_iter()
        .rev()
        .map(|(version, at)| Listed { version, pushed_at: at.to_string(), in_force: version == in_force })
        .collect();
    if args.json {
        say(serde_json::to_string_pretty(&listed)?);
        return Ok(());
    }
    let mut table = Table::new(&[">version", "pushed at", ""]);
    for line in listed {
        let force = if line.in_force { style("in force").green().to_string() } else { String::new() };
        table.row([line.version.to_string(), line.pushed_at, force]);
    }
    table.lines().iter().for_each(say);
    Ok(())
}
