//! The wire format, pinned: what travels on the queues and what lies in the carts, every variant of it, is
//! compared with files under `fixtures/wire/now`. A message that is in a queue while a new version is
//! deployed, and an entry written years ago, must still be readable: `fixtures/wire/v1` holds what version 1
//! wrote.
//!
//! `UPDATE_WIRE=1 cargo test -p tests --test wire` writes `now` anew; a change in it is a change of the
//! format, to be made so that `v1` still reads. Files of `v1` are never changed once released: what version
//! 1 may write beside them is added as a further file.

use std::collections::BTreeSet;
use std::path::PathBuf;

use domain::cart::{Base, CartLine, Effect, Entry, Item};
use domain::command::{Action, CommandKey, CommandLine, PostCommands, Shopper, Source, Stamp};
use domain::ids::{Lang, MarketplaceId, NetworkId};
use domain::money::Money;
use domain::outcome::{Candidate, LineOutcome, Outcome, PostOutcomes, ProductBrief};
use domain::post::{Author, Post, PostHead, PostRef, Related, RelatedPost, Visibility};
use domain::product::{PriceExposure, ProductRef};
use domain::time::Timestamp;
use lambda::envelope::{Envelope, Message};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const THEN: Timestamp = Timestamp::from_millis(1_763_719_200_123);

fn us() -> MarketplaceId {
    "us".into()
}

fn product() -> ProductRef {
    ProductRef { marketplace: us(), product: "tee".into(), variant: Some("tee-m".into()) }
}

fn head(visibility: Visibility) -> PostHead {
    PostHead {
        network: "x".into(),
        bot: "1500".into(),
        id: "1991234567890123456".into(),
        url: Some("https://x.com/alice/status/1991234567890123456".to_owned()),
        author: Author { id: "42".into(), handle: Some("alice".to_owned()) },
        mentions_us: true,
        created_at: THEN,
        first_seen: THEN,
        lang: Lang::parse("pt-br"),
        visibility,
    }
}

fn bare_head() -> PostHead {
    PostHead {
        network: NetworkId::new(NetworkId::PAGE),
        bot: "".into(),
        id: "01JD7Z".into(),
        url: None,
        author: Author { id: "customer-1".into(), handle: None },
        mentions_us: false,
        created_at: THEN,
        first_seen: THEN,
        lang: None,
        visibility: Visibility::Direct,
    }
}

fn source() -> Source {
    Source {
        post_url: Some("https://x.com/acme/status/1".to_owned()),
        post_author: Some("1500".into()),
        affiliate: Some("alice-21".to_owned()),
        campaign: Some("spring".into()),
    }
}

fn posts() -> Vec<Post> {
    let related = RelatedPost {
        id: "1".into(),
        author: Some("1500".into()),
        links: vec!["https://acme.example/p/tee".to_owned()],
        url: Some("https://x.com/acme/status/1".to_owned()),
    };
    let full = Post {
        head: head(Visibility::Public),
        text: "@acme #AcmeCart x2 size M ＃ＡｃｍｅＣａｒｔ 👍🏽".to_owned(),
        tags: vec!["AcmeCart".to_owned()],
        links: vec!["https://acme.example/p/tee?variant=2".to_owned()],
        parent: Some(Related::Inline(Box::new(related))),
        quoted: Some(Related::Ref("2".into())),
    };
    let visibilities = [Visibility::Unlisted, Visibility::Followers, Visibility::Direct];
    let bare = visibilities.map(|visibility| Post {
        head: PostHead { visibility, ..bare_head() },
        text: String::new(),
        tags: Vec::new(),
        links: Vec::new(),
        parent: None,
        quoted: None,
    });
    std::iter::once(full).chain(bare).collect()
}

/// The action behind another: a new variant doesn't compile until it has its place here.
fn action_after(action: Option<&Action>) -> Option<Action> {
    let (product, options) = (product(), vec!["size M".to_owned(), "red".to_owned()]);
    Some(match action {
        None => Action::Add { product, quantity: Some(2), options },
        Some(Action::Add { quantity: Some(_), .. }) => {
            let product = ProductRef { variant: None, ..product };
            Action::Add { product, quantity: None, options: Vec::new() }
        }
        Some(Action::Add { .. }) => Action::Remove { product, options },
        Some(Action::Remove { .. }) => Action::Wish { product, options },
        Some(Action::Wish { .. }) => Action::Unwish { product },
        Some(Action::Unwish { .. }) => Action::Purchase { order: "1001".into(), product, quantity: 1 },
        Some(Action::Purchase { .. }) => {
            Action::Erase { post: PostRef { network: "x".into(), id: "7".into() } }
        }
        Some(Action::Erase { .. }) => Action::Help,
        Some(Action::Help) => Action::Stop,
        Some(Action::Stop) => Action::Start,
        Some(Action::Start) => Action::Refused { refusal: Outcome::WrongMarketplace { right: "uk".into() } },
        Some(Action::Refused { .. }) => return None,
    })
}

/// The outcome behind another.
fn outcome_after(outcome: Option<&Outcome>) -> Option<Outcome> {
    let candidates =
        || vec![Candidate { product: product(), title: "Tee".to_owned(), options: "M, red".to_owned() }];
    Some(match outcome {
        None => Outcome::Added { quantity: 1 },
        Some(Outcome::Added { .. }) => Outcome::QuantityChanged { from: 1, to: 2 },
        Some(Outcome::QuantityChanged { .. }) => Outcome::AlreadyInCart { quantity: 2 },
        Some(Outcome::AlreadyInCart { .. }) => Outcome::Preordered { quantity: 1, available_on: Some(THEN) },
        Some(Outcome::Preordered { available_on: Some(_), .. }) => {
            Outcome::Preordered { quantity: 1, available_on: None }
        }
        Some(Outcome::Preordered { .. }) => Outcome::Removed,
        Some(Outcome::Removed) => Outcome::NotInCart,
        Some(Outcome::NotInCart) => Outcome::Wished,
        Some(Outcome::Wished) => Outcome::Superseded,
        Some(Outcome::Superseded) => Outcome::OutOfStock,
        Some(Outcome::OutOfStock) => Outcome::DealExcluded,
        Some(Outcome::DealExcluded) => Outcome::DigitalExcluded,
        Some(Outcome::DigitalExcluded) => Outcome::Restricted,
        Some(Outcome::Restricted) => Outcome::WrongMarketplace { right: "uk".into() },
        Some(Outcome::WrongMarketplace { .. }) => Outcome::ChooseOption { candidates: candidates() },
        Some(Outcome::ChooseOption { .. }) => Outcome::QuantityCapped { asked: 50, got: 10 },
        Some(Outcome::QuantityCapped { .. }) => Outcome::UnknownProduct,
        Some(Outcome::UnknownProduct) => Outcome::NoProductLink,
        Some(Outcome::NoProductLink) => Outcome::ParentUnavailable,
        Some(Outcome::ParentUnavailable) => Outcome::CartFull,
        Some(Outcome::CartFull) => Outcome::TooOld,
        Some(Outcome::TooOld) => Outcome::NotLinked,
        Some(Outcome::NotLinked) => Outcome::RateLimited,
        Some(Outcome::RateLimited) => Outcome::Blocked,
        Some(Outcome::Blocked) => Outcome::Helped,
        Some(Outcome::Helped) => Outcome::Stopped,
        Some(Outcome::Stopped) => Outcome::Started,
        Some(Outcome::Started) => Outcome::Purchased { quantity: 1 },
        Some(Outcome::Purchased { .. }) => Outcome::Erased,
        Some(Outcome::Erased) => return None,
    })
}

/// The effect behind another.
fn effect_after(effect: Option<&Effect>) -> Option<Effect> {
    let item = || Item { marketplace: us(), product: "tee".into(), variant: "tee-m".into() };
    let named = || (us(), "tee".into());
    Some(match effect {
        None => Effect::None,
        Some(Effect::None) => Effect::Add { item: item(), quantity: Some(2) },
        Some(Effect::Add { quantity: Some(_), .. }) => Effect::Add { item: item(), quantity: None },
        Some(Effect::Add { .. }) => {
            let (marketplace, product) = named();
            Effect::Remove { marketplace, product, variant: Some("tee-m".into()) }
        }
        Some(Effect::Remove { variant: Some(_), .. }) => {
            let (marketplace, product) = named();
            Effect::Remove { marketplace, product, variant: None }
        }
        Some(Effect::Remove { .. }) => Effect::Wish { item: item() },
        Some(Effect::Wish { .. }) => {
            let (marketplace, product) = named();
            Effect::Unwish { marketplace, product }
        }
        Some(Effect::Unwish { .. }) => Effect::Purchase { order: "1001".into(), item: item(), quantity: 1 },
        Some(Effect::Purchase { .. }) => {
            Effect::Erase { post: PostRef { network: "x".into(), id: "7#a".into() } }
        }
        Some(Effect::Erase { .. }) => return None,
    })
}

fn all<T: Clone>(next: impl Fn(Option<&T>) -> Option<T>) -> Vec<T> {
    std::iter::successors(next(None), |last| next(Some(last))).collect()
}

fn commands() -> Vec<PostCommands> {
    let lines = all(action_after).into_iter().zip(1..);
    let lines = lines.map(|(action, line)| CommandLine { line, marketplace: us(), action }).collect();
    let of_account = PostCommands {
        post: head(Visibility::Public),
        shopper: Shopper::Account { network: "x".into(), user: "42".into() },
        as_of: THEN,
        step: 1,
        source: source(),
        lines,
    };
    let help = vec![CommandLine { line: 1, marketplace: us(), action: Action::Help }];
    let of_customer = PostCommands::page_edit("01JD7Z", "customer-1".into(), THEN, help);
    vec![of_account, of_customer]
}

fn brief(price_exposure: PriceExposure) -> ProductBrief {
    ProductBrief {
        product: product(),
        title: "Tee".to_owned(),
        options: "M, red".to_owned(),
        link: "https://acme.example/p/tee?variant=2".to_owned(),
        image_link: Some("https://acme.example/tee.png".to_owned()),
        price: Money::parse("15.00 USD").unwrap(),
        price_exposure,
        sensitive: true,
    }
}

fn outcomes() -> PostOutcomes {
    let exposures = [PriceExposure::Anywhere, PriceExposure::Cart, PriceExposure::Checkout];
    let products = exposures.map(|exposure| Some(brief(exposure))).into_iter().chain(std::iter::repeat(None));
    let lines = all(outcome_after).into_iter().zip(products).zip(1..);
    let line = |((outcome, product), line)| LineOutcome { line, marketplace: us(), product, outcome };
    PostOutcomes {
        post: head(Visibility::Public),
        customer: Some("customer-1".into()),
        step: 1,
        decided_at: THEN,
        lines: lines.map(line).collect(),
    }
}

fn entries() -> Vec<Entry> {
    let entry = |(effect, line)| {
        let key = CommandKey { network: "x".into(), post: "at://did:plc:a#b".into(), line, step: 0 };
        Entry {
            stamp: Stamp::new(THEN, &key),
            key,
            effect,
            told: LineOutcome {
                line,
                marketplace: us(),
                product: Some(brief(PriceExposure::Anywhere)),
                outcome: Outcome::Added { quantity: 2 },
            },
            decided_at: THEN,
            source: source(),
        }
    };
    all(effect_after).into_iter().zip(1..).map(entry).collect()
}

fn base() -> Base {
    let line = CartLine {
        item: Item { marketplace: us(), product: "tee".into(), variant: "tee-m".into() },
        quantity: 2,
        wished: true,
        brief: Some(brief(PriceExposure::Anywhere)),
        stamp: entries()[0].stamp.clone(),
        source: source(),
    };
    Base { horizon: Stamp::horizon(THEN), lines: vec![line] }
}

fn envelope(body: Message) -> Envelope {
    let trace = "Root=1-5759e988-bd862e3fe1be46a994272793".to_owned();
    Envelope { v: 1, id: "01JD7Z8Q4E5T6Y7U8I9O0PASDF".to_owned(), at: THEN, trace, body }
}

fn fixture(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "fixtures", "wire", "now", name].iter().collect()
}

/// Writes what the file says, reads the file as what is written, and reads it with a field in every
/// object that we don't know.
fn pinned<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(name: &str, value: &T) {
    let path = fixture(name);
    let written = serde_json::to_value(value).unwrap();
    if std::env::var_os("UPDATE_WIRE").is_some() {
        std::fs::write(&path, format!("{written:#}\n")).unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut file: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(written, file, "{name}: the wire format has changed");
    assert_eq!(serde_json::from_str::<T>(&text).unwrap(), *value, "{name}");
    add_unknown_field(&mut file);
    assert_eq!(serde_json::from_value::<T>(file).unwrap(), *value, "{name} with unknown fields");
}

fn add_unknown_field(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(add_unknown_field),
        // An object of one member may be a variant's name: what a later version adds goes inside.
        Value::Object(members) => {
            members.values_mut().for_each(add_unknown_field);
            if members.len() > 1 {
                members.insert("of_a_later_version".to_owned(), json!({"a": 1}));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn queue_messages() {
    for (number, post) in posts().into_iter().enumerate() {
        pinned(&format!("post-{number}.json"), &envelope(Message::Post(Box::new(post))));
    }
    for (number, commands) in commands().into_iter().enumerate() {
        let message = Message::PostCommands(Box::new(commands));
        pinned(&format!("post-commands-{number}.json"), &envelope(message));
    }
    pinned("post-outcomes.json", &envelope(Message::PostOutcomes(Box::new(outcomes()))));
}

#[test]
fn what_lies_in_carts() {
    pinned("entries.json", &entries());
    pinned("base.json", &base());
}

/// Reads a file of version 1 and writes it again: what it said is still said. A release that writes a
/// later version compares what that says instead.
fn said_again<T: Serialize + DeserializeOwned>(file: &Value) -> Value {
    let mut with_more = file.clone();
    add_unknown_field(&mut with_more);
    let read: T = serde_json::from_value(file.clone()).unwrap();
    let read_with_more: T = serde_json::from_value(with_more).unwrap();
    let (again, with_more) =
        (serde_json::to_value(read).unwrap(), serde_json::to_value(read_with_more).unwrap());
    assert_eq!(again, with_more);
    again
}

/// What `old` has and `new` lacks or has otherwise, by its path.
fn lost(old: &Value, new: &Value, path: &str) -> Vec<String> {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            let of_member = |(name, value): (&String, &Value)| {
                let path = format!("{path}.{name}");
                new.get(name).map_or_else(|| vec![path.clone()], |new| lost(value, new, &path))
            };
            old.iter().flat_map(of_member).collect()
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            let pairs = old.iter().zip(new).enumerate();
            pairs.flat_map(|(index, (old, new))| lost(old, new, &format!("{path}[{index}]"))).collect()
        }
        _ if old == new => Vec::new(),
        _ => vec![path.to_owned()],
    }
}

#[test]
fn version_1_is_read() {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "fixtures", "wire", "v1"].iter().collect();
    let mut kinds = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let file: Value = serde_json::from_str(&text).unwrap();
        let kind = name.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '-').to_owned();
        let again = match kind.as_str() {
            "post" | "post-commands" | "post-outcomes" => {
                Envelope::decode(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
                said_again::<Envelope>(&file)
            }
            "entries" => said_again::<Vec<Entry>>(&file),
            "base" => said_again::<Base>(&file),
            _ => panic!("{name} is of no kind that is known here"),
        };
        assert_eq!(lost(&file, &again, &name), Vec::<String>::new());
        kinds.insert(kind);
    }
    assert_eq!(
        kinds,
        ["base", "entries", "post", "post-commands", "post-outcomes"].map(str::to_owned).into()
    );
}

#[test]
fn every_outcome_has_its_own_name_and_the_wire_writes_it() {
    let mut names: Vec<&str> = all(outcome_after).iter().map(Outcome::name).collect();
    names.dedup(); // two forms of `Preordered` stand side by side
    let distinct: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(distinct.len(), names.len());
    for outcome in all(outcome_after) {
        assert_eq!(serde_json::to_value(&outcome).unwrap()["outcome"], outcome.name());
    }
}

/// What a message must have is all that it needs: older writers leave out what has a default.
#[test]
fn defaults_may_be_left_out() {
    let head = json!({
        "network": "x", "bot": "1", "id": "2", "author": {"id": "3"}, "created_at": 1, "first_seen": 1,
    });
    let wrap = |body: Value| json!({"v": 1, "id": "i", "at": 1, "trace": "t", "body": body}).to_string();
    let mut post = head.clone();
    post["type"] = "Post".into();
    post["text"] = "#AcmeCart".into();
    let commands = json!({
        "type": "PostCommands",
        "post": head,
        "shopper": {"account": {"network": "x", "user": "3"}},
        "as_of": 1,
        "lines": [{
            "line": 1,
            "marketplace": "us",
            "action": "Add",
            "product": {"marketplace": "us", "product": "tee"},
        }],
    });
    let outcomes = json!({
        "type": "PostOutcomes",
        "post": head,
        "decided_at": 1,
        "lines": [{"line": 1, "marketplace": "us", "outcome": "Removed"}],
    });
    for body in [post, commands, outcomes] {
        Envelope::decode(&wrap(body)).unwrap();
    }
}
