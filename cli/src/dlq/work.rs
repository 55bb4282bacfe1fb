//! The loop that redrives and drops: hold, choose, act, give back, until nothing is left.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use ring::digest::{SHA256, digest};

use super::file::Saved;
use super::hold::{BATCH, DeadLetters, HOLD};
use super::letter::Letter;
use super::selection::Selection;
use super::send::{self, Sent};
use crate::signals::Interrupt;
use crate::terminal::counted;

/// How long after their receipt messages are still worked on: what is done with them must be done before
/// they are visible to others again.
const WORK: Duration = Duration::from_secs(40);
const _: () = assert!(WORK.as_secs() + 15 < HOLD.as_secs());

/// What is done with the messages that were chosen.
pub(super) enum Deed<'a> {
    /// Sent to this queue, then deleted.
    Redrive {
        /// The queue's URL.
        to: &'a str,
        /// How many messages a second.
        rate: u32,
    },
    /// Written down, if somewhere, then deleted.
    Drop {
        /// Where to.
        saved: Option<Saved>,
        /// The messages that the operator agreed to; all that are chosen when absent.
        only: Option<HashSet<String>>,
    },
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// Messages that were sent, or dropped.
    pub(super) done: usize,
    /// Messages that were sent but are in the dead-letter queue still.
    pub(super) doubled: usize,
    /// Messages that stay because they could not be sent or dropped: how many, for each reason.
    pub(super) failed: Vec<(String, usize)>,
    /// Messages that were sent and are dead again.
    pub(super) came_back: usize,
    /// Whether the command was interrupted.
    pub(super) interrupted: bool,
    /// Set where not everything could be looked at: how many messages were in the last round, and how many
    /// SQS counted then.
    pub(super) unseen: Option<(usize, u64)>,
}

impl Done {
    fn fail(&mut self, why: String) {
        match self.failed.iter_mut().find(|(known, _)| *known == why) {
            Some((_, count)) => *count += 1,
            None => self.failed.push((why, 1)),
        }
    }

    /// How many messages stay because of a failure.
    pub(super) fn failures(&self) -> usize {
        self.failed.iter().map(|(_, count)| count).sum()
    }
}

/// One command at work.
pub(super) struct Work<'a> {
    pub(super) letters: &'a DeadLetters,
    pub(super) selection: &'a Selection,
    pub(super) deed: Deed<'a>,
    pub(super) interrupt: &'a Interrupt,
    pub(super) bar: ProgressBar,
}

/// What earlier rounds leave to later ones.
#[derive(Default)]
struct Memory {
    done: Done,
    /// Messages that are not to be tried again by this command.
    left_alone: HashSet<String>,
    /// Digests of the bodies that were sent: one that turns up again has failed again.
    sent: HashSet<Vec<u8>>,
}

impl Work<'_> {
    /// Works until nothing is left that is chosen, or the command is interrupted.
    ///
    /// # Errors
    /// When the dead-letter queue can't be read, or the file can't be written; what was held has been given
    /// back.
    pub(super) async fn run(mut self) -> anyhow::Result<Done> {
        let mut memory = Memory::default();
        loop {
            let most = self.round_size();
            let chosen = |letters: &[Letter]| {
                letters.iter().filter(|letter| self.is_chosen(letter, &memory)).count() >= most
            };
            let held = self.letters.hold(self.interrupt, chosen).await;
            let held =
                held.with_context(|| format!("stopped after {}", counted(memory.done.done, "message")))?;
            memory.done.unseen = (!held.is_complete).then_some((held.letters.len(), held.counts.waiting));
            let (todo, others) = self.choose(held.letters, &mut memory);
            self.letters.give_back(&others).await;
            self.bar.inc_length(u64::try_from(todo.len()).unwrap_or(0));
            let (count, until) = (todo.len(), held.since + WORK);
            let rest = self.act(todo, until, &mut memory).await;
            let rest =
                rest.with_context(|| format!("stopped after {}", counted(memory.done.done, "message")))?;
            self.letters.give_back(&rest).await;
            if self.interrupt.is_asked() {
                memory.done.interrupted = true;
                break;
            }
            let was_all = held.is_complete && rest.is_empty();
            // A round without any progress would be followed by another one like it.
            if was_all || count == rest.len() {
                break;
            }
        }
        self.bar.finish_and_clear();
        Ok(memory.done)
    }

    /// How many messages can be worked on before their time is over.
    fn round_size(&self) -> usize {
        match self.deed {
            Deed::Redrive { rate, .. } => {
                usize::try_from(u64::from(rate).saturating_mul(WORK.as_secs() / 2)).unwrap_or(usize::MAX)
            }
            Deed::Drop { .. } => usize::MAX,
        }
    }

    fn is_chosen(&self, letter: &Letter, memory: &Memory) -> bool {
        let is_meant = match &self.deed {
            Deed::Redrive { .. } => self.selection.sends(letter),
            Deed::Drop { only, .. } => {
                self.selection.chooses(letter) && only.as_ref().is_none_or(|only| only.contains(&letter.id))
            }
        };
        is_meant && !memory.left_alone.contains(&letter.id)
    }

    /// Parts what is to be worked on from what isn't.
    fn choose(&self, letters: Vec<Letter>, memory: &mut Memory) -> (Vec<Letter>, Vec<Letter>) {
        let (mut todo, mut others) = (Vec::new(), Vec::new());
        for letter in letters {
            if !self.is_chosen(&letter, memory) {
                others.push(letter);
            } else if memory.sent.contains(&fingerprint(&letter)) {
                memory.done.came_back += 1;
                memory.left_alone.insert(letter.id.clone());
                others.push(letter);
            } else {
                todo.push(letter);
            }
        }
        (todo, others)
    }

    /// Works on messages batch by batch until `until`; what is left of them.
    async fn act(
        &mut self,
        mut todo: Vec<Letter>,
        until: Instant,
        memory: &mut Memory,
    ) -> anyhow::Result<Vec<Letter>> {
        let most = match self.deed {
            Deed::Redrive { rate, .. } => batch_size(rate),
            Deed::Drop { .. } => BATCH,
        };
        let (mut sent, mut failure) = (Vec::new(), None);
        while !todo.is_empty() && !self.interrupt.is_asked() && Instant::now() < until {
            let rest = todo.split_off(most.min(todo.len()));
            let batch = std::mem::replace(&mut todo, rest);
            let (begun, count) = (Instant::now(), batch.len());
            if let Err((error, batch)) = self.one_batch(batch, &mut sent, memory).await {
                todo.extend(batch);
                failure = Some(error);
                break;
            }
            self.pace(begun, count).await;
        }
        // Only what a later round finds has come back: two messages with one body may be there from the start.
        memory.sent.extend(sent);
        let Some(error) = failure else { return Ok(todo) };
        self.letters.give_back(&todo).await;
        Err(error)
    }

    /// Works on one batch. An error carries the messages with it: nothing was done with them.
    async fn one_batch(
        &mut self,
        batch: Vec<Letter>,
        sent: &mut Vec<Vec<u8>>,
        memory: &mut Memory,
    ) -> Result<(), (anyhow::Error, Vec<Letter>)> {
        let (stage, queue) = (self.letters.queues.stage(), self.letters.queue);
        let sqs = self.letters.queues.sqs();
        let results = match &mut self.deed {
            Deed::Redrive { to, .. } => send::send(sqs, to, &batch).await,
            Deed::Drop { saved, .. } => {
                if let Some(Err(error)) = saved.as_mut().map(|saved| saved.add(stage, queue, &batch)) {
                    return Err((error, batch));
                }
                vec![Sent::Accepted; batch.len()]
            }
        };
        let (mut accepted, mut refused) = (Vec::new(), Vec::new());
        for (letter, result) in batch.iter().zip(results) {
            match result {
                Sent::Accepted => accepted.push(letter),
                Sent::Failed(why) => {
                    memory.done.fail(why);
                    memory.left_alone.insert(letter.id.clone());
                    refused.push(letter);
                }
            }
        }
        let kept = send::delete(sqs, &self.letters.url, &accepted).await;
        match self.deed {
            Deed::Redrive { .. } => {
                sent.extend(accepted.iter().map(|letter| fingerprint(letter)));
                memory.done.doubled += kept;
                memory.done.done += accepted.len();
            }
            Deed::Drop { .. } => {
                (0..kept).for_each(|_| memory.done.fail("it could not be deleted".to_owned()));
                memory.done.done += accepted.len() - kept;
            }
        }
        if kept > 0 {
            // Which of them is not worth telling: one that is deleted already stays so.
            memory.left_alone.extend(accepted.iter().map(|letter| letter.id.clone()));
            self.letters.give_back_if_there(accepted.iter().copied()).await;
        }
        self.letters.give_back(refused).await;
        self.bar.inc(u64::try_from(batch.len()).unwrap_or(0));
        Ok(())
    }

    /// Waits until the `count` messages that went since `begun` fit the rate, or the command is interrupted.
    async fn pace(&self, begun: Instant, count: usize) {
        if let Deed::Redrive { rate, .. } = self.deed {
            pace(rate, begun, count, self.interrupt).await;
        }
    }
}

/// How many messages go at once at this rate.
pub(super) fn batch_size(rate: u32) -> usize {
    usize::try_from(rate).unwrap_or(BATCH).clamp(1, BATCH)
}

/// Waits until `count` messages since `begun` are no more than `rate` a second, or the command is interrupted.
pub(super) async fn pace(rate: u32, begun: Instant, count: usize, interrupt: &Interrupt) {
    let ms = u64::try_from(count).unwrap_or(u64::MAX).saturating_mul(1000) / u64::from(rate.max(1));
    let wait = Duration::from_millis(ms).saturating_sub(begun.elapsed());
    tokio::select! { () = tokio::time::sleep(wait) => {} () = interrupt.asked() => {} }
}

/// What tells one body from another.
fn fingerprint(letter: &Letter) -> Vec<u8> {
    digest(&SHA256, letter.body.as_bytes()).as_ref().to_vec()
}

/// A bar that grows with what is found; shown on a terminal only.
pub(super) fn bar(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(0).with_message(what);
    bar.enable_steady_tick(Duration::from_millis(120));
    let style = ProgressStyle::with_template("{spinner} {msg}  {bar:30} {pos}/{len}  {elapsed}, {eta} left");
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

#[cfg(test)]
mod tests {
    use lambda::aws::Aws;

    use super::*;
    use crate::queues::{Queue, Queues};

    fn letter(id: &str, body: &str) -> Letter {
        let message = aws_sdk_sqs::types::Message::builder().message_id(id).body(body).build();
        Letter::of(Queue::Posts, message)
    }

    #[tokio::test]
    async fn what_was_sent_and_is_dead_again_is_left_in_peace() {
        let aws = Aws::from_config(emulator::Account::front_door("http://127.0.0.1:1").sdk_config());
        let letters =
            DeadLetters { queues: Queues::new(&aws, "local"), queue: Queue::Posts, url: String::new() };
        let (selection, interrupt) =
            (super::super::selection::one("same").unwrap(), Interrupt::listen().unwrap());
        let deed = Deed::Redrive { to: "", rate: 1 };
        let work = Work {
            letters: &letters,
            selection: &selection,
            deed,
            interrupt: &interrupt,
            bar: ProgressBar::hidden(),
        };
        let mut memory = Memory::default();
        memory.sent.insert(fingerprint(&letter("same-1", "sent")));
        let found = vec![letter("same-2", "sent"), letter("same-3", "new"), letter("other", "new")];
        let (todo, others) = work.choose(found, &mut memory);
        let ids = |letters: &[Letter]| letters.iter().map(|letter| letter.id.clone()).collect::<Vec<_>>();
        assert_eq!(
            (ids(&todo), ids(&others)),
            (vec!["same-3".to_owned()], vec!["same-2".into(), "other".into()])
        );
        assert_eq!(memory.done.came_back, 1);
        // Counted once, however often it is seen.
        work.choose(vec![letter("same-2", "sent")], &mut memory);
        assert_eq!(memory.done.came_back, 1);
    }
}
