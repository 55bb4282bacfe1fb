//! Products as the decisions see them: read once and kept for a moment, since a campaign sends many
//! shoppers to the same few.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::ids::{MarketplaceId, ProductId};
use domain::product::Product;
use domain::time::Timestamp;

use crate::catalog::Catalog;
use crate::error::StoreError;

/// A bounded cache before the catalogue.
#[derive(Debug)]
pub struct Products {
    catalog: Catalog,
    keep: Duration,
    capacity: usize,
    kept: Mutex<HashMap<(MarketplaceId, ProductId), Kept>>,
}

#[derive(Debug)]
struct Kept {
    until: Timestamp,
    product: Arc<Product>,
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
        let key = (marketplace.clone(), product.clone());
        if let Some(kept) = self.lock().get(&key).filter(|kept| now < kept.until) {
            return Ok(Some(Arc::clone(&kept.product)));
        }
        let Some(product) = self.catalog.product(marketplace, product).await?.map(Arc::new) else {
            return Ok(None);
        };
        let mut kept = self.lock();
        if kept.len() >= self.capacity {
            kept.retain(|_, kept| now < kept.until);
        }
        if kept.len() < self.capacity {
            kept.insert(key, Kept { until: now.plus(self.keep), product: Arc::clone(&product) });
        }
        Ok(Some(product))
    }

    /// Nothing that holds the lock can leave the map half changed, so a panic elsewhere does no harm.
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(MarketplaceId, ProductId), Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
