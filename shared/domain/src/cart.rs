//! The cart: a pure fold over the entries that were decided.
//!
//! Each command that reaches a customer is decided once into an [`Entry`] and written once. What is
//! in the cart follows from the set of entries alone, taken in the order of their stamps, so commands
//! may arrive twice, late or in any order and every order ends in the same cart.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::command::{CommandKey, Source, Stamp};
use crate::ids::{MarketplaceId, OrderId, ProductId, VariantId};
use crate::outcome::{LineOutcome, ProductBrief};
use crate::post::PostRef;
use crate::time::Timestamp;

/// One buyable thing: the key of a cart line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Item {
    /// Where it is sold.
    pub marketplace: MarketplaceId,
    /// The product.
    pub product: ProductId,
    /// The variant.
    pub variant: VariantId,
}

/// What a decided command does to the cart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect")]
pub enum Effect {
    /// Nothing: a refusal, a question, a choice still open.
    None,
    /// At least one when no quantity is given, exactly that many otherwise.
    Add {
        /// What.
        item: Item,
        /// How many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quantity: Option<u32>,
    },
    /// None of it: every variant of the product where none is named.
    Remove {
        /// Where it is sold.
        marketplace: MarketplaceId,
        /// The product.
        product: ProductId,
        /// The variant; all when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        variant: Option<VariantId>,
    },
    /// Onto the wish list.
    Wish {
        /// What.
        item: Item,
    },
    /// Off the wish list: every variant of the product.
    Unwish {
        /// Where it is sold.
        marketplace: MarketplaceId,
        /// The product.
        product: ProductId,
    },
    /// Bought: that many less.
    Purchase {
        /// The order.
        order: OrderId,
        /// What.
        item: Item,
        /// How many.
        quantity: u32,
    },
    /// All entries of this post count no more, wherever they stand.
    Erase {
        /// The deleted post.
        post: PostRef,
    },
}

/// A decided command, as it is written once into the table `carts`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The command.
    pub key: CommandKey,
    /// Its place in the order of the shopper's deeds.
    pub stamp: Stamp,
    /// What it does to the cart.
    #[serde(flatten)]
    pub effect: Effect,
    /// What the shopper was told.
    pub told: LineOutcome,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// Where the shopper found the product.
    #[serde(default)]
    pub source: Source,
}

/// The state of one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartLine {
    /// The item.
    #[serde(flatten)]
    pub item: Item,
    /// How many are in the cart; 0 when it is only on the wish list.
    pub quantity: u32,
    /// Whether it is on the wish list.
    #[serde(default)]
    pub wished: bool,
    /// What the last command that named it knew of the product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brief: Option<ProductBrief>,
    /// The stamp of the last command that touched it.
    pub stamp: Stamp,
    /// Where the shopper found it.
    #[serde(default)]
    pub source: Source,
}

/// What all entries up to a horizon fold to: keeps old carts short.
///
/// Entries stamped at or before the horizon count no more beside it: a command that would be stamped
/// there is refused as too old, and a later deletion of a post from before it changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// Everything stamped up to here is in `lines`.
    pub horizon: Stamp,
    /// The lines then.
    pub lines: Vec<CartLine>,
}

/// A new base and what it makes superfluous.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compaction {
    /// The new base.
    pub base: Base,
    /// The entries that may be deleted once the base is written: [`Cart::fold`] over the new base and
    /// the others gives the same cart.
    pub settled: Vec<CommandKey>,
}

/// A customer's cart and wish list over all marketplaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cart {
    /// Only what is in the cart or on the wish list: a line that is neither leaves no trace, so that
    /// a cart folded from a base equals the one folded from everything.
    lines: BTreeMap<Item, CartLine>,
}

impl Cart {
    /// Folds entries, in whatever order and however often each comes, on top of `base`.
    pub fn fold<'a>(base: Option<&Base>, entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut ordered: BTreeMap<&Stamp, &Entry> = BTreeMap::new();
        let mut erased: BTreeSet<&PostRef> = BTreeSet::new();
        for entry in entries {
            if let Effect::Erase { post } = &entry.effect {
                erased.insert(post);
            }
            if base.is_none_or(|base| entry.stamp > base.horizon) {
                ordered.insert(&entry.stamp, entry);
            }
        }
        let mut cart = Self::default();
        for line in base.iter().flat_map(|base| &base.lines) {
            cart.lines.insert(line.item.clone(), line.clone());
        }
        for entry in ordered.into_values() {
            if !erased.contains(&entry.key.post_ref()) {
                cart.apply(entry);
            }
        }
        cart
    }

    fn apply(&mut self, entry: &Entry) {
        match &entry.effect {
            Effect::None | Effect::Erase { .. } => return,
            Effect::Add { item, quantity } => {
                let line = self.touch(item, entry);
                line.quantity = quantity.unwrap_or_else(|| line.quantity.max(1));
            }
            Effect::Remove { marketplace, product, variant } => {
                let named = |item: &Item| variant.as_ref().is_none_or(|v| *v == item.variant);
                for line in self.lines.values_mut().filter(|line| {
                    line.item.marketplace == *marketplace && line.item.product == *product && named(&line.item)
                }) {
                    line.quantity = 0;
                    line.stamp = entry.stamp.clone();
                }
            }
            Effect::Wish { item } => self.touch(item, entry).wished = true,
            Effect::Unwish { marketplace, product } => {
                for line in self.lines.values_mut() {
                    if line.item.marketplace == *marketplace && line.item.product == *product {
                        line.wished = false;
                        line.stamp = entry.stamp.clone();
                    }
                }
            }
            Effect::Purchase { item, quantity, .. } => {
                if let Some(line) = self.lines.get_mut(item) {
                    line.quantity = line.quantity.saturating_sub(*quantity);
                    line.stamp = entry.stamp.clone();
                }
            }
        }
        self.lines.retain(|_, line| line.quantity > 0 || line.wished);
    }

    fn touch(&mut self, item: &Item, entry: &Entry) -> &mut CartLine {
        let line = self.lines.entry(item.clone()).or_insert_with(|| CartLine {
            item: item.clone(),
            quantity: 0,
            wished: false,
            brief: None,
            stamp: entry.stamp.clone(),
            source: entry.source.clone(),
        });
        line.stamp = entry.stamp.clone();
        line.source = entry.source.clone();
        if entry.told.product.is_some() {
            line.brief.clone_from(&entry.told.product);
        }
        line
    }

    /// What is in the cart, by marketplace, product and variant.
    pub fn in_cart(&self) -> impl Iterator<Item = &CartLine> {
        self.lines.values().filter(|line| line.quantity > 0)
    }

    /// What is on the wish list.
    pub fn wished(&self) -> impl Iterator<Item = &CartLine> {
        self.lines.values().filter(|line| line.wished)
    }

    /// Every variant of a product that is in the cart or on the wish list.
    pub fn of_product<'a>(
        &'a self,
        marketplace: &'a MarketplaceId,
        product: &'a ProductId,
    ) -> impl Iterator<Item = &'a CartLine> {
        self.lines
            .values()
            .filter(move |line| line.item.marketplace == *marketplace && line.item.product == *product)
    }

    /// How many of `item` are in the cart.
    pub fn quantity(&self, item: &Item) -> u32 {
        self.lines.get(item).map_or(0, |line| line.quantity)
    }

    /// Whether `item` is on the wish list.
    pub fn is_wished(&self, item: &Item) -> bool {
        self.lines.get(item).is_some_and(|line| line.wished)
    }

    /// Folds what is stamped up to `horizon` into a new base.
    ///
    /// A deletion of a newer post stays an entry, however old it is itself: the post's other lines
    /// may still come. The base's horizon never goes back.
    pub fn compact<'a>(
        base: Option<&Base>,
        entries: impl IntoIterator<Item = &'a Entry>,
        horizon: Stamp,
    ) -> Compaction {
        let entries: Vec<&Entry> = entries.into_iter().collect();
        let horizon = base.map_or(&horizon, |base| base.horizon.max_of(&horizon)).clone();
        let (old, newer): (Vec<&Entry>, Vec<&Entry>) =
            entries.into_iter().partition(|entry| entry.stamp <= horizon);
        let newer_erasures = newer.iter().filter(|entry| matches!(entry.effect, Effect::Erase { .. }));
        let cart = Self::fold(base, old.iter().chain(newer_erasures).copied());
        let newer_posts: BTreeSet<PostRef> = newer.iter().map(|entry| entry.key.post_ref()).collect();
        let still_needed =
            |entry: &Entry| matches!(&entry.effect, Effect::Erase { post } if newer_posts.contains(post));
        let settled =
            old.into_iter().filter(|entry| !still_needed(entry)).map(|entry| entry.key.clone()).collect();
        Compaction { base: Base { horizon, lines: cart.lines.into_values().collect() }, settled }
    }
}
