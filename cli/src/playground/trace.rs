//! What happened to each post: the functions' log lines, sorted by post.

use std::collections::{BTreeMap, HashSet};
use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::broadcast;

use super::Change;

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

/// The traces of all posts.
#[derive(Debug)]
pub(crate) struct Traces {
    held: Mutex<Held>,
    changes: broadcast::Sender<Change>,
}

#[derive(Debug)]
struct Held {
    by_post: BTreeMap<String, Trace>,
    /// Hashes of the lines that were taken, so that none counts twice: each has its time in it.
    seen: HashSet<u64>,
    log: File,
}

impl Traces {
    /// Opens the traces kept at `path`, which is made when missing.
    ///
    /// # Errors
    /// When the file can't be read.
    pub(crate) fn open(path: &Path, changes: broadcast::Sender<Change>) -> anyhow::Result<Self> {
        let context = || format!("the traces {} can't be read", path.display());
        let log = OpenOptions::new().create(true).append(true).open(path).with_context(context)?;
        let mut held = Held { by_post: BTreeMap::new(), seen: HashSet::new(), log };
        for line in BufReader::new(File::open(path).with_context(context)?).lines() {
            let line = line.with_context(context)?;
            // A line cut off by a crash is no JSON and is left out.
            if let Some(parsed) = LogLine::parse(&line)
                && held.seen.insert(hash(&line))
            {
                held.add(&parsed);
            }
        }
        Ok(Self { held: Mutex::new(held), changes })
    }

    /// Takes a log line once. Returns it if it is one of ours and new.
    pub(crate) fn take(&self, line: &str) -> Option<LogLine> {
        let line = line.trim();
        let parsed = LogLine::parse(line)?;
        let mut held = self.held();
        if !held.seen.insert(hash(line)) {
            return None;
        }
        if let Some(post) = &parsed.post {
            // A trace that can't be kept is still shown until the next start.
            writeln!(held.log, "{line}").ok();
            held.add(&parsed);
            self.changes.send(Change::Trace(post.clone())).ok();
        }
        Some(parsed)
    }

    /// The trace of a post by `<network>#<id>`.
    pub(crate) fn get(&self, post: &str) -> Option<Trace> {
        self.held().by_post.get(post).cloned()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(line: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    line.hash(&mut hasher);
    hasher.finish()
}

impl Held {
    fn add(&mut self, line: &LogLine) {
        let Some(post) = &line.post else { return };
        let trace = self.by_post.entry(post.clone()).or_default();
        if let Some(outcome) = line.outcome() {
            let same = |held: &TraceOutcome| (held.line, held.step) == (outcome.line, outcome.step);
            match trace.outcomes.iter_mut().find(|held| same(held)) {
                Some(held) if held.at <= outcome.at => *held = outcome,
                Some(_) => {}
                None => trace.outcomes.push(outcome),
            }
            trace.outcomes.sort_by_key(|outcome| (outcome.step, outcome.line));
        }
        let step = TraceStep {
            function: line.function.clone(),
            at: line.at.clone(),
            what: line.what.clone(),
            level: line.level.clone(),
            details: line.fields.clone(),
        };
        let place = trace.steps.partition_point(|held| held.at <= step.at);
        trace.steps.insert(place, step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(at: &str, function: &str, more: &str) -> String {
        format!(
            r#"{{"timestamp":"{at}","level":"INFO","function":"{function}","post":"generic#1","message":"did"{more}}}"#
        )
    }

    #[test]
    fn steps_are_ordered_counted_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("traces");
        let open = || Traces::open(&path, broadcast::channel(8).0).unwrap();
        let traces = open();
        let first = line("1", "classify", "");
        let (parked, added) =
            (r#","line":1,"outcome":"NotLinked""#, r#","line":1,"step":1,"outcome":"Added""#);
        assert!(traces.take(&line("2", "cart-add", parked)).is_some());
        assert!(traces.take(&first).is_some());
        assert!(traces.take(&first).is_none());
        assert!(traces.take(&line("3", "cart-add", added)).is_some());
        for other in ["START RequestId: 1", r#"{"_aws":{},"DeadLettered":1}"#, "thread panicked"] {
            assert!(traces.take(other).is_none());
        }
        for traces in [traces, open()] {
            assert!(traces.take(&first).is_none());
            let trace = traces.get("generic#1").unwrap();
            let functions: Vec<&str> = trace.steps.iter().map(|step| step.function.as_str()).collect();
            assert_eq!(functions, ["classify", "cart-add", "cart-add"]);
            let outcomes: Vec<(u64, u64, &str)> =
                trace.outcomes.iter().map(|o| (o.step, o.line, o.outcome.as_str())).collect();
            assert_eq!(outcomes, [(0, 1, "NotLinked"), (1, 1, "Added")]);
        }
        assert!(open().get("generic#2").is_none());
    }
}
