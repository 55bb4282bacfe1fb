//! The table `catalog`: products by marketplace and id, one item for each variant.
//!
//! | attribute | what |
//! |---|---|
//! | `pk`, `sk` | `<marketplace>#<product>`, the variant |
//! | `body` | the variant as JSON |
//! | `url` | `<marketplace>#<canonical link>`: the key of the index `by_url` |
//! | `choice` | what in the link chooses the variant; absent when the link means the product |
//! | `gtin` | `<marketplace>#<GTIN of 14 digits>`: the key of the index `by_gtin` |
//! | `place` | the row of the feed, which orders a product's variants |
//! | `digest` | of all of the above but `place`: an import writes only what differs |
//! | `vanished` | the feed doesn't list it any more: out of stock, whatever `body` says |
//!
//! Beside them stands one item for each marketplace under the `pk` `imported`: when its feed was last taken in.

mod import;
mod imported;

use std::collections::BTreeSet;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::ids::{MarketplaceId, ProductId, VariantId};
use domain::product::{Availability, Product, ProductRef, Variant};

pub use import::{Change, Import, Vanished};
pub use imported::Imported;

use crate::error::StoreError;
use crate::item::{Item, Reader, partition_key, sort_key, string};
use crate::table::Table;

const BY_URL: &str = "by_url";
const BY_GTIN: &str = "by_gtin";
/// How many variants under one link are looked at. A link that more have doesn't tell products apart.
const MOST_UNDER_ONE_LINK: i32 = 250;

/// The table `catalog`.
#[derive(Clone, Debug)]
pub struct Catalog {
    table: Table,
}

/// What a link of a post stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The product, and its variant when the link names one.
    pub product: ProductRef,
    /// Its title.
    pub title: String,
}

impl Catalog {
    /// The table `table`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { table: Table::new(client, table) }
    }

    /// A product with its variants in the feed's order; `None` where there is none.
    ///
    /// # Errors
    /// When the table can't be read or holds what can't be decoded.
    pub async fn product(
        &self,
        marketplace: &MarketplaceId,
        product: &ProductId,
    ) -> Result<Option<Product>, StoreError> {
        let items = self.table.query(&partition(marketplace, product), None).await?;
        Ok(Product::new(self.rows(&items)?.into_iter().map(|row| row.variant).collect()))
    }

    /// The product that a canonical link shows, and the variant when the link chooses one: by
    /// `choice`, or because the link is one variant's alone.
    ///
    /// `None` where no product has the link, and where several have: that is never guessed. What the
    /// feed lists beats what has vanished from it.
    ///
    /// # Errors
    /// When the index can't be read or holds what can't be decoded.
    pub async fn find(
        &self,
        marketplace: &MarketplaceId,
        url: &str,
        choice: Option<&str>,
    ) -> Result<Option<Found>, StoreError> {
        let request = self
            .table
            .client
            .query()
            .table_name(&self.table.name)
            .index_name(BY_URL)
            .key_condition_expression("#url = :url")
            .expression_attribute_names("#url", "url")
            .expression_attribute_values(":url", string(scoped(marketplace, url)))
            .limit(MOST_UNDER_ONE_LINK);
        let output = request.send().await.map_err(StoreError::request("Query", &self.table.name))?;
        let rows = self.rows(&output.items.unwrap_or_default())?;
        let found = chosen(rows, choice);
        if found.is_err() {
            tracing::warn!(marketplace = %marketplace, "several products have one canonical link");
        }
        Ok(found.unwrap_or_default())
    }

    /// The product of this id as a post means it: all of its variants.
    ///
    /// # Errors
    /// When the table can't be read or holds what can't be decoded.
    pub async fn find_by_id(
        &self,
        marketplace: &MarketplaceId,
        product: &ProductId,
    ) -> Result<Option<Found>, StoreError> {
        let found = self.product(marketplace, product).await?;
        Ok(found.map(|found| Found {
            product: ProductRef { marketplace: marketplace.clone(), product: product.clone(), variant: None },
            title: found.first().title.clone(),
        }))
    }

    /// The variants that carry a GTIN, however many zeros it is written with.
    ///
    /// # Errors
    /// When the index can't be read.
    pub async fn with_gtin(
        &self,
        marketplace: &MarketplaceId,
        gtin: &str,
    ) -> Result<Vec<ProductRef>, StoreError> {
        let request = self
            .table
            .client
            .query()
            .table_name(&self.table.name)
            .index_name(BY_GTIN)
            .key_condition_expression("gtin = :gtin")
            .expression_attribute_values(":gtin", string(scoped(marketplace, &gtin14(gtin))));
        let output = request.send().await.map_err(StoreError::request("Query", &self.table.name))?;
        let named = |item: &Item| {
            Some(ProductRef {
                marketplace: marketplace.clone(),
                product: ProductId::new(partition_key(item).split_once('#')?.1),
                variant: Some(VariantId::new(sort_key(item))),
            })
        };
        Ok(output.items().iter().filter_map(named).collect())
    }

    /// Everything that a marketplace sells, by product, in the feed's order. Reads the whole table:
    /// for the operator's tools and the local stack only.
    ///
    /// # Errors
    /// When the table can't be read or holds what can't be decoded.
    pub async fn all(&self, marketplace: &MarketplaceId) -> Result<Vec<Product>, StoreError> {
        let mut rows = Vec::new();
        let mut start = None;
        loop {
            let page = self.scan(marketplace, None, start).await?;
            rows.extend(self.rows(&page.items)?);
            start = page.next;
            if start.is_none() {
                break;
            }
        }
        rows.sort_by_key(|row| row.place);
        let mut products: Vec<(ProductId, Vec<Variant>)> = Vec::new();
        for Row { variant, .. } in rows {
            match products.iter_mut().find(|(id, _)| *id == variant.product) {
                Some((_, variants)) => variants.push(variant),
                None => products.push((variant.product.clone(), vec![variant])),
            }
        }
        Ok(products.into_iter().filter_map(|(_, variants)| Product::new(variants)).collect())
    }

    /// One page of a marketplace's items.
    async fn scan(
        &self,
        marketplace: &MarketplaceId,
        projection: Option<&str>,
        start: Option<Item>,
    ) -> Result<Page, StoreError> {
        let request = self
            .table
            .client
            .scan()
            .table_name(&self.table.name)
            .consistent_read(true)
            .filter_expression("begins_with(pk, :marketplace)")
            .expression_attribute_values(":marketplace", string(format!("{marketplace}#")))
            .set_projection_expression(projection.map(str::to_owned))
            .set_exclusive_start_key(start);
        let output = request.send().await.map_err(StoreError::request("Scan", &self.table.name))?;
        let next = output.last_evaluated_key.filter(|key| !key.is_empty());
        Ok(Page { items: output.items.unwrap_or_default(), next })
    }

    fn rows(&self, items: &[Item]) -> Result<Vec<Row>, StoreError> {
        let mut rows: Vec<Row> =
            items.iter().map(|item| Row::read(&self.table.name, item)).collect::<Result<_, _>>()?;
        rows.sort_by_key(|row| row.place);
        Ok(rows)
    }
}

/// A page of a scan.
struct Page {
    items: Vec<Item>,
    next: Option<Item>,
}

/// An item as it is read.
struct Row {
    variant: Variant,
    choice: Option<String>,
    place: u64,
    vanished: bool,
}

impl Row {
    fn read(table: &str, item: &Item) -> Result<Self, StoreError> {
        let reader = Reader::new(table, item)?;
        let mut variant: Variant = reader.body()?;
        let vanished = is_vanished(item);
        if vanished {
            variant.availability = Availability::OutOfStock;
        }
        let choice = reader.optional("choice")?.map(str::to_owned);
        Ok(Self { variant, choice, place: reader.number("place")?, vanished })
    }
}

/// Several products have the same link.
#[derive(Debug)]
struct Ambiguous;

/// What a link with these rows under it stands for.
fn chosen(mut rows: Vec<Row>, choice: Option<&str>) -> Result<Option<Found>, Ambiguous> {
    if rows.iter().any(|row| !row.vanished) {
        rows.retain(|row| !row.vanished);
    }
    // A choice that no variant knows is an old or a foreign parameter: the product as a whole is meant.
    let fits = |row: &Row| choice.is_some_and(|choice| row.is_chosen_by(choice));
    if rows.iter().any(fits) {
        rows.retain(fits);
    }
    let products: BTreeSet<&ProductId> = rows.iter().map(|row| &row.variant.product).collect();
    if products.len() > 1 {
        return Err(Ambiguous);
    }
    let only = rows.len() == 1;
    Ok(rows.into_iter().next().map(|Row { variant, .. }| Found {
        product: ProductRef {
            marketplace: variant.marketplace,
            product: variant.product,
            variant: only.then_some(variant.variant),
        },
        title: variant.title,
    }))
}

impl Row {
    /// Whether a link's choice means this variant: it is the one in the feed's link, or it names the
    /// variant's id.
    fn is_chosen_by(&self, choice: &str) -> bool {
        let value = choice.split_once('=').map(|(_, value)| value);
        self.choice.as_deref() == Some(choice) || value == Some(self.variant.variant.as_str())
    }
}

fn partition(marketplace: &MarketplaceId, product: &ProductId) -> String {
    format!("{marketplace}#{product}")
}

/// A key of an index: links and GTINs count within their marketplace.
fn scoped(marketplace: &MarketplaceId, key: &str) -> String {
    format!("{marketplace}#{key}")
}

/// A GTIN with the zeros that make it 14 digits: a UPC and the EAN of the same number are one.
fn gtin14(gtin: &str) -> String {
    format!("{gtin:0>14}")
}

fn is_vanished(item: &Item) -> bool {
    matches!(item.get("vanished"), Some(AttributeValue::Bool(true)))
}

#[cfg(test)]
mod tests {
    use domain::money::Money;
    use domain::product::PriceExposure;

    use super::*;

    fn row(product: &str, variant: &str, choice: Option<&str>) -> Row {
        let variant = Variant {
            marketplace: "us".into(),
            product: product.into(),
            variant: variant.into(),
            title: format!("The {product}"),
            link: String::new(),
            image_link: None,
            options: vec![],
            availability: Availability::InStock,
            availability_date: None,
            price: Money::parse("1 USD").unwrap(),
            sale: None,
            deal: false,
            digital: false,
            sensitive: false,
            restricted: false,
            price_exposure: PriceExposure::Anywhere,
            max_quantity: None,
            gtin: None,
            brand: None,
        };
        Row { variant, choice: choice.map(str::to_owned), place: 0, vanished: false }
    }

    fn gone(product: &str, variant: &str) -> Row {
        Row { vanished: true, ..row(product, variant, None) }
    }

    fn named(rows: Vec<Row>, choice: Option<&str>) -> Option<(String, Option<String>)> {
        let found = chosen(rows, choice).unwrap()?;
        Some((found.product.product.to_string(), found.product.variant.map(|v| v.to_string())))
    }

    #[test]
    fn a_link_means_a_product_or_the_variant_it_chooses() {
        let tee = || vec![row("tee", "tee-s", Some("variant=1")), row("tee", "tee-m", Some("variant=2"))];
        let whole = Some(("tee".to_owned(), None));
        assert_eq!(named(tee(), None), whole);
        assert_eq!(named(tee(), Some("variant=2")), Some(("tee".into(), Some("tee-m".into()))));
        assert_eq!(named(tee(), Some("variant=tee-s")), Some(("tee".into(), Some("tee-s".into()))));
        assert_eq!(named(tee(), Some("variant=9")), whole);
        assert_eq!(named(vec![row("mug", "mug", None)], None), Some(("mug".into(), Some("mug".into()))));
        assert_eq!(named(vec![], None), None);
    }

    #[test]
    fn what_is_listed_beats_what_has_vanished() {
        let moved = vec![gone("old", "mug"), row("new", "mug", None)];
        assert_eq!(named(moved, None), Some(("new".into(), Some("mug".into()))));
        assert_eq!(named(vec![gone("old", "mug")], None), Some(("old".into(), Some("mug".into()))));
    }

    #[test]
    fn two_products_with_one_link_are_never_guessed() {
        assert!(chosen(vec![row("a", "a", None), row("b", "b", None)], None).is_err());
    }

    #[test]
    fn gtins_of_every_length_are_one() {
        assert_eq!(gtin14("036000291452"), gtin14("0036000291452"));
    }
}
