//! A server in front of the emulator that hands everything on but refuses entries of `SendMessageBatch`
//! as SQS does under load: in an answer that is a success as a whole.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

/// What becomes of the next `SendMessageBatch`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Plan {
    #[default]
    HandOn,
    RefuseFirstEntryOnce,
    RefuseAlways,
}

#[derive(Clone, Default)]
struct Shared {
    emulator: String,
    plan: Arc<Mutex<Plan>>,
    batches: Arc<Mutex<Vec<usize>>>,
}

pub(crate) struct Front {
    pub(crate) url: String,
    shared: Shared,
}

impl Front {
    pub(crate) async fn start(emulator: &str) -> Self {
        // The second caller finds the first one's provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let shared = Shared { emulator: emulator.to_owned(), ..Shared::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(pass).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, shared }
    }

    /// Refuses the first entry of the next batch and says that the others were taken.
    pub(crate) fn refuse_first_entry_once(&self) {
        *self.shared.plan.lock().unwrap() = Plan::RefuseFirstEntryOnce;
    }

    /// Refuses every entry from now on.
    pub(crate) fn refuse_always(&self) {
        *self.shared.plan.lock().unwrap() = Plan::RefuseAlways;
    }

    /// How many entries each batch so far had.
    pub(crate) fn batches(&self) -> Vec<usize> {
        self.shared.batches.lock().unwrap().clone()
    }
}

async fn pass(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let target = parts.headers.get("x-amz-target").map_or("", |value| value.to_str().unwrap());
    if target == "AmazonSQS.SendMessageBatch"
        && let Some(answer) = refuse(&shared, &body)
    {
        return ([("content-type", "application/x-amz-json-1.0")], answer.to_string()).into_response();
    }
    let url = format!("{}{}", shared.emulator, parts.uri);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.request(parts.method, url).headers(parts.headers).body(body).send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut response =
        (StatusCode::from_u16(status.as_u16()).unwrap(), answer.bytes().await.unwrap()).into_response();
    if let Some(content_type) = headers.get("content-type") {
        response.headers_mut().insert("content-type", content_type.clone());
    }
    response
}

fn refuse(shared: &Shared, body: &Bytes) -> Option<Value> {
    let asked: Value = serde_json::from_slice(body).unwrap();
    let ids: Vec<&str> =
        asked["Entries"].as_array().unwrap().iter().map(|e| e["Id"].as_str().unwrap()).collect();
    shared.batches.lock().unwrap().push(ids.len());
    let mut plan = shared.plan.lock().unwrap();
    let refused = match *plan {
        Plan::HandOn => return None,
        Plan::RefuseFirstEntryOnce => 1,
        Plan::RefuseAlways => ids.len(),
    };
    if *plan == Plan::RefuseFirstEntryOnce {
        *plan = Plan::HandOn;
    }
    let failed: Vec<Value> = ids
        .iter()
        .take(refused)
        .map(|id| json!({"Id": id, "Code": "InternalError", "SenderFault": false, "Message": "busy"}))
        .collect();
    let taken: Vec<Value> = ids
        .iter()
        .skip(refused)
        .map(|id| json!({"Id": id, "MessageId": "m", "MD5OfMessageBody": "d"}))
        .collect();
    Some(json!({"Successful": taken, "Failed": failed}))
}
