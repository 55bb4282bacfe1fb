//! What ends a request without the page that was asked for.

use std::error::Error;

use axum::response::{IntoResponse, Response};
use domain::Retryable;
use http::StatusCode;

/// Why there is no such page. Becomes a page of its own in the shopper's language by
/// [`crate::boundary::boundary`], and one line in the log.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    /// A field is missing or makes no sense.
    #[error("the request can't be read: {0}")]
    BadRequest(&'static str),
    /// Nobody is signed in: pages lead to the sign-in, the JSON API says 401.
    #[error("nobody is signed in")]
    SignedOut,
    /// The form doesn't come from a page that we gave to this browser.
    #[error("the form was refused: {0}")]
    StaleForm(&'static str),
    /// There is no such page.
    #[error("no such page")]
    NotFound,
    /// There is one, but not for this method.
    #[error("the method isn't for this page")]
    MethodNotAllowed,
    /// A link that was good once.
    #[error("the link has run out")]
    Gone,
    /// Something that we need isn't there or doesn't answer: worth another try.
    #[error("something that the page needs is not available")]
    Unavailable(#[source] std::sync::Arc<dyn Error + Send + Sync>),
}

impl Failure {
    /// Something that the page needs failed.
    pub fn unavailable(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Unavailable(std::sync::Arc::new(error))
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::SignedOut => StatusCode::UNAUTHORIZED,
            Self::StaleForm(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Gone => StatusCode::GONE,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The failure's name in the JSON API.
    pub fn name(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "bad_request",
            Self::SignedOut => "signed_out",
            Self::StaleForm(_) => "stale_form",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Gone => "gone",
            Self::Unavailable(_) => "unavailable",
        }
    }
}

impl Retryable for Failure {
    fn retryable(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::BadRequest(_)
            | Self::SignedOut
            | Self::StaleForm(_)
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::Gone => false,
        }
    }
}

/// The bare status with the failure beside it; the boundary makes a page of it.
impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
