//! Every documented shape of payload, read into events. The fixtures are made by us.

use domain::post::{NetworkEvent, Post, Related, RelatedPost, Visibility};
use domain::time::Timestamp;
use networks::{AnyNetwork, Network as _};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{NOW, generic, nowhere, x};

/// An event as the tables below write it.
fn told(event: &NetworkEvent) -> Value {
    match event {
        NetworkEvent::Posted(post) => told_post(post),
        NetworkEvent::Deleted { post, author, at } => {
            json!({"deleted": post.to_string(), "author": author.as_str(), "at": at.to_string()})
        }
        NetworkEvent::Revoked { user } => json!({"revoked": user.as_str()}),
        NetworkEvent::Ignored(name) => json!({"ignored": name}),
    }
}

fn told_post(post: &Post) -> Value {
    let head = &post.head;
    let mut told = json!({
        "post": head.post_ref().to_string(),
        "author": head.author.id.as_str(),
        "at": head.created_at.to_string(),
        "text": post.text,
        "tags": post.tags,
        "mentions_us": head.mentions_us,
    });
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            told[name] = value;
        }
    };
    add("handle", head.author.handle.clone().map(Value::from));
    add("url", head.url.clone().map(Value::from));
    add("lang", head.lang.as_ref().map(|lang| lang.as_str().into()));
    add("links", (!post.links.is_empty()).then(|| json!(post.links)));
    add("parent", post.parent.as_ref().map(told_related));
    add("quoted", post.quoted.as_ref().map(told_related));
    add("visibility", (head.visibility != Visibility::Public).then(|| json!(head.visibility)));
    told
}

fn told_related(related: &Related) -> Value {
    match related {
        Related::Ref(id) => id.as_str().into(),
        Related::Inline(post) => {
            let RelatedPost { id, author, links, url } = post.as_ref();
            json!({"id": id.as_str(), "author": author.as_ref().map(|a| a.as_str()), "links": links, "url": url})
        }
    }
}

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/../../tests/fixtures/networks/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn check(network: &AnyNetwork, table: &[(&str, Value)]) {
    for (name, expected) in table {
        let events = network.parse(&fixture(name), NOW).unwrap_or_else(|error| panic!("{name}: {error}"));
        let events: Vec<Value> = events.iter().map(told).collect();
        let expected = if expected.is_array() { expected.clone() } else { json!([expected]) };
        assert_eq!(Value::from(events), expected, "{name}");
    }
}

#[test]
fn x_activity() {
    let long = format!("@acme {}#AcmeCart", "I have been looking for one like this for years. ".repeat(6));
    check(
        &x(&nowhere()),
        &[
            (
                "x/activity_mention.json",
                json!({
                    "post": "x#2123710439224246279", "author": "2600000000000000002",
                    "handle": "alice_shops", "at": "2026-11-20T09:30:00.000Z", "lang": "en",
                    "url": "https://x.com/alice_shops/status/2123710439224246279",
                    "text": "Need this 😍 @acme #AcmeCart x2 & thanks", "tags": ["AcmeCart"],
                    "mentions_us": true,
                }),
            ),
            (
                "x/activity_reply.json",
                json!({
                    "post": "x#2123710447612854279", "author": "2600000000000000002",
                    "handle": "alice_shops", "at": "2026-11-20T09:30:02.000Z", "lang": "en",
                    "url": "https://x.com/alice_shops/status/2123710447612854279",
                    "text": "@acme #AcmeCart size M", "tags": ["AcmeCart"], "mentions_us": true,
                    "parent": {
                        "id": "2123710443418550279", "author": "3700000000000000003",
                        "links": ["https://shop.acme.example/p/mug?utm_source=x"],
                        "url": "https://x.com/i/status/2123710443418550279",
                    },
                }),
            ),
            (
                "x/activity_reply_without_consent.json",
                json!({
                    "post": "x#2123710456001462279", "author": "2600000000000000002",
                    "at": "2026-11-20T09:30:04.000Z",
                    "url": "https://x.com/i/status/2123710456001462279",
                    "text": "#AcmeCart", "tags": ["AcmeCart"], "mentions_us": false,
                    "parent": "2123710451807158279",
                }),
            ),
            (
                "x/activity_long_post_newer_names.json",
                json!({
                    "post": "x#2123710464390070279", "author": "2600000000000000002",
                    "handle": "alice_shops", "at": "2026-11-20T09:30:06.000Z", "lang": "en",
                    "url": "https://x.com/alice_shops/status/2123710464390070279",
                    "text": long, "tags": ["AcmeCart"], "mentions_us": true,
                    "parent": {
                        "id": "2123710460195766279", "author": "3700000000000000003",
                        "links": ["https://shop.acme.example/p/teapot"],
                        "url": "https://x.com/i/status/2123710460195766279",
                    },
                }),
            ),
            (
                "x/activity_quote.json",
                json!({
                    "post": "x#2123710472778678279", "author": "2600000000000000002",
                    "handle": "alice_shops", "at": "2026-11-20T09:30:08.000Z", "lang": "en",
                    "url": "https://x.com/alice_shops/status/2123710472778678279",
                    "text": "Two of these please #AcmeCart x2", "tags": ["AcmeCart"], "mentions_us": true,
                    "quoted": "2123710468584374279",
                }),
            ),
            ("x/activity_repost.json", json!({"ignored": "repost"})),
            ("x/activity_repost_event.json", json!({"ignored": "post.repost.create"})),
            ("x/activity_own_post.json", json!({"ignored": "own_post"})),
            (
                "x/activity_delete.json",
                json!({
                    "deleted": "x#2123710439224246279", "author": "2600000000000000002",
                    "at": "2026-11-20T12:00:00.000Z",
                }),
            ),
            ("x/activity_revoke.json", json!({"revoked": "2600000000000000002"})),
            ("x/activity_like.json", json!({"ignored": "like.create"})),
            ("x/replay_job_status.json", json!({"ignored": "replay_job_status"})),
        ],
    );
}

#[test]
fn x_account_activity() {
    let wish = "I really want this one. ".repeat(11);
    check(
        &x(&nowhere()),
        &[
            (
                "x/account_reply.json",
                json!({
                    "post": "x#2123710489555894279", "author": "2600000000000000002",
                    "handle": "alice_shops", "at": "2026-11-20T09:30:12.000Z", "lang": "en",
                    "url": "https://x.com/alice_shops/status/2123710489555894279",
                    "text": "ｓｕｒｅ @acme #AcmeCart", "tags": ["AcmeCart"], "mentions_us": true,
                    "parent": "2123710443418550279",
                }),
            ),
            (
                "x/account_extended.json",
                json!({
                    "post": "x#2123710493750198279", "author": "2600000000000000002",
                    "handle": "alice_shops", "at": "2026-11-20T09:30:13.000Z", "lang": "en",
                    "url": "https://x.com/alice_shops/status/2123710493750198279",
                    "text": format!("Hello @acme, {wish}https://t.co/mugmugmug1 #AcmeCart"),
                    "tags": ["AcmeCart"], "mentions_us": true,
                    "links": ["https://shop.acme.example/p/mug"],
                }),
            ),
            (
                "x/account_quote.json",
                json!({
                    "post": "x#2123710497944502279", "author": "2600000000000000002",
                    "handle": "alice_shops", "at": "2026-11-20T09:30:14.000Z", "lang": "en",
                    "url": "https://x.com/alice_shops/status/2123710497944502279",
                    "text": "#AcmeCart", "tags": ["AcmeCart"], "mentions_us": true,
                    "quoted": {
                        "id": "2123710468584374279", "author": "1500000000000000001",
                        "links": ["https://shop.acme.example/p/teapot"],
                        "url": "https://x.com/acme/status/2123710468584374279",
                    },
                }),
            ),
            ("x/account_retweet.json", json!({"ignored": "repost"})),
            (
                "x/account_own_and_other.json",
                json!([
                    {"ignored": "own_post"},
                    {
                        "post": "x#2123710510527414279", "author": "2600000000000000002",
                        "handle": "alice_shops", "at": "2026-11-20T09:30:17.000Z", "lang": "en",
                        "url": "https://x.com/alice_shops/status/2123710510527414279",
                        "text": "@acme #AcmeCart", "tags": ["AcmeCart"], "mentions_us": false,
                        "parent": "2123710506333110279",
                    },
                ]),
            ),
            ("x/account_blocked.json", json!({"ignored": "blocked_by_us"})),
            (
                "x/account_delete.json",
                json!({
                    "deleted": "x#2123710489555894279", "author": "2600000000000000002",
                    "at": "2026-11-20T09:31:00.000Z",
                }),
            ),
            ("x/account_revoke.json", json!({"revoked": "2600000000000000002"})),
            ("x/account_direct_message.json", json!({"ignored": "direct_message_events"})),
        ],
    );
}

#[test]
fn generic_posts() {
    check(
        &generic(&nowhere()),
        &[
            (
                "generic/post.json",
                json!({
                    "post": "generic#p-1002", "author": "u-alice", "handle": "alice",
                    "at": "2026-11-20T09:30:00.000Z", "lang": "en", "url": "https://forum.example/p/1002",
                    "text": "@acme #AcmeCart x2 please", "tags": ["AcmeCart"], "mentions_us": true,
                    "parent": {
                        "id": "p-1001", "author": "u-acme-blog",
                        "links": ["https://shop.acme.example/p/mug"], "url": "https://forum.example/p/1001",
                    },
                }),
            ),
            (
                "generic/post_with_entities.json",
                json!({
                    "post": "generic#p-1003", "author": "u-bob", "at": "2026-11-20T09:30:00.000Z",
                    "lang": "de-de", "visibility": "unlisted", "text": "Das hier, bitte",
                    "tags": ["AcmeCart", "neu"], "links": ["https://shop.acme.example/p/teapot"],
                    "mentions_us": true,
                    "quoted": {"id": "p-1000", "author": "u-carol", "links": [], "url": null},
                }),
            ),
            (
                "generic/post_parent_by_id.json",
                json!({
                    "post": "generic#p-1004", "author": "u-bob", "handle": "bob",
                    "at": "2026-11-20T12:00:00.000Z", "text": "#AcmeCart", "tags": ["AcmeCart"],
                    "mentions_us": false, "parent": "p-1001",
                }),
            ),
            ("generic/own_post.json", json!({"ignored": "own_post"})),
            (
                "generic/deleted.json",
                json!({"deleted": "generic#p-1002", "author": "u-alice", "at": "2026-11-20T09:40:00.000Z"}),
            ),
            ("generic/revoked.json", json!({"revoked": "u-alice"})),
            ("generic/unknown.json", json!({"ignored": "post.liked"})),
        ],
    );
}

#[test]
fn the_documentations_examples_are_read() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/networks/generic.md");
    let text = std::fs::read_to_string(path).unwrap();
    let examples = text.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut kinds = Vec::new();
    for example in examples {
        let json: Value = serde_json::from_str(example).unwrap_or_else(|error| panic!("{error}: {example}"));
        if json["type"].as_str().is_some_and(|kind| kind != "reply.created") {
            let events = generic(&nowhere()).parse(example.as_bytes(), NOW).unwrap();
            let kind =
                ["post", "deleted", "revoked"].into_iter().find(|kind| told(&events[0])[kind].is_string());
            kinds.push(kind.unwrap());
        }
    }
    assert_eq!(kinds, ["post", "deleted", "revoked"]);
}

#[test]
fn malformed_payloads_name_the_field() {
    let x = x(&nowhere());
    let generic = generic(&nowhere());
    let long = "a".repeat(257);
    let post = |change: Value| {
        let mut body: Value = serde_json::from_slice(&fixture("generic/post.json")).unwrap();
        for (name, value) in change.as_object().unwrap() {
            body["data"][name] = value.clone();
        }
        body.to_string()
    };
    let cases: Vec<(&AnyNetwork, String, &str)> = vec![
        (&x, "".into(), ".: not JSON"),
        (&x, "[]".into(), ".: wrong type"),
        (&x, r#"{"data":{}}"#.into(), "data.event_type: missing"),
        (&x, r#"{"data":{"event_type":"post.create"}}"#.into(), "data.payload: missing"),
        (&x, r#"{"data":{"event_type":"post.create","payload":{"id":"7"}}}"#.into(), "data.payload.author_id: missing"),
        (&x, r#"{"data":{"event_type":"post.create","payload":{"id":7,"author_id":"8"}}}"#.into(), "data.payload.id: wrong type"),
        (&x, r#"{"data":{"event_type":"post.create","payload":{"id":"-7","author_id":"8"}}}"#.into(), "data.payload.id: not an id (digits)"),
        (
            &x,
            r#"{"data":{"event_type":"post.create","payload":{"id":"7","author_id":"8","entities":{"urls":[{"start":1,"end":2}]}}}}"#.into(),
            "data.payload.entities.urls[0].url: missing",
        ),
        (&x, r#"{"data":{"event_type":"post.delete","payload":{"id":"7","author_id":"x"}}}"#.into(), "data.payload.author_id: not an id (digits)"),
        (&x, r#"{"data":{"event_type":"oauth.revoke","payload":{"user_id":""}}}"#.into(), "data.payload.user_id: not an id (digits)"),
        (&x, r#"{"tweet_create_events":[{"id_str":"7"}]}"#.into(), "tweet_create_events[0].user: missing"),
        (&x, r#"{"tweet_create_events":[{"id_str":"x","user":{"id_str":"8"}}]}"#.into(), "tweet_create_events[0].id_str: not an id (digits)"),
        (&x, r#"{"tweet_delete_events":[{"status":{"id":"7","user_id":8}}]}"#.into(), "tweet_delete_events[0].status.user_id: wrong type"),
        (&generic, "{}".into(), "type: missing"),
        (&generic, r#"{"type":"post.created"}"#.into(), "data: missing"),
        (&generic, post(json!({"id": ""})), "data.id: empty"),
        (&generic, post(json!({"id": long})), "data.id: longer than 256 bytes"),
        (&generic, post(json!({"id": "a b"})), "data.id: holds spaces or control characters"),
        (&generic, post(json!({"author": {}})), "data.author.id: missing"),
        (&generic, post(json!({"created_at": "yesterday"})), "data.created_at: not a date and time (RFC 3339)"),
        (&generic, post(json!({"tags": [1]})), "data.tags[0]: wrong type"),
        (&generic, post(json!({"visibility": "secret-word"})), "data.visibility: not an accepted value"),
        (&generic, post(json!({"in_reply_to": {"id": "\u{7}"}})), "data.in_reply_to.id: holds spaces or control characters"),
        (&generic, post(json!({"text": "a".repeat(40_000)})), "data.text: longer than 32768 bytes"),
        (&generic, post(json!({"links": vec!["a"; 201]})), "data.links: more than 200 of them"),
    ];
    for (network, body, expected) in cases {
        let error = network.parse(body.as_bytes(), NOW).unwrap_err();
        assert_eq!(error.to_string(), expected, "{body}");
    }
}

#[test]
fn names_of_unknown_events_are_taken_over_only_when_plain() {
    let read = |body: &str| told(&generic(&nowhere()).parse(body.as_bytes(), NOW).unwrap()[0]);
    assert_eq!(read(r#"{"type":"a.b-c_d"}"#), json!({"ignored": "a.b-c_d"}));
    assert_eq!(read(r#"{"type":"alice@example.com wrote"}"#), json!({"ignored": "unnamed"}));
}

/// Every fixture with something else in the place of one of its values.
fn mutated() -> impl Strategy<Value = (bool, Vec<u8>)> {
    let names: Vec<(bool, String)> = ["x", "generic"]
        .into_iter()
        .flat_map(|network| {
            let folder = format!("{}/../../tests/fixtures/networks/{network}", env!("CARGO_MANIFEST_DIR"));
            let files = std::fs::read_dir(folder).unwrap();
            files.map(move |file| {
                (network == "x", format!("{network}/{}", file.unwrap().file_name().to_str().unwrap()))
            })
        })
        .collect();
    let other = prop_oneof![
        Just(Value::Null),
        any::<u64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([{}])),
        Just(json!([99_999_999_999_u64, 3])),
    ];
    (prop::sample::select(names), any::<prop::sample::Index>(), other).prop_map(
        |((is_x, name), at, other)| {
            let mut body: Value = serde_json::from_slice(&fixture(&name)).unwrap();
            let count = places(&body);
            replace(&mut body, &mut at.index(count), &other);
            (is_x, body.to_string().into_bytes())
        },
    )
}

fn places(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(places).sum(),
        Value::Object(fields) => fields.values().map(places).sum(),
        _ => 0,
    }
}

fn replace(value: &mut Value, left: &mut usize, other: &Value) -> bool {
    if *left == 0 {
        *value = other.clone();
        return true;
    }
    *left -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| replace(item, left, other)),
        Value::Object(fields) => fields.values_mut().any(|field| replace(field, left, other)),
        _ => false,
    }
}

proptest! {
    #[test]
    fn no_body_panics(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = x(&nowhere()).parse(&body, NOW);
        let _ = generic(&nowhere()).parse(&body, NOW);
    }

    #[test]
    fn no_changed_payload_panics_or_comes_from_the_future((is_x, body) in mutated(), seen in 0_u64..4_000_000_000_000) {
        let seen = Timestamp::from_millis(seen);
        let network = if is_x { x(&nowhere()) } else { generic(&nowhere()) };
        for event in network.parse(&body, seen).unwrap_or_default() {
            match event {
                NetworkEvent::Posted(post) => prop_assert!(post.head.created_at <= seen),
                NetworkEvent::Deleted { at, .. } => prop_assert!(at <= seen),
                NetworkEvent::Revoked { .. } | NetworkEvent::Ignored(_) => {}
            }
        }
    }
}
