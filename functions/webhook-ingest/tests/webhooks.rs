//! The function against the emulator's tables, parameters and queues: requests in the form that API
//! Gateway hands them over, messages as they lie in the queues.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail where it stands"
)]

mod front;

use std::time::Duration;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::encodings::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::command::{Action, PostCommands};
use domain::storefront::Storefront;
use domain::time::Timestamp;
use front::Front;
use lambda::aws::Aws;
use lambda::clock::Clock;
use lambda::env::Environment;
use lambda::envelope::{Envelope, Message};
use lambda::keyed::KeyedHash;
use networks::{Secret, standard_webhooks};
use serde_json::{Value, json};
use store::settings::Settings;
use tokio::sync::OnceCell;
use webhook_ingest::{BODY_LIMIT, WebhookIngest};

const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NOW: Timestamp = Timestamp::from_seconds(1_795_176_000);
const TRACE: &str = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1";

fn storefront() -> Storefront {
    serde_json::from_value(json!({
        "brand": "Acme",
        "marketplaces": [{
            "id": "us", "cart_tags": ["AcmeCart"], "hosts": ["acme.example"], "currency": "USD",
            "shop": {"platform": "template", "checkout_url": "https://acme.example/?{items}"},
        }],
        "networks": [
            {"id": "generic", "kind": "generic", "bot_handle": "acme", "bot_id": "bot-acme",
                "callback_url": "https://forum.example/replies"},
            {"id": "x", "kind": "x", "bot_handle": "acme", "bot_id": "1500000000000000001"},
        ],
    }))
    .unwrap()
}

/// An account of the emulator with the tables and queues of the template, for one test.
struct World {
    account: emulator::Account,
    stack: emulator::Stack,
}

impl World {
    /// Tables and queues without configuration or secrets.
    async fn bare() -> Self {
        let account = emulator::shared().await.unwrap().test_account().unwrap();
        let deployment = emulator::Deployment::new("ingest").parameter("MailFrom", "shop@acme.example");
        let stack = deployment.deploy_data(&account).await.unwrap();
        Self { account, stack }
    }

    /// With a storefront and these secrets.
    async fn with(secrets: &[(&str, &str)]) -> Self {
        let world = Self::bare().await;
        let client = Aws::from_config(world.account.sdk_config()).dynamodb();
        let settings = Settings::new(client, world.name("SettingsTable"));
        settings.push(&storefront(), None, NOW).await.unwrap();
        let ssm = aws_sdk_ssm::Client::new(&world.account.sdk_config());
        for (name, value) in secrets {
            let put = ssm.put_parameter().name(format!("/hashcart/test/{name}")).value(*value);
            put.r#type(aws_sdk_ssm::types::ParameterType::SecureString).send().await.unwrap();
        }
        world
    }

    /// With all that the function needs.
    async fn whole() -> Self {
        let x = "newer\ntest_consumer_secret";
        Self::with(&[("hash-key", "k"), ("generic/webhook-secret", WEBHOOK_SECRET), ("x/consumer-secret", x)])
            .await
    }

    fn name(&self, output: &str) -> String {
        self.stack.output(output).unwrap().to_owned()
    }

    fn ingest(&self) -> WebhookIngest {
        self.ingest_at(None)
    }

    /// The function, its AWS requests sent to `endpoint` instead.
    fn ingest_at(&self, endpoint: Option<&str>) -> WebhookIngest {
        let variables = [
            ("HASHCART_STAGE", "test".to_owned()),
            ("HASHCART_PUBLIC_URL", "https://cart.acme.example".to_owned()),
            ("HASHCART_TABLE_SETTINGS", self.name("SettingsTable")),
            ("HASHCART_QUEUE_POSTS", self.name("PostsQueue")),
            ("HASHCART_QUEUE_COMMANDS", self.name("CommandsQueue")),
        ];
        let env = Environment::from_fn(move |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
        });
        let mut config = self.account.sdk_config();
        if let Some(endpoint) = endpoint {
            config = config.into_builder().endpoint_url(endpoint).build();
        }
        let clock = Clock::from_fn(|| NOW);
        WebhookIngest::new(&env.unwrap(), &Aws::from_config(config), clock).unwrap()
    }

    /// Takes what lies in a queue: each message with its group. Whatever it is, X-Ray's header goes beside
    /// it where its trace is X-Ray's.
    async fn taken(&self, queue: &str) -> Vec<(String, Envelope)> {
        let sqs = aws_sdk_sqs::Client::new(&self.account.sdk_config());
        let mut taken = Vec::new();
        loop {
            let receive = sqs.receive_message().queue_url(self.name(queue)).max_number_of_messages(10);
            let receive = receive.message_system_attribute_names("All".into());
            let messages = receive.send().await.unwrap().messages.unwrap_or_default();
            if messages.is_empty() {
                return taken;
            }
            for message in messages {
                let attributes = message.attributes.unwrap_or_default();
                let group = attributes.get(&"MessageGroupId".into()).cloned().unwrap_or_default();
                let envelope = Envelope::decode(&message.body.unwrap()).unwrap();
                let header = attributes.get(&"AWSTraceHeader".into());
                assert_eq!(header, envelope.trace.starts_with("Root=").then_some(&envelope.trace));
                taken.push((group, envelope));
            }
        }
    }

    async fn assert_nothing_enqueued(&self, why: &str) {
        assert!(self.taken("PostsQueue").await.is_empty(), "{why}");
        assert!(self.taken("CommandsQueue").await.is_empty(), "{why}");
    }
}

/// A request as API Gateway's payload format 2.0 has it.
fn event(method: &str, network: &str, query: &str, headers: &Value, body: Value) -> ApiGatewayV2httpRequest {
    let mut event = json!({
        "version": "2.0", "routeKey": format!("{method} /webhooks/{{network}}"),
        "rawPath": format!("/webhooks/{network}"), "rawQueryString": query, "headers": headers,
        "pathParameters": {"network": network},
        "requestContext": {
            "stage": "$default", "requestId": "r", "apiId": "a", "domainName": "api.example",
            "http": {"method": method, "path": format!("/webhooks/{network}"), "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1", "userAgent": "test"},
        },
        "isBase64Encoded": false,
    });
    for (name, value) in body.as_object().unwrap() {
        event[name] = value.clone();
    }
    serde_json::from_value(event).unwrap()
}

fn text(body: &str) -> Value {
    json!({"body": body})
}

fn base64(body: &str) -> Value {
    json!({"body": STANDARD.encode(body), "isBase64Encoded": true})
}

fn signed_by_generic(body: &str, at: Timestamp) -> Value {
    let key = standard_webhooks::key(&Secret::new(WEBHOOK_SECRET)).unwrap();
    let headers = standard_webhooks::sign(&key, "msg_1", at, body.as_bytes());
    headers.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect()
}

fn signed_by_x(body: &str) -> Value {
    json!({networks::x::SIGNATURE: networks::x::sign(&Secret::new("test_consumer_secret"), body.as_bytes())})
}

fn generic(body: &str) -> ApiGatewayV2httpRequest {
    event("POST", "generic", "", &signed_by_generic(body, NOW), text(body))
}

fn x(body: &str) -> ApiGatewayV2httpRequest {
    event("POST", "x", "", &signed_by_x(body), base64(body))
}

fn fixture(name: &str) -> String {
    let path = format!("{}/../../tests/fixtures/networks/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn status(response: &ApiGatewayV2httpResponse) -> i64 {
    response.status_code
}

fn said(response: &ApiGatewayV2httpResponse) -> &str {
    match &response.body {
        Some(Body::Text(text)) => text,
        other => panic!("{other:?}"),
    }
}

/// One world for the tests that only look at statuses and enqueue nothing.
async fn shared() -> &'static World {
    static WORLD: OnceCell<World> = OnceCell::const_new();
    WORLD.get_or_init(World::whole).await
}

#[tokio::test]
async fn a_post_for_us_lies_in_the_queue_for_posts() {
    let world = World::whole().await;
    let response = world.ingest().handle(generic(&fixture("generic/post.json")), Some(TRACE)).await;
    assert_eq!((status(&response), said(&response)), (200, "OK"));
    let taken = world.taken("PostsQueue").await;
    let [(group, envelope)] = &taken[..] else { panic!("{taken:?}") };
    let Message::Post(post) = &envelope.body else { panic!("{envelope:?}") };
    assert_eq!(post.head.post_ref().to_string(), "generic#p-1002");
    assert_eq!(post.text, "@acme #AcmeCart x2 please");
    assert_eq!(post.head.first_seen, NOW);
    assert_eq!(*group, KeyedHash::new(&lambda::secrets::Secret::new("k")).shopper("generic", "u-alice"));
    assert_eq!(envelope.trace, TRACE);
    assert!(world.taken("CommandsQueue").await.is_empty());
}

#[tokio::test]
async fn a_delivery_of_x_is_decoded_never_written_anew() {
    let world = World::whole().await;
    let response = world.ingest().handle(x(&fixture("x/activity_mention.json")), None).await;
    assert_eq!(status(&response), 200);
    let (_, envelope) = world.taken("PostsQueue").await.remove(0);
    let Message::Post(post) = &envelope.body else { panic!("{envelope:?}") };
    assert_eq!(post.text, "Need this 😍 @acme #AcmeCart x2 & thanks");
    // Two posts in one delivery, one of them our own.
    world.ingest().handle(x(&fixture("x/account_own_and_other.json")), None).await;
    assert_eq!(world.taken("PostsQueue").await.len(), 1);
}

#[tokio::test]
async fn a_deletion_lies_in_the_queue_for_commands() {
    let world = World::whole().await;
    for request in [generic(&fixture("generic/deleted.json")), x(&fixture("x/account_delete.json"))] {
        assert_eq!(status(&world.ingest().handle(request, None).await), 200);
        let taken = world.taken("CommandsQueue").await;
        let [(group, envelope)] = &taken[..] else { panic!("{taken:?}") };
        let Message::PostCommands(commands) = &envelope.body else { panic!("{envelope:?}") };
        assert_eq!(commands.step, PostCommands::ERASURE_STEP);
        assert!(
            matches!(&commands.lines[0].action, Action::Erase { post } if *post == commands.post.post_ref())
        );
        assert_eq!(group.len(), 64);
    }
    assert!(world.taken("PostsQueue").await.is_empty());
}

#[tokio::test]
async fn what_is_not_for_us_is_taken_and_dropped() {
    let world = World::whole().await;
    let other = fixture("generic/post.json").replace("#AcmeCart", "#OtherCart");
    let requests = [
        ("another tag", generic(&other)),
        ("unknown event", generic(&fixture("generic/unknown.json"))),
        ("own post", generic(&fixture("generic/own_post.json"))),
        ("withdrawn access", generic(&fixture("generic/revoked.json"))),
        ("unknown event of X", x(&fixture("x/activity_like.json"))),
        ("end of a replay", x(&fixture("x/replay_job_status.json"))),
        ("repost", x(&fixture("x/activity_repost.json"))),
        ("blocked", x(&fixture("x/account_blocked.json"))),
    ];
    let ingest = world.ingest();
    for (why, request) in requests {
        assert_eq!(status(&ingest.handle(request, None).await), 200, "{why}");
        world.assert_nothing_enqueued(why).await;
    }
}

#[tokio::test]
async fn who_is_not_proven_gets_401_and_nothing_is_enqueued() {
    let world = World::whole().await;
    let ingest = world.ingest();
    let post = fixture("generic/post.json");
    let stale = |seconds| NOW.minus(Duration::from_secs(seconds));
    let forged = signed_by_generic(&post.replace("u-alice", "u-bob"), NOW);
    let activity = fixture("x/activity_mention.json");
    let requests = [
        ("unsigned", event("POST", "generic", "", &json!({}), text(&post))),
        ("forged", event("POST", "generic", "", &forged, text(&post))),
        ("replayed late", event("POST", "generic", "", &signed_by_generic(&post, stale(301)), text(&post))),
        ("another network's", event("POST", "x", "", &signed_by_generic(&post, NOW), text(&post))),
        ("unsigned for X", event("POST", "x", "", &json!({}), base64(&activity))),
        (
            "cut off",
            event("POST", "x", "", &signed_by_x(&activity), base64(activity.trim_end_matches("}\n"))),
        ),
        ("written anew", {
            let value: Value = serde_json::from_str(&activity).unwrap();
            event("POST", "x", "", &signed_by_x(&activity), text(&value.to_string()))
        }),
        ("unsigned nonsense", event("POST", "generic", "", &json!({}), text("nonsense"))),
    ];
    for (why, request) in requests {
        let response = ingest.handle(request, None).await;
        assert_eq!((status(&response), said(&response)), (401, "Unauthorized"), "{why}");
        world.assert_nothing_enqueued(why).await;
    }
    let fresh = event("POST", "generic", "", &signed_by_generic(&post, stale(299)), text(&post));
    assert_eq!(status(&ingest.handle(fresh, None).await), 200);
}

#[tokio::test]
async fn what_is_malformed_gets_400_and_nothing_is_enqueued() {
    let world = shared().await;
    let ingest = world.ingest();
    let broken = fixture("generic/post.json").replace("\"p-1002\"", "7");
    let bad_base64 = json!({"body": "%%%", "isBase64Encoded": true});
    let requests = [
        ("a field's type", generic(&broken)),
        ("no JSON", generic("nonsense")),
        ("nothing", generic("")),
        ("no event", x(r#"{"data":{}}"#)),
        ("no base64", event("POST", "x", "", &json!({}), bad_base64)),
        ("no challenge", event("GET", "x", "crc=1", &json!({}), json!({}))),
    ];
    for (why, request) in requests {
        let response = ingest.handle(request, None).await;
        assert_eq!((status(&response), said(&response)), (400, "Bad Request"), "{why}");
        world.assert_nothing_enqueued(why).await;
    }
}

#[tokio::test]
async fn handshakes_methods_networks_and_sizes() {
    let ingest = shared().await.ingest();
    let empty = json!({});
    let challenge = event("GET", "x", "crc_token=challenge_string", &empty, json!({}));
    let response = ingest.handle(challenge, None).await;
    assert_eq!(status(&response), 200);
    assert_eq!(response.headers["content-type"], "application/json");
    let newest = networks::x::sign(&Secret::new("newer"), b"challenge_string");
    assert_eq!(said(&response), json!({"response_token": newest}).to_string());

    let response = ingest.handle(event("GET", "generic", "", &empty, json!({})), None).await;
    assert_eq!((status(&response), &response.headers["allow"]), (405, &"POST".parse().unwrap()));
    for network in ["mastodon", "GENERIC", "generic%2F..", ""] {
        let response = ingest.handle(event("POST", network, "", &empty, text("{}")), None).await;
        assert_eq!(status(&response), 404, "{network}");
    }
    let long = "x".repeat(BODY_LIMIT + 1);
    for body in [text(&long), base64(&long), text(&"x".repeat(BODY_LIMIT * 2))] {
        let response = ingest.handle(event("POST", "generic", "", &empty, body), None).await;
        assert_eq!(status(&response), 413);
    }
}

#[tokio::test]
async fn our_own_failings_are_503_never_401() {
    let post = fixture("generic/post.json");
    let response = World::bare().await.ingest().handle(generic(&post), None).await;
    assert_eq!((status(&response), &response.headers["retry-after"]), (503, &"30".parse().unwrap()));

    let world = World::with(&[]).await;
    for request in [
        generic(&post),
        event("POST", "generic", "", &json!({}), text(&post)),
        event("POST", "x", "", &json!({}), text(&post)),
        event("GET", "x", "crc_token=a", &json!({}), json!({})),
    ] {
        assert_eq!(status(&world.ingest().handle(request, None).await), 503);
    }
    let world = World::with(&[("generic/webhook-secret", WEBHOOK_SECRET)]).await;
    assert_eq!(status(&world.ingest().handle(generic(&post), None).await), 503, "no hash-key");
    world.assert_nothing_enqueued("no hash-key").await;
}

#[tokio::test]
async fn only_what_the_queue_did_not_take_is_sent_again() {
    let world = World::whole().await;
    let front = Front::start(world.account.endpoint()).await;
    let ingest = world.ingest_at(Some(&front.url));
    let mut body: Value = serde_json::from_str(&fixture("x/account_reply.json")).unwrap();
    let mut second = body["tweet_create_events"][0].clone();
    second["id_str"] = "2123710489555894280".into();
    body["tweet_create_events"].as_array_mut().unwrap().push(second);

    front.refuse_first_entry_once();
    assert_eq!(status(&ingest.handle(x(&body.to_string()), None).await), 200);
    assert_eq!(front.batches(), [2, 1]);
    assert_eq!(world.taken("PostsQueue").await.len(), 1, "what the front said was taken never arrived");

    front.refuse_always();
    let response = ingest.handle(x(&body.to_string()), None).await;
    assert_eq!(status(&response), 503);
    assert_eq!(front.batches(), [2, 1, 2, 2, 2]);
    world.assert_nothing_enqueued("refused").await;
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_503() {
    let world = World::whole().await;
    let sqs = aws_sdk_sqs::Client::new(&world.account.sdk_config());
    sqs.delete_queue().queue_url(world.name("PostsQueue")).send().await.unwrap();
    let response = world.ingest().handle(generic(&fixture("generic/post.json")), None).await;
    assert_eq!(status(&response), 503);
}
