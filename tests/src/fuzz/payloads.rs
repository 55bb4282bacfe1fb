//! What networks and SES send.

use std::sync::LazyLock;

use domain::command::CommandKey;
use domain::grammar::TagSet;
use domain::ids::NetworkId;
use domain::post::{NetworkEvent, Post};
use domain::storefront::NetworkConfig;
use lambda::batch::Decode as _;
use lambda::envelope::{Envelope, Message};
use networks::{AnyNetwork, Http, Network as _, Reach};
use notify::Report;

use super::{CANARY, NOW, STOREFRONT, quotes_nothing, with_canary};

/// A network of the storefront.
fn network(id: &str) -> AnyNetwork {
    let config: Option<&NetworkConfig> = STOREFRONT.network(&NetworkId::new(id));
    let config = config.unwrap_or_else(|| panic!("the storefront has no network {id}"));
    AnyNetwork::with_secrets_from(config, |_| Vec::new(), &Http::new(Reach::Public, || NOW))
}

static GENERIC: LazyLock<AnyNetwork> = LazyLock::new(|| network("generic"));
static X: LazyLock<AnyNetwork> = LazyLock::new(|| network("x"));
pub(super) static TAGS: LazyLock<TagSet> = LazyLock::new(|| TagSet::of(&STOREFRONT));

/// A payload of the generic network.
pub(super) fn generic(data: &[u8]) {
    payload(&GENERIC, data);
}

/// A payload of X.
pub(super) fn x(data: &[u8]) {
    payload(&X, data);
}

fn payload(network: &AnyNetwork, data: &[u8]) {
    match network.parse(data, NOW) {
        Ok(events) => events.iter().for_each(|event| event_holds(network, event)),
        Err(error) => quotes_nothing(&error),
    }
    let spoiled = std::str::from_utf8(data).ok().and_then(with_canary);
    if let Some(Err(error)) = spoiled.map(|spoiled| network.parse(spoiled.as_bytes(), NOW)) {
        quotes_nothing(&error);
    }
}

fn event_holds(network: &AnyNetwork, event: &NetworkEvent) {
    match event {
        NetworkEvent::Posted(post) => post_holds(network, post),
        NetworkEvent::Deleted { post, author, at } => {
            assert_eq!(post.network, *network.id());
            is_id(post.id.as_str());
            is_id(author.as_str());
            assert!(*at <= NOW, "deleted in the future");
        }
        NetworkEvent::Revoked { user } => is_id(user.as_str()),
        NetworkEvent::Ignored(name) => is_plain(name),
    }
}

fn post_holds(network: &AnyNetwork, post: &Post) {
    let head = &post.head;
    assert_eq!(head.network, *network.id());
    is_id(head.id.as_str());
    is_id(head.author.id.as_str());
    assert!(head.author.id != head.bot, "our own post comes through");
    assert!(head.created_at <= head.first_seen && head.first_seen == NOW, "written in the future");
    let key = CommandKey { network: head.network.clone(), post: head.id.clone(), line: 1, step: 2 };
    assert_eq!(CommandKey::parse(&key.to_string()), Some(key));
    travels(Message::Post(Box::new(post.clone())));
    super::posts::reads_the_same(&TAGS, post);
}

/// What goes onto a queue comes off it the same.
pub(super) fn travels(message: Message) {
    let sent = Envelope::new(message, NOW, None);
    let body = serde_json::to_string(&sent).unwrap_or_else(|error| panic!("can't be sent: {error}"));
    let got = Envelope::decode(&body).unwrap_or_else(|error| panic!("can't be read back: {error}"));
    assert_eq!(sent, got);
}

/// Ids become parts of keys.
fn is_id(id: &str) {
    assert!((1..=256).contains(&id.len()), "an id of {} bytes", id.len());
    assert!(!id.chars().any(|c| c.is_control() || c.is_whitespace()), "an id with spaces: {id:?}");
}

/// Names of what we don't act on are logged and counted.
fn is_plain(name: &str) {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    assert!((1..=70).contains(&name.len()) && name.bytes().all(plain), "{name:?}");
}

/// A report of SES, bare or from SNS.
pub(super) fn feedback(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for body in [Some(text.to_owned()), with_canary(text)].into_iter().flatten() {
        match Report::decode(&body) {
            Ok(Report::Passing(name)) => is_plain(&name),
            Ok(report) => assert!(!format!("{report:?}").contains(CANARY), "a report prints an address"),
            Err(error) => quotes_nothing(&error),
        }
    }
}
