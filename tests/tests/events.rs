//! The sample events in `infra/events`: each is driven through its function and must have the effect that it
//! is a sample of. By default that is the local stack's deployed functions; the ignored tests drive
//! them through what else runs functions on a developer's machine (`.ci/full` does: see
//! CONTRIBUTING.md for what they need).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use domain::ids::{NetworkId, UserId};
use domain::time::Timestamp;
use serde_json::{Map, Value, json};
use store::Account;
use store::carts::{Carts, SuppressionReason};
use store::links::Links;
use tests::stack::{Stack, workspace};
use tokio::process::{Child, Command};

/// When the samples happened, as they lie in the repository, in milliseconds since 1970.
const THEN: &str = "1795312800000";
/// What they are signed with there: the example secret of Standard Webhooks, and one for X.
const SECRETS: [(&str, &str); 2] = [
    ("GENERIC_WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ("X_CONSUMER_SECRET", "sample-consumer-secret"),
];
/// How long another host of functions may take to be there; cargo may have to build first.
const READY_WITHIN: Duration = Duration::from_secs(15 * 60);
/// How long one event may take: `sam local invoke` starts a container for each, `cargo lambda watch` builds
/// a function first.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10 * 60);

// ---------------------------------------------------------------- the files

fn folder() -> PathBuf {
    workspace().join("infra/events")
}

fn samples() -> Vec<String> {
    let names = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    let samples: BTreeSet<String> = names.filter(|name| name.ends_with(".json")).collect();
    samples.into_iter().collect()
}

fn functions() -> Vec<String> {
    let entries = std::fs::read_dir(workspace().join("functions")).unwrap().map(Result::unwrap);
    let functions = entries.filter(|entry| entry.path().join("Cargo.toml").is_file());
    functions.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

/// The function that a sample is for: its name begins with it.
fn function_of(sample: &str) -> String {
    let functions = functions();
    let found = functions.iter().find(|function| sample.starts_with(&format!("{function}-")));
    found.unwrap_or_else(|| panic!("{sample}: name it <function>-<what>.json")).clone()
}

/// What `infra/events/fresh.py` prints.
async fn fresh(arguments: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<String> {
    let mut command = Command::new("python3");
    command.arg(folder().join("fresh.py")).args(arguments).envs(environment.iter().copied());
    let output = command.output().await.context("python3")?;
    ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn every_function_has_a_sample() {
    let covered: BTreeSet<String> = samples().iter().map(|sample| function_of(sample)).collect();
    assert_eq!(covered, functions().into_iter().collect());
}

/// So the signatures are right and the samples say when they happened.
#[tokio::test]
async fn samples_are_what_the_program_makes_of_them_at_their_time() {
    for sample in samples() {
        let file = folder().join(&sample);
        let made = fresh(&["--at", THEN, file.to_str().unwrap()], &SECRETS).await.unwrap();
        let kept = std::fs::read_to_string(&file).unwrap();
        assert_eq!(kept, made, "{sample}: infra/events/fresh.py --at {THEN} makes it anew");
    }
}

// ---------------------------------------------------------------- where they are driven through

/// What runs the functions.
enum Host {
    /// The local stack itself.
    Deployed(emulator::Account),
    /// Lambda's API at an address; functions by their names.
    Lambda { url: String },
    /// The same, functions by their names in the template.
    Template { url: String },
    /// An HTTP API at an address.
    Api { url: String },
    /// `sam local invoke`, once for each event.
    Invoke { data: PathBuf },
}

impl Host {
    /// Whether a sample can have its effect here. In a container `localhost` is the container, so a reply to
    /// the playground doesn't get out of it.
    fn takes(&self, sample: &str, event: &Value) -> bool {
        match self {
            Self::Api { .. } => event.get("requestContext").is_some(),
            Self::Template { .. } | Self::Invoke { .. } => sample != "notify-outcomes.json",
            Self::Deployed(_) | Self::Lambda { .. } => true,
        }
    }

    /// The function's answer.
    async fn ask(&self, stack: &Stack, function: &str, event: &Value) -> anyhow::Result<Value> {
        match self {
            Self::Deployed(account) => {
                let name = format!("hashcart-local-{function}");
                let answer = emulator::invoke(account, &name, &event.to_string()).await?;
                answered(&name, serde_json::from_slice(&answer)?)
            }
            Self::Lambda { url } => invoke(stack, url, function, event).await,
            Self::Template { url } => invoke(stack, url, &logical(function), event).await,
            Self::Api { url } => request(stack, url, event).await,
            Self::Invoke { data } => sam_local_invoke(data, &logical(function), event).await,
        }
    }
}

/// `cart-add` → `CartAdd`.
fn logical(function: &str) -> String {
    let words = function.split('-').map(|word| {
        let (first, rest) = word.split_at(1);
        format!("{}{rest}", first.to_ascii_uppercase())
    });
    words.collect()
}

async fn invoke(stack: &Stack, url: &str, function: &str, event: &Value) -> anyhow::Result<Value> {
    let url = format!("{url}/2015-03-31/functions/{function}/invocations");
    let answer = stack.http().post(&url).timeout(ANSWERED_WITHIN).json(event).send().await?;
    let answer = answer.json().await.with_context(|| url.clone())?;
    answered(function, answer)
}

/// The answer, unless the function ended with an error.
fn answered(function: &str, answer: Value) -> anyhow::Result<Value> {
    ensure!(answer.get("errorMessage").is_none(), "{function}: {answer}");
    Ok(answer)
}

/// The request that an event of API Gateway tells of, as its client would make it.
async fn request(stack: &Stack, url: &str, event: &Value) -> anyhow::Result<Value> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut url = format!("{url}{}", text(&event["rawPath"]));
    if let Some(query) = event["rawQueryString"].as_str().filter(|query| !query.is_empty()) {
        url = format!("{url}?{query}");
    }
    let method = text(&event["requestContext"]["http"]["method"]).parse()?;
    let mut request = stack.http().request(method, &url).timeout(ANSWERED_WITHIN).body(text(&event["body"]));
    let set_on_the_way = |name: &str| name.starts_with("x-") && name != "x-twitter-webhooks-signature";
    for (name, value) in event["headers"].as_object().into_iter().flatten() {
        if !set_on_the_way(name) && name != "host" && name != "content-length" {
            request = request.header(name, text(value));
        }
    }
    let answer = request.send().await?;
    let headers: Map<String, Value> = answer
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().into()))
        .collect();
    Ok(json!({"statusCode": answer.status().as_u16(), "headers": headers, "body": answer.text().await?}))
}

async fn sam_local_invoke(data: &Path, function: &str, event: &Value) -> anyhow::Result<Value> {
    let mut child = sam_local(data)
        .args(["invoke", function, "--event", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut input = child.stdin.take().context("a pipe")?;
    tokio::io::AsyncWriteExt::write_all(&mut input, event.to_string().as_bytes()).await?;
    drop(input);
    let output =
        tokio::time::timeout(ANSWERED_WITHIN, child.wait_with_output()).await.context(ANSWERED)??;
    let said = String::from_utf8_lossy(&output.stdout);
    let answer = said.lines().last().and_then(|line| serde_json::from_str(line).ok());
    answer.with_context(|| format!("{function}: {said}{}", String::from_utf8_lossy(&output.stderr)))
}

const ANSWERED: &str = "sam local invoke took too long";

/// `infra/local/sam.py` before the stack on `data`, on the stand-in image.
fn sam_local(data: &Path) -> Command {
    let mut command = Command::new("python3");
    command.arg(workspace().join("infra/local/sam.py")).arg("--stand-in").arg("--data").arg(data);
    command
}

// ---------------------------------------------------------------- what they do

/// A stack of its own for the samples.
async fn stack(name: &str) -> (Stack, PathBuf) {
    let stack = Stack::start(&format!("events-{name}")).await.unwrap();
    let data = stack.data().to_owned();
    (stack, data)
}

/// Drives every sample that `host` takes through it.
async fn drive_all(stack: &Stack, data: &Path, host: &Host) {
    let secrets = data.join("secrets.env");
    for sample in samples() {
        let file = folder().join(&sample);
        // Replies appear below posts that are there.
        let author = if sample.starts_with("notify") { "sam" } else { "alice" };
        let post = stack.post(author, "Just looking.", None).await.unwrap();
        let mut arguments = vec!["--secrets", secrets.to_str().unwrap(), file.to_str().unwrap()];
        if REPLIED.contains(&sample.as_str()) {
            arguments.extend(["--post", &post]);
        }
        let event: Value = serde_json::from_str(&fresh(&arguments, &[]).await.unwrap()).unwrap();
        if !host.takes(&sample, &event) {
            continue;
        }
        let function = function_of(&sample);
        let answer =
            host.ask(stack, &function, &event).await.unwrap_or_else(|error| panic!("{sample}: {error:?}"));
        let effect = effect(stack, data, &sample, &post, &answer).await;
        effect.unwrap_or_else(|error| panic!("{sample}: {error:?}\n{answer}"));
    }
}

/// Samples of one post that is answered on the playground.
const REPLIED: [&str; 2] = ["notify-outcomes.json", "webhook-ingest-post.json"];

/// Fails unless a sample had its effect; a sample without one here fails.
async fn effect(stack: &Stack, data: &Path, sample: &str, post: &str, answer: &Value) -> anyhow::Result<()> {
    match sample {
        "webhook-ingest-post.json" => {
            status(answer, 200)?;
            in_cart(stack, "alice", "us", "canyon-mug", 2).await?;
            let replies = stack.replies(post).await?;
            ensure!(replies.len() == 1 && replies[0].contains("Canyon Mug"), "{replies:?}");
            Ok(())
        }
        "webhook-ingest-x-post.json" => {
            status(answer, 200)?;
            in_cart(stack, "alice", "us", "dot-notebook", 2).await
        }
        "webhook-ingest-x-challenge.json" => {
            status(answer, 200)?;
            ensure!(body(answer).contains(r#""response_token":"sha256="#), "no token");
            Ok(())
        }
        "classify-posts.json" => {
            all_taken(answer)?;
            in_cart(stack, "alice", "us", "wool-blanket", 1).await?;
            in_cart(stack, "bob", "uk", "tea-caddy", 1).await
        }
        "cart-add-commands.json" => {
            all_taken(answer)?;
            in_cart(stack, "alice", "us", "desk-fern", 2).await?;
            let nora = Account::new(NetworkId::new("generic"), UserId::new("nora"));
            ensure!(!links(data)?.parked(&nora, now()).await?.is_empty(), "nothing is parked");
            Ok(())
        }
        "notify-outcomes.json" => {
            all_taken(answer)?;
            ensure!(stack.replies(post).await?.len() == 1, "not one reply");
            Ok(())
        }
        "notify-bounce.json" => suppressed(data, answer, "dieter", SuppressionReason::Bounce).await,
        "notify-complaint.json" => suppressed(data, answer, "lucia", SuppressionReason::Complaint).await,
        "account-link-start.json" => page(answer, "Playground"),
        "account-link-from-network.json" => {
            status(answer, 303)?;
            let location = header(answer, "location");
            ensure!(location.contains("/link/generic/email?proof="), "{location}");
            Ok(())
        }
        "cart-page-cart.json" => {
            status(answer, 303)?;
            ensure!(header(answer, "location").contains("/cart/sign-in"), "not led to the sign-in");
            Ok(())
        }
        "cart-page-sign-in.json" => page(answer, "Acme"),
        _ => bail!("nobody tests this sample: say here what it does"),
    }
}

fn status(answer: &Value, wanted: u64) -> anyhow::Result<()> {
    ensure!(answer["statusCode"] == wanted, "the status isn't {wanted}");
    Ok(())
}

fn body(answer: &Value) -> &str {
    answer["body"].as_str().unwrap_or_default()
}

fn header<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer["headers"][name].as_str().unwrap_or_default()
}

fn page(answer: &Value, part: &str) -> anyhow::Result<()> {
    status(answer, 200)?;
    ensure!(header(answer, "content-type").starts_with("text/html"), "no page");
    ensure!(body(answer).contains(part), "{part} isn't on the page");
    Ok(())
}

fn all_taken(answer: &Value) -> anyhow::Result<()> {
    ensure!(answer["batchItemFailures"].as_array().is_some_and(Vec::is_empty), "not all were taken");
    Ok(())
}

async fn in_cart(
    stack: &Stack,
    author: &str,
    marketplace: &str,
    product: &str,
    quantity: u64,
) -> anyhow::Result<()> {
    let wanted = (product.to_owned(), quantity);
    let is_there = || async { Ok(stack.cart(author, marketplace).await?.contains(&wanted).then_some(())) };
    stack.eventually(&format!("{quantity} {product} in {author}'s cart"), is_there).await
}

async fn suppressed(
    data: &Path,
    answer: &Value,
    user: &str,
    reason: SuppressionReason,
) -> anyhow::Result<()> {
    all_taken(answer)?;
    let account = Account::new(NetworkId::new("generic"), UserId::new(user));
    let link = links(data)?.link(&account).await?.context("not linked")?;
    let carts = Carts::new(dynamodb(data)?, "hashcart-local-carts");
    let suppressed = carts.read(&link.customer).await?.suppressed;
    ensure!(suppressed.is_some_and(|suppressed| suppressed.reason == reason), "mails aren't stopped");
    Ok(())
}

fn links(data: &Path) -> anyhow::Result<Links> {
    Ok(Links::new(dynamodb(data)?, "hashcart-local-links"))
}

fn dynamodb(data: &Path) -> anyhow::Result<aws_sdk_dynamodb::Client> {
    let account = emulator::Account::front_door(std::fs::read_to_string(data.join("endpoint"))?.trim());
    Ok(aws_sdk_dynamodb::Client::new(&account.sdk_config()))
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_seconds(since.as_secs())
}

// ---------------------------------------------------------------- the tests

#[tokio::test]
async fn samples_do_what_they_say_in_the_local_stack() {
    let (stack, data) = stack("deployed").await;
    drive_all(&stack, &data, &Host::Deployed(stack.account().unwrap())).await;
    stack.stop().unwrap();
}

#[tokio::test]
#[ignore = "needs cargo-lambda: .ci/full"]
async fn samples_do_what_they_say_in_cargo_lambda_watch() {
    let (stack, data) = stack("watch").await;
    let variables = data.join("functions.env");
    std::fs::write(&variables, environment(&data).await.unwrap()).unwrap();
    let port = free_port();
    let mut command = Command::new("cargo");
    command.args([
        "lambda",
        "watch",
        "--ignore-changes",
        "--invoke-address",
        "127.0.0.1",
        "--invoke-port",
        &port.to_string(),
        "--env-file",
    ]);
    command.arg(&variables).current_dir(workspace());
    let url = format!("http://127.0.0.1:{port}");
    let running = Running::start(command, &data.join("watch.log"), port).await;
    drive_all(&stack, &data, &Host::Lambda { url: url.clone() }).await;
    drive_all(&stack, &data, &Host::Api { url }).await;
    running.stop().await;
    stack.stop().unwrap();
}

#[tokio::test]
#[ignore = "needs Docker, SAM and built functions: .ci/full"]
async fn samples_do_what_they_say_in_sam_local() {
    let (stack, data) = stack("sam").await;
    let port = free_port();
    let mut command = sam_local(&data);
    command.args(["start-lambda", "--warm-containers", "EAGER", "--port", &port.to_string()]);
    let running = Running::start(command, &data.join("start-lambda.log"), port).await;
    drive_all(&stack, &data, &Host::Template { url: format!("http://127.0.0.1:{port}") }).await;
    running.stop().await;

    let port = free_port();
    let mut command = sam_local(&data);
    command.args(["start-api", "--warm-containers", "EAGER", "--port", &port.to_string()]);
    let running = Running::start(command, &data.join("start-api.log"), port).await;
    drive_all(&stack, &data, &Host::Api { url: format!("http://127.0.0.1:{port}") }).await;
    running.stop().await;

    drive_all(&stack, &data, &Host::Invoke { data: data.clone() }).await;
    stack.stop().unwrap();
}

/// What `infra/local/environment.py` prints.
async fn environment(data: &Path) -> anyhow::Result<String> {
    let program = workspace().join("infra/local/environment.py");
    let output = Command::new("python3").arg(program).arg("--data").arg(data).output().await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// A program that listens on a port, with all that it starts, until it is stopped or dropped.
struct Running(Child);

impl Running {
    /// Starts it and waits until something answers at its port.
    async fn start(mut command: Command, log: &Path, port: u16) -> Self {
        let output = std::fs::File::create(log).unwrap();
        command.stdout(output.try_clone().unwrap()).stderr(output).stdin(Stdio::null()).process_group(0);
        let mut running = Self(command.spawn().unwrap());
        let deadline = Instant::now() + READY_WITHIN;
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            let ended = running.0.try_wait().unwrap();
            let said = || std::fs::read_to_string(log).unwrap_or_default();
            assert!(ended.is_none() && Instant::now() < deadline, "{command:?} isn't up: {}", said());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        running
    }

    /// Ends it and waits, so that it removes its containers.
    async fn stop(mut self) {
        self.terminate();
        tokio::time::timeout(ANSWERED_WITHIN, self.0.wait()).await.unwrap().unwrap();
    }

    /// Asks its whole group to end.
    fn terminate(&self) {
        if let Some(id) = self.0.id() {
            let _ = std::process::Command::new("kill").args(["-TERM", "--", &format!("-{id}")]).status();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.terminate();
    }
}
