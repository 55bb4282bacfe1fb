//! Messages in a file: what `drop` writes before it deletes, and what `redrive --from-file` reads.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::MessageAttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::letter::{Content, Letter};
use crate::queues::Queue;

/// A message, one line of JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    stage: String,
    queue: String,
    id: String,
    sent_at: Timestamp,
    receives: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, Attribute>,
    body: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Attribute {
    #[serde(rename = "type")]
    data_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    string: Option<String>,
    /// In base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    binary: Option<String>,
}

impl Attribute {
    fn of(value: &MessageAttributeValue) -> Self {
        Self {
            data_type: value.data_type().to_owned(),
            string: value.string_value().map(str::to_owned),
            binary: value.binary_value().map(|bytes| STANDARD.encode(bytes)),
        }
    }

    fn value(self) -> anyhow::Result<MessageAttributeValue> {
        let binary = self.binary.map(|text| STANDARD.decode(text)).transpose()?.map(Blob::new);
        Ok(MessageAttributeValue::builder()
            .data_type(self.data_type)
            .set_string_value(self.string)
            .set_binary_value(binary)
            .build()?)
    }
}

impl Line {
    fn of(stage: &str, queue: Queue, letter: &Letter) -> Self {
        Self {
            stage: stage.to_owned(),
            queue: queue.name().to_owned(),
            id: letter.id.clone(),
            sent_at: letter.sent_at,
            receives: letter.receives,
            group: letter.group.clone(),
            trace: letter.trace.clone(),
            attributes: letter.attributes.iter().map(|(n, v)| (n.clone(), Attribute::of(v))).collect(),
            body: letter.body.clone(),
        }
    }

    fn letter(self, queue: Queue) -> anyhow::Result<Letter> {
        let attributes: HashMap<_, _> = self
            .attributes
            .into_iter()
            .map(|(name, attribute)| Ok((name, attribute.value()?)))
            .collect::<anyhow::Result<_>>()?;
        Ok(Letter {
            content: Content::of(queue, &self.body),
            id: self.id,
            receipt: String::new(),
            body: self.body,
            attributes,
            group: self.group,
            trace: self.trace,
            sent_at: self.sent_at,
            receives: self.receives,
        })
    }
}

/// A file that takes dropped messages.
#[derive(Debug)]
pub(super) struct Saved {
    path: PathBuf,
    file: File,
}

impl Saved {
    /// Opens a file to add to; only its owner may read it, because messages hold what shoppers wrote.
    ///
    /// # Errors
    /// When it can't be opened.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
        let file =
            file.with_context(|| format!("{} can't be written: nothing was dropped", path.display()))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Writes messages, down to the disk.
    ///
    /// # Errors
    /// When they can't be written.
    pub(super) fn add<'a>(
        &mut self,
        stage: &str,
        queue: Queue,
        letters: impl IntoIterator<Item = &'a Letter>,
    ) -> anyhow::Result<()> {
        let mut lines = String::new();
        for letter in letters {
            lines.push_str(&serde_json::to_string(&Line::of(stage, queue, letter))?);
            lines.push('\n');
        }
        let written = self.file.write_all(lines.as_bytes()).and_then(|()| self.file.sync_data());
        written.with_context(|| format!("{} can't be written: these were not dropped", self.path.display()))
    }
}

/// Reads the messages of a file, by queue. `only` leaves out those of other queues.
///
/// # Errors
/// When the file can't be read, holds something else, or belongs to another stage.
pub(super) fn read(
    path: &Path,
    stage: &str,
    only: Option<Queue>,
) -> anyhow::Result<BTreeMap<Queue, Vec<Letter>>> {
    let context = || format!("{} can't be read", path.display());
    let mut letters: BTreeMap<Queue, Vec<Letter>> = BTreeMap::new();
    for (index, line) in BufReader::new(File::open(path).with_context(context)?).lines().enumerate() {
        let line = line.with_context(context)?;
        if line.trim().is_empty() {
            continue;
        }
        let at = || {
            format!("line {} of {} is no message that `hashcart dlq drop` saved", index + 1, path.display())
        };
        // The parser's own words would quote the message.
        let line: Line = lambda::envelope::from_json(&line).with_context(at)?;
        if line.stage != stage {
            bail!("{} was dropped from the stage `{}`: say --stage {1}", path.display(), line.stage);
        }
        let queue = Queue::of_name(&line.queue).with_context(at)?;
        if only.is_none_or(|only| only == queue) {
            letters.entry(queue).or_default().push(line.letter(queue).with_context(at)?);
        }
    }
    Ok(letters)
}

/// Where dropped messages go when nothing else is said.
pub(super) fn default_path(stage: &str, queue: Queue, now: Timestamp) -> PathBuf {
    let moment: String = now.to_string().chars().take(19).filter(char::is_ascii_alphanumeric).collect();
    PathBuf::from(format!("hashcart-{stage}-{queue}-dead-{moment}Z.jsonl"))
}
