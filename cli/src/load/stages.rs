//! How long each stage took, from the functions' log lines about the posts that are followed.
//!
//! Each line about a message says when it was sent to its queue and how long it lay there. So the times
//! add up: a stage ends when its message for the next one is sent, the last one with the last line of
//! `notify`.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use domain::time::Timestamp;
use hdrhistogram::Histogram;
use serde::Serialize;
use serde_json::Value;

use super::mix::Posts;
use crate::logs::Search;
use crate::trace::LogLine;

/// The functions behind the queues, in the order of a post's way.
const BEHIND_QUEUES: [&str; 3] = ["classify", "cart-add", "notify"];
/// The stages of a post's way, as the report names them.
const WAITS: [&str; 3] = ["posts_wait", "commands_wait", "outcomes_wait"];
const WORKS: [&str; 3] = ["classify", "cart_add", "notify"];

/// Percentiles of a stage's times, in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct StageTimes {
    pub(super) stage: &'static str,
    pub(super) count: u64,
    pub(super) p50_ms: f64,
    pub(super) p90_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) p99_9_ms: f64,
    pub(super) max_ms: f64,
}

/// The times of one stage, in fixed memory.
pub(super) struct Times {
    stage: &'static str,
    /// Of microseconds, with three significant digits.
    histogram: Histogram<u64>,
}

impl Times {
    /// None yet.
    ///
    /// # Errors
    /// Never: three significant digits are allowed.
    pub(super) fn new(stage: &'static str) -> anyhow::Result<Self> {
        Ok(Self { stage, histogram: Histogram::new(3)? })
    }

    /// Adds one.
    pub(super) fn add(&mut self, time: Duration) {
        // The histogram grows to what comes; `u64::MAX / 2` microseconds come never.
        let _ = self.histogram.record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX / 2));
    }

    /// The percentiles; `None` where nothing was measured.
    pub(super) fn percentiles(&self) -> Option<StageTimes> {
        let ms = |micros: u64| Duration::from_micros(micros).as_secs_f64() * 1000.0;
        let at = |percent: f64| ms(self.histogram.value_at_percentile(percent));
        (!self.histogram.is_empty()).then(|| StageTimes {
            stage: self.stage,
            count: self.histogram.len(),
            p50_ms: at(50.0),
            p90_ms: at(90.0),
            p99_ms: at(99.0),
            p99_9_ms: at(99.9),
            max_ms: ms(self.histogram.max()),
        })
    }
}

/// A message of one post in one queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lay {
    /// When it was sent, in milliseconds since 1970.
    pub(super) from_ms: u64,
    /// When its first batch began.
    pub(super) to_ms: u64,
}

/// The way of one post, as far as the logs tell it.
#[derive(Clone, Debug, Default)]
struct Way {
    lays: [Option<Lay>; 3],
    /// The last line of `notify` that tells of an answer.
    told_ms: Option<u64>,
    /// The times of the lines that tell of a reply and of a mail that was sent.
    replies: BTreeSet<u64>,
    mails: BTreeSet<u64>,
    /// The tries that failed.
    failures: BTreeSet<u64>,
}

/// The ways of all posts that are followed.
#[derive(Debug)]
pub(super) struct Ways {
    ways: HashMap<u32, Way>,
    /// Whether all their lines were looked at.
    pub(super) is_complete: bool,
}

impl Ways {
    /// No post is followed.
    pub(super) fn none() -> Self {
        Self { ways: HashMap::new(), is_complete: true }
    }

    /// Reads them.
    ///
    /// # Errors
    /// When the logs can't be read.
    pub(super) async fn read(search: &Search, posts: &Posts, network: &str) -> anyhow::Result<Self> {
        let mut found = Self::none();
        for (place, function) in BEHIND_QUEUES.into_iter().enumerate() {
            let take = |line: LogLine| {
                let id = line.post.as_deref().and_then(|post| post.strip_prefix(network)?.strip_prefix('#'));
                if let Some(number) = id.and_then(|id| posts.number(id)) {
                    found.ways.entry(number).or_default().add(place, &line);
                }
            };
            let is_complete = search.lines(function, take).await?;
            found.is_complete &= is_complete;
        }
        Ok(found)
    }

    /// How many posts were followed.
    pub(super) fn len(&self) -> usize {
        self.ways.len()
    }

    /// When a post's shopper was told, in milliseconds since 1970.
    pub(super) fn told_ms(&self, number: u32) -> Option<u64> {
        self.ways.get(&number)?.told_ms
    }

    /// Posts whose reply or mail was sent more than once.
    pub(super) fn told_twice(&self) -> u64 {
        let twice = |way: &&Way| way.replies.len() > 1 || way.mails.len() > 1;
        u64::try_from(self.ways.values().filter(twice).count()).unwrap_or(u64::MAX)
    }

    /// Tries that failed and were repeated.
    pub(super) fn failures(&self) -> u64 {
        let failures: usize = self.ways.values().map(|way| way.failures.len()).sum();
        u64::try_from(failures).unwrap_or(u64::MAX)
    }

    /// The stage that a post without an end was last seen in, by its function or queue.
    pub(super) fn last_seen(&self, number: u32) -> &'static str {
        let Some(way) = self.ways.get(&number) else { return "posts" };
        match way.lays {
            [_, _, Some(_)] => "notify",
            [_, Some(_), None] => "cart-add",
            [Some(_), None, None] => "classify",
            [None, None, None] => "posts",
        }
    }

    /// Where each followed post lay in the queue at this place of the way.
    pub(super) fn lays(&self, queue: usize) -> impl Iterator<Item = Lay> {
        self.ways.values().filter_map(move |way| *way.lays.get(queue)?)
    }

    /// The times of all stages behind the webhook.
    ///
    /// # Errors
    /// As [`Times::new`].
    pub(super) fn stages(&self) -> anyhow::Result<Vec<Times>> {
        let mut stages = Vec::new();
        for (place, (wait, work)) in WAITS.into_iter().zip(WORKS).enumerate() {
            let (mut waits, mut works) = (Times::new(wait)?, Times::new(work)?);
            for way in self.ways.values() {
                let Some(lay) = way.lays.get(place).copied().flatten() else { continue };
                waits.add(Duration::from_millis(lay.to_ms.saturating_sub(lay.from_ms)));
                let next = way.lays.get(place + 1).copied().flatten().map(|lay| lay.from_ms);
                if let Some(end_ms) = if place + 1 < way.lays.len() { next } else { way.told_ms } {
                    works.add(Duration::from_millis(end_ms.saturating_sub(lay.to_ms)));
                }
            }
            stages.extend([waits, works]);
        }
        Ok(stages)
    }
}

impl Way {
    fn add(&mut self, place: usize, line: &LogLine) {
        let number = |name: &str| line.fields.get(name).and_then(Value::as_u64);
        let (Some(sent_ms), Some(waited_ms)) = (number("sent_ms"), number("waited_ms")) else { return };
        let Some(at_ms) = Timestamp::parse_rfc3339(&line.at).ok().map(Timestamp::as_millis) else { return };
        let lay = Lay { from_ms: sent_ms, to_ms: sent_ms.saturating_add(waited_ms) };
        if let Some(held) = self.lays.get_mut(place) {
            // What came again lay there twice; the first time counts.
            *held = Some(held.filter(|held| held.to_ms <= lay.to_ms).unwrap_or(lay));
        }
        if line.what.starts_with("failed, to be tried again") {
            self.failures.insert(at_ms);
        }
        if place == 2 {
            self.told(&line.what, at_ms);
        }
    }

    /// What `notify` says of the answers (`notify::notices`).
    fn told(&mut self, what: &str, at_ms: u64) {
        match what {
            "reply sent" => self.replies.insert(at_ms),
            "mail sent" => self.mails.insert(at_ms),
            _ => false,
        };
        let is_answer = ["reply sent", "mail sent", "reply not allowed", "mail not allowed"]
            .iter()
            .any(|answer| what.starts_with(answer));
        if is_answer {
            self.told_ms = self.told_ms.max(Some(at_ms));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(at: u64, what: &str, sent_ms: u64, waited_ms: u64) -> LogLine {
        let line = json!({
            "timestamp": Timestamp::from_millis(at).to_string(), "function": "f", "message": what,
            "post": "generic#1", "sent_ms": sent_ms, "waited_ms": waited_ms,
        });
        LogLine::parse(&line.to_string()).unwrap()
    }

    #[test]
    fn times_add_up_from_the_queue_to_the_notice() {
        let mut way = Way::default();
        way.add(0, &line(130, "asks for add", 100, 20));
        // Received again: the first time counts.
        way.add(0, &line(900, "asks for add", 100, 700));
        way.add(1, &line(160, "decided: Added", 140, 5));
        way.add(2, &line(260, "reply not allowed: gone", 200, 50));
        way.add(2, &line(300, "mail sent", 200, 50));
        way.add(2, &line(301, "mail sent", 200, 50));
        way.add(2, &line(999, "told before", 200, 700));
        let ways = Ways { ways: HashMap::from([(1, way)]), is_complete: true };
        let times: Vec<(&str, f64)> = ways
            .stages()
            .unwrap()
            .iter()
            .filter_map(Times::percentiles)
            .map(|times| (times.stage, times.max_ms.round()))
            .collect();
        assert_eq!(
            times,
            [
                ("posts_wait", 20.0),
                ("classify", 20.0),
                ("commands_wait", 5.0),
                ("cart_add", 55.0),
                ("outcomes_wait", 50.0),
                ("notify", 51.0)
            ]
        );
        assert_eq!(times.iter().map(|(_, ms)| ms).sum::<f64>(), 201.0, "100 ms to 301 ms");
        assert_eq!((ways.told_ms(1), ways.told_twice()), (Some(301), 1));
        assert_eq!((ways.last_seen(1), ways.last_seen(2)), ("notify", "posts"));
    }

    #[test]
    fn percentiles_are_of_what_was_measured() {
        let mut times = Times::new("notify").unwrap();
        assert_eq!(times.percentiles(), None);
        (1..=1000).for_each(|ms| times.add(Duration::from_millis(ms)));
        let times = times.percentiles().unwrap();
        for (found, expected) in
            [(times.p50_ms, 500.0), (times.p90_ms, 900.0), (times.p99_9_ms, 999.0), (times.max_ms, 1000.0)]
        {
            assert!((found - expected).abs() / expected < 0.002, "{found} for {expected}");
        }
        assert_eq!(times.count, 1000);
    }
}
