//! HMAC signatures, compared in constant time by `ring`.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::hmac;

/// The HMAC-SHA256 of `message` in standard base64 with padding.
pub(crate) fn sha256_base64(key: &[u8], message: &[u8]) -> String {
    STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message))
}

/// The HMAC-SHA256 of `message` in base64url without padding, for addresses.
pub(crate) fn sha256_base64url(key: &[u8], message: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message))
}

/// Whether one of `keys` made the HMAC-SHA256 `tag` of `message`.
pub(crate) fn any_sha256(keys: &[impl AsRef<[u8]>], message: &[u8], tag: &[u8]) -> bool {
    keys.iter()
        .any(|key| hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()), message, tag).is_ok())
}

/// The bytes of standard base64 with padding.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// The bytes of base64url without padding.
pub(crate) fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
