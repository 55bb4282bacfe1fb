//! How every line of every post ends.

use serde::{Deserialize, Serialize};

use crate::ids::{CustomerId, MarketplaceId, VariantId};
use crate::money::Money;
use crate::post::PostHead;
use crate::product::{PriceExposure, ProductRef, Variant};
use crate::time::Timestamp;

/// The named end of one line. One exhaustive enum: each has a reply, a mail, a metric and a test, so
/// nothing is ever silently capped, guessed or dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome")]
pub enum Outcome {
    /// Now in the cart.
    Added {
        /// How many of it the cart holds now.
        quantity: u32,
    },
    /// Was in the cart with another quantity.
    QuantityChanged {
        /// How many there were.
        from: u32,
        /// How many there are now.
        to: u32,
    },
    /// Was in the cart as asked already.
    AlreadyInCart {
        /// How many there are.
        quantity: u32,
    },
    /// In the cart, to be sent when it comes out.
    Preordered {
        /// How many of it the cart holds now.
        quantity: u32,
        /// When it comes out, where known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        available_on: Option<Timestamp>,
    },
    /// No longer in the cart (or on the wish list).
    Removed,
    /// Was not in the cart: nothing to remove.
    NotInCart,
    /// On the wish list.
    Wished,
    /// A later deed of the shopper's had already settled this product; this one came late.
    Superseded,
    /// Can't be bought now.
    OutOfStock,
    /// A limited deal: bought at the shop only.
    DealExcluded,
    /// A download: bought at the shop only.
    DigitalExcluded,
    /// May not be ordered by a post.
    Restricted,
    /// The product is sold by another marketplace of the storefront.
    WrongMarketplace {
        /// The right one.
        right: MarketplaceId,
    },
    /// Several variants (or several products of the parent post) fit: the shopper is to choose.
    ChooseOption {
        /// What fits, in the feed's order.
        candidates: Vec<Candidate>,
    },
    /// In the cart with fewer than asked.
    QuantityCapped {
        /// How many were asked for.
        asked: u32,
        /// How many the cart holds now.
        got: u32,
    },
    /// The link is the shop's, the product is not in the catalogue.
    UnknownProduct,
    /// Neither the post nor its parent shows a product link.
    NoProductLink,
    /// The parent post can't be read: deleted, protected or unknown.
    ParentUnavailable,
    /// The cart holds as many lines as it may.
    CartFull,
    /// The post is older than the acceptance window.
    TooOld,
    /// The account is not linked: kept for 30 days and done when it is.
    NotLinked,
    /// Too many commands in a short time.
    RateLimited,
    /// The account is on the operator's block list.
    Blocked,
    /// Help was asked for.
    Helped,
    /// No answers from now on.
    Stopped,
    /// Answers again from now on.
    Started,
    /// Bought at the shop.
    Purchased {
        /// How many.
        quantity: u32,
    },
    /// The post was deleted; what it asked for counts no more.
    Erased,
}

impl Outcome {
    /// The outcome's name, as logs, metrics and pages write it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Added { .. } => "Added",
            Self::QuantityChanged { .. } => "QuantityChanged",
            Self::AlreadyInCart { .. } => "AlreadyInCart",
            Self::Preordered { .. } => "Preordered",
            Self::Removed => "Removed",
            Self::NotInCart => "NotInCart",
            Self::Wished => "Wished",
            Self::Superseded => "Superseded",
            Self::OutOfStock => "OutOfStock",
            Self::DealExcluded => "DealExcluded",
            Self::DigitalExcluded => "DigitalExcluded",
            Self::Restricted => "Restricted",
            Self::WrongMarketplace { .. } => "WrongMarketplace",
            Self::ChooseOption { .. } => "ChooseOption",
            Self::QuantityCapped { .. } => "QuantityCapped",
            Self::UnknownProduct => "UnknownProduct",
            Self::NoProductLink => "NoProductLink",
            Self::ParentUnavailable => "ParentUnavailable",
            Self::CartFull => "CartFull",
            Self::TooOld => "TooOld",
            Self::NotLinked => "NotLinked",
            Self::RateLimited => "RateLimited",
            Self::Blocked => "Blocked",
            Self::Helped => "Helped",
            Self::Stopped => "Stopped",
            Self::Started => "Started",
            Self::Purchased { .. } => "Purchased",
            Self::Erased => "Erased",
        }
    }
}

/// One of several things that fit what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The product, with its variant where variants are the choice.
    pub product: ProductRef,
    /// Its title.
    pub title: String,
    /// Its choices in one line; empty where products are the choice.
    #[serde(default)]
    pub options: String,
}

/// What a notice or a page shows of a product, as it was at the decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductBrief {
    /// The product and, once chosen, its variant.
    #[serde(flatten)]
    pub product: ProductRef,
    /// Its title.
    pub title: String,
    /// Its choices in one line; empty for a product without options.
    #[serde(default)]
    pub options: String,
    /// Its page at the shop.
    pub link: String,
    /// Its picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_link: Option<String>,
    /// The price then.
    pub price: Money,
    /// Where the price may be shown.
    #[serde(default)]
    pub price_exposure: PriceExposure,
    /// Not to be named in public.
    #[serde(default)]
    pub sensitive: bool,
}

impl ProductBrief {
    /// What to show of `variant` at `now`. `chosen` says whether the variant itself is meant or only
    /// stands for its product.
    pub fn of(variant: &Variant, chosen: bool, now: Timestamp) -> Self {
        Self {
            product: ProductRef {
                marketplace: variant.marketplace.clone(),
                product: variant.product.clone(),
                variant: chosen.then(|| variant.variant.clone()),
            },
            title: variant.title.clone(),
            options: if chosen { variant.options_label() } else { String::new() },
            link: variant.link.clone(),
            image_link: variant.image_link.clone(),
            price: variant.price_at(now),
            price_exposure: variant.price_exposure,
            sensitive: variant.sensitive,
        }
    }

    /// The chosen variant.
    pub fn variant(&self) -> Option<&VariantId> {
        self.product.variant.as_ref()
    }
}

/// How one line of a post ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineOutcome {
    /// The line, from 1.
    pub line: u16,
    /// The marketplace of the line's tag.
    pub marketplace: MarketplaceId,
    /// The product, where one was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<ProductBrief>,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// How all lines of one step of a post ended: one message on the queue `outcomes`, one reply, one
/// mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostOutcomes {
    /// The post that is answered.
    pub post: PostHead,
    /// The customer, when the account is linked. Their address is read when the mail is written: it
    /// travels on no queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerId>,
    /// The step of the post that this answers.
    #[serde(default)]
    pub step: u16,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// The lines, in order.
    pub lines: Vec<LineOutcome>,
}
