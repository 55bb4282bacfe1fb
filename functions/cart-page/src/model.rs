//! What a customer's page shows, as values: the cart that the decisions fold to, beside what the
//! catalogue says now. The page and the JSON API are two forms of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use domain::cart::{CartLine, Effect, Entry, Item};
use domain::command::CommandKey;
use domain::ids::{MarketplaceId, ProductId};
use domain::money::Money;
use domain::outcome::{Candidate, Outcome};
use domain::product::{Availability, PriceExposure, Product, ProductRef, Variant};
use domain::storefront::Storefront;
use domain::time::Timestamp;
use messages::public::plain_line;
use serde::Serialize;
use store::carts::CartRecord;
use url::Url;

/// How long a question stays on the page.
const CHOICE_OPEN: Duration = Duration::from_secs(30 * 24 * 3600);

/// The products that a cart names, as the catalogue has them now.
pub(crate) type Catalogue = HashMap<(MarketplaceId, ProductId), Arc<Product>>;

/// Everything on the page.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Model {
    /// The carts, in the order of the storefront; none without lines.
    pub(crate) marketplaces: Vec<Market>,
    /// The wish list.
    pub(crate) wishes: Vec<Line>,
    /// Questions that wait for an answer, the latest first.
    pub(crate) choices: Vec<Choice>,
}

/// One marketplace's cart.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Market {
    /// The marketplace.
    pub(crate) id: MarketplaceId,
    /// Its host.
    pub(crate) host: String,
    /// What is in the cart.
    pub(crate) lines: Vec<Line>,
    /// The sum of what can be bought and whose price may be shown.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "price::serialize")]
    pub(crate) total: Option<Money>,
    /// Whether something that can be bought is missing in the total.
    pub(crate) total_is_partial: bool,
    /// Whether there is anything to check out.
    pub(crate) can_check_out: bool,
}

/// One line of a cart or of the wish list.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Line {
    /// The thing.
    #[serde(flatten)]
    pub(crate) item: Item,
    /// Its title, on one line.
    pub(crate) title: String,
    /// Its choices, `M, red`; may be empty.
    pub(crate) options: String,
    /// Its page at the shop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<String>,
    /// Its picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) image_link: Option<String>,
    /// How many; 0 on the wish list.
    pub(crate) quantity: u32,
    /// How many there may be.
    pub(crate) most: u32,
    /// Whether it can be had; absent when it has left the catalogue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) availability: Option<Availability>,
    /// When it can be had.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "moment::serialize")]
    pub(crate) available_on: Option<Timestamp>,
    /// The price of one now, where it may be shown here.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "price::serialize")]
    pub(crate) price: Option<Money>,
    /// The regular price, while there is a lower one.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "price::serialize")]
    pub(crate) price_before: Option<Money>,
    /// Where the price may be shown: `checkout` explains why it is absent.
    pub(crate) price_exposure: PriceExposure,
    /// Whether it can be bought now.
    pub(crate) buyable: bool,
}

/// A question that a post left open.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Choice {
    /// The command that it belongs to.
    pub(crate) key: CommandKey,
    /// What it is about.
    pub(crate) title: String,
    /// What fits.
    pub(crate) candidates: Vec<Possible>,
}

/// One answer to a question.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Possible {
    /// The product, with its variant where variants are the choice.
    #[serde(flatten)]
    pub(crate) product: ProductRef,
    /// What to call it.
    pub(crate) label: String,
    /// Whether it can be bought now.
    pub(crate) buyable: bool,
}

/// Which products the page needs of the catalogue.
pub(crate) fn named(record: &CartRecord, now: Timestamp) -> Vec<(MarketplaceId, ProductId)> {
    let cart = record.cart();
    let lines = cart.in_cart().chain(cart.wished()).map(|line| &line.item);
    let lines = lines.map(|item| (item.marketplace.clone(), item.product.clone()));
    let asked = open_choices(record, now).into_iter().flat_map(|(_, candidates)| candidates);
    let asked = asked.map(|c| (c.product.marketplace.clone(), c.product.product.clone()));
    let mut named: Vec<_> = lines.chain(asked).collect();
    named.sort();
    named.dedup();
    named
}

/// Puts the page together.
pub(crate) fn model(
    record: &CartRecord,
    catalogue: &Catalogue,
    storefront: &Storefront,
    now: Timestamp,
    local: bool,
) -> Model {
    let cart = record.cart();
    let view = View { catalogue, storefront, now, local };
    let mut by_market: BTreeMap<&MarketplaceId, Vec<Line>> = BTreeMap::new();
    for line in cart.in_cart() {
        by_market.entry(&line.item.marketplace).or_default().push(view.line(line, line.quantity));
    }
    let marketplaces = storefront
        .marketplaces
        .iter()
        .filter_map(|market| Some(view.market(market, by_market.remove(&market.id)?)))
        .collect();
    Model {
        marketplaces,
        wishes: cart.wished().map(|line| view.line(line, 0)).collect(),
        choices: open_choices(record, now).into_iter().map(|(entry, c)| view.choice(entry, c)).collect(),
    }
}

struct View<'a> {
    catalogue: &'a Catalogue,
    storefront: &'a Storefront,
    now: Timestamp,
    local: bool,
}

impl View<'_> {
    fn product(&self, marketplace: &MarketplaceId, product: &ProductId) -> Option<&Product> {
        self.catalogue.get(&(marketplace.clone(), product.clone())).map(AsRef::as_ref)
    }

    fn line(&self, line: &CartLine, quantity: u32) -> Line {
        let item = &line.item;
        match self.product(&item.marketplace, &item.product).and_then(|p| p.variant(&item.variant)) {
            Some(variant) => self.line_of_variant(item, variant, quantity),
            None => self.line_of_the_past(line, quantity),
        }
    }

    fn line_of_variant(&self, item: &Item, variant: &Variant, quantity: u32) -> Line {
        let price = variant.price_at(self.now);
        let shown = variant.price_exposure != PriceExposure::Checkout;
        let reduced = price != variant.price;
        Line {
            item: item.clone(),
            title: plain_line(&variant.title),
            options: plain_line(&variant.options_label()),
            link: self.safe(&variant.link),
            image_link: variant.image_link.as_deref().and_then(|link| self.safe(link)),
            quantity,
            most: variant.max_quantity.unwrap_or(self.storefront.limits.quantity_cap).max(quantity),
            availability: Some(variant.availability),
            available_on: variant.availability_date.filter(|date| *date > self.now),
            price: shown.then_some(price),
            price_before: (shown && reduced).then_some(variant.price),
            price_exposure: variant.price_exposure,
            buyable: is_buyable(variant),
        }
    }

    /// A line whose product has left the catalogue: what the last decision knew, without a price.
    fn line_of_the_past(&self, line: &CartLine, quantity: u32) -> Line {
        let brief = line.brief.as_ref();
        let title = brief.map_or(line.item.product.as_str(), |brief| &brief.title);
        Line {
            item: line.item.clone(),
            title: plain_line(title),
            options: brief.map(|brief| plain_line(&brief.options)).unwrap_or_default(),
            link: None,
            image_link: brief.and_then(|brief| self.safe(brief.image_link.as_deref()?)),
            quantity,
            most: quantity,
            availability: None,
            available_on: None,
            price: None,
            price_before: None,
            price_exposure: brief.map(|brief| brief.price_exposure).unwrap_or_default(),
            buyable: false,
        }
    }

    fn market(&self, market: &domain::storefront::Marketplace, lines: Vec<Line>) -> Market {
        let buyable = || lines.iter().filter(|line| line.buyable);
        let priced = || buyable().filter_map(|line| line.price?.times(line.quantity));
        let total = priced().reduce(|sum, price| sum.plus(price).unwrap_or(sum));
        Market {
            id: market.id.clone(),
            host: market.hosts.first().cloned().unwrap_or_default(),
            total,
            total_is_partial: priced().count() < buyable().count(),
            can_check_out: buyable().next().is_some(),
            lines,
        }
    }

    fn choice(&self, entry: &Entry, candidates: &[Candidate]) -> Choice {
        let one_product = candidates.windows(2).all(|pair| match pair {
            [a, b] => a.product.product == b.product.product,
            _ => true,
        });
        let first = candidates.first().filter(|_| one_product);
        let told = entry.told.product.as_ref().map(|brief| brief.title.as_str());
        let title = told.or(first.map(|candidate| candidate.title.as_str()));
        Choice {
            key: entry.key.clone(),
            title: plain_line(title.unwrap_or(&self.storefront.brand)),
            candidates: candidates.iter().map(|candidate| self.possible(candidate, one_product)).collect(),
        }
    }

    fn possible(&self, candidate: &Candidate, one_product: bool) -> Possible {
        let product = self.product(&candidate.product.marketplace, &candidate.product.product);
        let buyable = product.is_some_and(|product| match &candidate.product.variant {
            Some(variant) => product.variant(variant).is_some_and(is_buyable),
            None => product.variants().any(is_buyable),
        });
        let label = match (candidate.options.as_str(), one_product) {
            ("", _) => candidate.title.clone(),
            (options, true) => options.to_owned(),
            (options, false) => format!("{} ({options})", candidate.title),
        };
        Possible { product: candidate.product.clone(), label: plain_line(&label), buyable }
    }

    /// An address that a page may link to or load: https, and http in the stage `local`. Feeds come
    /// from outside; `javascript:` and the like never reach a page.
    fn safe(&self, link: &str) -> Option<String> {
        let url = Url::parse(link).ok()?;
        let allowed = url.scheme() == "https" || (self.local && url.scheme() == "http");
        allowed.then(|| url.to_string())
    }
}

/// Whether the shop sells it now to somebody who comes with a cart.
fn is_buyable(variant: &Variant) -> bool {
    variant.availability != Availability::OutOfStock
}

/// Questions of the last days that nothing after them has answered: no later step of the same post's
/// line, no later decision about one of the products in question.
pub(crate) fn open_choices(record: &CartRecord, now: Timestamp) -> Vec<(&Entry, &[Candidate])> {
    let asked = |entry: &'_ Entry| entry.decided_at.plus(CHOICE_OPEN) > now;
    let mut open: Vec<(&Entry, &[Candidate])> = record
        .entries
        .iter()
        .filter(|entry| asked(entry))
        .filter_map(|entry| match &entry.told.outcome {
            Outcome::ChooseOption { candidates } => Some((entry, candidates.as_slice())),
            _ => None,
        })
        .filter(|(entry, candidates)| !record.entries.iter().any(|later| answers(later, entry, candidates)))
        .collect();
    open.sort_by(|a, b| b.0.stamp.cmp(&a.0.stamp));
    open
}

/// Whether `later` settles what was `asked`: a further step of the same line, the deletion of the post,
/// or any later decision about one of the products.
fn answers(later: &Entry, asked: &Entry, candidates: &[Candidate]) -> bool {
    let same_line = later.key.post_ref() == asked.key.post_ref() && later.key.line == asked.key.line;
    if same_line && later.key.step > asked.key.step {
        return true;
    }
    let is_candidate = |marketplace: &MarketplaceId, product: &ProductId| {
        candidates.iter().any(|c| c.product.marketplace == *marketplace && c.product.product == *product)
    };
    let about = match &later.effect {
        Effect::Erase { post } => return *post == asked.key.post_ref(),
        Effect::Add { item, .. } | Effect::Wish { item } | Effect::Purchase { item, .. } => {
            is_candidate(&item.marketplace, &item.product)
        }
        Effect::Remove { marketplace, product, .. } | Effect::Unwish { marketplace, product } => {
            is_candidate(marketplace, product)
        }
        Effect::None => later
            .told
            .product
            .as_ref()
            .is_some_and(|brief| is_candidate(&brief.product.marketplace, &brief.product.product)),
    };
    about && later.stamp > asked.stamp
}

mod price {
    use domain::money::Money;
    use serde::{Serialize as _, Serializer};

    #[derive(serde::Serialize)]
    struct Price {
        amount: String,
        currency: &'static str,
    }

    #[expect(clippy::ref_option, reason = "the signature that serde calls")]
    pub(super) fn serialize<S: Serializer>(money: &Option<Money>, serializer: S) -> Result<S::Ok, S::Error> {
        money
            .map(|money| Price { amount: money.decimal(), currency: money.currency.code() })
            .serialize(serializer)
    }
}

mod moment {
    use domain::time::Timestamp;
    use serde::{Serialize as _, Serializer};

    #[expect(clippy::ref_option, reason = "the signature that serde calls")]
    pub(super) fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        at.map(|at| at.to_string()).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use domain::command::{Source, Stamp};
    use domain::outcome::{LineOutcome, ProductBrief};
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_000_000);

    fn storefront() -> Storefront {
        serde_json::from_value(serde_json::json!({
            "brand": "Acme",
            "marketplaces": [{
                "id": "us", "cart_tags": ["AcmeCart"], "hosts": ["acme.example"], "currency": "USD",
                "shop": {"platform": "template", "checkout_url": "https://acme.example/?i={items}"},
            }],
            "networks": [],
        }))
        .unwrap()
    }

    fn variant(exposure: PriceExposure, link: &str) -> Variant {
        serde_json::from_value(serde_json::json!({
            "marketplace": "us", "product": "p", "variant": "v", "title": "Thing", "link": link,
            "image_link": link, "availability": "in_stock",
            "price": {"minor": 987_654_321_u64, "currency": "USD"},
            "sale": {"price": {"minor": 876_543_219_u64, "currency": "USD"}},
            "price_exposure": exposure,
        }))
        .unwrap()
    }

    /// A customer who has `variant` in the cart and on the wish list.
    fn record(variant: &Variant) -> CartRecord {
        let item = Item {
            marketplace: variant.marketplace.clone(),
            product: variant.product.clone(),
            variant: variant.variant.clone(),
        };
        let entry = |post: &str, effect| {
            let key = CommandKey { network: "x".into(), post: post.into(), line: 1, step: 0 };
            Entry {
                stamp: Stamp::new(NOW, &key),
                key,
                effect,
                told: LineOutcome {
                    line: 1,
                    marketplace: "us".into(),
                    product: Some(ProductBrief::of(variant, true, NOW)),
                    outcome: Outcome::Added { quantity: 1 },
                },
                decided_at: NOW,
                source: Source::default(),
            }
        };
        CartRecord {
            customer: "c".into(),
            profile: None,
            accounts: Vec::new(),
            entries: vec![
                entry("1", Effect::Add { item: item.clone(), quantity: Some(3) }),
                entry("2", Effect::Wish { item }),
            ],
            base: None,
            suppressed: None,
        }
    }

    fn written(record: &CartRecord, variant: Option<&Variant>, local: bool) -> String {
        let product = variant.and_then(|variant| Product::new(vec![variant.clone()]));
        let key = |variant: &Variant| (variant.marketplace.clone(), variant.product.clone());
        let catalogue = variant
            .zip(product)
            .map(|(variant, product)| (key(variant), Arc::new(product)))
            .into_iter()
            .collect();
        serde_json::to_string(&model(record, &catalogue, &storefront(), NOW, local)).unwrap()
    }

    #[test]
    fn a_price_shows_where_it_may_and_nowhere_else() {
        for (exposure, shown) in
            [(PriceExposure::Anywhere, true), (PriceExposure::Cart, true), (PriceExposure::Checkout, false)]
        {
            let variant = variant(exposure, "https://acme.example/p");
            let json = written(&record(&variant), Some(&variant), false);
            assert_eq!(json.contains("9876543"), shown, "{json}");
            assert_eq!(json.contains("8765432"), shown, "{json}");
            assert_eq!(json.contains("26296296.57"), shown, "the total: {json}");
            let past = written(&record(&variant), None, false);
            assert!(!past.contains("9876543") && !past.contains("8765432"), "{past}");
        }
    }

    proptest! {
        #[test]
        fn only_web_addresses_reach_the_page(scheme in prop::sample::select(vec!["https", "http", "HTTP", "javascript", "JavaScript", "data", "file", ""]), rest in ".{0,20}", local: bool) {
            let variant = variant(PriceExposure::Anywhere, &format!("{scheme}:{rest}"));
            for line in [Some(&variant), None] {
                let json = written(&record(&variant), line, local);
                let value: serde_json::Value = serde_json::from_str(&json).unwrap();
                let line = &value["marketplaces"][0]["lines"][0];
                for link in [&line["link"], &line["image_link"]] {
                    if let Some(link) = link.as_str() {
                        prop_assert!(link.starts_with("https://") || (local && link.starts_with("http://")), "{link}");
                    }
                }
            }
        }
    }
}
