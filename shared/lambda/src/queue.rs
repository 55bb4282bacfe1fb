//! Sending to the queues.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_sqs::error::SdkError;
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchError;
use aws_sdk_sqs::types::{
    MessageSystemAttributeNameForSends, MessageSystemAttributeValue, SendMessageBatchRequestEntry,
};
use domain::Retryable;

use crate::aws::Aws;
use crate::clock::Clock;
use crate::env::{EnvError, Environment};
use crate::envelope::{Envelope, Message};

/// The most entries of one `SendMessageBatch` (SQS quotas).
const BATCH_ENTRIES: usize = 10;
/// The most bytes of one `SendMessageBatch` that we fill; SQS takes 1 MiB.
const BATCH_BYTES: usize = 256 * 1024;

/// A queue that stages hand work over by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Queue {
    /// Posts that may be for us.
    Posts,
    /// What posts ask for.
    Commands,
    /// How it ended.
    Outcomes,
}

impl Queue {
    /// The queue's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Posts => "posts",
            Self::Commands => "commands",
            Self::Outcomes => "outcomes",
        }
    }
}

/// A message on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Where to.
    pub queue: Queue,
    /// The `MessageGroupId`: a [keyed hash](crate::keyed::KeyedHash::shopper) of the shopper, so that
    /// fair queues keep one noisy account from starving the others.
    pub group: String,
    /// The message.
    pub message: Message,
    /// How long it stays invisible first; at most 15 minutes.
    pub delay: Option<Duration>,
}

impl Outgoing {
    /// A message for at once.
    pub fn new(queue: Queue, group: String, message: Message) -> Self {
        Self { queue, group, message, delay: None }
    }
}

/// Why a message wasn't sent. It may have been all the same (a timeout): receivers expect doubles.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The request failed as a whole.
    #[error("the queue `{queue}` can't be reached")]
    Request {
        /// The queue.
        queue: &'static str,
        /// What SQS or the way to it said.
        #[source]
        source: Box<SdkError<SendMessageBatchError>>,
    },
    /// SQS refused this entry.
    #[error("the queue `{queue}` refused the message: {code}")]
    Refused {
        /// The queue.
        queue: &'static str,
        /// SQS's code.
        code: String,
        /// Whether SQS blames the sender: the same message would be refused again.
        sender_fault: bool,
    },
    /// The message can't be written as JSON.
    #[error("the message can't be written")]
    Encode(#[source] serde_json::Error),
    /// The function isn't given that queue.
    #[error(transparent)]
    Env(#[from] EnvError),
}

impl Retryable for SendError {
    fn retryable(&self) -> bool {
        match self {
            Self::Request { .. } => true,
            Self::Refused { sender_fault, .. } => !sender_fault,
            Self::Encode(_) => false,
            Self::Env(_) => true,
        }
    }
}

/// Sends messages in batches of ten.
#[derive(Clone, Debug)]
pub struct Sender {
    aws: Aws,
    urls: BTreeMap<Queue, String>,
    clock: Clock,
}

struct Entry {
    index: usize,
    bytes: usize,
    entry: SendMessageBatchRequestEntry,
}

impl Sender {
    /// Sends to the queues that the environment names; the others fail when they are used.
    pub fn new(aws: &Aws, env: &Environment, clock: Clock) -> Self {
        let known = |queue: Queue| env.queue(queue.name()).ok().map(|url| (queue, url));
        let urls = [Queue::Posts, Queue::Commands, Queue::Outcomes].into_iter().filter_map(known).collect();
        Self { aws: aws.clone(), urls, clock }
    }

    /// Sends each message; the results stand in the order of the messages. `traces` gives the trace
    /// of each message by its index.
    pub async fn send<'t>(
        &self,
        messages: &[Outgoing],
        trace: impl Fn(usize) -> Option<&'t str>,
    ) -> Vec<Result<(), SendError>> {
        let mut results: Vec<Result<(), SendError>> = messages.iter().map(|_| Ok(())).collect();
        let mut by_queue: BTreeMap<Queue, Vec<Entry>> = BTreeMap::new();
        for (index, outgoing) in messages.iter().enumerate() {
            match self.entry(index, outgoing, trace(index)) {
                Ok(entry) => by_queue.entry(outgoing.queue).or_default().push(entry),
                Err(error) => set(&mut results, index, Err(error)),
            }
        }
        for (queue, entries) in by_queue {
            for batch in batches(entries) {
                self.send_batch(queue, batch, &mut results).await;
            }
        }
        results
    }

    fn entry(&self, index: usize, outgoing: &Outgoing, trace: Option<&str>) -> Result<Entry, SendError> {
        let envelope = Envelope::new(outgoing.message.clone(), self.clock.now(), trace);
        let body = serde_json::to_string(&envelope).map_err(SendError::Encode)?;
        let delay = outgoing.delay.map(|delay| i32::try_from(delay.as_secs().min(900)).unwrap_or(900));
        let bytes = body.len();
        let entry = SendMessageBatchRequestEntry::builder()
            .id(index.to_string())
            .message_body(body)
            .message_group_id(&outgoing.group)
            .set_delay_seconds(delay)
            .set_message_system_attributes(trace_header(&envelope.trace))
            .build()
            .map_err(|_| SendError::Refused {
                queue: outgoing.queue.name(),
                code: "InvalidEntry".to_owned(),
                sender_fault: true,
            })?;
        Ok(Entry { index, bytes, entry })
    }

    async fn send_batch(&self, queue: Queue, batch: Vec<Entry>, results: &mut [Result<(), SendError>]) {
        let indexes: Vec<usize> = batch.iter().map(|entry| entry.index).collect();
        let name = queue.name();
        let Some(url) = self.urls.get(&queue) else {
            for index in indexes {
                let missing = EnvError::Missing(format!("HASHCART_QUEUE_{}", name.to_ascii_uppercase()));
                set(results, index, Err(SendError::Env(missing)));
            }
            return;
        };
        let request = self.aws.sqs().send_message_batch().queue_url(url);
        let request = request.set_entries(Some(batch.into_iter().map(|entry| entry.entry).collect()));
        match request.send().await {
            Ok(answer) => {
                for failed in answer.failed {
                    let code = failed.code;
                    let refused = SendError::Refused { queue: name, code, sender_fault: failed.sender_fault };
                    if let Ok(index) = failed.id.parse() {
                        set(results, index, Err(refused));
                    }
                }
            }
            Err(error) => {
                let source = std::sync::Arc::new(error);
                tracing::warn!(queue = name, messages = indexes.len(), "sending failed");
                fail_all(results, &indexes, name, source);
            }
        }
    }
}

/// One request failed for all of its messages: the first error carries the source, the others say
/// the same without it, because SDK errors can't be cloned.
fn fail_all(
    results: &mut [Result<(), SendError>],
    indexes: &[usize],
    queue: &'static str,
    source: std::sync::Arc<SdkError<SendMessageBatchError>>,
) {
    let (first, rest) = match indexes.split_first() {
        Some(split) => split,
        None => return,
    };
    if let Some(source) = std::sync::Arc::into_inner(source) {
        set(results, *first, Err(SendError::Request { queue, source: Box::new(source) }));
    }
    for index in rest {
        let code = "RequestFailed".to_owned();
        set(results, *index, Err(SendError::Refused { queue, code, sender_fault: false }));
    }
}

fn set(results: &mut [Result<(), SendError>], index: usize, result: Result<(), SendError>) {
    if let Some(slot) = results.get_mut(index) {
        *slot = result;
    }
}

/// Splits into batches that SQS takes.
fn batches(entries: Vec<Entry>) -> Vec<Vec<Entry>> {
    let mut batches: Vec<Vec<Entry>> = Vec::new();
    let mut bytes = 0;
    for entry in entries {
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH_ENTRIES && bytes + entry.bytes <= BATCH_BYTES => {
                bytes += entry.bytes;
                batch.push(entry);
            }
            _ => {
                bytes = entry.bytes;
                batches.push(vec![entry]);
            }
        }
    }
    batches
}

/// X-Ray's header travels as a system attribute: it isn't counted in the message's size, and Lambda
/// continues the trace from it (AWS X-Ray developer guide, "Amazon SQS and AWS X-Ray"). SQS refuses a
/// message whose header isn't of its form, so one that isn't is left out.
pub(crate) fn trace_header(
    trace: &str,
) -> Option<std::collections::HashMap<MessageSystemAttributeNameForSends, MessageSystemAttributeValue>> {
    let value = is_trace_header(trace).then(|| {
        MessageSystemAttributeValue::builder().data_type("String").string_value(trace).build().ok()
    })??;
    Some([(MessageSystemAttributeNameForSends::AwsTraceHeader, value)].into_iter().collect())
}

/// Whether it reads `Root=1-<8 hex digits>-<24 hex digits>`, with further `Name=value` parts after
/// semicolons (AWS X-Ray developer guide, "Tracing header").
fn is_trace_header(header: &str) -> bool {
    let is_hex = |text: &str, digits| text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit());
    let is_root = |root: &str| {
        let parts: Vec<&str> = root.split('-').collect();
        matches!(parts.as_slice(), ["1", time, random] if is_hex(time, 8) && is_hex(random, 24))
    };
    let is_part = |(name, value): (&str, &str)| match name {
        "Root" => is_root(value),
        _ => value.bytes().all(|b| b.is_ascii_alphanumeric() || b":-_".contains(&b)),
    };
    header.starts_with("Root=")
        && header.split(';').all(|part| part.trim().split_once('=').is_some_and(is_part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_headers_of_x_rays_form_travel() {
        let root = "Root=1-5759e988-bd862e3fe1be46a994272793";
        for good in [
            root.to_owned(),
            format!("{root};Parent=53995c3f42cd8ad8;Sampled=1"),
            format!("{root};Parent=53995c3f42cd8ad8;Sampled=0;Lineage=1:2e8ee1fa:0"),
        ] {
            assert!(trace_header(&good).is_some(), "{good}");
        }
        for bad in [
            "",
            "01JDABCDEFGHJKMNPQRSTVWXYZ",
            "Root=1-5759e988-bd86",
            "Root=anything",
            "Parent=53995c3f42cd8ad8",
            "Root=1-5759e988-bd862e3fe1be46a994272793;",
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent",
            "Root=1-5759e988-bd862e3fe1be46a994272793;X=<script>",
        ] {
            assert!(trace_header(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn batches_hold_ten_and_a_quarter_megabyte() {
        let entry = |index: usize, bytes: usize| Entry {
            index,
            bytes,
            entry: SendMessageBatchRequestEntry::builder().id("a").message_body("b").build().unwrap(),
        };
        let sizes = |entries: Vec<Entry>| batches(entries).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes((0..25).map(|i| entry(i, 1)).collect()), [10, 10, 5]);
        assert_eq!(sizes(vec![entry(0, 200_000), entry(1, 100_000), entry(2, 100_000)]), [1, 2]);
        assert_eq!(sizes(vec![]), [] as [usize; 0]);
    }
}
