//! The page and what it is made of, compiled in: no build step, nothing from elsewhere.

use anyhow::Context as _;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderName, header};

use super::api::ApiError;

/// Scripts, styles and pictures of this site only; pictures of shops may come from anywhere.
const POLICY: &str = "default-src 'self'; img-src 'self' https: http: data:; style-src 'self' 'unsafe-inline'; \
                      frame-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";

fn file(kind: &'static str, text: &'static str) -> Response {
    // The files change with the program: a browser asks each time.
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], text).into_response()
}

/// The page.
pub(crate) async fn index() -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (HeaderName::from_static("referrer-policy"), "same-origin"),
    ];
    (headers, file("text/html; charset=utf-8", include_str!("page/index.html"))).into_response()
}

/// Its style.
pub(crate) async fn style() -> Response {
    file("text/css; charset=utf-8", include_str!("page/style.css"))
}

/// Its script.
pub(crate) async fn script() -> Response {
    file("text/javascript; charset=utf-8", include_str!("page/app.js"))
}

/// Its icon.
pub(crate) async fn icon() -> Response {
    file("image/svg+xml", include_str!("page/icon.svg"))
}

/// A page made from a template.
///
/// # Errors
/// When the template can't be filled, which its types rule out but for a failing formatter.
pub(crate) fn filled(template: &impl askama::Template) -> Result<Response, ApiError> {
    let html = template.render().context("a page can't be made")?;
    Ok(([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(html)).into_response())
}
