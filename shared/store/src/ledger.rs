//! The table `ledger`: what each day's posts led to, and who gets the credit.
//!
//! pk `<marketplace>#<day>` (UTC), sk `<command key>#<event>`: one row for each event of a command,
//! written as often as the command comes.

use aws_sdk_dynamodb::Client;
use domain::command::{CommandKey, Source};
use domain::ids::{MarketplaceId, ProductId};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::item::{Item, Reader, document};
use crate::table::Table;

/// The table `ledger`.
#[derive(Clone, Debug)]
pub struct Ledger {
    pub(crate) table: Table,
}

/// What a post led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// It asked for something.
    Seen,
    /// A product went into a cart.
    Added,
    /// A cart was handed over to the shop.
    Checkout,
    /// It was bought.
    Purchased,
}

impl Event {
    fn name(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Added => "added",
            Self::Checkout => "checkout",
            Self::Purchased => "purchased",
        }
    }
}

/// One event. It names no customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Where.
    pub marketplace: MarketplaceId,
    /// What.
    pub event: Event,
    /// The command that led to it.
    pub key: CommandKey,
    /// When.
    pub at: Timestamp,
    /// The product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<ProductId>,
    /// Who gets the credit.
    #[serde(default)]
    pub source: Source,
    /// How many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
}

impl Row {
    /// The row as an item of `table`.
    pub(crate) fn item(&self, table: &str) -> Result<Item, StoreError> {
        let (pk, sk) =
            (day_key(&self.marketplace, &day(self.at)), format!("{}#{}", self.key, self.event.name()));
        document(table, pk, sk, self)
    }
}

impl Ledger {
    /// The table `table`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { table: Table::new(client, table) }
    }

    /// Writes a row; the same event again is the same row.
    ///
    /// # Errors
    /// When the table can't be written.
    pub async fn record(&self, row: &Row) -> Result<(), StoreError> {
        self.table.put(row.item(&self.table.name)?).await
    }

    /// All rows of a day (`2026-11-21`, UTC).
    ///
    /// # Errors
    /// When the table can't be read or holds what can't be decoded.
    pub async fn day(&self, marketplace: &MarketplaceId, day: &str) -> Result<Vec<Row>, StoreError> {
        let items = self.table.query(&day_key(marketplace, day), None).await?;
        items.iter().map(|item| Reader::new(&self.table.name, item)?.body()).collect()
    }
}

/// The UTC day of a moment, `2026-11-21`.
pub fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

fn day_key(marketplace: &MarketplaceId, day: &str) -> String {
    format!("{marketplace}#{day}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_utc() {
        let late = Timestamp::parse_rfc3339("2026-11-21T23:30:00-05:00").unwrap();
        assert_eq!(day(late), "2026-11-22");
    }
}
