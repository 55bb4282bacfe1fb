//! What happened to each post: the functions' log lines, sorted by post.

use std::collections::{BTreeMap, HashSet};
use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use tokio::sync::broadcast;

use super::Change;
use crate::trace::{LogLine, Trace};

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
        if let Some(post) = &line.post {
            self.by_post.entry(post.clone()).or_default().add(line);
        }
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
