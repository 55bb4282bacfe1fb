//! What changes `links` and `carts` together: linking an account, unlinking it, forgetting a customer.
//!
//! Each change is one transaction whose conditions are what was read before it; when somebody else was
//! quicker it is read and tried again, so that it may be repeated at will.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::ids::{CustomerId, Lang};
use domain::time::Timestamp;

use crate::account::Account;
use crate::carts::{CartRecord, Carts, LinkedAccount, PROFILE, Profile, read_email_hash};
use crate::error::StoreError;
use crate::item::{key, partition_key, sort_key, string};
use crate::links::{LINK, Link, Links};
use crate::table::{Condition, Transacted, transact};

/// How often a change that somebody else was quicker than is tried again.
const TRIES: u32 = 5;

/// `links` and `carts`.
#[derive(Clone, Debug)]
pub struct Linking {
    client: Client,
    links: Links,
    carts: Carts,
}

/// An account and an address that one person has proved to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLink {
    /// The account.
    pub account: Account,
    /// Its handle.
    pub handle: Option<String>,
    /// The person.
    pub person: Person,
}

/// Who has proved to hold an e-mail address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The address.
    pub email: String,
    /// Its keyed hash.
    pub email_hash: String,
    /// The language they were using.
    pub lang: Option<Lang>,
    /// The id for a new customer, random; used if the address belongs to none yet.
    pub candidate: CustomerId,
    /// Now.
    pub at: Timestamp,
}

/// An account is linked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    /// To whom.
    pub customer: CustomerId,
    /// Whether they are new.
    pub new_customer: bool,
    /// To whom it had been linked before, if to somebody else.
    pub moved_from: Option<CustomerId>,
}

impl Linking {
    /// The two tables.
    pub fn new(client: Client, links_table: impl Into<String>, carts_table: impl Into<String>) -> Self {
        let links = Links::new(client.clone(), links_table);
        let carts = Carts::new(client.clone(), carts_table);
        Self { client, links, carts }
    }

    /// Links an account to the customer who holds the address, who may be new. An account that was
    /// linked to another customer moves: who proves it now has it. Repeating it changes nothing.
    ///
    /// # Errors
    /// When the tables can't be read or written.
    pub async fn link(&self, wanted: &NewLink) -> Result<Linked, StoreError> {
        for _ in 0..TRIES {
            let there = self.links.link(&wanted.account).await?;
            let known = self.links.customer_of_email(&wanted.person.email_hash).await?;
            let customer = known.clone().unwrap_or_else(|| wanted.person.candidate.clone());
            let moved_from = there.as_ref().map(|link| link.customer.clone()).filter(|old| *old != customer);
            let linked = Linked { customer, new_customer: known.is_none(), moved_from };
            if there.is_some() && linked.moved_from.is_none() && known.is_some() {
                return Ok(linked);
            }
            let mut actions = self.person_actions(&wanted.person, known.as_ref())?;
            actions.extend(self.account_actions(wanted, &linked, there.as_ref())?);
            if self.transact(actions).await? {
                return Ok(linked);
            }
        }
        Err(StoreError::Contended { operation: "linking" })
    }

    /// The customer who holds the address, made if there is none yet; `true` when they are new.
    ///
    /// # Errors
    /// When the tables can't be read or written.
    pub async fn register(&self, person: &Person) -> Result<(CustomerId, bool), StoreError> {
        for _ in 0..TRIES {
            if let Some(known) = self.links.customer_of_email(&person.email_hash).await? {
                return Ok((known, false));
            }
            if self.transact(self.person_actions(person, None)?).await? {
                return Ok((person.candidate.clone(), true));
            }
        }
        Err(StoreError::Contended { operation: "registering" })
    }

    /// Takes an account off a customer; `false` when it wasn't theirs.
    ///
    /// # Errors
    /// When the tables can't be read or written.
    pub async fn unlink(&self, customer: &CustomerId, account: &Account) -> Result<bool, StoreError> {
        let links = &self.links.table;
        let theirs = Condition {
            expression: "customer = :customer",
            values: vec![(":customer", string(customer.as_str()))],
        };
        let actions = vec![
            links.delete_action(key(account.key(), LINK), Some(theirs))?,
            self.carts.table.delete_action(Carts::account_item_key(customer, account), None)?,
        ];
        self.transact(actions).await
    }

    /// Takes an account off whoever has it: the shopper withdrew on the network. Gives whose it was.
    ///
    /// # Errors
    /// When the tables can't be read or written.
    pub async fn revoke(&self, account: &Account) -> Result<Option<CustomerId>, StoreError> {
        for _ in 0..TRIES {
            let Some(link) = self.links.link(account).await? else { return Ok(None) };
            if self.unlink(&link.customer, account).await? {
                return Ok(Some(link.customer));
            }
        }
        Err(StoreError::Contended { operation: "revoking a link" })
    }

    /// Deletes everything that is kept of a customer: cart, profile, links, what their accounts have
    /// parked. That an account wants no answers stays. May be repeated; the profile goes last, since it
    /// names what else is to go.
    ///
    /// # Errors
    /// When the tables can't be read or written.
    pub async fn erase(&self, customer: &CustomerId) -> Result<(), StoreError> {
        let record = self.carts.read(customer).await?;
        self.erase_links(&record).await?;
        let items = self.carts.table.query(customer.as_str(), None).await?;
        let (profile, others): (Vec<_>, Vec<_>) =
            items.into_iter().partition(|item| sort_key(item) == PROFILE);
        let keys = others.iter().map(|item| key(partition_key(item), sort_key(item))).collect();
        self.carts.table.delete_all(keys).await?;
        let Some(profile) = profile.first() else { return Ok(()) };
        let email_hash = read_email_hash(&self.carts.table.name, profile)?;
        let actions = vec![
            self.links.table.delete_action(Links::email_item_key(&email_hash), None)?,
            self.carts.table.delete_action(key(customer.as_str(), PROFILE), None)?,
        ];
        self.transact(actions).await?;
        Ok(())
    }

    async fn erase_links(&self, record: &CartRecord) -> Result<(), StoreError> {
        for linked in &record.accounts {
            if self.unlink(&record.customer, &linked.account).await? {
                let loose = self.links.loose_keys(&linked.account).await?;
                self.links.table.delete_all(loose).await?;
            }
        }
        Ok(())
    }

    /// Makes sure that the address belongs to the customer we know or to the candidate.
    fn person_actions(
        &self,
        person: &Person,
        known: Option<&CustomerId>,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let (links, carts) = (&self.links.table, &self.carts.table);
        if let Some(known) = known {
            let still = Condition {
                expression: "customer = :customer",
                values: vec![(":customer", string(known.as_str()))],
            };
            return Ok(vec![links.check_action(Links::email_item_key(&person.email_hash), still)?]);
        }
        let profile = Profile {
            email: person.email.clone(),
            lang: person.lang.clone(),
            replies: true,
            mails: true,
            created_at: person.at,
        };
        let customer = &person.candidate;
        let profile = Carts::profile_item(customer, &profile, &person.email_hash);
        Ok(vec![
            links.put_action(Links::email_item(&person.email_hash, customer), Some(Condition::ABSENT))?,
            carts.put_action(profile, Some(Condition::ABSENT))?,
        ])
    }

    /// Links the account, if it still is with whom we saw it.
    fn account_actions(
        &self,
        wanted: &NewLink,
        linked: &Linked,
        there: Option<&Link>,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let (links, carts) = (&self.links.table, &self.carts.table);
        let unchanged = match there {
            None => Condition::ABSENT,
            Some(link) => Condition {
                expression: "customer = :seen",
                values: vec![(":seen", string(link.customer.as_str()))],
            },
        };
        let link = Link {
            customer: linked.customer.clone(),
            handle: wanted.handle.clone(),
            linked_at: wanted.person.at,
        };
        let account = LinkedAccount {
            account: wanted.account.clone(),
            handle: wanted.handle.clone(),
            linked_at: wanted.person.at,
        };
        let mut actions = vec![
            links.put_action(Links::link_item(&wanted.account, &link), Some(unchanged))?,
            carts.put_action(Carts::account_item(&linked.customer, &account), None)?,
        ];
        if let Some(old) = &linked.moved_from {
            actions.push(carts.delete_action(Carts::account_item_key(old, &wanted.account), None)?);
        }
        Ok(actions)
    }

    /// Whether the transaction was done.
    async fn transact(&self, actions: Vec<TransactWriteItem>) -> Result<bool, StoreError> {
        let tables = format!("{} and {}", self.links.table.name, self.carts.table.name);
        Ok(matches!(transact(&self.client, &tables, actions).await?, Transacted::Done))
    }
}
