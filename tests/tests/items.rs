//! The items of the tables, pinned: what is written today is compared with files under
//! `fixtures/items/now`, and what version 1 wrote, under `fixtures/items/v1`, must be readable by every
//! later version.
//!
//! `UPDATE_ITEMS=1 cargo test -p tests --test items` writes `now` anew; a difference there is a change of the
//! format, to be made so that `v1` still reads. Files of `v1` are never changed once released: what version
//! 1 may write beside them is added as a further file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::cart::{Cart, Effect, Entry};
use domain::command::{Action, CommandKey, CommandLine, PostCommands, Shopper, Source, Stamp};
use domain::ids::{CustomerId, Lang, MarketplaceId};
use domain::money::Money;
use domain::outcome::{LineOutcome, Outcome};
use domain::post::{Author, PostHead, PostRef, Visibility};
use domain::product::{Availability, Listing, PriceExposure, ProductRef, Variant};
use domain::storefront::Storefront;
use domain::time::Timestamp;
use serde_json::{Value, json};
use store::carts::{Carts, SuppressionReason};
use store::catalog::{Catalog, Imported};
use store::deliveries::{ChannelState, Deliveries, NextAction};
use store::facts::{FactReader, Tables, Wanted};
use store::ledger::{Event, Ledger, Row, day};
use store::linking::{Linking, NewLink, Person};
use store::links::{Links, Once, Session};
use store::settings::{Pause, Settings};
use store::{Account, StoreError};
use tests::items::{Item, KINDS, from_json, kind, to_json};

const NOW: Timestamp = Timestamp::from_millis(1_763_719_200_123);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const CUSTOMER: &str = "customer-1";
const EMAIL_HASH: &str = "hash-of-alice";
/// The tables by their names in the template's outputs.
const TABLES: [(&str, &str); 6] = [
    ("carts", "CartsTable"),
    ("catalog", "CatalogTable"),
    ("deliveries", "DeliveriesTable"),
    ("ledger", "LedgerTable"),
    ("links", "LinksTable"),
    ("settings", "SettingsTable"),
];

/// Tables of a test's own.
struct Wired {
    client: Client,
    names: BTreeMap<&'static str, String>,
}

impl Wired {
    async fn new() -> Self {
        let account = emulator::shared().await.unwrap().test_account().unwrap();
        let deployment = emulator::Deployment::new("items").parameter("MailFrom", "shop@acme.example");
        let stack = deployment.deploy_data(&account).await.unwrap();
        let names = TABLES.map(|(table, output)| (table, stack.output(output).unwrap().to_owned()));
        Self { client: Client::new(&account.sdk_config()), names: names.into() }
    }

    fn name(&self, table: &str) -> &str {
        &self.names[table]
    }

    fn links(&self) -> Links {
        Links::new(self.client.clone(), self.name("links"))
    }

    fn carts(&self) -> Carts {
        Carts::new(self.client.clone(), self.name("carts"))
    }

    fn catalog(&self) -> Catalog {
        Catalog::new(self.client.clone(), self.name("catalog"))
    }

    fn deliveries(&self) -> Deliveries {
        Deliveries::new(self.client.clone(), self.name("deliveries"))
    }

    fn ledger(&self) -> Ledger {
        Ledger::new(self.client.clone(), self.name("ledger"))
    }

    fn settings(&self) -> Settings {
        Settings::new(self.client.clone(), self.name("settings"))
    }

    async fn put(&self, table: &str, item: Item) {
        self.client.put_item().table_name(self.name(table)).set_item(Some(item)).send().await.unwrap();
    }

    /// Everything in the tables, by kind.
    async fn items(&self) -> BTreeMap<&'static str, Value> {
        let mut found = BTreeMap::new();
        for (table, name) in &self.names {
            let output = self.client.scan().table_name(name).send().await.unwrap();
            for item in output.items() {
                let json = to_json(item).unwrap();
                let kind = kind(table, item)
                    .unwrap_or_else(|| panic!("{table} holds an item without a kind: {json}"));
                assert!(found.insert(kind, json).is_none(), "{kind} is there twice");
            }
        }
        found
    }
}

fn us() -> MarketplaceId {
    "us".into()
}

fn alice() -> Account {
    Account::new("x".into(), "42".into())
}

/// Somebody who isn't linked.
fn nora() -> Account {
    Account::new("x".into(), "43".into())
}

fn customer() -> CustomerId {
    CUSTOMER.into()
}

fn post(id: &str) -> PostRef {
    PostRef { network: "x".into(), id: id.into() }
}

fn tee() -> ProductRef {
    ProductRef { marketplace: us(), product: "tee".into(), variant: Some("tee-m".into()) }
}

fn source() -> Source {
    Source {
        post_url: Some("https://x.com/acme/status/1".to_owned()),
        post_author: Some("1500".into()),
        affiliate: Some("alice-21".to_owned()),
        campaign: Some("spring".into()),
    }
}

fn entry(post: &str, at: Timestamp) -> Entry {
    let key = CommandKey { network: "x".into(), post: post.into(), line: 1, step: 0 };
    let item = domain::cart::Item { marketplace: us(), product: "tee".into(), variant: "tee-m".into() };
    Entry {
        stamp: Stamp::new(at, &key),
        key,
        effect: Effect::Add { item, quantity: Some(2) },
        told: LineOutcome {
            line: 1,
            marketplace: us(),
            product: None,
            outcome: Outcome::Added { quantity: 2 },
        },
        decided_at: at,
        source: source(),
    }
}

/// Older than what is accepted, so that it lies in the base.
fn old_entry() -> Entry {
    entry("5", NOW.minus(100 * DAY))
}

fn horizon() -> Stamp {
    Stamp::horizon(NOW.minus(90 * DAY))
}

fn row() -> Row {
    Row {
        marketplace: us(),
        event: Event::Added,
        key: entry("6", NOW).key,
        at: NOW,
        product: Some("tee".into()),
        source: source(),
        quantity: Some(2),
    }
}

fn parked() -> PostCommands {
    PostCommands {
        post: PostHead {
            network: "x".into(),
            bot: "1500".into(),
            id: "9".into(),
            url: Some("https://x.com/nora/status/9".to_owned()),
            author: Author { id: "43".into(), handle: Some("nora".to_owned()) },
            mentions_us: true,
            created_at: NOW,
            first_seen: NOW,
            lang: Lang::parse("en"),
            visibility: Visibility::Public,
        },
        shopper: Shopper::Account { network: "x".into(), user: "43".into() },
        as_of: NOW,
        step: 0,
        source: source(),
        lines: vec![CommandLine {
            line: 1,
            marketplace: us(),
            action: Action::Add { product: tee(), quantity: Some(2), options: vec!["size M".to_owned()] },
        }],
    }
}

fn session() -> Session {
    Session { customer: customer(), csrf: "csrf".to_owned(), expires_at: NOW.plus(DAY) }
}

fn once() -> Once {
    let payload = json!({"account": {"network": "x", "user": "42"}});
    Once { purpose: "link".to_owned(), payload, expires_at: NOW.plus(DAY) }
}

fn listing(variant: &str) -> Listing {
    Listing {
        url: "https://acme.example/p/tee".to_owned(),
        choice: Some(format!("variant={variant}")),
        variant: Variant {
            marketplace: us(),
            product: "tee".into(),
            variant: variant.into(),
            title: "Tee".to_owned(),
            link: format!("https://acme.example/p/tee?variant={variant}"),
            image_link: Some("https://acme.example/tee.png".to_owned()),
            options: vec![],
            availability: Availability::InStock,
            availability_date: Some(NOW),
            price: Money::parse("15.00 USD").unwrap(),
            sale: None,
            deal: false,
            digital: false,
            sensitive: true,
            restricted: false,
            price_exposure: PriceExposure::Cart,
            max_quantity: Some(5),
            gtin: Some("036000291452".into()),
            brand: Some("Acme".to_owned()),
        },
    }
}

fn storefront() -> Storefront {
    let storefront = json!({
        "brand": "Acme",
        "default_language": "en",
        "support": "help@acme.example",
        "postal_address": "1 Acme Road",
        "marketplaces": [{
            "id": "us",
            "cart_tags": ["AcmeCart"],
            "wish_tags": ["AcmeWish"],
            "hosts": ["acme.example"],
            "shop": {"platform": "template", "checkout_url": "https://acme.example/cart/{items}"},
            "currency": "USD",
            "languages": ["en"],
            "feed": "https://acme.example/feed.xml",
        }],
        "networks": [
            {"id": "x", "bot_handle": "acme", "bot_id": "1500", "kind": "x"},
            {"id": "fan", "bot_handle": "acme", "bot_id": "1", "kind": "generic", "callback_url": "https://fan.example/hook"},
        ],
        "campaigns": [{"id": "spring", "tag": "AcmeSpring", "from": 1_763_719_200_123_u64}],
        "short_link_hosts": ["ac.me"],
    });
    serde_json::from_value(storefront).unwrap()
}

fn imported() -> Imported {
    Imported { at: NOW, variants: 1, rejected: 2 }
}

fn done() -> ChannelState {
    ChannelState::Done { id: Some("1991".to_owned()) }
}

fn refused() -> ChannelState {
    ChannelState::Refused { reason: "not linked".to_owned() }
}

/// Has every kind of item written by today's code.
async fn write(wired: &Wired) {
    let (links, carts, deliveries) = (wired.links(), wired.carts(), wired.deliveries());
    let linking = Linking::new(wired.client.clone(), wired.name("links"), wired.name("carts"));
    let person = Person {
        email: "alice@shopper.example".to_owned(),
        email_hash: EMAIL_HASH.to_owned(),
        lang: Lang::parse("en"),
        candidate: customer(),
        at: NOW,
    };
    linking.link(&NewLink { account: alice(), handle: Some("alice".to_owned()), person }).await.unwrap();
    links.park(&nora(), &parked(), NOW.plus(30 * DAY), 1, NOW).await.unwrap();
    links.set_stop(&alice(), true, &entry("6", NOW).stamp).await.unwrap();
    links.claim_prompt(&nora(), &post("9"), NOW, 7 * DAY).await.unwrap();
    links.open_session("session-hash", &session()).await.unwrap();
    links.put_once("once-hash", &once()).await.unwrap();
    links.come_first("first-hash", "alice", NOW.plus(DAY), NOW).await.unwrap();

    carts.put_entry(&customer(), &old_entry(), None).await.unwrap();
    let record = carts.read(&customer()).await.unwrap();
    assert!(carts.compact(&record, horizon()).await.unwrap());
    carts.put_entry(&customer(), &entry("6", NOW), Some((&wired.ledger(), &row()))).await.unwrap();
    carts.suppress(&customer(), SuppressionReason::Bounce, NOW).await.unwrap();

    for feed in [vec!["tee-m", "tee-l"], vec!["tee-m"]] {
        let mut import = wired.catalog().import(&us(), false).await.unwrap();
        for variant in feed {
            import.put(&listing(variant)).await.unwrap();
        }
        import.settle().await.unwrap();
        import.mark_vanished().await.unwrap();
    }

    wired.catalog().note_imported(&us(), &imported()).await.unwrap();

    deliveries.begin(&post("7"), 0, "someone", NOW, HOUR).await.unwrap();
    let NextAction::Proceed(claim) = deliveries.begin(&post("8"), 0, "someone", NOW, HOUR).await.unwrap()
    else {
        panic!("a new post is claimed");
    };
    deliveries.finish(&claim, &done(), &refused(), NOW).await.unwrap();
    deliveries.mark_erased(&post("10"), NOW).await.unwrap();

    let settings = wired.settings();
    settings.push(&storefront(), None, NOW).await.unwrap();
    settings.pause(&"x".into(), Pause { reply: true, ..Pause::default() }).await.unwrap();
    settings.block(&nora(), NOW).await.unwrap();
}

/// Reads every kind of item, as the functions do, and finds what [`write`] meant.
async fn read(wired: &Wired) {
    read_links(wired).await;
    read_carts(wired).await;
    read_catalog(wired).await;
    read_deliveries(wired).await;
    read_settings(wired).await;
    assert_eq!(wired.ledger().day(&us(), &day(NOW)).await.unwrap(), [row()]);
}

async fn read_links(wired: &Wired) {
    let links = wired.links();
    let link = links.link(&alice()).await.unwrap().unwrap();
    assert_eq!((link.customer, link.handle.as_deref(), link.linked_at), (customer(), Some("alice"), NOW));
    assert_eq!(links.customer_of_email(EMAIL_HASH).await.unwrap(), Some(customer()));
    assert!(links.stopped(&alice()).await.unwrap());
    assert_eq!(links.parked(&nora(), NOW).await.unwrap(), [parked()]);
    // The hour's one place is taken by the post that was parked, and by no other.
    assert!(links.admit("x#43", "x#9", 1, NOW).await.unwrap());
    assert!(!links.admit("x#43", "x#10", 1, NOW).await.unwrap());
    assert!(links.claim_prompt(&nora(), &post("9"), NOW, 7 * DAY).await.unwrap());
    assert!(!links.claim_prompt(&nora(), &post("10"), NOW, 7 * DAY).await.unwrap());
    assert_eq!(links.session("session-hash", NOW).await.unwrap(), Some(session()));
    assert_eq!(links.peek_once("once-hash", "link", NOW).await.unwrap(), Some(once()));
    assert!(links.come_first("first-hash", "alice", NOW.plus(DAY), NOW).await.unwrap());
    assert!(!links.come_first("first-hash", "bob", NOW.plus(DAY), NOW).await.unwrap());

    let tables = Tables {
        links: wired.name("links").to_owned(),
        carts: wired.name("carts").to_owned(),
        deliveries: wired.name("deliveries").to_owned(),
        settings: wired.name("settings").to_owned(),
    };
    let wanted =
        Wanted { accounts: vec![alice(), nora()], customers: vec![customer()], erased: vec![post("10")] };
    let facts = FactReader::new(wired.client.clone(), tables).read(&wanted).await.unwrap();
    assert!(facts.accounts[&alice()].link.is_some() && facts.accounts[&alice()].stopped);
    assert!(facts.accounts[&nora()].blocked && facts.erased.contains(&post("10")));
    assert!(
        facts.customers[&customer()].profile.is_some() && facts.customers[&customer()].suppressed.is_some()
    );
}

async fn read_carts(wired: &Wired) {
    let record = wired.carts().read(&customer()).await.unwrap();
    let profile = record.profile.clone().unwrap();
    assert_eq!((profile.email.as_str(), profile.lang), ("alice@shopper.example", Lang::parse("en")));
    assert_eq!((profile.replies, profile.mails, profile.created_at), (true, true, NOW));
    let [linked] = record.accounts.as_slice() else { panic!("{:?}", record.accounts) };
    assert_eq!((&linked.account, linked.handle.as_deref(), linked.linked_at), (&alice(), Some("alice"), NOW));
    assert_eq!(record.entries, [entry("6", NOW)]);
    assert_eq!(record.base, Some(Cart::compact(None, &[old_entry()], horizon()).base));
    let suppressed = record.suppressed.unwrap();
    assert_eq!((suppressed.reason, suppressed.at), (SuppressionReason::Bounce, NOW));
}

async fn read_catalog(wired: &Wired) {
    let catalog = wired.catalog();
    let product = catalog.product(&us(), &"tee".into()).await.unwrap().unwrap();
    let vanished = Variant { availability: Availability::OutOfStock, ..listing("tee-l").variant };
    let variants: Vec<&Variant> = product.variants().collect();
    assert_eq!(variants.len(), 2);
    assert!(variants.contains(&&listing("tee-m").variant) && variants.contains(&&vanished), "{variants:?}");
    let found = catalog.find(&us(), "https://acme.example/p/tee", Some("variant=tee-m")).await.unwrap();
    assert_eq!(found.unwrap().product, tee());
    assert_eq!(catalog.imported(&us()).await.unwrap(), Some(imported()));
    assert!(catalog.with_gtin(&us(), "036000291452").await.unwrap().contains(&tee()));
}

async fn read_deliveries(wired: &Wired) {
    let deliveries = wired.deliveries();
    let claimed = deliveries.begin(&post("7"), 0, "another", NOW.plus(HOUR / 2), HOUR).await.unwrap();
    assert_eq!(claimed, NextAction::Busy { until: NOW.plus(HOUR) });
    let finished = deliveries.begin(&post("8"), 0, "another", NOW, HOUR).await.unwrap();
    assert_eq!(finished, NextAction::AlreadyDone { reply: done(), mail: refused() });
    assert!(deliveries.erased(&post("10")).await.unwrap());
    let taken_over = deliveries.begin(&post("7"), 0, "another", NOW.plus(2 * HOUR), HOUR).await.unwrap();
    assert!(matches!(taken_over, NextAction::Proceed(claim) if claim.attempt == 2));
}

async fn read_settings(wired: &Wired) {
    let settings = wired.settings();
    for versioned in [settings.current().await.unwrap(), settings.version(1).await.unwrap()] {
        let versioned = versioned.unwrap();
        assert_eq!((versioned.version, versioned.pushed_at, versioned.value), (1, NOW, storefront()));
    }
    assert_eq!(settings.versions().await.unwrap(), [(1, NOW)]);
    assert!(settings.snapshot().await.unwrap().unwrap().pause(&"x".into()).reply);
    assert_eq!(settings.blocked().await.unwrap(), [nora()]);
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/items").join(name)
}

/// The golden files of a folder, by the kind before the first `_` of their names.
fn golden(name: &str) -> Vec<(String, Item)> {
    let mut files = Vec::new();
    for file in std::fs::read_dir(folder(name)).unwrap() {
        let path = file.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let kind = stem.split('_').next().unwrap().to_owned();
        let json: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        files.push((kind, from_json(&json).unwrap()));
    }
    files
}

async fn load(wired: &Wired, name: &str, change: impl Fn(&str, &mut Item)) {
    for (kind, mut item) in golden(name) {
        let (table, _) = kind.split_once('.').unwrap();
        change(&kind, &mut item);
        wired.put(table, item).await;
    }
}

#[tokio::test]
async fn what_is_written_today() {
    let wired = Wired::new().await;
    write(&wired).await;
    let items = wired.items().await;
    assert_eq!(items.keys().copied().collect::<Vec<_>>(), KINDS);
    for (kind, written) in items {
        let path = folder("now").join(format!("{kind}.json"));
        if std::env::var_os("UPDATE_ITEMS").is_some() {
            std::fs::write(&path, format!("{written:#}\n")).unwrap();
        }
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let file: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(written, file, "{kind}: what is written has changed");
    }
    read(&wired).await;
}

#[tokio::test]
async fn version_1_is_read() {
    let wired = Wired::new().await;
    load(&wired, "v1", |_, _| {}).await;
    read(&wired).await;
}

/// What a later version adds to an item is ignored by this one.
#[tokio::test]
async fn what_a_later_version_adds_is_ignored() {
    let wired = Wired::new().await;
    load(&wired, "v1", |kind, item| {
        item.insert("of_a_later_version".to_owned(), AttributeValue::S("x".to_owned()));
        // The storefront is the exception: see the test below.
        if let Some(AttributeValue::S(body)) =
            item.get_mut("body").filter(|_| !kind.starts_with("settings.store"))
        {
            let mut json: Value = serde_json::from_str(body).unwrap();
            json["of_a_later_version"] = 1.into();
            *body = json.to_string();
        }
    })
    .await;
    read(&wired).await;
}

/// An item of a later version is told from a broken one, whatever its kind, and never read as if it were
/// of ours.
#[tokio::test]
async fn a_later_version_is_named() {
    let wired = Wired::new().await;
    load(&wired, "v1", |_, item| {
        item.insert("v".to_owned(), AttributeValue::N("2".to_owned()));
    })
    .await;
    let named = |error: StoreError| assert!(matches!(error, StoreError::Version { found: 2, .. }), "{error}");
    let links = wired.links();
    named(links.link(&alice()).await.unwrap_err());
    named(links.customer_of_email(EMAIL_HASH).await.unwrap_err());
    named(links.stopped(&alice()).await.unwrap_err());
    named(links.parked(&nora(), NOW).await.unwrap_err());
    named(links.session("session-hash", NOW).await.unwrap_err());
    named(links.peek_once("once-hash", "link", NOW).await.unwrap_err());
    named(wired.carts().read(&customer()).await.unwrap_err());
    named(wired.catalog().product(&us(), &"tee".into()).await.unwrap_err());
    named(wired.catalog().imported(&us()).await.unwrap_err());
    named(wired.deliveries().begin(&post("8"), 0, "another", NOW, HOUR).await.unwrap_err());
    named(wired.settings().current().await.unwrap_err());
    named(wired.ledger().day(&us(), &day(NOW)).await.unwrap_err());
}

#[test]
fn every_kind_of_item_has_golden_files() {
    for name in ["now", "v1"] {
        let mut kinds: Vec<String> = golden(name).into_iter().map(|(kind, _)| kind).collect();
        kinds.sort();
        kinds.dedup();
        assert_eq!(kinds, KINDS, "fixtures/items/{name}");
    }
    for (named, item) in golden("v1") {
        let (table, _) = named.split_once('.').unwrap();
        assert_eq!(kind(table, &item), Some(named.as_str()));
    }
}
