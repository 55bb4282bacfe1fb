//! The playground: a small social network, its people, their inbox and a demonstration shop on one
//! port, with the deployed API behind the same port.
//!
//! It is a client of the network kind `generic` and nothing more: it signs its posts as Standard
//! Webhooks and takes our replies at its callback, as any network that somebody brings along would.

mod api;
mod cart;
mod inbox;
mod network;
mod page;
mod people;
mod proxy;
mod shop;
mod shops;
mod sink;
mod timeline;
mod trace;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::Context as _;
use axum::Router;
use axum::routing::{any, delete, get, post};
use domain::ids::{CustomerId, NetworkId, UserId};
use domain::storefront::{NetworkKind, Storefront};
use domain::time::Timestamp;
use lambda::clock::Clock;
use networks::Secret;
use serde::Serialize;
use store::Account;
use store::carts::Carts;
use store::links::Links;
use tokio::net::TcpListener;
use tokio::sync::{Notify, broadcast};
use tower_http::services::ServeDir;

pub(crate) use people::{Cast, Persona};
pub(crate) use shop::feeds;

use api::ApiError;
use inbox::Inbox;
use shop::Shelf;
use shops::Shops;
use timeline::{Timeline, TimelinePost};
use trace::Traces;

/// What changed, for pages that show it.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", content = "post", rename_all = "snake_case")]
pub(crate) enum Change {
    /// A post came or went.
    Timeline,
    /// A mail came.
    Inbox,
    /// A function said something about this post (`<network>#<id>`).
    Trace(String),
    /// Somebody used the cart's or the linking pages.
    Cart,
}

/// The deployed stack, once it is up.
#[derive(Debug)]
pub(crate) struct Stack {
    /// Where the emulator answers for the HTTP API, without a slash at the end.
    pub(crate) api_url: String,
    /// Follows no redirect: they are the browser's.
    pub(crate) http: reqwest::Client,
    /// The webhook secrets of the playground's network, newest first.
    pub(crate) webhook_secrets: Vec<Secret>,
    /// The playground's network.
    pub(crate) network: NetworkId,
    /// Who is linked.
    pub(crate) links: Links,
    /// Their carts.
    pub(crate) carts: Carts,
}

impl Stack {
    /// The customer behind a handle of the playground, if the account is linked. Handles are the
    /// accounts' ids here.
    ///
    /// # Errors
    /// When the table can't be read.
    pub(crate) async fn shopper(&self, handle: &str) -> anyhow::Result<Option<CustomerId>> {
        let account = Account::new(self.network.clone(), UserId::new(handle));
        let link = self.links.link(&account).await.context("the table `links` can't be read")?;
        Ok(link.map(|link| link.customer))
    }
}

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct Playground {
    pub(crate) public_url: String,
    pub(crate) storefront: Storefront,
    pub(crate) network: NetworkId,
    pub(crate) brand_handle: String,
    pub(crate) brand_name: String,
    pub(crate) cast: Cast,
    pub(crate) shops: Shops,
    pub(crate) shelf: Shelf,
    pub(crate) timeline: Timeline,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) traces: Traces,
    pub(crate) changes: broadcast::Sender<Change>,
    /// There is something to deliver.
    pub(crate) outbox: Notify,
    /// Something is going on: logs are worth a look.
    pub(crate) activity: Notify,
    pictures: PathBuf,
    stack: OnceLock<Stack>,
    doing: Mutex<String>,
}

/// The handlers' state.
pub(crate) type App = Arc<Playground>;

/// The current time.
pub(crate) fn now() -> Timestamp {
    Clock::system().now()
}

impl Playground {
    /// The playground of `storefront`, with its posts, mails and traces under `data`, the
    /// demonstration's people and pictures under `demo`, and the shops' feeds under `feeds`.
    ///
    /// # Errors
    /// When a file can't be read or the storefront has no network of the kind `generic`.
    pub(crate) fn open(
        storefront: Storefront,
        public_url: &str,
        demo: &Path,
        feeds: &Path,
        data: &Path,
    ) -> anyhow::Result<Self> {
        let network = storefront
            .networks
            .iter()
            .find(|network| matches!(network.kind, NetworkKind::Generic { .. }))
            .context("the storefront has no network of the kind `generic`, which the playground is")?;
        let (changes, _) = broadcast::channel(256);
        let cast = Cast::read(&demo.join("playground.toml"))?;
        std::fs::create_dir_all(data).with_context(|| format!("{} can't be made", data.display()))?;
        Ok(Self {
            public_url: public_url.to_owned(),
            network: network.id.clone(),
            brand_handle: network.bot_handle.clone(),
            brand_name: storefront.brand.clone(),
            shops: Shops::new(&storefront, public_url),
            timeline: Timeline::open(&data.join("timeline.jsonl"), &network.bot_handle, changes.clone())?,
            inbox: Arc::new(Inbox::open(&data.join("mails"), changes.clone())?),
            shelf: Shelf::read(&storefront, feeds)?,
            traces: Traces::open(&data.join("traces.jsonl"), changes.clone())?,
            pictures: demo.join("pictures"),
            storefront,
            cast,
            changes,
            outbox: Notify::new(),
            activity: Notify::new(),
            stack: OnceLock::new(),
            doing: Mutex::new(String::new()),
        })
    }

    /// Posts what the brand has posted, unless it is there from an earlier start. The first is the
    /// newest; each next one is some hours older.
    ///
    /// # Errors
    /// When the timeline can't be written.
    pub(crate) fn seed_timeline(&self) -> anyhow::Result<()> {
        let now = now();
        for (hours, brand) in (1_u64..).zip(&self.cast.posts) {
            self.timeline.post(TimelinePost {
                id: brand.id.clone(),
                author: self.brand_handle.clone(),
                text: brand.text.clone(),
                in_reply_to: None,
                created_at: api::minutes_before(now, hours * 97),
            })?;
        }
        Ok(())
    }

    /// Says what is being done until the stack is up.
    pub(crate) fn set_doing(&self, doing: &str) {
        doing.clone_into(&mut self.doing.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What is being done until the stack is up.
    pub(crate) fn doing(&self) -> String {
        self.doing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The stack is up: everything answers from now on.
    pub(crate) fn set_stack(&self, stack: Stack) {
        // Set once: a second stack never comes up under the same playground.
        let _ = self.stack.set(stack);
        self.outbox.notify_one();
        self.changes.send(Change::Timeline).ok();
    }

    /// The stack, once it is up.
    ///
    /// # Errors
    /// 503 until then.
    pub(crate) fn stack(&self) -> Result<&Stack, ApiError> {
        self.stack.get().ok_or_else(|| ApiError::unavailable(format!("not ready yet: {}", self.doing())))
    }

    /// The name of a post in logs.
    pub(crate) fn trace_key(&self, post: &str) -> String {
        format!("{}#{post}", self.network)
    }
}

/// Every route of the playground.
fn router(app: App) -> Router {
    Router::new()
        .route("/", get(page::index))
        .route("/playground/style.css", get(page::style))
        .route("/playground/app.js", get(page::script))
        .route("/playground/icon.svg", get(page::icon))
        .route("/favicon.ico", get(page::icon))
        .route("/api/ready", get(api::ready))
        .route("/api/personas", get(api::personas))
        .route("/api/posts", get(api::posts).post(api::create_post))
        .route("/api/posts/{id}", delete(api::delete_post))
        .route("/api/inbox", get(api::inbox))
        .route("/api/inbox/{id}/html", get(api::mail_html))
        .route("/api/cart/{author}", get(cart::cart))
        .route("/api/trace/{post}", get(api::trace))
        .route("/api/traces", get(api::traces))
        .route("/api/events", get(api::events))
        .route("/network/replies", post(network::take_reply))
        .route("/network/posts/{id}", get(network::show_post))
        .route("/network/link", get(network::choose_account))
        .route("/network/link/{handle}", get(network::send_over))
        .route("/shop/{marketplace}", get(shop::home))
        .route("/shop/{marketplace}/{*path}", get(shop::page))
        .route("/webhooks/{*path}", any(proxy::pass))
        .route("/link", any(proxy::pass))
        .route("/link/{*path}", any(proxy::pass))
        .route("/cart", any(proxy::pass))
        .route("/cart/{*path}", any(proxy::pass))
        .nest_service("/pictures", ServeDir::new(app.pictures.clone()))
        .with_state(app)
}

/// Serves the playground on every listener until `stop` is told; open pages don't hold it up.
pub(crate) async fn serve(app: App, listeners: Vec<TcpListener>) {
    let router = router(Arc::clone(&app));
    let servers = listeners.into_iter().map(|listener| {
        let router = router.clone();
        async move { axum::serve(listener, router).await }
    });
    futures::future::join_all(servers).await;
}

pub(crate) use network::deliver_all;
pub(crate) use sink::serve as serve_mail;

#[cfg(test)]
mod tests;
