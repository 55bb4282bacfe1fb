//! The playground as a network of the kind `generic`: tells the webhook of its posts, takes our
//! replies, shows a post on request and sends a signed-in shopper over to link their account.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use askama::Template;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use domain::ids::Lang;
use http::{HeaderMap, Method, StatusCode, header};
use networks::generic::link;
use networks::{WebhookRequest, standard_webhooks};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::task::JoinSet;
use ulid::Ulid;

use super::api::ApiError;
use super::page;
use super::people::Persona;
use super::timeline::{Event, TimelinePost};
use super::{App, now};

/// How many deliveries are under way at the same time.
const AT_ONCE: usize = 16;
/// The pause after a failed delivery; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long a link to link an account is good for.
const LINK_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// Tells the webhook of every post and deletion, until it took them; runs for as long as it is polled.
/// What was not taken when the stack stopped is delivered after the next start.
pub(crate) async fn deliver_all(app: App) {
    let mut under_way = HashSet::new();
    let mut deliveries = JoinSet::new();
    loop {
        for event in app.timeline.undelivered() {
            if app.stack().is_ok() && deliveries.len() < AT_ONCE && under_way.insert(event.id()) {
                let app = Arc::clone(&app);
                deliveries.spawn(async move {
                    let id = event.id();
                    deliver(&app, &event).await;
                    id
                });
            }
        }
        tokio::select! {
            () = app.outbox.notified() => {}
            Some(done) = deliveries.join_next(), if !deliveries.is_empty() => {
                if let Ok(id) = done {
                    under_way.remove(&id);
                }
            }
        }
    }
}

/// Delivers one event, over and over until the webhook took or refused it.
async fn deliver(app: &App, event: &Event) {
    let mut pause = FIRST_PAUSE;
    loop {
        match attempt(app, event).await {
            Ok(status) if status.is_success() => break,
            // Refused for good: another attempt would be too (Standard Webhooks, "Webhook delivery").
            Ok(status) if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS => break,
            Ok(_) | Err(_) => tokio::time::sleep(pause).await,
        }
        pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
    }
    // If this can't be written the event is delivered once more after the next start: harmless.
    app.timeline.delivered(event).ok();
    app.changes.send(super::Change::Timeline).ok();
}

async fn attempt(app: &App, event: &Event) -> anyhow::Result<StatusCode> {
    let stack = app.stack().map_err(|_| anyhow::anyhow!("not up"))?;
    let secret = stack.webhook_secrets.first().context("the network has no webhook secret")?;
    let key = standard_webhooks::key(secret).context("the webhook secret is not of the form whsec_…")?;
    let body = serde_json::to_vec(&payload(app, event))?;
    let mut request = stack
        .http
        .post(format!("{}/webhooks/{}", stack.api_url, stack.network))
        .header(header::CONTENT_TYPE, "application/json");
    for (name, value) in standard_webhooks::sign(&key, &event.id(), now(), &body) {
        request = request.header(name, value);
    }
    app.activity.notify_one();
    Ok(request.body(body).send().await?.status())
}

/// An event as `docs/networks/generic.md` describes it.
#[derive(Serialize)]
#[serde(tag = "type")]
enum Payload {
    #[serde(rename = "post.created")]
    Created { timestamp: String, data: Box<Described> },
    #[serde(rename = "post.deleted")]
    Deleted { timestamp: String, data: Deleted },
}

#[derive(Serialize)]
struct Deleted {
    id: String,
    author: Author,
    deleted_at: String,
}

#[derive(Serialize)]
struct Author {
    id: String,
    handle: String,
}

/// A post as the network tells of it.
#[derive(Serialize)]
pub(crate) struct Described {
    id: String,
    author: Author,
    text: String,
    created_at: String,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<Lang>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_reply_to: Option<Box<Parent>>,
}

/// The post that another one answers: whole where it is still there, else by its id.
#[derive(Serialize)]
#[serde(untagged)]
enum Parent {
    Whole(Described),
    Gone { id: String },
}

impl Author {
    /// Handles are the accounts' ids on this network.
    fn of(post: &TimelinePost) -> Self {
        Self { id: post.author.clone(), handle: post.author.clone() }
    }
}

impl Described {
    fn of(app: &App, post: &TimelinePost) -> Self {
        Self {
            id: post.id.clone(),
            author: Author::of(post),
            text: post.text.clone(),
            created_at: post.created_at.to_string(),
            url: format!("{}/#post-{}", app.public_url, post.id),
            language: app.cast.persona(&post.author).map(|persona| persona.language.clone()),
            in_reply_to: None,
        }
    }

    fn answering(mut self, app: &App, parent: Option<&String>) -> Self {
        let parent = parent.map(|id| match app.timeline.get(id) {
            Some(post) => Parent::Whole(Self::of(app, &post)),
            None => Parent::Gone { id: id.clone() },
        });
        self.in_reply_to = parent.map(Box::new);
        self
    }
}

fn payload(app: &App, event: &Event) -> Payload {
    match event {
        Event::Posted(post) => Payload::Created {
            timestamp: post.created_at.to_string(),
            data: Box::new(Described::of(app, post).answering(app, post.in_reply_to.as_ref())),
        },
        Event::Deleted { post, at } => {
            let (id, deleted_at) = (post.id.clone(), at.to_string());
            let data = Deleted { id, author: Author::of(post), deleted_at: deleted_at.clone() };
            Payload::Deleted { timestamp: deleted_at, data }
        }
    }
}

/// The body of our signed callback.
#[derive(Deserialize)]
struct Reply {
    data: ReplyData,
}

#[derive(Deserialize)]
struct ReplyData {
    in_reply_to: String,
    text: String,
}

/// `POST /network/replies`: our reply arrives, signed; the same `webhook-id` again is the same reply.
pub(crate) async fn take_reply(
    State(app): State<App>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let stack = app.stack()?;
    let request = WebhookRequest { method: &Method::POST, headers: &headers, query: "", body: &body };
    let verified = standard_webhooks::verify(&request, &stack.webhook_secrets, now())
        .map_err(|error| ApiError::unauthorized(error.to_string()))?;
    let reply: Reply = serde_json::from_slice(&body).map_err(|error| ApiError::bad(error.to_string()))?;
    if app.timeline.get(&reply.data.in_reply_to).is_none() {
        return Err(ApiError::not_found("the post is gone"));
    }
    let answer = TimelinePost {
        id: Ulid::generate().to_string(),
        author: app.brand_handle.clone(),
        text: reply.data.text,
        in_reply_to: Some(reply.data.in_reply_to),
        created_at: now(),
    };
    let id = app.timeline.answer(&verified.delivery_id.unwrap_or_default(), answer)?;
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))).into_response())
}

/// `GET /network/posts/{id}`: a post as the webhook tells of it, for who was given only its id.
pub(crate) async fn show_post(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Described>, ApiError> {
    let post = app.timeline.get(&id).ok_or_else(|| ApiError::not_found("there is no such post"))?;
    Ok(Json(Described::of(&app, &post)))
}

/// `GET /network/link`: the network's page to link one's account. Who is signed in is chosen here.
pub(crate) async fn choose_account(State(app): State<App>) -> Result<Response, ApiError> {
    page::filled(&Choose { brand: &app.brand_name, personas: &app.cast.personas })
}

/// The page that stands for the network's own sign-in.
#[derive(Template)]
#[template(path = "choose.html")]
struct Choose<'a> {
    brand: &'a str,
    personas: &'a [Persona],
}

/// `GET /network/link/{handle}`: sends the signed-in shopper over with a link that the network signs.
pub(crate) async fn send_over(
    State(app): State<App>,
    Path(handle): Path<String>,
) -> Result<Redirect, ApiError> {
    let persona = app.cast.persona(&handle).ok_or_else(|| ApiError::not_found("nobody has this handle"))?;
    let stack = app.stack()?;
    let secret = stack.webhook_secrets.first().context("the network has no webhook secret")?;
    let expires = now().plus(LINK_LIFETIME);
    let query = link::sign(secret, &stack.network, &persona.handle, &persona.handle, expires)
        .context("the webhook secret is not of the form whsec_…")?;
    Ok(Redirect::to(&format!("/link/{}?{query}", stack.network)))
}
