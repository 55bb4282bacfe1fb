//! A Lambda of our own: starts a function's process and hands it events through the Runtime API
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>), and says what it has used.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::StatusCode;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};

use crate::shop::now;

/// How long a process may take for anything: under valgrind and a quota, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);
/// The trace of every event.
pub const TRACE: &str = "Root=1-6b028aa0-5f84c1d2a3b4c5d6e7f80912;Parent=8f1e2d3c4b5a6978;Sampled=1";

/// How a function's process is started.
#[derive(Clone, Debug)]
pub struct Program {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Its whole environment, but for where the Runtime API is.
    pub environment: Vec<(String, String)>,
    /// Where it runs.
    pub folder: PathBuf,
}

/// What a process has used since it was started.
#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    /// Processor time of all threads, user and system, by the scheduler's count.
    pub cpu: Duration,
    /// Time on the clock.
    pub wall: Duration,
    /// The most memory that it ever had resident, in bytes (`VmHWM`).
    pub memory: u64,
}

impl Used {
    /// Processor time in milliseconds.
    pub fn cpu_ms(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e3
    }

    /// Time on the clock in milliseconds.
    pub fn wall_ms(&self) -> f64 {
        self.wall.as_secs_f64() * 1e3
    }

    /// Memory in megabytes of 1,000,000 bytes.
    pub fn memory_mb(&self) -> f64 {
        Duration::from_micros(self.memory).as_secs_f64()
    }
}

/// A process that runs a function.
#[derive(Debug)]
pub struct Process {
    child: Child,
    started: Instant,
    asks: mpsc::Receiver<oneshot::Sender<Event>>,
    next: Option<oneshot::Sender<Event>>,
    answers: mpsc::Receiver<Result<Bytes, Bytes>>,
    said: File,
    serving: tokio::task::JoinHandle<()>,
    events: u64,
}

#[derive(Debug)]
struct Event {
    id: u64,
    body: Vec<u8>,
}

/// What the Runtime API's handlers share with [`Process`].
#[derive(Debug)]
struct Api {
    asks: mpsc::Sender<oneshot::Sender<Event>>,
    answers: mpsc::Sender<Result<Bytes, Bytes>>,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Process {
    /// Starts a function and waits until it asks for its first event: its init is over then.
    ///
    /// # Errors
    /// When it can't be started, dies, or doesn't ask within some minutes.
    pub async fn start(program: &Program) -> anyhow::Result<Self> {
        let (asks_in, asks) = mpsc::channel(1);
        let (answers_in, answers) = mpsc::channel(1);
        let api = Arc::new(Api { asks: asks_in, answers: answers_in });
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let server = axum::serve(listener, router(api));
        let serving = tokio::spawn(async move { drop(server.await) });
        let said = tempfile::tempfile()?;
        let (name, arguments) = program.command.split_first().context("an empty command")?;
        let started = Instant::now();
        let child = Command::new(name)
            .args(arguments)
            .env_clear()
            .envs(program.environment.iter().cloned())
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .current_dir(&program.folder)
            .stdin(Stdio::null())
            .stdout(said.try_clone()?)
            .stderr(said.try_clone()?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{name} can't be started"))?;
        let mut process = Self { child, started, asks, next: None, answers, said, serving, events: 0 };
        process.until_it_asks().await?;
        Ok(process)
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    async fn until_it_asks(&mut self) -> anyhow::Result<()> {
        let asked = tokio::select! {
            asked = tokio::time::timeout(PATIENCE, self.asks.recv()) => asked.ok().flatten(),
            answer = self.answers.recv() => {
                bail!("its init failed: {answer:?}\n{}", self.output());
            }
            status = self.child.wait() => bail!("it ended: {status:?}\n{}", self.output()),
        };
        self.next = Some(asked.with_context(|| format!("it asks for no event\n{}", self.output()))?);
        Ok(())
    }

    /// Hands over an event, and gives the answer once it is there and the process asks for the next event.
    ///
    /// # Errors
    /// When the function fails, dies, or doesn't answer within some minutes.
    pub async fn invoke(&mut self, body: Vec<u8>) -> anyhow::Result<Bytes> {
        let next = self.next.take().context("it has not asked for an event")?;
        self.events += 1;
        if next.send(Event { id: self.events, body }).is_err() {
            bail!("it doesn't wait for its event any more\n{}", self.output());
        }
        let answer = tokio::select! {
            answer = tokio::time::timeout(PATIENCE, self.answers.recv()) => answer.ok().flatten(),
            status = self.child.wait() => bail!("it ended: {status:?}\n{}", self.output()),
        };
        let answer = answer.with_context(|| format!("it doesn't answer\n{}", self.output()))?;
        let answer = answer.map_err(|failure| {
            anyhow::anyhow!("it failed: {}\n{}", String::from_utf8_lossy(&failure), self.output())
        })?;
        self.until_it_asks().await?;
        Ok(answer)
    }

    /// What it has used until now.
    ///
    /// # Errors
    /// When the system doesn't say: `/proc` is Linux's.
    pub fn used(&self) -> anyhow::Result<Used> {
        let proc = PathBuf::from(format!("/proc/{}", self.id()));
        let wall = self.started.elapsed();
        let mut cpu = Duration::ZERO;
        for thread in std::fs::read_dir(proc.join("task"))? {
            let statistics = std::fs::read_to_string(thread?.path().join("schedstat"))?;
            let ran = statistics.split_whitespace().next().and_then(|ran| ran.parse().ok());
            cpu += Duration::from_nanos(ran.context("/proc/…/schedstat")?);
        }
        let status = std::fs::read_to_string(proc.join("status"))?;
        let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib: u64 =
            most.and_then(|text| text.trim().strip_suffix(" kB")?.parse().ok()).context("VmHWM")?;
        Ok(Used { cpu, wall, memory: kib * 1024 })
    }

    /// How many bytes it has written to its output, which is its log.
    ///
    /// # Errors
    /// When the system doesn't say.
    pub fn written(&self) -> anyhow::Result<u64> {
        Ok(self.said.metadata()?.len())
    }

    /// Ends it, and gives all that it has written to its output.
    ///
    /// # Errors
    /// When it can't be ended.
    pub async fn end(mut self) -> anyhow::Result<String> {
        // Not at once, so that valgrind can write what it has counted.
        let ended = Command::new("kill").arg(self.id().to_string()).status().await?;
        anyhow::ensure!(ended.success(), "the process can't be ended");
        tokio::time::timeout(PATIENCE, self.child.wait()).await.context("it doesn't end")??;
        Ok(self.output())
    }

    /// The end of what it has written.
    fn output(&mut self) -> String {
        const MOST: i64 = 4000;
        let mut text = Vec::new();
        // What is shorter is read from its start.
        let at = self.said.seek(SeekFrom::End(-MOST)).or_else(|_| self.said.seek(SeekFrom::Start(0)));
        let read = at.and_then(|_| self.said.read_to_end(&mut text));
        read.map_or_else(|error| error.to_string(), |_| String::from_utf8_lossy(&text).into_owned())
    }
}

fn router(api: Arc<Api>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/{outcome}", post(answered))
        .route("/2018-06-01/runtime/init/error", post(init_failed))
        .with_state(api)
}

async fn next(State(api): State<Arc<Api>>) -> Response {
    let (give, event) = oneshot::channel();
    if api.asks.send(give).await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    // Without an event for it, it waits as on Lambda: until it is ended.
    let Ok(event) = event.await else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    let deadline = now().as_millis() + 60_000;
    let headers = [
        ("lambda-runtime-aws-request-id", format!("8476a536-e9f4-11e8-9739-{:012}", event.id)),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:f".to_owned(),
        ),
        ("lambda-runtime-trace-id", TRACE.to_owned()),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, event.body).into_response()
}

async fn answered(
    State(api): State<Arc<Api>>,
    Path((_, outcome)): Path<(String, String)>,
    body: Bytes,
) -> StatusCode {
    let answer = if outcome == "response" { Ok(body) } else { Err(body) };
    // Nobody listens when the process is being ended.
    let _ = api.answers.send(answer).await;
    StatusCode::ACCEPTED
}

async fn init_failed(State(api): State<Arc<Api>>, body: Bytes) -> StatusCode {
    let _ = api.answers.send(Err(body)).await;
    StatusCode::ACCEPTED
}
