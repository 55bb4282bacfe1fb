//! Handshakes and signatures.

use axum::http::{HeaderMap, HeaderValue, Method};
use base64::Engine as _;
use networks::{AnyNetwork, Network as _, Secret, SecretName, Verified, VerifyError, WebhookRequest};

use crate::support::{CONSUMER_SECRET, NOW, WEBHOOK_SECRET, generic, generic_with, nowhere, x, x_with};

const SIGNATURE: &str = networks::x::SIGNATURE;

fn signed(network: &AnyNetwork, signature: Option<&str>, body: &[u8]) -> Result<Verified, VerifyError> {
    let mut headers = HeaderMap::new();
    if let Some(signature) = signature {
        headers.insert(SIGNATURE, HeaderValue::from_str(signature).unwrap());
    }
    network.verify(&WebhookRequest { method: &Method::POST, headers: &headers, query: "", body }, NOW)
}

fn challenge(network: &AnyNetwork, query: &str) -> Result<Option<networks::HandshakeAnswer>, VerifyError> {
    let headers = HeaderMap::new();
    network.handshake(&WebhookRequest { method: &Method::GET, headers: &headers, query, body: b"" })
}

#[test]
fn x_answers_its_challenge() {
    let x = x(&nowhere());
    let answer = challenge(&x, "nonce=1&crc_token=challenge_string").unwrap().unwrap();
    assert_eq!(answer.content_type, "application/json");
    assert_eq!(answer.body, r#"{"response_token":"sha256=583uAmerwtjpykYEAEm+CEIRm6dOywK4QKRr0ha/Pd4="}"#);
    for bad in ["", "crc_token=", "crc=1"] {
        assert_eq!(challenge(&x, bad), Err(VerifyError::Parameter("crc_token")), "{bad}");
    }
    assert!(challenge(&x, &format!("crc_token={}", "a".repeat(2000))).is_err());
    let unconfigured = x_with(&nowhere(), |_| vec![]);
    assert!(challenge(&unconfigured, "crc_token=a").unwrap_err().is_ours());
    assert_eq!(challenge(&generic(&nowhere()), "crc_token=a"), Ok(None));
}

/// Challenges and deliveries are signed with one key, and anybody may challenge us: a body that we signed on
/// demand could be delivered as X's.
#[test]
fn no_challenge_makes_us_sign_a_delivery() {
    let x = x(&nowhere());
    for body in [r#"{"data":{}}"#, " {}", "{}", "[]", r#""text""#, "a b", "a\n", "é"] {
        let query: String =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("crc_token", body).finish();
        assert_eq!(challenge(&x, &query), Err(VerifyError::Parameter("crc_token")), "{body}");
    }
    for token in ["9b4507b3-9040-4669-9ca3-6b94edb50553", "MTYzMzQ2+/=_", "1"] {
        let query: String =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("crc_token", token).finish();
        assert!(challenge(&x, &query).is_ok(), "{token}");
        assert!(x.parse(token.as_bytes(), NOW).is_err(), "{token} is a delivery");
    }
}

#[test]
fn x_accepts_what_any_of_its_secrets_signed() {
    let x = x(&nowhere());
    let body = br#"{"data":{}}"#;
    let vector = "sha256=tcnAjDsWlH4EmM1U7ReYnHGI5Bg++yK2p2ZJ110qeXk=";
    assert_eq!(networks::x::sign(&Secret::new(CONSUMER_SECRET), body), vector);
    assert!(signed(&x, Some(vector), body).is_ok());
    let older = networks::x::sign(&Secret::new("older_secret"), body);
    assert!(signed(&x, Some(&older), body).is_ok(), "while a secret is rotated");
    let stranger = networks::x::sign(&Secret::new("another"), body);
    assert_eq!(signed(&x, Some(&stranger), body), Err(VerifyError::WrongSignature));
    assert_eq!(signed(&x, Some(vector), br#"{"data":{} }"#), Err(VerifyError::WrongSignature));
    assert_eq!(signed(&x, None, body), Err(VerifyError::MissingHeader(SIGNATURE)));
    for bad in [vector.replace("sha256=", ""), vector.replace("sha256", "sha1"), "sha256=%".to_owned()] {
        assert_eq!(signed(&x, Some(&bad), body), Err(VerifyError::MalformedHeader(SIGNATURE)), "{bad}");
    }
    for short in ["sha256=", "sha256=tcnAjDsWlH4EmM1U7ReYnA=="] {
        assert_eq!(signed(&x, Some(short), body), Err(VerifyError::WrongSignature), "{short}");
    }
}

#[test]
fn a_missing_secret_is_never_the_senders_fault() {
    let x = x_with(&nowhere(), |_| vec![String::new()]);
    let error = signed(&x, Some("sha256=AAAA"), b"{}").unwrap_err();
    assert_eq!(error, VerifyError::Unconfigured(SecretName::ConsumerSecret));
    let generic = generic_with(&nowhere(), |_| vec!["not a webhook secret".to_owned()]);
    assert!(signed(&generic, None, b"{}").unwrap_err().is_ours());
    assert_eq!(generic.secret_problems().len(), 1);
    assert_eq!(x.secret_problems().len(), 5);
    assert!(crate::support::x(&nowhere()).secret_problems().is_empty());
}

/// Every other way to write the bytes of a signature, and everything near it.
fn disguises(signature: &str) -> Vec<String> {
    let standard = &base64::engine::general_purpose::STANDARD;
    let bytes = standard.decode(signature).unwrap();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut flipped = bytes.clone();
    flipped[31] ^= 1;
    let mut written = vec![
        hex.to_uppercase(),
        hex,
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&bytes),
        signature.trim_end_matches('=').to_owned(),
        signature.to_lowercase(),
        format!("{signature}="),
        format!("{signature}AAAA"),
        standard.encode(&flipped),
        standard.encode([&bytes[..], b"\0"].concat()),
        standard.encode([&bytes[..], &bytes[..]].concat()),
        standard.encode(signature),
        format!("{signature},{signature}"),
        format!("\"{signature}\""),
    ];
    written.extend((0..bytes.len()).map(|length| standard.encode(&bytes[..length])));
    // The alphabets agree where neither `+` nor `/` stands.
    written.retain(|written| written != signature);
    written
}

#[test]
fn a_signature_has_one_form_and_one_length() {
    let (x, body) = (x(&nowhere()), br#"{"data":{}}"#);
    let good = networks::x::sign(&Secret::new(CONSUMER_SECRET), body);
    assert!(signed(&x, Some(&good), body).is_ok());
    for disguise in disguises(good.strip_prefix("sha256=").unwrap()) {
        for written in [format!("sha256={disguise}"), format!("SHA256={disguise}"), disguise.clone()] {
            assert!(signed(&x, Some(&written), body).is_err(), "{written}");
        }
    }
    let generic = generic(&nowhere());
    let key = networks::standard_webhooks::key(&Secret::new(WEBHOOK_SECRET)).unwrap();
    let headers = networks::standard_webhooks::sign(&key, "msg_1", NOW, body);
    let verify = |signature: &str| {
        let mut all = HeaderMap::new();
        for (name, value) in &headers {
            let value = if name.ends_with("signature") { signature } else { value.as_str() };
            all.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        let request = WebhookRequest { method: &Method::POST, headers: &all, query: "", body };
        generic.verify(&request, NOW).map(drop)
    };
    let (_, good) = headers.iter().find(|(name, _)| name.ends_with("signature")).unwrap();
    assert_eq!(verify(good), Ok(()));
    for disguise in disguises(good.strip_prefix("v1,").unwrap()) {
        // A list may hold the right one beside others; a comma inside of one is no list.
        assert!(verify(&format!("v1,{disguise}")).is_err(), "{disguise}");
    }
}
