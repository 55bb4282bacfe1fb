//! `hashcart load`: puts a stage under load with posts of a generic network, and says what came of it.

mod mix;
mod plot;
mod progress;
mod report;
mod seen;
mod sending;
mod shoppers;
mod stages;
mod target;
mod throttles;
mod timeline;
mod verify;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use domain::ids::{CustomerId, NetworkId};
use domain::time::Timestamp;
use indicatif::ProgressBar;
use lambda::aws::Aws;
use lambda::clock::Clock;
use store::carts::Carts;
use store::deliveries::Deliveries;
use tokio::sync::mpsc;
use tokio::time::Instant;
use ulid::Ulid;
use url::Url;

use crate::logs::Search;
use crate::queues::Queues;
use crate::signals::{INTERRUPTED, Interrupt};
use crate::stage::{StageArgs, stage_option};
use crate::stats::since;
use crate::terminal::{complain, say};
use mix::{Mix, Posts};
use progress::Progress;
use report::Report;
use seen::{Seen, Sent};
use sending::{Answer, Sending};
use shoppers::Shoppers;
use stages::Ways;
use target::Target;
use verify::Verified;
use watch::{QUEUES, Watch, Watched};

/// How many posts are followed through the logs at most, about.
const FOLLOWED: u64 = 3000;
/// What one shopper asks for on average, as a part of what they may in an hour.
const PART_OF_LIMIT: u32 = 3;
/// The most shoppers that are linked without being asked for.
const MOST_SHOPPERS: u32 = 1000;

/// Puts a stage under load: signed posts of its generic network, from shoppers of the load's own, and a
/// report of how long each stage took and whether anything was lost or doubled.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hashcart load                                       200 posts at once, on the stack that runs here
  hashcart load --posts 1000 --rate 50 --mix spread --plot load.svg
  hashcart load --posts 100000 --mix unwanted --connections 64
  hashcart load --posts 500 --mix hot-product=1,hot-thread=1 --json
  hashcart load --stage dev --posts 5000 --rate 100   asks first; --yes doesn't
  hashcart load --stage dev --clean 01kanq7x3v        after a run that was killed

Shapes of post: unwanted (no tag of ours), spread (many shoppers, many products), hot-product,
hot-shopper, hot-thread (many answers to one post).

It sends to the stage's own webhook only. Its shoppers are called hashcart-load-…; they are
linked like real ones, their mails go to SES's mailbox simulator, and at the end they are erased
with their carts. The network gets replies to posts that it doesn't know. On AWS all of it costs
what real posts cost: `hashcart cost`.

Exit status: 0, every post came to its one end; 1, something is missing, lost or doubled; 130,
interrupted.")]
pub struct Args {
    /// How many posts.
    #[arg(long, default_value_t = 200, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    posts: u32,
    /// Posts a second, whatever the answers take; without it as fast as the connections allow.
    #[arg(long, value_name = "PER_SECOND", value_parser = rate)]
    rate: Option<f64>,
    /// How many requests are under way at the same time at most.
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    connections: u32,
    /// Shapes of post with their weights.
    #[arg(
        long,
        default_value = "unwanted=5,spread=2,hot-product=1,hot-shopper=1,hot-thread=1",
        value_name = "SHAPE[=WEIGHT],…"
    )]
    mix: Mix,
    /// How many shoppers (default: so many that none is over the storefront's limit, but the hot one).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    shoppers: Option<u32>,
    /// What the shapes and products are chosen by; the same seed makes the same posts.
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    seed: u64,
    /// The generic network, where the storefront has several.
    #[arg(long, value_name = "ID")]
    network: Option<String>,
    /// The post that a hot thread answers, by its id on the network, which is then asked for it (default:
    /// the posts bring it with them).
    #[arg(long, value_name = "POST")]
    parent: Option<String>,
    /// Another address of the stage's own: its domain in place of its API's address.
    #[arg(long, value_name = "URL")]
    to: Option<Url>,
    /// How long posts are waited for after the last one was sent, as in 10m or 1h.
    #[arg(long, default_value = "15m", value_name = "TIME", value_parser = since)]
    deadline: Duration,
    /// Leaves the shoppers and their carts, to be looked at; `--clean RUN` erases them.
    #[arg(long)]
    keep: bool,
    /// Erases what a run has left, and does nothing else.
    #[arg(long, value_name = "RUN", value_parser = run_name)]
    clean: Option<String>,
    /// Draws the load into an SVG.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// JSON instead of tables.
    #[arg(long)]
    json: bool,
    /// Doesn't ask before a stage of AWS is put under load.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    stage: StageArgs,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok().filter(|rate| (0.01..=100_000.0).contains(rate));
    rate.ok_or_else(|| "must be posts a second, from 0.01 to 100000".to_owned())
}

/// The name of a run, as `hashcart load` prints it: never something that could name other shoppers.
fn run_name(text: &str) -> Result<String, String> {
    let is_name =
        text.len() == RUN_LENGTH && text.chars().all(|c| c.is_ascii_digit() || c.is_ascii_lowercase());
    if is_name { Ok(text.to_owned()) } else { Err("must be a run's name, such as 01kanq7x3v".to_owned()) }
}

/// The length of a run's name: the time in a ULID.
const RUN_LENGTH: usize = 10;

/// A name for a run: the time of its beginning.
fn new_run() -> String {
    Ulid::generate().to_string().to_lowercase().chars().take(RUN_LENGTH).collect()
}

/// Sends, waits, verifies, reports.
///
/// # Errors
/// When the stage can't be put under load, or a post is missing, lost or doubled.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let aws = args.stage.aws().await?;
    let target = Target::of(&args, &aws).await?;
    if let Some(run) = &args.clean {
        let erased = Shoppers::new(&args.stage, &aws, &target.network.id, run).erase().await?;
        say(format!("{erased} shoppers of the run {run} erased."));
        return Ok(());
    }
    let what = format!(
        "{} posts ({}) to {}: on AWS they cost what real ones cost.",
        args.posts, args.mix, target.webhook
    );
    target::confirm(&args.stage, args.yes, &what).await?;
    let load = Load::prepare(&args, aws, target).await?;
    let report = load.run(&args).await;
    load.clean_up(&args).await?;
    let report = report?;
    if let Some(file) = &args.plot {
        let svg = plot::svg(&report)?;
        std::fs::write(file, svg).with_context(|| format!("{} can't be written", file.display()))?;
    }
    match args.json {
        true => say(serde_json::to_string_pretty(&report)?),
        false => report.show(),
    }
    if load.interrupt.is_asked() {
        std::process::exit(INTERRUPTED);
    }
    match report.fault() {
        Some(fault) => bail!("run {}: {fault}", report.run),
        None => Ok(()),
    }
}

/// A load that is about to be run.
struct Load {
    aws: Aws,
    target: Target,
    posts: Arc<Posts>,
    shoppers: Shoppers,
    customers: Arc<Vec<CustomerId>>,
    interrupt: Interrupt,
}

impl Load {
    /// Links the shoppers and chooses the products.
    async fn prepare(args: &Args, aws: Aws, target: Target) -> anyhow::Result<Self> {
        let interrupt = Interrupt::listen_or("the shoppers stay until `hashcart load --clean`.")?;
        let wanted = args.mix.wanted_of(args.posts);
        let products =
            if args.mix.is_any_wanted() { target.products(&args.stage, &aws).await? } else { Vec::new() };
        let each = (target.commands_per_hour / PART_OF_LIMIT).max(1);
        // The hot one stands apart.
        let enough = wanted.div_ceil(each).clamp(1, MOST_SHOPPERS).saturating_add(1);
        let posts = Posts {
            run: new_run(),
            seed: args.seed,
            mix: args.mix.clone(),
            shoppers: args.shoppers.unwrap_or(enough),
            products,
            bot: target.network.bot_handle.clone(),
            tag: target.tag.clone(),
            parent: args.parent.clone(),
            follow_every: u64::from(wanted).div_ceil(FOLLOWED).max(1),
        };
        let shoppers = Shoppers::new(&args.stage, &aws, &target.network.id, &posts.run);
        let mut load =
            Self { aws, target, posts: Arc::new(posts), shoppers, customers: Arc::default(), interrupt };
        complain(format!(
            "Run {}: linking shoppers. Should it be killed: hashcart load --clean {0}{}",
            load.posts.run,
            stage_option(&args.stage.name)
        ));
        if args.mix.is_any_wanted() {
            load.customers = Arc::new(load.link().await?);
        }
        Ok(load)
    }

    async fn link(&self) -> anyhow::Result<Vec<CustomerId>> {
        let count = self.posts.shoppers;
        let progress = ProgressBar::new(u64::from(count));
        let linked = self.shoppers.link(&self.target, count, &progress).await;
        progress.finish_and_clear();
        linked
    }

    /// Erases the shoppers, unless they are to be looked at.
    async fn clean_up(&self, args: &Args) -> anyhow::Result<()> {
        if !args.keep {
            let erased = self.shoppers.erase().await;
            erased
                .with_context(|| format!("`hashcart load --clean {}` erases them later", self.posts.run))?;
        }
        Ok(())
    }

    async fn run(&self, args: &Args) -> anyhow::Result<Report> {
        let queues = Queues::new(&self.aws, &args.stage.name);
        let dead_before = dead_letters(&queues).await?;
        let (answers, answered) = mpsc::unbounded_channel();
        let (accepted, to_watch) = mpsc::unbounded_channel();
        let progress = Progress::new(args.posts);
        let (started, from) = (Instant::now(), Clock::system().now());
        let watched = tokio::spawn(self.watch(args, &queues, &progress).run(started, to_watch));
        let sending = tokio::spawn(self.sending(args).run(started, answers));
        let sent = self.collect(answered, &accepted, &progress).await?;
        drop(accepted);
        sending.await??;
        let watched = watched.await??;
        progress.finish();
        let ways = self.ways(args, from).await?;
        let verified = self.verify(&sent, &watched, &ways, &args.stage).await?;
        let dead = dead_letters(&queues).await?;
        let dead = dead.iter().zip(dead_before).map(|(now, before)| now.saturating_sub(before)).collect();
        let seen = Seen { from, sent, watched, ways, verified, dead };
        self.report(args, seen).await
    }

    fn sending(&self, args: &Args) -> Sending {
        Sending {
            posts: Arc::clone(&self.posts),
            count: args.posts,
            rate: args.rate,
            connections: args.connections,
            webhook: self.target.webhook.clone(),
            signing: self.target.signing.clone(),
            interrupt: self.interrupt.clone(),
        }
    }

    fn watch(&self, args: &Args, queues: &Queues, progress: &Progress) -> Watch {
        Watch {
            queues: queues.clone(),
            deliveries: Deliveries::new(self.aws.dynamodb(), args.stage.table("deliveries")),
            carts: Carts::new(self.aws.dynamodb(), args.stage.table("carts")),
            posts: Arc::clone(&self.posts),
            network: self.network().clone(),
            customers: Arc::clone(&self.customers),
            deadline: args.deadline,
            progress: progress.clone(),
            interrupt: self.interrupt.clone(),
        }
    }

    fn network(&self) -> &NetworkId {
        &self.target.network.id
    }

    /// Counts the answers as they come and passes on what was taken.
    async fn collect(
        &self,
        mut answered: mpsc::UnboundedReceiver<Answer>,
        accepted: &mpsc::UnboundedSender<u32>,
        progress: &Progress,
    ) -> anyhow::Result<Sent> {
        let mut sent = Sent::nothing()?;
        while let Some(answer) = answered.recv().await {
            let post = self.posts.post(answer.number);
            sent.add(&answer);
            *sent.shapes.entry(post.shape.name()).or_default() += 1;
            if answer.is_taken() && post.shape.is_wanted() {
                sent.expected += 1;
                sent.taken.entry(post.shopper).or_default().push(answer.number);
                if self.posts.is_followed(answer.number) {
                    sent.meant.insert(answer.number, answer.meant);
                }
                // Only a watch that failed listens no more; that it failed is told at the end.
                let _ = accepted.send(answer.number);
            }
            progress.answered();
        }
        Ok(sent)
    }

    async fn ways(&self, args: &Args, from: Timestamp) -> anyhow::Result<Ways> {
        if self.customers.is_empty() {
            return Ok(Ways::none());
        }
        let text = format!("{}#{}", self.network(), self.posts.followed());
        // Clocks differ a little.
        let from = from.minus(Duration::from_secs(5));
        let search = Search::new(&self.aws, &args.stage.name, &text, from);
        let ways = Ways::read(&search, &self.posts, self.network().as_str()).await?;
        if !ways.is_complete {
            complain("Not all log lines were looked at: there are too many. The stages are those of a part.");
        }
        Ok(ways)
    }

    async fn verify(
        &self,
        sent: &Sent,
        watched: &Watched,
        ways: &Ways,
        stage: &StageArgs,
    ) -> anyhow::Result<Verified> {
        let carts = Carts::new(self.aws.dynamodb(), stage.table("carts"));
        let found = verify::carts(&carts, &self.posts, self.network(), &self.customers, &sent.taken).await?;
        let notices_doubled = watched.doubled.saturating_add(ways.told_twice());
        Ok(Verified { notices_doubled, ..found })
    }

    async fn report(&self, args: &Args, seen: Seen) -> anyhow::Result<Report> {
        let (from, to) = (seen.from, Clock::system().now());
        let throttles = throttles::read(&self.aws, &args.stage, from, to).await?;
        let sending_s = seen.sent.last.as_secs_f64();
        let told_s = seen.told_at().as_secs_f64().max(sending_s);
        let (answered, ended) = (seen.sent.answers.values().sum::<u64>(), seen.watched.noticed);
        let per_s = |count: u64, seconds: f64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
        Ok(Report {
            stage: args.stage.name.clone(),
            run: self.posts.run.clone(),
            network: self.network().to_string(),
            from,
            to,
            posts: args.posts,
            seed: args.seed,
            rate_per_s: args.rate,
            connections: args.connections,
            shoppers: self.posts.shoppers,
            mix: args.mix.clone(),
            sending_s,
            sent_per_s: per_s(answered, sending_s),
            told_s,
            told_per_s: per_s(ended, told_s),
            expected: seen.sent.expected,
            ended,
            silent: seen.watched.silent,
            missing: u64::try_from(seen.watched.open.len()).unwrap_or(u64::MAX),
            missing_by_stage: seen.missing(),
            followed: seen.ways.len(),
            stages: seen.stages()?,
            queues: seen.queues(),
            outcomes: seen.outcomes(),
            notices: seen.notices(),
            retries: seen.ways.failures(),
            throttles,
            timeline: seen.timeline(self.posts.follow_every),
            answers: seen.answers(),
            shapes: seen.sent.shapes,
            verified: seen.verified,
        })
    }
}

/// How many messages each dead-letter queue of a post's way holds.
async fn dead_letters(queues: &Queues) -> anyhow::Result<Vec<u64>> {
    let count = async |queue: crate::queues::Queue| {
        let url = queues.url(&queue.physical_dead(queues.stage())).await?;
        anyhow::Ok(queues.counts(&url).await?.total())
    };
    futures::future::try_join_all(QUEUES.map(count)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_have_names_that_only_runs_have() {
        let run = new_run();
        assert_eq!(run_name(&run), Ok(run.clone()));
        for bad in ["", "alice", "01kanq7x3v-shopper", "../../../..", "01KANQ7X3V"] {
            assert!(run_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rates_have_bounds() {
        assert_eq!(rate("50"), Ok(50.0));
        for bad in ["0", "-1", "x", "inf", "NaN", "1e9"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }
}
