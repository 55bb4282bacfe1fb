//! Products as a merchant's feed describes them.

use serde::{Deserialize, Serialize};

use crate::ids::{MarketplaceId, ProductId, VariantId};
use crate::money::Money;
use crate::time::Timestamp;

/// Names a product, or one variant of it when a link already chose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProductRef {
    /// Where it is sold.
    pub marketplace: MarketplaceId,
    /// The product.
    pub product: ProductId,
    /// The variant, when the link names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<VariantId>,
}

/// Whether a variant can be bought now (Google Merchant, `availability`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// `in_stock`.
    InStock,
    /// `out_of_stock`; also what has vanished from the feed.
    OutOfStock,
    /// `preorder`: comes out later.
    Preorder,
    /// `backorder`: ordered now, sent when it is back.
    Backorder,
}

/// Where a price may be shown: a minimum-advertised-price (MAP) agreement forbids showing a lower
/// price in advertising, and some also in the cart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceExposure {
    /// In mails and on our pages. Never in a public reply: no price ever is.
    #[default]
    Anywhere,
    /// Only on the cart page.
    Cart,
    /// Only at the shop's checkout.
    Checkout,
}

/// One named choice of a variant: `size` = `M`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OptionValue {
    /// The option: `size`, `color`, `material`, `pattern`, or the feed's own name; lower case.
    pub name: String,
    /// The value as the feed writes it.
    pub value: String,
}

/// A lower price for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sale {
    /// The price.
    pub price: Money,
    /// From when; always when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Until when; for good when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// One buyable variant: a row of the feed, complete in itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// Where it is sold.
    pub marketplace: MarketplaceId,
    /// The product that it is a variant of.
    pub product: ProductId,
    /// The variant.
    pub variant: VariantId,
    /// Its title.
    pub title: String,
    /// Its page at the shop, as the feed gives it.
    pub link: String,
    /// Its picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_link: Option<String>,
    /// Its choices, empty for a product without options.
    #[serde(default)]
    pub options: Vec<OptionValue>,
    /// Whether it can be bought.
    pub availability: Availability,
    /// When a pre-order comes out or a back-order is back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_date: Option<Timestamp>,
    /// The regular price.
    pub price: Money,
    /// A lower price for a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sale: Option<Sale>,
    /// Sold as a limited deal: can't be reserved by a post.
    #[serde(default)]
    pub deal: bool,
    /// Delivered by download: bought at the shop only.
    #[serde(default)]
    pub digital: bool,
    /// Not to be named in public.
    #[serde(default)]
    pub sensitive: bool,
    /// May not be ordered by a post at all (age, law, contract).
    #[serde(default)]
    pub restricted: bool,
    /// Where its price may be shown.
    #[serde(default)]
    pub price_exposure: PriceExposure,
    /// The most of it one cart may hold; the storefront's cap when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_quantity: Option<u32>,
    /// GTIN, digits only, check digit verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gtin: Option<String>,
    /// The brand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
}

impl Variant {
    /// The price at `now`: the sale's inside its window, else the regular one.
    pub fn price_at(&self, now: Timestamp) -> Money {
        self.sale
            .filter(|sale| {
                sale.from.is_none_or(|from| from <= now) && sale.until.is_none_or(|until| now < until)
            })
            .map_or(self.price, |sale| sale.price)
    }

    /// The choices in one line, `M, red`; empty for a product without options.
    pub fn options_label(&self) -> String {
        self.options.iter().map(|o| o.value.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// A variant as the catalogue keeps it: with the canonical link that posts find it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The variant.
    pub variant: Variant,
    /// The canonical form of its link, without what chooses a variant.
    pub url: String,
    /// What in its link chooses the variant (`variant=12`), canonical as well; `None` when the link
    /// means the product as a whole.
    pub choice: Option<String>,
}

/// A product with all of its variants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    first: Variant,
    rest: Vec<Variant>,
}

impl Product {
    /// A product of at least one variant; `None` when there is none.
    pub fn new(variants: Vec<Variant>) -> Option<Self> {
        let mut variants = variants.into_iter();
        let first = variants.next()?;
        Some(Self { first, rest: variants.collect() })
    }

    /// The first variant: its title and picture stand for the product.
    pub fn first(&self) -> &Variant {
        &self.first
    }

    /// All variants, at least one.
    pub fn variants(&self) -> impl Iterator<Item = &Variant> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    /// The variant of this id.
    pub fn variant(&self, id: &VariantId) -> Option<&Variant> {
        self.variants().find(|v| v.variant == *id)
    }
}
