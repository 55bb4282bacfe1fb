//! What `sam build` built and `sam deploy` deploys, on the emulator: the steps of `docs/DEPLOY.md` with the
//! same commands, from an empty account to the first post's reply and mail. `.ci/full` builds first and
//! runs it.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use axum::body::Bytes;
use axum::extract::State;
use domain::ids::{CustomerId, NetworkId, UserId};
use domain::time::Timestamp;
use emulator::{Emulator, Options, Venv};
use lambda::aws::Aws;
use lambda::keyed::KeyedHash;
use lambda::secrets::Secret;
use serde_json::{Value, json};
use store::Account;
use store::linking::{Linking, NewLink, Person};
use tests::stack::{hashcart, workspace};
use tokio::process::Command;

const STACK: &str = "hashcart-local";
const SENDER: &str = "cart@acme.example";
const SHOPPER: &str = "alice@shopper.example";
/// How long anything that the post causes may take.
const SOON: Duration = Duration::from_secs(60);

/// Webhooks that the network got: our replies.
type Replies = Arc<Mutex<Vec<Value>>>;

/// A network that takes replies.
async fn network(replies: Replies) -> anyhow::Result<String> {
    let take = |State(replies): State<Replies>, body: Bytes| async move {
        let reply = serde_json::from_slice(&body).unwrap_or_default();
        replies.lock().unwrap().push(reply);
        "{}"
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = axum::Router::new().fallback(take).with_state(replies);
    tokio::spawn(axum::serve(listener, router).into_future());
    Ok(url)
}

/// Runs a command to its end and returns what it printed.
async fn run(mut command: Command) -> anyhow::Result<String> {
    let output = command.current_dir(workspace()).output().await.with_context(|| format!("{command:?}"))?;
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{command:?}: {said}");
    Ok(said)
}

async fn operator(data: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let mut command = Command::from(hashcart());
    command.args(arguments).arg("--stage").arg("local").arg("--data").arg(data);
    run(command).await
}

fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}

/// `sam deploy` of what was built, with the emulator in place of AWS.
async fn sam_deploy(endpoint: &str) -> anyhow::Result<()> {
    ensure!(workspace().join(".aws-sam/build/template.yaml").is_file(), "nothing is built: sam build first");
    let mut command = sam(endpoint);
    command
        .args(["deploy", "--stack-name", STACK, "--resolve-s3", "--no-progressbar", "--parameter-overrides"])
        .arg("Stage=local")
        .arg(format!("Architecture={}", architecture()))
        .arg(format!("MailFrom={SENDER}"))
        .arg("DeletionProtection=false");
    run(command).await?;
    Ok(())
}

/// SAM, with the emulator in place of AWS.
fn sam(endpoint: &str) -> Command {
    let mut command = Command::new("sam");
    command
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_ACCESS_KEY_ID", "000000000000")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("SAM_CLI_TELEMETRY", "0");
    command
}

/// Links the shopper's account as `account-link` would have.
async fn link_shopper(account: &emulator::Account, data: &Path) -> anyhow::Result<()> {
    let secrets = std::fs::read_to_string(data.join("secrets.env"))?;
    let key = secrets.lines().find_map(|line| line.strip_prefix("HASH_KEY=")).context("a hash key")?;
    let dynamodb = Aws::from_config(account.sdk_config()).dynamodb();
    let linking = Linking::new(dynamodb, "hashcart-local-links", "hashcart-local-carts");
    let person = Person {
        email: SHOPPER.to_owned(),
        email_hash: KeyedHash::new(&Secret::new(key)).email(SHOPPER),
        lang: None,
        candidate: CustomerId::new("alice"),
        at: now(),
    };
    let account = Account::new(NetworkId::new("generic"), UserId::new("alice"));
    linking.link(&NewLink { account, handle: Some("alice".to_owned()), person }).await?;
    Ok(())
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_seconds(since.as_secs())
}

fn first_post() -> Value {
    let time = now().to_string();
    json!({"type": "post.created", "timestamp": time, "data": {
        "id": "first", "author": {"id": "alice", "handle": "alice"}, "text": "@acme #AcmeCart x2",
        "created_at": time, "in_reply_to": {"id": "0", "text": "https://acme.example/p/canyon-mug"},
    }})
}

async fn eventually<T>(
    what: &str,
    mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + SOON;
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        ensure!(Instant::now() < deadline, "no {what} within {} s", SOON.as_secs());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
#[ignore = "needs SAM and built functions: .ci/full"]
async fn a_stack_deployed_by_sam_answers_its_first_post() -> anyhow::Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let data = workspace().join(".hashcart/tests/deployment");
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    std::fs::create_dir_all(&data)?;
    let venv = Venv::of_checkout(&workspace());
    let emulator = Emulator::start(Options::new(venv, data.join("emulator"))).await?;
    let account = emulator.account();
    // What the operator's commands take for the running stage `local`.
    std::fs::write(data.join("endpoint"), emulator.endpoint())?;

    sam_deploy(&emulator.endpoint()).await?;
    let outputs = outputs(&emulator.endpoint()).await?;
    let output = |name: &str| outputs[name].as_str().with_context(|| format!("no output {name}: {outputs}"));
    emulator::verify_sender(&account, SENDER, output("FeedbackTopic")?).await?;

    let replies = Replies::default();
    let callback = network(Arc::clone(&replies)).await?;
    let storefront = data.join("storefront.toml");
    let text = std::fs::read_to_string(workspace().join("demo/storefront.toml"))?;
    std::fs::write(&storefront, text.replace("https://playground.example", &callback))?;
    let storefront = storefront.to_str().context("a path")?;
    operator(&data, &["secrets", "init", "--storefront", storefront]).await?;
    operator(&data, &["config", "push", storefront, "--yes"]).await?;
    operator(&data, &["catalog", "import", "demo/feeds/us.tsv", "--marketplace", "us"]).await?;
    link_shopper(&account, &data).await?;

    let post = data.join("first.json");
    std::fs::write(&post, first_post().to_string())?;
    let api = format!("{}/_aws/execute-api/{}/$default", emulator.endpoint(), output("ApiId")?);
    let mut replay = Command::from(hashcart());
    replay.args(["replay", "--network", "generic", "--to", &api, "--data"]).arg(&data).arg(&post);
    let said = run(replay).await?;
    ensure!(said.contains("200"), "{said}");

    let reply = eventually("reply", async || Ok(replies.lock().unwrap().first().cloned())).await?;
    let text = reply["data"]["text"].as_str().unwrap_or_default();
    ensure!(text.contains("Canyon Mug") && reply["data"]["in_reply_to"] == "first", "{reply}");
    let outbox = format!("{}/_ministack/ses/messages?account={}", emulator.endpoint(), account.id());
    let mail = eventually("mail", async || {
        let sent: Value = reqwest::get(&outbox).await?.json().await?;
        let ours = |mail: &&Value| mail["To"].to_string().contains(SHOPPER);
        Ok(sent["messages"][account.id()].as_array().and_then(|mails| mails.iter().find(ours).cloned()))
    })
    .await?;
    ensure!(mail.to_string().contains("Canyon Mug"), "{mail}");
    emulator.stop().await?;
    Ok(())
}

/// The outputs of the stack by their names, as the guide has them shown.
async fn outputs(endpoint: &str) -> anyhow::Result<Value> {
    let mut command = sam(endpoint);
    command.args(["list", "stack-outputs", "--stack-name", STACK, "--output", "json"]);
    let said = run(command).await?;
    let start = said.find('[').context("a list")?;
    let mut outputs = serde_json::Map::new();
    for output in
        serde_json::Deserializer::from_str(&said[start..]).into_iter::<Vec<Value>>().flatten().flatten()
    {
        outputs.insert(
            output["OutputKey"].as_str().unwrap_or_default().to_owned(),
            output["OutputValue"].clone(),
        );
    }
    Ok(outputs.into())
}
