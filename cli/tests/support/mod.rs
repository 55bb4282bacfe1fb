//! What tests of the operator's tools share: an emulator of their own, and the program.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use emulator::{Account, Deployment, Emulator, Options, Venv};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;

const CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// What a call printed and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) out: String,
    pub(crate) error: String,
    pub(crate) code: Option<i32>,
}

impl Said {
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// That the output contains this.
    pub(crate) fn says(&self, what: &str) -> &Self {
        assert!(self.out.contains(what) || self.error.contains(what), "no `{what}` in {self:?}");
        self
    }

    /// That neither output nor errors contain this.
    pub(crate) fn hides(&self, what: &str) -> &Self {
        assert!(!self.out.contains(what) && !self.error.contains(what), "`{what}` in {self:?}");
        self
    }
}

/// The tables and queues of the stage `local` in an emulator of the test's own.
pub(crate) struct World {
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) account: Account,
    pub(crate) folder: TempDir,
    _emulator: Emulator,
}

impl World {
    pub(crate) async fn new() -> Self {
        let data = tempfile::Builder::new().prefix("hashcart-dlq-").disable_cleanup(true).tempdir().unwrap();
        let venv = Venv::of_checkout(std::path::Path::new(CHECKOUT));
        let emulator = Emulator::start(Options::new(venv, data.path()).remove_data()).await.unwrap();
        let account = emulator.account();
        let deployment = Deployment::new("hashcart-local")
            .parameter("Stage", "local")
            .parameter("MailFrom", "shop@acme.example");
        deployment.deploy_data(&account).await.unwrap();
        Self {
            sqs: aws_sdk_sqs::Client::new(&account.sdk_config()),
            account,
            folder: tempfile::tempdir().unwrap(),
            _emulator: emulator,
        }
    }

    /// The program, called against the emulator, in a folder of its own.
    pub(crate) fn command(&self, endpoint: &str, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hashcart"));
        command.args(args).args(["--endpoint-url", endpoint]).current_dir(self.folder.path());
        command.stdin(std::process::Stdio::null()).kill_on_drop(true);
        command
    }

    pub(crate) async fn call(&self, args: &[&str]) -> Said {
        self.call_through(self.account.endpoint(), args).await
    }

    pub(crate) async fn call_through(&self, endpoint: &str, args: &[&str]) -> Said {
        said(self.command(endpoint, args).output().await.unwrap())
    }

    /// Starts the program with its output kept.
    pub(crate) fn start(&self, endpoint: &str, args: &[&str]) -> Child {
        let mut command = self.command(endpoint, args);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        command.spawn().unwrap()
    }

    pub(crate) async fn url(&self, queue: &str) -> String {
        let name = format!("hashcart-local-{queue}");
        self.sqs.get_queue_url().queue_name(name).send().await.unwrap().queue_url.unwrap()
    }

    /// Puts a message into a dead-letter queue as a function does.
    pub(crate) async fn dead_letter(&self, queue: &str, body: &str, reason: &str, kind: &str) -> String {
        let function = match queue {
            "posts" => "classify",
            "commands" => "cart-add",
            _ => "notify",
        };
        let mut request =
            self.sqs.send_message().queue_url(self.url(&format!("{queue}-dead")).await).message_body(body);
        for (name, value) in [("reason", reason), ("function", function), ("kind", kind)] {
            request = request.message_attributes(name, text(value));
        }
        request.message_group_id("group-1").send().await.unwrap().message_id.unwrap()
    }

    /// How many messages a queue shows, and how many it hides.
    pub(crate) async fn counts(&self, queue: &str) -> (u64, u64) {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let request = self.sqs.get_queue_attributes().queue_url(self.url(queue).await);
        let answer = request.set_attribute_names(Some(names.to_vec())).send().await.unwrap();
        let attributes = answer.attributes.unwrap();
        let number = |name| attributes[&name].parse().unwrap();
        let [visible, hidden] = names.map(number);
        (visible, hidden)
    }

    /// Takes everything out of a queue.
    pub(crate) async fn drain(&self, queue: &str) -> Vec<Message> {
        let url = self.url(queue).await;
        let mut messages = Vec::new();
        loop {
            let request = self.sqs.receive_message().queue_url(&url).max_number_of_messages(10);
            let request = request
                .message_system_attribute_names(MessageSystemAttributeName::All)
                .message_attribute_names("All");
            let received = request.send().await.unwrap().messages.unwrap_or_default();
            if received.is_empty() {
                return messages;
            }
            messages.extend(received);
        }
    }

    pub(crate) async fn bodies(&self, queue: &str) -> Vec<String> {
        let mut bodies: Vec<String> =
            self.drain(queue).await.into_iter().map(|message| message.body.unwrap()).collect();
        bodies.sort();
        bodies
    }
}

pub(crate) fn said(output: std::process::Output) -> Said {
    Said {
        out: String::from_utf8(output.stdout).unwrap(),
        error: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code(),
    }
}

pub(crate) fn text(value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder().data_type("String").string_value(value).build().unwrap()
}

/// A post as it travels on the queue `posts`, by an author called Alice.
pub(crate) fn post(id: &str) -> String {
    let post = serde_json::json!({
        "v": 1, "id": format!("01JD7Z8Q4E5T6Y7U8I9O0P{id:0>4}"), "at": 1_763_719_200_123_u64,
        "trace": "Root=1-5759e988-bd862e3fe1be46a994272793",
        "body": {
            "type": "Post", "network": "generic", "bot": "1500", "id": id,
            "author": { "id": "alice-account", "handle": "alice" },
            "mentions_us": true, "created_at": 1_763_719_200_123_u64, "first_seen": 1_763_719_200_123_u64,
            "visibility": "public", "text": "@acme #AcmeCart my secret wish  👍🏽",
            "tags": ["AcmeCart"], "links": ["https://acme.example/p/tee?who=alice"],
        },
    });
    // Blanks and the order of fields are ours to keep.
    serde_json::to_string_pretty(&post).unwrap()
}

/// What a proxy does with a request, by its action and its number among those of that action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Goes through.
    Pass,
    /// Is refused; the emulator never sees it.
    Refuse,
    /// Goes through, and the answer never comes.
    Hang,
    /// Waits until the proxy is opened.
    Wait,
}

type Decide = dyn Fn(&str, usize) -> Fate + Send + Sync;

/// A way to the emulator that can be cut.
pub(crate) struct Proxy {
    pub(crate) endpoint: String,
    seen: Arc<Mutex<BTreeMap<String, usize>>>,
    open: Arc<Semaphore>,
    /// Receipts of all messages that were given out through it, by message.
    pub(crate) receipts: Arc<Mutex<BTreeMap<String, String>>>,
}

#[derive(Clone)]
struct Way {
    to: String,
    decide: Arc<Decide>,
    open: Arc<Semaphore>,
    seen: Arc<Mutex<BTreeMap<String, usize>>>,
    receipts: Arc<Mutex<BTreeMap<String, String>>>,
    http: reqwest::Client,
}

impl Proxy {
    pub(crate) async fn new(
        world: &World,
        decide: impl Fn(&str, usize) -> Fate + Send + Sync + 'static,
    ) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (seen, receipts) = <(Arc<Mutex<_>>, Arc<Mutex<_>>)>::default();
        let open = Arc::new(Semaphore::new(0));
        let way = Way {
            open: Arc::clone(&open),
            to: world.account.endpoint().to_owned(),
            decide: Arc::new(decide),
            seen: Arc::clone(&seen),
            receipts: Arc::clone(&receipts),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        };
        let app = axum::Router::new().fallback(pass).with_state(way);
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { endpoint, seen, open, receipts }
    }

    /// Lets go through what waits, and whatever would.
    pub(crate) fn open(&self) {
        self.open.close();
    }

    /// Waits until this action has been asked for so often.
    pub(crate) async fn wait_for(&self, action: &str, times: usize) {
        let seen = || self.seen.lock().unwrap().get(action).copied().unwrap_or(0);
        eventually(|| async { seen() >= times }).await;
    }
}

async fn pass(State(way): State<Way>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let action = target.rsplit('.').next().unwrap_or_default().to_owned();
    let number = {
        let mut seen = way.seen.lock().unwrap();
        let count = seen.entry(action.clone()).or_default();
        *count += 1;
        *count
    };
    let fate = (way.decide)(&action, number);
    if fate == Fate::Wait {
        // No permit is ever given: the semaphore is closed when the way is open.
        let _ = way.open.acquire().await;
    }
    if fate == Fate::Refuse {
        let answer = r#"{"__type":"com.amazonaws.sqs#AccessDenied","message":"not allowed"}"#;
        return (StatusCode::FORBIDDEN, [("content-type", "application/x-amz-json-1.0")], answer)
            .into_response();
    }
    let request = way.http.request(method, format!("{}{uri}", way.to)).headers(headers).body(body);
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let bytes = answer.bytes().await.unwrap();
    if action == "ReceiveMessage" {
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        for message in value["Messages"].as_array().into_iter().flatten() {
            let part = |name: &str| message[name].as_str().unwrap().to_owned();
            way.receipts.lock().unwrap().insert(part("MessageId"), part("ReceiptHandle"));
        }
    }
    if fate == Fate::Hang {
        std::future::pending::<()>().await;
    }
    (status, headers, bytes).into_response()
}

/// Asks until it is so, at most half a minute.
pub(crate) async fn eventually<F: Future<Output = bool>>(mut is_so: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so().await {
        assert!(Instant::now() < deadline, "not within half a minute");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
