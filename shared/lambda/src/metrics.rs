//! Metrics in CloudWatch's embedded metric format: a line of JSON on standard output, no agent and no
//! request (CloudWatch user guide, "Specification: Embedded metric format").
//!
//! Every metric of Hashcart is declared here, with its dimensions, so that alarms, dashboard and tools
//! can be held against one list. CloudWatch knows a metric by its exact set of dimensions and sums
//! nothing by itself: where an alarm or a widget needs a sum over a dimension, the metric declares a
//! further set without it.
//!
//! Each combination of values is a metric that is paid for in every hour in which it is sent.
//! Dimensions are therefore few and take few values, all of them ours or the operator's: what a
//! stranger writes never becomes one. What tells one post from another goes into properties, which
//! only the logs hold, and which are ids, never personal data.

use std::io::Write as _;
use std::sync::OnceLock;

use domain::time::Timestamp;
use serde_json::{Map, Value, json};

use crate::clock::Clock;

static STAGE: OnceLock<String> = OnceLock::new();

/// The namespace of all our metrics.
pub const NAMESPACE: &str = "Hashcart";

/// Every metric, in the order of a post's way.
pub const ALL: &[&dyn Declared] = &[
    &WEBHOOK_EVENTS,
    &WEBHOOKS_REFUSED,
    &CLASSIFIED,
    &DECIDED,
    &NOTICES,
    &NOTICE_LATENCY,
    &HELD,
    &RETRIED,
    &DEAD_LETTERED,
    &MAIL_SUPPRESSED,
    &MAIL_REPORTS_IGNORED,
    &ACCOUNTS_LINKED,
    &CARTS_HANDED_OVER,
];

/// What networks delivered. Results: `accepted` (a post that may be for us), `not_for_us`, `deleted`,
/// `revoked`, `ignored`.
pub const WEBHOOK_EVENTS: Metric<2> = Metric::count("WebhookEvents", ["network", "result"], &[]);

/// Webhooks that were not taken, by reason: `unproven` (unsigned or wrongly signed), `handshake`,
/// `malformed`, `too_long`, `method`, `unknown_network`; by our own failing `unconfigured`, `unsent`.
pub const WEBHOOKS_REFUSED: Metric<2> =
    Metric::count("WebhooksRefused", ["network", "reason"], &[&["reason"]]);

/// What `classify` made of posts. Results: `commands`, `nothing`, `not_for_us`, `paused`,
/// `out_of_reach`.
pub const CLASSIFIED: Metric<2> = Metric::count("Classified", ["network", "result"], &[]);

/// Decided lines by the name of their outcome; the network of edits on our own page is `page`. A
/// decision that only came again isn't counted.
pub const DECIDED: Metric<2> = Metric::count("Decided", ["network", "outcome"], &[]);

/// What became of each channel (`reply`, `mail`) of a notice: `sent`; for a reply `refused` (by the
/// network: the property `reason` says whether for a `rule` or for our `credentials`), `gone` (the post
/// isn't there any more), `throttled`, `failed`; for a mail `rejected`, `throttled`, `paused`,
/// `unavailable`, `unwritable`; else why the channel stayed silent on purpose (`not_linked`, `stopped`,
/// `suppressed`, …).
pub const NOTICES: Metric<3> =
    Metric::count("Notices", ["network", "channel", "result"], &[&["channel", "result"]]);

/// The time in milliseconds from when we first saw a post to when its shopper had been told, over
/// whichever channels speak. What a released or erased post causes later isn't measured.
pub const NOTICE_LATENCY: Metric<1> = Metric::milliseconds("NoticeLatency", ["network"], &[&[]]);

/// Messages put back for minutes, by reason: `paused` by the operator, `out_of_reach` (a network or
/// short link), `waits` (a channel that wants to be left alone).
pub const HELD: Metric<2> = Metric::count("Held", ["network", "reason"], &[]);

/// Records that failed and will be tried again, by function.
pub const RETRIED: Metric<1> = Metric::count("Retried", ["function"], &[]);

/// Records that a function put into a dead-letter queue, by function.
pub const DEAD_LETTERED: Metric<1> = Metric::count("DeadLettered", ["function"], &[]);

/// Mails ended by what SES reports: `bounce`, `complaint`, `unknown_address`.
pub const MAIL_SUPPRESSED: Metric<1> = Metric::count("MailSuppressed", ["reason"], &[]);

/// Reports of SES that change nothing (transient bounces, events of other kinds).
pub const MAIL_REPORTS_IGNORED: Metric<0> = Metric::count("MailReportsIgnored", [], &[]);

/// Accounts that shoppers linked, by network.
pub const ACCOUNTS_LINKED: Metric<1> = Metric::count("AccountsLinked", ["network"], &[]);

/// Carts handed over to a shop's checkout, by marketplace.
pub const CARTS_HANDED_OVER: Metric<1> = Metric::count("CartsHandedOver", ["marketplace"], &[]);

/// A metric with `N` dimensions beside the stage.
#[derive(Debug)]
pub struct Metric<const N: usize> {
    name: &'static str,
    unit: &'static str,
    dimensions: [&'static str; N],
    sums: &'static [&'static [&'static str]],
}

/// What is known of a metric before it is sent.
pub trait Declared: Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Its unit, as CloudWatch names units.
    fn unit(&self) -> &'static str;

    /// The exact sets of dimensions under which CloudWatch knows it; `stage` is in each. The first is
    /// the full one.
    fn dimension_sets(&self) -> Vec<Vec<&'static str>>;
}

impl<const N: usize> Declared for Metric<N> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn unit(&self) -> &'static str {
        self.unit
    }

    fn dimension_sets(&self) -> Vec<Vec<&'static str>> {
        let sets = std::iter::once(self.dimensions.as_slice()).chain(self.sums.iter().copied());
        sets.map(|set| std::iter::once("stage").chain(set.iter().copied()).collect()).collect()
    }
}

/// Says which stage the metrics belong to; before that none are written.
pub(crate) fn set_stage(stage: &str) {
    // A second call in one process means the same stage.
    let _ = STAGE.set(stage.to_owned());
}

impl<const N: usize> Metric<N> {
    const fn count(
        name: &'static str,
        dimensions: [&'static str; N],
        sums: &'static [&'static [&'static str]],
    ) -> Self {
        Self { name, unit: "Count", dimensions, sums }
    }

    const fn milliseconds(
        name: &'static str,
        dimensions: [&'static str; N],
        sums: &'static [&'static [&'static str]],
    ) -> Self {
        Self { name, unit: "Milliseconds", dimensions, sums }
    }

    /// Counts one event: `values` stand in the order of the declared dimensions, `properties` are for
    /// the logs alone.
    pub fn add(&self, values: [&str; N], properties: &[(&str, &str)]) {
        self.record(1, values, properties);
    }

    /// Records a value in the metric's unit.
    pub fn record(&self, value: u64, values: [&str; N], properties: &[(&str, &str)]) {
        let Some(stage) = STAGE.get() else { return };
        let line = self.line(Clock::system().now(), stage, value, values, properties);
        // A metric that can't be written must not fail the work that it counts.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }

    fn line(
        &self,
        at: Timestamp,
        stage: &str,
        value: u64,
        values: [&str; N],
        properties: &[(&str, &str)],
    ) -> Value {
        let mut line = Map::new();
        line.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": at.as_millis(),
                "CloudWatchMetrics": [{
                    "Namespace": NAMESPACE,
                    "Dimensions": self.dimension_sets(),
                    "Metrics": [{"Name": self.name, "Unit": self.unit}],
                }],
            }),
        );
        line.insert("stage".to_owned(), stage.into());
        line.insert(self.name.to_owned(), value.into());
        for (name, value) in properties.iter().copied().chain(self.dimensions.into_iter().zip(values)) {
            line.insert(name.to_owned(), value.into());
        }
        Value::Object(line)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The rules of the specification: each dimension and metric that the directive names is a member of
    /// the line's root, a set has at most 30 dimensions.
    #[test]
    fn a_line_holds_what_its_directive_names() {
        let line =
            NOTICES.line(Timestamp::from_millis(5), "dev", 1, ["x", "reply", "sent"], &[("post", "x#1")]);
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Hashcart");
        assert_eq!(
            directive["Dimensions"],
            json!([["stage", "network", "channel", "result"], ["stage", "channel", "result"]])
        );
        assert_eq!(directive["Metrics"], json!([{"Name": "Notices", "Unit": "Count"}]));
        let members = ["stage", "network", "channel", "result", "post", "Notices"].map(|name| &line[name]);
        assert_eq!(
            members,
            [&json!("dev"), &json!("x"), &json!("reply"), &json!("sent"), &json!("x#1"), &json!(1)]
        );
        assert_eq!(line["_aws"]["Timestamp"], 5);
    }

    #[test]
    fn a_property_never_replaces_a_dimension() {
        let line = RETRIED.line(Timestamp::from_millis(5), "dev", 1, ["classify"], &[("function", "other")]);
        assert_eq!(line["function"], "classify");
    }

    #[test]
    fn a_sum_leaves_dimensions_out_and_adds_none() {
        let mut names = BTreeSet::new();
        for metric in ALL {
            assert!(names.insert(metric.name()), "{} stands twice", metric.name());
            let sets = metric.dimension_sets();
            let full: BTreeSet<&str> = sets[0].iter().copied().collect();
            for sum in &sets[1..] {
                let sum: BTreeSet<&str> = sum.iter().copied().collect();
                assert!(sum.is_subset(&full) && sum.len() < full.len(), "{}: {sum:?}", metric.name());
            }
        }
    }
}
