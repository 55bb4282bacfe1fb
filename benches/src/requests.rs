//! How many requests an add takes, counted where they leave the SDK.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ::tests::faults::functions::fresh_region;
use ::tests::faults::shop::HASH_KEY;
use anyhow::{Context as _, ensure};
use domain::ids::CustomerId;
use domain::product::{Listing, Variant};
use domain::storefront::Storefront;
use lambda::keyed::KeyedHash;
use lambda::secrets::Secret;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Account;
use store::catalog::Catalog;
use store::linking::{Linking, NewLink, Person};
use store::settings::Settings;

use crate::cloud::{Call, Cloud, Functions, Usage};
use crate::table::Measure;

/// How many adds are counted.
const ADDS: usize = 200;
/// How many posts that aren't for us.
const CHATTER: usize = 1_000;

/// The most requests by us for an add, over all stages.
pub const GOAL_PER_ADD: f64 = 7.0;
const GOAL_CART_ADD: f64 = 3.0;
const GOAL_NOTIFY: f64 = 2.0;

/// What some adds used, for one add.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PerAdd(BTreeMap<Call, Used>);

/// What calls of one kind use for one add.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Used {
    /// Requests.
    pub requests: f64,
    /// Read request units of DynamoDB.
    pub read_units: f64,
    /// Write request units of DynamoDB.
    pub write_units: f64,
    /// Items that came back.
    pub items_read: f64,
    /// Items that were written.
    pub items_written: f64,
}

impl PerAdd {
    fn of(usage: &BTreeMap<Call, Usage>, adds: usize) -> Self {
        let adds = real(u64::try_from(adds).unwrap_or(u64::MAX));
        let each = |(call, usage): (&Call, &Usage)| {
            let used = Used {
                requests: real(usage.requests) / adds,
                read_units: usage.units.read / adds,
                write_units: usage.units.written / adds,
                items_read: real(usage.units.items_read) / adds,
                items_written: real(usage.units.items_written) / adds,
            };
            (call.clone(), used)
        };
        Self(usage.iter().map(each).collect())
    }

    /// By function, service and operation.
    pub fn iter(&self) -> impl Iterator<Item = (&Call, &Used)> {
        self.0.iter()
    }

    /// A sum over the calls that are wanted.
    pub fn sum(&self, wanted: impl Fn(&Call) -> bool, of: impl Fn(&Used) -> f64) -> f64 {
        self.0.iter().filter(|(call, _)| wanted(call)).map(|(_, used)| of(used)).sum()
    }

    /// Requests to AWS; a reply to a network is none.
    pub fn aws_requests(&self) -> f64 {
        self.sum(is_aws, |used| used.requests)
    }

    fn dynamodb_requests(&self, function: &str) -> f64 {
        self.sum(|call| call.function == function && call.service == "dynamodb", |used| used.requests)
    }
}

fn is_aws(call: &Call) -> bool {
    call.service != "network"
}

/// Counts are far below 2^32.
fn real(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// A shop with shoppers on the model of AWS.
pub struct Shop {
    /// What it stands on.
    pub cloud: Arc<Cloud>,
    /// Its functions.
    pub functions: Functions,
    posts: usize,
}

impl Shop {
    /// Opens a shop with so many products and linked shoppers, by what the operator's tools and the
    /// pages call.
    ///
    /// # Errors
    /// When it can't be set up.
    pub async fn open(products: usize, shoppers: usize) -> anyhow::Result<Self> {
        let cloud = Arc::new(Cloud::default());
        let aws = cloud.aws("operator", &fresh_region());
        let now = cloud.now();
        Settings::new(aws.dynamodb(), "settings").push(&storefront()?, None, now).await?;
        let mut import = Catalog::new(aws.dynamodb(), "catalog").import(&"us".into(), false).await?;
        for place in 0..products {
            import.put(&listing(place)?).await?;
        }
        import.settle().await?;
        let linking = Linking::new(aws.dynamodb(), "links", "carts");
        let hash = KeyedHash::new(&Secret::new(HASH_KEY));
        for place in 0..shoppers {
            let email = format!("{}@example.com", shopper(place));
            let person = Person {
                email_hash: hash.email(&email),
                email,
                lang: None,
                candidate: CustomerId::new(customer(place)),
                at: now,
            };
            let account = Account::new("square".into(), shopper(place).as_str().into());
            linking.link(&NewLink { account, handle: Some(shopper(place)), person }).await?;
        }
        let functions = Functions::start(&cloud)?;
        cloud.take_usage();
        Ok(Self { cloud, functions, posts: 0 })
    }

    /// Each of these shoppers answers the brand's post that shows the product; then all stages work
    /// off their queues, ten records at a time.
    ///
    /// # Errors
    /// When something fails, or a post isn't answered by one reply and one mail.
    pub async fn add(&mut self, adds: impl Iterator<Item = (usize, usize)>) -> anyhow::Result<PerAdd> {
        let mut count = 0;
        for (shopper, product) in adds {
            let post = self.post(shopper, "@acme #AcmeCart please", Some(product));
            self.functions.deliver(&post).await?;
            count += 1;
        }
        self.functions.work_off().await?;
        let used = PerAdd::of(&self.cloud.take_usage(), count);
        for (service, what) in [("network", "reply"), ("ses", "mail")] {
            let told =
                used.sum(|call| call.function == "notify" && call.service == service, |used| used.requests);
            ensure!((told - 1.0).abs() < 1e-9, "{told} of one {what} for each add");
        }
        Ok(used)
    }

    /// Posts without a tag of ours.
    ///
    /// # Errors
    /// When one isn't taken.
    async fn chatter(&mut self, posts: usize) -> anyhow::Result<u64> {
        for shopper in 0..posts {
            let post = self.post(shopper, "@acme what a day! #sunshine https://example.com/news", None);
            self.functions.deliver(&post).await?;
        }
        self.functions.work_off().await?;
        Ok(self
            .cloud
            .take_usage()
            .iter()
            .filter(|(call, _)| is_aws(call))
            .map(|(_, used)| used.requests)
            .sum())
    }

    fn post(&mut self, author: usize, text: &str, product: Option<usize>) -> String {
        self.posts += 1;
        let at = self.cloud.now().to_string();
        let parent = product.map(|product| {
            json!({
                "id": format!("90000000000{product:08}"),
                "author": {"id": "acme", "handle": "acme"},
                "text": "New in our shop",
                "links": [link(product)],
                "url": format!("https://square.example/@acme/90000000000{product:08}"),
            })
        });
        let data = json!({
            "id": format!("10000000000{:08}", self.posts),
            "author": {"id": shopper(author), "handle": shopper(author)},
            "text": text, "created_at": at, "language": "en",
            "in_reply_to": parent,
        });
        json!({"type": "post.created", "timestamp": at, "data": data}).to_string()
    }
}

/// A shopper's account, as long as X's ids are.
pub(crate) fn shopper(place: usize) -> String {
    format!("26000000000{place:08}")
}

/// As long as the random ids are (a ULID).
pub(crate) fn customer(place: usize) -> String {
    format!("01J0000000000000{place:010}")
}

pub(crate) fn product(place: usize) -> String {
    format!("sku-{place:08}")
}

fn link(place: usize) -> String {
    format!("https://acme.example/p/{}", product(place))
}

fn storefront() -> anyhow::Result<Storefront> {
    Ok(serde_json::from_value(json!({
        "brand": "Acme",
        "postal_address": "Acme Inc., 1 Canyon Road, Flagstaff, AZ 86001, USA",
        "marketplaces": [{
            "id": "us", "cart_tags": ["AcmeCart"], "wish_tags": ["AcmeWish"],
            "hosts": ["acme.example"], "currency": "USD",
            "shop": {"platform": "template", "checkout_url": "https://acme.example/checkout?items={items}"},
        }],
        "networks": [{
            "id": "square", "name": "Square", "kind": "generic", "bot_handle": "acme", "bot_id": "acme",
            "callback_url": "https://square.example/replies",
            "post_url": "https://square.example/posts/{id}",
            "link_url": "https://square.example/link",
        }],
        // A history of a thousand decisions is made in no time.
        "limits": {"commands_per_hour": 100_000, "cart_lines": 10_000, "quantity_cap": 1_000},
    }))?)
}

/// A product with everything that feeds usually say.
fn listing(place: usize) -> anyhow::Result<Listing> {
    let variant: Variant = serde_json::from_value(json!({
        "marketplace": "us",
        "product": product(place),
        "variant": product(place),
        "title": format!("Insulated steel bottle, half a litre, number {place}"),
        "link": link(place),
        "image_link": format!("https://cdn.acme.example/images/{}/front-1200.jpg", product(place)),
        "options": [],
        "availability": "in_stock",
        "price": {"minor": 2_500, "currency": "USD"},
        "brand": "Acme",
    }))
    .context("the listing")?;
    Ok(Listing { url: variant.link.clone(), choice: None, variant })
}

/// Everything that is counted.
#[derive(Clone, Debug)]
pub struct Counts {
    /// Requests for a thousand posts that aren't for us.
    pub chatter: u64,
    /// Each add by another shopper and of another product, which no warm function has read.
    pub different: PerAdd,
    /// Each add by another shopper, all of one product.
    pub popular: PerAdd,
    /// Ten adds of ten products by one shopper.
    pub one_shopper: PerAdd,
    /// What each warm function reads once a minute: configuration and secrets.
    pub each_minute: BTreeMap<Call, u64>,
}

/// Counts everything. The same in every run.
///
/// # Errors
/// When a run fails.
pub async fn counts() -> anyhow::Result<Counts> {
    let (products, shoppers) = (ADDS + 40, ADDS + 40);
    let mut shop = Shop::open(products, shoppers).await?;
    let spare = |from: usize| (ADDS + from..ADDS + from + 10).map(|place| (place, place));
    let first = shop.add(spare(0)).await?;
    let different = shop.add((0..ADDS).map(|place| (place, place))).await?;
    let warm = shop.add(spare(10)).await?;
    let each_minute = first
        .iter()
        .map(|(call, used)| (call, used.requests - warm.0.get(call).map_or(0.0, |used| used.requests)))
        .filter(|(_, more)| *more > 0.0)
        .map(|(call, more)| (call.clone(), whole(more * 10.0)))
        .collect();
    shop.add(std::iter::once((ADDS, 0))).await?;
    let popular = shop.add((0..ADDS).map(|place| (place, 0))).await?;
    let one_shopper = shop.add((20..30).map(|place| (ADDS + 30, ADDS + place))).await?;
    let chatter = shop.chatter(CHATTER).await?;
    Ok(Counts { chatter, different, popular, one_shopper, each_minute })
}

/// Counts are small and never negative.
fn whole(count: f64) -> u64 {
    (0..1_000).find(|whole| (real(*whole) - count).abs() < 0.5).unwrap_or(u64::MAX)
}

/// [`counts`] in a runtime of its own, as the guard compares them: requests for one add by the way of
/// counting, function, service and operation.
///
/// # Errors
/// As [`counts`].
pub fn for_guard() -> anyhow::Result<BTreeMap<String, f64>> {
    let counts = run(counts())?;
    let ways = [
        ("different", &counts.different),
        ("popular", &counts.popular),
        ("one shopper", &counts.one_shopper),
    ];
    let of = |(way, per_add): (&str, &PerAdd)| -> Vec<(String, f64)> {
        per_add.iter().map(|(call, used)| (format!("{way}: {call}"), used.requests)).collect()
    };
    let mut guarded: BTreeMap<String, f64> = ways.into_iter().flat_map(of).collect();
    guarded.insert(format!("{CHATTER} posts not for us"), real(counts.chatter));
    Ok(guarded)
}

/// The rows of the table, and what they are made of.
///
/// # Errors
/// As [`counts`].
pub fn measure() -> anyhow::Result<(Vec<Measure>, Details)> {
    let counts = run(counts())?;
    Ok((rows(&counts), Details::of(&counts)))
}

/// What an add uses, call by call: what `hashcart cost` reckons with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Details {
    /// For one add, by the way of counting: `different`, `popular`, `one_shopper`.
    pub adds: BTreeMap<String, Vec<Detail>>,
    /// What each warm environment reads again every minute.
    pub each_minute: Vec<Detail>,
    /// Requests to AWS for posts that aren't for us, for one.
    pub posts_not_for_us: f64,
}

/// What calls of one kind use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detail {
    /// The function.
    pub function: String,
    /// The service; `network` for what isn't AWS.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// Requests.
    pub requests: f64,
    /// Read request units of DynamoDB.
    pub read_units: f64,
    /// Write request units of DynamoDB.
    pub write_units: f64,
    /// Items that came back.
    pub items_read: f64,
    /// Items that were written.
    pub items_written: f64,
}

impl Details {
    fn of(counts: &Counts) -> Self {
        let detail = |(call, used): (&Call, &Used)| Detail {
            function: call.function.to_owned(),
            service: call.service.to_owned(),
            operation: call.operation.clone(),
            requests: used.requests,
            read_units: used.read_units,
            write_units: used.write_units,
            items_read: used.items_read,
            items_written: used.items_written,
        };
        let ways = [
            ("different", &counts.different),
            ("popular", &counts.popular),
            ("one_shopper", &counts.one_shopper),
        ];
        let renewed = counts
            .each_minute
            .iter()
            .map(|(call, requests)| detail((call, &Used { requests: real(*requests), ..Used::default() })));
        Self {
            adds: ways.map(|(way, adds)| (way.to_owned(), adds.iter().map(detail).collect())).into(),
            each_minute: renewed.collect(),
            posts_not_for_us: real(counts.chatter) / real(u64::try_from(CHATTER).unwrap_or(1)),
        }
    }

    /// A way of counting as a table in Markdown.
    pub fn markdown(&self, way: &str) -> String {
        let head = "| function | service | operation | requests | items read | items written | read units | write units |\n\
                    |---|---|---|---|---|---|---|---|\n";
        let cell = |value: f64| if value == 0.0 { String::new() } else { crate::table::number(value) };
        let line = |detail: &Detail| {
            let Detail { function, service, operation, .. } = detail;
            let values = [
                detail.requests,
                detail.items_read,
                detail.items_written,
                detail.read_units,
                detail.write_units,
            ];
            format!("| {function} | {service} | {operation} | {} |\n", values.map(cell).join(" | "))
        };
        head.to_owned() + &self.adds.get(way).into_iter().flatten().map(line).collect::<String>()
    }
}

fn rows(counts: &Counts) -> Vec<Measure> {
    let row = |name: &str, value: f64| Measure::new("requests", name, value, "requests");
    let mut rows = vec![row("1,000 posts not for us", real(counts.chatter)).at_most(0.0)];
    for (way, per_add) in [
        ("an add, ten different products and shoppers a batch", &counts.different),
        ("an add, one product, different shoppers", &counts.popular),
        ("an add, ten products of one shopper", &counts.one_shopper),
    ] {
        rows.push(
            row(&format!("{way}: all stages, mail included"), per_add.aws_requests()).at_most(GOAL_PER_ADD),
        );
        rows.push(
            row(&format!("{way}: cart-add to DynamoDB"), per_add.dynamodb_requests("cart-add"))
                .at_most(GOAL_CART_ADD),
        );
        rows.push(
            row(&format!("{way}: notify to DynamoDB"), per_add.dynamodb_requests("notify"))
                .at_most(GOAL_NOTIFY),
        );
    }
    let renewed: u64 = counts.each_minute.values().sum();
    rows.push(row("once a minute, one environment of each function", real(renewed)));
    rows
}

/// Runs to the end in a runtime whose time doesn't pass but when all wait.
pub(crate) fn run<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(async {
        let limit = Duration::from_secs(24 * 3600);
        tokio::time::timeout(limit, work).await.context("it never ended")?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_add_takes_is_the_same_in_every_run_and_within_reason() {
        let count = || run(counts()).unwrap();
        let (first, again) = (count(), count());
        assert_eq!(format!("{first:?}"), format!("{again:?}"));
        assert_eq!(first.chatter, 0);
        let told = rows(&first);
        assert!(told.iter().any(|row| row.name.ends_with("mail included") && row.value > 1.0), "{told:?}");
    }
}
