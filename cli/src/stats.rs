//! `hashcart stats`: what a stage holds and what it has done lately.
//!
//! Two sources, one shape: a deployed stage's metrics come from CloudWatch; the emulator doesn't turn
//! embedded metrics into metrics, so the local stack's are summed up from its functions' logs.

mod cloudwatch;
mod logs;
mod measured;
mod render;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use domain::ids::MarketplaceId;
use domain::time::Timestamp;
use lambda::aws::Aws;
use lambda::clock::Clock;
use serde::Serialize;
use store::ledger::{Event, Ledger, Row, day};
use store::settings::Settings;

use crate::queues::{Queue, Queues};
use crate::stage::StageArgs;
use crate::terminal::say;
pub(crate) use cloudwatch::sums;
use measured::{Latency, Measured, Sample};

/// As far back as CloudWatch lists the metrics that there are (two weeks).
const LONGEST: Duration = Duration::from_secs(14 * DAY_S);
const DAY_S: u64 = 24 * 60 * 60;

/// Shows queues, posts, outcomes, notices and sales of a stage at a glance.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hashcart stats                               the local stack that runs here
  hashcart stats --stage prod --since 1h
  hashcart stats --stage prod --since 7d --json

Queues and switches are those of this moment, everything else counts since then. On AWS, what
happened in the last minute or two may be missing.")]
pub struct Args {
    /// How far back, as in 30m, 24h or 7d; at most 14d.
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = since)]
    since: Duration,
    /// JSON instead of tables.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stage: StageArgs,
}

/// A time as in `30m`, `24h`, `7d`.
pub(crate) fn since(text: &str) -> Result<Duration, String> {
    let wrong = || "must be a time such as 30m, 24h or 7d, at most 14d".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        'm' => 60,
        'h' => 60 * 60,
        'd' => DAY_S,
        _ => return Err(wrong()),
    };
    let number: u64 = text.trim_end_matches(unit).parse().map_err(|_| wrong())?;
    let since = Duration::from_secs(number.saturating_mul(seconds));
    if since.is_zero() || since > LONGEST { Err(wrong()) } else { Ok(since) }
}

/// The time that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct Window {
    /// From here, a multiple of `step_s`.
    #[serde(rename = "from_ms")]
    from: Timestamp,
    /// Up to here.
    #[serde(rename = "to_ms")]
    to: Timestamp,
    /// What CloudWatch sums up at a time, in seconds.
    #[serde(skip)]
    step_s: u64,
}

impl Window {
    /// The window of this length that ends at `now`. Its beginning is on a full step, so that no sum is cut.
    fn new(since: Duration, now: Timestamp) -> Self {
        let step_s = if since.as_secs() <= DAY_S { 300 } else { 3600 };
        let from = now.minus(since).as_seconds();
        Self { from: Timestamp::from_seconds(from - from % step_s), to: now, step_s }
    }

    /// Whether a moment is in it.
    fn contains(&self, at: Timestamp) -> bool {
        (self.from..=self.to).contains(&at)
    }

    /// Its UTC days, as the ledger names them.
    fn days(&self) -> Vec<String> {
        let mut days = Vec::new();
        let mut at = self.from;
        while day(at) <= day(self.to) {
            days.push(day(at));
            at = at.plus(Duration::from_secs(DAY_S));
        }
        days
    }
}

/// A stage at a glance. What `--json` writes; fields are only ever added.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Stats {
    stage: String,
    #[serde(flatten)]
    window: Window,
    queues: Vec<QueueStats>,
    paused: Vec<Paused>,
    /// What networks delivered: network, result, count.
    webhooks: Vec<Sample>,
    /// Webhooks that were refused: network, reason, count.
    webhooks_refused: Vec<Sample>,
    /// What posts came to: network, result, count.
    classified: Vec<Sample>,
    /// How lines were decided: network, outcome, count.
    outcomes: Vec<Sample>,
    /// Replies and mails: network, channel, result, count.
    notices: Vec<Sample>,
    /// From a post to its notice; absent where there was none.
    latency: Option<Latency>,
    /// What was put back for minutes: network, reason, count.
    held: Vec<Sample>,
    /// Tries that failed and are repeated: function, count.
    retried: Vec<Sample>,
    /// Messages that went to a dead-letter queue: function, count.
    dead_lettered: Vec<Sample>,
    ledger: Vec<Sales>,
}

/// A queue and its dead-letter queue at this moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct QueueStats {
    queue: &'static str,
    waiting: u64,
    in_flight: u64,
    delayed: u64,
    /// The age of the oldest message in seconds, where it is known without touching the queue.
    oldest_s: Option<u64>,
    dead_letters: u64,
}

/// What is switched off on a network: `all`, `replies`, `mails`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Paused {
    network: String,
    what: Vec<&'static str>,
}

/// What posts led to at a marketplace, where somebody gets credit for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
struct Sales {
    marketplace: String,
    /// Lines that went into carts, and how many pieces.
    added: u64,
    added_pieces: u64,
    /// Lines in carts that were handed over to the shop.
    checkout: u64,
    /// Lines that were bought, and how many pieces.
    purchased: u64,
    purchased_pieces: u64,
}

/// Gathers and shows.
///
/// # Errors
/// When the stage can't be reached.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let aws = args.stage.aws().await?;
    let window = Window::new(args.since, Clock::system().now());
    let stats = gather(&aws, &args.stage, window).await?;
    if args.json {
        say(serde_json::to_string_pretty(&stats)?);
    } else {
        render::show(&stats);
    }
    Ok(())
}

async fn gather(aws: &Aws, stage: &StageArgs, window: Window) -> anyhow::Result<Stats> {
    let settings = Settings::new(aws.dynamodb(), stage.table("settings"));
    let snapshot = settings.snapshot().await;
    let snapshot =
        snapshot.with_context(|| format!("the settings of the stage {} can't be read", stage.name))?;
    let marketplaces: Vec<MarketplaceId> =
        snapshot.iter().flat_map(|s| &s.storefront.value.marketplaces).map(|m| m.id.clone()).collect();
    let mut paused: Vec<Paused> = snapshot
        .iter()
        .flat_map(|snapshot| &snapshot.pauses)
        .map(|(network, pause)| Paused {
            network: network.to_string(),
            what: [("all", pause.all), ("replies", pause.reply), ("mails", pause.mail)]
                .into_iter()
                .filter_map(|(what, is_off)| is_off.then_some(what))
                .collect(),
        })
        .filter(|paused| !paused.what.is_empty())
        .collect();
    paused.sort_by(|a, b| a.network.cmp(&b.network));
    let ledger = Ledger::new(aws.dynamodb(), stage.table("ledger"));
    let (measured, queues, ledger) = tokio::try_join!(
        measure(aws, stage, window),
        queues(aws, stage),
        sales(&ledger, &marketplaces, window)
    )?;
    Ok(assembled(stage.name.clone(), window, queues, paused, measured, ledger))
}

fn assembled(
    stage: String,
    window: Window,
    queues: Vec<QueueStats>,
    paused: Vec<Paused>,
    mut measured: Measured,
    ledger: Vec<Sales>,
) -> Stats {
    use lambda::metrics;
    Stats {
        stage,
        window,
        queues,
        paused,
        webhooks: measured.take(&metrics::WEBHOOK_EVENTS),
        webhooks_refused: measured.take(&metrics::WEBHOOKS_REFUSED),
        classified: measured.take(&metrics::CLASSIFIED),
        outcomes: measured.take(&metrics::DECIDED),
        notices: measured.take(&metrics::NOTICES),
        latency: measured.latency.take(),
        held: measured.take(&metrics::HELD),
        retried: measured.take(&metrics::RETRIED),
        dead_lettered: measured.take(&metrics::DEAD_LETTERED),
        ledger,
    }
}

/// The metrics of the window, from where the stage has them.
async fn measure(aws: &Aws, stage: &StageArgs, window: Window) -> anyhow::Result<Measured> {
    if stage.is_local() {
        logs::measure(aws, &stage.name, window).await
    } else {
        cloudwatch::measure(aws, &stage.name, window).await
    }
}

async fn queues(aws: &Aws, stage: &StageArgs) -> anyhow::Result<Vec<QueueStats>> {
    let queues = Queues::new(aws, &stage.name);
    let ages = match stage.is_local() {
        true => BTreeMap::new(),
        false => cloudwatch::oldest(aws, &stage.name, Clock::system().now()).await?,
    };
    let look_at = async |queue: Queue| {
        let counts = queues.counts(&queues.url(&queue.physical(queues.stage())).await?).await?;
        let dead = queues.counts(&queues.url(&queue.physical_dead(queues.stage())).await?).await?;
        anyhow::Ok(QueueStats {
            queue: queue.name(),
            waiting: counts.waiting,
            in_flight: counts.in_flight,
            delayed: counts.delayed,
            oldest_s: ages.get(&queue).copied(),
            dead_letters: dead.total(),
        })
    };
    futures::future::try_join_all(Queue::ALL.map(look_at)).await
}

async fn sales(
    ledger: &Ledger,
    marketplaces: &[MarketplaceId],
    window: Window,
) -> anyhow::Result<Vec<Sales>> {
    let read = async |marketplace: &MarketplaceId| {
        let mut sales = Sales { marketplace: marketplace.to_string(), ..Sales::default() };
        for day in window.days() {
            let rows = ledger.day(marketplace, &day).await.context("the ledger can't be read")?;
            rows.iter().filter(|row| window.contains(row.at)).for_each(|row| sales.add(row));
        }
        anyhow::Ok(sales)
    };
    futures::future::try_join_all(marketplaces.iter().map(read)).await
}

impl Sales {
    fn add(&mut self, row: &Row) {
        let pieces = u64::from(row.quantity.unwrap_or(1));
        match row.event {
            Event::Seen => {}
            Event::Added => (self.added, self.added_pieces) = (self.added + 1, self.added_pieces + pieces),
            Event::Checkout => self.checkout += 1,
            Event::Purchased => {
                (self.purchased, self.purchased_pieces) =
                    (self.purchased + 1, self.purchased_pieces + pieces);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit_and_a_bound() {
        for (text, seconds) in [("30m", 1800), ("24h", 86_400), ("7d", 604_800), ("14d", 1_209_600)] {
            assert_eq!(since(text), Ok(Duration::from_secs(seconds)));
        }
        for text in ["", "h", "0m", "15d", "24", "-1h", "1w", "99999999999999999999d", "1é"] {
            assert!(since(text).is_err(), "{text}");
        }
    }

    #[test]
    fn windows_begin_on_a_full_step_and_name_every_day_in_them() {
        let now = Timestamp::parse_rfc3339("2026-11-22T00:07:30Z").unwrap();
        let hour = Window::new(Duration::from_secs(3600), now);
        assert_eq!(hour.from.to_string(), "2026-11-21T23:05:00.000Z");
        assert_eq!(hour.days(), ["2026-11-21", "2026-11-22"]);
        let week = Window::new(Duration::from_secs(7 * DAY_S), now);
        assert_eq!(week.from.to_string(), "2026-11-15T00:00:00.000Z");
        assert_eq!(week.days().len(), 8);
    }
}
