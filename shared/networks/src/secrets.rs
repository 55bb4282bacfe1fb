//! The secrets of one network, as plain values: where they are kept is not this crate's matter.

use std::fmt;

/// The name of a secret under `<network id>/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretName {
    /// Standard Webhooks: `whsec_` and the key in base64.
    WebhookSecret,
    /// X: the app's API key.
    ConsumerKey,
    /// X: the app's API secret key; signs webhooks too.
    ConsumerSecret,
    /// X: the bot account's access token.
    AccessToken,
    /// X: the secret of that token.
    AccessTokenSecret,
    /// X: the app-only token that reads posts.
    BearerToken,
    /// OAuth 2.0 client id, for sign-in.
    ClientId,
    /// OAuth 2.0 client secret, for sign-in.
    ClientSecret,
}

impl SecretName {
    /// Every name.
    pub const ALL: [Self; 8] = [
        Self::WebhookSecret,
        Self::ConsumerKey,
        Self::ConsumerSecret,
        Self::AccessToken,
        Self::AccessTokenSecret,
        Self::BearerToken,
        Self::ClientId,
        Self::ClientSecret,
    ];

    /// The name as it is stored: `webhook-secret`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WebhookSecret => "webhook-secret",
            Self::ConsumerKey => "consumer-key",
            Self::ConsumerSecret => "consumer-secret",
            Self::AccessToken => "access-token",
            Self::AccessTokenSecret => "access-token-secret",
            Self::BearerToken => "bearer-token",
            Self::ClientId => "client-id",
            Self::ClientSecret => "client-secret",
        }
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A secret value. Printing it for debugging shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a value, without the white space around it.
    pub fn new(value: impl AsRef<str>) -> Self {
        Self(value.as_ref().trim().to_owned())
    }

    /// The value itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The secrets of one network: several values for each name, newest first, so that a rotation needs
/// no downtime.
#[derive(Clone, Debug, Default)]
pub struct NetworkSecrets(Vec<(SecretName, Vec<Secret>)>);

impl NetworkSecrets {
    /// Asks `lookup` for every name; it answers with the values it has, newest first, or with none.
    pub fn read(mut lookup: impl FnMut(SecretName) -> Vec<String>) -> Self {
        let values = |name| {
            let found: Vec<Secret> =
                lookup(name).iter().map(Secret::new).filter(|secret| !secret.expose().is_empty()).collect();
            (name, found)
        };
        Self(SecretName::ALL.into_iter().map(values).collect())
    }

    /// All values of `name`, newest first.
    pub fn values(&self, name: SecretName) -> &[Secret] {
        self.0.iter().find(|(n, _)| *n == name).map_or(&[], |(_, values)| values)
    }

    /// The newest value of `name`: the one that we sign with.
    pub fn newest(&self, name: SecretName) -> Option<&Secret> {
        self.values(name).first()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debugging_shows_nothing_of_a_secret() {
        let secrets = NetworkSecrets::read(|_| vec!["hunter2".to_owned(), "  ".to_owned()]);
        assert_eq!(secrets.values(SecretName::ClientId).len(), 1, "empty values count for nothing");
        assert!(!format!("{secrets:?}").contains("hunter2"));
    }
}
