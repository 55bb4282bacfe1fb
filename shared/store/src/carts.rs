//! The table `carts`: what each customer decided, and who they are to us. pk is the customer.
//!
//! | sk | what |
//! |---|---|
//! | `PROFILE` | address, language, what they want to hear |
//! | `LINK#<network>#<user>` | an account of theirs |
//! | `CMD#<key>` | a decided command, written once |
//! | `BASE` | what all entries up to a horizon fold to |
//! | `SUPPRESSED` | why no mail goes to them |

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::cart::{Base, Cart, Compaction, Entry};
use domain::command::{CommandKey, Stamp};
use domain::ids::{CustomerId, Lang};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::error::StoreError;
use crate::item::{Item, Reader, bare, document, key, number, sort_key, string};
use crate::ledger::{Ledger, Row};
use crate::table::{Condition, MAX_ACTIONS, Table, Transacted, transact};

pub(crate) const PROFILE: &str = "PROFILE";
pub(crate) const SUPPRESSED: &str = "SUPPRESSED";
const BASE: &str = "BASE";
const ENTRY: &str = "CMD#";
const LINK: &str = "LINK#";

/// The table `carts`.
#[derive(Clone, Debug)]
pub struct Carts {
    pub(crate) table: Table,
}

/// Who a customer is to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The confirmed address.
    pub email: String,
    /// The language to write in, where they chose one.
    pub lang: Option<Lang>,
    /// Whether they want replies on the networks.
    pub replies: bool,
    /// Whether they want mails.
    pub mails: bool,
    /// When they first linked an account or signed in.
    pub created_at: Timestamp,
}

/// What a customer changes of their profile; `None` leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// Replies on the networks.
    pub replies: Option<bool>,
    /// Mails.
    pub mails: Option<bool>,
    /// Language.
    pub lang: Option<Lang>,
}

/// An account of a customer's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedAccount {
    /// The account.
    pub account: Account,
    /// Its handle when it was linked.
    pub handle: Option<String>,
    /// When it was linked.
    pub linked_at: Timestamp,
}

/// Why no mail goes to a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuppressionReason {
    /// The address doesn't exist.
    Bounce,
    /// They called a mail of ours spam.
    Complaint,
    /// They pressed unsubscribe.
    Unsubscribed,
}

/// That no mail goes to a customer, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// Why.
    pub reason: SuppressionReason,
    /// Since when.
    pub at: Timestamp,
}

/// Everything under one customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CartRecord {
    /// The customer.
    pub customer: CustomerId,
    /// Who they are; absent after they had their data deleted.
    pub profile: Option<Profile>,
    /// Their accounts.
    pub accounts: Vec<LinkedAccount>,
    /// Their decided commands above the base.
    pub entries: Vec<Entry>,
    /// What everything older folds to.
    pub base: Option<Base>,
    /// Why no mail goes to them, if none does.
    pub suppressed: Option<Suppression>,
}

impl CartRecord {
    fn empty(customer: CustomerId) -> Self {
        Self {
            customer,
            profile: None,
            accounts: Vec::new(),
            entries: Vec::new(),
            base: None,
            suppressed: None,
        }
    }

    /// The cart.
    pub fn cart(&self) -> Cart {
        Cart::fold(self.base.as_ref(), &self.entries)
    }

    /// The decision on a command, if there is one.
    pub fn entry(&self, key: &CommandKey) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == *key)
    }

    fn take(&mut self, table: &str, item: &Item) -> Result<(), StoreError> {
        let reader = || Reader::new(table, item);
        match sort_key(item) {
            PROFILE => self.profile = Some(read_profile(table, item)?),
            SUPPRESSED => self.suppressed = Some(reader()?.body()?),
            BASE => self.base = Some(reader()?.body()?),
            sk if sk.starts_with(ENTRY) => self.entries.push(reader()?.body()?),
            sk => {
                if let Some(account) = sk.strip_prefix(LINK).and_then(Account::parse) {
                    let reader = reader()?;
                    self.accounts.push(LinkedAccount {
                        account,
                        handle: reader.optional("handle")?.map(str::to_owned),
                        linked_at: reader.moment("linked_at")?,
                    });
                }
            }
        }
        Ok(())
    }
}

/// Who decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// This entry is the decision.
    First,
    /// The command had been decided before: this is the decision.
    Earlier(Box<Entry>),
}

impl Carts {
    /// The table `table`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { table: Table::new(client, table) }
    }

    /// Everything under a customer, in one consistent query.
    ///
    /// # Errors
    /// When the table can't be read or holds what can't be decoded.
    pub async fn read(&self, customer: &CustomerId) -> Result<CartRecord, StoreError> {
        let mut record = CartRecord::empty(customer.clone());
        for item in self.table.query(customer.as_str(), None).await? {
            record.take(&self.table.name, &item)?;
        }
        Ok(record)
    }

    /// Who a customer is.
    ///
    /// # Errors
    /// When the table can't be read.
    pub async fn profile(&self, customer: &CustomerId) -> Result<Option<Profile>, StoreError> {
        let item = self.table.get(customer.as_str(), PROFILE).await?;
        item.map(|item| read_profile(&self.table.name, &item)).transpose()
    }

    /// Writes a decision if its command has none yet; one request either way. With a `credit` the
    /// ledger's row is written in the same transaction.
    ///
    /// # Errors
    /// When the table can't be written, or the earlier decision can't be decoded.
    pub async fn put_entry(
        &self,
        customer: &CustomerId,
        entry: &Entry,
        credit: Option<(&Ledger, &Row)>,
    ) -> Result<Decided, StoreError> {
        let name = &self.table.name;
        let item = document(name, customer.as_str(), entry_key(&entry.key), entry)?;
        let earlier = match credit {
            None => self.table.put_if_absent(item).await?,
            Some((ledger, row)) => self.put_with_credit(item, ledger, row).await?,
        };
        match earlier {
            None => Ok(Decided::First),
            Some(item) => Ok(Decided::Earlier(Reader::new(name, &item)?.body()?)),
        }
    }

    /// Puts an entry and its row; gives the entry that was there, if one was.
    async fn put_with_credit(
        &self,
        entry: Item,
        ledger: &Ledger,
        row: &Row,
    ) -> Result<Option<Item>, StoreError> {
        let (name, ledger) = (&self.table.name, &ledger.table);
        let actions = vec![
            self.table.put_action(entry, Some(Condition::ABSENT))?,
            ledger.put_action(row.item(&ledger.name)?, None)?,
        ];
        match transact(&self.table.client, &format!("{name} and {}", ledger.name), actions).await? {
            Transacted::Done => Ok(None),
            Transacted::Refused(refusals) => {
                let there = refusals.into_iter().find_map(|refusal| refusal.item);
                there
                    .map(Some)
                    .ok_or_else(|| StoreError::item(name, "a refused put did not say what is there"))
            }
        }
    }

    /// Changes what a customer wants to hear. Nothing happens for one who has no profile.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn set_preferences(
        &self,
        customer: &CustomerId,
        wanted: &Preferences,
    ) -> Result<(), StoreError> {
        let values = [
            ("replies", wanted.replies.map(AttributeValue::Bool)),
            ("mails", wanted.mails.map(AttributeValue::Bool)),
            ("lang", wanted.lang.as_ref().map(|lang| string(lang.as_str()))),
        ];
        let mut update = self.table.update(customer.as_str(), PROFILE);
        let mut changes = Vec::new();
        for (name, value) in values {
            let Some(value) = value else { continue };
            update = update
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), value);
            changes.push(format!("#{name} = :{name}"));
        }
        if changes.is_empty() {
            return Ok(());
        }
        let update = update
            .update_expression(format!("SET {}", changes.join(", ")))
            .condition_expression("attribute_exists(pk)");
        self.table.send(update).await?;
        Ok(())
    }

    /// Sends a customer no mail any more.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn suppress(
        &self,
        customer: &CustomerId,
        reason: SuppressionReason,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let suppression = Suppression { reason, at };
        self.table.put(document(&self.table.name, customer.as_str(), SUPPRESSED, &suppression)?).await
    }

    /// Sends a customer mail again.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn unsuppress(&self, customer: &CustomerId) -> Result<(), StoreError> {
        self.table.delete(customer.as_str(), SUPPRESSED).await
    }

    /// Folds a customer's entries up to `horizon` into the base and deletes them. `false` when somebody
    /// else did meanwhile. A crash on the way only leaves entries that count no more.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn compact(&self, record: &CartRecord, horizon: Stamp) -> Result<bool, StoreError> {
        let Compaction { base, settled } = Cart::compact(record.base.as_ref(), &record.entries, horizon);
        let customer = record.customer.as_str();
        let mut item = document(&self.table.name, customer, BASE, &base)?;
        item.insert("horizon".to_owned(), string(base.horizon.as_str()));
        let unchanged = match &record.base {
            None => Condition::ABSENT,
            Some(base) => Condition {
                expression: "horizon = :known",
                values: vec![(":known", string(base.horizon.as_str()))],
            },
        };
        let mut settled = settled.iter().map(|settled| key(customer, entry_key(settled)));
        let mut actions = vec![self.table.put_action(item, Some(unchanged))?];
        for settled in settled.by_ref().take(MAX_ACTIONS - 1) {
            actions.push(self.table.delete_action(settled, None)?);
        }
        match transact(&self.table.client, &self.table.name, actions).await? {
            Transacted::Refused(_) => Ok(false),
            Transacted::Done => self.table.delete_all(settled.collect()).await.map(|()| true),
        }
    }

    /// The item of a profile. The address's hash stands beside it, so that its item in `links` is found
    /// when the customer has their data deleted.
    pub(crate) fn profile_item(customer: &CustomerId, profile: &Profile, email_hash: &str) -> Item {
        let mut item = bare(customer.as_str(), PROFILE);
        item.insert("email".to_owned(), string(&profile.email));
        item.insert("email_hash".to_owned(), string(email_hash));
        item.insert("replies".to_owned(), AttributeValue::Bool(profile.replies));
        item.insert("mails".to_owned(), AttributeValue::Bool(profile.mails));
        item.insert("created_at".to_owned(), number(profile.created_at.as_millis()));
        if let Some(lang) = &profile.lang {
            item.insert("lang".to_owned(), string(lang.as_str()));
        }
        item
    }

    /// The item of an account of a customer's.
    pub(crate) fn account_item(customer: &CustomerId, linked: &LinkedAccount) -> Item {
        let mut item = bare(customer.as_str(), account_key(&linked.account));
        item.insert("linked_at".to_owned(), number(linked.linked_at.as_millis()));
        if let Some(handle) = &linked.handle {
            item.insert("handle".to_owned(), string(handle));
        }
        item
    }

    /// The key of the item of an account of a customer's.
    pub(crate) fn account_item_key(customer: &CustomerId, account: &Account) -> Item {
        key(customer.as_str(), account_key(account))
    }
}

fn entry_key(command: &CommandKey) -> String {
    format!("{ENTRY}{command}")
}

fn account_key(account: &Account) -> String {
    format!("{LINK}{}", account.key())
}

pub(crate) fn read_profile(table: &str, item: &Item) -> Result<Profile, StoreError> {
    let reader = Reader::new(table, item)?;
    Ok(Profile {
        email: reader.text("email")?.to_owned(),
        lang: reader.optional("lang")?.and_then(Lang::parse),
        replies: reader.flag("replies")?,
        mails: reader.flag("mails")?,
        created_at: reader.moment("created_at")?,
    })
}

/// The hash of a profile's address.
pub(crate) fn read_email_hash(table: &str, item: &Item) -> Result<String, StoreError> {
    Reader::new(table, item)?.text("email_hash").map(str::to_owned)
}
