//! The local stack as a user starts it, for tests that go through all of it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};

/// How long the stack may take from its start to ready: it builds the functions first.
const READY_WITHIN: Duration = Duration::from_secs(15 * 60);
/// How long anything that a post causes may take before a test gives up on it.
const SOON: Duration = Duration::from_secs(60);

/// Starts the command behind it. Ends with it, with its status; tells it to stop when our side of the pipe, its
/// standard input, closes.
const KEEPER: &str = r#"exec 3<&0 </dev/null
"$@" 3<&- &
child=$!
{ read -r _ <&3; kill -TERM $child; } &
watcher=$!
wait $child
status=$?
kill $watcher 2>/dev/null
exit $status"#;

/// A running local stack. It stops when this process ends, however it ends: the shell around it reads
/// from our side of a pipe and tells the stack to stop when that closes.
pub struct Stack {
    url: String,
    data: PathBuf,
    shell: Child,
    http: Client,
}

impl Stack {
    /// Starts `cargo run -- local` with fresh data called `name` and waits until it is ready. The data are
    /// under `.hashcart/tests`; a second run beside the first names another folder in `HASHCART_TEST_DATA`.
    ///
    /// # Errors
    /// When it can't be started or isn't ready in time; the error holds the end of its output.
    pub async fn start(name: &str) -> anyhow::Result<Self> {
        let folder = std::env::var_os("HASHCART_TEST_DATA").map(PathBuf::from);
        let data = folder.unwrap_or_else(|| workspace().join(".hashcart/tests")).join(name);
        if data.exists() {
            std::fs::remove_dir_all(&data)?;
        }
        Self::start_on(&data).await
    }

    /// Starts it on the data that another run left in `data`.
    ///
    /// # Errors
    /// As [`Stack::start`].
    pub async fn start_on(data: &Path) -> anyhow::Result<Self> {
        Self::start_by(&start_command(), &workspace(), data).await
    }

    /// Starts it by another program than this checkout's: `command` and `local` behind it, in the
    /// checkout that it belongs to.
    ///
    /// # Errors
    /// As [`Stack::start`].
    pub async fn start_by(command: &[String], checkout: &Path, data: &Path) -> anyhow::Result<Self> {
        // Every HTTP client of this process takes its cryptography from here; a second call changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        std::fs::create_dir_all(data)?;
        let port = free_port()?;
        let output = data.with_extension("log");
        let log = std::fs::File::create(&output)?;
        let mut shell = Command::new("sh");
        emulator::outside_cargo(&mut shell)
            .args(["-c", KEEPER, "sh"])
            .args(command)
            .args(["local", "--no-browser", "--port", &port.to_string(), "--data"])
            .arg(data)
            .current_dir(checkout)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log);
        let shell = shell.spawn().context("no shell to start the stack with")?;
        let http = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
        let mut stack = Self { url: format!("http://localhost:{port}"), data: data.to_owned(), shell, http };
        stack.wait_until_ready(&output).await?;
        Ok(stack)
    }

    async fn wait_until_ready(&mut self, output: &Path) -> anyhow::Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            if let Ok(answer) = self.get("/api/ready").await
                && answer.status() == StatusCode::OK
            {
                return Ok(());
            }
            let ended = self.shell.try_wait()?;
            if ended.is_some() || Instant::now() > deadline {
                let said = std::fs::read_to_string(output).unwrap_or_default();
                let end: Vec<&str> = said.lines().rev().take(40).collect();
                bail!("the stack isn't up: {}", end.into_iter().rev().collect::<Vec<_>>().join("\n"));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Stops it as Ctrl-C would and waits until its data are saved.
    ///
    /// # Errors
    /// When it ends with a failure.
    pub fn stop(mut self) -> anyhow::Result<()> {
        drop(self.shell.stdin.take());
        let status = self.shell.wait()?;
        ensure!(status.success(), "the stack ended with {status}");
        Ok(())
    }

    /// Its address, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where its data are.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The AWS account that it runs in, for what no user could do or see.
    ///
    /// # Errors
    /// When it isn't up.
    pub fn account(&self) -> anyhow::Result<emulator::Account> {
        Ok(emulator::Account::front_door(std::fs::read_to_string(self.data.join("endpoint"))?))
    }

    /// A secret of the stack: `X_CONSUMER_SECRET`.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn secret(&self, name: &str) -> anyhow::Result<String> {
        let secrets = std::fs::read_to_string(self.data.join("secrets.env"))?;
        let line = secrets.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        Ok(line.with_context(|| format!("no secret {name}"))?.to_owned())
    }

    /// The client that the other functions use: follows no redirect, keeps no cookie.
    pub fn http(&self) -> &Client {
        &self.http
    }

    /// `GET path`.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn get(&self, path: &str) -> reqwest::Result<Response> {
        self.http.get(format!("{}{path}", self.url)).send().await
    }

    /// `GET path` as JSON.
    ///
    /// # Errors
    /// When the answer isn't 2xx with JSON.
    pub async fn json(&self, path: &str) -> anyhow::Result<Value> {
        Ok(self.get(path).await?.error_for_status()?.json().await?)
    }

    /// Posts as `author`, in answer to `parent` if there is one; the new post's id.
    ///
    /// # Errors
    /// When the playground doesn't take it.
    pub async fn post(&self, author: &str, text: &str, parent: Option<&str>) -> anyhow::Result<String> {
        let body = json!({ "author": author, "text": text, "in_reply_to": parent });
        let answer =
            self.http.request(Method::POST, format!("{}/api/posts", self.url)).json(&body).send().await?;
        ensure!(answer.status() == StatusCode::CREATED, "{}", answer.text().await?);
        let answer: Value = answer.json().await?;
        Ok(answer["id"].as_str().context("an id")?.to_owned())
    }

    /// The brand's post whose text contains `part`.
    ///
    /// # Errors
    /// When there is none.
    pub async fn brand_post(&self, part: &str) -> anyhow::Result<String> {
        let posts = self.json("/api/posts").await?;
        let posts = posts.as_array().context("a list")?;
        let found = posts.iter().find(|post| {
            post["author"] == "acme"
                && post["in_reply_to"].is_null()
                && post["text"].as_str().is_some_and(|text| text.contains(part))
        });
        Ok(found.with_context(|| format!("no brand post shows {part}"))?["id"]
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    /// Asks until `check` gives something, at most a minute.
    ///
    /// # Errors
    /// When it never does; the error names `what`.
    pub async fn eventually<T, F>(&self, what: &str, mut check: impl FnMut() -> F) -> anyhow::Result<T>
    where
        F: Future<Output = anyhow::Result<Option<T>>>,
    {
        let deadline = Instant::now() + SOON;
        loop {
            let error = match check().await {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => None,
                Err(error) => Some(error),
            };
            if Instant::now() > deadline {
                let error = error.map(|error| format!(": {error:#}")).unwrap_or_default();
                bail!("no {what} within {} s{error}", SOON.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The outcomes of a post's lines once there are `lines` of them, as the trace has them.
    ///
    /// # Errors
    /// When they don't come.
    pub async fn outcomes(&self, post: &str, lines: usize) -> anyhow::Result<Vec<Value>> {
        self.eventually(&format!("{lines} outcomes of {post}"), || async {
            let trace = self.json(&format!("/api/trace/{post}")).await?;
            let outcomes = trace["outcomes"].as_array().context("outcomes")?.clone();
            Ok((outcomes.len() >= lines).then_some(outcomes))
        })
        .await
    }

    /// The names of the outcomes of a post with `lines` lines.
    ///
    /// # Errors
    /// When they don't come.
    pub async fn outcome_names(&self, post: &str, lines: usize) -> anyhow::Result<Vec<String>> {
        let name = |outcome: &Value| outcome["outcome"].as_str().unwrap_or_default().to_owned();
        Ok(self.outcomes(post, lines).await?.iter().map(name).collect())
    }

    /// Our public replies to a post, once there is one.
    ///
    /// # Errors
    /// When none comes.
    pub async fn replies(&self, post: &str) -> anyhow::Result<Vec<String>> {
        self.eventually(&format!("reply to {post}"), || async {
            let replies = self.replies_now(post).await?;
            Ok((!replies.is_empty()).then_some(replies))
        })
        .await
    }

    /// Our public replies to a post up to now.
    ///
    /// # Errors
    /// When the playground doesn't say.
    pub async fn replies_now(&self, post: &str) -> anyhow::Result<Vec<String>> {
        let posts = self.json("/api/posts").await?;
        let ours = |p: &&Value| p["author"] == "acme" && p["in_reply_to"] == post;
        let text = |p: &Value| p["text"].as_str().unwrap_or_default().to_owned();
        Ok(posts.as_array().context("a list")?.iter().filter(ours).map(text).collect())
    }

    /// The mails to an address up to now, the oldest first.
    ///
    /// # Errors
    /// When the playground doesn't say.
    pub async fn mails_now(&self, to: &str) -> anyhow::Result<Vec<Value>> {
        let inbox = self.json("/api/inbox").await?;
        let theirs = |mail: &&Value| mail["to"].to_string().contains(to);
        Ok(inbox.as_array().context("a list")?.iter().filter(theirs).cloned().collect())
    }

    /// The first mail to an address beyond the first `known` ones.
    ///
    /// # Errors
    /// When none comes.
    pub async fn next_mail(&self, to: &str, known: usize) -> anyhow::Result<Value> {
        self.eventually(&format!("mail to {to}"), || async {
            Ok(self.mails_now(to).await?.get(known).cloned())
        })
        .await
    }

    /// What `author` has in the cart of `marketplace`: product and quantity of each line.
    ///
    /// # Errors
    /// When the playground doesn't say.
    pub async fn cart(&self, author: &str, marketplace: &str) -> anyhow::Result<Vec<(String, u64)>> {
        let cart = self.json(&format!("/api/cart/{author}")).await?;
        let lines = cart["marketplaces"][marketplace]["lines"].as_array().cloned().unwrap_or_default();
        let line = |line: &Value| {
            (line["product"].as_str().unwrap_or_default().to_owned(), line["quantity"].as_u64().unwrap_or(0))
        };
        Ok(lines.iter().map(line).collect())
    }
}

/// Cargo in the workspace, as a shell would call it.
pub fn cargo() -> Command {
    let mut cargo = Command::new(own_cargo());
    emulator::outside_cargo(&mut cargo).current_dir(workspace());
    cargo
}

fn own_cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// The command `hashcart` as the README has it: `cargo run --quiet --` in the workspace.
/// `HASHCART_TEST_BINARY` names a binary instead, for working on the tests without asking cargo each
/// time.
pub fn hashcart() -> Command {
    let mut words = start_command().into_iter();
    let mut command = Command::new(words.next().unwrap_or_default());
    emulator::outside_cargo(&mut command).args(words).current_dir(workspace());
    command
}

fn start_command() -> Vec<String> {
    match std::env::var("HASHCART_TEST_BINARY") {
        Ok(binary) => vec![binary],
        Err(_) => [&own_cargo(), "run", "--quiet", "--"].map(str::to_owned).to_vec(),
    }
}

/// The workspace's folder.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}

fn free_port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};

    use super::*;

    fn script(text: &str) -> Vec<String> {
        ["sh", "-c", text].map(str::to_owned).to_vec()
    }

    #[tokio::test]
    async fn a_stack_that_ends_early_is_noticed_with_what_it_said() {
        let folder = tempfile::tempdir().unwrap();
        let begun = Instant::now();
        let started =
            Stack::start_by(&script("echo no room; exit 3"), &workspace(), &folder.path().join("data")).await;
        let error = started.err().unwrap().to_string();
        assert!(error.contains("no room"), "{error}");
        assert!(begun.elapsed() < SOON, "noticed after {:?}", begun.elapsed());
    }

    /// What stops in order says so by its status; the stack's own is one of them.
    #[tokio::test]
    async fn closing_the_pipe_stops_what_was_started() {
        let folder = tempfile::tempdir().unwrap();
        let stopped = folder.path().join("stopped");
        let program =
            format!("trap 'echo > {}; exit 0' TERM; echo up; while :; do sleep 0.1; done", stopped.display());
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "sh"]).args(script(&program)).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut keeper = keeper.spawn().unwrap();
        let mut first = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert_eq!((first.as_str(), stopped.exists()), ("up\n", false));
        drop(keeper.stdin.take());
        assert!(keeper.wait().unwrap().success());
        assert!(stopped.exists());
    }
}
