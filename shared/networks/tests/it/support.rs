//! Configured networks, and a server that answers what it is told and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::ids::{NetworkId, UserId};
use domain::post::{Author, PostHead, Visibility};
use domain::storefront::{NetworkConfig, NetworkKind};
use domain::time::Timestamp;
use networks::{AnyNetwork, Http, NetworkSecrets, Reach};
use url::Url;

pub(crate) const BOT_ID: &str = "1500000000000000001";
pub(crate) const ALICE: &str = "2600000000000000002";
pub(crate) const CONSUMER_SECRET: &str = "test_consumer_secret";
pub(crate) const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// 2026-11-20T12:00:00Z, after everything that the fixtures tell of.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_795_176_000);

/// X whose API and pages are at `api`.
pub(crate) fn x(api: &Url) -> AnyNetwork {
    x_with(api, |name| match name {
        "consumer-key" => vec!["ck".to_owned()],
        "consumer-secret" => vec![CONSUMER_SECRET.to_owned(), "older_secret".to_owned()],
        "access-token" => vec!["at".to_owned()],
        "access-token-secret" => vec!["ats".to_owned()],
        "bearer-token" => vec!["bearer".to_owned()],
        "client-id" => vec!["client".to_owned()],
        "client-secret" => vec!["client secret".to_owned()],
        _ => vec![],
    })
}

pub(crate) fn x_with(api: &Url, secrets: impl Fn(&str) -> Vec<String>) -> AnyNetwork {
    let kind = NetworkKind::X { api_url: api.clone(), web_url: "https://x.com/".parse().unwrap() };
    build(config("x", BOT_ID, kind), secrets, api)
}

/// A generic network whose callback, posts and link page are at `api`.
pub(crate) fn generic(api: &Url) -> AnyNetwork {
    generic_with(api, |name| match name {
        "webhook-secret" => vec![WEBHOOK_SECRET.to_owned()],
        _ => vec![],
    })
}

pub(crate) fn generic_with(api: &Url, secrets: impl Fn(&str) -> Vec<String>) -> AnyNetwork {
    let kind = NetworkKind::Generic {
        callback_url: api.join("replies").unwrap(),
        post_url: Some(format!("{api}posts/{{id}}")),
        link_url: Some(api.join("link").unwrap()),
        reply_length: 500,
    };
    build(config("generic", "bot-acme", kind), secrets, api)
}

fn build(config: NetworkConfig, secrets: impl Fn(&str) -> Vec<String>, api: &Url) -> AnyNetwork {
    let secrets = NetworkSecrets::read(|name| secrets(name.as_str()));
    AnyNetwork::new(config, secrets, local_http(api))
}

/// HTTP as the stage `local` has it, on a stack that is reached at the port of `own`.
pub(crate) fn local_http(own: &Url) -> Http {
    Http::new(Reach::of_stage("local", own), || NOW)
}

fn config(id: &str, bot_id: &str, kind: NetworkKind) -> NetworkConfig {
    let toml = serde_json::json!({
        "id": id, "bot_handle": "acme", "bot_id": bot_id, "kind": "x",
    });
    let mut config: NetworkConfig = serde_json::from_value(toml).unwrap();
    config.kind = kind;
    config
}

pub(crate) fn nowhere() -> Url {
    "http://127.0.0.1:9/".parse().unwrap()
}

/// A post of Alice's that mentions us.
pub(crate) fn post(network: &str, id: &str) -> PostHead {
    PostHead {
        network: NetworkId::new(network),
        bot: UserId::new(BOT_ID),
        id: id.into(),
        url: None,
        author: Author { id: UserId::new(ALICE), handle: Some("alice_shops".to_owned()) },
        mentions_us: true,
        created_at: NOW,
        first_seen: NOW,
        lang: None,
        visibility: Visibility::Public,
    }
}

/// A request that a server got.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Asked {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// An answer to be given.
#[derive(Clone, Debug)]
pub(crate) struct Say {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Say {
    pub(crate) fn status(status: u16) -> Self {
        Self { status, headers: vec![], body: String::new() }
    }

    pub(crate) fn json(status: u16, body: serde_json::Value) -> Self {
        Self::status(status).body(body.to_string())
    }

    pub(crate) fn to(location: &str) -> Self {
        Self::status(302).with("location", location)
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: String) -> Self {
        self.body = body;
        self
    }
}

#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<Say>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// A server that gives its answers in order and repeats the last one.
pub(crate) struct Server {
    pub(crate) url: Url,
    script: Script,
}

impl Server {
    pub(crate) async fn start(answers: impl IntoIterator<Item = Say>) -> Self {
        let script = Script::default();
        script.answers.lock().unwrap().extend(answers);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let app = axum::Router::new().fallback(answer).with_state(script.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, script }
    }

    /// Tells it what to answer next.
    pub(crate) fn then(&self, answers: impl IntoIterator<Item = Say>) {
        let mut left = self.script.answers.lock().unwrap();
        left.clear();
        left.extend(answers);
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.script.asked.lock().unwrap().clone()
    }
}

async fn answer(State(script): State<Script>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let line = format!("{} {}", parts.method, parts.uri);
    script.asked.lock().unwrap().push(Asked { line, headers: parts.headers, body });
    let mut answers = script.answers.lock().unwrap();
    let say = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
    let say = say.unwrap_or(Say::status(500));
    let mut response = (StatusCode::from_u16(say.status).unwrap(), say.body).into_response();
    for (name, value) in say.headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}
