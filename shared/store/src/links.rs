//! The table `links`: who is who. What hangs on an account of a network, on an e-mail address (by its
//! keyed hash), on a session and on a one-time link.
//!
//! | pk | sk | what |
//! |---|---|---|
//! | `<network>#<user>` | `LINK` | the customer that the account belongs to |
//! | | `PARKED#<network>#<post>#<step>` | commands that wait for a link |
//! | | `RATE#<hour>` | the keys that were counted in that hour |
//! | | `PROMPT` | the post that last carried a link prompt |
//! | | `STOP` | whether the shopper wants no answers; also of who never linked |
//! | `email#<keyed hash>` | `CUSTOMER` | the customer with that address |
//! | `session#<keyed hash>` | `SESSION` | a signed-in browser |
//! | `once#<keyed hash>` | `ONCE` | a value that one caller may take |

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use domain::command::{PostCommands, Stamp};
use domain::ids::CustomerId;
use domain::post::PostRef;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

pub use crate::account::Account;
use crate::error::StoreError;
use crate::item::{Item, Reader, bare, document, expiring, is_live, key, number, sort_key, string};
use crate::table::{Condition, Table, Transacted, Updated, transact};

const HOUR: Duration = Duration::from_secs(3600);

pub(crate) const LINK: &str = "LINK";
pub(crate) const STOP: &str = "STOP";
const CUSTOMER: &str = "CUSTOMER";
const PARKED: &str = "PARKED#";

/// Adds a key to the set that counts an hour's keys, if it is in it or there is room.
const COUNT_KEY: &str = "SET v = :v, expires_at = :expires ADD counted :keys";
const MAY_COUNT: &str = "attribute_not_exists(counted) OR contains(counted, :key) OR size(counted) < :limit";

/// The table `links`.
#[derive(Clone, Debug)]
pub struct Links {
    pub(crate) table: Table,
}

/// That an account belongs to a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The customer.
    pub customer: CustomerId,
    /// The account's handle when it was linked.
    pub handle: Option<String>,
    /// When it was linked.
    pub linked_at: Timestamp,
}

/// How parking ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parked {
    /// Parked now.
    Parked,
    /// Parked already: the message came again.
    AlreadyParked,
    /// Not parked: the account has been linked meanwhile, so the commands simply run.
    Linked(CustomerId),
    /// Not parked: the account has parked as much as it may in this hour.
    RateLimited,
}

/// How a wish to hear nothing, or to hear again, was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSet {
    /// It stands now.
    Set,
    /// A later word of the shopper's stands already.
    Later,
}

/// A signed-in browser. Kept under the keyed hash of its cookie's token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Who is signed in.
    pub customer: CustomerId,
    /// What each form of this session must carry.
    pub csrf: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A value that is taken once: a mailed link, a sign-in's state. Kept under the keyed hash of its
/// token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Once {
    /// What it is for; a token for one purpose is none for another.
    pub purpose: String,
    /// What is to be done with it.
    pub payload: serde_json::Value,
    /// Until when.
    pub expires_at: Timestamp,
}

impl Links {
    /// The table `table`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { table: Table::new(client, table) }
    }

    /// The customer that an account belongs to.
    ///
    /// # Errors
    /// When the table can't be read.
    pub async fn link(&self, account: &Account) -> Result<Option<Link>, StoreError> {
        let item = self.table.get(&account.key(), LINK).await?;
        item.map(|item| read_link(&self.table.name, &item)).transpose()
    }

    /// The customer with an e-mail address, by its keyed hash.
    ///
    /// # Errors
    /// When the table can't be read.
    pub async fn customer_of_email(&self, email_hash: &str) -> Result<Option<CustomerId>, StoreError> {
        let item = self.table.get(&email_key(email_hash), CUSTOMER).await?;
        item.map(|item| Reader::new(&self.table.name, &item)?.text("customer").map(CustomerId::new))
            .transpose()
    }

    /// Keeps commands of an account that isn't linked until `until`, in one transaction that checks
    /// that it still isn't. At most `per_hour` posts of an account are parked in an hour.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn park(
        &self,
        account: &Account,
        commands: &PostCommands,
        until: Timestamp,
        per_hour: u32,
        now: Timestamp,
    ) -> Result<Parked, StoreError> {
        let name = &self.table.name;
        let parked = expiring(document(name, account.key(), parked_key(commands), commands)?, until);
        let actions = vec![
            self.table.check_action(key(account.key(), LINK), Condition::ABSENT)?,
            self.table.put_action(
                parked,
                Some(Condition {
                    expression: "attribute_not_exists(pk) OR expires_at <= :now",
                    values: vec![(":now", number(now.as_seconds()))],
                }),
            )?,
            self.count_action(&account.key(), &commands.post.post_ref().to_string(), per_hour, now)?,
        ];
        let refusals = match transact(&self.table.client, name, actions).await? {
            Transacted::Done => return Ok(Parked::Parked),
            Transacted::Refused(refusals) => refusals,
        };
        let failed = |index: usize| refusals.get(index).is_some_and(|refusal| refusal.failed);
        if failed(0) {
            let there = refusals.first().and_then(|refusal| refusal.item.as_ref());
            let link = match there {
                Some(item) => read_link(name, item)?,
                // A further try sees what is there.
                None => return Err(StoreError::Contended { operation: "parking" }),
            };
            Ok(Parked::Linked(link.customer))
        } else if failed(1) {
            Ok(Parked::AlreadyParked)
        } else {
            Ok(Parked::RateLimited)
        }
    }

    /// What is parked for an account, in the order of the posts.
    ///
    /// # Errors
    /// When the table can't be read or holds what can't be decoded.
    pub async fn parked(&self, account: &Account, now: Timestamp) -> Result<Vec<PostCommands>, StoreError> {
        let items = self.table.query(&account.key(), Some(PARKED)).await?;
        let live = items.iter().filter(|item| is_live(item, now));
        let mut parked: Vec<PostCommands> =
            live.map(|item| Reader::new(&self.table.name, item)?.body()).collect::<Result<_, _>>()?;
        parked.sort_by_key(|commands| commands.as_of);
        Ok(parked)
    }

    /// Forgets parked commands: after they have been sent on their way.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn unpark(&self, account: &Account, commands: &PostCommands) -> Result<(), StoreError> {
        self.table.delete(&account.key(), &parked_key(commands)).await
    }

    /// Notes that the shopper wants no answers (or wants them again). The word with the latest stamp
    /// stands, whatever order they come in.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn set_stop(
        &self,
        account: &Account,
        stopped: bool,
        stamp: &Stamp,
    ) -> Result<StopSet, StoreError> {
        let update = self
            .table
            .update(&account.key(), STOP)
            .update_expression("SET v = :v, stopped = :stopped, stamp = :stamp")
            .condition_expression("attribute_not_exists(stamp) OR stamp <= :stamp")
            .expression_attribute_values(":v", number(1))
            .expression_attribute_values(":stopped", AttributeValue::Bool(stopped))
            .expression_attribute_values(":stamp", string(stamp.as_str()));
        match self.table.send(update).await? {
            Updated::Now(_) => Ok(StopSet::Set),
            Updated::Refused(_) => Ok(StopSet::Later),
        }
    }

    /// Whether the shopper wants no answers.
    ///
    /// # Errors
    /// When the table can't be read.
    pub async fn stopped(&self, account: &Account) -> Result<bool, StoreError> {
        let item = self.table.get(&account.key(), STOP).await?;
        item.map_or(Ok(false), |item| read_stop(&self.table.name, &item))
    }

    /// Whether `post` may carry the prompt to link: at most one post in `every`. The same post may
    /// ask again, so that a repeated notice says what it said before.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn claim_prompt(
        &self,
        account: &Account,
        post: &PostRef,
        now: Timestamp,
        every: Duration,
    ) -> Result<bool, StoreError> {
        let update = self
            .table
            .update(&account.key(), "PROMPT")
            .update_expression("SET v = :v, prompted_at = :now, post = :post, expires_at = :expires")
            .condition_expression("attribute_not_exists(pk) OR prompted_at <= :since OR post = :post")
            .expression_attribute_values(":v", number(1))
            .expression_attribute_values(":now", number(now.as_millis()))
            .expression_attribute_values(":since", number(now.minus(every).as_millis()))
            .expression_attribute_values(":post", string(post.to_string()))
            .expression_attribute_values(":expires", number(now.plus(every).as_seconds()));
        Ok(matches!(self.table.send(update).await?, Updated::Now(_)))
    }

    /// Counts `counted` for `subject` (an account's or an address's partition) in the hour of `now`.
    /// What counts is the set of keys: the same one again is no further one. `false` when the hour is
    /// full.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn admit(
        &self,
        subject: &str,
        counted: &str,
        per_hour: u32,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut update = self
            .table
            .update(subject, &rate_key(now))
            .update_expression(COUNT_KEY)
            .condition_expression(MAY_COUNT);
        for (name, value) in count_values(counted, per_hour, now) {
            update = update.expression_attribute_values(name, value);
        }
        Ok(matches!(self.table.send(update).await?, Updated::Now(_)))
    }

    fn count_action(
        &self,
        subject: &str,
        counted: &str,
        per_hour: u32,
        now: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let mut update = Update::builder()
            .table_name(&self.table.name)
            .set_key(Some(key(subject, rate_key(now))))
            .update_expression(COUNT_KEY)
            .condition_expression(MAY_COUNT);
        for (name, value) in count_values(counted, per_hour, now) {
            update = update.expression_attribute_values(name, value);
        }
        Ok(TransactWriteItem::builder().update(update.build()?).build())
    }

    /// Signs a browser in. `hash` is the keyed hash of the token in its cookie.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn open_session(&self, hash: &str, session: &Session) -> Result<(), StoreError> {
        let item = document(&self.table.name, session_key(hash), "SESSION", session)?;
        self.table.put(expiring(item, session.expires_at)).await
    }

    /// The session of a token, unless it has ended.
    ///
    /// # Errors
    /// When the table can't be read.
    pub async fn session(&self, hash: &str, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let item = self.table.get(&session_key(hash), "SESSION").await?;
        let live = item.filter(|item| is_live(item, now));
        live.map(|item| Reader::new(&self.table.name, &item)?.body()).transpose()
    }

    /// Signs a browser out.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn close_session(&self, hash: &str) -> Result<(), StoreError> {
        self.table.delete(&session_key(hash), "SESSION").await
    }

    /// Keeps a value for one taker. `hash` is the keyed hash of the token that names it.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn put_once(&self, hash: &str, once: &Once) -> Result<(), StoreError> {
        let mut item = document(&self.table.name, once_key(hash), "ONCE", once)?;
        item.insert("purpose".to_owned(), string(&once.purpose));
        self.table.put(expiring(item, once.expires_at)).await
    }

    /// Looks at a value without taking it: for the page behind a mailed link, which mail scanners open
    /// before the reader does. Taken and expired ones aren't shown.
    ///
    /// # Errors
    /// When the table can't be read.
    pub async fn peek_once(
        &self,
        hash: &str,
        purpose: &str,
        now: Timestamp,
    ) -> Result<Option<Once>, StoreError> {
        let item = self.table.get(&once_key(hash), "ONCE").await?;
        let free = item.filter(|item| is_live(item, now) && !item.contains_key("taken_by"));
        let once: Option<Once> = free.map(|item| Reader::new(&self.table.name, &item)?.body()).transpose()?;
        Ok(once.filter(|once| once.purpose == purpose))
    }

    /// Takes a value: exactly one `by` gets it, and gets it again when its request is repeated.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn take_once(
        &self,
        hash: &str,
        purpose: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<Option<Once>, StoreError> {
        let update = self
            .table
            .update(&once_key(hash), "ONCE")
            .update_expression("SET taken_by = :by")
            .condition_expression(
                "purpose = :purpose AND expires_at > :now AND (attribute_not_exists(taken_by) OR taken_by = :by)",
            )
            .expression_attribute_values(":by", string(by))
            .expression_attribute_values(":purpose", string(purpose))
            .expression_attribute_values(":now", number(now.as_seconds()));
        match self.table.send(update).await? {
            Updated::Now(item) => Reader::new(&self.table.name, &item)?.body().map(Some),
            Updated::Refused(_) => Ok(None),
        }
    }

    /// Whether `by` is the first to come with a value that somebody else made, such as a signed link:
    /// only they are let through, again and again until `until`. `hash` is the keyed hash of the value.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn come_first(
        &self,
        hash: &str,
        by: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = self
            .table
            .update(&once_key(hash), "ONCE")
            .update_expression("SET taken_by = :by, v = :v, expires_at = :until")
            .condition_expression("attribute_not_exists(taken_by) OR taken_by = :by OR expires_at <= :now")
            .expression_attribute_values(":by", string(by))
            .expression_attribute_values(":v", number(1))
            .expression_attribute_values(":until", number(until.as_seconds()))
            .expression_attribute_values(":now", number(now.as_seconds()));
        Ok(matches!(self.table.send(update).await?, Updated::Now(_)))
    }

    /// The item that links an account.
    pub(crate) fn link_item(account: &Account, link: &Link) -> Item {
        let mut item = bare(account.key(), LINK);
        item.insert("customer".to_owned(), string(link.customer.as_str()));
        item.insert("linked_at".to_owned(), number(link.linked_at.as_millis()));
        if let Some(handle) = &link.handle {
            item.insert("handle".to_owned(), string(handle));
        }
        item
    }

    /// The item that names the customer of an address.
    pub(crate) fn email_item(email_hash: &str, customer: &CustomerId) -> Item {
        let mut item = bare(email_key(email_hash), CUSTOMER);
        item.insert("customer".to_owned(), string(customer.as_str()));
        item
    }

    /// The key of the item that names the customer of an address.
    pub(crate) fn email_item_key(email_hash: &str) -> Item {
        key(email_key(email_hash), CUSTOMER)
    }

    /// The keys of everything that hangs on an account but its link and its wish to hear nothing,
    /// which outlives a link.
    pub(crate) async fn loose_keys(&self, account: &Account) -> Result<Vec<Item>, StoreError> {
        let items = self.table.query(&account.key(), None).await?;
        let loose = items.iter().map(sort_key).filter(|sk| !matches!(*sk, LINK | STOP));
        Ok(loose.map(|sk| key(account.key(), sk)).collect())
    }
}

fn email_key(hash: &str) -> String {
    format!("email#{hash}")
}

fn session_key(hash: &str) -> String {
    format!("session#{hash}")
}

fn once_key(hash: &str) -> String {
    format!("once#{hash}")
}

fn parked_key(commands: &PostCommands) -> String {
    format!("{PARKED}{}#{}", commands.post.post_ref(), commands.step)
}

fn rate_key(now: Timestamp) -> String {
    format!("RATE#{}", now.as_seconds() / HOUR.as_secs())
}

fn count_values(counted: &str, per_hour: u32, now: Timestamp) -> [(&'static str, AttributeValue); 5] {
    [
        (":v", number(1)),
        (":expires", number(now.plus(HOUR * 2).as_seconds())),
        (":keys", AttributeValue::Ss(vec![counted.to_owned()])),
        (":key", string(counted)),
        (":limit", number(per_hour.into())),
    ]
}

pub(crate) fn read_link(table: &str, item: &Item) -> Result<Link, StoreError> {
    let reader = Reader::new(table, item)?;
    Ok(Link {
        customer: CustomerId::new(reader.text("customer")?),
        handle: reader.optional("handle")?.map(str::to_owned),
        linked_at: reader.moment("linked_at")?,
    })
}

pub(crate) fn read_stop(table: &str, item: &Item) -> Result<bool, StoreError> {
    Reader::new(table, item)?.flag("stopped")
}
