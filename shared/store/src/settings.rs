//! The table `settings`: the storefront by version, pause switches, the block list.
//!
//! | pk | sk | what |
//! |---|---|---|
//! | `storefront` | `CURRENT` | the version that is used |
//! | | `V#<version>` | every version that ever was |
//! | `network#<id>` | `PAUSE` | what the operator has paused there |
//! | `block` | `<network>#<user>` | an account that is not served |

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use domain::ids::NetworkId;
use domain::storefront::Storefront;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::error::StoreError;
use crate::facts;
use crate::item::{Item, Reader, bare, document, number, sort_key};
use crate::table::{Condition, Table, Transacted, transact};

pub(crate) const BLOCK: &str = "block";
const STOREFRONT: &str = "storefront";
const CURRENT: &str = "CURRENT";
const PAUSE: &str = "PAUSE";
const VERSIONS: &str = "V#";

/// The table `settings`.
#[derive(Clone, Debug)]
pub struct Settings {
    table: Table,
}

/// A value with its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The version, from 1.
    pub version: u64,
    /// When it was pushed.
    pub pushed_at: Timestamp,
    /// The value.
    pub value: T,
}

/// How a push ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It is this version now.
    Version(u64),
    /// Somebody else pushed since the expected version.
    Conflict {
        /// The version that is current; `None` when there is none.
        current: Option<u64>,
    },
}

/// What the operator has paused on a network. What waits, waits in its queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Everything that comes from the network or goes to it.
    #[serde(default)]
    pub all: bool,
    /// Replies.
    #[serde(default)]
    pub reply: bool,
    /// Mails about its posts.
    #[serde(default)]
    pub mail: bool,
}

/// What a function refreshes each minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The storefront.
    pub storefront: Versioned<Storefront>,
    /// What is paused on its networks; a network that isn't here runs.
    pub pauses: HashMap<NetworkId, Pause>,
}

impl Snapshot {
    /// What is paused on a network.
    pub fn pause(&self, network: &NetworkId) -> Pause {
        self.pauses.get(network).copied().unwrap_or_default()
    }
}

impl Settings {
    /// The table `table`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { table: Table::new(client, table) }
    }

    /// The storefront that is used; `None` before the first push.
    ///
    /// # Errors
    /// When the table can't be read or its storefront can't be decoded.
    pub async fn current(&self) -> Result<Option<Versioned<Storefront>>, StoreError> {
        let item = self.table.get(STOREFRONT, CURRENT).await?;
        item.map(|item| self.read_version(&item)).transpose()
    }

    /// A version of the storefront.
    ///
    /// # Errors
    /// When the table can't be read or that version can't be decoded.
    pub async fn version(&self, version: u64) -> Result<Option<Versioned<Storefront>>, StoreError> {
        let item = self.table.get(STOREFRONT, &version_key(version)).await?;
        item.map(|item| self.read_version(&item)).transpose()
    }

    /// All versions with the time of their push, oldest first.
    ///
    /// # Errors
    /// When the table can't be read.
    pub async fn versions(&self) -> Result<Vec<(u64, Timestamp)>, StoreError> {
        let items = self.table.query(STOREFRONT, Some(VERSIONS)).await?;
        let head = |item| {
            let reader = Reader::new(&self.table.name, item)?;
            Ok((reader.number("version")?, reader.moment("pushed_at")?))
        };
        items.iter().map(head).collect()
    }

    fn read_version(&self, item: &Item) -> Result<Versioned<Storefront>, StoreError> {
        let reader = Reader::new(&self.table.name, item)?;
        let version = reader.number("version")?;
        // What this release doesn't know must not be served as if it weren't there.
        let value = reader.body().map_err(|error| match error {
            StoreError::Item { what, .. } => StoreError::Storefront { version, what },
            other => other,
        })?;
        Ok(Versioned { version, pushed_at: reader.moment("pushed_at")?, value })
    }

    /// Makes `storefront` the one that is used, if `expected` still is (`None`: if there is none).
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn push(
        &self,
        storefront: &Storefront,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<Pushed, StoreError> {
        let version = expected.unwrap_or(0).saturating_add(1);
        let item = |sk: &str| {
            let mut item = document(&self.table.name, STOREFRONT, sk, storefront)?;
            item.insert("version".to_owned(), number(version));
            item.insert("pushed_at".to_owned(), number(now.as_millis()));
            Ok::<Item, StoreError>(item)
        };
        let unchanged = match expected {
            None => Condition::ABSENT,
            Some(expected) => {
                Condition { expression: "version = :expected", values: vec![(":expected", number(expected))] }
            }
        };
        let actions = vec![
            self.table.put_action(item(CURRENT)?, Some(unchanged))?,
            self.table.put_action(item(&version_key(version))?, None)?,
        ];
        match transact(&self.table.client, &self.table.name, actions).await? {
            Transacted::Done => Ok(Pushed::Version(version)),
            Transacted::Refused(_) => {
                Ok(Pushed::Conflict { current: self.current().await?.map(|current| current.version) })
            }
        }
    }

    /// Pauses or resumes what happens on a network.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn pause(&self, network: &NetworkId, pause: Pause) -> Result<(), StoreError> {
        self.table.put(document(&self.table.name, network_key(network), PAUSE, &pause)?).await
    }

    /// What is paused, of these networks.
    ///
    /// # Errors
    /// When the table can't be read.
    pub async fn paused(&self, networks: &[NetworkId]) -> Result<HashMap<NetworkId, Pause>, StoreError> {
        let keys =
            networks.iter().map(|network| facts::Key::new(&self.table.name, network_key(network), PAUSE));
        let items = facts::read(&self.table.client, keys).await?;
        let mut pauses = HashMap::new();
        for network in networks {
            let key = facts::Key::new(&self.table.name, network_key(network), PAUSE);
            if let Some(item) = items.get(&key) {
                pauses.insert(network.clone(), Reader::new(&self.table.name, item)?.body()?);
            }
        }
        Ok(pauses)
    }

    /// The storefront and what is paused; `None` before the first push.
    ///
    /// # Errors
    /// When the table can't be read or its storefront can't be decoded.
    pub async fn snapshot(&self) -> Result<Option<Snapshot>, StoreError> {
        let Some(storefront) = self.current().await? else { return Ok(None) };
        let networks: Vec<NetworkId> = storefront.value.networks.iter().map(|n| n.id.clone()).collect();
        let pauses = self.paused(&networks).await?;
        Ok(Some(Snapshot { storefront, pauses }))
    }

    /// Serves an account no more.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn block(&self, account: &Account, now: Timestamp) -> Result<(), StoreError> {
        let mut item = bare(BLOCK, account.key());
        item.insert("blocked_at".to_owned(), number(now.as_millis()));
        self.table.put(item).await
    }

    /// Serves an account again.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn unblock(&self, account: &Account) -> Result<(), StoreError> {
        self.table.delete(BLOCK, &account.key()).await
    }

    /// The accounts that aren't served.
    ///
    /// # Errors
    /// When the table can't be read.
    pub async fn blocked(&self) -> Result<Vec<Account>, StoreError> {
        let items = self.table.query(BLOCK, None).await?;
        Ok(items.iter().filter_map(|item| Account::parse(sort_key(item))).collect())
    }
}

fn version_key(version: u64) -> String {
    format!("{VERSIONS}{version:010}")
}

fn network_key(network: &NetworkId) -> String {
    format!("network#{network}")
}
