//! The playground's JSON API, as `docs/PLAYGROUND.md` describes it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use domain::ids::{Lang, NetworkId, UserId};
use domain::time::Timestamp;
use futures::{Stream, stream};
use http::{HeaderName, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use ulid::Ulid;

use super::inbox::Mail;
use super::timeline::TimelinePost;
use super::{App, Change, now};
use crate::trace::Trace;

/// The longest post, in characters.
const LONGEST_POST: usize = 5000;

/// A refusal: the status and one sentence.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    error: String,
}

impl ApiError {
    pub(crate) fn bad(error: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error: error.into() }
    }

    pub(crate) fn not_found(error: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, error: error.into() }
    }

    pub(crate) fn unauthorized(error: impl Into<String>) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, error: error.into() }
    }

    pub(crate) fn unavailable(error: impl Into<String>) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, error: error.into() }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.error }))).into_response()
    }
}

impl From<anyhow::Error> for ApiError {
    fn from(error: anyhow::Error) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, error: format!("{error:#}") }
    }
}

/// A post as the API shows it.
#[derive(Debug, Serialize)]
pub(crate) struct PostView {
    id: String,
    author: String,
    name: String,
    text: String,
    in_reply_to: Option<String>,
    created_at: String,
    /// `brand`, `answer` (ours, to a shopper) or `shopper`.
    kind: &'static str,
    /// Of a shopper's post: `pending` until the webhook took it, then `delivered`.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<&'static str>,
    /// Of a brand's post: its picture's path here.
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<String>,
    /// Of a brand's post: the marketplace whose shop it shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    marketplace: Option<String>,
    /// Of a brand's post: words that the page offers for replies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    chips: Vec<String>,
}

impl PostView {
    fn of(app: &App, post: TimelinePost, pending: &[String]) -> Self {
        let is_brand = post.author == app.brand_handle;
        let persona = app.cast.persona(&post.author);
        let brand = app.cast.post(&post.id).filter(|_| is_brand);
        Self {
            name: match persona {
                Some(persona) => persona.name.clone(),
                None if is_brand => app.brand_name.clone(),
                None => post.author.clone(),
            },
            kind: match (is_brand, &post.in_reply_to) {
                (true, Some(_)) => "answer",
                (true, None) => "brand",
                (false, _) => "shopper",
            },
            delivery: (!is_brand).then(|| if pending.contains(&post.id) { "pending" } else { "delivered" }),
            picture: brand.and_then(|brand| brand.picture.as_ref()).map(|name| format!("/pictures/{name}")),
            marketplace: brand.map(|brand| brand.marketplace.to_string()),
            chips: brand.map(|brand| brand.chips.clone()).unwrap_or_default(),
            id: post.id,
            author: post.author,
            text: post.text,
            in_reply_to: post.in_reply_to,
            created_at: post.created_at.to_string(),
        }
    }
}

/// `GET /api/ready`: 200 when everything is up, else 503 and what is being done.
pub(crate) async fn ready(State(app): State<App>) -> Response {
    match app.stack() {
        Ok(_) => Json(json!({ "ready": true })).into_response(),
        Err(_) => {
            let doing = app.doing();
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "ready": false, "doing": doing }))).into_response()
        }
    }
}

/// `GET /api/personas`: the brand, its tags, the people and whether each is linked.
pub(crate) async fn personas(State(app): State<App>) -> Result<Response, ApiError> {
    #[derive(Serialize)]
    struct Person<'a> {
        handle: &'a str,
        name: &'a str,
        email: &'a str,
        language: &'a Lang,
        about: &'a str,
        accounts: &'a BTreeMap<NetworkId, UserId>,
        linked: bool,
    }
    let stack = app.stack()?;
    let mut personas = Vec::new();
    for persona in &app.cast.personas {
        personas.push(Person {
            handle: &persona.handle,
            name: &persona.name,
            email: &persona.email,
            language: &persona.language,
            about: &persona.about,
            accounts: &persona.accounts,
            linked: stack.shopper(&persona.handle).await?.is_some(),
        });
    }
    let tags = app.storefront.marketplaces.iter().flat_map(|marketplace| {
        let tags = |kind: &'static str, tags: &[String]| {
            let tag = |tag: &String| json!({ "tag": tag, "kind": kind, "marketplace": marketplace.id });
            tags.iter().map(tag).collect::<Vec<_>>()
        };
        [tags("cart", &marketplace.cart_tags), tags("wish", &marketplace.wish_tags)].concat()
    });
    let shops: BTreeMap<_, _> = app.shops.places().iter().cloned().collect();
    Ok(Json(json!({
        "brand": { "handle": app.brand_handle, "name": app.brand_name },
        "tags": tags.collect::<Vec<_>>(),
        "shops": shops,
        "personas": personas,
    }))
    .into_response())
}

/// `GET /api/posts`: every post, the oldest first.
pub(crate) async fn posts(State(app): State<App>) -> Json<Vec<PostView>> {
    let pending: Vec<String> =
        app.timeline.undelivered().iter().map(|event| event.post_id().to_owned()).collect();
    Json(app.timeline.all().into_iter().map(|post| PostView::of(&app, post, &pending)).collect())
}

/// The body of `POST /api/posts`.
#[derive(Debug, Deserialize)]
pub(crate) struct NewPost {
    author: String,
    text: String,
    #[serde(default)]
    in_reply_to: Option<String>,
}

/// `POST /api/posts`: somebody posts; 201 and the id.
pub(crate) async fn create_post(
    State(app): State<App>,
    body: Result<Json<NewPost>, JsonRejection>,
) -> Result<Response, ApiError> {
    let Json(new) = body.map_err(|rejection| ApiError::bad(rejection.body_text()))?;
    app.stack()?;
    let author = new.author.trim().trim_start_matches('@');
    let author = match app.cast.persona(author) {
        Some(persona) => persona.handle.clone(),
        None if author == app.brand_handle => author.to_owned(),
        None => {
            let (known, brand) = (app.cast.handles(), &app.brand_handle);
            return Err(ApiError::bad(format!("`author` is nobody here: choose one of {known}, {brand}")));
        }
    };
    if new.text.trim().is_empty() {
        return Err(ApiError::bad("`text` is empty"));
    }
    if new.text.chars().count() > LONGEST_POST {
        return Err(ApiError::bad(format!("`text` is longer than {LONGEST_POST} characters")));
    }
    if new.in_reply_to.as_deref().is_some_and(|id| app.timeline.get(id).is_none()) {
        return Err(ApiError::not_found("`in_reply_to` names no post"));
    }
    let post = TimelinePost {
        id: Ulid::generate().to_string(),
        author,
        text: new.text,
        in_reply_to: new.in_reply_to,
        created_at: now(),
    };
    let id = post.id.clone();
    app.timeline.post(post)?;
    app.outbox.notify_one();
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))).into_response())
}

/// `DELETE /api/posts/{id}`: its author deletes a post; 204.
pub(crate) async fn delete_post(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    if !app.timeline.delete(&id, now())? {
        return Err(ApiError::not_found("there is no such post"));
    }
    app.outbox.notify_one();
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/trace/{post}`: what the functions did with a post and how each line ended.
pub(crate) async fn trace(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Trace>, ApiError> {
    if let Some(trace) = app.traces.get(&app.trace_key(&id)) {
        return Ok(Json(trace));
    }
    // A post of another network (`x#1234`) can be asked for by its full name.
    if let Some(trace) = app.traces.get(&id) {
        return Ok(Json(trace));
    }
    app.timeline
        .get(&id)
        .map(|_| Json(Trace::default()))
        .ok_or_else(|| ApiError::not_found("there is no such post"))
}

/// `GET /api/traces`: the traces of all posts on the timeline, by id.
pub(crate) async fn traces(State(app): State<App>) -> Json<BTreeMap<String, Trace>> {
    let traced = |post: TimelinePost| Some((post.id.clone(), app.traces.get(&app.trace_key(&post.id))?));
    Json(app.timeline.all().into_iter().filter_map(traced).collect())
}

/// `GET /api/inbox`: every mail, the oldest first.
pub(crate) async fn inbox(State(app): State<App>) -> Json<Vec<Mail>> {
    Json(app.inbox.all())
}

/// `GET /api/inbox/{id}/html`: a mail's HTML for a frame: without scripts, forms or anything of this
/// site's, its links opening elsewhere.
pub(crate) async fn mail_html(State(app): State<App>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let html = app
        .inbox
        .get(&id)
        .and_then(|mail| mail.html)
        .ok_or_else(|| ApiError::not_found("there is no such mail or it has no HTML"))?;
    let policy = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; \
                  img-src http: https: data:; style-src 'unsafe-inline'; font-src 'none'";
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, policy),
        (HeaderName::from_static("referrer-policy"), "no-referrer"),
    ];
    let html = app.shops.here(&html);
    Ok((headers, format!("<!doctype html><base target=\"_blank\">{html}")).into_response())
}

/// `GET /api/events`: tells of changes as they happen (server-sent events), for the page.
pub(crate) async fn events(State(app): State<App>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = stream::unfold(app.changes.subscribe(), |mut changes| async move {
        let change = match changes.recv().await {
            Ok(change) => change,
            // Missed some: one look at everything makes up for it.
            Err(RecvError::Lagged(_)) => Change::Timeline,
            Err(RecvError::Closed) => return None,
        };
        // A `Change` always writes as JSON.
        let event = Event::default().json_data(&change).unwrap_or_default();
        Some((Ok(event), changes))
    });
    Sse::new(changes).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

/// When a post is from, for the demonstration's own: `minutes` before `at`.
pub(crate) fn minutes_before(at: Timestamp, minutes: u64) -> Timestamp {
    at.minus(Duration::from_secs(minutes * 60))
}
