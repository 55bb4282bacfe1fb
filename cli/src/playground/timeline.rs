//! The playground's network: its posts, kept as a log of JSON lines so that a restart finds them
//! again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use super::Change;

/// A post of the playground's network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TimelinePost {
    /// Its id: a ULID, or the name that the demonstration gives one of the brand's posts.
    pub(crate) id: String,
    /// The author's handle without `@`.
    pub(crate) author: String,
    /// What it says.
    pub(crate) text: String,
    /// The post that it answers.
    #[serde(default)]
    pub(crate) in_reply_to: Option<String>,
    /// When it was written.
    pub(crate) created_at: Timestamp,
}

/// One line of the log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Record {
    Posted(TimelinePost),
    Deleted {
        id: String,
        at: Timestamp,
    },
    /// The webhook took the event of this id.
    Delivered {
        event: String,
    },
    /// We answered under this key: a second callback with it is the same answer.
    Answered {
        key: String,
        post: TimelinePost,
    },
}

/// What the webhook has yet to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Somebody wrote this.
    Posted(TimelinePost),
    /// Its author deleted this.
    Deleted {
        /// The post as it was.
        post: TimelinePost,
        /// When it was deleted.
        at: Timestamp,
    },
}

impl Event {
    /// The event's id, the same at every attempt to deliver it.
    pub(crate) fn id(&self) -> String {
        match self {
            Self::Posted(post) => format!("posted-{}", post.id),
            Self::Deleted { post, .. } => format!("deleted-{}", post.id),
        }
    }

    /// The post that it is about.
    pub(crate) fn post_id(&self) -> &str {
        match self {
            Self::Posted(post) | Self::Deleted { post, .. } => &post.id,
        }
    }
}

#[derive(Debug, Default)]
struct Posts {
    /// By id, in the order of arrival.
    order: Vec<String>,
    by_id: BTreeMap<String, TimelinePost>,
    deleted: BTreeMap<String, Timestamp>,
    delivered: BTreeSet<String>,
    /// Our answers by their key.
    answers: BTreeMap<String, String>,
}

impl Posts {
    fn apply(&mut self, record: Record) {
        match record {
            Record::Posted(post) => self.insert(post),
            Record::Deleted { id, at } => {
                self.deleted.entry(id).or_insert(at);
            }
            Record::Delivered { event } => {
                self.delivered.insert(event);
            }
            Record::Answered { key, post } => {
                self.answers.insert(key, post.id.clone());
                self.insert(post);
            }
        }
    }

    fn insert(&mut self, post: TimelinePost) {
        if !self.by_id.contains_key(&post.id) {
            self.order.push(post.id.clone());
            self.by_id.insert(post.id.clone(), post);
        }
    }
}

/// All posts, ours and the shoppers'.
#[derive(Debug)]
pub(crate) struct Timeline {
    /// Who posts as the brand: these posts reach no webhook.
    brand: String,
    posts: Mutex<Posts>,
    log: Mutex<File>,
    path: PathBuf,
    changes: broadcast::Sender<Change>,
}

impl Timeline {
    /// Opens the log at `path`, which is made when missing. `brand` is our account's handle. Every
    /// change is told to `changes`.
    ///
    /// # Errors
    /// When the file can't be read or holds something else.
    pub(crate) fn open(path: &Path, brand: &str, changes: broadcast::Sender<Change>) -> anyhow::Result<Self> {
        let context = || format!("the timeline {} can't be read", path.display());
        let log = OpenOptions::new().create(true).append(true).read(true).open(path).with_context(context)?;
        let mut posts = Posts::default();
        let lines = BufReader::new(File::open(path).with_context(context)?).lines();
        let lines: Vec<String> = lines.collect::<Result<_, _>>().with_context(context)?;
        for (number, line) in lines.iter().enumerate() {
            match serde_json::from_str(line) {
                Ok(record) => posts.apply(record),
                // The last line may be cut off by a crash; the post in it was never acknowledged.
                Err(_) if number + 1 == lines.len() => {
                    let whole: usize = lines.iter().take(number).map(|line| line.len() + 1).sum();
                    log.set_len(u64::try_from(whole).unwrap_or(0)).with_context(context)?;
                }
                Err(error) => {
                    let line = number + 1;
                    return Err(error)
                        .with_context(|| format!("{}: line {line} is not of a timeline", path.display()));
                }
            }
        }
        Ok(Self {
            brand: brand.to_owned(),
            posts: Mutex::new(posts),
            log: Mutex::new(log),
            path: path.to_owned(),
            changes,
        })
    }

    /// Adds a post. One whose id is there already changes nothing.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn post(&self, post: TimelinePost) -> anyhow::Result<()> {
        if self.posts().by_id.contains_key(&post.id) {
            return Ok(());
        }
        self.record(Record::Posted(post))?;
        self.changes.send(Change::Timeline).ok();
        Ok(())
    }

    /// Deletes a post. Returns whether it was there.
    ///
    /// # Errors
    /// When that can't be written.
    pub(crate) fn delete(&self, id: &str, at: Timestamp) -> anyhow::Result<bool> {
        if self.get(id).is_none() {
            return Ok(false);
        }
        self.record(Record::Deleted { id: id.to_owned(), at })?;
        self.changes.send(Change::Timeline).ok();
        Ok(true)
    }

    /// Adds our answer. The same `key` again is the same answer: the id of the first is returned.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn answer(&self, key: &str, post: TimelinePost) -> anyhow::Result<String> {
        if let Some(first) = self.posts().answers.get(key) {
            return Ok(first.clone());
        }
        let id = post.id.clone();
        self.record(Record::Answered { key: key.to_owned(), post })?;
        self.changes.send(Change::Timeline).ok();
        Ok(id)
    }

    /// Notes that the webhook took an event.
    ///
    /// # Errors
    /// When that can't be written.
    pub(crate) fn delivered(&self, event: &Event) -> anyhow::Result<()> {
        self.record(Record::Delivered { event: event.id() })
    }

    /// The post of this id, unless it was deleted.
    pub(crate) fn get(&self, id: &str) -> Option<TimelinePost> {
        let posts = self.posts();
        posts.by_id.get(id).filter(|_| !posts.deleted.contains_key(id)).cloned()
    }

    /// All posts but deleted ones, oldest first.
    pub(crate) fn all(&self) -> Vec<TimelinePost> {
        let posts = self.posts();
        let shown = posts.order.iter().filter(|id| !posts.deleted.contains_key(*id));
        shown.filter_map(|id| posts.by_id.get(id).cloned()).collect()
    }

    /// What the webhook has not taken yet, oldest first. The brand's own posts are not told to it.
    pub(crate) fn undelivered(&self) -> Vec<Event> {
        let posts = self.posts();
        let theirs =
            || posts.order.iter().filter_map(|id| posts.by_id.get(id)).filter(|p| p.author != self.brand);
        let posted = theirs().cloned().map(Event::Posted);
        let deleted = theirs().filter_map(|post| {
            let at = *posts.deleted.get(&post.id)?;
            Some(Event::Deleted { post: post.clone(), at })
        });
        posted.chain(deleted).filter(|event| !posts.delivered.contains(&event.id())).collect()
    }

    /// Writes a record, then applies it, one at a time.
    fn record(&self, record: Record) -> anyhow::Result<()> {
        let mut line = serde_json::to_string(&record)?;
        line.push('\n');
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.write_all(line.as_bytes())
            .with_context(|| format!("the timeline {} can't be written", self.path.display()))?;
        self.posts().apply(record);
        Ok(())
    }

    fn posts(&self) -> MutexGuard<'_, Posts> {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(id: &str, author: &str) -> TimelinePost {
        TimelinePost {
            id: id.to_owned(),
            author: author.to_owned(),
            text: "@acme #AcmeCart".to_owned(),
            in_reply_to: None,
            created_at: Timestamp::from_seconds(1),
        }
    }

    #[test]
    fn a_restart_finds_posts_answers_and_what_is_undelivered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("timeline.jsonl");
        let open = || Timeline::open(&path, "acme", broadcast::channel(8).0).unwrap();
        let timeline = open();
        for (id, author) in [("brand", "acme"), ("1", "alice"), ("1", "alice"), ("2", "bob"), ("3", "bob")] {
            timeline.post(post(id, author)).unwrap();
        }
        timeline.delivered(&Event::Posted(post("1", "alice"))).unwrap();
        assert!(timeline.delete("3", Timestamp::from_seconds(2)).unwrap());
        assert!(!timeline.delete("3", Timestamp::from_seconds(3)).unwrap());
        assert_eq!(timeline.answer("key", post("a1", "acme")).unwrap(), "a1");
        assert_eq!(timeline.answer("key", post("a2", "acme")).unwrap(), "a1");

        std::fs::write(&path, std::fs::read_to_string(&path).unwrap() + "{\"posted\":{\"id\"").unwrap();
        for timeline in [open(), open()] {
            let ids: Vec<String> = timeline.all().into_iter().map(|post| post.id).collect();
            assert_eq!(ids, ["brand", "1", "2", "a1"]);
            let events: Vec<String> = timeline.undelivered().iter().map(Event::id).collect();
            assert_eq!(events, ["posted-2", "posted-3", "deleted-3"]);
            assert_eq!(timeline.answer("key", post("a3", "acme")).unwrap(), "a1");
        }
    }

    #[test]
    fn another_file_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("timeline.jsonl");
        std::fs::write(&path, "{}\n{}\n").unwrap();
        let error = Timeline::open(&path, "acme", broadcast::channel(8).0).unwrap_err();
        assert!(format!("{error:#}").contains("line 1"));
    }
}
