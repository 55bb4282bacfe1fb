//! AWS on this machine, for functions that run as processes: DynamoDB, SQS, the parameter store and SES
//! over TLS, each at an address of its own as on AWS, and a network that takes replies.
//!
//! Behind it stands the fault run's strict model of DynamoDB. What an event writes is forgotten before
//! the next one, so that each event meets the same tables and costs the same. Only the process before it is measured, never this
//! server.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use axum::Router;
use axum::extract::State as Extracted;
use axum::response::{IntoResponse as _, Response};
use axum::serve::Listener;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::faults::dynamodb::Tables;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::server::TlsStream;

use crate::shop::{self, SECRETS};

/// The services by the names that `AWS_ENDPOINT_URL_<SERVICE>` knows them by.
const SERVICES: [&str; 4] = ["DYNAMODB", "SQS", "SSM", "SES"];
/// The tables and queues by the names that the functions' environment gives them.
const TABLES: [&str; 6] = ["links", "carts", "catalog", "deliveries", "settings", "ledger"];
const QUEUES: [&str; 4] = ["posts", "commands", "outcomes", "feedback"];

/// The servers. They end with this value.
#[derive(Debug)]
pub struct Loopback {
    state: Arc<Mutex<State>>,
    ports: Vec<u16>,
    callback_port: u16,
    authority: TempDir,
    serving: Vec<tokio::task::JoinHandle<()>>,
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.serving.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

#[derive(Debug)]
struct State {
    /// As every event finds them.
    stocked: Tables,
    tables: Tables,
    effects: Vec<Effect>,
}

/// What an event changed outside of the tables.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A message on a queue: its group and its body.
    Sent {
        /// The queue's name.
        queue: String,
        /// `MessageGroupId`.
        group: String,
        /// The body, read as JSON.
        body: Value,
    },
    /// A mail that SES took.
    Mailed,
    /// A reply that the network took.
    Replied,
}

impl Effect {
    /// What it is, in a word: a queue's name, `mail` or `reply`.
    pub fn name(&self) -> &str {
        match self {
            Self::Sent { queue, .. } => queue,
            Self::Mailed => "mail",
            Self::Replied => "reply",
        }
    }

    /// The same without what differs from run to run: the envelope's id, and moments.
    #[must_use]
    pub fn timeless(mut self) -> Self {
        if let Self::Sent { body, .. } = &mut self {
            body.as_object_mut().and_then(|envelope| envelope.remove("id"));
            forget_moments(body);
        }
        self
    }
}

fn forget_moments(value: &mut Value) {
    if let Value::Object(fields) = value {
        fields.retain(|name, _| !["at", "first_seen", "created_at", "as_of"].contains(&name.as_str()));
        fields.values_mut().for_each(forget_moments);
    }
}

/// How functions find the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// Each service at its own, as on AWS: a connection for each.
    Own,
    /// All at one: a single connection.
    One,
}

impl Loopback {
    /// Starts the servers with the shop's tables.
    ///
    /// # Errors
    /// When no port or certificate can be had, or the shop can't be set up.
    pub async fn start() -> anyhow::Result<Self> {
        let callbacks = TcpListener::bind(("127.0.0.1", 0)).await?;
        let callback_port = callbacks.local_addr()?.port();
        let stocked = shop::tables(&format!("http://127.0.0.1:{callback_port}/replies")).await?;
        let state = State { tables: stocked.clone(), stocked, effects: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&state));
        let authority = TempDir::new()?;
        let acceptor = acceptor(&authority)?;
        let plain = axum::serve(callbacks, router.clone());
        let mut serving = vec![tokio::spawn(async move { drop(plain.await) })];
        let mut ports = Vec::new();
        for _ in SERVICES {
            let tcp = TcpListener::bind(("127.0.0.1", 0)).await?;
            ports.push(tcp.local_addr()?.port());
            let server = axum::serve(Tls { tcp, acceptor: acceptor.clone() }, router.clone());
            serving.push(tokio::spawn(async move { drop(server.await) }));
        }
        Ok(Self { state, ports, callback_port, authority, serving })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what the last event changed, and gives what it did outside of the tables.
    pub fn forget(&self) -> Vec<Effect> {
        let mut state = self.state();
        state.tables = state.stocked.clone();
        std::mem::take(&mut state.effects)
    }

    /// The certificate of the authority behind the servers, in PEM.
    pub fn certificate(&self) -> PathBuf {
        self.authority.path().join("ca.pem")
    }

    /// The environment of a function, as Lambda and the template give it, with these servers for AWS.
    pub fn environment(&self, function: &str, addresses: Addresses) -> Vec<(String, String)> {
        let port = |place: usize| {
            let place = if addresses == Addresses::One { 0 } else { place };
            self.ports.get(place).copied().unwrap_or_default()
        };
        let mut variables: Vec<(String, String)> = [
            ("AWS_REGION", "us-east-1"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_SESSION_TOKEN", "token"),
            ("AWS_LAMBDA_FUNCTION_NAME", function),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "g"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "s"),
            // The stage that may reach a network on this machine. Its AWS clients are those of every stage.
            ("HASHCART_STAGE", "local"),
            ("HASHCART_SECRETS_PREFIX", "/hashcart/local/"),
            ("HASHCART_MAIL_FROM", "cart@acme.example"),
            ("HASHCART_SES_CONFIGURATION_SET", "hashcart"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let mut set = |name: String, value: String| variables.push((name, value));
        set("AWS_ENDPOINT_URL".to_owned(), format!("https://localhost:{}", port(0)));
        for (place, service) in SERVICES.iter().enumerate() {
            set(format!("AWS_ENDPOINT_URL_{service}"), format!("https://localhost:{}", port(place)));
        }
        // Each language's way to trust one more authority.
        for name in ["AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"] {
            set(name.to_owned(), self.certificate().display().to_string());
        }
        set("PATH".to_owned(), std::env::var("PATH").unwrap_or_default());
        set("HASHCART_PUBLIC_URL".to_owned(), format!("http://127.0.0.1:{}", self.callback_port));
        for table in TABLES {
            set(format!("HASHCART_TABLE_{}", table.to_uppercase()), table.to_owned());
        }
        for queue in QUEUES {
            let url = format!("https://localhost:{}/000000000000/{queue}", port(1));
            set(format!("HASHCART_QUEUE_{}", queue.to_uppercase()), url.clone());
            set(format!("HASHCART_DLQ_{}", queue.to_uppercase()), format!("{url}-dead-letters"));
        }
        variables
    }
}

/// An authority, an intermediate one and a server's certificate, as on AWS; P-256 keys.
fn acceptor(folder: &TempDir) -> anyhow::Result<TlsAcceptor> {
    let authority = |path| -> anyhow::Result<CertificateParams> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path));
        params.distinguished_name.push(rcgen::DnType::CommonName, format!("measured {path}"));
        Ok(params)
    };
    let root = CertifiedIssuer::self_signed(authority(1)?, KeyPair::generate()?)?;
    let between = CertifiedIssuer::signed_by(authority(0)?, KeyPair::generate()?, &root)?;
    let key = KeyPair::generate()?;
    let leaf = CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&key, &between)?;
    std::fs::write(folder.path().join("ca.pem"), pem(root.as_ref().der()))?;
    let chain = vec![leaf.der().clone(), between.as_ref().der().clone()];
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = config.with_no_client_auth().with_single_cert(chain, key).context("the certificate")?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// A certificate as text (RFC 7468): lines of 64 characters.
fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines = text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line) + "\n");
    format!("-----BEGIN CERTIFICATE-----\n{}-----END CERTIFICATE-----\n", lines.collect::<String>())
}

struct Tls {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.tcp).await;
            // Small answers at once: Nagle's algorithm would wait for more.
            let _ = stream.set_nodelay(true);
            // A client that gives up is none of ours to tell of: it fails its own event.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}

async fn answer(Extracted(state): Extracted<Arc<Mutex<State>>>, headers: HeaderMap, body: Bytes) -> Response {
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let signed = headers.contains_key(header::AUTHORIZATION);
    match target.split_once('.') {
        Some(("DynamoDB_20120810", operation)) => state.dynamodb(operation, &read(&body)),
        Some(("AmazonSQS", operation)) => state.sqs(operation, &read(&body)),
        Some(("AmazonSSM", operation)) => ssm(operation, &read(&body)),
        None if signed => state.mail(),
        None => state.reply(),
        Some(_) => unknown(target),
    }
}

fn read(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

fn json(status: StatusCode, value: &Value) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/x-amz-json-1.0")];
    (status, kind, value.to_string()).into_response()
}

/// As AWS refuses what it doesn't know: the function then fails, and with it the measurement.
fn unknown(what: &str) -> Response {
    json(StatusCode::BAD_REQUEST, &json!({"__type": "UnknownOperationException", "message": what}))
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

impl State {
    fn dynamodb(&mut self, operation: &str, asked: &Value) -> Response {
        match self.tables.answer(operation, asked).0 {
            Ok(answer) => json(StatusCode::OK, &answer),
            Err(refusal) => json(StatusCode::BAD_REQUEST, &refusal.body()),
        }
    }

    fn sqs(&mut self, operation: &str, asked: &Value) -> Response {
        let queue = text(asked, "QueueUrl").rsplit('/').next().unwrap_or_default().to_owned();
        match operation {
            "SendMessage" => json(StatusCode::OK, &self.send(&queue, asked)),
            "SendMessageBatch" => {
                let entries = asked.get("Entries").and_then(Value::as_array).into_iter().flatten();
                let sent: Vec<Value> = entries.map(|entry| self.send(&queue, entry)).collect();
                json(StatusCode::OK, &json!({"Successful": sent, "Failed": []}))
            }
            other => unknown(other),
        }
    }

    fn send(&mut self, queue: &str, entry: &Value) -> Value {
        self.effects.push(Effect::Sent {
            queue: queue.to_owned(),
            group: text(entry, "MessageGroupId"),
            body: read(text(entry, "MessageBody").as_bytes()),
        });
        json!({"Id": entry.get("Id"), "MessageId": "m", "MD5OfMessageBody": ""})
    }

    fn mail(&mut self) -> Response {
        self.effects.push(Effect::Mailed);
        let answer = "<SendRawEmailResponse xmlns=\"http://ses.amazonaws.com/doc/2010-12-01/\">\
             <SendRawEmailResult><MessageId>mail-1</MessageId></SendRawEmailResult>\
             <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></SendRawEmailResponse>";
        ([(header::CONTENT_TYPE, "text/xml")], answer).into_response()
    }

    fn reply(&mut self) -> Response {
        self.effects.push(Effect::Replied);
        json(StatusCode::OK, &json!({"id": "reply-1"}))
    }
}

fn ssm(operation: &str, asked: &Value) -> Response {
    let full = |name: &str| format!("/hashcart/local/{name}");
    let wanted: Box<dyn Fn(&str) -> bool> = match operation {
        "GetParametersByPath" => {
            let path = text(asked, "Path");
            Box::new(move |name| full(name).starts_with(&format!("{}/", path.trim_end_matches('/'))))
        }
        "GetParameters" => {
            let names = asked.get("Names").cloned().unwrap_or_default();
            Box::new(move |name| names.as_array().is_some_and(|all| all.contains(&full(name).into())))
        }
        other => return unknown(other),
    };
    let found = SECRETS.iter().filter(|(name, _)| wanted(name));
    let parameter =
        |(name, value): &(&str, &str)| json!({"Name": full(name), "Value": value, "Type": "SecureString"});
    json(
        StatusCode::OK,
        &json!({"Parameters": found.map(parameter).collect::<Vec<_>>(), "InvalidParameters": []}),
    )
}
