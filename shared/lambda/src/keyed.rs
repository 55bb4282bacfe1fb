//! Keyed hashes: names for personal data that only we can compute.

use std::fmt::Write as _;

use ring::hmac;

use crate::secrets::Secret;

/// HMAC-SHA256 under the secret `hash-key`. Finds an e-mail address without storing it in a key and
/// groups a shopper's messages without naming them. The key must stay as it is: with another one
/// nothing would be found again.
#[derive(Clone)]
pub struct KeyedHash(hmac::Key);

impl std::fmt::Debug for KeyedHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyedHash(…)")
    }
}

impl KeyedHash {
    /// Hashes under this key.
    pub fn new(key: &Secret) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes()))
    }

    /// 64 hex digits for `parts`. `purpose` keeps hashes of one kind apart from those of another, and
    /// each part is preceded by its length, so no two lists of parts meet.
    pub fn hex(&self, purpose: &str, parts: &[&str]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        for part in std::iter::once(&purpose).chain(parts) {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut hex = String::with_capacity(64);
        for byte in context.sign().as_ref() {
            // Writing to a String can't fail.
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }

    /// The `MessageGroupId` of a shopper's messages.
    pub fn shopper(&self, network: &str, user: &str) -> String {
        self.hex("shopper", &[network, user])
    }

    /// The key under which a customer is found by e-mail address. Case and surrounding space don't
    /// matter.
    pub fn email(&self, address: &str) -> String {
        self.hex("email", &[&address.trim().to_lowercase()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_purposes_never_meet() {
        let hash = KeyedHash::new(&Secret::new("k"));
        assert_ne!(hash.hex("a", &["bc", "d"]), hash.hex("a", &["b", "cd"]));
        assert_ne!(hash.hex("a", &["b"]), hash.hex("b", &["a"]));
        assert_ne!(hash.hex("a", &["b"]), KeyedHash::new(&Secret::new("l")).hex("a", &["b"]));
        assert_eq!(hash.email(" A@Example.com"), hash.email("a@example.COM "));
        assert_eq!(hash.hex("a", &[]).len(), 64);
    }
}
