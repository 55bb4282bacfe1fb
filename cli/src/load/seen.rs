//! What was seen of a load while it ran, and what follows from it for the report.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use domain::time::Timestamp;

use super::report::{Answered, Counted, Missing, Moment, NoticeCount, QueueSeen};
use super::sending::Answer;
use super::stages::{StageTimes, Times, Ways};
use super::timeline::Timeline;
use super::verify::Verified;
use super::watch::{QUEUES, Watched};
use crate::queues::Queue;

/// What came of the sending.
pub(super) struct Sent {
    pub(super) answers: BTreeMap<String, u64>,
    pub(super) times: Times,
    pub(super) timeline: Timeline,
    /// Taken posts that are for us, by their shopper.
    pub(super) taken: HashMap<u32, Vec<u32>>,
    /// When followed posts were meant to be sent.
    pub(super) meant: HashMap<u32, Duration>,
    pub(super) shapes: BTreeMap<&'static str, u64>,
    pub(super) expected: u64,
    pub(super) last: Duration,
}

impl Sent {
    /// Before the first answer.
    pub(super) fn nothing() -> anyhow::Result<Self> {
        Ok(Self {
            answers: BTreeMap::new(),
            times: Times::new("http_answer")?,
            timeline: Timeline::default(),
            taken: HashMap::new(),
            meant: HashMap::new(),
            shapes: BTreeMap::new(),
            expected: 0,
            last: Duration::ZERO,
        })
    }

    /// Counts an answer.
    pub(super) fn add(&mut self, answer: &Answer) {
        let status = answer.status.map_or("none".to_owned(), |status| status.to_string());
        self.timeline.sent(answer.sent);
        self.timeline.answered(answer.answered, &status);
        *self.answers.entry(status).or_default() += 1;
        self.times.add(answer.answered.saturating_sub(answer.meant));
        self.last = self.last.max(answer.answered);
    }
}

/// Everything that was seen of a load.
pub(super) struct Seen {
    pub(super) from: Timestamp,
    pub(super) sent: Sent,
    pub(super) watched: Watched,
    pub(super) ways: Ways,
    pub(super) verified: Verified,
    /// New dead letters of each queue.
    pub(super) dead: Vec<u64>,
}

impl Seen {
    /// When a followed post's shopper was told, since the beginning.
    fn told(&self, number: u32) -> Option<Duration> {
        let told_ms = self.ways.told_ms(number)?;
        Some(Timestamp::from_millis(told_ms).since(self.from))
    }

    /// When the last of the followed posts was told.
    pub(super) fn told_at(&self) -> Duration {
        self.sent.meant.keys().filter_map(|number| self.told(*number)).max().unwrap_or_default()
    }

    pub(super) fn stages(&self) -> anyhow::Result<Vec<StageTimes>> {
        let mut all = Times::new("post_to_notice")?;
        for (number, meant) in &self.sent.meant {
            if let Some(told) = self.told(*number) {
                all.add(told.saturating_sub(*meant));
            }
        }
        let behind = self.ways.stages()?;
        let stages = std::iter::once(&self.sent.times).chain(&behind).chain([&all]);
        Ok(stages.filter_map(Times::percentiles).collect())
    }

    pub(super) fn answers(&self) -> Vec<Answered> {
        let answers = self.sent.answers.iter();
        answers.map(|(status, count)| Answered { status: status.clone(), count: *count }).collect()
    }

    pub(super) fn missing(&self) -> Vec<Missing> {
        let mut stages = BTreeMap::new();
        for number in &self.watched.open {
            *stages.entry(self.ways.last_seen(*number)).or_default() += 1;
        }
        stages.into_iter().map(|(stage, count)| Missing { stage, count }).collect()
    }

    pub(super) fn queues(&self) -> Vec<QueueSeen> {
        let queue = |(place, (queue, dead_letters)): (usize, (Queue, &u64))| QueueSeen {
            queue: queue.name(),
            deepest: self
                .watched
                .looks
                .iter()
                .filter_map(|look| look.depths.get(place))
                .max()
                .copied()
                .unwrap_or(0),
            oldest_ms: self
                .ways
                .lays(place)
                .map(|lay| lay.to_ms.saturating_sub(lay.from_ms))
                .max()
                .unwrap_or(0),
            dead_letters: *dead_letters,
        };
        QUEUES.into_iter().zip(&self.dead).enumerate().map(queue).collect()
    }

    pub(super) fn outcomes(&self) -> Vec<Counted> {
        let outcomes = self.verified.outcomes.iter();
        outcomes.map(|(outcome, count)| Counted { outcome, count: *count }).collect()
    }

    pub(super) fn notices(&self) -> Vec<NoticeCount> {
        let counts = self.watched.channels.iter();
        let mut notices: Vec<NoticeCount> = counts
            .map(|((channel, result), count)| NoticeCount { channel, result: result.clone(), count: *count })
            .collect();
        notices.sort();
        notices
    }

    pub(super) fn timeline(&self, follow_every: u64) -> Vec<Moment> {
        let mut timeline = self.sent.timeline.clone();
        for told in self.sent.meant.keys().filter_map(|number| self.told(*number)) {
            timeline.told(told, follow_every);
        }
        self.watched.looks.iter().for_each(|look| timeline.looked(look));
        for (place, queue) in QUEUES.into_iter().enumerate() {
            for lay in self.ways.lays(place) {
                timeline.lay(queue.name(), lay, self.from);
            }
        }
        timeline.moments()
    }
}
