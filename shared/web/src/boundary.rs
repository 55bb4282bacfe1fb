//! Where every request ends: failures become pages, and each answer becomes one line in the log.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, Method, StatusCode, Uri, header};
use lambda::batch::reason;
use lambda::log::about;
use messages::Language;
use tracing::Instrument as _;

use crate::failure::Failure;
use crate::headers::{Allowed, protect};
use crate::page::{Notice, Way};
use crate::site::{Site, Visit};
use crate::words::Words;

/// Whether the client wants JSON rather than a page.
pub fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kinds = || accept.split(',').map(|kind| kind.split(';').next().unwrap_or_default().trim());
    kinds().any(|kind| kind == "application/json") && !kinds().any(|kind| kind == "text/html")
}

/// X-Ray's header, which the runtime puts on each request of a function that is traced.
pub(crate) fn trace_of(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-amzn-trace-id")?.to_str().ok()
}

/// The middleware around all routes of a function.
pub async fn boundary(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let span = about("", trace_of(request.headers()));
    answer(site, request, next).instrument(span).await
}

async fn answer(site: Arc<Site>, request: Request, next: Next) -> Response {
    let started = site.now();
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let headers = request.headers().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let response = next.run(request).await;
    let failure = failure_of(&response);
    let status = response.status();
    report(&site, &method, route.as_deref().unwrap_or("no route"), status, failure.as_ref(), started);
    match failure {
        Some(failure) => failed(&site, &method, &uri, &headers, &failure).await,
        None => response,
    }
}

/// A failure of ours, or what the router answers by itself.
fn failure_of(response: &Response) -> Option<Failure> {
    response.extensions().get::<Failure>().cloned().or(match response.status() {
        StatusCode::NOT_FOUND if !has_body(response) => Some(Failure::NotFound),
        StatusCode::METHOD_NOT_ALLOWED => Some(Failure::MethodNotAllowed),
        _ => None,
    })
}

fn has_body(response: &Response) -> bool {
    response.headers().contains_key(header::CONTENT_TYPE)
}

fn report(
    site: &Site,
    method: &Method,
    route: &str,
    status: StatusCode,
    failure: Option<&Failure>,
    started: domain::time::Timestamp,
) {
    let duration_ms = u64::try_from(site.now().since(started).as_millis()).unwrap_or(u64::MAX);
    let (method, status) = (method.as_str(), status.as_u16());
    match failure {
        Some(failure @ Failure::Unavailable(_)) => {
            let error = reason(failure);
            tracing::error!(method, route, status, duration_ms, error, "{method} {route} failed");
        }
        Some(failure) => {
            let reason = reason(failure);
            tracing::info!(method, route, status, duration_ms, reason, "{method} {route} refused");
        }
        None => tracing::info!(method, route, status, duration_ms, "{method} {route} answered {status}"),
    }
}

async fn failed(
    site: &Arc<Site>,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    failure: &Failure,
) -> Response {
    let mut response = if wants_json(headers) {
        let body = format!("{{\"error\":\"{}\"}}\n", failure.name());
        (failure.status(), [(header::CONTENT_TYPE, "application/json")], body).into_response()
    } else {
        match Visit::open(site, method, uri, headers).await.and_then(|visit| error_page(&visit, failure)) {
            Ok(page) => page,
            Err(_) => bare_page(headers, failure),
        }
    };
    if matches!(failure, Failure::Unavailable(_)) {
        response.headers_mut().insert(header::RETRY_AFTER, http::HeaderValue::from_static("30"));
    }
    let allowed = Allowed { plain_http: site.is_local(), ..Allowed::default() };
    if !response.headers().contains_key(header::CONTENT_SECURITY_POLICY) {
        protect(response.headers_mut(), &allowed);
    }
    response
}

fn texts(failure: &Failure) -> (&'static str, &'static str) {
    match failure {
        Failure::BadRequest(_) => ("page-error-400-title", "page-error-400-lead"),
        Failure::SignedOut => ("page-error-401-title", "page-error-401-lead"),
        Failure::StaleForm(_) => ("page-error-403-title", "page-error-403-lead"),
        Failure::NotFound => ("page-error-404-title", "page-error-404-lead"),
        Failure::MethodNotAllowed => ("page-error-405-title", "page-error-405-lead"),
        Failure::Gone => ("page-error-410-title", "page-error-410-lead"),
        Failure::Unavailable(_) => ("page-error-503-title", "page-error-503-lead"),
    }
}

fn error_page(visit: &Visit, failure: &Failure) -> Result<Response, Failure> {
    let words = &visit.words;
    let (title, lead) = texts(failure);
    let way = |href: &str, key: &str| Way::new(href, words.t(key));
    let actions = match failure {
        Failure::SignedOut | Failure::Gone => vec![way("/cart/sign-in", "page-nav-sign-in")],
        Failure::Unavailable(_) if visit.method == Method::GET => {
            let again = visit.uri.path_and_query().map_or("/cart", http::uri::PathAndQuery::as_str);
            vec![way(again, "page-error-retry")]
        }
        _ if visit.seems_signed_in() => vec![way("/cart", "page-error-cart")],
        _ => vec![way("/link", "page-error-home")],
    };
    let notice = Notice { title: words.t(title), lead: words.t(lead), more: Vec::new(), actions };
    visit.page(words.t(title)).status(failure.status()).show(&notice)
}

/// Without configuration there is no brand to name: two sentences in the browser's language.
fn bare_page(headers: &HeaderMap, failure: &Failure) -> Response {
    let accept = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let language = accept.and_then(Language::accepted).unwrap_or_default();
    let words = Words::new(language);
    let (title, lead) = texts(failure);
    crate::page::bare(words, failure.status(), &words.t(title), &words.t(lead))
}
