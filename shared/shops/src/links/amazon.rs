//! Amazon's links: an ASIN in one of many forms of path, and the hosts that carry them.

use url::Url;

use crate::codes;

/// Hosts whose links lead to Amazon's product pages by redirect, its bitly domain among them.
pub(super) const SHORT_HOSTS: [&str; 6] = ["amzn.to", "a.co", "amzn.eu", "amzn.asia", "amzn.in", "amzn.com"];
/// Names that stand before the marketplace's domain and show the same pages.
const PREFIXES: [&str; 3] = ["www.", "smile.", "m."];

/// All hosts of the marketplace that `host` (with or without `www.`) belongs to.
pub(super) fn hosts(host: &str) -> Vec<String> {
    let domain = domain_of(host);
    let mut hosts: Vec<String> = PREFIXES.iter().map(|prefix| format!("{prefix}{domain}")).collect();
    hosts.push(domain.to_owned());
    if domain == "amazon.com" {
        hosts.push("amzn.com".to_owned()); // `amzn.com/<ASIN>` leads to amazon.com
    }
    hosts
}

/// The canonical link of a product.
pub(super) fn canonical(host: &str, asin: &str) -> String {
    let domain = if host == "amzn.com" { "amazon.com" } else { domain_of(host) };
    format!("https://www.{domain}/dp/{asin}")
}

fn domain_of(host: &str) -> &str {
    PREFIXES.iter().find_map(|prefix| host.strip_prefix(prefix)).unwrap_or(host)
}

/// The ASIN in a link's path; `None` for a page that shows no single product.
pub(super) fn asin_in(url: &Url) -> Option<String> {
    let path: Vec<&str> = url.path().split('/').filter(|segment| !segment.is_empty()).collect();
    let path = match path.as_slice() {
        ["-", _language, rest @ ..] => rest,
        whole => whole,
    };
    let named = named_asin(path).or_else(|| path.get(1..).and_then(after_slug));
    let direct = || (url.host_str() == Some("amzn.com")).then(|| path.first().copied()).flatten();
    codes::asin(named.or_else(direct)?)
}

/// The forms that may follow a slug (`/Some-Title/dp/…`).
fn after_slug<'a>(path: &[&'a str]) -> Option<&'a str> {
    match path {
        ["dp" | "product-reviews", asin, ..] => Some(asin),
        _ => None,
    }
}

fn named_asin<'a>(path: &[&'a str]) -> Option<&'a str> {
    match path {
        ["dp", "product", asin, ..]
        | ["gp", "product", "glance", asin, ..]
        | ["gp", "aw", "d", asin, ..]
        | ["gp", "product" | "offer-listing", asin, ..]
        | ["exec", "obidos", "tg", "detail", "-", asin, ..]
        | ["dp" | "product-reviews", asin, ..] => Some(asin),
        ["exec", "obidos", word, asin, ..] | ["o", word, asin, ..] if word.eq_ignore_ascii_case("asin") => {
            Some(asin)
        }
        _ => None,
    }
}
