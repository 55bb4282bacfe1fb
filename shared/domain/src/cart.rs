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
                    line.item.marketplace == *marketplace
                        && line.item.product == *product
                        && named(&line.item)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::PostId;
    use crate::outcome::Outcome;

    fn item(product: u8, variant: u8) -> Item {
        Item {
            marketplace: "us".into(),
            product: ProductId::new(product.to_string()),
            variant: VariantId::new(format!("{product}-{variant}")),
        }
    }

    fn post_ref(post: u8) -> PostRef {
        PostRef { network: "x".into(), id: PostId::new(post.to_string()) }
    }

    fn entry(post: u8, step: u16, at: u64, effect: Effect) -> Entry {
        let key = CommandKey { network: "x".into(), post: PostId::new(post.to_string()), line: 1, step };
        Entry {
            stamp: Stamp::new(Timestamp::from_seconds(at), &key),
            key,
            effect,
            told: LineOutcome { line: 1, marketplace: "us".into(), product: None, outcome: Outcome::Removed },
            decided_at: Timestamp::default(),
            source: Source::default(),
        }
    }

    fn effects() -> impl Strategy<Value = Effect> {
        let items = (0..2_u8, 0..2_u8).prop_map(|(product, variant)| item(product, variant));
        prop_oneof![
            1 => Just(Effect::None),
            6 => (items.clone(), proptest::option::of(1..5_u32))
                .prop_map(|(item, quantity)| Effect::Add { item, quantity }),
            3 => (items.clone(), any::<bool>()).prop_map(|(item, one)| Effect::Remove {
                marketplace: item.marketplace,
                product: item.product,
                variant: one.then_some(item.variant),
            }),
            2 => items.clone().prop_map(|item| Effect::Wish { item }),
            1 => items.clone().prop_map(|item| Effect::Unwish {
                marketplace: item.marketplace,
                product: item.product,
            }),
            3 => (items, 1..4_u32)
                .prop_map(|(item, quantity)| Effect::Purchase { order: "o".into(), item, quantity }),
            2 => (0..8_u8).prop_map(|post| Effect::Erase { post: post_ref(post) }),
        ]
    }

    /// Entries as the table can hold them: one for each key.
    fn entries() -> impl Strategy<Value = Vec<Entry>> {
        let keys = (0..8_u8, 0..3_u16);
        proptest::collection::btree_map(keys, (0..10_u64, effects()), 0..14).prop_map(|entries| {
            entries.into_iter().map(|((post, step), (at, effect))| entry(post, step, at, effect)).collect()
        })
    }

    fn with_repetitions() -> impl Strategy<Value = (Vec<Entry>, Vec<Entry>)> {
        entries().prop_flat_map(|entries| {
            let twice: Vec<Entry> = entries.iter().chain(&entries).cloned().collect();
            (Just(entries), Just(twice).prop_shuffle())
        })
    }

    fn horizons() -> impl Strategy<Value = Stamp> {
        (0..11_u64).prop_map(|at| Stamp::horizon(Timestamp::from_seconds(at)))
    }

    fn without(entries: &[Entry], settled: &[CommandKey]) -> Vec<Entry> {
        entries.iter().filter(|entry| !settled.contains(&entry.key)).cloned().collect()
    }

    proptest! {
        #[test]
        fn every_order_and_repetition_folds_to_the_same_cart((entries, shuffled) in with_repetitions()) {
            prop_assert_eq!(Cart::fold(None, &entries), Cart::fold(None, &shuffled));
        }

        #[test]
        fn a_compacted_cart_is_the_same_cart(entries in entries(), horizon in horizons()) {
            let all = Cart::fold(None, &entries);
            let Compaction { base, settled } = Cart::compact(None, &entries, horizon);
            prop_assert_eq!(&Cart::fold(Some(&base), &entries), &all, "base written, nothing deleted yet");
            let rest = without(&entries, &settled);
            prop_assert_eq!(&Cart::fold(Some(&base), &rest), &all, "base written, the settled deleted");
            prop_assert!(settled.len() + rest.len() == entries.len());
        }

        #[test]
        fn compacting_again_and_again_is_compacting_once(
            entries in entries(),
            first in horizons(),
            second in horizons(),
        ) {
            let all = Cart::fold(None, &entries);
            let one = Cart::compact(None, &entries, first.clone());
            let rest = without(&entries, &one.settled);
            let two = Cart::compact(Some(&one.base), &rest, second);
            prop_assert!(two.base.horizon >= first, "a horizon never goes back");
            prop_assert_eq!(&Cart::fold(Some(&two.base), &rest), &all, "nothing deleted yet");
            prop_assert_eq!(&Cart::fold(Some(&two.base), &without(&rest, &two.settled)), &all);
        }

        /// What comes after a compaction is newer than its horizon, and a deletion is of a newer post.
        #[test]
        fn what_comes_later_finds_the_same_cart(
            entries in entries(),
            later in entries(),
            horizon in horizons(),
        ) {
            let known: BTreeSet<&CommandKey> = entries.iter().map(|entry| &entry.key).collect();
            let posts_with_a_past: BTreeSet<PostRef> =
                entries.iter().filter(|e| e.stamp <= horizon).map(|e| e.key.post_ref()).collect();
            let erased_in_the_past: BTreeSet<PostRef> = entries
                .iter()
                .filter_map(|entry| match &entry.effect {
                    Effect::Erase { post } if entry.stamp <= horizon => Some(post.clone()),
                    _ => None,
                })
                .collect();
            let may_come = |entry: &&Entry| {
                let of_the_past = matches!(&entry.effect, Effect::Erase { post } if posts_with_a_past.contains(post));
                entry.stamp > horizon
                    && !known.contains(&entry.key)
                    && !erased_in_the_past.contains(&entry.key.post_ref())
                    && !of_the_past
            };
            let later: Vec<Entry> = later.iter().filter(may_come).cloned().collect();
            let Compaction { base, settled } = Cart::compact(None, &entries, horizon.clone());
            let rest = without(&entries, &settled);
            prop_assert_eq!(
                Cart::fold(Some(&base), rest.iter().chain(&later)),
                Cart::fold(None, entries.iter().chain(&later))
            );
        }

        #[test]
        fn a_removed_product_stays_removed_when_older_adds_come(entries in entries(), product in 0..2_u8) {
            let gone = item(product, 0);
            let remove = Effect::Remove {
                marketplace: gone.marketplace.clone(),
                product: gone.product.clone(),
                variant: None,
            };
            let last = entry(200, 0, 100, remove);
            let cart = Cart::fold(None, entries.iter().chain([&last]));
            prop_assert_eq!(cart.of_product(&gone.marketplace, &gone.product).map(|l| l.quantity).sum::<u32>(), 0);
        }

        #[test]
        fn an_erased_post_leaves_no_trace(entries in entries(), post in 0..8_u8) {
            let erase = entry(200, 0, 100, Effect::Erase { post: post_ref(post) });
            let others: Vec<Entry> = entries
                .iter()
                .filter(|e| e.key.post_ref() != post_ref(post) || matches!(e.effect, Effect::Erase { .. }))
                .cloned()
                .collect();
            prop_assert_eq!(
                Cart::fold(None, entries.iter().chain([&erase])),
                Cart::fold(None, others.iter().chain([&erase]))
            );
        }
    }

    #[test]
    fn entries_fold_in_the_order_of_the_deeds_not_of_their_arrival() {
        let bought = Effect::Purchase { order: "o".into(), item: item(0, 0), quantity: 1 };
        let three = Effect::Add { item: item(0, 0), quantity: Some(3) };
        let cart = Cart::fold(None, &[entry(2, 0, 20, bought), entry(1, 0, 10, three)]);
        assert_eq!(cart.quantity(&item(0, 0)), 2);
        assert_eq!(cart.in_cart().count(), 1);
    }
}
