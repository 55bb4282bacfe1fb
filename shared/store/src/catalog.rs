//! The table `catalog`: products by marketplace and id, one item for each variant.

use aws_sdk_dynamodb::Client;
use domain::ids::{MarketplaceId, ProductId};
use domain::product::{Product, Variant};

use crate::error::StoreError;
use crate::item::Reader;
use crate::table::Table;

/// The table `catalog`.
#[derive(Clone, Debug)]
pub struct Catalog {
    table: Table,
}

impl Catalog {
    /// The table `table`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { table: Table::new(client, table) }
    }

    /// A product with its variants; `None` where there is none.
    ///
    /// # Errors
    /// When the table can't be read or holds what can't be decoded.
    pub async fn product(
        &self,
        marketplace: &MarketplaceId,
        product: &ProductId,
    ) -> Result<Option<Product>, StoreError> {
        let items = self.table.query(&format!("{marketplace}#{product}"), None).await?;
        let variants: Result<Vec<Variant>, _> =
            items.iter().map(|item| Reader::new(&self.table.name, item)?.body()).collect();
        Ok(Product::new(variants?))
    }
}
