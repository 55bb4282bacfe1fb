//! Links by which a network sends its signed-in shopper over to us:
//! `<public>/link/<network>?user=…&handle=…&expires=…&signature=…`.
//!
//! The signature is HMAC-SHA256 in base64url without padding, with the decoded webhook secret as key,
//! over `link`, the network's id, `user`, `handle` and `expires`, each on a line of its own (`\n`
//! between them, none at the end). `expires` is in Unix seconds and at most [`LIFETIME`] ahead;
//! `handle` may be empty. No value may hold a control character, so no two sets of values share a
//! signed text.

use std::time::Duration;

use domain::ids::{NetworkId, UserId};
use domain::time::Timestamp;
use url::Url;
use url::form_urlencoded;

use crate::secrets::{Secret, SecretName};
use crate::sign_in::Account;
use crate::signature::{any_sha256, from_base64url, sha256_base64url};
use crate::standard_webhooks::{self, TOLERANCE, keys};
use crate::webhook::VerifyError;

/// The longest time that a link may be good for (and [`TOLERANCE`] for clocks that differ).
pub const LIFETIME: Duration = Duration::from_secs(60 * 60);

/// The longest user id and handle, in bytes.
const VALUE_LENGTH: usize = 256;

/// Verifies one network's signed links.
#[derive(Clone, Copy, Debug)]
pub struct SignedLinks<'a> {
    network: &'a NetworkId,
    secrets: &'a [Secret],
    start: Option<&'a Url>,
}

impl<'a> SignedLinks<'a> {
    pub(crate) fn new(network: &'a NetworkId, secrets: &'a [Secret], start: Option<&'a Url>) -> Self {
        Self { network, secrets, start }
    }

    /// The network's own page that makes such a link for whoever is signed in there, where the
    /// configuration names one.
    pub fn start(&self) -> Option<&'a Url> {
        self.start
    }

    /// Proves that the network made the link with this query string and that it is still good.
    ///
    /// # Errors
    /// See [`VerifyError`]. A link stays good until it expires; whoever must take it only once has to
    /// remember it.
    pub fn verify(&self, query: &str, now: Timestamp) -> Result<Account, VerifyError> {
        let keys = keys(self.secrets);
        if keys.is_empty() {
            return Err(VerifyError::Unconfigured(SecretName::WebhookSecret));
        }
        let user = value(query, "user")?;
        let handle = value(query, "handle").or_else(|_| absent(query, "handle"))?;
        let expires = value(query, "expires")?;
        let signature = value(query, "signature")?;
        if user.is_empty() {
            return Err(VerifyError::Parameter("user"));
        }
        let tag = from_base64url(&signature).ok_or(VerifyError::WrongSignature)?;
        let text = signed_text(self.network.as_str(), &user, &handle, &expires);
        if !any_sha256(&keys, text.as_bytes(), &tag) {
            return Err(VerifyError::WrongSignature);
        }
        let expires = expires.parse().map(Timestamp::from_seconds);
        within_lifetime(expires.map_err(|_| VerifyError::Parameter("expires"))?, now)?;
        Ok(Account { user: UserId::new(user), handle: (!handle.is_empty()).then_some(handle) })
    }
}

/// The query string of a link for `user`, good until `expires`; `None` when `secret` is no webhook
/// secret.
pub fn sign(
    secret: &Secret,
    network: &NetworkId,
    user: &str,
    handle: &str,
    expires: Timestamp,
) -> Option<String> {
    let key = standard_webhooks::key(secret)?;
    let expires = expires.as_seconds().to_string();
    let signature = sha256_base64url(&key, signed_text(network.as_str(), user, handle, &expires).as_bytes());
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs([
        ("user", user),
        ("handle", handle),
        ("expires", &expires),
        ("signature", &signature),
    ]);
    Some(query.finish())
}

fn signed_text(network: &str, user: &str, handle: &str, expires: &str) -> String {
    ["link", network, user, handle, expires].join("\n")
}

/// The parameter `name`, where it is there once, not too long and without control characters.
fn value(query: &str, name: &'static str) -> Result<String, VerifyError> {
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
    match (values.next(), values.next()) {
        (Some((_, value)), None) if value.len() <= VALUE_LENGTH && !value.chars().any(char::is_control) => {
            Ok(value.into_owned())
        }
        _ => Err(VerifyError::Parameter(name)),
    }
}

/// An empty value for a parameter that may be left out; one that is there but bad stays an error.
fn absent(query: &str, name: &'static str) -> Result<String, VerifyError> {
    let there = form_urlencoded::parse(query.as_bytes()).any(|(key, _)| key == name);
    if there { Err(VerifyError::Parameter(name)) } else { Ok(String::new()) }
}

fn within_lifetime(expires: Timestamp, now: Timestamp) -> Result<(), VerifyError> {
    if expires <= now {
        Err(VerifyError::TooOld)
    } else if expires > now.plus(LIFETIME).plus(TOLERANCE) {
        Err(VerifyError::TooNew)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn secret() -> Secret {
        Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    }

    fn verify(query: &str, now: Timestamp) -> Result<Account, VerifyError> {
        let network = NetworkId::new("generic");
        SignedLinks::new(&network, &[secret()], None).verify(query, now)
    }

    fn signed(user: &str, handle: &str, expires: Timestamp) -> String {
        sign(&secret(), &NetworkId::new("generic"), user, handle, expires).unwrap()
    }

    /// Worked out with Python's hmac, as the documentation shows it.
    #[test]
    fn signs_as_documented() {
        assert_eq!(
            signed("u-1", "alice", Timestamp::from_seconds(1_800_000_600)),
            "user=u-1&handle=alice&expires=1800000600&signature=yq_zWtaaMnbdUeMkcNWfUpEjKumQfjyO5PfsE1fPw7E"
        );
    }

    #[test]
    fn accepts_until_it_expires() {
        let expires = NOW.plus(Duration::from_secs(600));
        let account = verify(&signed("u-1", "alice", expires), NOW).unwrap();
        assert_eq!(account, Account { user: "u-1".into(), handle: Some("alice".to_owned()) });
        let later = NOW.plus(Duration::from_secs(600));
        assert_eq!(verify(&signed("u-1", "", expires), later), Err(VerifyError::TooOld));
        let far = NOW.plus(LIFETIME).plus(TOLERANCE).plus(Duration::from_secs(1));
        assert_eq!(verify(&signed("u-1", "alice", far), NOW), Err(VerifyError::TooNew));
    }

    #[test]
    fn refuses_what_was_changed() {
        let query = signed("u-1", "alice", NOW.plus(Duration::from_secs(600)));
        for (from, to) in [
            ("user=u-1", "user=u-2"),
            ("handle=alice", "handle=bob"),
            ("expires=18", "expires=19"),
            ("signature=", "signature=A"),
            ("user=u-1&handle=alice", "user=u-1%0Aalice&handle="),
            ("user=u-1", "user=u-1&user=u-2"),
            ("user=u-1", "user="),
            ("handle=alice&", ""),
        ] {
            assert!(query.contains(from), "{from}");
            assert!(verify(&query.replace(from, to), NOW).is_err(), "{to}");
        }
        let unsigned = query.split("&signature").next().unwrap();
        assert_eq!(verify(unsigned, NOW), Err(VerifyError::Parameter("signature")));
        let other = NetworkId::new("forum");
        let error = SignedLinks::new(&other, &[secret()], None).verify(&query, NOW);
        assert_eq!(error, Err(VerifyError::WrongSignature), "a link for one network is none for another");
        let error = SignedLinks::new(&other, &[], None).verify(&query, NOW).unwrap_err();
        assert!(error.is_ours());
    }

    proptest! {
        #[test]
        fn any_name_survives_the_address(user in "[^\\p{Cc}]{1,40}", handle in "[^\\p{Cc}]{0,40}") {
            let account = verify(&signed(&user, &handle, NOW.plus(LIFETIME)), NOW).unwrap();
            prop_assert_eq!(account.user.as_str(), user.as_str());
            prop_assert_eq!(account.handle.unwrap_or_default(), handle);
        }

        #[test]
        fn no_query_panics(query in ".*") {
            prop_assert!(verify(&query, NOW).is_err());
        }
    }
}
