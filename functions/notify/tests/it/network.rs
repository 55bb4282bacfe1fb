//! Two networks on one port: the generic one takes our signed replies, X our posts.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;
use tokio::sync::Notify;

/// A reply as it came in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Received {
    /// `webhook-id`: the same over all attempts at one reply.
    pub(crate) id: String,
    /// The text.
    pub(crate) text: String,
}

#[derive(Default)]
struct Inner {
    received: Mutex<Vec<Received>>,
    status: Mutex<Option<StatusCode>>,
    hangs: Mutex<bool>,
    arrived: Notify,
}

/// The network.
#[derive(Clone)]
pub(crate) struct FakeNetwork {
    inner: Arc<Inner>,
    /// Its address, without a slash at the end.
    pub(crate) address: String,
}

impl FakeNetwork {
    /// Starts it on a port of its own.
    pub(crate) async fn start() -> Self {
        let inner = Arc::new(Inner::default());
        let app = Router::new()
            .route("/callback", post(callback))
            .route("/2/tweets", post(tweet))
            .with_state(Arc::clone(&inner));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { inner, address }
    }

    /// Every request so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.inner.received.lock().unwrap().clone()
    }

    /// The replies as a timeline shows them: a repeated id is one reply.
    pub(crate) fn replies(&self) -> usize {
        self.received().into_iter().map(|one| one.id).collect::<BTreeSet<_>>().len()
    }

    /// From now on it answers with this status; `None`: it takes everything.
    pub(crate) fn answers(&self, status: Option<StatusCode>) {
        *self.inner.status.lock().unwrap() = status;
    }

    /// From now on it takes replies but never answers.
    pub(crate) fn hangs(&self, hangs: bool) {
        *self.inner.hangs.lock().unwrap() = hangs;
    }

    /// Waits for the next reply.
    pub(crate) async fn arrival(&self) {
        self.inner.arrived.notified().await;
    }
}

async fn callback(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    assert!(headers.contains_key("webhook-signature"));
    let body: Value = serde_json::from_slice(&body).unwrap();
    let received = Received {
        id: headers["webhook-id"].to_str().unwrap().to_owned(),
        text: body["data"]["text"].as_str().unwrap().to_owned(),
    };
    inner.received.lock().unwrap().push(received);
    inner.arrived.notify_one();
    if *inner.hangs.lock().unwrap() {
        std::future::pending::<()>().await;
    }
    inner.status.lock().unwrap().unwrap_or(StatusCode::OK)
}

/// X's `POST /2/tweets`. X gets no id of ours, so the text stands for it.
async fn tweet(State(inner): State<Arc<Inner>>, body: Bytes) -> (StatusCode, &'static str) {
    let body: Value = serde_json::from_slice(&body).unwrap();
    let text = body["text"].as_str().unwrap().to_owned();
    assert!(body["reply"]["in_reply_to_tweet_id"].is_string());
    inner.received.lock().unwrap().push(Received { id: text.clone(), text });
    (StatusCode::CREATED, r#"{"data":{"id":"99","text":""}}"#)
}
