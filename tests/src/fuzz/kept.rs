//! What was written earlier, perhaps by another release: messages, items, the configuration.

use std::cell::RefCell;

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::{Client, Config};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use domain::cart::{Cart, Entry};
use domain::command::Stamp;
use domain::grammar::TagSet;
use domain::storefront::{Shop, Storefront};
use lambda::envelope::{Envelope, VERSION};
use serde_json::{Value, json};
use shops::links::{LinkRules, LinkTarget};
use store::carts::Carts;
use store::catalog::Catalog;
use store::deliveries::Deliveries;
use store::ledger::Ledger;
use store::links::Links;
use store::settings::Settings;
use store::{Account, StoreError};
use tokio::runtime::Runtime;

use super::{NOW, quotes_nothing, with_canary};

/// A message of a queue.
pub(super) fn envelope(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Envelope::decode(text) {
        Ok(envelope) => {
            assert!((1..=VERSION).contains(&envelope.v));
            let again = serde_json::to_string(&envelope).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(Envelope::decode(&again).ok().as_ref(), Some(&envelope));
            super::said::about(&envelope.body);
        }
        Err(error) => quotes_nothing(&error),
    }
    if let Some(Err(error)) = with_canary(text).map(|spoiled| Envelope::decode(&spoiled)) {
        quotes_nothing(&error);
    }
}

/// A `storefront.toml`, and the same as it is stored.
pub(super) fn storefront(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let local = Storefront::from_toml(text, true);
    match Storefront::from_toml(text, false) {
        Err(errors) => {
            assert!(!errors.problems().is_empty());
            let last = 1 + text.matches('\n').count();
            for problem in errors.problems() {
                assert!(problem.line.is_none_or(|line| (1..=last).contains(&line)), "{problem}");
                assert!(!problem.problem.is_empty() && !problem.problem.contains('\n'), "{problem}");
            }
        }
        Ok(storefront) => {
            assert_eq!(local.as_ref().ok(), Some(&storefront), "the stage local refuses it");
            assert!(storefront.check(false).is_empty());
            let json = serde_json::to_string(&storefront).unwrap_or_else(|error| panic!("{error}"));
            let kept: Storefront = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(kept, storefront, "stored otherwise");
            works(&storefront);
        }
    }
}

/// What passes the checks does what it was written for: its tags are found, its hosts' links are its own.
fn works(storefront: &Storefront) {
    let tags = TagSet::of(storefront);
    let rules = LinkRules::new(storefront);
    for marketplace in &storefront.marketplaces {
        for tag in marketplace.cart_tags.iter().chain(&marketplace.wish_tags) {
            assert!(tags.matches_text(&format!("a #{tag} b"), &[""; 0]), "{tag:?} is never found");
        }
        for host in &marketplace.hosts {
            let LinkTarget::Product(link) = rules.read(&format!("https://{host}/dp/B0C1234567")) else {
                panic!("links of {host:?} are not the shop's")
            };
            let first = storefront.marketplaces.iter().find(|other| other.id == link.marketplace);
            let both = [first.map(|first| &first.shop), Some(&marketplace.shop)];
            let at_amazon = both.iter().any(|shop| matches!(shop, Some(Shop::Amazon { .. })));
            assert!(at_amazon || link.marketplace == marketplace.id, "{host:?} is another's");
        }
    }
}

thread_local! {
    /// What DynamoDB answers next.
    static ANSWER: RefCell<String> = const { RefCell::new(String::new()) };
    static RUNTIME: Runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap_or_else(|error| panic!("{error}"));
    static CLIENT: Client = client();
}

/// Answers whatever is asked by [`ANSWER`].
#[derive(Clone, Debug)]
struct Answering;

impl HttpClient for Answering {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Answering {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let body = ANSWER.with_borrow(Clone::clone);
        HttpConnectorFuture::ready(Ok(HttpResponse::new(
            200_u16.try_into().unwrap_or_else(|_| panic!()),
            SdkBody::from(body),
        )))
    }
}

fn client() -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("key", "secret", None, None, "fuzz"))
        .retry_config(RetryConfig::disabled())
        .http_client(Answering);
    Client::from_conf(config.build())
}

/// An item in DynamoDB's JSON, behind a line with the name of its kind's table: read by every way in which that
/// table is read.
pub(super) fn items(data: &[u8]) {
    let Some((table, text)) = std::str::from_utf8(data).ok().and_then(|text| text.split_once('\n')) else {
        return;
    };
    for text in [Some(text.to_owned()), with_canary(text)].into_iter().flatten() {
        let Ok(item) = serde_json::from_str::<Value>(&text) else { continue };
        let answer = json!({ "Item": item, "Items": [item], "Count": 1, "Attributes": item });
        ANSWER.with_borrow_mut(|next| *next = answer.to_string());
        let client = CLIENT.with(Clone::clone);
        RUNTIME.with(|runtime| runtime.block_on(read(table, client)));
    }
}

/// The value, after its error was looked at.
fn told<T>(read: Result<T, StoreError>) -> Option<T> {
    // What the SDK itself can't read of DynamoDB's answer isn't ours to word, and a storefront's keys are the
    // operator's.
    read.inspect_err(|error| {
        if !matches!(error, StoreError::Request { .. } | StoreError::Storefront { .. }) {
            quotes_nothing(error);
        }
    })
    .ok()
}

/// Whether a decision stands under the stamp that its command has.
fn is_stamped(entry: &Entry) -> bool {
    entry.stamp == Stamp::new(entry.stamp.as_of(), &entry.key)
}

async fn read(table: &str, client: Client) {
    let account = Account::new("x".into(), "42".into());
    let hour = std::time::Duration::from_secs(3600);
    match table {
        "carts" => {
            if let Some(record) = told(Carts::new(client, table).read(&"customer-1".into()).await) {
                if !record.entries.iter().all(is_stamped) {
                    return;
                }
                let compaction = Cart::compact(record.base.as_ref(), &record.entries, Stamp::horizon(NOW));
                let left = record.entries.iter().filter(|entry| !compaction.settled.contains(&entry.key));
                assert_eq!(
                    Cart::fold(Some(&compaction.base), left),
                    record.cart(),
                    "a cart changes as it is folded"
                );
            }
        }
        "catalog" => {
            let catalog = Catalog::new(client, table);
            told(catalog.product(&"us".into(), &"tee".into()).await);
            told(catalog.find(&"us".into(), "https://acme.example/p/tee", Some("variant=tee-m")).await);
            told(catalog.imported(&"us".into()).await);
        }
        "deliveries" => {
            let post = domain::post::PostRef { network: "x".into(), id: "7".into() };
            let deliveries = Deliveries::new(client, table);
            told(deliveries.begin(&post, 0, "someone", NOW, hour).await);
            told(deliveries.read(&post).await);
            told(deliveries.erased(&post).await);
        }
        "ledger" => {
            told(Ledger::new(client, table).day(&"us".into(), "2026-11-21").await);
        }
        "links" => {
            let links = Links::new(client, table);
            told(links.link(&account).await);
            told(links.customer_of_email("hash").await);
            told(links.parked(&account, NOW).await);
            told(links.stopped(&account).await);
            told(links.session("hash", NOW).await);
            told(links.peek_once("hash", "link", NOW).await);
        }
        "settings" => {
            let settings = Settings::new(client, table);
            told(settings.current().await);
            told(settings.versions().await);
            told(settings.blocked().await);
            told(settings.snapshot().await);
        }
        _ => {}
    }
}
