//! What functions are given to do, as AWS hands it over. Every event is of a post of its own.

use std::collections::BTreeMap;
use std::ops::Range;

use anyhow::Context as _;
use networks::{Secret, standard_webhooks};
use serde_json::{Value, json};

use crate::loopback::Effect;
use crate::runtime::TRACE;
use crate::shop::{SHOPPER, WEBHOOK_SECRET, now};

/// One kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Anything, for the empty function.
    Nothing,
    /// A network's signed link, by which a shopper comes to link their account.
    Link,
    /// A linked shopper's add of one product.
    Add,
    /// The page for signing in.
    SignIn,
    /// A post that asks for two of a product by its link.
    Match,
    /// A post that carries no tag of the shop's.
    Reject,
    /// The outcome of an add, to be told by a reply and a mail.
    Tell,
    /// A signed webhook with a post that carries a tag.
    Webhook,
    /// The same with a post that carries none of the shop's.
    Unwanted,
}

impl Work {
    /// One for each function, and one for the empty one: what their start is measured with.
    pub const FIRST: [Self; 7] =
        [Self::Nothing, Self::Link, Self::Add, Self::SignIn, Self::Match, Self::Tell, Self::Webhook];
    /// What warm work is measured with.
    pub const WARM: [Self; 6] =
        [Self::Webhook, Self::Unwanted, Self::Reject, Self::Match, Self::Add, Self::Tell];

    /// The package of the function that does it.
    pub fn function(self) -> &'static str {
        match self {
            Self::Nothing => "empty-function",
            Self::Link => "account-link",
            Self::Add => "cart-add",
            Self::SignIn => "cart-page",
            Self::Match | Self::Reject => "classify",
            Self::Tell => "notify",
            Self::Webhook | Self::Unwanted => "webhook-ingest",
        }
    }

    /// Its name in the tables: the function's, and which of its work where there are two kinds.
    pub fn name(self) -> &'static str {
        match self {
            Self::Match => "classify (match)",
            Self::Reject => "classify (reject)",
            Self::Unwanted => "webhook-ingest (reject)",
            other => other.function(),
        }
    }

    /// The event of this number, as of now.
    ///
    /// # Errors
    /// When the webhook can't be signed.
    pub fn event(self, number: u64) -> anyhow::Result<Vec<u8>> {
        self.batch(number, 1)
    }

    /// The event of this number with so many records, each of a post of its own. What comes by HTTP is one
    /// post, whatever `records` says.
    ///
    /// # Errors
    /// When the webhook can't be signed.
    pub fn batch(self, number: u64, records: u64) -> anyhow::Result<Vec<u8>> {
        let numbers = number * records..(number + 1) * records;
        let messages = |queue, body: fn(&str) -> Value| messages(queue, numbers.clone(), body);
        let event = match self {
            Self::Nothing | Self::Match => {
                messages("posts", |id| post(id, MATCHING, &["AcmeCart"], &[PRODUCT]))
            }
            Self::Reject => messages("posts", |id| post(id, UNWANTED, &["sunset"], &[])),
            Self::Add => messages("commands", add),
            Self::Tell => messages("outcomes", told),
            Self::SignIn => request("GET", "/cart/sign-in", "proxy", "sign-in"),
            Self::Link => link()?,
            Self::Webhook => webhook(&post_id(number), MATCHING)?,
            Self::Unwanted => webhook(&post_id(number), UNWANTED)?,
        };
        Ok(event.to_string().into_bytes())
    }

    /// Checks that an event had the effects that it must have, once for each of its records: what does
    /// nothing is cheap.
    ///
    /// # Errors
    /// When it hadn't.
    pub fn check(self, effects: &[Effect], records: u64) -> anyhow::Result<()> {
        let mut had = BTreeMap::new();
        for effect in effects {
            *had.entry(effect.name()).or_default() += 1;
        }
        let expected: &[&str] = match self {
            Self::Nothing | Self::Link | Self::SignIn | Self::Reject | Self::Unwanted => &[],
            Self::Match => &["commands"],
            Self::Add => &["outcomes"],
            Self::Tell => &["mail", "reply"],
            Self::Webhook => &["posts"],
        };
        let expected: BTreeMap<&str, u64> = expected.iter().map(|name| (*name, records)).collect();
        anyhow::ensure!(had == expected, "{} had the effects {had:?} instead of {expected:?}", self.name());
        Ok(())
    }
}

const PRODUCT: &str = "https://acme.example/p/desk-fern?utm_source=forum";
const UNWANTED: &str = "what a day at the canyon #sunset";
const MATCHING: &str = "That one! @acme #AcmeCart x2 https://acme.example/p/desk-fern?utm_source=forum";

/// What every message says of its post.
fn head(id: &str) -> Value {
    let at = now().as_millis();
    json!({
        "network": "generic", "bot": "acme", "id": id, "url": format!("https://forum.example/p/{id}"),
        "author": {"id": SHOPPER, "handle": SHOPPER}, "mentions_us": true, "created_at": at,
        "first_seen": at, "lang": "en", "visibility": "public",
    })
}

fn with(mut base: Value, more: Value) -> Value {
    if let (Value::Object(base), Value::Object(more)) = (&mut base, more) {
        base.extend(more);
    }
    base
}

fn post(id: &str, text: &str, tags: &[&str], links: &[&str]) -> Value {
    with(head(id), json!({"type": "Post", "text": text, "tags": tags, "links": links}))
}

fn add(id: &str) -> Value {
    json!({
        "type": "PostCommands", "post": head(id),
        "shopper": {"account": {"network": "generic", "user": SHOPPER}},
        "as_of": now().as_millis(), "step": 0,
        "source": {"post_url": "https://forum.example/p/acme-2", "post_author": "acme"},
        "lines": [{"line": 0, "marketplace": "us", "action": "Add", "quantity": 2,
                   "product": {"marketplace": "us", "product": "desk-fern"}}],
    })
}

fn told(id: &str) -> Value {
    json!({
        "type": "PostOutcomes", "post": head(id), "step": 0, "decided_at": now().as_millis(),
        "customer": "01K9ZZZZZZZZZZZZZZZZZZZZZZ",
        "lines": [{"line": 0, "marketplace": "us", "outcome": "Added", "quantity": 2}],
    })
}

fn post_id(number: u64) -> String {
    format!("p{number:07}")
}

/// A batch of messages about the posts of these numbers, as Lambda makes it of a queue's.
fn messages(queue: &str, numbers: Range<u64>, body: fn(&str) -> Value) -> Value {
    let records: Vec<Value> = numbers.map(|number| message(queue, number, &body(&post_id(number)))).collect();
    json!({ "Records": records })
}

fn message(queue: &str, number: u64, body: &Value) -> Value {
    let at = now().as_millis();
    let id = "01KAMV4Q4E5T6Y7V8J9N0PASD1";
    let envelope = json!({"v": 1, "id": id, "at": at, "trace": TRACE, "body": body});
    json!({
        "messageId": format!("0f6c1d2e-3b4a-4c5d-8e9f-{number:012}"),
        "receiptHandle": "AQEBsampleReceiptHandle0",
        "body": envelope.to_string(),
        "attributes": {
            "ApproximateReceiveCount": "1", "SentTimestamp": at.to_string(),
            "SenderId": "AROA4EXAMPLE5EXAMPLE6:hashcart", "ApproximateFirstReceiveTimestamp": at.to_string(),
            "AWSTraceHeader": TRACE, "MessageGroupId": "3f9a1c5e7b2d4860",
        },
        "messageAttributes": {}, "md5OfBody": "4149d2bd2d10882ec640523734edd21b",
        "eventSource": "aws:sqs", "awsRegion": "us-east-1",
        "eventSourceARN": format!("arn:aws:sqs:us-east-1:123456789012:{queue}"),
    })
}

/// A request as API Gateway's HTTP API hands it over, payload format 2.0.
fn request(method: &str, path: &str, parameter: &str, value: &str) -> Value {
    let at = now();
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
        "headers": {
            "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "accept-language": "en-GB,en;q=0.7",
            "host": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
            "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "x-forwarded-for": "198.51.100.17", "x-forwarded-port": "443", "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "123456789012", "apiId": "a1b2c3d4e5",
            "domainName": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com", "domainPrefix": "a1b2c3d4e5",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "198.51.100.17",
                     "userAgent": "Mozilla/5.0"},
            "requestId": "WcT1fhCQoAMEJtg=", "routeKey": "$default", "stage": "$default",
            "time": "22/Nov/2026:02:00:00 +0000", "timeEpoch": at.as_millis(),
        },
        "pathParameters": {parameter: value},
        "isBase64Encoded": false,
    })
}

fn link() -> anyhow::Result<Value> {
    let expires = now().plus(std::time::Duration::from_secs(600));
    let secret = Secret::new(WEBHOOK_SECRET);
    let query = networks::generic::link::sign(&secret, &"generic".into(), "sam", "sam", expires);
    let query = query.context("the example secret is no key")?;
    let parameters: Value = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let request = request("GET", "/link/generic", "proxy", "generic");
    Ok(with(request, json!({"rawQueryString": query, "queryStringParameters": parameters})))
}

fn webhook(id: &str, text: &str) -> anyhow::Result<Value> {
    let at = now();
    let body = json!({
        "type": "post.created", "timestamp": at.to_string(),
        "data": {
            "id": id, "author": {"id": SHOPPER, "handle": SHOPPER, "name": "Alice Moreau"},
            "text": text, "created_at": at.to_string(), "language": "en",
            "url": format!("https://forum.example/p/{id}"),
            "in_reply_to": {"id": "acme-0", "author": {"id": "acme"},
                            "text": "Thrown by hand, one by one: https://acme.example/p/canyon-mug",
                            "url": "https://forum.example/p/acme-0"},
        },
    })
    .to_string();
    let key = standard_webhooks::key(&Secret::new(WEBHOOK_SECRET)).context("the example secret is no key")?;
    let mut request = request("POST", "/webhooks/generic", "network", "generic");
    let headers = request.get_mut("headers").and_then(Value::as_object_mut).context("no headers")?;
    headers.insert("content-type".to_owned(), "application/json".into());
    headers.insert("content-length".to_owned(), body.len().to_string().into());
    for (name, value) in standard_webhooks::sign(&key, &format!("msg_{id}"), at, body.as_bytes()) {
        headers.insert(name.to_owned(), value.into());
    }
    Ok(with(request, json!({"body": body})))
}
