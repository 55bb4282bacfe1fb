//! OAuth 1.0a request signatures by HMAC-SHA1 (RFC 5849 §3.4.2): X's way for a bot to act as its own
//! account with keys that don't expire.
//!
//! Written here because the crates that do it rest on an older generation of the hash crates, and the
//! whole of it is one page on `ring`, which is in the tree anyway.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::hmac;
use url::Url;

/// Everything but the unreserved characters is encoded (RFC 5849 §3.6).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The keys of an app and of the account that it acts as.
#[derive(Clone, Copy)]
pub(crate) struct Keys<'a> {
    pub(crate) consumer_key: &'a str,
    pub(crate) consumer_secret: &'a str,
    pub(crate) token: &'a str,
    pub(crate) token_secret: &'a str,
}

/// What makes one request's signature unlike any other's.
pub(crate) struct Once<'a> {
    /// Never used before with this timestamp.
    pub(crate) nonce: &'a str,
    /// Unix seconds.
    pub(crate) timestamp: u64,
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// The `Authorization` header for a request whose body is not a form: only the query's parameters are
/// signed (RFC 5849 §3.4.1.3.1).
pub(crate) fn authorization(keys: Keys<'_>, once: &Once<'_>, method: &str, url: &Url) -> String {
    let timestamp = once.timestamp.to_string();
    let protocol = [
        ("oauth_consumer_key", keys.consumer_key),
        ("oauth_nonce", once.nonce),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", &timestamp),
        ("oauth_token", keys.token),
        ("oauth_version", "1.0"),
    ];
    let signature = sign(keys, &base_string(method, url, &protocol));
    let mut fields: Vec<String> =
        protocol.iter().map(|(name, value)| format!("{name}=\"{}\"", encode(value))).collect();
    fields.push(format!("oauth_signature=\"{}\"", encode(&signature)));
    format!("OAuth {}", fields.join(", "))
}

/// Method, address without query, and all parameters in order (RFC 5849 §3.4.1).
fn base_string(method: &str, url: &Url, protocol: &[(&str, &str)]) -> String {
    let mut parameters: Vec<(String, String)> =
        url.query_pairs().map(|(name, value)| (encode(&name), encode(&value))).collect();
    parameters.extend(protocol.iter().map(|(name, value)| (encode(name), encode(value))));
    parameters.sort();
    let parameters: Vec<String> =
        parameters.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut address = url.clone();
    address.set_query(None);
    address.set_fragment(None);
    [method.to_ascii_uppercase(), address.to_string(), parameters.join("&")]
        .map(|part| encode(&part))
        .join("&")
}

fn sign(keys: Keys<'_>, base_string: &str) -> String {
    let key = format!("{}&{}", encode(keys.consumer_secret), encode(keys.token_secret));
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    STANDARD.encode(hmac::sign(&key, base_string.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 5849 §1.2: no `oauth_version`, which is optional there.
    #[test]
    fn signs_the_example_of_the_rfc() {
        let keys = Keys {
            consumer_key: "dpf43f3p2l4k3l03",
            consumer_secret: "kd94hf93k423kf44",
            token: "nnch734d00sl2jdk",
            token_secret: "pfkkdhi9sl3r4s00",
        };
        let url = Url::parse("http://photos.example.net/photos?file=vacation.jpg&size=original").unwrap();
        let protocol = [
            ("oauth_consumer_key", keys.consumer_key),
            ("oauth_token", keys.token),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "137131202"),
            ("oauth_nonce", "chapoH"),
        ];
        assert_eq!(sign(keys, &base_string("GET", &url, &protocol)), "MdpQcU8iPSUjWoN/UDMsK2sui9I=");
    }

    /// The base string of RFC 5849 §3.4.1.1, as far as it is made of the query: encoding, order,
    /// repeated and empty parameters.
    #[test]
    fn parameters_are_encoded_and_in_order() {
        let url = Url::parse("https://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b&a3=2+q").unwrap();
        let base = base_string("post", &url, &[("oauth_nonce", "7d8f3e4a")]);
        assert_eq!(
            base,
            "POST&https%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D\
             %25253D%26c%2540%3D%26oauth_nonce%3D7d8f3e4a"
        );
    }

    /// The worked example of X's documentation ("Creating a signature"), whose form body stands in the
    /// query here: it is signed alike.
    #[test]
    fn signs_the_example_of_x() {
        let keys = Keys {
            consumer_key: "xvz1evFS4wEEPTGEFPHBog",
            consumer_secret: "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
            token: "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
            token_secret: "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
        };
        let url = Url::parse(
            "https://api.twitter.com/1.1/statuses/update.json?include_entities=true&status=Hello%20Ladies\
             %20%2B%20Gentlemen%2C%20a%20signed%20OAuth%20request%21",
        )
        .unwrap();
        let once = Once { nonce: "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg", timestamp: 1_318_622_958 };
        let header = authorization(keys, &once, "POST", &url);
        assert!(header.starts_with("OAuth oauth_consumer_key=\"xvz1evFS4wEEPTGEFPHBog\", "), "{header}");
        assert!(header.ends_with("oauth_signature=\"hCtSmYh%2BiHYCEqBWrE7C7hYmtUk%3D\""), "{header}");
    }
}
