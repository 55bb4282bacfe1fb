//! The tables over the wire: what is written once, claimed, or changed in one transaction, by one caller
//! and by many at the same time.
//!
//! All tests share the tables of one account; each uses accounts, customers and posts of its own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper that fails fails its test")]

use std::sync::Arc;
use std::time::Duration;

use domain::Retryable;
use domain::cart::{Cart, Effect, Entry, Item};
use domain::command::{Action, CommandKey, CommandLine, PostCommands, Shopper, Source, Stamp};
use domain::ids::{CustomerId, Lang, PostId, UserId};
use domain::money::Money;
use domain::outcome::{LineOutcome, Outcome, ProductBrief};
use domain::post::{Author, PostHead, PostRef, Visibility};
use domain::product::{Availability, Listing, PriceExposure, ProductRef, Variant};
use domain::storefront::{Limits, Storefront};
use domain::time::Timestamp;
use futures::future::{join, join_all};
use store::carts::{Carts, Decided, Preferences, SuppressionReason};
use store::catalog::Catalog;
use store::decider::{Circumstances, Decider};
use store::deliveries::{ChannelState, Claim, Deliveries, Finished, NextAction};
use store::facts::{FactReader, Tables, Wanted};
use store::ledger::{Event, Ledger, Row, day};
use store::linking::{Linked, Linking, NewLink, Person};
use store::links::{Links, Once, Parked, Session, StopSet};
use store::products::Products;
use store::settings::{Pause, Pushed, Settings};
use store::{Account, Fault, StoreError};
use tokio::sync::OnceCell;

const NOW: Timestamp = Timestamp::from_seconds(1_760_000_000);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

struct Wired {
    client: aws_sdk_dynamodb::Client,
    tables: Tables,
    links: Links,
    linking: Linking,
    carts: Carts,
    catalog: Catalog,
    deliveries: Deliveries,
    settings: Settings,
    ledger: Ledger,
}

impl Wired {
    async fn new() -> Self {
        static STACK: OnceCell<(emulator::Account, emulator::Stack)> = OnceCell::const_new();
        let deploy = || async {
            let account = emulator::shared().await.unwrap().test_account().unwrap();
            let deployment = emulator::Deployment::new("tables").parameter("MailFrom", "shop@acme.example");
            let stack = deployment.deploy_data(&account).await.unwrap();
            (account, stack)
        };
        let (account, stack) = STACK.get_or_init(deploy).await;
        let client = aws_sdk_dynamodb::Client::new(&account.sdk_config());
        let name = |output: &str| stack.output(output).unwrap().to_owned();
        let tables = Tables {
            links: name("LinksTable"),
            carts: name("CartsTable"),
            deliveries: name("DeliveriesTable"),
            settings: name("SettingsTable"),
        };
        Self {
            links: Links::new(client.clone(), &tables.links),
            linking: Linking::new(client.clone(), &tables.links, &tables.carts),
            carts: Carts::new(client.clone(), &tables.carts),
            catalog: Catalog::new(client.clone(), name("CatalogTable")),
            deliveries: Deliveries::new(client.clone(), &tables.deliveries),
            settings: Settings::new(client.clone(), &tables.settings),
            ledger: Ledger::new(client.clone(), name("LedgerTable")),
            client,
            tables,
        }
    }

    fn decider(&self) -> Decider {
        let products = Products::new(self.catalog.clone(), Duration::from_secs(60), 10);
        Decider::new(self.carts.clone(), self.links.clone(), Arc::new(products), self.ledger.clone())
    }
}

fn account(user: &str) -> Account {
    Account::new("x".into(), user.into())
}

fn post_ref(id: &str) -> PostRef {
    PostRef { network: "x".into(), id: id.into() }
}

fn mug() -> ProductRef {
    ProductRef { marketplace: "us".into(), product: "mug".into(), variant: None }
}

fn add(quantity: Option<u32>) -> Action {
    Action::Add { product: mug(), quantity, options: Vec::new() }
}

fn commands(user: &str, post: &str, at: Timestamp, actions: Vec<Action>) -> PostCommands {
    let lines = actions.into_iter().zip(1..);
    PostCommands {
        post: PostHead {
            network: "x".into(),
            bot: "acme".into(),
            id: post.into(),
            url: None,
            author: Author { id: user.into(), handle: None },
            mentions_us: true,
            created_at: at,
            first_seen: NOW,
            lang: None,
            visibility: Visibility::Public,
        },
        shopper: Shopper::Account { network: "x".into(), user: user.into() },
        as_of: at,
        step: 0,
        source: Source::default(),
        lines: lines.map(|(action, line)| CommandLine { line, marketplace: "us".into(), action }).collect(),
    }
}

fn person(name: &str) -> Person {
    Person {
        email: format!("{name}@shopper.example"),
        email_hash: format!("hash-of-{name}"),
        lang: Lang::parse("en"),
        candidate: CustomerId::new(format!("customer-{name}")),
        at: NOW,
    }
}

fn new_link(user: &str, name: &str) -> NewLink {
    NewLink { account: account(user), handle: Some(user.to_owned()), person: person(name) }
}

fn mug_item() -> Item {
    Item { marketplace: "us".into(), product: "mug".into(), variant: "mug".into() }
}

fn entry(post: &str, at: Timestamp, quantity: u32) -> Entry {
    let key = CommandKey { network: "x".into(), post: post.into(), line: 1, step: 0 };
    Entry {
        stamp: Stamp::new(at, &key),
        key,
        effect: Effect::Add { item: mug_item(), quantity: Some(quantity) },
        told: LineOutcome {
            line: 1,
            marketplace: "us".into(),
            product: None,
            outcome: Outcome::Added { quantity },
        },
        decided_at: at,
        source: Source::default(),
    }
}

// ---------------------------------------------------------------- links

#[tokio::test]
async fn commands_wait_for_a_link_and_run_once_there_is_one() {
    let wired = Wired::new().await;
    let (alice, post) = (account("park-1"), commands("park-1", "p1", NOW, vec![add(None)]));
    let until = NOW.plus(DAY * 30);
    let park = || wired.links.park(&alice, &post, until, 10, NOW);
    assert_eq!(park().await.unwrap(), Parked::Parked);
    assert_eq!(park().await.unwrap(), Parked::AlreadyParked);
    assert_eq!(wired.links.parked(&alice, NOW).await.unwrap(), std::slice::from_ref(&post));
    assert_eq!(wired.links.parked(&alice, until).await.unwrap(), [], "what has expired isn't there");

    let linked = wired.linking.link(&new_link("park-1", "park-1")).await.unwrap();
    assert_eq!(park().await.unwrap(), Parked::Linked(linked.customer));
    wired.links.unpark(&alice, &post).await.unwrap();
    assert_eq!(wired.links.parked(&alice, NOW).await.unwrap(), []);
}

#[tokio::test]
async fn an_account_parks_so_many_posts_an_hour() {
    let wired = Wired::new().await;
    let bob = account("park-2");
    let until = NOW.plus(DAY);
    let park = |id: &'static str, now| {
        let (wired, bob) = (&wired, &bob);
        async move {
            let post = commands("park-2", id, NOW, vec![add(None)]);
            wired.links.park(bob, &post, until, 2, now).await.unwrap()
        }
    };
    assert_eq!(park("1", NOW).await, Parked::Parked);
    assert_eq!(park("2", NOW).await, Parked::Parked);
    assert_eq!(park("3", NOW).await, Parked::RateLimited);
    assert_eq!(park("2", NOW).await, Parked::AlreadyParked, "the same post is no further one");
    assert_eq!(park("3", NOW.plus(HOUR)).await, Parked::Parked);
}

#[tokio::test]
async fn nothing_is_lost_between_parking_and_linking() {
    let wired = Wired::new().await;
    for round in 0..25 {
        let user = format!("race-{round}");
        let (bob, post) = (account(&user), commands(&user, "p", NOW, vec![add(None)]));
        let parking = async {
            // Each round starts to park at another moment of the linking.
            for _ in 0..round % 7 {
                wired.links.stopped(&bob).await.unwrap();
            }
            wired.links.park(&bob, &post, NOW.plus(DAY), 10, NOW).await
        };
        let releasing = async {
            wired.linking.link(&new_link(&user, &user)).await.unwrap();
            wired.links.parked(&bob, NOW).await.unwrap()
        };
        let (parked, released) = join(parking, releasing).await;
        match parked.unwrap() {
            Parked::Parked => assert_eq!(released, [post], "parked, so whoever links releases it"),
            Parked::Linked(_) => assert_eq!(released, [], "not parked, so it runs at once"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn the_last_word_about_answers_stands_in_any_order() {
    let wired = Wired::new().await;
    let carol = account("stop-1");
    let stamp = |seconds, post: &str| {
        let key = CommandKey { network: "x".into(), post: post.into(), line: 1, step: 0 };
        Stamp::new(NOW.plus(Duration::from_secs(seconds)), &key)
    };
    assert!(!wired.links.stopped(&carol).await.unwrap());
    let set = |stopped, stamp: Stamp| {
        let (wired, carol) = (&wired, &carol);
        async move { wired.links.set_stop(carol, stopped, &stamp).await.unwrap() }
    };
    assert_eq!(set(true, stamp(10, "a")).await, StopSet::Set);
    assert_eq!(set(true, stamp(10, "a")).await, StopSet::Set, "the same word again");
    assert_eq!(set(false, stamp(5, "b")).await, StopSet::Later);
    assert!(wired.links.stopped(&carol).await.unwrap());
    assert_eq!(set(false, stamp(20, "c")).await, StopSet::Set);
    assert!(!wired.links.stopped(&carol).await.unwrap());
}

#[tokio::test]
async fn a_prompt_goes_out_once_a_week() {
    let wired = Wired::new().await;
    let dave = account("prompt-1");
    let week = DAY * 7;
    let claim = |post: &'static str, now| {
        let (wired, dave) = (&wired, &dave);
        async move { wired.links.claim_prompt(dave, &post_ref(post), now, week).await.unwrap() }
    };
    assert!(claim("1", NOW).await);
    assert!(claim("1", NOW.plus(HOUR)).await, "a repeated notice says the same again");
    assert!(!claim("2", NOW.plus(DAY * 6)).await);
    assert!(claim("3", NOW.plus(DAY * 8)).await);
}

#[tokio::test]
async fn what_is_counted_is_a_set_of_keys() {
    let wired = Wired::new().await;
    let admit = |key: &'static str, now| {
        let links = wired.links.clone();
        async move { links.admit("email#count", key, 2, now).await.unwrap() }
    };
    let all = join_all(["a", "b", "a", "b", "a"].map(|key| admit(key, NOW))).await;
    assert_eq!(all, [true; 5]);
    assert!(!admit("c", NOW).await);
    assert!(admit("c", NOW.plus(HOUR)).await);
}

#[tokio::test]
async fn sessions_end_when_they_say_so() {
    let wired = Wired::new().await;
    let session = Session { customer: "c".into(), csrf: "token".to_owned(), expires_at: NOW.plus(HOUR) };
    wired.links.open_session("s1", &session).await.unwrap();
    assert_eq!(wired.links.session("s1", NOW).await.unwrap(), Some(session));
    assert_eq!(wired.links.session("s1", NOW.plus(HOUR)).await.unwrap(), None, "before TTL deletes it");
    wired.links.close_session("s1").await.unwrap();
    assert_eq!(wired.links.session("s1", NOW).await.unwrap(), None);
}

#[tokio::test]
async fn a_one_time_value_is_taken_by_one() {
    let wired = Wired::new().await;
    let once = Once {
        purpose: "confirm".to_owned(),
        payload: serde_json::json!({"user": "alice"}),
        expires_at: NOW.plus(HOUR),
    };
    wired.links.put_once("o1", &once).await.unwrap();
    let peek = |purpose| wired.links.peek_once("o1", purpose, NOW);
    assert_eq!(peek("confirm").await.unwrap(), Some(once.clone()));
    assert_eq!(peek("confirm").await.unwrap(), Some(once.clone()), "looking takes nothing");
    assert_eq!(peek("sign-in").await.unwrap(), None);
    let take = |purpose, by, now| wired.links.take_once("o1", purpose, by, now);
    assert_eq!(take("sign-in", "me", NOW).await.unwrap(), None);
    assert_eq!(take("confirm", "me", NOW.plus(HOUR)).await.unwrap(), None);

    let takers: Vec<String> = (0..20).map(|n| format!("taker-{n}")).collect();
    let taken = join_all(takers.iter().map(|by| take("confirm", by, NOW))).await;
    let winners: Vec<&String> = takers
        .iter()
        .zip(&taken)
        .filter_map(|(by, taken)| taken.as_ref().unwrap().is_some().then_some(by))
        .collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(take("confirm", winners[0], NOW).await.unwrap(), Some(once), "its repetition");
    assert_eq!(peek("confirm").await.unwrap(), None);
}

#[tokio::test]
async fn one_of_many_comes_first_and_may_come_again() {
    let wired = Wired::new().await;
    let come = |by, now: Timestamp| wired.links.come_first("s1", by, NOW.plus(HOUR), now);
    let came = join_all(["a", "b", "c", "d"].map(|by| come(by, NOW))).await;
    assert_eq!(came.iter().filter(|first| *first.as_ref().unwrap()).count(), 1);
    let first = ["a", "b", "c", "d"][came.iter().position(|first| *first.as_ref().unwrap()).unwrap()];
    assert!(come(first, NOW).await.unwrap(), "its repetition");
    assert!(!come("e", NOW).await.unwrap());
    assert!(come("e", NOW.plus(HOUR)).await.unwrap(), "it has run out");
}

// ---------------------------------------------------------------- linking

#[tokio::test]
async fn linking_makes_finds_and_moves() {
    let wired = Wired::new().await;
    let first = wired.linking.link(&new_link("l-1", "lena")).await.unwrap();
    assert_eq!(first, Linked { customer: "customer-lena".into(), new_customer: true, moved_from: None });
    let again = wired.linking.link(&new_link("l-1", "lena")).await.unwrap();
    assert_eq!(again, Linked { new_customer: false, ..first.clone() });
    let second = wired.linking.link(&new_link("l-2", "lena")).await.unwrap();
    assert_eq!(second, Linked { new_customer: false, ..first });

    let record = wired.carts.read(&"customer-lena".into()).await.unwrap();
    let accounts: Vec<&Account> = record.accounts.iter().map(|linked| &linked.account).collect();
    assert_eq!(accounts, [&account("l-1"), &account("l-2")]);
    let profile = record.profile.unwrap();
    assert_eq!(
        (profile.email.as_str(), profile.replies, profile.mails),
        ("lena@shopper.example", true, true)
    );
    assert_eq!(profile.created_at, NOW);

    let moved = wired.linking.link(&new_link("l-1", "mona")).await.unwrap();
    assert_eq!(moved.moved_from, Some("customer-lena".into()));
    assert_eq!(wired.carts.read(&"customer-lena".into()).await.unwrap().accounts.len(), 1);
    assert_eq!(wired.carts.read(&"customer-mona".into()).await.unwrap().accounts.len(), 1);
    assert_eq!(wired.links.link(&account("l-1")).await.unwrap().unwrap().customer.as_str(), "customer-mona");
}

#[tokio::test]
async fn many_links_of_one_new_address_make_one_customer() {
    let wired = Wired::new().await;
    let wanted: Vec<NewLink> = (0..8)
        .map(|n| {
            let mut wanted = new_link(&format!("many-{n}"), "many");
            wanted.person.candidate = CustomerId::new(format!("candidate-{n}"));
            wanted
        })
        .collect();
    let linked = join_all(wanted.iter().map(|wanted| wired.linking.link(wanted))).await;
    let linked: Vec<Linked> = linked.into_iter().map(Result::unwrap).collect();
    assert_eq!(linked.iter().filter(|linked| linked.new_customer).count(), 1);
    assert!(linked.iter().all(|one| one.customer == linked[0].customer));
    let record = wired.carts.read(&linked[0].customer).await.unwrap();
    assert_eq!(record.accounts.len(), 8);
}

#[tokio::test]
async fn unlinking_revoking_and_registering() {
    let wired = Wired::new().await;
    let linked = wired.linking.link(&new_link("u-1", "uma")).await.unwrap();
    assert!(!wired.linking.unlink(&"somebody-else".into(), &account("u-1")).await.unwrap());
    assert!(wired.linking.unlink(&linked.customer, &account("u-1")).await.unwrap());
    assert!(!wired.linking.unlink(&linked.customer, &account("u-1")).await.unwrap());
    assert_eq!(wired.links.link(&account("u-1")).await.unwrap(), None);
    assert_eq!(wired.carts.read(&linked.customer).await.unwrap().accounts, []);

    wired.linking.link(&new_link("u-1", "uma")).await.unwrap();
    assert_eq!(wired.linking.revoke(&account("u-1")).await.unwrap(), Some(linked.customer.clone()));
    assert_eq!(wired.linking.revoke(&account("u-1")).await.unwrap(), None);

    assert_eq!(wired.linking.register(&person("uma")).await.unwrap(), (linked.customer, false));
    let (new, is_new) = wired.linking.register(&person("vera")).await.unwrap();
    assert!(is_new);
    assert_eq!(wired.links.customer_of_email("hash-of-vera").await.unwrap(), Some(new));
}

#[tokio::test]
async fn a_customer_who_wants_to_be_forgotten_is() {
    let wired = Wired::new().await;
    let early = commands("f-1", "early", NOW, vec![add(None)]);
    wired.links.park(&account("f-1"), &early, NOW.plus(DAY), 10, NOW).await.unwrap();
    let linked = wired.linking.link(&new_link("f-1", "fay")).await.unwrap();
    let stamp = entry("f", NOW, 1).stamp;
    wired.links.set_stop(&account("f-1"), true, &stamp).await.unwrap();
    for n in 0..3 {
        wired.carts.put_entry(&linked.customer, &entry(&format!("f-{n}"), NOW, 1), None).await.unwrap();
    }
    for _ in 0..2 {
        wired.linking.erase(&linked.customer).await.unwrap();
        let record = wired.carts.read(&linked.customer).await.unwrap();
        assert_eq!((record.profile, record.accounts.len(), record.entries.len()), (None, 0, 0));
    }
    assert_eq!(wired.links.customer_of_email("hash-of-fay").await.unwrap(), None);
    assert_eq!(wired.links.link(&account("f-1")).await.unwrap(), None);
    assert_eq!(wired.links.parked(&account("f-1"), NOW).await.unwrap(), []);
    assert!(wired.links.stopped(&account("f-1")).await.unwrap(), "who wants no answers gets none");
}

// ---------------------------------------------------------------- carts

#[tokio::test]
async fn of_fifty_decisions_on_one_command_exactly_one_stands() {
    let wired = Wired::new().await;
    let customer = CustomerId::new("fifty");
    let candidates: Vec<Entry> = (1..=50).map(|quantity| entry("p", NOW, quantity)).collect();
    let puts = candidates.iter().map(|entry| wired.carts.put_entry(&customer, entry, None));
    let decided: Vec<Decided> = join_all(puts).await.into_iter().map(Result::unwrap).collect();
    let first: Vec<usize> = (0..50).filter(|n| decided[*n] == Decided::First).collect();
    assert_eq!(first.len(), 1);
    let winner = &candidates[first[0]];
    let earlier = Decided::Earlier(Box::new(winner.clone()));
    assert_eq!(decided.iter().filter(|one| **one == earlier).count(), 49);
    assert_eq!(wired.carts.read(&customer).await.unwrap().entries, std::slice::from_ref(winner));
}

#[tokio::test]
async fn a_decision_and_its_credit_are_written_together() {
    let wired = Wired::new().await;
    let customer = CustomerId::new("credit");
    let entry = entry("credit", NOW, 2);
    let row = Row {
        marketplace: "credit-us".into(),
        event: Event::Added,
        key: entry.key.clone(),
        at: NOW,
        product: Some("mug".into()),
        source: Source { campaign: Some("spring".into()), ..Source::default() },
        quantity: Some(2),
    };
    let put = || wired.carts.put_entry(&customer, &entry, Some((&wired.ledger, &row)));
    assert_eq!(put().await.unwrap(), Decided::First);
    assert_eq!(put().await.unwrap(), Decided::Earlier(Box::new(entry.clone())));
    wired.ledger.record(&row).await.unwrap();
    assert_eq!(wired.ledger.day(&"credit-us".into(), &day(NOW)).await.unwrap(), [row]);
}

#[tokio::test]
async fn preferences_and_suppression() {
    let wired = Wired::new().await;
    let customer = wired.linking.link(&new_link("pref", "pref")).await.unwrap().customer;
    let wanted = Preferences { replies: Some(false), lang: Lang::parse("de"), mails: None };
    wired.carts.set_preferences(&customer, &wanted).await.unwrap();
    let profile = wired.carts.profile(&customer).await.unwrap().unwrap();
    assert_eq!((profile.replies, profile.mails, profile.lang), (false, true, Lang::parse("de")));
    wired.carts.set_preferences(&customer, &Preferences::default()).await.unwrap();

    wired.carts.set_preferences(&"nobody".into(), &wanted).await.unwrap();
    assert_eq!(wired.carts.profile(&"nobody".into()).await.unwrap(), None, "no half profile");

    wired.carts.suppress(&customer, SuppressionReason::Bounce, NOW).await.unwrap();
    let suppressed = wired.carts.read(&customer).await.unwrap().suppressed.unwrap();
    assert_eq!((suppressed.reason, suppressed.at), (SuppressionReason::Bounce, NOW));
    wired.carts.unsuppress(&customer).await.unwrap();
    assert_eq!(wired.carts.read(&customer).await.unwrap().suppressed, None);
}

/// A cart of more than a megabyte is read in pages and compacted in several transactions.
#[tokio::test]
async fn a_long_cart_is_read_whole_and_compacted_into_the_same_cart() {
    let wired = Wired::new().await;
    let customer = CustomerId::new("long");
    let padded = |n: u32| {
        let mut entry = entry(&n.to_string(), NOW.minus(DAY * (400 - n)), n);
        entry.told.product = Some(ProductBrief {
            product: mug(),
            title: "x".repeat(4000),
            options: String::new(),
            link: String::new(),
            image_link: None,
            price: Money::parse("1 USD").unwrap(),
            price_exposure: PriceExposure::Anywhere,
            sensitive: false,
        });
        entry
    };
    let entries: Vec<Entry> = (0..300).map(padded).collect();
    for chunk in entries.chunks(25) {
        let puts = chunk.iter().map(|entry| wired.carts.put_entry(&customer, entry, None));
        join_all(puts).await.into_iter().for_each(|put| assert_eq!(put.unwrap(), Decided::First));
    }
    let record = wired.carts.read(&customer).await.unwrap();
    assert_eq!(record.entries.len(), 300);
    let cart = record.cart();
    assert_eq!(cart.quantity(&mug_item()), 299);

    let horizon = Stamp::horizon(NOW.minus(DAY * 120));
    let twice =
        join(wired.carts.compact(&record, horizon.clone()), wired.carts.compact(&record, horizon.clone()));
    let (one, other) = twice.await;
    assert!(one.unwrap() ^ other.unwrap(), "one of two does it");
    let compacted = wired.carts.read(&customer).await.unwrap();
    assert_eq!(compacted.entries.len(), 20);
    assert_eq!(compacted.base.as_ref().unwrap().horizon, horizon);
    assert_eq!(compacted.cart(), cart);
    let later = |days| wired.carts.compact(&compacted, Stamp::horizon(NOW.minus(DAY * days)));
    let (one, other) = join(later(110), later(105)).await;
    assert!(one.unwrap() ^ other.unwrap(), "nor do two build on the same base");
    assert_eq!(wired.carts.read(&customer).await.unwrap().cart(), cart);
}

#[tokio::test]
async fn an_item_of_a_later_version_and_a_missing_table_are_worth_another_try() {
    use aws_sdk_dynamodb::types::AttributeValue;
    let wired = Wired::new().await;
    let put = wired.client.put_item().table_name(&wired.tables.carts);
    let put = put
        .item("pk", AttributeValue::S("future".to_owned()))
        .item("sk", AttributeValue::S("CMD#x#1#1#0".to_owned()))
        .item("v", AttributeValue::N("2".to_owned()))
        .item("body", AttributeValue::S("{}".to_owned()));
    put.send().await.unwrap();
    let error = wired.carts.read(&"future".into()).await.unwrap_err();
    assert!(matches!(error, StoreError::Version { found: 2, .. }) && error.retryable(), "{error}");
    let clash = CommandKey { network: "x".into(), post: "1".into(), line: 1, step: 0 };
    let clashing = Entry { key: clash, ..entry("1", NOW, 1) };
    let error = wired.carts.put_entry(&"future".into(), &clashing, None).await.unwrap_err();
    assert!(matches!(error, StoreError::Version { found: 2, .. }), "{error}");

    let nowhere = Carts::new(wired.client.clone(), "no-such-table");
    let error = nowhere.read(&"c".into()).await.unwrap_err();
    assert!(matches!(error, StoreError::Request { fault: Fault::Setup, .. }), "{error:?}");
    assert!(error.retryable());
}

// ---------------------------------------------------------------- deliveries

fn done(id: &str) -> ChannelState {
    ChannelState::Done { id: Some(id.to_owned()) }
}

fn refused() -> ChannelState {
    ChannelState::Refused { reason: "no consent".to_owned() }
}

fn claim(action: NextAction) -> Claim {
    match action {
        NextAction::Proceed(claim) => claim,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_notice_is_claimed_done_and_found_done() {
    let wired = Wired::new().await;
    let post = post_ref("notice-1");
    let lease = Duration::from_secs(60);
    let begin = |id: &'static str, now| wired.deliveries.begin(&post, 0, id, now, lease);
    let ours = claim(begin("a", NOW).await.unwrap());
    assert_eq!((ours.attempt, &ours.reply, &ours.mail), (1, &ChannelState::Pending, &ChannelState::Pending));
    assert_eq!(begin("b", NOW).await.unwrap(), NextAction::Busy { until: NOW.plus(lease) });
    assert_eq!(begin("a", NOW).await.unwrap(), NextAction::Proceed(ours.clone()), "our lost answer");

    let finish = wired.deliveries.finish(&ours, &done("r1"), &ChannelState::Pending, NOW).await.unwrap();
    assert_eq!(finish, Finished::Recorded);
    let retry = claim(begin("c", NOW).await.unwrap());
    assert_eq!((retry.attempt, &retry.reply, &retry.mail), (2, &done("r1"), &ChannelState::Pending));
    wired.deliveries.finish(&retry, &retry.reply, &refused(), NOW).await.unwrap();
    let over = NextAction::AlreadyDone { reply: done("r1"), mail: refused() };
    assert_eq!(begin("d", NOW.plus(DAY)).await.unwrap(), over);

    let next_step = wired.deliveries.begin(&post, 1, "e", NOW, lease).await.unwrap();
    assert!(matches!(next_step, NextAction::Proceed(_)), "each step of a post is its own notice");
}

#[tokio::test]
async fn a_lapsed_lease_is_taken_over_and_its_holder_hears_of_it() {
    let wired = Wired::new().await;
    let post = post_ref("notice-2");
    let lease = Duration::from_secs(60);
    let slow = claim(wired.deliveries.begin(&post, 0, "slow", NOW, lease).await.unwrap());
    let quick = wired.deliveries.begin(&post, 0, "quick", NOW.plus(lease), lease).await.unwrap();
    assert_eq!(claim(quick).attempt, 2);
    let finish = wired.deliveries.finish(&slow, &done("1"), &done("2"), NOW.plus(lease)).await.unwrap();
    assert_eq!(finish, Finished::Lost);
}

#[tokio::test]
async fn of_thirty_who_would_answer_one_may() {
    let wired = Wired::new().await;
    let post = post_ref("notice-3");
    let ids: Vec<String> = (0..30).map(|n| n.to_string()).collect();
    let begins = ids.iter().map(|id| wired.deliveries.begin(&post, 0, id, NOW, HOUR));
    let actions: Vec<NextAction> = join_all(begins).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(actions.iter().filter(|action| matches!(action, NextAction::Proceed(_))).count(), 1);
    assert_eq!(actions.iter().filter(|action| matches!(action, NextAction::Busy { .. })).count(), 29);
}

// ---------------------------------------------------------------- settings and facts

fn storefront(brand: &str) -> Storefront {
    serde_json::from_value(serde_json::json!({
        "brand": brand,
        "marketplaces": [{
            "id": "us",
            "cart_tags": ["AcmeCart"],
            "hosts": ["acme.example"],
            "shop": {"platform": "template", "checkout_url": "https://acme.example/c?i={items}"},
            "currency": "USD",
        }],
        "networks": [{
            "id": "x",
            "name": "X",
            "bot_handle": "acme",
            "bot_id": "1",
            "kind": "x",
        }],
    }))
    .unwrap()
}

#[tokio::test]
async fn the_storefront_is_pushed_by_version() {
    let wired = Wired::new().await;
    let settings = &wired.settings;
    assert_eq!(settings.snapshot().await.unwrap(), None);
    let (one, two) = (storefront("One"), storefront("Two"));
    assert_eq!(settings.push(&one, None, NOW).await.unwrap(), Pushed::Version(1));
    assert_eq!(settings.push(&two, None, NOW).await.unwrap(), Pushed::Conflict { current: Some(1) });
    let pushes = join(settings.push(&two, Some(1), NOW), settings.push(&two, Some(1), NOW)).await;
    let pushed = [pushes.0.unwrap(), pushes.1.unwrap()];
    assert!(pushed.contains(&Pushed::Version(2)) && pushed.contains(&Pushed::Conflict { current: Some(2) }));
    assert_eq!(settings.current().await.unwrap().unwrap().value, two);
    assert_eq!(settings.version(1).await.unwrap().unwrap().value, one);
    assert_eq!(settings.version(3).await.unwrap(), None);
    assert_eq!(settings.versions().await.unwrap(), [(1, NOW), (2, NOW)]);

    let snapshot = settings.snapshot().await.unwrap().unwrap();
    assert_eq!(snapshot.pause(&"x".into()), Pause::default());
    settings.pause(&"x".into(), Pause { reply: true, ..Pause::default() }).await.unwrap();
    let snapshot = settings.snapshot().await.unwrap().unwrap();
    assert_eq!((snapshot.storefront.version, snapshot.pause(&"x".into()).reply), (2, true));

    // A later release's key: not to be ignored, and no fault of what waits for the storefront.
    let mut later = serde_json::to_value(&two).unwrap();
    later["secret_sauce"] = "hot".into();
    let body = aws_sdk_dynamodb::types::AttributeValue::S(later.to_string());
    let put =
        wired.client.update_item().table_name(&wired.tables.settings).update_expression("SET body = :body");
    let key = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    let put =
        put.key("pk", key("storefront")).key("sk", key("CURRENT")).expression_attribute_values(":body", body);
    put.send().await.unwrap();
    let error = settings.snapshot().await.unwrap_err();
    assert!(matches!(error, StoreError::Storefront { version: 2, .. }) && error.retryable(), "{error}");
    assert!(!error.to_string().contains("hot"), "{error}");
}

#[tokio::test]
async fn one_request_tells_what_a_batch_needs_to_know() {
    let wired = Wired::new().await;
    let customer = wired.linking.link(&new_link("facts-0", "facts")).await.unwrap().customer;
    wired.carts.suppress(&customer, SuppressionReason::Unsubscribed, NOW).await.unwrap();
    wired.settings.block(&account("facts-1"), NOW).await.unwrap();
    wired.links.set_stop(&account("facts-2"), true, &entry("x", NOW, 1).stamp).await.unwrap();
    wired.deliveries.mark_erased(&post_ref("facts-gone"), NOW).await.unwrap();
    assert!(wired.deliveries.erased(&post_ref("facts-gone")).await.unwrap());
    assert_eq!(wired.settings.blocked().await.unwrap(), [account("facts-1")]);

    let reader = FactReader::new(wired.client.clone(), wired.tables.clone());
    let wanted = Wanted {
        accounts: (0..80).map(|n| account(&format!("facts-{}", n % 60))).collect(),
        customers: vec![customer.clone(), "nobody".into()],
        erased: vec![post_ref("facts-gone"), post_ref("facts-there")],
    };
    let facts = reader.read(&wanted).await.unwrap();
    let of = |n: usize| &facts.accounts[&account(&format!("facts-{n}"))];
    assert_eq!(facts.accounts.len(), 60);
    assert_eq!(of(0).link.as_ref().unwrap().customer, customer);
    assert_eq!((of(1).blocked, of(2).stopped, of(3).link.is_none()), (true, true, true));
    assert!(!of(0).blocked && !of(0).stopped);
    assert_eq!(facts.customers[&customer].profile.as_ref().unwrap().email, "facts@shopper.example");
    assert_eq!(facts.customers[&customer].suppressed.unwrap().reason, SuppressionReason::Unsubscribed);
    assert_eq!(facts.customers[&CustomerId::new("nobody")].profile, None);
    assert_eq!(facts.erased.into_iter().collect::<Vec<_>>(), [post_ref("facts-gone")]);

    wired.settings.unblock(&account("facts-1")).await.unwrap();
    assert_eq!(wired.settings.blocked().await.unwrap(), []);
    assert_eq!(reader.read(&Wanted::default()).await.unwrap(), store::facts::Facts::default());
}

// ---------------------------------------------------------------- the decider

async fn shelve_mugs(catalog: &Catalog) {
    let listing = Listing {
        url: "https://acme.example/p/mug".to_owned(),
        choice: None,
        variant: Variant {
            marketplace: "us".into(),
            product: "mug".into(),
            variant: "mug".into(),
            title: "The mug".to_owned(),
            link: "https://acme.example/p/mug".to_owned(),
            image_link: None,
            options: Vec::new(),
            availability: Availability::InStock,
            availability_date: None,
            price: Money::parse("15 USD").unwrap(),
            sale: None,
            deal: false,
            digital: false,
            sensitive: false,
            restricted: false,
            price_exposure: PriceExposure::Anywhere,
            max_quantity: None,
            gtin: None,
            brand: None,
        },
    };
    let mut import = catalog.import(&"us".into(), false).await.unwrap();
    import.put(&listing).await.unwrap();
    import.settle().await.unwrap();
}

#[tokio::test]
async fn the_same_commands_end_the_same_however_often_and_however_much_at_once() {
    let wired = Wired::new().await;
    shelve_mugs(&wired.catalog).await;
    let decider = wired.decider();
    let customer = wired.linking.link(&new_link("decider-1", "decider-1")).await.unwrap().customer;
    let limits = Limits::default();
    let ten = commands("d1", "d1", NOW, vec![add(Some(2)), add(Some(3)), Action::Help]);
    let circumstances = Circumstances { now: NOW, limits: &limits, blocked: false };
    let at_once = join_all((0..10).map(|_| decider.decide(&customer, &ten, circumstances))).await;
    let at_once: Vec<_> = at_once.into_iter().map(|decision| decision.unwrap().unwrap().outcomes).collect();
    let outcomes: Vec<&Outcome> = at_once[0].lines.iter().map(|line| &line.outcome).collect();
    assert_eq!(
        outcomes,
        [&Outcome::Added { quantity: 2 }, &Outcome::QuantityChanged { from: 2, to: 3 }, &Outcome::Helped],
        "the lines of one post see each other"
    );
    assert!(at_once.iter().all(|outcomes| *outcomes == at_once[0]));

    let much_later = Circumstances { now: NOW.plus(HOUR), limits: &limits, blocked: true };
    let replay = decider.decide(&customer, &ten, much_later).await.unwrap().unwrap();
    assert_eq!(replay.outcomes, at_once[0], "what was decided stays decided");
    assert_eq!(replay.replayed, [1, 2, 3]);
    assert_eq!(replay.record.cart().quantity(&mug_item()), 3);
    assert_eq!(replay.record.cart(), wired.carts.read(&customer).await.unwrap().cart());
}

#[tokio::test]
async fn nothing_is_written_for_who_had_their_data_deleted() {
    let wired = Wired::new().await;
    shelve_mugs(&wired.catalog).await;
    let customer = wired.linking.link(&new_link("gone-1", "gone")).await.unwrap().customer;
    let limits = Limits::default();
    let circumstances = Circumstances { now: NOW, limits: &limits, blocked: false };
    let post = |id| commands("gone-1", id, NOW, vec![add(Some(2))]);
    assert!(wired.decider().decide(&customer, &post("g1"), circumstances).await.unwrap().is_some());
    wired.linking.erase(&customer).await.unwrap();
    assert_eq!(wired.decider().decide(&customer, &post("g2"), circumstances).await.unwrap(), None);
    let record = wired.carts.read(&customer).await.unwrap();
    assert!(record.entries.is_empty() && record.profile.is_none(), "{record:?}");
}

#[tokio::test]
async fn a_stop_on_the_page_is_for_all_accounts() {
    let wired = Wired::new().await;
    let customer = wired.linking.link(&new_link("quiet-1", "quiet")).await.unwrap().customer;
    wired.linking.link(&new_link("quiet-2", "quiet")).await.unwrap();
    let line = |action| vec![CommandLine { line: 1, marketplace: "us".into(), action }];
    let limits = Limits::default();
    let circumstances = Circumstances { now: NOW, limits: &limits, blocked: false };
    let edit = PostCommands::page_edit("01A", customer.clone(), NOW, line(Action::Stop));
    wired.decider().decide(&customer, &edit, circumstances).await.unwrap();
    assert!(wired.links.stopped(&account("quiet-1")).await.unwrap());
    assert!(wired.links.stopped(&account("quiet-2")).await.unwrap());

    let late = commands("quiet-1", "late", NOW.minus(HOUR), vec![Action::Start]);
    let decision = wired.decider().decide(&customer, &late, circumstances).await.unwrap().unwrap();
    assert_eq!(decision.outcomes.lines[0].outcome, Outcome::Superseded);
    assert!(wired.links.stopped(&account("quiet-1")).await.unwrap());
}

#[tokio::test]
async fn who_brought_a_product_gets_the_credit_for_its_purchase() {
    let wired = Wired::new().await;
    shelve_mugs(&wired.catalog).await;
    let customer = wired.linking.link(&new_link("decider-2", "decider-2")).await.unwrap().customer;
    let limits = Limits::default();
    let circumstances = Circumstances { now: NOW, limits: &limits, blocked: false };
    let mut post = commands("dc", "dc", NOW, vec![add(Some(2))]);
    post.source.post_author = Some(UserId::new("influencer"));
    wired.decider().decide(&customer, &post, circumstances).await.unwrap();
    let order = Action::Purchase {
        order: "o1".into(),
        product: ProductRef { variant: Some("mug".into()), ..mug() },
        quantity: 1,
    };
    let mut order = commands("dc", "order-o1", NOW.plus(HOUR), vec![order]);
    order.post.first_seen = NOW.plus(HOUR);
    order.shopper = Shopper::Customer(customer.clone());
    let later = Circumstances { now: NOW.plus(HOUR), ..circumstances };
    let decision = wired.decider().decide(&customer, &order, later).await.unwrap().unwrap();
    assert_eq!(decision.record.cart().quantity(&mug_item()), 1);
    let rows = wired.ledger.day(&"us".into(), &day(NOW)).await.unwrap();
    let mut events: Vec<(Event, PostId)> = rows
        .iter()
        .filter(|row| row.source.post_author == Some("influencer".into()))
        .map(|row| (row.event, row.key.post.clone()))
        .collect();
    events.sort_by_key(|(_, post)| post.clone());
    assert_eq!(events, [(Event::Added, "dc".into()), (Event::Purchased, "order-o1".into())]);
}

#[tokio::test]
async fn what_has_become_old_is_compacted_on_the_way() {
    let wired = Wired::new().await;
    shelve_mugs(&wired.catalog).await;
    let customer = wired.linking.link(&new_link("decider-3", "decider-3")).await.unwrap().customer;
    let then = NOW.minus(DAY * 130);
    for n in 0..60 {
        let old = entry(&format!("old-{n}"), then.plus(Duration::from_secs(n)), 4);
        wired.carts.put_entry(&customer, &old, None).await.unwrap();
    }
    let limits = Limits::default();
    let circumstances = Circumstances { now: NOW, limits: &limits, blocked: false };
    let post = commands("do", "do", NOW, vec![add(Some(5))]);
    let decision = wired.decider().decide(&customer, &post, circumstances).await.unwrap().unwrap();
    assert_eq!(decision.outcomes.lines[0].outcome, Outcome::QuantityChanged { from: 4, to: 5 });
    assert_eq!(decision.record.entries.len(), 1);
    let cart: Cart = decision.record.cart();
    assert_eq!(cart.quantity(&mug_item()), 5);
    assert_eq!(wired.carts.read(&customer).await.unwrap().cart(), cart);
}
