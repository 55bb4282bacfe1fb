//! The deployed HTTP API on the playground's own port. Requests and answers pass through as they are,
//! except that links in a page to the demonstration's shops lead to the shops' pages here: nobody
//! owns their hosts.

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::api::ApiError;
use super::{App, Change};

/// The largest body that is passed on, in bytes: what API Gateway takes
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>).
const BODY_LIMIT: usize = 10 * 1024 * 1024;

/// Hands a request to the deployed API and its answer back.
pub(crate) async fn pass(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let stack = app.stack()?;
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, BODY_LIMIT)
        .await
        .map_err(|_| ApiError::bad("the body is larger than 10 MB or broke off"))?;
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    app.activity.notify_one();
    let answer = stack
        .http
        .request(parts.method.clone(), format!("{}{path}", stack.api_url))
        .headers(passed_on(&parts.headers))
        .body(body)
        .send()
        .await
        .map_err(|_| ApiError::unavailable("the deployed API doesn't answer"))?;
    if !parts.method.is_safe() {
        app.changes.send(Change::Cart).ok();
    }
    let (status, mut headers) = (answer.status(), passed_on(answer.headers()));
    let body = answer.bytes().await.map_err(|_| ApiError::unavailable("the deployed API broke off"))?;
    let body = lead_here(&app, &mut headers, body);
    Ok((status, headers, body).into_response())
}

/// Headers that belong to one connection (RFC 9110, section 7.6.1) or that the next hop computes.
fn is_hop_by_hop(name: &HeaderName) -> bool {
    [CONNECTION, TRANSFER_ENCODING, CONTENT_LENGTH].contains(name)
        || ["keep-alive", "proxy-connection", "te", "trailer", "upgrade"].contains(&name.as_str())
}

fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let pass = headers.iter().filter(|(name, _)| !is_hop_by_hop(name));
    // `append`, not `insert`: an answer may set several cookies.
    pass.fold(HeaderMap::new(), |mut passed, (name, value)| {
        passed.append(name.clone(), value.clone());
        passed
    })
}

/// Lets a redirect and a page's links to the demonstration's shops lead to their pages here.
fn lead_here(app: &App, headers: &mut HeaderMap, body: Bytes) -> Bytes {
    if let Some(there) = headers.get(LOCATION).and_then(|value| value.to_str().ok())
        && let Ok(here) = HeaderValue::try_from(app.shops.here(there))
    {
        headers.insert(LOCATION, here);
    }
    let is_page = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.starts_with("text/html"));
    match std::str::from_utf8(&body) {
        Ok(page) if is_page => Bytes::from(app.shops.here(page)),
        _ => body,
    }
}
