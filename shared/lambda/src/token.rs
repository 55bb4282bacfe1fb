//! Random tokens, and tokens that carry what they say under a signature.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::time::Timestamp;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::secrets::Secret;

/// A random number from the system.
///
/// # Panics
/// When the system has no randomness: nothing safe could be done without.
pub fn random_u64() -> u64 {
    u64::from_ne_bytes(random_bytes())
}

/// A new secret of 256 bits, URL-safe: session ids, one-time links.
///
/// # Panics
/// When the system has no randomness.
pub fn random() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes::<32>())
}

#[expect(clippy::expect_used, reason = "without the system's randomness nothing safe can be done")]
fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the system's randomness");
    bytes
}

/// The SHA-256 of a token, 64 hex digits: what is stored of it, so that a reader of the table can't
/// use it.
pub fn digest(token: &str) -> String {
    ring::digest::digest(&ring::digest::SHA256, token.as_bytes())
        .as_ref()
        .iter()
        .fold(String::with_capacity(64), |hex, byte| hex + &format!("{byte:02x}"))
}

/// Why a signed token is refused. All look the same from outside but for `Expired`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token of ours, or of another purpose, or changed.
    #[error("the token is not valid")]
    Invalid,
    /// Was valid once.
    #[error("the token has expired")]
    Expired,
}

/// Signs and reads tokens under the secret `signing-key`: the newest value signs, every value reads.
///
/// The purpose names the form of what a token says, too: a form that earlier releases would misread gets a
/// purpose of its own, and both are read as long as tokens of the former are about.
#[derive(Clone)]
pub struct Signer(Vec<hmac::Key>);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({} keys)", self.0.len())
    }
}

#[derive(Serialize, Deserialize)]
struct Payload<T> {
    #[serde(rename = "p")]
    purpose: String,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
    #[serde(rename = "d")]
    data: T,
}

impl Signer {
    /// Signs with the first key and reads with all. Without a key nothing is signed or read validly.
    pub fn new(keys: &[Secret]) -> Self {
        Self(keys.iter().map(|key| hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes())).collect())
    }

    /// A token that says `data` for one purpose until `expires_at` (for good when absent). What it
    /// says can be read by whoever holds it.
    ///
    /// # Errors
    /// When there is no key or `data` can't be written as JSON.
    pub fn sign<T: Serialize>(
        &self,
        purpose: &str,
        data: &T,
        expires_at: Option<Timestamp>,
    ) -> Result<String, TokenError> {
        let payload =
            Payload { purpose: purpose.to_owned(), expires_at: expires_at.map(Timestamp::as_seconds), data };
        let json = serde_json::to_vec(&payload).map_err(|_| TokenError::Invalid)?;
        let text = URL_SAFE_NO_PAD.encode(json);
        let key = self.0.first().ok_or(TokenError::Invalid)?;
        let tag = URL_SAFE_NO_PAD.encode(hmac::sign(key, text.as_bytes()));
        Ok(format!("{text}.{tag}"))
    }

    /// What a token says, if one of our keys signed it for this purpose and it hasn't expired.
    ///
    /// # Errors
    /// When any of that isn't so.
    pub fn read<T: DeserializeOwned>(
        &self,
        purpose: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<T, TokenError> {
        let (text, tag) = token.split_once('.').ok_or(TokenError::Invalid)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| TokenError::Invalid)?;
        if !self.0.iter().any(|key| hmac::verify(key, text.as_bytes(), &tag).is_ok()) {
            return Err(TokenError::Invalid);
        }
        let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError::Invalid)?;
        let payload: Payload<T> = serde_json::from_slice(&json).map_err(|_| TokenError::Invalid)?;
        if payload.purpose != purpose {
            return Err(TokenError::Invalid);
        }
        match payload.expires_at {
            Some(expires_at) if expires_at <= now.as_seconds() => Err(TokenError::Expired),
            _ => Ok(payload.data),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_tokens_hold_for_one_purpose_and_time() {
        let signer = Signer::new(&[Secret::new("new"), Secret::new("old")]);
        let at = Timestamp::from_seconds;
        let token = signer.sign("cart", &"c1", Some(at(100))).unwrap();
        assert_eq!(signer.read::<String>("cart", &token, at(99)).unwrap(), "c1");
        assert_eq!(signer.read::<String>("cart", &token, at(100)), Err(TokenError::Expired));
        assert_eq!(signer.read::<String>("unsubscribe", &token, at(1)), Err(TokenError::Invalid));
        let (text, tag) = token.split_once('.').unwrap();
        for forged in [
            text.to_owned(),
            format!("{text}."),
            format!("x{text}.{tag}"),
            format!("{text}.{tag}x"),
            String::new(),
        ] {
            assert_eq!(signer.read::<String>("cart", &forged, at(1)), Err(TokenError::Invalid), "{forged}");
        }
        let old = Signer::new(&[Secret::new("old")]).sign("cart", &"c1", None).unwrap();
        assert_eq!(signer.read::<String>("cart", &old, at(1)).unwrap(), "c1");
        let other = Signer::new(&[Secret::new("other")]).sign("cart", &"c1", None).unwrap();
        assert_eq!(signer.read::<String>("cart", &other, at(1)), Err(TokenError::Invalid));
        assert_eq!(Signer::new(&[]).sign("cart", &"c1", None), Err(TokenError::Invalid));
    }

    /// Links in mails are followed years later: these are as version 1 signed them, and stay as they are.
    #[test]
    fn tokens_of_version_1_are_read() {
        let signer = Signer::new(&[Secret::new("key-of-2026"), Secret::new("key-of-2025")]);
        let for_good =
            "eyJwIjoidW5zdWJzY3JpYmUiLCJkIjoiY3VzdG9tZXItMSJ9.-XcWSSUSdWFKwTyP6LekaNLnyuoXsn2C-UI93Zgrqvo";
        let until = "eyJwIjoiY2FydCIsImUiOjE3OTUzMTI4MDAsImQiOiJjdXN0b21lci0xIn0.qIOBvfz3e_8QYofKjN4MlX2kHBf1wqo79kr5iI7t44M";
        let with_more = "eyJwIjoidW5zdWJzY3JpYmUiLCJkIjoiY3VzdG9tZXItMSIsImxhdGVyIjpbMV19.2hqBOCFCUWr3W8_I5AytnrQwF7aJG-nyoiS1Gz2hbN0";
        let now = Timestamp::from_seconds(1_795_312_799);
        assert_eq!(signer.read::<String>("unsubscribe", for_good, now).unwrap(), "customer-1");
        assert_eq!(signer.read::<String>("cart", until, now).unwrap(), "customer-1");
        assert_eq!(signer.read::<String>("unsubscribe", with_more, now).unwrap(), "customer-1");
    }

    #[test]
    fn random_tokens_differ() {
        assert_ne!(random(), random());
        assert_eq!(random().len(), 43);
        assert_eq!(digest("").len(), 64);
    }
}
