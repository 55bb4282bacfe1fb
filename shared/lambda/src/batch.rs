//! The batch loop: takes a batch of SQS records, gives each to a [`Consumer`], sends what comes out
//! and says which records failed.
//!
//! - Each record is decoded by itself, so one that can't be read never harms its batch-mates.
//! - A permanent failure goes to the dead-letter queue at once, by us, the body byte for byte and the
//!   reason as an attribute. A retryable one becomes visible again after a growing pause; on its last
//!   receive it is dead-lettered with its reason instead of vanishing there without one.
//! - A record counts as done only when everything that it sent has been accepted.
//! - A panic costs its own record a try, not the batch.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use aws_sdk_sqs::types::MessageAttributeValue;
use domain::Retryable;
use domain::time::Timestamp;
use futures::{FutureExt as _, StreamExt as _, stream};
use tracing::{Instrument as _, Span};

use crate::aws::Aws;
use crate::clock::Clock;
use crate::env::{EnvError, Environment};
use crate::envelope::{DecodeError, Envelope};
use crate::log::about;
use crate::metrics;
use crate::queue::{Outgoing, Sender, trace_header};

/// How many records of a batch are worked on at the same time.
const CONCURRENCY: usize = 10;
/// How often a record is received before it is dead-lettered: the template's `maxReceiveCount`.
const MAX_RECEIVES: u32 = 5;
/// The pause after the first failure. Each further one is [`PAUSE_FACTOR`] times as long, so that four
/// pauses outlast an outage of a quarter of an hour and a throttle costs the shopper seconds.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// What a pause is multiplied by for the next one: 5 s, 30 s, 3 min, 15 min.
const PAUSE_FACTOR: u32 = 6;
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

/// What a consumer reads out of a record's body.
pub trait Decode: Sized {
    /// Reads a body.
    ///
    /// # Errors
    /// When it isn't what this queue carries: permanent.
    fn decode(body: &str) -> Result<Self, DecodeError>;

    /// The trace that the record belongs to.
    fn trace(&self) -> Option<&str>;

    /// What it is about, for the logs: `<network>#<post id>` where it is about a post, else empty.
    fn subject(&self) -> String;
}

impl Decode for Envelope {
    fn decode(body: &str) -> Result<Self, DecodeError> {
        Self::decode(body)
    }

    fn trace(&self) -> Option<&str> {
        Some(&self.trace)
    }

    fn subject(&self) -> String {
        self.body.post()
    }
}

/// A record on its way through a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery<T> {
    /// SQS's id of the message.
    pub message_id: String,
    /// How often it has been received, this time included.
    pub receives: u32,
    /// Its `MessageGroupId`, for what follows from it: the shopper stays in their group without the key
    /// of the hash. The message's id where it came without one.
    pub group: String,
    /// What it says.
    pub input: T,
}

impl<T> Delivery<T> {
    /// Whether this is the last try before the dead-letter queue.
    pub fn is_last(&self) -> bool {
        self.receives >= MAX_RECEIVES
    }
}

/// Why a record failed, as far as the loop needs to know it.
pub trait ConsumeError: Retryable + Send + Sync + 'static {
    /// The pause before the next try, where the error knows one (a throttle's `retry-after`, the end
    /// of a lease).
    fn retry_after(&self) -> Option<Duration> {
        None
    }
}

/// Turns one kind of record into effects and further messages.
pub trait Consumer: Sync {
    /// What a record says.
    type Input: Decode + Send + Sync;
    /// What is read once for a whole batch.
    type Prepared: Sync;
    /// Why a record fails.
    type Error: ConsumeError;

    /// Reads what the batch needs in common: one request for ten records.
    ///
    /// # Errors
    /// When that can't be read; it fails every record of the batch.
    fn prepare(
        &self,
        batch: &[Delivery<Self::Input>],
    ) -> impl Future<Output = Result<Self::Prepared, Self::Error>> + Send;

    /// Does the work of one record and says what is to be sent. Must bear repetition: a record may
    /// come again after any of its effects.
    ///
    /// # Errors
    /// When it can't be done now or ever.
    fn handle(
        &self,
        delivery: &Delivery<Self::Input>,
        prepared: &Self::Prepared,
    ) -> impl Future<Output = Result<Vec<Outgoing>, Self::Error>> + Send;
}

/// Why a batch failed as a whole.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// A record without an id can't be named in the answer.
    #[error("a record without a message id: the whole batch is retried")]
    NoMessageId,
    /// Nothing of it could be done: Lambda's own back-off takes over.
    #[error("all {0} records failed and may succeed later")]
    All(usize),
}

/// The loop of one consuming function.
#[derive(Clone, Debug)]
pub struct BatchLoop {
    function: &'static str,
    aws: Aws,
    sender: Sender,
    queue_url: String,
    dead_letter_url: String,
}

/// How one record ended.
enum End {
    Done(Vec<Outgoing>),
    Failed(Failure),
}

struct Failure {
    reason: String,
    retryable: bool,
    retry_after: Option<Duration>,
}

impl Failure {
    fn of<E: ConsumeError>(error: &E) -> Self {
        Self { reason: reason(error), retryable: error.retryable(), retry_after: error.retry_after() }
    }

    fn permanent(error: &(dyn std::error::Error + 'static)) -> Self {
        Self { reason: reason(error), retryable: false, retry_after: None }
    }

    fn passing(reason: String) -> Self {
        Self { reason, retryable: true, retry_after: None }
    }
}

/// An error and its sources in one line.
pub fn reason(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        source = cause.source();
    }
    line.replace(['\n', '\r'], " ")
}

impl BatchLoop {
    /// A loop over the queue `queue` (`posts`, `commands`, …) for `function`.
    ///
    /// # Errors
    /// When the environment doesn't name the queue and its dead-letter queue.
    pub fn new(
        function: &'static str,
        queue: &str,
        env: &Environment,
        aws: &Aws,
        sender: Sender,
    ) -> Result<Self, EnvError> {
        let (queue_url, dead_letter_url) = (env.queue(queue)?, env.dead_letter_queue(queue)?);
        Ok(Self { function, aws: aws.clone(), sender, queue_url, dead_letter_url })
    }

    /// Works through a batch.
    ///
    /// # Errors
    /// When a record has no id, or when every record failed, may succeed later and none could be
    /// dead-lettered: the whole batch is then retried by Lambda.
    pub async fn run<C: Consumer>(
        &self,
        consumer: &C,
        event: SqsEvent,
    ) -> Result<SqsBatchResponse, BatchError> {
        let records = event.records;
        if records.iter().any(|record| record.message_id.as_deref().is_none_or(str::is_empty)) {
            return Err(BatchError::NoMessageId);
        }
        let (mut ends, deliveries) = decode::<C::Input>(&records);
        let abouts = abouts(&records, &deliveries);
        let spans: Vec<Span> = deliveries.0.iter().map(|index| span(&abouts, *index)).collect();
        let worked = work(consumer, &deliveries.1, &spans).await;
        for (index, end) in deliveries.0.iter().zip(worked) {
            ends.insert(*index, end);
        }
        let failures = self.send_all(ends, &abouts).await;
        self.settle(&records, failures, &abouts).await
    }

    /// Sends what the records put out; what can't be sent fails its record.
    async fn send_all(&self, ends: BTreeMap<usize, End>, abouts: &[About]) -> BTreeMap<usize, Failure> {
        let mut failures = BTreeMap::new();
        let (mut owners, mut outgoing) = (Vec::new(), Vec::new());
        for (index, end) in ends {
            match end {
                End::Failed(failure) => {
                    failures.insert(index, failure);
                }
                End::Done(messages) => {
                    owners.extend(messages.iter().map(|_| index));
                    outgoing.extend(messages);
                }
            }
        }
        let trace_of =
            |index: usize| owners.get(index).and_then(|owner| abouts.get(*owner)?.trace.as_deref());
        let results = self.sender.send(&outgoing, trace_of).await;
        for (owner, result) in owners.iter().zip(results) {
            if let Err(error) = result {
                let failure =
                    Failure { reason: reason(&error), retryable: error.retryable(), retry_after: None };
                failures.insert(*owner, failure);
            }
        }
        failures
    }

    /// Puts each failed record where it belongs and says which remain.
    async fn settle(
        &self,
        records: &[SqsMessage],
        failures: BTreeMap<usize, Failure>,
        abouts: &[About],
    ) -> Result<SqsBatchResponse, BatchError> {
        let mut response = SqsBatchResponse::default();
        let mut remaining = 0;
        for (index, failure) in failures {
            let (Some(record), Some(about)) = (records.get(index), abouts.get(index)) else { continue };
            if !self.dead_letter(record, &failure, about).instrument(about.span()).await {
                self.delay(record, &failure, about).instrument(about.span()).await;
                response.batch_item_failures.push(failed(record));
                remaining += 1;
            }
        }
        if remaining > 0 && remaining == records.len() {
            return Err(BatchError::All(remaining));
        }
        Ok(response)
    }

    /// Dead-letters a record that will never succeed or is out of tries. Returns whether it is safe
    /// there.
    async fn dead_letter(&self, record: &SqsMessage, failure: &Failure, about: &About) -> bool {
        if failure.retryable && receives(record) < MAX_RECEIVES {
            return false;
        }
        let attribute = |value: &str| {
            MessageAttributeValue::builder().data_type("String").string_value(value).build().ok()
        };
        let why: String = failure.reason.chars().take(1000).collect();
        let exhausted = if failure.retryable { "exhausted" } else { "permanent" };
        let mut request = self
            .aws
            .sqs()
            .send_message()
            .queue_url(&self.dead_letter_url)
            .message_body(record.body.clone().unwrap_or_default())
            .set_message_system_attributes(about.trace.as_deref().and_then(trace_header))
            .set_message_group_id(record.attributes.get("MessageGroupId").cloned());
        for (name, value) in [("reason", why.as_str()), ("function", self.function), ("kind", exhausted)] {
            if let Some(value) = attribute(value) {
                request = request.message_attributes(name, value);
            }
        }
        match request.send().await {
            Ok(_) => {
                let message_id = record.message_id.as_deref();
                tracing::error!(reason = why, kind = exhausted, message_id, "dead-lettered: {why}");
                metrics::DEAD_LETTERED.add([self.function], &[("post", &about.post)]);
                true
            }
            Err(error) => {
                let error = reason(&error);
                tracing::error!(reason = why, error, "dead-lettering failed, kept in the queue");
                false
            }
        }
    }

    /// Makes a failed record visible again after a pause. If that fails too, the queue's own
    /// visibility timeout does it.
    async fn delay(&self, record: &SqsMessage, failure: &Failure, about: &About) {
        let receives = receives(record);
        let pause = failure.retry_after.unwrap_or_else(|| back_off(receives)).min(LONGEST_PAUSE);
        let (why, pause_s) = (&failure.reason, pause.as_secs());
        tracing::warn!(reason = why, receives, pause_s, "failed, to be tried again in {pause_s} s: {why}");
        metrics::RETRIED.add([self.function], &[("post", &about.post)]);
        let request = self
            .aws
            .sqs()
            .change_message_visibility()
            .queue_url(&self.queue_url)
            .set_receipt_handle(record.receipt_handle.clone())
            .visibility_timeout(i32::try_from(pause.as_secs().max(1)).unwrap_or(i32::MAX));
        if let Err(error) = request.send().await {
            tracing::warn!(error = reason(&error), "the pause could not be set");
        }
    }
}

/// The pause after the n-th receive, with up to a quarter taken off at random so that what failed
/// together doesn't come back together.
fn back_off(receives: u32) -> Duration {
    let pause = FIRST_PAUSE
        .saturating_mul(PAUSE_FACTOR.saturating_pow(receives.saturating_sub(1)))
        .min(LONGEST_PAUSE);
    let quarter = u64::try_from(pause.as_millis() / 4).unwrap_or(u64::MAX).max(1);
    pause.saturating_sub(Duration::from_millis(crate::token::random_u64() % quarter))
}

fn receives(record: &SqsMessage) -> u32 {
    record.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1)
}

fn failed(record: &SqsMessage) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = record.message_id.clone().unwrap_or_default();
    failure
}

/// What a record is about: its lines in the logs say so, and what it sends continues its trace.
struct About {
    post: String,
    trace: Option<String>,
    /// When SQS took the message and how long it then lay there, in milliseconds.
    queued: Option<(u64, u64)>,
}

impl About {
    fn span(&self) -> Span {
        let span = about(&self.post, self.trace.as_deref());
        if let Some((sent_ms, waited_ms)) = self.queued {
            span.record("sent_ms", sent_ms).record("waited_ms", waited_ms);
        }
        span
    }
}

/// When the message was sent and how long it waited until now (SQS developer guide, `SentTimestamp`).
fn queued(record: &SqsMessage, now: Timestamp) -> Option<(u64, u64)> {
    let sent_ms = record.attributes.get("SentTimestamp")?.parse().ok()?;
    Some((sent_ms, now.as_millis().saturating_sub(sent_ms)))
}

/// What each record is about. A record that couldn't be read or names no trace has the one that it came
/// with.
fn abouts<T: Decode>(records: &[SqsMessage], deliveries: &Deliveries<T>) -> Vec<About> {
    let trace = |record: &SqsMessage| record.attributes.get("AWSTraceHeader").cloned();
    // The logs' own clock, and for the logs alone.
    let now = Clock::system().now();
    let about = |record| About { post: String::new(), trace: trace(record), queued: queued(record, now) };
    let mut abouts: Vec<About> = records.iter().map(about).collect();
    for (index, delivery) in deliveries.0.iter().zip(&deliveries.1) {
        if let Some(about) = abouts.get_mut(*index) {
            about.post = delivery.input.subject();
            about.trace = delivery.input.trace().map(str::to_owned).or_else(|| about.trace.take());
        }
    }
    abouts
}

fn span(abouts: &[About], index: usize) -> Span {
    abouts.get(index).map_or_else(Span::none, About::span)
}

/// Records that could be read, with their places in the batch.
type Deliveries<T> = (Vec<usize>, Vec<Delivery<T>>);

fn decode<T: Decode>(records: &[SqsMessage]) -> (BTreeMap<usize, End>, Deliveries<T>) {
    let mut ends = BTreeMap::new();
    let mut deliveries = (Vec::new(), Vec::new());
    for (index, record) in records.iter().enumerate() {
        let decoded = match record.body.as_deref() {
            Some(body) => T::decode(body),
            None => Err(DecodeError::Empty),
        };
        match decoded {
            Ok(input) => {
                let message_id = record.message_id.clone().unwrap_or_default();
                deliveries.0.push(index);
                let group = record.attributes.get("MessageGroupId").cloned();
                let group = group.unwrap_or_else(|| message_id.clone());
                deliveries.1.push(Delivery { message_id, receives: receives(record), group, input });
            }
            Err(error) => {
                ends.insert(index, End::Failed(Failure::permanent(&error)));
            }
        }
    }
    (ends, deliveries)
}

/// Prepares the batch and works on its records side by side; the ends stand in the records' order.
async fn work<C: Consumer>(consumer: &C, deliveries: &[Delivery<C::Input>], spans: &[Span]) -> Vec<End> {
    if deliveries.is_empty() {
        return Vec::new();
    }
    let prepared = match AssertUnwindSafe(consumer.prepare(deliveries)).catch_unwind().await {
        Ok(Ok(prepared)) => prepared,
        Ok(Err(error)) => return deliveries.iter().map(|_| End::Failed(Failure::of(&error))).collect(),
        Err(_) => {
            let panicked = || End::Failed(Failure::passing("panicked while preparing the batch".to_owned()));
            return deliveries.iter().map(|_| panicked()).collect();
        }
    };
    let prepared = &prepared;
    stream::iter(deliveries.iter().zip(spans))
        .map(|(delivery, span)| async move {
            let handled = consumer.handle(delivery, prepared).instrument(span.clone());
            match AssertUnwindSafe(handled).catch_unwind().await {
                Ok(Ok(outgoing)) => End::Done(outgoing),
                Ok(Err(error)) => End::Failed(Failure::of(&error)),
                Err(_) => End::Failed(Failure::passing("panicked".to_owned())),
            }
        })
        .buffered(CONCURRENCY)
        .collect()
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_quarter_of_an_hour() {
        for (receives, longest_s) in [(1, 5), (2, 30), (3, 180), (4, 900), (5, 900), (u32::MAX, 900)] {
            let (pause, longest) = (back_off(receives), Duration::from_secs(longest_s));
            assert!(pause <= longest && pause >= longest * 3 / 4, "{receives}: {pause:?}");
        }
    }

    #[test]
    fn a_record_tells_how_long_it_waited() {
        let record = |sent: &str| {
            let mut record = SqsMessage::default();
            record.attributes.insert("SentTimestamp".to_owned(), sent.to_owned());
            record
        };
        let now = Timestamp::from_millis(1_500);
        assert_eq!(queued(&record("1200"), now), Some((1_200, 300)));
        assert_eq!(queued(&record("1700"), now), Some((1_700, 0)), "SQS's clock is ahead of ours");
        assert_eq!(queued(&record("soon"), now), None);
        assert_eq!(queued(&SqsMessage::default(), now), None);
    }
}
