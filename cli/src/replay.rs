//! `hashcart replay`: signs saved payloads as their network would and posts them to a webhook.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use console::style;
use domain::time::Timestamp;
use networks::{Secret, SecretName, standard_webhooks};
use reqwest::StatusCode;
use ring::digest;
use url::Url;

use crate::checkout::Checkout;
use crate::local::secrets::{read, variable};
use crate::playground::now;
use crate::terminal::say;

/// How long one webhook may take to answer: as long as X waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// Signs saved payloads with a network's secret and posts them to its webhook.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hashcart replay --network x --to http://localhost:8787 mention.json
  hashcart replay --network generic --to http://localhost:8787 monday.jsonl tuesday.jsonl
  hashcart replay --network forum --to https://cart.acme.example *.json
  jq -c .payload log.jsonl | hashcart replay --network x --to http://localhost:8787 -

A file holds one payload, sent byte for byte, or one a line (JSON Lines). Posts keep their ids, so
what was taken once changes nothing when it is taken again. The secret is looked for as the
variable X_CONSUMER_SECRET or FORUM_WEBHOOK_SECRET (the network's id, then the secret's name) in
the environment, in .env, and among the local stack's own; it is never an argument.")]
pub struct Args {
    /// The network whose payloads these are: the last part of its webhook's address.
    #[arg(long, value_name = "ID")]
    pub network: String,
    /// Where the installation is reached, or the whole address of a webhook.
    #[arg(long, value_name = "URL")]
    pub to: Url,
    /// What the network speaks (default: `x` for a network of that name, else `generic`).
    #[arg(long, value_enum)]
    pub kind: Option<Kind>,
    /// Where the local stack keeps its data (default: `.hashcart/local` in the checkout).
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Files with payloads; `-` is the standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// What a network speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Standard Webhooks.
    Generic,
    /// X's webhooks.
    X,
}

impl Kind {
    /// The secret that its webhooks are signed with.
    fn secret(self) -> SecretName {
        match self {
            Self::Generic => SecretName::WebhookSecret,
            Self::X => SecretName::ConsumerSecret,
        }
    }

    /// The headers that sign `body` at `now`. The same body gets the same delivery id each time.
    fn sign(
        self,
        secret: &Secret,
        body: &[u8],
        now: Timestamp,
    ) -> anyhow::Result<Vec<(&'static str, String)>> {
        match self {
            Self::X => Ok(vec![(networks::x::SIGNATURE, networks::x::sign(secret, body))]),
            Self::Generic => {
                let key = standard_webhooks::key(secret);
                let key = key.context("the secret is not of the form whsec_… (24 to 64 bytes in base64)")?;
                let hash = digest::digest(&digest::SHA256, body);
                let id: String = hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
                Ok(standard_webhooks::sign(&key, &format!("replay_{id}"), now, body).to_vec())
            }
        }
    }
}

/// A payload and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Payload {
    name: String,
    body: Vec<u8>,
}

/// Posts all payloads in order and prints a line for each.
///
/// # Errors
/// When a file holds no JSON, the secret can't be found, or a payload was not taken (2xx).
pub async fn run(args: Args) -> anyhow::Result<()> {
    let kind = args.kind.unwrap_or(if args.network == "x" { Kind::X } else { Kind::Generic });
    let secret = secret(&args, kind)?;
    let mut payloads = Vec::new();
    for file in &args.files {
        payloads.extend(payloads_in(file)?);
    }
    let (url, client) = (webhook(&args.to, &args.network)?, client()?);
    let mut refused = 0_usize;
    for payload in &payloads {
        let status = post(&client, &url, kind, &secret, payload).await?;
        let shown = if status.is_success() { style(status).green() } else { style(status).red() };
        say(format!("{shown}  {}", payload.name));
        refused += usize::from(!status.is_success());
    }
    match refused {
        0 => Ok(()),
        _ => bail!("{refused} of {} were not taken", payloads.len()),
    }
}

fn client() -> anyhow::Result<reqwest::Client> {
    crate::install_tls();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE);
    client.build().context("no HTTP client can be made")
}

async fn post(
    client: &reqwest::Client,
    url: &Url,
    kind: Kind,
    secret: &Secret,
    payload: &Payload,
) -> anyhow::Result<StatusCode> {
    let mut request = client.post(url.clone()).header("content-type", "application/json");
    for (name, value) in kind.sign(secret, &payload.body, now())? {
        request = request.header(name, value);
    }
    let response = request.body(payload.body.clone()).send().await;
    Ok(response.with_context(|| format!("{url} can't be reached"))?.status())
}

/// `<base>/webhooks/<network>`; an address that names a webhook already stays as it is.
fn webhook(to: &Url, network: &str) -> anyhow::Result<Url> {
    if to.path().contains("/webhooks/") {
        return Ok(to.clone());
    }
    let mut url = to.clone();
    let Ok(mut path) = url.path_segments_mut() else { bail!("{to} is not an address of a webhook") };
    path.pop_if_empty().extend(["webhooks", network]);
    drop(path);
    Ok(url)
}

fn secret(args: &Args, kind: Kind) -> anyhow::Result<Secret> {
    let name = format!("{}/{}", args.network, kind.secret());
    let variable = variable(&name);
    let found = match std::env::var(&variable) {
        Ok(found) => Some(found),
        Err(_) => in_files(args, &variable)?,
    };
    // Several values stand with commas between them, the newest first.
    let newest = found.as_deref().and_then(|values| values.split(',').next()).map(Secret::new);
    newest.filter(|secret| !secret.expose().is_empty()).with_context(|| {
        format!("the secret `{name}` is nowhere: set {variable} in the environment or in .env")
    })
}

fn in_files(args: &Args, variable: &str) -> anyhow::Result<Option<String>> {
    let data = args.data.clone().or_else(|| Checkout::find().ok().map(|checkout| checkout.default_data()));
    let files = [Some(PathBuf::from(".env")), data.map(|data| data.join("secrets.env"))];
    for file in files.into_iter().flatten() {
        if let Some(value) = read(&file)?.remove(variable) {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

fn payloads_in(file: &Path) -> anyhow::Result<Vec<Payload>> {
    let name = file.display().to_string();
    let read = if name == "-" {
        let mut text = Vec::new();
        std::io::stdin().read_to_end(&mut text).map(|_| text)
    } else {
        std::fs::read(file)
    };
    split(&name, read.with_context(|| format!("{name} can't be read"))?)
}

/// One payload, or one a line.
fn split(name: &str, bytes: Vec<u8>) -> anyhow::Result<Vec<Payload>> {
    let is_json = |bytes: &[u8]| serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok();
    if is_json(&bytes) {
        return Ok(vec![Payload { name: name.to_owned(), body: bytes }]);
    }
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    let mut payloads = Vec::new();
    for (number, line) in lines.map(|(at, line)| (at + 1, line.trim_ascii())) {
        if line.is_empty() {
            continue;
        }
        if !is_json(line) {
            bail!("{name}, line {number}: not JSON");
        }
        payloads.push(Payload { name: format!("{name}:{number}"), body: line.to_vec() });
    }
    if payloads.is_empty() {
        bail!("{name} is empty");
    }
    Ok(payloads)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::body::Bytes;
    use axum::extract::State;
    use axum::http::{HeaderMap, Method, Uri};
    use networks::{Http, NetworkSecrets, Reach, WebhookRequest};

    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    type Got = Arc<Mutex<Vec<(Uri, HeaderMap, Bytes)>>>;

    /// A webhook that takes everything but what says `no`.
    async fn server(got: Got) -> Url {
        let take = |State(got): State<Got>, uri: Uri, headers: HeaderMap, body: Bytes| async move {
            let refused = body.windows(4).any(|part| part == b"\"no\"");
            got.lock().unwrap().push((uri, headers, body));
            if refused { axum::http::StatusCode::BAD_REQUEST } else { axum::http::StatusCode::OK }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(axum::serve(listener, axum::Router::new().fallback(take).with_state(got)).into_future());
        url
    }

    /// The local stack's data with the secrets of two networks.
    fn data() -> tempfile::TempDir {
        let data = tempfile::tempdir().unwrap();
        let secrets = format!("X_CONSUMER_SECRET=consumer\nFORUM_7_WEBHOOK_SECRET={SECRET},older\n");
        std::fs::write(data.path().join("secrets.env"), secrets).unwrap();
        data
    }

    fn args(network: &str, to: &Url, data: &tempfile::TempDir, files: &[PathBuf]) -> Args {
        Args {
            network: network.to_owned(),
            to: to.clone(),
            kind: None,
            data: Some(data.path().to_owned()),
            files: files.to_vec(),
        }
    }

    fn verified(network: &str, secret: &str, headers: &HeaderMap, body: &[u8]) -> bool {
        let json = match network {
            "x" => serde_json::json!({"id": "x", "kind": "x", "bot_handle": "a", "bot_id": "1"}),
            _ => serde_json::json!({"id": network, "kind": "generic", "bot_handle": "a", "bot_id": "1",
                "callback_url": "https://a.example/"}),
        };
        let config = serde_json::from_value(json).unwrap();
        let secrets = NetworkSecrets::read(|_| vec![secret.to_owned()]);
        let network = networks::AnyNetwork::new(config, secrets, Http::new(Reach::Public, now));
        let request = WebhookRequest { method: &Method::POST, headers, query: "", body };
        networks::Network::verify(&network, &request, now()).is_ok()
    }

    #[tokio::test]
    async fn payloads_arrive_byte_for_byte_and_signed() {
        let (got, folder) = (Got::default(), data());
        let url = server(Arc::clone(&got)).await;
        let (one, many) = (folder.path().join("one.json"), folder.path().join("many.jsonl"));
        std::fs::write(&one, "{ \"a\":\n 1 }\n").unwrap();
        std::fs::write(&many, "{\"b\":1}\n\n{\"c\": 2}\r\n").unwrap();
        let files = [one, many];
        run(args("x", &url, &folder, &files)).await.unwrap();
        run(args("forum-7", &url, &folder, &files)).await.unwrap();
        let got = got.lock().unwrap();
        let bodies: Vec<&[u8]> = got.iter().map(|(_, _, body)| &body[..]).collect();
        let sent: [&[u8]; 3] = [b"{ \"a\":\n 1 }\n", b"{\"b\":1}", b"{\"c\": 2}"];
        assert_eq!(bodies, [sent, sent].concat());
        for (at, (uri, headers, body)) in got.iter().enumerate() {
            let (network, secret) = if at < 3 { ("x", "consumer") } else { ("forum-7", SECRET) };
            assert_eq!(uri.path(), format!("/webhooks/{network}"));
            assert!(verified(network, secret, headers, body), "{at}");
            assert!(!verified(network, "another", headers, body), "{at}");
        }
    }

    #[tokio::test]
    async fn what_was_not_taken_is_an_error() {
        let (got, folder) = (Got::default(), data());
        let url = server(Arc::clone(&got)).await;
        let file = folder.path().join("mixed.jsonl");
        std::fs::write(&file, "{\"a\":\"no\"}\n{\"a\":\"yes\"}\n").unwrap();
        let error = run(args("x", &url, &folder, std::slice::from_ref(&file))).await.unwrap_err();
        assert_eq!(error.to_string(), "1 of 2 were not taken");
        assert_eq!(got.lock().unwrap().len(), 2);

        let closed = Url::parse("http://127.0.0.1:9/").unwrap();
        let error = run(args("x", &closed, &folder, &[file])).await.unwrap_err();
        assert!(error.to_string().contains("can't be reached"), "{error}");
        std::fs::write(folder.path().join("bad"), "{\"a\":1}\nnonsense\n").unwrap();
        let error = run(args("x", &url, &folder, &[folder.path().join("bad")])).await.unwrap_err();
        assert!(error.to_string().ends_with("line 2: not JSON"), "{error}");
    }

    #[test]
    fn the_secret_is_looked_for_beside_the_local_stack() {
        let folder = data();
        let args = args("forum-7", &Url::parse("http://localhost").unwrap(), &folder, &[]);
        assert_eq!(secret(&args, Kind::Generic).unwrap().expose(), SECRET);
        let error = secret(&args, Kind::X).unwrap_err().to_string();
        assert!(
            error.contains("forum-7/consumer-secret") && error.contains("FORUM_7_CONSUMER_SECRET"),
            "{error}"
        );
    }

    #[test]
    fn addresses_of_webhooks() {
        let webhook = |to: &str| webhook(&Url::parse(to).unwrap(), "x").unwrap().to_string();
        assert_eq!(webhook("http://localhost:8787"), "http://localhost:8787/webhooks/x");
        assert_eq!(webhook("https://a.example/shop/"), "https://a.example/shop/webhooks/x");
        assert_eq!(webhook("https://a.example/webhooks/y"), "https://a.example/webhooks/y");
    }
}
