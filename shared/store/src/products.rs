//! Products as the decisions see them: read once and kept for a moment, since a campaign sends many
//! shoppers to the same few.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::ids::{MarketplaceId, ProductId};
use domain::product::Product;
use domain::time::Timestamp;
use tokio::sync::OnceCell;

use crate::catalog::Catalog;
use crate::error::StoreError;

/// A bounded cache before the catalogue. Who asks for the same product at the same time shares one read.
#[derive(Debug)]
pub struct Products {
    catalog: Catalog,
    keep: Duration,
    capacity: usize,
    kept: Mutex<HashMap<(MarketplaceId, ProductId), Arc<Slot>>>,
}

/// A product's place: read by the first who asks.
#[derive(Debug)]
struct Slot {
    until: Timestamp,
    product: OnceCell<Arc<Product>>,
}

/// Why a slot stays empty.
enum Miss {
    Absent,
    Failed(StoreError),
}

impl Products {
    /// Keeps at most `capacity` products, each for `keep`.
    pub fn new(catalog: Catalog, keep: Duration, capacity: usize) -> Self {
        Self { catalog, keep, capacity, kept: Mutex::default() }
    }

    /// A product with its variants; `None` where the catalogue has none. That there is none isn't kept:
    /// an import may be under way.
    ///
    /// # Errors
    /// When the catalogue can't be read.
    pub async fn get(
        &self,
        marketplace: &MarketplaceId,
        product: &ProductId,
        now: Timestamp,
    ) -> Result<Option<Arc<Product>>, StoreError> {
        let slot = self.slot(marketplace, product, now);
        let read = || async {
            let found = self.catalog.product(marketplace, product).await.map_err(Miss::Failed)?;
            found.map(Arc::new).ok_or(Miss::Absent)
        };
        match slot.product.get_or_try_init(read).await {
            Ok(product) => Ok(Some(Arc::clone(product))),
            Err(Miss::Absent) => Ok(None),
            Err(Miss::Failed(error)) => Err(error),
        }
    }

    /// The product's slot; one that isn't kept when there is no room.
    fn slot(&self, marketplace: &MarketplaceId, product: &ProductId, now: Timestamp) -> Arc<Slot> {
        let key = (marketplace.clone(), product.clone());
        // Nothing that holds the lock can leave the map half changed, so a panic elsewhere does no harm.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = kept.get(&key).filter(|slot| now < slot.until) {
            return Arc::clone(slot);
        }
        let slot = Arc::new(Slot { until: now.plus(self.keep), product: OnceCell::new() });
        if kept.len() >= self.capacity {
            kept.retain(|_, slot| now < slot.until);
        }
        if kept.len() < self.capacity {
            kept.insert(key, Arc::clone(&slot));
        }
        slot
    }
}
