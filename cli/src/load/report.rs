//! What a load has shown: as tables, and as JSON.

use std::collections::BTreeMap;

use console::style;
use domain::time::Timestamp;
use serde::Serialize;

use super::mix::Mix;
use super::stages::StageTimes;
use super::verify::Verified;
use crate::table::Table;
use crate::terminal::say;

/// A load and what came of it. What `--json` writes; fields are only ever added.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    pub(super) stage: String,
    pub(super) run: String,
    pub(super) network: String,
    #[serde(rename = "from_ms")]
    pub(super) from: Timestamp,
    #[serde(rename = "to_ms")]
    pub(super) to: Timestamp,
    pub(super) posts: u32,
    pub(super) seed: u64,
    /// Posts a second; none: a burst.
    pub(super) rate_per_s: Option<f64>,
    pub(super) connections: u32,
    pub(super) shoppers: u32,
    pub(super) mix: Mix,
    /// How many posts of each shape were sent.
    pub(super) shapes: BTreeMap<&'static str, u64>,
    pub(super) answers: Vec<Answered>,
    /// From the first post to the last answer.
    pub(super) sending_s: f64,
    pub(super) sent_per_s: f64,
    /// From the first post to the last end.
    pub(super) told_s: f64,
    pub(super) told_per_s: f64,
    /// Posts for us that the webhook took.
    pub(super) expected: u64,
    /// Of those, with a notice.
    pub(super) ended: u64,
    /// Of those, decided and told to nobody on purpose.
    pub(super) silent: u64,
    /// Of those, without an end.
    pub(super) missing: u64,
    pub(super) missing_by_stage: Vec<Missing>,
    /// How many posts were followed through the logs.
    pub(super) followed: usize,
    pub(super) stages: Vec<StageTimes>,
    pub(super) queues: Vec<QueueSeen>,
    pub(super) outcomes: Vec<Counted>,
    pub(super) notices: Vec<NoticeCount>,
    /// Failed tries of the posts that were followed.
    pub(super) retries: u64,
    pub(super) throttles: Vec<Throttled>,
    pub(super) verified: Verified,
    pub(super) timeline: Vec<Moment>,
}

/// Answers of one status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Answered {
    /// The HTTP status; `none` where no answer came.
    pub(super) status: String,
    pub(super) count: u64,
}

/// Posts without an end that were last seen in one stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Missing {
    pub(super) stage: &'static str,
    pub(super) count: u64,
}

/// A queue during the load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct QueueSeen {
    pub(super) queue: &'static str,
    /// The most messages that were in it at a look.
    pub(super) deepest: u64,
    /// The longest that a followed post lay in it.
    pub(super) oldest_ms: u64,
    /// How many dead letters came.
    pub(super) dead_letters: u64,
}

/// Decisions of one outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Counted {
    pub(super) outcome: &'static str,
    pub(super) count: u64,
}

/// How a channel ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct NoticeCount {
    pub(super) channel: &'static str,
    pub(super) result: String,
    pub(super) count: u64,
}

/// Throttles that AWS counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Throttled {
    pub(super) what: String,
    pub(super) count: u64,
}

/// A second of the load.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Moment {
    /// Which one, from the first post on.
    pub(super) at_s: u64,
    /// Posts sent in it.
    pub(super) sent: u64,
    /// Answers in it, by status.
    pub(super) answered: BTreeMap<String, u64>,
    /// Followed posts whose shopper was told in it, times how many posts stand behind one followed.
    pub(super) told: u64,
    /// How many messages each queue held when it was last looked at.
    pub(super) queues: BTreeMap<&'static str, u64>,
    /// How long the oldest followed message had been in each queue, in milliseconds.
    pub(super) oldest_ms: BTreeMap<&'static str, u64>,
}

impl Report {
    /// What is wrong, in one sentence; `None` where every post came to its one end.
    pub(super) fn fault(&self) -> Option<String> {
        let Verified { lost, doubled, wrong_carts, notices_doubled, .. } = &self.verified;
        (self.missing > 0 || !self.verified.is_right()).then(|| {
            format!(
                "{} posts have no end, {lost} no decision, {doubled} decisions and {notices_doubled} notices are \
                 doubled, {wrong_carts} carts are wrong",
                self.missing
            )
        })
    }

    /// Writes the tables.
    pub(super) fn show(&self) {
        let rate = self.rate_per_s.map_or("in a burst".to_owned(), |rate| format!("at {rate} a second"));
        say(format!(
            "Stage {}, run {}: {} posts ({}) {rate}, {} connections, {} shoppers, seed {}",
            style(&self.stage).bold(),
            self.run,
            self.posts,
            self.mix,
            self.connections,
            self.shoppers,
            self.seed
        ));
        self.answers();
        self.stages();
        self.queues();
        self.ends();
    }

    fn answers(&self) {
        title("Answers of the webhook");
        let mut rows = Table::new(&["status", ">posts"]);
        self.answers.iter().for_each(|answer| rows.row([answer.status.clone(), answer.count.to_string()]));
        table(&rows);
        say(format!("  {:.1} s, {:.0} posts a second", self.sending_s, self.sent_per_s));
    }

    fn stages(&self) {
        if self.stages.is_empty() {
            return;
        }
        title(&format!("Milliseconds in each stage ({} posts followed)", self.followed));
        let mut rows = Table::new(&["stage", ">posts", ">p50", ">p90", ">p99", ">p99.9", ">max"]);
        for stage in &self.stages {
            let times = [stage.p50_ms, stage.p90_ms, stage.p99_ms, stage.p99_9_ms, stage.max_ms];
            let cells = [stage.stage.replace('_', " "), stage.count.to_string()];
            rows.row(cells.into_iter().chain(times.map(|ms| format!("{ms:.0}"))));
        }
        table(&rows);
    }

    fn queues(&self) {
        title("Queues");
        let mut rows = Table::new(&["queue", ">deepest", ">oldest, s", ">dead letters"]);
        for queue in &self.queues {
            let oldest_s = std::time::Duration::from_millis(queue.oldest_ms).as_secs_f64();
            let oldest = format!("{oldest_s:.1}");
            let dead = queue.dead_letters.to_string();
            rows.row([queue.queue.to_owned(), queue.deepest.to_string(), oldest, dead]);
        }
        table(&rows);
        for throttled in &self.throttles {
            say(format!("  {} throttled {} times", throttled.what, throttled.count));
        }
        if self.retries > 0 {
            say(format!("  {} tries failed and were repeated", self.retries));
        }
    }

    fn ends(&self) {
        title("Ends");
        say(format!(
            "  {} posts were for us: {} have a notice, {} end in silence on purpose, {} are missing",
            self.expected, self.ended, self.silent, self.missing
        ));
        if self.ended > 0 {
            say(format!("  all of it took {:.1} s: {:.0} posts a second", self.told_s, self.told_per_s));
        }
        for missing in &self.missing_by_stage {
            say(style(format!("  {} of the missing were last seen in {}", missing.count, missing.stage))
                .red());
        }
        let mut rows = Table::new(&["outcome", ">posts"]);
        self.outcomes
            .iter()
            .for_each(|counted| rows.row([counted.outcome.to_owned(), counted.count.to_string()]));
        table(&rows);
        let mut rows = Table::new(&["channel", "result", ">notices"]);
        for count in &self.notices {
            rows.row([count.channel.to_owned(), count.result.clone(), count.count.to_string()]);
        }
        table(&rows);
        let Verified { carts, decisions, .. } = &self.verified;
        match self.fault() {
            None => say(format!("  {carts} carts with {decisions} decisions hold what they should")),
            Some(fault) => say(style(format!("  {fault}")).red()),
        }
    }
}

fn title(text: &str) {
    say(format!("\n{}", style(text).bold()));
}

fn table(table: &Table) {
    let lines = table.lines();
    // A heading alone says nothing.
    if lines.len() > 1 {
        lines.iter().for_each(|line| say(format!("  {line}")));
    }
}
