//! Sends a load's posts: at a rate, whatever the answers take, or as fast as its connections allow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use domain::time::Timestamp;
use lambda::clock::Clock;
use networks::standard_webhooks;
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;
use tokio::time::Instant;
use url::Url;

use super::mix::Posts;
use crate::signals::Interrupt;

/// How long an answer is waited for: as long as an HTTP API takes at most (API Gateway quotas).
const PATIENCE: Duration = Duration::from_secs(30);

/// How a post was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// Which post.
    pub(super) number: u32,
    /// When it was meant to be sent, since the load's beginning.
    pub(super) meant: Duration,
    /// When it was sent.
    pub(super) sent: Duration,
    /// When it was answered or given up.
    pub(super) answered: Duration,
    /// The status; `None` without an answer.
    pub(super) status: Option<u16>,
}

impl Answer {
    /// Whether the webhook took the post.
    pub(super) fn is_taken(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// What sends.
pub(super) struct Sending {
    pub(super) posts: Arc<Posts>,
    pub(super) count: u32,
    /// Posts a second; `None`: a burst.
    pub(super) rate: Option<f64>,
    pub(super) connections: u32,
    pub(super) webhook: Url,
    pub(super) signing: Vec<u8>,
    pub(super) interrupt: Interrupt,
}

impl Sending {
    /// Sends all posts and tells `answers` of each. At a rate, a post's time doesn't depend on the answers
    /// before it: where all connections are busy it is late, and its latency counts from when it was meant
    /// to be sent (no coordinated omission).
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub(super) async fn run(self, started: Instant, answers: UnboundedSender<Answer>) -> anyhow::Result<()> {
        let (connections, client) = (self.connections, self.client()?);
        let (sending, next) = (Arc::new(self), Arc::new(AtomicU32::new(0)));
        let mut connected = JoinSet::new();
        for _ in 0..connections {
            let (sending, next) = (Arc::clone(&sending), Arc::clone(&next));
            let (client, answers) = (client.clone(), answers.clone());
            connected.spawn(async move { sending.connection(&client, &next, started, &answers).await });
        }
        while let Some(ended) = connected.join_next().await {
            ended.context("a connection's task ended early")?;
        }
        Ok(())
    }

    fn client(&self) -> anyhow::Result<Client> {
        crate::install_tls();
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE);
        let client = if self.webhook.scheme() == "http" { client.no_proxy() } else { client };
        client.build().context("no HTTP client can be made")
    }

    /// One connection: takes the next post, waits for its time, sends it.
    async fn connection(
        &self,
        client: &Client,
        next: &AtomicU32,
        started: Instant,
        answers: &UnboundedSender<Answer>,
    ) {
        while !self.interrupt.is_asked() {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= self.count {
                return;
            }
            let meant = match self.rate {
                Some(rate) => Duration::from_secs_f64(f64::from(number) / rate),
                None => started.elapsed(),
            };
            tokio::select! {
                () = tokio::time::sleep_until(started + meant) => {}
                () = self.interrupt.asked() => return,
            }
            let sent = started.elapsed();
            let status = self.send(client, number).await;
            // Nobody listens any more only when the load was given up.
            let _ = answers.send(Answer { number, meant, sent, answered: started.elapsed(), status });
        }
    }

    async fn send(&self, client: &Client, number: u32) -> Option<u16> {
        let now = Clock::system().now();
        let (id, body) = self.delivery(number, now);
        let mut request = client.post(self.webhook.clone()).header(CONTENT_TYPE, "application/json");
        for (name, value) in standard_webhooks::sign(&self.signing, &id, now, &body) {
            request = request.header(name, value);
        }
        let answer = request.body(body).send().await.ok()?;
        let status = answer.status().as_u16();
        // Read to its end, so that the connection serves again.
        let _ = answer.bytes().await;
        Some(status)
    }

    fn delivery(&self, number: u32, now: Timestamp) -> (String, Vec<u8>) {
        let post = self.posts.post(number);
        let body = self.posts.body(&post, now).to_string().into_bytes();
        (post.id, body)
    }
}
