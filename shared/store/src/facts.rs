//! What a batch of messages needs to know in common, read from several tables in one request.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use domain::ids::CustomerId;
use domain::post::PostRef;

use crate::account::Account;
use crate::carts::{PROFILE, Profile, SUPPRESSED, Suppression, read_profile};
use crate::deliveries::ERASED;
use crate::error::StoreError;
use crate::item::{Item, Reader, key, partition_key, sort_key};
use crate::links::{LINK, Link, STOP, read_link, read_stop};
use crate::settings::BLOCK;

/// DynamoDB reads at most so many items in one batch.
const MAX_KEYS: usize = 100;
/// How often keys that DynamoDB left unread are asked for again.
const TRIES: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(25);

/// The names of the tables that are read; a function only names those that it may read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    /// `links`.
    pub links: String,
    /// `carts`.
    pub carts: String,
    /// `deliveries`.
    pub deliveries: String,
    /// `settings`.
    pub settings: String,
}

/// What is to be read. Repetitions cost nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Accounts: link, stop and block (tables `links` and `settings`).
    pub accounts: Vec<Account>,
    /// Customers: profile and suppression (table `carts`).
    pub customers: Vec<CustomerId>,
    /// Posts: whether they are deleted (table `deliveries`).
    pub erased: Vec<PostRef>,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Of each wanted account.
    pub accounts: HashMap<Account, AccountFacts>,
    /// Of each wanted customer.
    pub customers: HashMap<CustomerId, CustomerFacts>,
    /// Those of the wanted posts that are deleted.
    pub erased: HashSet<PostRef>,
}

/// What is known of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFacts {
    /// Whose it is.
    pub link: Option<Link>,
    /// Whether the shopper wants no answers.
    pub stopped: bool,
    /// Whether the operator doesn't serve it.
    pub blocked: bool,
}

/// What is known of a customer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomerFacts {
    /// Who they are.
    pub profile: Option<Profile>,
    /// Why they get no mail, if they get none.
    pub suppressed: Option<Suppression>,
}

/// Reads facts.
#[derive(Clone, Debug)]
pub struct FactReader {
    client: Client,
    tables: Tables,
}

impl FactReader {
    /// Reads from `tables`.
    pub fn new(client: Client, tables: Tables) -> Self {
        Self { client, tables }
    }

    /// Reads what is wanted: one request for each hundred items, consistent.
    ///
    /// # Errors
    /// When a table can't be read or holds what can't be decoded.
    pub async fn read(&self, wanted: &Wanted) -> Result<Facts, StoreError> {
        let items = read(&self.client, self.keys(wanted)).await?;
        let mut facts = Facts::default();
        for account in &wanted.accounts {
            facts.accounts.insert(account.clone(), self.account(&items, account)?);
        }
        for customer in &wanted.customers {
            facts.customers.insert(customer.clone(), self.customer(&items, customer)?);
        }
        let erased = |post: &&PostRef| items.contains_key(&self.erased_key(post));
        facts.erased = wanted.erased.iter().filter(erased).cloned().collect();
        Ok(facts)
    }

    fn keys(&self, wanted: &Wanted) -> Vec<Key> {
        let accounts = wanted.accounts.iter().flat_map(|account| self.account_keys(account));
        let customers = wanted.customers.iter().flat_map(|customer| self.customer_keys(customer));
        let erased = wanted.erased.iter().map(|post| self.erased_key(post));
        accounts.chain(customers).chain(erased).collect()
    }

    fn account_keys(&self, account: &Account) -> [Key; 3] {
        [
            Key::new(&self.tables.links, account.key(), LINK),
            Key::new(&self.tables.links, account.key(), STOP),
            Key::new(&self.tables.settings, BLOCK, account.key()),
        ]
    }

    fn customer_keys(&self, customer: &CustomerId) -> [Key; 2] {
        [PROFILE, SUPPRESSED].map(|sk| Key::new(&self.tables.carts, customer.as_str(), sk))
    }

    fn erased_key(&self, post: &PostRef) -> Key {
        Key::new(&self.tables.deliveries, post.to_string(), ERASED)
    }

    fn account(&self, items: &HashMap<Key, Item>, account: &Account) -> Result<AccountFacts, StoreError> {
        let [link, stop, block] = self.account_keys(account);
        let links = &self.tables.links;
        Ok(AccountFacts {
            link: items.get(&link).map(|item| read_link(links, item)).transpose()?,
            stopped: items.get(&stop).map_or(Ok(false), |item| read_stop(links, item))?,
            blocked: items.contains_key(&block),
        })
    }

    fn customer(
        &self,
        items: &HashMap<Key, Item>,
        customer: &CustomerId,
    ) -> Result<CustomerFacts, StoreError> {
        let [profile, suppressed] = self.customer_keys(customer);
        let carts = &self.tables.carts;
        Ok(CustomerFacts {
            profile: items.get(&profile).map(|item| read_profile(carts, item)).transpose()?,
            suppressed: items.get(&suppressed).map(|item| Reader::new(carts, item)?.body()).transpose()?,
        })
    }
}

/// An item's place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    table: String,
    pk: String,
    sk: String,
}

impl Key {
    pub(crate) fn new(table: &str, pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { table: table.to_owned(), pk: pk.into(), sk: sk.into() }
    }
}

/// Reads items of any tables by their keys; those that aren't there are left out.
pub(crate) async fn read(
    client: &Client,
    keys: impl IntoIterator<Item = Key>,
) -> Result<HashMap<Key, Item>, StoreError> {
    let distinct: HashSet<Key> = keys.into_iter().collect();
    let distinct: Vec<Key> = distinct.into_iter().collect();
    let mut items = HashMap::new();
    for chunk in distinct.chunks(MAX_KEYS) {
        read_chunk(client, chunk, &mut items).await?;
    }
    Ok(items)
}

async fn read_chunk(client: &Client, keys: &[Key], items: &mut HashMap<Key, Item>) -> Result<(), StoreError> {
    let mut request = requests(keys)?;
    let mut pause = FIRST_PAUSE;
    for _ in 0..TRIES {
        let tables = request.keys().cloned().collect::<Vec<_>>().join(", ");
        let output = client.batch_get_item().set_request_items(Some(request)).send().await;
        let output = output.map_err(StoreError::request("BatchGetItem", &tables))?;
        for (table, found) in output.responses.unwrap_or_default() {
            for item in found {
                items.insert(Key::new(&table, partition_key(&item), sort_key(&item)), item);
            }
        }
        request = output.unprocessed_keys.unwrap_or_default();
        if request.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    Err(StoreError::Unprocessed { left: request.values().map(|keys| keys.keys().len()).sum() })
}

fn requests(keys: &[Key]) -> Result<HashMap<String, KeysAndAttributes>, StoreError> {
    let mut by_table: HashMap<&str, Vec<Item>> = HashMap::new();
    for one in keys {
        by_table.entry(&one.table).or_default().push(key(&one.pk, &one.sk));
    }
    by_table
        .into_iter()
        .map(|(table, keys)| {
            let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build()?;
            Ok((table.to_owned(), keys))
        })
        .collect()
}
