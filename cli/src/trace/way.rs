//! The way of one post through the functions, as their log lines tell it.

use domain::time::Timestamp;
use lambda::metrics::{Declared as _, WEBHOOK_EVENTS};
use serde::Serialize;
use serde_json::{Map, Value};

/// A log line of a function that concerns a post, with the fields that the functions write.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LogLine {
    /// When, RFC 3339 in UTC with milliseconds: such texts sort by time.
    pub(crate) at: String,
    /// The function.
    pub(crate) function: String,
    /// `ERROR`, `WARN`, `INFO`, …
    pub(crate) level: String,
    /// The post as `<network>#<id>`, where the line concerns one.
    pub(crate) post: Option<String>,
    /// What happened, in words.
    pub(crate) what: String,
    /// Every other field.
    pub(crate) fields: Map<String, Value>,
}

impl LogLine {
    /// Reads a line that a function wrote; `None` for what isn't one of ours (other metrics, the
    /// platform's own lines).
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let fields: Map<String, Value> = serde_json::from_str(line).ok()?;
        Self::turned_down(&fields).or_else(|| Self::said(fields))
    }

    /// The line of a metric is all that `webhook-ingest` writes of a post that isn't for us.
    fn turned_down(fields: &Map<String, Value>) -> Option<Self> {
        let counted = fields.contains_key(WEBHOOK_EVENTS.name()) && fields.get("result")? == "not_for_us";
        let at = fields.get("_aws")?.get("Timestamp")?.as_u64()?;
        let post = fields.get("post")?.as_str()?.to_owned();
        let delivery = fields.get_key_value("delivery_id");
        counted.then(|| Self {
            at: Timestamp::from_millis(at).to_string(),
            function: "webhook-ingest".to_owned(),
            level: "INFO".to_owned(),
            what: "not for us".to_owned(),
            post: Some(post),
            fields: delivery.into_iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        })
    }

    fn said(mut fields: Map<String, Value>) -> Option<Self> {
        let mut take = |name: &str| match fields.remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        Some(Self {
            at: take("timestamp")?,
            function: take("function")?,
            level: take("level").unwrap_or_default(),
            what: take("message")?,
            post: take("post").filter(|post| !post.is_empty()),
            fields,
        })
    }

    fn outcome(&self) -> Option<TraceOutcome> {
        let line = self.fields.get("line")?.as_u64()?;
        let outcome = self.fields.get("outcome")?.as_str()?.to_owned();
        let step = self.fields.get("step").and_then(Value::as_u64).unwrap_or(0);
        Some(TraceOutcome { line, step, outcome, at: self.at.clone() })
    }
}

/// How one line of a post ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TraceOutcome {
    /// The line, from 1.
    pub(crate) line: u64,
    /// The step of the post: above 0 after a release from parking, a choice or a deletion.
    pub(crate) step: u64,
    /// The outcome's name.
    pub(crate) outcome: String,
    /// When it was decided.
    pub(crate) at: String,
}

/// One thing that a function did with a post.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct TraceStep {
    /// The function.
    pub(crate) function: String,
    /// When, RFC 3339.
    pub(crate) at: String,
    /// What, in words.
    pub(crate) what: String,
    /// `INFO`, `WARN` or `ERROR`.
    pub(crate) level: String,
    /// What else the line says.
    pub(crate) details: Map<String, Value>,
}

/// The way of one post through the functions.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Trace {
    /// How each line ended; the latest decision of each line and step.
    pub(crate) outcomes: Vec<TraceOutcome>,
    /// Every step, in the order of time.
    pub(crate) steps: Vec<TraceStep>,
}

impl Trace {
    /// What the lines say in a field, in their order.
    pub(crate) fn texts<'a>(&'a self, field: &'a str) -> impl Iterator<Item = &'a str> {
        self.steps.iter().filter_map(move |step| step.details.get(field)?.as_str())
    }

    /// Adds a line at its place in time. Lines of the same moment keep the order in which they come.
    pub(crate) fn add(&mut self, line: &LogLine) {
        if let Some(outcome) = line.outcome() {
            let same = |held: &TraceOutcome| (held.line, held.step) == (outcome.line, outcome.step);
            match self.outcomes.iter_mut().find(|held| same(held)) {
                Some(held) if held.at <= outcome.at => *held = outcome,
                Some(_) => {}
                None => self.outcomes.push(outcome),
            }
            self.outcomes.sort_by_key(|outcome| (outcome.step, outcome.line));
        }
        let step = TraceStep {
            function: line.function.clone(),
            at: line.at.clone(),
            what: line.what.clone(),
            level: line.level.clone(),
            details: line.fields.clone(),
        };
        let place = self.steps.partition_point(|held| held.at <= step.at);
        self.steps.insert(place, step);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_post_that_is_not_for_us_is_known_by_its_metric_alone() {
        let metric = |name: &str, result: &str| {
            let line = json!({
                "_aws": {"Timestamp": 1_795_350_991_019_u64}, "network": "generic", "result": result, name: 1,
                "delivery_id": "msg_7", "event": "post", "post": "generic#7",
            });
            LogLine::parse(&line.to_string())
        };
        let line = metric("WebhookEvents", "not_for_us").unwrap();
        assert_eq!((line.function.as_str(), line.what.as_str()), ("webhook-ingest", "not for us"));
        assert_eq!((line.at.as_str(), line.post.as_deref()), ("2026-11-22T12:36:31.019Z", Some("generic#7")));
        assert_eq!(line.fields, json!({"delivery_id": "msg_7"}).as_object().cloned().unwrap());
        // These have lines of their own.
        assert_eq!(metric("WebhookEvents", "accepted"), None);
        assert_eq!(metric("Classified", "not_for_us"), None);
    }
}
