//! An import: the difference between a feed and what the table holds.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use domain::ids::{MarketplaceId, VariantId};
use domain::product::Listing;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use ring::digest::{SHA256, digest};

use super::{Catalog, gtin14, is_vanished, partition, scoped};
use crate::error::StoreError;
use crate::item::{Item, document, number, partition_key, sort_key, string};
use crate::table::Table;

/// DynamoDB takes at most so many items in one `BatchWriteItem`.
const BATCH: usize = 25;
/// How many batches are on their way at the same time.
const IN_FLIGHT: usize = 8;
/// How often what a batch left unwritten is sent again, the pause doubling from [`FIRST_PAUSE`].
const TRIES: u32 = 10;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// What a listing is to the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Not in the table yet.
    New,
    /// In the table, but not like this (one that had vanished and is back among them).
    Changed,
    /// In the table just like this: nothing is written.
    Unchanged,
}

/// What is left in the table when the feed has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vanished {
    /// Variants that the table lists and the feed doesn't.
    pub missing: u64,
    /// Variants that the table listed when the import began.
    pub listed: u64,
}

impl Vanished {
    /// Whether more than half of what was listed is missing: more likely a broken feed than a shop
    /// that gave up most of its goods.
    pub fn is_suspicious(&self) -> bool {
        self.missing.saturating_mul(2) > self.listed
    }
}

type Digest = [u8; 16];

/// An import under way. Of the table it holds the keys and digests of one marketplace; of the feed,
/// the batches that are being written.
pub struct Import {
    table: Table,
    marketplace: MarketplaceId,
    dry_run: bool,
    known: HashMap<Key, Known>,
    kept: HashSet<VariantId>,
    listed: u64,
    place: u64,
    batch: HashMap<Key, Item>,
    writing: FuturesUnordered<BoxFuture<'static, Result<(), StoreError>>>,
}

/// Product and variant.
type Key = (Box<str>, Box<str>);

struct Known {
    digest: Option<Digest>,
    seen: bool,
}

impl Catalog {
    /// Begins an import into `marketplace`: reads what the table holds of it. A dry run writes
    /// nothing.
    ///
    /// # Errors
    /// When the table can't be read.
    pub async fn import(&self, marketplace: &MarketplaceId, dry_run: bool) -> Result<Import, StoreError> {
        let mut import = Import {
            table: self.table.clone(),
            marketplace: marketplace.clone(),
            dry_run,
            known: HashMap::new(),
            kept: HashSet::new(),
            listed: 0,
            place: 0,
            batch: HashMap::new(),
            writing: FuturesUnordered::new(),
        };
        let mut start = None;
        loop {
            let page = self.scan(marketplace, Some("pk, sk, digest, vanished"), start).await?;
            page.items.iter().for_each(|item| import.know(item));
            start = page.next;
            if start.is_none() {
                return Ok(import);
            }
        }
    }
}

impl Import {
    fn know(&mut self, item: &Item) {
        let Some((_, product)) = partition_key(item).split_once('#') else { return };
        let stored = item.get("digest").and_then(|value| value.as_b().ok());
        // What has vanished has no digest to be equal to: it is written again when it is back.
        let digest = stored.filter(|_| !is_vanished(item)).and_then(|blob| blob.as_ref().try_into().ok());
        if !is_vanished(item) {
            self.listed += 1;
        }
        self.known.insert((product.into(), sort_key(item).into()), Known { digest, seen: is_vanished(item) });
    }

    /// Takes the next listing of the feed: writes it if it is new or differs. Writes go on beside
    /// what follows; [`Import::settle`] waits for them.
    ///
    /// # Errors
    /// When an earlier batch can't be written.
    pub async fn put(&mut self, listing: &Listing) -> Result<Change, StoreError> {
        self.place += 1;
        let variant = &listing.variant;
        let key: Key = (variant.product.as_str().into(), variant.variant.as_str().into());
        let (mut item, digest) = self.item(listing)?;
        let change = match self.known.get(&key) {
            None => Change::New,
            Some(known) if known.digest == Some(digest) => Change::Unchanged,
            Some(_) => Change::Changed,
        };
        self.known.insert(key.clone(), Known { digest: Some(digest), seen: true });
        if change != Change::Unchanged && !self.dry_run {
            item.insert("place".to_owned(), number(self.place));
            self.batch.insert(key, item);
            if self.batch.len() >= BATCH {
                self.flush().await?;
            }
        }
        Ok(change)
    }

    /// Keeps what the table has of a variant whose row could not be read: it has not vanished.
    pub fn keep(&mut self, variant: VariantId) {
        self.kept.insert(variant);
    }

    /// Waits until all that was put is written and says what the feed didn't list.
    ///
    /// # Errors
    /// When a batch can't be written.
    pub async fn settle(&mut self) -> Result<Vanished, StoreError> {
        self.flush().await?;
        while let Some(written) = self.writing.next().await {
            written?;
        }
        let missing = u64::try_from(self.missing().count()).unwrap_or(u64::MAX);
        Ok(Vanished { missing, listed: self.listed })
    }

    /// Marks what the feed didn't list as vanished: out of stock, but still known, because carts and
    /// old posts name it. For a feed that was read to its end only.
    ///
    /// # Errors
    /// When an item can't be written.
    pub async fn mark_vanished(mut self) -> Result<(), StoreError> {
        self.settle().await?;
        if self.dry_run {
            return Ok(());
        }
        let update = |(product, variant): &Key| {
            let update = self
                .table
                .update(&format!("{}#{product}", self.marketplace), variant)
                .update_expression("SET vanished = :vanished")
                .condition_expression("attribute_exists(pk)")
                .expression_attribute_values(":vanished", AttributeValue::Bool(true));
            let table = self.table.clone();
            async move { table.send(update).await.map(|_| ()) }
        };
        let mut updates = futures::stream::iter(self.missing().map(update)).buffer_unordered(IN_FLIGHT);
        while let Some(updated) = updates.next().await {
            updated?;
        }
        Ok(())
    }

    fn missing(&self) -> impl Iterator<Item = &Key> {
        let is_missing =
            |(key, known): &(&Key, &Known)| !known.seen && !self.kept.contains(&VariantId::new(&*key.1));
        self.known.iter().filter(is_missing).map(|(key, _)| key)
    }

    /// The item of a listing, all but its place, and the digest of that.
    fn item(&self, listing: &Listing) -> Result<(Item, Digest), StoreError> {
        let variant = &listing.variant;
        let pk = partition(&self.marketplace, &variant.product);
        let mut item = document(&self.table.name, pk, variant.variant.as_str(), variant)?;
        item.insert("url".to_owned(), string(scoped(&self.marketplace, &listing.url)));
        if let Some(choice) = &listing.choice {
            item.insert("choice".to_owned(), string(choice));
        }
        if let Some(gtin) = &variant.gtin {
            item.insert("gtin".to_owned(), string(scoped(&self.marketplace, &gtin14(gtin))));
        }
        let digest = digest_of(&item);
        item.insert("digest".to_owned(), AttributeValue::B(digest.to_vec().into()));
        Ok((item, digest))
    }

    async fn flush(&mut self) -> Result<(), StoreError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let items = std::mem::take(&mut self.batch).into_values().collect();
        self.writing.push(Box::pin(write(self.table.clone(), items)));
        while self.writing.len() >= IN_FLIGHT {
            if let Some(written) = self.writing.next().await {
                written?;
            }
        }
        Ok(())
    }
}

/// Names and texts in the order of the names, each with its length before it.
fn digest_of(item: &Item) -> Digest {
    let mut texts: Vec<(&str, &str)> = item
        .iter()
        .filter_map(|(name, value)| {
            let text = value.as_s().or_else(|_| value.as_n()).ok()?;
            Some((name.as_str(), text.as_str()))
        })
        .collect();
    texts.sort_unstable();
    let mut bytes = Vec::new();
    for text in texts.into_iter().flat_map(|(name, text)| [name, text]) {
        bytes.extend_from_slice(&text.len().to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    let mut short = Digest::default();
    short.iter_mut().zip(digest(&SHA256, &bytes).as_ref()).for_each(|(to, from)| *to = *from);
    short
}

/// Writes a batch; what DynamoDB leaves unwritten is sent again after a pause.
async fn write(table: Table, items: Vec<Item>) -> Result<(), StoreError> {
    let put = |item| {
        let put = PutRequest::builder().set_item(Some(item)).build()?;
        Ok(WriteRequest::builder().put_request(put).build())
    };
    let mut requests = items.into_iter().map(put).collect::<Result<Vec<_>, StoreError>>()?;
    let mut pause = FIRST_PAUSE;
    for _ in 0..TRIES {
        let batch = table.client.batch_write_item().request_items(&table.name, requests);
        let output = batch.send().await.map_err(StoreError::request("BatchWriteItem", &table.name))?;
        requests = output.unprocessed_items.unwrap_or_default().remove(&table.name).unwrap_or_default();
        if requests.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    Err(StoreError::Unprocessed { left: requests.len() })
}
