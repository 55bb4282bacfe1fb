//! The way of one post through the functions, as their log lines tell it.

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
    /// Reads a line that a function wrote; `None` for what isn't one of ours (metrics, the
    /// platform's own lines).
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut fields: Map<String, Value> = serde_json::from_str(line).ok()?;
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
