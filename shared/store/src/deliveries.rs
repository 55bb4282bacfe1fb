//! The table `deliveries`: one claim for each post and step that is answered, so that nobody is told
//! twice; and which posts are deleted. pk is `<network>#<post>`.
//!
//! | sk | what |
//! |---|---|
//! | `NOTICE#<step>` | who is answering, until when, and how each channel ended |
//! | `ERASED` | the post is deleted: nothing more is said about it |
//!
//! The normal path takes two requests: [`Deliveries::begin`] claims both channels at once,
//! [`Deliveries::finish`] records both results.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::post::PostRef;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::item::{Item, Reader, bare, expiring, json, number, sort_key, string};
use crate::table::{Table, Updated};

/// How long a claim is kept: longer than a post is accepted (90 days) and a command parked (30 days)
/// together, so that no late repetition finds it gone.
const KEEP: Duration = Duration::from_secs(150 * 24 * 3600);

pub(crate) const ERASED: &str = "ERASED";
const NOTICE: &str = "NOTICE#";

/// The table `deliveries`.
#[derive(Clone, Debug)]
pub struct Deliveries {
    pub(crate) table: Table,
}

/// How far one channel is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ChannelState {
    /// Not done yet, or being done by who holds the claim.
    #[default]
    Pending,
    /// Done.
    Done {
        /// What the network or SES named it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// Not to be done: not allowed, not wanted, or refused by the other side for good.
    Refused {
        /// Why, in a word or two.
        reason: String,
    },
}

impl ChannelState {
    /// Whether nothing is left to do.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Pending => false,
            Self::Done { .. } | Self::Refused { .. } => true,
        }
    }
}

/// What is to be done about a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextAction {
    /// It is ours: do what is pending.
    Proceed(Claim),
    /// Somebody else is at it.
    Busy {
        /// Until then at the latest.
        until: Timestamp,
    },
    /// Nothing is left to do.
    AlreadyDone {
        /// How the reply ended.
        reply: ChannelState,
        /// How the mail ended.
        mail: ChannelState,
    },
}

/// The right to answer a step of a post, for the length of a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The post.
    pub post: PostRef,
    /// The step.
    pub step: u16,
    /// Who holds it.
    pub id: String,
    /// How many have held it, this one included: above 1, what is pending may have been done by one who
    /// crashed before saying so.
    pub attempt: u64,
    /// How far the reply is.
    pub reply: ChannelState,
    /// How far the mail is.
    pub mail: ChannelState,
}

/// What the table knows of a post, for an operator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostRecord {
    /// Its notices, in the order of their steps.
    pub notices: Vec<Notice>,
    /// Whether it is deleted.
    pub is_erased: bool,
}

/// How far one step of a post is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// The step.
    pub step: u16,
    /// How often it was claimed.
    pub attempt: u64,
    /// How far the reply is.
    pub reply: ChannelState,
    /// How far the mail is.
    pub mail: ChannelState,
}

/// Whether a result was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// It was.
    Recorded,
    /// The lease had lapsed and somebody else took over.
    Lost,
}

impl Deliveries {
    /// The table `table`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { table: Table::new(client, table) }
    }

    /// Claims a notice for `lease`, if nobody else holds it and something is left to do. `claim` names
    /// the holder and is random; asking again with the same one gives the same claim.
    ///
    /// # Errors
    /// When the table can't be written or holds what can't be decoded.
    pub async fn begin(
        &self,
        post: &PostRef,
        step: u16,
        claim: &str,
        now: Timestamp,
        lease: Duration,
    ) -> Result<NextAction, StoreError> {
        let update = self
            .table
            .update(&post.to_string(), &notice_key(step))
            .update_expression(
                "SET v = :v, claim = :claim, leased_until = :until, is_open = :open, expires_at = :expires ADD attempt :one",
            )
            .condition_expression(
                "attribute_not_exists(pk) OR (is_open = :open AND leased_until <= :now)",
            )
            .expression_attribute_values(":v", number(1))
            .expression_attribute_values(":claim", string(claim))
            .expression_attribute_values(":until", number(now.plus(lease).as_millis()))
            .expression_attribute_values(":now", number(now.as_millis()))
            .expression_attribute_values(":open", AttributeValue::Bool(true))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":expires", number(now.plus(KEEP).as_seconds()));
        match self.table.send(update).await? {
            Updated::Now(item) => self.claim(&item, post, step).map(NextAction::Proceed),
            Updated::Refused(Some(item)) => self.refused(&item, post, step, claim),
            Updated::Refused(None) => Err(StoreError::Contended { operation: "claiming a notice" }),
        }
    }

    fn claim(&self, item: &Item, post: &PostRef, step: u16) -> Result<Claim, StoreError> {
        let reader = Reader::new(&self.table.name, item)?;
        let state = |channel| match reader.optional(channel)? {
            None => Ok(ChannelState::Pending),
            Some(_) => reader.json(channel),
        };
        Ok(Claim {
            post: post.clone(),
            step,
            id: reader.text("claim")?.to_owned(),
            attempt: reader.number("attempt")?,
            reply: state("reply")?,
            mail: state("mail")?,
        })
    }

    /// Somebody holds it. That may be ourselves: when the answer to our first try got lost, the SDK
    /// tried again.
    fn refused(&self, item: &Item, post: &PostRef, step: u16, ours: &str) -> Result<NextAction, StoreError> {
        let reader = Reader::new(&self.table.name, item)?;
        let claim = self.claim(item, post, step)?;
        if !reader.flag("is_open")? {
            return Ok(NextAction::AlreadyDone { reply: claim.reply, mail: claim.mail });
        }
        if claim.id == ours {
            return Ok(NextAction::Proceed(claim));
        }
        Ok(NextAction::Busy { until: reader.moment("leased_until")? })
    }

    /// Records how the channels ended. With one still pending the claim is given back at once, for the
    /// next try to take.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn finish(
        &self,
        claim: &Claim,
        reply: &ChannelState,
        mail: &ChannelState,
        now: Timestamp,
    ) -> Result<Finished, StoreError> {
        let is_open = !(reply.is_final() && mail.is_final());
        let update = self
            .table
            .update(&claim.post.to_string(), &notice_key(claim.step))
            .update_expression(
                "SET reply = :reply, mail = :mail, is_open = :open, leased_until = :now, expires_at = :expires",
            )
            .condition_expression("claim = :claim")
            .expression_attribute_values(":claim", string(&claim.id))
            .expression_attribute_values(":reply", string(json(&self.table.name, reply)?))
            .expression_attribute_values(":mail", string(json(&self.table.name, mail)?))
            .expression_attribute_values(":open", AttributeValue::Bool(is_open))
            .expression_attribute_values(":now", number(now.as_millis()))
            .expression_attribute_values(":expires", number(now.plus(KEEP).as_seconds()));
        match self.table.send(update).await? {
            Updated::Now(_) => Ok(Finished::Recorded),
            Updated::Refused(_) => Ok(Finished::Lost),
        }
    }

    /// Everything about a post: its notices and whether it is deleted.
    ///
    /// # Errors
    /// When the table can't be read or holds what can't be decoded.
    pub async fn read(&self, post: &PostRef) -> Result<PostRecord, StoreError> {
        let mut record = PostRecord::default();
        for item in self.table.query(&post.to_string(), None).await? {
            match sort_key(&item) {
                ERASED => record.is_erased = true,
                key => {
                    let step = key.strip_prefix(NOTICE).and_then(|step| step.parse().ok());
                    let Some(step) = step else { continue };
                    let Claim { attempt, reply, mail, .. } = self.claim(&item, post, step)?;
                    record.notices.push(Notice { step, attempt, reply, mail });
                }
            }
        }
        record.notices.sort_by_key(|notice| notice.step);
        Ok(record)
    }

    /// Notes that a post is deleted.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn mark_erased(&self, post: &PostRef, now: Timestamp) -> Result<(), StoreError> {
        self.table.put(expiring(bare(post.to_string(), ERASED), now.plus(KEEP))).await
    }

    /// Whether a post is deleted, as far as we have heard.
    ///
    /// # Errors
    /// When the table can't be read.
    pub async fn erased(&self, post: &PostRef) -> Result<bool, StoreError> {
        Ok(self.table.get(&post.to_string(), ERASED).await?.is_some())
    }
}

fn notice_key(step: u16) -> String {
    format!("{NOTICE}{step}")
}
