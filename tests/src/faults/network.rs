//! The networks as servers that record what reaches them: `square` speaks Standard Webhooks, `x` the
//! API of X as far as we use it, and a shortener leads on.

use http::{Method, StatusCode, header};
use networks::{Secret, TransportRequest, TransportResponse, WebhookRequest, standard_webhooks};
use serde_json::{Value as Json, json};

use super::aws::check_claim;
use super::line::Line;
use super::plan::Fault;
use super::shop::{self, WEBHOOK_SECRET};

/// A reply as a network took it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What the network knows a repetition by: the `webhook-id`, or on X the text.
    pub id: String,
    /// The post, as `network#id`.
    pub post: String,
    /// The text.
    pub text: String,
    /// The place in the run.
    pub place: String,
    /// When the invocation that sent it began, in milliseconds.
    pub started: u64,
}

/// What the networks took.
#[derive(Clone, Debug, Default)]
pub struct Replies {
    /// Every attempt that reached one.
    pub attempts: Vec<Reply>,
    /// What stands on their timelines: each reply once.
    pub posted: Vec<Reply>,
}

/// What a request is, for its place in a schedule.
pub fn operation(request: &TransportRequest) -> &'static str {
    match (request.uri().host(), request.method()) {
        (Some("square.example"), &Method::POST) => "Reply",
        (Some("square.example"), _) => "ReadPost",
        (Some("api.x.com"), &Method::POST) => "PostOnX",
        (Some("go.acme.example"), _) => "ShortLink",
        (host, method) => panic!("nobody answers {method} at {host:?}"),
    }
}

/// Whom a request is for, as far as outages go.
pub fn service(request: &TransportRequest) -> &'static str {
    match operation(request) {
        "PostOnX" => "x",
        "ShortLink" => "shortener",
        _ => "square",
    }
}

fn response(status: StatusCode, body: &Json) -> TransportResponse {
    let mut response = TransportResponse::new(body.to_string().into_bytes());
    *response.status_mut() = status;
    response
}

/// What a network answers, its effect done.
pub fn answer(line: &Line, place: &str, request: &TransportRequest) -> TransportResponse {
    match operation(request) {
        "Reply" => square_reply(line, place, request),
        "ReadPost" => read_post(request),
        "PostOnX" => post_on_x(line, place, request),
        _ => short_link(request),
    }
}

/// How a network fails.
pub fn failure(fault: Fault) -> TransportResponse {
    let status = match fault {
        Fault::Throttled => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    response(status, &json!({}))
}

fn body(request: &TransportRequest) -> Json {
    super::ground::json(request.body())
}

fn take(line: &Line, reply: Reply) -> bool {
    let ground = line.ground();
    if let Some(broken) = check_claim(line, &reply.post, "0") {
        ground.violate(format!("{broken} in public (at {})", reply.place));
    }
    let mut state = ground.state();
    let is_new = !state.replies.posted.iter().any(|posted| posted.id == reply.id);
    state.replies.attempts.push(reply.clone());
    if is_new {
        state.replies.posted.push(reply);
    }
    is_new
}

fn square_reply(line: &Line, place: &str, request: &TransportRequest) -> TransportResponse {
    let headers = request.headers().iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let webhook =
        WebhookRequest { method: request.method(), headers: &headers, query: "", body: request.body() };
    // By the sender's own clock: that it may be wrong is the schedule's doing.
    if standard_webhooks::verify(&webhook, &[Secret::new(WEBHOOK_SECRET)], line.now()).is_err() {
        line.ground().violate(format!("an unsigned reply (at {place})"));
        return response(StatusCode::UNAUTHORIZED, &json!({}));
    }
    let said = body(request);
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let id = headers.get(standard_webhooks::ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
    let post = format!("square#{}", text(&said["data"]["in_reply_to"]));
    let text = text(&said["data"]["text"]);
    let started = line.started();
    take(line, Reply { id: id.to_owned(), post, text, place: place.to_owned(), started });
    response(StatusCode::OK, &json!({"id": format!("answer-{id}")}))
}

fn read_post(request: &TransportRequest) -> TransportResponse {
    let id = request.uri().path().rsplit('/').next().unwrap_or_default();
    let product = id.strip_prefix("brand").and_then(|place| place.parse().ok());
    match product {
        Some(place) => response(StatusCode::OK, &brand_post(place)),
        None => response(StatusCode::NOT_FOUND, &json!({})),
    }
}

/// The brand's post that shows the product at a place.
pub fn brand_post(place: usize) -> Json {
    json!({
        "id": format!("brand{place}"),
        "author": {"id": "influencer", "handle": "influencer"},
        "text": "Look!",
        "links": [shop::link(place)],
        "url": format!("https://square.example/@influencer/brand{place}"),
    })
}

fn post_on_x(line: &Line, place: &str, request: &TransportRequest) -> TransportResponse {
    if !request.headers().contains_key(header::AUTHORIZATION) {
        line.ground().violate(format!("an unsigned post on X (at {place})"));
    }
    let said = body(request);
    let text = said["text"].as_str().unwrap_or_default().to_owned();
    let to = said["reply"]["in_reply_to_tweet_id"].as_str().unwrap_or_default();
    let (post, started) = (format!("x#{to}"), line.started());
    let reply = Reply { id: text.clone(), post, text, place: place.to_owned(), started };
    if take(line, reply) {
        response(StatusCode::CREATED, &json!({"data": {"id": "1", "text": ""}}))
    } else {
        let detail = "You are not allowed to create a Tweet with duplicate content.";
        response(StatusCode::FORBIDDEN, &json!({"detail": detail, "title": "Forbidden", "status": 403}))
    }
}

fn short_link(request: &TransportRequest) -> TransportResponse {
    let place = request.uri().path().trim_start_matches('/').parse().unwrap_or(0);
    let mut response = response(StatusCode::FOUND, &json!({}));
    let to = shop::link(place).parse().unwrap_or_else(|_| panic!("an address"));
    response.headers_mut().insert(header::LOCATION, to);
    response
}
