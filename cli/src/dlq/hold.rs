//! Reading a dead-letter queue without taking anything out of it: messages are received, held for as long
//! as a command looks at them, and made visible again.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, MessageSystemAttributeName};
use futures::stream::{self, StreamExt as _};

use super::letter::Letter;
use crate::queues::{Counts, Queue, Queues};
use crate::signals::Interrupt;
use crate::terminal::{complain, counted};

/// How long a received message stays hidden from everybody else. The shorter, the sooner everything is
/// visible again after a crash of this command.
pub(super) const HOLD: Duration = Duration::from_secs(60);
/// How long messages are collected before something is done with them: well within [`HOLD`].
const COLLECT: Duration = Duration::from_secs(20);
/// How long a receive waits where nothing comes: anything above zero asks all of SQS's servers (SQS
/// developer guide, "Short and long polling").
const WAIT_S: i32 = 1;
/// How many empty receives in a row mean that there is nothing more, although SQS counts more.
const EMPTY_RECEIVES: u32 = 3;
/// How many receives run at once where messages keep coming.
const RECEIVERS: usize = 5;
/// The most messages of one request.
pub(super) const BATCH: usize = 10;
/// The most bytes of bodies that are held at once.
const HELD_BYTES: usize = 64 * 1024 * 1024;

/// The dead-letter queue of one queue.
#[derive(Clone, Debug)]
pub(super) struct DeadLetters {
    pub(super) queues: Queues,
    pub(super) queue: Queue,
    pub(super) url: String,
}

/// Messages that are held, and what is known of those that aren't.
#[derive(Debug)]
pub(super) struct Held {
    /// The messages, in no particular order.
    pub(super) letters: Vec<Letter>,
    /// When the first of them was received: until [`HOLD`] later nobody else sees them.
    pub(super) since: Instant,
    /// What SQS counted before.
    pub(super) counts: Counts,
    /// Whether everything that could be received was.
    pub(super) is_complete: bool,
}

impl DeadLetters {
    /// The dead-letter queue of `queue`.
    ///
    /// # Errors
    /// When there is no such queue, or SQS can't be asked.
    pub(super) async fn open(queues: &Queues, queue: Queue) -> anyhow::Result<Self> {
        let url = queues.url(&queue.physical_dead(queues.stage())).await?;
        Ok(Self { queues: queues.clone(), queue, url })
    }

    /// What the queue holds.
    ///
    /// # Errors
    /// When SQS can't be asked.
    pub(super) async fn counts(&self) -> anyhow::Result<Counts> {
        self.queues.counts(&self.url).await
    }

    /// Receives all messages, or as many as can be held for long enough. Stops as soon as `enough` says so
    /// of what is held, or the command is interrupted.
    ///
    /// # Errors
    /// When SQS can't be asked; then everything has been given back.
    pub(super) async fn hold(
        &self,
        interrupt: &Interrupt,
        enough: impl Fn(&[Letter]) -> bool,
    ) -> anyhow::Result<Held> {
        let mut held = Held {
            letters: Vec::new(),
            since: Instant::now(),
            counts: self.counts().await?,
            is_complete: false,
        };
        let collected = self.collect(&mut held, interrupt, enough).await;
        if let Err(error) = collected {
            self.give_back(&held.letters).await;
            return Err(error);
        }
        Ok(held)
    }

    async fn collect(
        &self,
        held: &mut Held,
        interrupt: &Interrupt,
        enough: impl Fn(&[Letter]) -> bool,
    ) -> anyhow::Result<()> {
        let (mut places, mut bytes, mut empty, mut receivers) = (HashMap::new(), 0_usize, 0, 1);
        while !interrupt.is_asked()
            && held.since.elapsed() < COLLECT
            && bytes < HELD_BYTES
            && !enough(&held.letters)
        {
            let received = futures::future::join_all((0..receivers).map(|_| self.receive())).await;
            let (mut count, mut failure) = (0, None);
            for answer in received {
                match answer {
                    Ok(letters) => {
                        count += letters.len();
                        for letter in letters {
                            bytes = bytes.saturating_add(letter.body.len());
                            keep(&mut held.letters, &mut places, letter);
                        }
                    }
                    Err(error) => failure = Some(error),
                }
            }
            if let Some(error) = failure {
                return Err(error);
            }
            receivers = if count >= BATCH * receivers { RECEIVERS } else { 1 };
            empty = if count == 0 { empty + 1 } else { 0 };
            let seen = u64::try_from(held.letters.len()).unwrap_or(u64::MAX);
            if empty >= EMPTY_RECEIVES || (empty > 0 && seen >= held.counts.waiting) {
                held.is_complete = true;
                break;
            }
        }
        Ok(())
    }

    async fn receive(&self) -> anyhow::Result<Vec<Letter>> {
        let request = self
            .queues
            .sqs()
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(i32::try_from(BATCH).unwrap_or(i32::MAX))
            .visibility_timeout(i32::try_from(HOLD.as_secs()).unwrap_or(i32::MAX))
            .wait_time_seconds(WAIT_S)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All");
        let answer = request.send().await.with_context(|| {
            format!("the dead-letter queue of {} can't be read: that needs sqs:ReceiveMessage", self.queue)
        })?;
        Ok(answer.messages.unwrap_or_default().into_iter().map(|m| Letter::of(self.queue, m)).collect())
    }

    /// Makes messages visible again at once. What can't be is visible after [`HOLD`], and that is said.
    pub(super) async fn give_back<'a>(&self, letters: impl IntoIterator<Item = &'a Letter>) {
        let failed = self.give_back_if_there(letters).await;
        if failed > 0 {
            complain(format!(
                "{} of the dead-letter queue of {} could not be given back, and visible again within {} s",
                counted(failed, "message"),
                self.queue,
                HOLD.as_secs()
            ));
        }
    }

    /// As [`Self::give_back`] for messages that may be deleted already; how many could not be given back.
    pub(super) async fn give_back_if_there<'a>(
        &self,
        letters: impl IntoIterator<Item = &'a Letter>,
    ) -> usize {
        let receipts: Vec<String> = letters.into_iter().map(|letter| letter.receipt.clone()).collect();
        let batches = receipts.chunks(BATCH).map(|batch| self.give_back_batch(batch));
        stream::iter(batches).buffer_unordered(RECEIVERS).collect::<Vec<_>>().await.iter().sum()
    }

    /// How many of them could not be given back.
    async fn give_back_batch(&self, receipts: &[String]) -> usize {
        let entry = |(index, receipt): (usize, &String)| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(receipt)
                .visibility_timeout(0)
                .build()
                .ok()
        };
        let entries: Vec<_> = receipts.iter().enumerate().filter_map(entry).collect();
        let request = self
            .queues
            .sqs()
            .change_message_visibility_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries));
        request.send().await.map_or(receipts.len(), |answer| answer.failed.len())
    }
}

/// Keeps a message once: SQS may give the same one twice, and then only the last receipt counts.
fn keep(letters: &mut Vec<Letter>, places: &mut HashMap<String, usize>, letter: Letter) {
    match places.get(&letter.id).and_then(|place| letters.get_mut(*place)) {
        Some(known) => *known = letter,
        None => {
            places.insert(letter.id.clone(), letters.len());
            letters.push(letter);
        }
    }
}
