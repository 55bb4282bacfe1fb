//! Fields of a form or a query, and forms whose origin is proven.

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Request};
use http::header;

use crate::failure::Failure;
use crate::site::{HasSite, Visit};

/// The most bytes that a form may have.
const FORM_BYTES: usize = 32 * 1024;

/// Fields as `application/x-www-form-urlencoded` writes them. Of a field that comes twice the first
/// one counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads a query or a body.
    pub fn parse(text: &str) -> Self {
        let pairs = url::form_urlencoded::parse(text.as_bytes());
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// A field's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// All fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A field that must be there.
    ///
    /// # Errors
    /// When it isn't.
    pub fn need(&self, name: &'static str) -> Result<&str, Failure> {
        self.get(name).ok_or(Failure::BadRequest(name))
    }
}

/// Reads the body of a form.
///
/// # Errors
/// When it is no form, too long or not UTF-8.
pub async fn read_form(request: Request) -> Result<Fields, Failure> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Failure::BadRequest("content-type"));
    }
    read_fields(request.into_body()).await
}

async fn read_fields(body: Body) -> Result<Fields, Failure> {
    let bytes = to_bytes(body, FORM_BYTES).await.map_err(|_| Failure::BadRequest("body"))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Failure::BadRequest("body"))?;
    Ok(Fields::parse(text))
}

/// A form that comes from a page which this browser was given: its token is right, and the browser
/// doesn't say that another site sent it.
#[derive(Debug)]
pub struct Form {
    /// The request.
    pub visit: Visit,
    /// The fields.
    pub fields: Fields,
}

impl<S: HasSite + Send + Sync> FromRequest<S> for Form {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        // Fetch metadata: browsers say of each request which site it came from.
        let site = request.headers().get("sec-fetch-site").and_then(|value| value.to_str().ok());
        if matches!(site, Some("cross-site" | "same-site")) {
            return Err(Failure::StaleForm("another site sent it"));
        }
        let visit = Visit::open(state.site(), request.method(), request.uri(), request.headers()).await?;
        let fields = read_form(request).await?;
        visit.check_csrf(&fields)?;
        Ok(Self { visit, fields })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_field_counts() {
        let fields = Fields::parse("a=1&b=x+y%26&a=2&c");
        assert_eq!(fields.get("a"), Some("1"));
        assert_eq!(fields.get("b"), Some("x y&"));
        assert_eq!(fields.get("c"), Some(""));
        assert!(fields.need("d").is_err());
    }
}
