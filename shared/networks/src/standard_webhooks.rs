//! Standard Webhooks, specification 1.0.0 (<https://www.standardwebhooks.com>): the symmetric scheme
//! `v1`, both to prove who sends and to sign what we send.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use domain::time::Timestamp;
use std::time::Duration;

use crate::secrets::{Secret, SecretName};
use crate::signature::{any_sha256, from_base64, sha256_base64};
use crate::webhook::{Verified, VerifyError, WebhookRequest};

/// Names the message; the same over retries.
pub const ID: &str = "webhook-id";
/// When this attempt was signed, in Unix seconds.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// The signatures, separated by spaces, each with its version before a comma.
pub const SIGNATURE: &str = "webhook-signature";

/// How far the timestamp may be from our clock, both ways.
pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// The prefix of a secret: behind it stands the key in base64.
const PREFIX: &str = "whsec_";
/// The version of the signatures that we make and accept.
const VERSION: &str = "v1";
/// The lengths of a key that the specification allows, in bytes.
const KEY_LENGTH: std::ops::RangeInclusive<usize> = 24..=64;
/// The longest `webhook-id` that we take.
const ID_LENGTH: usize = 256;

/// The key of a secret `whsec_…`; `None` when it isn't one. Keys that are too short are refused: an
/// empty one would accept anybody.
pub fn key(secret: &Secret) -> Option<Vec<u8>> {
    let text = secret.expose().strip_prefix(PREFIX)?;
    let key = STANDARD.decode(text).or_else(|_| STANDARD_NO_PAD.decode(text)).ok()?;
    KEY_LENGTH.contains(&key.len()).then_some(key)
}

/// The keys of those secrets that are of the right form.
pub(crate) fn keys(secrets: &[Secret]) -> Vec<Vec<u8>> {
    secrets.iter().filter_map(key).collect()
}

/// The headers that sign `body` with `key` at `now`.
pub fn sign(key: &[u8], id: &str, now: Timestamp, body: &[u8]) -> [(&'static str, String); 3] {
    let timestamp = now.as_seconds().to_string();
    let signature = format!("{VERSION},{}", sha256_base64(key, &signed_content(id, &timestamp, body)));
    [(ID, id.to_owned()), (TIMESTAMP, timestamp), (SIGNATURE, signature)]
}

/// Proves that the holder of one of `secrets` signed the request, less than [`TOLERANCE`] from `now`.
/// Signatures of other versions are skipped; one that matches is enough.
///
/// # Errors
/// See [`VerifyError`].
pub fn verify(
    request: &WebhookRequest<'_>,
    secrets: &[Secret],
    now: Timestamp,
) -> Result<Verified, VerifyError> {
    let keys = keys(secrets);
    if keys.is_empty() {
        return Err(VerifyError::Unconfigured(SecretName::WebhookSecret));
    }
    let id = request.header(ID)?;
    let timestamp = request.header(TIMESTAMP)?;
    let signatures = request.header(SIGNATURE)?;
    let printable = id.bytes().all(|b| (b' '..=b'~').contains(&b));
    if id.is_empty() || id.len() > ID_LENGTH || id.contains('.') || !printable {
        return Err(VerifyError::MalformedHeader(ID));
    }
    let content = signed_content(id, timestamp, request.body);
    let genuine = signatures
        .split(' ')
        .filter_map(|signature| signature.split_once(','))
        .filter(|(version, _)| *version == VERSION)
        .filter_map(|(_, tag)| from_base64(tag))
        .any(|tag| any_sha256(&keys, &content, &tag));
    if !genuine {
        return Err(VerifyError::WrongSignature);
    }
    // Only now: who can't sign learns nothing about our clock.
    within_tolerance(timestamp, now)?;
    Ok(Verified { delivery_id: Some(id.to_owned()) })
}

fn within_tolerance(timestamp: &str, now: Timestamp) -> Result<(), VerifyError> {
    let plain = !timestamp.is_empty() && timestamp.bytes().all(|b| b.is_ascii_digit());
    let seconds: u64 =
        plain.then(|| timestamp.parse().ok()).flatten().ok_or(VerifyError::MalformedHeader(TIMESTAMP))?;
    let tolerance = TOLERANCE.as_secs();
    if now.as_seconds() > seconds.saturating_add(tolerance) {
        Err(VerifyError::TooOld)
    } else if seconds > now.as_seconds().saturating_add(tolerance) {
        Err(VerifyError::TooNew)
    } else {
        Ok(())
    }
}

fn signed_content(id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    let mut content = Vec::with_capacity(id.len() + timestamp.len() + body.len() + 2);
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        content.extend_from_slice(part);
    }
    content
}

#[cfg(test)]
mod tests {
    use ::http::{HeaderMap, HeaderValue, Method};
    use proptest::prelude::*;

    use super::*;

    /// The vectors of the specification's reference libraries: secret, id, time, body, signature.
    const VECTORS: [(&str, &str, u64, &str, &str); 2] = [
        (
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            r#"{"email":"test@example.com","username":"test_user"}"#,
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ),
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
    ];

    fn check(
        secrets: &[&str],
        headers: &[(&'static str, &str)],
        body: &str,
        at: u64,
    ) -> Result<Verified, VerifyError> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let request =
            WebhookRequest { method: &Method::POST, headers: &map, query: "", body: body.as_bytes() };
        let secrets: Vec<Secret> = secrets.iter().map(Secret::new).collect();
        verify(&request, &secrets, Timestamp::from_seconds(at))
    }

    #[test]
    fn signs_and_verifies_the_published_vectors() {
        for (secret, id, at, body, signature) in VECTORS {
            let key = key(&Secret::new(secret)).unwrap();
            let signed = sign(&key, id, Timestamp::from_seconds(at), body.as_bytes());
            assert_eq!(signed[2].1, signature);
            let headers = [(ID, id), (TIMESTAMP, signed[1].1.as_str()), (SIGNATURE, signature)];
            let verified = check(&[secret], &headers, body, at).unwrap();
            assert_eq!(verified.delivery_id.as_deref(), Some(id));
        }
    }

    #[test]
    fn takes_one_of_several_signatures_by_one_of_several_secrets() {
        let (secret, id, at, body, signature) = VECTORS[1];
        let other = VECTORS[0].0;
        let at_text = at.to_string();
        let many = format!("v1a,AAAA v2,x {} nonsense {signature}", VECTORS[0].4);
        let headers = [(ID, id), (TIMESTAMP, at_text.as_str()), (SIGNATURE, many.as_str())];
        assert!(check(&[other, secret], &headers, body, at).is_ok());
        assert_eq!(check(&[other], &headers, body, at), Err(VerifyError::WrongSignature));
    }

    #[test]
    fn refuses_forged_stripped_truncated_and_old_ones() {
        let (secret, id, at, body, good) = VECTORS[1];
        let at_text = at.to_string();
        let signed = |signature: &str, at_text: &str, body: &str, now: u64| {
            check(&[secret], &[(ID, id), (TIMESTAMP, at_text), (SIGNATURE, signature)], body, now)
        };
        assert!(signed(good, &at_text, body, at).is_ok());
        for forged in [
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA=",
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1O",
            "v1,g0hM9SsE+OTPJTGt",
            "v1,",
            "v1",
            "",
            "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ] {
            assert_eq!(signed(forged, &at_text, body, at), Err(VerifyError::WrongSignature), "{forged}");
        }
        assert_eq!(signed(good, &at_text, r#"{"test": 2432232315}"#, at), Err(VerifyError::WrongSignature));
        let earlier = (at - 1).to_string();
        assert_eq!(signed(good, &earlier, body, at), Err(VerifyError::WrongSignature));
        for (now, expected) in [
            (at + 300, None),
            (at - 300, None),
            (at + 301, Some(VerifyError::TooOld)),
            (at - 301, Some(VerifyError::TooNew)),
        ] {
            assert_eq!(signed(good, &at_text, body, now).err(), expected, "{now}");
        }
        for missing in [ID, TIMESTAMP, SIGNATURE] {
            let headers: Vec<_> = [(ID, id), (TIMESTAMP, at_text.as_str()), (SIGNATURE, good)]
                .into_iter()
                .filter(|(name, _)| *name != missing)
                .collect();
            assert_eq!(check(&[secret], &headers, body, at), Err(VerifyError::MissingHeader(missing)));
        }
        let twice = [(ID, id), (TIMESTAMP, at_text.as_str()), (SIGNATURE, good), (SIGNATURE, good)];
        assert_eq!(check(&[secret], &twice, body, at), Err(VerifyError::MalformedHeader(SIGNATURE)));
    }

    #[test]
    fn a_secret_that_is_none_is_our_own_failing() {
        let (_, id, at, body, good) = VECTORS[1];
        let at_text = at.to_string();
        let headers = [(ID, id), (TIMESTAMP, at_text.as_str()), (SIGNATURE, good)];
        for secret in ["whsec_", "whsec_AAAA", "whsec_%%%", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            let error = check(&[secret], &headers, body, at).unwrap_err();
            assert!(error.is_ours(), "{secret}: {error}");
        }
        assert!(check(&[], &headers, body, at).unwrap_err().is_ours());
    }

    proptest! {
        #[test]
        fn what_we_sign_we_accept_and_no_other_body(
            key in prop::collection::vec(any::<u8>(), 24..=64),
            id in "[a-z_0-9]{1,40}",
            at in 1_000_u64..4_000_000_000,
            body in prop::collection::vec(any::<u8>(), 0..200),
            flip in any::<prop::sample::Index>(),
        ) {
            let secret = Secret::new(format!("whsec_{}", STANDARD.encode(&key)));
            let mut headers = HeaderMap::new();
            for (name, value) in sign(&key, &id, Timestamp::from_seconds(at), &body) {
                headers.insert(name, HeaderValue::from_str(&value).unwrap());
            }
            let check = |body: &[u8]| {
                let request = WebhookRequest { method: &Method::POST, headers: &headers, query: "", body };
                verify(&request, std::slice::from_ref(&secret), Timestamp::from_seconds(at))
            };
            prop_assert!(check(&body).is_ok());
            let mut other = body.clone();
            match other.is_empty() {
                true => other.push(0),
                false => { let at = flip.index(other.len()); other[at] ^= 1; }
            }
            prop_assert_eq!(check(&other), Err(VerifyError::WrongSignature));
        }
    }
}
