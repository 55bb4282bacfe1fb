//! `hashcart catalog`: takes a shop's product feed into the catalogue, or only looks at it.

mod import;
mod source;

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use console::style;
use domain::storefront::{Marketplace, Storefront};
use indicatif::{ProgressBar, ProgressStyle};
use shops::feed::RejectedRow;
use store::catalog::Catalog;
use store::settings::Settings;

pub use import::{Caution, Job, Summary, import, import_file};

use crate::checkout::Checkout;
use crate::stage::StageArgs;
use crate::storefront;
use crate::terminal::say;

/// How many rejected rows are shown on the terminal; a report file holds all of them.
const SHOWN: u64 = 20;
/// Where the configuration is looked for.
const STOREFRONT: &str = "storefront.toml";

/// Takes a shop's product feed into the catalogue, or only looks at it.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    Import(ImportArgs),
    Check(CheckArgs),
}

/// Takes a product feed (Google Merchant: TSV, CSV, RSS or Atom) into the catalogue.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hashcart catalog import feed.xml --marketplace us          into the local stack that runs here
  hashcart catalog import https://shop.example/feed.tsv --marketplace us --stage prod
  hashcart catalog import --marketplace us --stage prod      the feed that the storefront names
  hashcart catalog import feed.csv --dry-run                 says what would change, writes nothing
  curl -s ftp://… | hashcart catalog import - --marketplace uk --report rejected.tsv

Only what differs is written. A product that the feed no longer lists goes out of stock; if more
than half would, nothing does unless you say --force. A row that can't be read is reported with its
line and the reason, and what was known of it stays. It ends with status 1 if the feed can't be read
(to its end), holds no product, or rejects more rows than --max-rejected.")]
struct ImportArgs {
    /// The feed: a file, an https address, or `-` for the standard input (default: the marketplace's
    /// `feed` in the storefront).
    #[arg(value_name = "FILE|URL")]
    source: Option<String>,
    /// The marketplace that sells these products (default: the only one).
    #[arg(long, short, value_name = "ID")]
    marketplace: Option<String>,
    #[command(flatten)]
    stage: StageArgs,
    /// The configuration (default: the one that was pushed to the stage).
    #[arg(long, value_name = "FILE")]
    storefront: Option<PathBuf>,
    /// Says what would change and writes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Lets products vanish even if it is more than half of them.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    rejected: RejectedArgs,
}

/// Looks at a product feed without AWS: what would be rejected, and why.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hashcart catalog check feed.xml --marketplace us
  hashcart catalog check https://shop.example/feed.tsv --report rejected.tsv

Handy before a feed is published: `--max-rejected 0` makes any rejected row a failure.")]
struct CheckArgs {
    /// The feed: a file, an https address, or `-` for the standard input.
    #[arg(value_name = "FILE|URL")]
    source: String,
    /// The marketplace that sells these products (default: the only one).
    #[arg(long, short, value_name = "ID")]
    marketplace: Option<String>,
    /// The configuration (default: `storefront.toml` here, else the demonstration's).
    #[arg(long, value_name = "FILE")]
    storefront: Option<PathBuf>,
    #[command(flatten)]
    rejected: RejectedArgs,
}

#[derive(Clone, Debug, clap::Args)]
struct RejectedArgs {
    /// Writes every rejected row to a file (tab-separated: line, id, field, reason).
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Fails if more rows than this are rejected.
    #[arg(long, value_name = "N")]
    max_rejected: Option<u64>,
}

/// Imports or checks a feed and prints what came of it.
///
/// # Errors
/// When the feed can't be read to its end, nothing in it can be imported, more rows than allowed were
/// rejected, most products would vanish, or the catalogue can't be written.
pub async fn run(args: Args) -> anyhow::Result<()> {
    match args.action {
        Action::Import(args) => run_import(args).await,
        Action::Check(args) => run_check(args).await,
    }
}

async fn run_import(args: ImportArgs) -> anyhow::Result<()> {
    let aws = args.stage.aws().await?;
    let (storefront, folder) = match &args.storefront {
        Some(path) => (storefront::read(path, true)?, path.parent().map(Path::to_owned)),
        None => (pushed(&args.stage.settings().await?, &args.stage.name).await?, None),
    };
    let marketplace = marketplace(&storefront, args.marketplace.as_deref())?;
    let source = source_of(args.source.as_deref(), marketplace, folder.as_deref())?;
    let job = Job {
        marketplace,
        default_exposure: storefront.map.price_exposure,
        dry_run: args.dry_run,
        force: args.force,
        max_rejected: args.rejected.max_rejected,
    };
    let catalog = Catalog::new(aws.dynamodb(), args.stage.table("catalog"));
    take(Some(&catalog), &source, &job, args.rejected.report.as_deref()).await
}

async fn run_check(args: CheckArgs) -> anyhow::Result<()> {
    let path = args.storefront.clone().map_or_else(default_storefront, Ok)?;
    let storefront = storefront::read(&path, true)?;
    let job = Job {
        marketplace: marketplace(&storefront, args.marketplace.as_deref())?,
        default_exposure: storefront.map.price_exposure,
        dry_run: true,
        force: false,
        max_rejected: args.rejected.max_rejected,
    };
    take(None, &args.source, &job, args.rejected.report.as_deref()).await
}

/// Reads the feed, shows progress, rejected rows and the sum, and fails where there is cause.
async fn take(
    catalog: Option<&Catalog>,
    source: &str,
    job: &Job<'_>,
    report: Option<&Path>,
) -> anyhow::Result<()> {
    let (reader, length) = source::open(source).await?;
    let bar = bar(length);
    let mut report = report.map(Report::create).transpose()?;
    let watch = |summary: &Summary, rejected: Option<&RejectedRow>| {
        bar.set_message(format!("{} rows", summary.rows()));
        let Some(row) = rejected else { return Ok(()) };
        if summary.rejected <= SHOWN {
            bar.suspend(|| say(format!("  {} {row}", style("✗").red())));
        }
        report.as_mut().map_or(Ok(()), |report| report.add(row))
    };
    let taken = import(catalog, bar.wrap_read(reader), job, watch).await;
    bar.finish_and_clear();
    if let Some(report) = report {
        report.finish()?;
    }
    let summary = taken.with_context(|| format!("{} can't be imported", source::shown(source)))?;
    show(catalog.is_some(), job, source, &summary);
    summary.caution.map_or(Ok(()), |caution| Err(caution.into()))
}

fn show(imported: bool, job: &Job<'_>, source: &str, summary: &Summary) {
    if summary.rejected > SHOWN {
        let more = summary.rejected - SHOWN;
        say(format!("  {} and {more} more rows: --report FILE writes all of them", style("✗").red()));
    }
    if let Some((first, second)) = &summary.shared_link {
        say(format!(
            "  {} {} products share their canonical link with another ({first} and {second}, for one): a \
             link in a post can't tell them apart. Name the query parameters that do in \
             `product_parameters`, those that choose a variant in `variant_parameters`.",
            style("!").yellow(),
            summary.shared_links
        ));
    }
    let what = if imported {
        let would = if job.dry_run { " (dry run: nothing was written)" } else { "" };
        format!(
            "{} new, {} changed, {} unchanged, {} vanished, {} rejected{would}",
            summary.new, summary.changed, summary.unchanged, summary.vanished, summary.rejected
        )
    } else {
        format!("{} good, {} rejected", summary.accepted(), summary.rejected)
    };
    say(format!("{} from {}: {what}", style(&job.marketplace.id).bold(), source::shown(source)));
}

/// Shown on a terminal only; bytes where the length is known.
fn bar(length: Option<u64>) -> ProgressBar {
    let (bar, template) = match length {
        Some(length) => {
            (ProgressBar::new(length), "{bar:30} {bytes}/{total_bytes}  {msg}  {elapsed}, {eta} left")
        }
        None => (ProgressBar::new_spinner(), "{spinner} {bytes}  {msg}  {elapsed}"),
    };
    bar.enable_steady_tick(Duration::from_millis(120));
    ProgressStyle::with_template(template).map_or(bar.clone(), |style| bar.with_style(style))
}

/// A file that lists the rejected rows.
struct Report {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Report {
    fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create(path).with_context(|| format!("{} can't be written", path.display()))?;
        let mut report = Self { path: path.to_owned(), file: BufWriter::new(file) };
        report.line(["line", "id", "field", "reason"])?;
        Ok(report)
    }

    fn add(&mut self, row: &RejectedRow) -> anyhow::Result<()> {
        let field = row.field.map_or("", shops::feed::Field::name);
        self.line([
            &row.line.to_string(),
            row.id.as_deref().unwrap_or_default(),
            field,
            &row.problem.to_string(),
        ])
    }

    fn line(&mut self, fields: [&str; 4]) -> anyhow::Result<()> {
        let plain = |text: &str| text.replace(|c: char| c.is_control(), " ");
        let line = fields.map(plain).join("\t");
        writeln!(self.file, "{line}").with_context(|| format!("{} can't be written", self.path.display()))
    }

    fn finish(mut self) -> anyhow::Result<()> {
        self.file.flush().with_context(|| format!("{} can't be written", self.path.display()))
    }
}

fn marketplace<'a>(storefront: &'a Storefront, id: Option<&str>) -> anyhow::Result<&'a Marketplace> {
    let known = || {
        let ids: Vec<&str> = storefront.marketplaces.iter().map(|m| m.id.as_str()).collect();
        ids.join(", ")
    };
    match (id, storefront.marketplaces.as_slice()) {
        (Some(id), all) => all
            .iter()
            .find(|marketplace| marketplace.id.as_str() == id)
            .with_context(|| format!("the storefront has no marketplace `{id}`, only {}", known())),
        (None, [only]) => Ok(only),
        (None, _) => bail!("which marketplace? Say --marketplace with one of {}", known()),
    }
}

/// What is to be read: what was asked for, else the marketplace's own feed, beside the storefront where
/// it is a file.
fn source_of(
    asked: Option<&str>,
    marketplace: &Marketplace,
    folder: Option<&Path>,
) -> anyhow::Result<String> {
    match (asked, &marketplace.feed, folder) {
        (Some(asked), _, _) => Ok(asked.to_owned()),
        (None, Some(feed), Some(folder)) if !feed.contains("://") => {
            Ok(folder.join(feed).to_string_lossy().into_owned())
        }
        (None, Some(feed), _) => Ok(feed.clone()),
        (None, None, _) => bail!(
            "which feed? Name a file or an address, or set `feed` for the marketplace `{}` in the storefront",
            marketplace.id
        ),
    }
}

fn default_storefront() -> anyhow::Result<PathBuf> {
    let here = PathBuf::from(STOREFRONT);
    if here.is_file() {
        return Ok(here);
    }
    let checkout =
        Checkout::find().context("there is no storefront.toml here: name one with --storefront")?;
    Ok(checkout.demo_storefront())
}

/// The storefront that the stage's functions read: links are made canonical by it on both sides.
async fn pushed(settings: &Settings, stage: &str) -> anyhow::Result<Storefront> {
    let current = settings.current().await;
    let current = current.with_context(|| format!("the storefront of the stage {stage} can't be read"))?;
    let none =
        || format!("no storefront has been pushed to the stage {stage} yet: name one with --storefront");
    Ok(current.with_context(none)?.value)
}
