//! The headers that every page carries.

use std::fmt::Write as _;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use url::Url;

/// The style of all pages. It stands in the page itself: a page is then one request and one
/// invocation, and the policy names it by its hash.
pub const STYLE: &str = include_str!("style.css");

fn style_hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| STANDARD.encode(ring::digest::digest(&ring::digest::SHA256, STYLE.as_bytes())))
}

/// What a page's policy allows beyond the strictest.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    /// Pictures over plain http too: the stage `local` alone.
    pub plain_http: bool,
    /// Where a form of the page may lead by a redirect: the checkouts of the shops. Browsers check
    /// `form-action` on redirects too (CSP level 3, section 6.4.1).
    pub form_targets: Vec<Url>,
}

/// The policy: no script at all, our own style only, pictures of the shops, forms to ourselves and
/// the named targets, no frame.
fn policy(allowed: &Allowed) -> String {
    let pictures = if allowed.plain_http { "https: http:" } else { "https:" };
    let mut policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; img-src 'self' data: {pictures}; base-uri 'none'; \
         frame-ancestors 'none'; form-action 'self'",
        style_hash()
    );
    for target in &allowed.form_targets {
        // Writing to a String can't fail.
        let _ = write!(policy, " {}", target.origin().ascii_serialization());
    }
    policy
}

/// Adds the headers of a page that is for one person: kept nowhere, framed nowhere, telling other
/// sites nothing of where the shopper came from.
///
/// The referrer policy is `same-origin` rather than `no-referrer`, because under the latter browsers
/// send `Origin: null` with forms to ourselves (Fetch, "append a request `Origin` header").
pub fn protect(headers: &mut HeaderMap, allowed: &Allowed) {
    let fixed = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !allowed.plain_http {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    // Origins are ASCII, so this never fails; a page without its policy must not go out.
    let policy =
        HeaderValue::try_from(policy(allowed)).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_allows_no_script_and_names_the_shops() {
        let shop = Url::parse("https://acme.example/checkout?items=1").unwrap();
        let policy = policy(&Allowed { plain_http: false, form_targets: vec![shop] });
        assert!(policy.contains("default-src 'none'") && !policy.contains("script-src"), "{policy}");
        assert!(policy.ends_with("form-action 'self' https://acme.example"), "{policy}");
        assert!(!policy.contains("http:") && !policy.contains("unsafe"), "{policy}");
    }

    #[test]
    fn only_local_goes_without_transport_security() {
        for local in [true, false] {
            let mut headers = HeaderMap::new();
            protect(&mut headers, &Allowed { plain_http: local, ..Allowed::default() });
            assert_eq!(headers.contains_key(header::STRICT_TRANSPORT_SECURITY), !local);
            assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        }
    }
}
