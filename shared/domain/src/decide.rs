//! The decision: one command and what is known when it arrives become one [`Entry`].
//!
//! What is accepted depends on the moment (stock, caps, rate); what has been accepted commutes. So an
//! outcome is found by folding the cart before and after the entry, and an entry that came too late to
//! matter is kept all the same: it may matter again when a later post is deleted.

use std::time::Duration;

use crate::cart::{Base, Cart, CartLine, Effect, Entry, Item};
use crate::command::{Action, CommandKey, CommandLine, PostCommands, Stamp};
use crate::grammar::options::{OptionMatch, match_options};
use crate::ids::{OrderId, VariantId};
use crate::outcome::{Candidate, LineOutcome, Outcome, ProductBrief};
use crate::product::{Availability, Product, ProductRef, Variant};
use crate::storefront::Limits;
use crate::time::Timestamp;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Each press of a button on the page is a command of its own, so a customer may give this many times
/// the commands there that they may give by posts.
const PAGE_RATE_FACTOR: u32 = 10;

/// What is known when a command arrives.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The moment.
    pub now: Timestamp,
    /// The storefront's limits.
    pub limits: &'a Limits,
    /// The product that the line names, where the catalogue knows it.
    pub product: Option<&'a Product>,
    /// The customer's cart up to its horizon.
    pub base: Option<&'a Base>,
    /// The customer's entries, those of the same post's earlier lines among them.
    pub entries: &'a [Entry],
    /// Whether the account is on the operator's block list.
    pub blocked: bool,
}

/// Whether the post of these commands is older than the acceptance window.
///
/// A further step (a release from parking, a choice) belongs to a post that was in time when it came,
/// so the days that a command may be parked are added for it.
pub fn is_too_old(commands: &PostCommands, limits: &Limits, now: Timestamp) -> bool {
    let parked = if commands.step == 0 { 0 } else { limits.parking_days };
    let days = u32::from(limits.acceptance_days) + u32::from(parked);
    commands.ordered_at(now).plus(DAY * days) < now
}

/// Up to where a cart's entries may be folded into its base at `now`: beyond it no command is
/// accepted any more. The day on top is for decisions that are being made at this moment.
pub fn horizon(limits: &Limits, now: Timestamp) -> Stamp {
    let days = u32::from(limits.acceptance_days) + u32::from(limits.parking_days) + 1;
    Stamp::horizon(now.minus(DAY * days))
}

/// Decides one line of `commands`. The entry is to be written if absent under its key; if one is
/// there already, that one is the decision.
pub fn decide(commands: &PostCommands, line: &CommandLine, context: &Context<'_>) -> Entry {
    let key = commands.key(line.line);
    let stamp = Stamp::new(commands.ordered_at(context.now), &key);
    let case = Case { commands, line, key: &key, stamp: &stamp, context };
    let verdict = case.verdict();
    let told = LineOutcome {
        line: line.line,
        marketplace: line.marketplace.clone(),
        product: verdict.product,
        outcome: verdict.outcome,
    };
    Entry {
        key,
        stamp,
        effect: verdict.effect,
        told,
        decided_at: context.now,
        source: commands.source.clone(),
    }
}

/// What a line comes to.
struct Verdict {
    effect: Effect,
    outcome: Outcome,
    product: Option<ProductBrief>,
}

impl Verdict {
    fn new(effect: Effect, outcome: Outcome, product: Option<ProductBrief>) -> Self {
        Self { effect, outcome, product }
    }

    fn without_effect(outcome: Outcome, product: Option<ProductBrief>) -> Self {
        Self::new(Effect::None, outcome, product)
    }
}

/// The variant that a line means.
enum Choice<'a> {
    One(&'a Variant),
    Several(Vec<&'a Variant>),
    Unknown,
}

/// The cart without the entry, and with it.
struct Change {
    before: Cart,
    after: Cart,
    /// The same, seen at the entry's own place in the order: nothing later is in it.
    then_before: Cart,
    then_after: Cart,
}

/// One line with everything that its decision looks at.
struct Case<'a> {
    commands: &'a PostCommands,
    line: &'a CommandLine,
    key: &'a CommandKey,
    stamp: &'a Stamp,
    context: &'a Context<'a>,
}

impl<'a> Case<'a> {
    fn verdict(&self) -> Verdict {
        if let Some(refusal) = self.refusal_of_any_product() {
            return Verdict::without_effect(refusal, None);
        }
        match &self.line.action {
            Action::Add { product, quantity, options } => self.add(product, *quantity, options),
            Action::Remove { product, options } => self.remove(product, options),
            Action::Wish { product, options } => self.wish(product, options),
            Action::Unwish { product } => self.unwish(product),
            Action::Purchase { order, product, quantity } => self.purchase(order, product, *quantity),
            Action::Erase { post } => {
                Verdict::new(Effect::Erase { post: post.clone() }, Outcome::Erased, None)
            }
            Action::Help => Verdict::without_effect(Outcome::Helped, None),
            Action::Stop => Verdict::without_effect(Outcome::Stopped, None),
            Action::Start => Verdict::without_effect(Outcome::Started, None),
            Action::Refused { refusal } => Verdict::without_effect(refusal.clone(), None),
        }
    }

    /// What can be said before looking at the product. Facts (a deletion, a purchase) aren't refused
    /// for who reports them or how often; `stop` and `start` never are.
    fn refusal_of_any_product(&self) -> Option<Outcome> {
        let (asks, dated) = match &self.line.action {
            Action::Add { .. }
            | Action::Remove { .. }
            | Action::Wish { .. }
            | Action::Unwish { .. }
            | Action::Refused { .. } => (true, true),
            Action::Help => (true, false),
            Action::Purchase { .. } => (false, true),
            Action::Erase { .. } | Action::Stop | Action::Start => (false, false),
        };
        if dated && self.is_too_old() {
            Some(Outcome::TooOld)
        } else if asks && self.context.blocked {
            Some(Outcome::Blocked)
        } else if asks && self.is_over_the_rate() {
            Some(Outcome::RateLimited)
        } else if asks && self.is_erased() {
            Some(Outcome::Erased)
        } else {
            None
        }
    }

    /// Older than the window, or from before the cart's base, where it could change nothing.
    fn is_too_old(&self) -> bool {
        is_too_old(self.commands, self.context.limits, self.context.now)
            || self.context.base.is_some_and(|base| *self.stamp <= base.horizon)
    }

    /// What counts is the set of commands of the last hour; those that were refused for the rate don't,
    /// or somebody who keeps trying would never be heard again.
    fn is_over_the_rate(&self) -> bool {
        let on_page = self.key.network.is_page();
        let limit = self.context.limits.commands_per_hour;
        let limit = if on_page { limit.saturating_mul(PAGE_RATE_FACTOR) } else { limit };
        let counts = |entry: &&Entry| {
            entry.key.network.is_page() == on_page
                && entry.decided_at.plus(HOUR) > self.context.now
                && entry.told.outcome != Outcome::RateLimited
                && !matches!(entry.effect, Effect::Erase { .. } | Effect::Purchase { .. })
        };
        let given = self.context.entries.iter().filter(counts).count();
        given >= usize::try_from(limit).unwrap_or(usize::MAX)
    }

    fn is_erased(&self) -> bool {
        let own = self.key.post_ref();
        self.context
            .entries
            .iter()
            .any(|entry| matches!(&entry.effect, Effect::Erase { post } if *post == own))
    }

    fn add(&self, named: &ProductRef, quantity: Option<u32>, options: &[String]) -> Verdict {
        if named.marketplace != self.line.marketplace {
            return self.wrong_marketplace(named);
        }
        match self.choose(named, options) {
            Choice::One(variant) => self.add_variant(variant, quantity),
            Choice::Several(variants) => self.ask_which(&variants),
            Choice::Unknown => Verdict::without_effect(Outcome::UnknownProduct, None),
        }
    }

    fn add_variant(&self, variant: &Variant, asked: Option<u32>) -> Verdict {
        let brief = Some(ProductBrief::of(variant, true, self.context.now));
        let limits = self.context.limits;
        let cap = variant.max_quantity.unwrap_or(limits.quantity_cap).max(1);
        let asked = asked.map(|quantity| quantity.max(1));
        let item = item_of(variant);
        let effect = Effect::Add { item: item.clone(), quantity: asked.map(|quantity| quantity.min(cap)) };
        let change = self.change(&effect, brief.as_ref());
        // Whoever wants fewer of what can't be bought any more gets fewer.
        let lowers = asked.is_some_and(|quantity| quantity < change.before.quantity(&item));
        if let Some(refusal) = not_for_a_cart(variant).filter(|_| !lowers) {
            return Verdict::without_effect(refusal, brief);
        }
        let is_new = change.before.quantity(&item) == 0 && change.after.quantity(&item) > 0;
        if is_new && lines_of(change.after.in_cart(), &item) > limits.cart_lines {
            return Verdict::without_effect(Outcome::CartFull, brief);
        }
        let outcome = added(&change, &item, variant, asked.filter(|quantity| *quantity > cap));
        Verdict::new(effect, outcome, brief)
    }

    /// A wish reserves nothing, so stock, deals and downloads don't stand in its way; what may not be
    /// ordered by a post at all does.
    fn wish(&self, named: &ProductRef, options: &[String]) -> Verdict {
        if named.marketplace != self.line.marketplace {
            return self.wrong_marketplace(named);
        }
        let variant = match self.choose(named, options) {
            Choice::One(variant) => variant,
            Choice::Several(variants) => return self.ask(&variants),
            Choice::Unknown => return Verdict::without_effect(Outcome::UnknownProduct, None),
        };
        let brief = Some(ProductBrief::of(variant, true, self.context.now));
        if variant.restricted {
            return Verdict::without_effect(Outcome::Restricted, brief);
        }
        let item = item_of(variant);
        let effect = Effect::Wish { item: item.clone() };
        let change = self.change(&effect, brief.as_ref());
        let is_new = !change.before.is_wished(&item);
        if is_new && lines_of(change.after.wished(), &item) > self.context.limits.cart_lines {
            return Verdict::without_effect(Outcome::CartFull, brief);
        }
        let outcome = if change.after.is_wished(&item) { Outcome::Wished } else { Outcome::Superseded };
        Verdict::new(effect, outcome, brief)
    }

    fn unwish(&self, named: &ProductRef) -> Verdict {
        let effect =
            Effect::Unwish { marketplace: named.marketplace.clone(), product: named.product.clone() };
        let brief = self.product_brief(named, None);
        let change = self.change(&effect, brief.as_ref());
        let wished = |cart: &Cart| {
            cart.of_product(&named.marketplace, &named.product).filter(|line| line.wished).count()
        };
        let outcome = taken_out(wished(&change.before), wished(&change.after));
        Verdict::new(effect, outcome, brief)
    }

    /// A product that has vanished from the catalogue can still be removed.
    fn remove(&self, named: &ProductRef, options: &[String]) -> Verdict {
        let variant = match self.variant_to_remove(named, options) {
            Ok(variant) => variant,
            Err(verdict) => return *verdict,
        };
        let effect = Effect::Remove {
            marketplace: named.marketplace.clone(),
            product: named.product.clone(),
            variant: variant.clone(),
        };
        let brief = self.product_brief(named, variant.as_ref());
        let change = self.change(&effect, brief.as_ref());
        let held = |cart: &Cart| {
            cart.of_product(&named.marketplace, &named.product)
                .filter(|line| line.quantity > 0)
                .filter(|line| variant.as_ref().is_none_or(|variant| *variant == line.item.variant))
                .count()
        };
        let outcome = taken_out(held(&change.before), held(&change.after));
        Verdict::new(effect, outcome, brief)
    }

    /// Which variant is to go: `None` for all of the product's. In a post only words choose: the link
    /// in the post above names a variant that the shopper may have swapped for another. On our page
    /// the line itself is pressed.
    fn variant_to_remove(
        &self,
        named: &ProductRef,
        options: &[String],
    ) -> Result<Option<VariantId>, Box<Verdict>> {
        if self.key.network.is_page() {
            return Ok(named.variant.clone());
        }
        if options.is_empty() {
            return Ok(None);
        }
        let fitting = self.context.product.map(|product| match match_options(product, options) {
            OptionMatch::One(variant) => vec![variant],
            OptionMatch::Several(variants) => variants,
            OptionMatch::None => Vec::new(),
        });
        // Words that fit every variant ("remove that, please") name no option.
        let all = self.context.product.map(|product| product.variants().count());
        if all.is_some_and(|all| all > 1) && all == fitting.as_ref().map(Vec::len) {
            return Ok(None);
        }
        if let Some([variant]) = fitting.as_deref() {
            return Ok(Some(variant.variant.clone()));
        }
        let fits = |line: &&CartLine| {
            fitting
                .as_ref()
                .is_none_or(|variants| variants.iter().any(|variant| variant.variant == line.item.variant))
        };
        let cart = Cart::fold(self.context.base, self.context.entries);
        let held: Vec<&CartLine> = cart
            .of_product(&named.marketplace, &named.product)
            .filter(|line| line.quantity > 0)
            .filter(fits)
            .collect();
        let brief = self.product_brief(named, None);
        match held.as_slice() {
            [line] => Ok(Some(line.item.variant.clone())),
            [] => Err(Box::new(Verdict::without_effect(Outcome::NotInCart, brief))),
            several => {
                let candidates = several.iter().map(|line| candidate_of_line(line)).collect();
                Err(Box::new(Verdict::without_effect(Outcome::ChooseOption { candidates }, brief)))
            }
        }
    }

    fn purchase(&self, order: &OrderId, named: &ProductRef, quantity: u32) -> Verdict {
        let Some(item) = self.purchased_item(named) else {
            return Verdict::without_effect(Outcome::UnknownProduct, self.product_brief(named, None));
        };
        let brief = self.product_brief(named, Some(&item.variant));
        let effect = Effect::Purchase { order: order.clone(), item, quantity };
        Verdict::new(effect, Outcome::Purchased { quantity }, brief)
    }

    /// Orders name the variant; where one doesn't, only a product of one variant is sure.
    fn purchased_item(&self, named: &ProductRef) -> Option<Item> {
        let only = || {
            let mut variants = self.context.product?.variants();
            let first = variants.next()?;
            variants.next().is_none().then(|| first.variant.clone())
        };
        let variant = named.variant.clone().or_else(only)?;
        Some(Item { marketplace: named.marketplace.clone(), product: named.product.clone(), variant })
    }

    /// The shopper's words, then the variant that the link names, then the only one there is. Words that
    /// fit no variant choose nothing: the shopper asked for something that isn't made.
    fn choose(&self, named: &ProductRef, options: &[String]) -> Choice<'a> {
        let Some(product) = self.context.product else { return Choice::Unknown };
        let linked = named.variant.as_ref().and_then(|id| product.variant(id));
        if let (Some(variant), true) = (linked, options.is_empty()) {
            return Choice::One(variant);
        }
        match match_options(product, options) {
            OptionMatch::One(variant) => Choice::One(variant),
            OptionMatch::Several(variants) => match linked {
                Some(variant) if variants.contains(&variant) => Choice::One(variant),
                _ => Choice::Several(variants),
            },
            OptionMatch::None => Choice::Several(product.variants().collect()),
        }
    }

    /// Asks which of several variants goes into the cart: of those that can.
    fn ask_which(&self, variants: &[&Variant]) -> Verdict {
        let possible: Vec<&Variant> =
            variants.iter().copied().filter(|variant| not_for_a_cart(variant).is_none()).collect();
        match (possible.is_empty(), variants.first().and_then(|variant| not_for_a_cart(variant))) {
            (true, Some(refusal)) => Verdict::without_effect(refusal, self.brief_of_all(variants)),
            _ => self.ask(&possible),
        }
    }

    fn ask(&self, variants: &[&Variant]) -> Verdict {
        let candidates = variants.iter().map(|variant| candidate_of_variant(variant)).collect();
        Verdict::without_effect(Outcome::ChooseOption { candidates }, self.brief_of_all(variants))
    }

    fn wrong_marketplace(&self, named: &ProductRef) -> Verdict {
        let right = named.marketplace.clone();
        Verdict::without_effect(Outcome::WrongMarketplace { right }, self.product_brief(named, None))
    }

    /// What to show of a product no variant of which is chosen: as discreet as its most discreet one.
    fn brief_of_all(&self, variants: &[&Variant]) -> Option<ProductBrief> {
        let first = variants.first()?;
        let mut brief = ProductBrief::of(first, false, self.context.now);
        brief.sensitive = variants.iter().any(|variant| variant.sensitive);
        brief.price_exposure =
            variants.iter().map(|variant| variant.price_exposure).max().unwrap_or_default();
        Some(brief)
    }

    /// What to show of `variant` or of the whole product; from the cart where the catalogue knows it no
    /// more.
    fn product_brief(&self, named: &ProductRef, variant: Option<&VariantId>) -> Option<ProductBrief> {
        let Some(product) = self.context.product else {
            let cart = Cart::fold(self.context.base, self.context.entries);
            return cart
                .of_product(&named.marketplace, &named.product)
                .find(|line| variant.is_none_or(|variant| *variant == line.item.variant))
                .and_then(|line| line.brief.clone());
        };
        match variant.and_then(|id| product.variant(id)) {
            Some(variant) => Some(ProductBrief::of(variant, true, self.context.now)),
            None => self.brief_of_all(&product.variants().collect::<Vec<_>>()),
        }
    }

    /// Folds the cart without and with an entry of this effect.
    fn change(&self, effect: &Effect, brief: Option<&ProductBrief>) -> Change {
        let Context { base, entries, now, .. } = *self.context;
        let candidate = Entry {
            key: self.key.clone(),
            stamp: self.stamp.clone(),
            effect: effect.clone(),
            told: LineOutcome {
                line: self.line.line,
                marketplace: self.line.marketplace.clone(),
                product: brief.cloned(),
                outcome: Outcome::Superseded,
            },
            decided_at: now,
            source: self.commands.source.clone(),
        };
        let counts_then =
            |entry: &&Entry| entry.stamp < candidate.stamp || matches!(entry.effect, Effect::Erase { .. });
        let then = || entries.iter().filter(counts_then);
        Change {
            before: Cart::fold(base, entries),
            after: Cart::fold(base, entries.iter().chain([&candidate])),
            then_before: Cart::fold(base, then()),
            then_after: Cart::fold(base, then().chain([&candidate])),
        }
    }
}

/// Why this variant can't go into a cart now, if it can't.
fn not_for_a_cart(variant: &Variant) -> Option<Outcome> {
    if variant.restricted {
        Some(Outcome::Restricted)
    } else if variant.deal {
        Some(Outcome::DealExcluded)
    } else if variant.digital {
        Some(Outcome::DigitalExcluded)
    } else if variant.availability == Availability::OutOfStock {
        Some(Outcome::OutOfStock)
    } else {
        None
    }
}

/// How an accepted add ended. `beyond` is what was asked for where that is more than a cart may hold.
fn added(change: &Change, item: &Item, variant: &Variant, beyond: Option<u32>) -> Outcome {
    let (from, to) = (change.before.quantity(item), change.after.quantity(item));
    let mattered_then = change.then_before.quantity(item) != change.then_after.quantity(item);
    if to == 0 || (from == to && mattered_then) {
        return Outcome::Superseded;
    }
    if let Some(asked) = beyond {
        return Outcome::QuantityCapped { asked, got: to };
    }
    match (from, variant.availability) {
        (from, _) if from == to => Outcome::AlreadyInCart { quantity: to },
        (1.., _) => Outcome::QuantityChanged { from, to },
        (0, Availability::Preorder | Availability::Backorder) => {
            Outcome::Preordered { quantity: to, available_on: variant.availability_date }
        }
        (0, Availability::InStock | Availability::OutOfStock) => Outcome::Added { quantity: to },
    }
}

/// How taking something out ended, by how many lines of it there were before and after.
fn taken_out(before: usize, after: usize) -> Outcome {
    if before == 0 {
        Outcome::NotInCart
    } else if after < before {
        Outcome::Removed
    } else {
        Outcome::Superseded
    }
}

fn lines_of<'c>(lines: impl Iterator<Item = &'c CartLine>, item: &Item) -> u32 {
    let lines = lines.filter(|line| line.item.marketplace == item.marketplace).count();
    u32::try_from(lines).unwrap_or(u32::MAX)
}

fn item_of(variant: &Variant) -> Item {
    Item {
        marketplace: variant.marketplace.clone(),
        product: variant.product.clone(),
        variant: variant.variant.clone(),
    }
}

fn candidate_of_variant(variant: &Variant) -> Candidate {
    Candidate {
        product: ProductRef {
            marketplace: variant.marketplace.clone(),
            product: variant.product.clone(),
            variant: Some(variant.variant.clone()),
        },
        title: variant.title.clone(),
        options: variant.options_label(),
    }
}

fn candidate_of_line(line: &CartLine) -> Candidate {
    let brief = line.brief.as_ref();
    Candidate {
        product: ProductRef {
            marketplace: line.item.marketplace.clone(),
            product: line.item.product.clone(),
            variant: Some(line.item.variant.clone()),
        },
        title: brief.map(|brief| brief.title.clone()).unwrap_or_default(),
        options: brief.map(|brief| brief.options.clone()).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
