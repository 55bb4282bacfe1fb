//! Watches a load: how deep the queues are, and which posts have come to their end.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use domain::cart::Entry;
use domain::command::CommandKey;
use domain::ids::{CustomerId, NetworkId, PostId};
use domain::outcome::Outcome;
use domain::post::PostRef;
use futures::future::{join_all, try_join_all};
use store::carts::{CartRecord, Carts};
use store::deliveries::{ChannelState, Deliveries};
use tokio::sync::OnceCell;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::time::Instant;

use super::mix::Posts;
use super::progress::Progress;
use crate::queues::{Queue, Queues};
use crate::signals::Interrupt;

/// How often queues are looked at: often enough to see a burst, seldom enough not to be the load.
const LOOK_EVERY: Duration = Duration::from_millis(1000);
/// How many looks in a row may fail.
const FAILED_LOOKS: u32 = 20;
/// How many posts are asked about at the same time.
const AT_ONCE: usize = 8;
/// How much of the time between two looks goes into asking about posts.
const ASK_FOR: Duration = Duration::from_millis(500);

/// The queues that a post goes through.
pub(super) const QUEUES: [Queue; 3] = [Queue::Posts, Queue::Commands, Queue::Outcomes];

/// What was seen at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Look {
    /// When, since the load's beginning.
    pub(super) at: Duration,
    /// How many messages each queue held, in flight and delayed ones included.
    pub(super) depths: [u64; 3],
    /// How many posts have come to their end.
    pub(super) ended: u64,
}

/// What was watched.
#[derive(Debug, Default)]
pub(super) struct Watched {
    pub(super) looks: Vec<Look>,
    /// Accepted posts that have come to no end.
    pub(super) open: Vec<u32>,
    /// Posts with a notice whose channels are both settled.
    pub(super) noticed: u64,
    /// Posts that end in a wanted silence: too many of one shopper's.
    pub(super) silent: u64,
    /// How the channels of the notices ended: channel, result, count.
    pub(super) channels: HashMap<(&'static str, String), u64>,
    /// Posts with more than one notice.
    pub(super) doubled: u64,
}

/// How a post stands.
enum Standing {
    Open,
    Noticed { doubled: bool, reply: ChannelState, mail: ChannelState },
    Silent,
}

/// Watches a stage.
pub(super) struct Watch {
    pub(super) queues: Queues,
    pub(super) deliveries: Deliveries,
    pub(super) carts: Carts,
    pub(super) posts: Arc<Posts>,
    pub(super) network: NetworkId,
    /// By the shopper's number.
    pub(super) customers: Arc<Vec<CustomerId>>,
    /// How long after the last answer posts are waited for.
    pub(super) deadline: Duration,
    pub(super) progress: Progress,
    pub(super) interrupt: Interrupt,
}

impl Watch {
    /// Watches until every post of `accepted` has come to its end, or until the deadline after the last one.
    ///
    /// # Errors
    /// When the stage's queues or tables can't be read.
    pub(super) async fn run(
        self,
        started: Instant,
        mut accepted: UnboundedReceiver<u32>,
    ) -> anyhow::Result<Watched> {
        let url = async |queue: Queue| self.queues.url(&queue.physical(self.queues.stage())).await;
        let urls = try_join_all(QUEUES.map(url)).await?;
        let (mut watched, mut open) = (Watched::default(), VecDeque::new());
        let (mut all_sent, mut last, mut failed) = (false, Instant::now(), 0_u32);
        loop {
            loop {
                match accepted.try_recv() {
                    Ok(number) => open.push_back(number),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => {
                        if !all_sent {
                            (all_sent, last) = (true, Instant::now());
                        }
                        break;
                    }
                }
            }
            match self.look(&urls, started, &mut open, &mut watched).await {
                Ok(()) => failed = 0,
                // What is under load may be slow to answer: the next look will tell.
                Err(_) if failed < FAILED_LOOKS => failed += 1,
                Err(error) => return Err(error),
            }
            let is_over = all_sent && (open.is_empty() || last.elapsed() > self.deadline);
            if is_over || self.interrupt.is_asked() {
                watched.open = open.into();
                return Ok(watched);
            }
            let pause = if all_sent && open.len() <= AT_ONCE { LOOK_EVERY / 5 } else { LOOK_EVERY };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.interrupt.asked() => {}
            }
        }
    }

    async fn look(
        &self,
        urls: &[String],
        started: Instant,
        open: &mut VecDeque<u32>,
        watched: &mut Watched,
    ) -> anyhow::Result<()> {
        let counts = try_join_all(urls.iter().map(|url| self.queues.counts(url))).await?;
        let mut depths = [0; 3];
        depths.iter_mut().zip(&counts).for_each(|(depth, counts)| *depth = counts.total());
        let asked = self.ask(open, depths == [0; 3], watched).await;
        let ended = watched.noticed + watched.silent;
        watched.looks.push(Look { at: started.elapsed(), depths, ended });
        self.progress.looked(depths, ended);
        asked
    }

    /// Asks about open posts, the oldest first, until some are found that have no end yet or the time is up.
    /// Where the queues are quiet, what has no notice may be an end in silence.
    async fn ask(
        &self,
        open: &mut VecDeque<u32>,
        is_quiet: bool,
        watched: &mut Watched,
    ) -> anyhow::Result<()> {
        let (began, mut left, hot) = (Instant::now(), open.len(), OnceCell::new());
        while left > 0 && began.elapsed() < ASK_FOR {
            let some: Vec<u32> = open.drain(..left.min(AT_ONCE)).collect();
            left -= some.len();
            let standings = join_all(some.iter().map(|number| self.standing(*number, is_quiet, &hot))).await;
            let (mut is_any_ended, mut failure) = (false, None);
            for (number, standing) in some.into_iter().zip(standings) {
                match standing {
                    Ok(Standing::Open) => open.push_back(number),
                    Ok(ended) => {
                        is_any_ended = true;
                        watched.count(&ended);
                    }
                    Err(error) => {
                        open.push_back(number);
                        failure = Some(error);
                    }
                }
            }
            match failure {
                Some(error) => return Err(error),
                None if !is_any_ended => break,
                None => {}
            }
        }
        Ok(())
    }

    async fn standing(
        &self,
        number: u32,
        is_quiet: bool,
        hot: &OnceCell<CartRecord>,
    ) -> anyhow::Result<Standing> {
        let post = self.posts.post(number);
        let post_ref = PostRef { network: self.network.clone(), id: PostId::new(&post.id) };
        let told = self.deliveries.read(&post_ref).await?;
        let Some(notice) = told.notices.first() else {
            let may_be_silent = is_quiet || post.shopper == 0;
            let is_silent = may_be_silent && self.is_silent(&post_ref, post.shopper, hot).await?;
            return Ok(if is_silent { Standing::Silent } else { Standing::Open });
        };
        if !(notice.reply.is_final() && notice.mail.is_final()) {
            return Ok(Standing::Open);
        }
        Ok(Standing::Noticed {
            doubled: told.notices.len() > 1,
            reply: notice.reply.clone(),
            mail: notice.mail.clone(),
        })
    }

    /// Whether a post was decided as something that nobody is told of. The hot shopper's cart is long, so it is
    /// read once for all posts that are asked about together.
    async fn is_silent(
        &self,
        post: &PostRef,
        shopper: u32,
        hot: &OnceCell<CartRecord>,
    ) -> anyhow::Result<bool> {
        let Some(customer) = self.customers.get(usize::try_from(shopper)?) else { return Ok(false) };
        let decided_so = |record: &CartRecord| record.entry(&key(post)).is_some_and(is_untold);
        if shopper == 0 {
            return Ok(decided_so(hot.get_or_try_init(|| self.carts.read(customer)).await?));
        }
        Ok(decided_so(&self.carts.read(customer).await?))
    }
}

/// The key of a load's command: its posts have one line.
pub(super) fn key(post: &PostRef) -> CommandKey {
    CommandKey { network: post.network.clone(), post: post.id.clone(), line: 1, step: 0 }
}

/// Whether a decision is told to nobody (`messages::voices`).
pub(super) fn is_untold(entry: &Entry) -> bool {
    matches!(entry.told.outcome, Outcome::RateLimited | Outcome::Blocked)
}

impl Watched {
    fn count(&mut self, standing: &Standing) {
        match standing {
            Standing::Open => {}
            Standing::Silent => self.silent += 1,
            Standing::Noticed { doubled, reply, mail } => {
                self.noticed += 1;
                self.doubled += u64::from(*doubled);
                for (channel, state) in [("reply", reply), ("mail", mail)] {
                    let result = match state {
                        ChannelState::Pending => "pending".to_owned(),
                        ChannelState::Done { .. } => "sent".to_owned(),
                        ChannelState::Refused { reason } => reason.clone(),
                    };
                    *self.channels.entry((channel, result)).or_default() += 1;
                }
            }
        }
    }
}
