//! From a feed into the catalogue.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::io::Read;
use std::path::Path;

use anyhow::Context as _;
use domain::ids::{ProductId, VariantId};
use domain::product::{Listing, PriceExposure};
use domain::storefront::Marketplace;
use lambda::clock::Clock;
use shops::feed::{Feed, FeedError, RejectedRow, Row};
use store::catalog::{Catalog, Change, Import, Imported, Vanished};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How many rows wait between the thread that reads the feed and what writes the table.
const ROWS: usize = 256;

/// What is to be done with a feed.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// Who sells its products.
    pub marketplace: &'a Marketplace,
    /// Where prices may be shown of products that don't say it themselves.
    pub default_exposure: PriceExposure,
    /// Writes nothing.
    pub dry_run: bool,
    /// Lets products vanish even if it is more than half of them.
    pub force: bool,
    /// How many rows may be rejected; any number when absent.
    pub max_rejected: Option<u64>,
}

/// What came of a feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Variants that were not in the catalogue.
    pub new: u64,
    /// Variants that differ from what was there.
    pub changed: u64,
    /// Variants that are there just like that.
    pub unchanged: u64,
    /// Variants that went out of stock because the feed doesn't list them any more.
    pub vanished: u64,
    /// Rows that can't be imported.
    pub rejected: u64,
    /// Variants whose canonical link another product has too.
    pub shared_links: u64,
    /// Two products that share a link.
    pub shared_link: Option<(ProductId, ProductId)>,
    /// Why the import should be looked at; nothing has vanished then.
    pub caution: Option<Caution>,
}

impl Summary {
    /// How many rows were read.
    pub fn rows(&self) -> u64 {
        self.accepted() + self.rejected
    }

    /// How many rows are products.
    pub fn accepted(&self) -> u64 {
        self.new + self.changed + self.unchanged
    }
}

/// Why an import was not brought to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Caution {
    /// No row can be imported.
    #[error("the feed holds no product that can be imported; nothing was changed")]
    Nothing,
    /// More rows were rejected than may be.
    #[error(
        "{rejected} rows were rejected, more than the {allowed} that may be; no product went out of stock"
    )]
    TooManyRejected {
        /// How many were.
        rejected: u64,
        /// How many may be.
        allowed: u64,
    },
    /// Most of the catalogue is missing from the feed.
    #[error(
        "{missing} of {listed} products are missing from this feed: that looks like a broken feed, so they \
         stay as they are. If they are gone for good, run it again with --force"
    )]
    MostVanished {
        /// How many are missing.
        missing: u64,
        /// How many were listed before.
        listed: u64,
    },
}

/// Reads `feed` to its end and writes what differs into `catalog`; without one it only reads. `watch`
/// sees the sum after each row, and the row if it was rejected.
///
/// Memory doesn't grow with the feed but for the ids of its rows.
///
/// # Errors
/// When the feed can't be read to its end (what came before is written, nothing has vanished), the
/// catalogue can't be read or written, or `watch` fails.
pub async fn import(
    catalog: Option<&Catalog>,
    feed: impl Read + Send + 'static,
    job: &Job<'_>,
    mut watch: impl FnMut(&Summary, Option<&RejectedRow>) -> anyhow::Result<()>,
) -> anyhow::Result<Summary> {
    let mut import = match catalog {
        Some(catalog) => {
            let begun = catalog.import(&job.marketplace.id, job.dry_run).await;
            Some(begun.context("the catalogue can't be read")?)
        }
        None => None,
    };
    let mut summary = Summary::default();
    let mut links = Links::default();
    let mut rows = read(feed, job);
    while let Some(row) = rows.recv().await {
        match row? {
            Row::Accepted(listing) => {
                links.look_at(&listing, &mut summary);
                count(&mut summary, put(import.as_mut(), &listing).await?);
                watch(&summary, None)?;
            }
            Row::Rejected(row) => {
                summary.rejected += 1;
                if let (Some(import), Some(id)) = (import.as_mut(), &row.id) {
                    import.keep(VariantId::new(id));
                }
                watch(&summary, Some(&row))?;
            }
        }
    }
    finish(import, job, &mut summary).await?;
    if let (Some(catalog), None, false) = (catalog, &summary.caution, job.dry_run) {
        let (variants, rejected) = (summary.accepted(), summary.rejected);
        let imported = Imported { at: Clock::system().now(), variants, rejected };
        catalog
            .note_imported(&job.marketplace.id, &imported)
            .await
            .context("the catalogue can't be written")?;
    }
    Ok(summary)
}

/// Imports a feed that is a file, without asking twice: what the local stack does with its
/// demonstration.
///
/// # Errors
/// As [`import`] does.
pub async fn import_file(
    catalog: &Catalog,
    marketplace: &Marketplace,
    default_exposure: PriceExposure,
    path: &Path,
) -> anyhow::Result<Summary> {
    let context = || format!("the feed {} can't be imported", path.display());
    let file = std::fs::File::open(path).with_context(context)?;
    let job = Job { marketplace, default_exposure, dry_run: false, force: true, max_rejected: None };
    import(Some(catalog), file, &job, |_, _| Ok(())).await.with_context(context)
}

/// Reads the feed on a thread of its own, which may wait for a disk or a download.
fn read(feed: impl Read + Send + 'static, job: &Job<'_>) -> Receiver<Result<Row, FeedError>> {
    let (sender, receiver) = channel(ROWS);
    let (marketplace, exposure) = (job.marketplace.clone(), job.default_exposure);
    tokio::task::spawn_blocking(move || match Feed::open(feed, &marketplace, exposure) {
        Ok(rows) => send_all(rows, &sender),
        Err(error) => send_all(std::iter::once(Err(error)), &sender),
    });
    receiver
}

fn send_all(rows: impl Iterator<Item = Result<Row, FeedError>>, sender: &Sender<Result<Row, FeedError>>) {
    for row in rows {
        if sender.blocking_send(row).is_err() {
            return; // nobody reads on
        }
    }
}

async fn put(import: Option<&mut Import>, listing: &Listing) -> anyhow::Result<Change> {
    match import {
        Some(import) => import.put(listing).await.context("the catalogue can't be written"),
        None => Ok(Change::New),
    }
}

fn count(summary: &mut Summary, change: Change) {
    match change {
        Change::New => summary.new += 1,
        Change::Changed => summary.changed += 1,
        Change::Unchanged => summary.unchanged += 1,
    }
}

/// Ends the import: what is missing vanishes, unless there is cause for caution.
async fn finish(import: Option<Import>, job: &Job<'_>, summary: &mut Summary) -> anyhow::Result<()> {
    let vanished = match import {
        Some(mut import) => {
            let vanished = import.settle().await.context("the catalogue can't be written")?;
            summary.caution = caution(job, summary, vanished);
            if summary.caution.is_none() {
                import.mark_vanished().await.context("the catalogue can't be written")?;
            }
            vanished
        }
        None => {
            let nothing = Vanished { missing: 0, listed: 0 };
            summary.caution = caution(job, summary, nothing);
            nothing
        }
    };
    if summary.caution.is_none() {
        summary.vanished = vanished.missing;
    }
    Ok(())
}

fn caution(job: &Job<'_>, summary: &Summary, vanished: Vanished) -> Option<Caution> {
    let Vanished { missing, listed } = vanished;
    match job.max_rejected {
        _ if summary.accepted() == 0 => Some(Caution::Nothing),
        Some(allowed) if summary.rejected > allowed => {
            Some(Caution::TooManyRejected { rejected: summary.rejected, allowed })
        }
        _ if vanished.is_suspicious() && !job.force => Some(Caution::MostVanished { missing, listed }),
        _ => None,
    }
}

/// Which product has which canonical link, as hashes: the first of each.
#[derive(Default)]
struct Links {
    hash: RandomState,
    products: HashMap<u64, ProductId>,
}

impl Links {
    fn look_at(&mut self, listing: &Listing, summary: &mut Summary) {
        let product = &listing.variant.product;
        let first = self.products.entry(self.hash.hash_one(&listing.url)).or_insert_with(|| product.clone());
        if first != product {
            summary.shared_links += 1;
            summary.shared_link.get_or_insert_with(|| (first.clone(), product.clone()));
        }
    }
}
