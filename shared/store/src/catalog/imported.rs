//! When a marketplace's feed was last taken in, and whether there is anything.

use domain::ids::MarketplaceId;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::Catalog;
use crate::error::StoreError;
use crate::item::{Reader, document};

/// The partition of what is known of imports. No marketplace's: theirs hold a `#`.
const IMPORTED: &str = "imported";

/// An import that came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// When.
    pub at: Timestamp,
    /// How many variants the feed listed.
    pub variants: u64,
    /// How many of its rows were rejected.
    pub rejected: u64,
}

impl Catalog {
    /// Notes that a marketplace's feed was taken in to its end.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn note_imported(
        &self,
        marketplace: &MarketplaceId,
        imported: &Imported,
    ) -> Result<(), StoreError> {
        self.table.put(document(&self.table.name, IMPORTED, marketplace.as_str(), imported)?).await
    }

    /// The last import that came to its end; `None` where there was none since releases note it.
    ///
    /// # Errors
    /// When the table can't be read or the note can't be decoded.
    pub async fn imported(&self, marketplace: &MarketplaceId) -> Result<Option<Imported>, StoreError> {
        let item = self.table.get(IMPORTED, marketplace.as_str()).await?;
        item.map(|item| Reader::new(&self.table.name, &item)?.body()).transpose()
    }

    /// Whether a marketplace has any product. Reads the table until it finds one: for the operator's
    /// tools only.
    ///
    /// # Errors
    /// When the table can't be read.
    pub async fn has_products(&self, marketplace: &MarketplaceId) -> Result<bool, StoreError> {
        let mut start = None;
        loop {
            let page = self.scan(marketplace, Some("pk"), start).await?;
            if !page.items.is_empty() {
                return Ok(true);
            }
            start = page.next;
            if start.is_none() {
                return Ok(false);
            }
        }
    }
}
