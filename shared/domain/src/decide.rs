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
mod tests {
    use super::*;
    use crate::command::{CommandLine, Shopper, Source};
    use crate::money::Money;
    use crate::post::{Author, PostHead, PostRef, Visibility};
    use crate::product::OptionValue;

    const NOW: Timestamp = Timestamp::from_seconds(1_760_000_000);

    fn variant(product: &str, variant: &str, size: &str) -> Variant {
        Variant {
            marketplace: "us".into(),
            product: product.into(),
            variant: variant.into(),
            title: format!("The {product}"),
            link: format!("https://www.acme.example/{product}"),
            image_link: None,
            options: match size {
                "" => Vec::new(),
                _ => vec![OptionValue { name: "size".to_owned(), value: size.to_owned() }],
            },
            availability: Availability::InStock,
            availability_date: None,
            price: Money::parse("15.00 USD").unwrap(),
            sale: None,
            deal: false,
            digital: false,
            sensitive: false,
            restricted: false,
            price_exposure: crate::product::PriceExposure::Anywhere,
            max_quantity: None,
            gtin: None,
            brand: None,
        }
    }

    fn mug() -> Product {
        Product::new(vec![variant("mug", "mug", "")]).unwrap()
    }

    fn mug_with(change: impl FnOnce(&mut Variant)) -> Product {
        let mut mug = variant("mug", "mug", "");
        change(&mut mug);
        Product::new(vec![mug]).unwrap()
    }

    fn shirt() -> Product {
        Product::new(vec![variant("shirt", "shirt-s", "S"), variant("shirt", "shirt-m", "M")]).unwrap()
    }

    fn named(product: &str) -> ProductRef {
        ProductRef { marketplace: "us".into(), product: product.into(), variant: None }
    }

    fn named_variant(product: &str, variant: &str) -> ProductRef {
        ProductRef { variant: Some(variant.into()), ..named(product) }
    }

    fn add(product: &str) -> Action {
        Action::Add { product: named(product), quantity: None, options: Vec::new() }
    }

    fn add_exactly(product: &str, quantity: u32) -> Action {
        Action::Add { product: named(product), quantity: Some(quantity), options: Vec::new() }
    }

    fn add_option(product: &str, option: &str) -> Action {
        Action::Add { product: named(product), quantity: None, options: vec![option.to_owned()] }
    }

    fn remove(product: &str) -> Action {
        Action::Remove { product: named(product), options: Vec::new() }
    }

    fn wish(product: &str) -> Action {
        Action::Wish { product: named(product), options: Vec::new() }
    }

    fn post(network: &str, id: &str, at: Timestamp, action: Action) -> PostCommands {
        PostCommands {
            post: PostHead {
                network: network.into(),
                bot: "acme".into(),
                id: id.into(),
                url: None,
                author: Author { id: "alice".into(), handle: None },
                mentions_us: true,
                created_at: at,
                first_seen: NOW,
                lang: None,
                visibility: Visibility::Public,
            },
            shopper: Shopper::Account { network: network.into(), user: "alice".into() },
            as_of: at,
            step: 0,
            source: Source::default(),
            lines: vec![CommandLine { line: 1, marketplace: "us".into(), action }],
        }
    }

    /// A cart's past and the moment: what the tables below vary.
    struct Scene {
        products: Vec<Product>,
        entries: Vec<Entry>,
        base: Option<Base>,
        limits: Limits,
        blocked: bool,
    }

    impl Scene {
        fn new() -> Self {
            Self {
                products: vec![mug(), shirt()],
                entries: Vec::new(),
                base: None,
                limits: Limits::default(),
                blocked: false,
            }
        }

        fn with(product: Product) -> Self {
            Self { products: vec![product], ..Self::new() }
        }

        fn decide(&self, commands: &PostCommands) -> Entry {
            let line = &commands.lines[0];
            let product = line
                .action
                .product()
                .and_then(|named| self.products.iter().find(|p| p.first().product == named.product));
            let context = Context {
                now: NOW,
                limits: &self.limits,
                product,
                base: self.base.as_ref(),
                entries: &self.entries,
                blocked: self.blocked,
            };
            decide(commands, line, &context)
        }

        /// Decides and keeps the entry; `ago` in seconds orders the deeds.
        fn say(&mut self, ago: u64, action: Action) -> Outcome {
            let at = NOW.minus(Duration::from_secs(ago));
            let commands = post("x", &format!("{}", 1_000_000 + self.entries.len()), at, action);
            self.keep(&commands)
        }

        fn keep(&mut self, commands: &PostCommands) -> Outcome {
            let entry = self.decide(commands);
            let outcome = entry.told.outcome.clone();
            self.entries.push(entry);
            outcome
        }

        fn quantity(&self, product: &str, variant: &str) -> u32 {
            let item = Item { marketplace: "us".into(), product: product.into(), variant: variant.into() };
            Cart::fold(self.base.as_ref(), &self.entries).quantity(&item)
        }
    }

    #[test]
    fn an_add_tells_what_it_changed() {
        let mut scene = Scene::new();
        assert_eq!(scene.say(90, add("mug")), Outcome::Added { quantity: 1 });
        assert_eq!(scene.say(80, add("mug")), Outcome::AlreadyInCart { quantity: 1 });
        assert_eq!(scene.say(70, add_exactly("mug", 3)), Outcome::QuantityChanged { from: 1, to: 3 });
        assert_eq!(scene.say(60, add("mug")), Outcome::AlreadyInCart { quantity: 3 });
        assert_eq!(scene.say(50, add_exactly("mug", 0)), Outcome::QuantityChanged { from: 3, to: 1 });
        assert_eq!(scene.quantity("mug", "mug"), 1);
    }

    #[test]
    fn what_may_not_go_into_a_cart_is_refused_by_name_and_without_effect() {
        let cases: [(fn(&mut Variant), Outcome, Outcome); 4] = [
            (|v| v.availability = Availability::OutOfStock, Outcome::OutOfStock, Outcome::Wished),
            (|v| v.deal = true, Outcome::DealExcluded, Outcome::Wished),
            (|v| v.digital = true, Outcome::DigitalExcluded, Outcome::Wished),
            (|v| v.restricted = true, Outcome::Restricted, Outcome::Restricted),
        ];
        for (change, refusal, wished) in cases {
            let mut scene = Scene::with(mug_with(change));
            assert_eq!(scene.say(9, add("mug")), refusal);
            assert_eq!(scene.entries[0].effect, Effect::None);
            assert_eq!(scene.entries[0].told.product.as_ref().unwrap().title, "The mug");
            assert_eq!(scene.say(8, wish("mug")), wished);
        }
    }

    #[test]
    fn fewer_of_what_has_sold_out_is_possible_and_more_is_not() {
        let mut scene = Scene::new();
        scene.say(90, add_exactly("mug", 3));
        scene.products = vec![mug_with(|v| v.availability = Availability::OutOfStock)];
        assert_eq!(scene.say(80, add_exactly("mug", 4)), Outcome::OutOfStock);
        assert_eq!(scene.say(70, add_exactly("mug", 2)), Outcome::QuantityChanged { from: 3, to: 2 });
    }

    #[test]
    fn what_comes_later_is_preordered_with_its_date() {
        let date = Some(Timestamp::from_seconds(1_800_000_000));
        for availability in [Availability::Preorder, Availability::Backorder] {
            let mut scene = Scene::with(mug_with(|v| {
                v.availability = availability;
                v.availability_date = date;
            }));
            assert_eq!(scene.say(9, add("mug")), Outcome::Preordered { quantity: 1, available_on: date });
            assert_eq!(scene.say(8, add("mug")), Outcome::AlreadyInCart { quantity: 1 });
        }
    }

    #[test]
    fn a_product_of_another_marketplace_names_the_right_one() {
        let mut commands = post("x", "1", NOW, add("mug"));
        commands.lines[0].marketplace = "uk".into();
        let entry = Scene::new().decide(&commands);
        assert_eq!(entry.told.outcome, Outcome::WrongMarketplace { right: "us".into() });
        assert_eq!(entry.effect, Effect::None);
        commands.lines[0].action = wish("mug");
        let outcome = Scene::new().decide(&commands).told.outcome;
        assert_eq!(outcome, Outcome::WrongMarketplace { right: "us".into() });
    }

    #[test]
    fn a_vanished_product_is_unknown_but_can_be_removed() {
        let mut scene = Scene::new();
        scene.say(90, add("mug"));
        scene.products.clear();
        assert_eq!(scene.say(80, add("mug")), Outcome::UnknownProduct);
        assert_eq!(scene.say(75, wish("mug")), Outcome::UnknownProduct);
        assert_eq!(scene.say(70, remove("mug")), Outcome::Removed);
        assert_eq!(scene.entries[3].told.product.as_ref().unwrap().title, "The mug");
        assert_eq!(scene.quantity("mug", "mug"), 0);
    }

    #[test]
    fn options_are_chosen_by_words_then_by_the_link_and_never_guessed() {
        let mut scene = Scene::new();
        let Outcome::ChooseOption { candidates } = scene.say(90, add("shirt")) else { panic!() };
        assert_eq!(candidates.iter().map(|c| c.options.as_str()).collect::<Vec<_>>(), ["S", "M"]);
        let Outcome::ChooseOption { .. } = scene.say(85, add_option("shirt", "XXL")) else { panic!() };
        assert_eq!(scene.say(80, add_option("shirt", "m")), Outcome::Added { quantity: 1 });
        assert_eq!(scene.quantity("shirt", "shirt-m"), 1);
        let linked =
            Action::Add { product: named_variant("shirt", "shirt-s"), quantity: None, options: Vec::new() };
        assert_eq!(scene.say(70, linked), Outcome::Added { quantity: 1 });
        assert_eq!(scene.quantity("shirt", "shirt-s"), 1);
        let swapped = Action::Add {
            product: named_variant("shirt", "shirt-s"),
            quantity: Some(2),
            options: vec!["M".to_owned()],
        };
        assert_eq!(scene.say(60, swapped), Outcome::QuantityChanged { from: 1, to: 2 });
        assert_eq!(scene.quantity("shirt", "shirt-m"), 2);
    }

    #[test]
    fn only_what_can_be_had_is_offered_for_choice() {
        let mut small = variant("shirt", "shirt-s", "S");
        small.availability = Availability::OutOfStock;
        small.sensitive = true;
        let mut medium = variant("shirt", "shirt-m", "M");
        let scene = Scene::with(Product::new(vec![small.clone(), medium.clone()]).unwrap());
        let entry = scene.decide(&post("x", "1", NOW, add("shirt")));
        let Outcome::ChooseOption { candidates } = &entry.told.outcome else { panic!() };
        assert_eq!(candidates.len(), 1);
        medium.availability = Availability::OutOfStock;
        let scene = Scene::with(Product::new(vec![small, medium]).unwrap());
        let entry = scene.decide(&post("x", "1", NOW, add("shirt")));
        assert_eq!(entry.told.outcome, Outcome::OutOfStock);
        assert!(entry.told.product.unwrap().sensitive, "one discreet variant makes the product discreet");
    }

    #[test]
    fn quantities_are_capped_aloud() {
        let mut scene = Scene::new();
        assert_eq!(scene.say(90, add_exactly("mug", 50)), Outcome::QuantityCapped { asked: 50, got: 10 });
        assert_eq!(scene.say(80, add_exactly("mug", 60)), Outcome::QuantityCapped { asked: 60, got: 10 });
        let mut scene = Scene::with(mug_with(|v| v.max_quantity = Some(2)));
        assert_eq!(scene.say(90, add_exactly("mug", 3)), Outcome::QuantityCapped { asked: 3, got: 2 });
        assert_eq!(scene.quantity("mug", "mug"), 2);
    }

    #[test]
    fn a_full_cart_takes_no_further_line_but_changes_its_own() {
        let mut scene = Scene::new();
        scene.limits.cart_lines = 1;
        scene.say(90, add("mug"));
        assert_eq!(scene.say(80, add_option("shirt", "S")), Outcome::CartFull);
        assert_eq!(scene.entries[1].effect, Effect::None);
        assert_eq!(scene.say(70, add_exactly("mug", 2)), Outcome::QuantityChanged { from: 1, to: 2 });
        assert_eq!(scene.say(60, wish("mug")), Outcome::Wished);
        let wish_shirt = Action::Wish { product: named("shirt"), options: vec!["S".to_owned()] };
        assert_eq!(scene.say(50, wish_shirt), Outcome::CartFull);
    }

    #[test]
    fn what_a_later_deed_has_settled_is_superseded_and_kept() {
        let mut scene = Scene::new();
        scene.say(50, remove("mug"));
        assert_eq!(scene.say(90, add("mug")), Outcome::Superseded);
        assert_eq!(scene.quantity("mug", "mug"), 0);
        scene.say(40, add_exactly("mug", 3));
        assert_eq!(scene.say(45, add_exactly("mug", 5)), Outcome::Superseded);
        assert_eq!(scene.say(44, remove("mug")), Outcome::Superseded);
        assert_eq!(scene.quantity("mug", "mug"), 3);

        let later = PostRef { network: "x".into(), id: "1000000".into() };
        scene.say(10, Action::Erase { post: later });
        let latest = PostRef { network: "x".into(), id: "1000002".into() };
        scene.say(9, Action::Erase { post: latest });
        assert_eq!(scene.quantity("mug", "mug"), 0, "the remove at 44 still stands");
        let remove_44 = PostRef { network: "x".into(), id: "1000004".into() };
        scene.say(8, Action::Erase { post: remove_44 });
        assert_eq!(scene.quantity("mug", "mug"), 5, "what was superseded counts once the later is gone");
    }

    #[test]
    fn a_late_add_that_still_matters_says_so() {
        let mut scene = Scene::new();
        scene.say(50, add("mug"));
        assert_eq!(scene.say(90, add_exactly("mug", 2)), Outcome::QuantityChanged { from: 1, to: 2 });
        scene.say(40, wish("mug"));
        assert_eq!(
            scene.say(45, add("mug")),
            Outcome::AlreadyInCart { quantity: 2 },
            "a wish settles no number"
        );
    }

    #[test]
    fn removing() {
        let mut scene = Scene::new();
        assert_eq!(scene.say(99, remove("mug")), Outcome::NotInCart);
        scene.say(90, add_option("shirt", "S"));
        scene.say(89, add_option("shirt", "M"));
        let remove_m = Action::Remove { product: named("shirt"), options: vec!["M".to_owned()] };
        assert_eq!(scene.say(80, remove_m.clone()), Outcome::Removed);
        assert_eq!((scene.quantity("shirt", "shirt-s"), scene.quantity("shirt", "shirt-m")), (1, 0));
        assert_eq!(scene.say(79, remove_m), Outcome::NotInCart);
        scene.say(70, add_option("shirt", "M"));
        let by_link = Action::Remove { product: named_variant("shirt", "shirt-s"), options: Vec::new() };
        assert_eq!(scene.say(60, by_link), Outcome::Removed);
        assert_eq!((scene.quantity("shirt", "shirt-s"), scene.quantity("shirt", "shirt-m")), (0, 0));
    }

    #[test]
    fn on_the_page_a_remove_takes_the_line_that_was_pressed() {
        let mut scene = Scene::new();
        scene.say(90, add_option("shirt", "S"));
        scene.say(89, add_option("shirt", "M"));
        let by_line = Action::Remove { product: named_variant("shirt", "shirt-s"), options: Vec::new() };
        let edit = PostCommands::page_edit("01J", "c1".into(), NOW, post("x", "1", NOW, by_line).lines);
        assert_eq!(scene.keep(&edit), Outcome::Removed);
        assert_eq!((scene.quantity("shirt", "shirt-s"), scene.quantity("shirt", "shirt-m")), (0, 1));
    }

    #[test]
    fn words_that_fit_several_held_variants_are_a_question() {
        let red = |id: &str, size: &str| {
            let mut red = variant("shirt", id, size);
            red.options.push(OptionValue { name: "color".to_owned(), value: "red".to_owned() });
            red
        };
        let mut scene =
            Scene::with(Product::new(vec![red("rs", "S"), red("rm", "M"), red("rl", "L")]).unwrap());
        scene.say(90, add_option("shirt", "S"));
        let remove_red = Action::Remove { product: named("shirt"), options: vec!["red".to_owned()] };
        scene.say(80, add_option("shirt", "L"));
        let Outcome::ChooseOption { candidates } = scene.say(70, remove_red.clone()) else { panic!() };
        assert_eq!(candidates.len(), 2);
        let remove_s = Action::Remove { product: named("shirt"), options: vec!["S".to_owned()] };
        assert_eq!(scene.say(60, remove_s), Outcome::Removed);
        assert_eq!(scene.say(50, remove_red), Outcome::Removed, "only one red one is left");
        assert_eq!(scene.quantity("shirt", "rl"), 0);
    }

    #[test]
    fn wishes_come_and_go_apart_from_the_cart() {
        let mut scene = Scene::new();
        assert_eq!(scene.say(90, wish("mug")), Outcome::Wished);
        assert_eq!(scene.say(80, wish("mug")), Outcome::Wished);
        assert_eq!(scene.say(70, Action::Unwish { product: named("mug") }), Outcome::Removed);
        assert_eq!(scene.say(60, Action::Unwish { product: named("mug") }), Outcome::NotInCart);
        assert_eq!(scene.say(75, wish("mug")), Outcome::Superseded);
        assert_eq!(scene.quantity("mug", "mug"), 0);
    }

    #[test]
    fn a_purchase_of_one_of_three_leaves_two_even_when_it_comes_first() {
        let bought = |quantity| Action::Purchase {
            order: "o1".into(),
            product: named_variant("mug", "mug"),
            quantity,
        };
        let mut scene = Scene::new();
        assert_eq!(scene.say(50, bought(1)), Outcome::Purchased { quantity: 1 });
        scene.say(90, add_exactly("mug", 3));
        assert_eq!(scene.quantity("mug", "mug"), 2);
        let unnamed = Action::Purchase { order: "o2".into(), product: named("mug"), quantity: 1 };
        assert_eq!(scene.say(40, unnamed), Outcome::Purchased { quantity: 1 });
        assert_eq!(scene.quantity("mug", "mug"), 1);
        let which = Action::Purchase { order: "o3".into(), product: named("shirt"), quantity: 1 };
        assert_eq!(scene.say(30, which), Outcome::UnknownProduct);
    }

    #[test]
    fn an_erased_post_counts_no_more_whichever_comes_first() {
        let mut scene = Scene::new();
        let target = PostRef { network: "x".into(), id: "77".into() };
        let erasure = PostCommands::erasure(
            target,
            "acme".into(),
            "alice".into(),
            "us".into(),
            NOW.minus(Duration::from_secs(5)),
            NOW,
        );
        let post = post("x", "77", NOW.minus(Duration::from_secs(60)), add("mug"));
        assert_eq!(scene.keep(&post), Outcome::Added { quantity: 1 });
        assert_eq!(scene.keep(&erasure), Outcome::Erased);
        assert_eq!(scene.quantity("mug", "mug"), 0);
        assert_ne!(scene.entries[0].key, scene.entries[1].key);

        let mut other_way = Scene::new();
        assert_eq!(other_way.keep(&erasure), Outcome::Erased);
        assert_eq!(other_way.keep(&post), Outcome::Erased);
        assert_eq!(other_way.quantity("mug", "mug"), 0);
    }

    #[test]
    fn an_old_post_is_refused_and_a_parked_one_gets_its_days() {
        let scene = Scene::new();
        let old = NOW.minus(DAY * 91);
        let mut commands = post("x", "1", old, add("mug"));
        assert_eq!(scene.decide(&commands).told.outcome, Outcome::TooOld);
        commands.step = 1;
        assert_eq!(scene.decide(&commands).told.outcome, Outcome::Added { quantity: 1 });
        commands.as_of = NOW.minus(DAY * 121);
        assert_eq!(scene.decide(&commands).told.outcome, Outcome::TooOld);
        commands.lines[0].action = Action::Stop;
        assert_eq!(scene.decide(&commands).told.outcome, Outcome::Stopped);
        let young = post("x", "1", NOW.minus(DAY * 89), add("mug"));
        assert_eq!(scene.decide(&young).told.outcome, Outcome::Added { quantity: 1 });
    }

    #[test]
    fn nothing_is_accepted_below_the_base() {
        let mut scene = Scene::new();
        let commands = post("x", "1", NOW.minus(DAY), add("mug"));
        scene.base = Some(Base { horizon: Stamp::horizon(NOW), lines: Vec::new() });
        assert_eq!(scene.decide(&commands).told.outcome, Outcome::TooOld);
        assert!(horizon(&scene.limits, NOW) < scene.decide(&commands).stamp);
    }

    #[test]
    fn a_post_from_the_future_freezes_nothing() {
        let mut scene = Scene::new();
        let mut future = post("x", "1", NOW.plus(DAY), add_exactly("mug", 5));
        future.post.first_seen = NOW.minus(Duration::from_secs(60));
        assert_eq!(scene.keep(&future), Outcome::Added { quantity: 5 });
        assert_eq!(scene.entries[0].stamp.as_of(), future.post.first_seen);
        assert_eq!(scene.say(30, remove("mug")), Outcome::Removed);
        future.post.first_seen = NOW.plus(DAY);
        assert_eq!(scene.decide(&future).stamp.as_of(), NOW);
    }

    #[test]
    fn the_rate_counts_commands_of_the_last_hour_and_spares_facts() {
        let mut scene = Scene::new();
        scene.limits.commands_per_hour = 2;
        scene.say(90, add("mug"));
        scene.say(80, remove("mug"));
        assert_eq!(scene.say(70, add("mug")), Outcome::RateLimited);
        assert_eq!(scene.say(69, Action::Help), Outcome::RateLimited);
        assert_eq!(scene.entries[2].effect, Effect::None);
        let bought =
            Action::Purchase { order: "o".into(), product: named_variant("mug", "mug"), quantity: 1 };
        assert_eq!(scene.say(60, bought), Outcome::Purchased { quantity: 1 });
        assert_eq!(scene.say(50, Action::Stop), Outcome::Stopped);
        let edit = PostCommands::page_edit("01J", "c1".into(), NOW, post("x", "1", NOW, add("mug")).lines);
        assert_eq!(scene.keep(&edit), Outcome::Added { quantity: 1 });
        for entry in &mut scene.entries {
            entry.decided_at = NOW.minus(HOUR);
        }
        assert_eq!(scene.say(5, wish("mug")), Outcome::Wished);
    }

    #[test]
    fn a_blocked_account_may_still_take_back_and_stop() {
        let mut scene = Scene::new();
        scene.say(90, add("mug"));
        scene.blocked = true;
        for action in [add("mug"), remove("mug"), wish("mug"), Action::Help] {
            assert_eq!(scene.say(60, action), Outcome::Blocked);
        }
        assert_eq!(scene.say(50, Action::Stop), Outcome::Stopped);
        let target = PostRef { network: "x".into(), id: "1000000".into() };
        assert_eq!(scene.say(40, Action::Erase { post: target }), Outcome::Erased);
        assert_eq!(scene.quantity("mug", "mug"), 0);
    }

    #[test]
    fn words_and_refusals_pass_through() {
        let mut scene = Scene::new();
        assert_eq!(scene.say(90, Action::Help), Outcome::Helped);
        assert_eq!(scene.say(80, Action::Start), Outcome::Started);
        for refusal in [Outcome::NoProductLink, Outcome::ParentUnavailable, Outcome::UnknownProduct] {
            assert_eq!(scene.say(70, Action::Refused { refusal: refusal.clone() }), refusal);
        }
        assert!(scene.entries.iter().all(|entry| entry.effect == Effect::None));
    }

    mod laws {
        use proptest::prelude::*;

        use super::*;

        fn actions() -> impl Strategy<Value = Action> {
            let product = prop_oneof![
                Just(named_variant("mug", "mug")),
                Just(named_variant("shirt", "shirt-s")),
                Just(named_variant("shirt", "shirt-m")),
            ];
            let posts =
                (0..6_u8).prop_map(|id| PostRef { network: "x".into(), id: id.to_string().as_str().into() });
            let add = (product.clone(), proptest::option::of(1..5_u32))
                .prop_map(|(product, quantity)| Action::Add { product, quantity, options: Vec::new() });
            prop_oneof![
                4 => add,
                2 => product.clone().prop_map(|product| Action::Remove { product, options: Vec::new() }),
                1 => product.clone().prop_map(|product| Action::Wish { product, options: Vec::new() }),
                1 => product.clone().prop_map(|product| Action::Unwish { product }),
                2 => (product, 1..3_u32).prop_map(|(product, quantity)| {
                    Action::Purchase { order: "o".into(), product, quantity }
                }),
                1 => posts.prop_map(|post| Action::Erase { post }),
            ]
        }

        /// One command per post; erasures come as the deletion's own step.
        fn commands() -> impl Strategy<Value = Vec<PostCommands>> {
            let one = (actions(), 1..20_u64);
            proptest::collection::vec(one, 1..9).prop_map(|deeds| {
                let numbered = deeds.into_iter().enumerate();
                numbered
                    .map(|(id, (action, ago))| {
                        let mut commands =
                            post("x", &id.to_string(), NOW.minus(Duration::from_secs(ago)), action);
                        if let Action::Erase { .. } = commands.lines[0].action {
                            commands.step = PostCommands::ERASURE_STEP;
                        }
                        commands
                    })
                    .collect()
            })
        }

        fn arrivals() -> impl Strategy<Value = (Vec<PostCommands>, Vec<usize>)> {
            commands().prop_flat_map(|commands| {
                let all: Vec<usize> = (0..commands.len()).chain(0..commands.len()).collect();
                (Just(commands), Just(all).prop_shuffle())
            })
        }

        proptest! {
            /// Where no limit binds, what the cart comes to doesn't depend on when its commands come or
            /// how often.
            #[test]
            fn commands_commute((commands, order) in arrivals()) {
                let mut straight = Scene::new();
                for one in &commands {
                    straight.keep(one);
                }
                let mut shuffled = Scene::new();
                for one in order.into_iter().map(|index| &commands[index]) {
                    if !shuffled.entries.iter().any(|entry| entry.key == one.key(1)) {
                        shuffled.keep(one);
                    }
                }
                let cart = |scene: &Scene| Cart::fold(None, &scene.entries);
                prop_assert_eq!(cart(&straight), cart(&shuffled));
            }

            /// The outcome tells the cart: what it says is in there is in there.
            #[test]
            fn outcomes_are_true((commands, order) in arrivals()) {
                let mut scene = Scene::new();
                for one in order.into_iter().map(|index| &commands[index]) {
                    let before = Cart::fold(None, &scene.entries);
                    let entry = scene.decide(one);
                    scene.entries.retain(|known| known.key != entry.key);
                    scene.entries.push(entry.clone());
                    let Effect::Add { item, .. } = &entry.effect else { continue };
                    let now = scene.quantity(item.product.as_str(), item.variant.as_str());
                    match entry.told.outcome {
                        Outcome::Added { quantity } | Outcome::AlreadyInCart { quantity } => prop_assert_eq!(quantity, now),
                        Outcome::QuantityChanged { from, to } => {
                            prop_assert_eq!((from, to), (before.quantity(item), now));
                        }
                        _ => {}
                    }
                }
            }
        }
    }
}
