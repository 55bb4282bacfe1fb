//! A webhook request as it arrived, and what proving its sender can end in.

use ::http::{HeaderMap, Method};

use crate::secrets::SecretName;

/// A request to a network's webhook, exactly as it arrived.
#[derive(Clone, Copy, Debug)]
pub struct WebhookRequest<'a> {
    /// The method.
    pub method: &'a Method,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The query string without `?`, still encoded.
    pub query: &'a str,
    /// The body's bytes, never decoded and written again: signatures are over them.
    pub body: &'a [u8],
}

impl<'a> WebhookRequest<'a> {
    /// The header `name`, where it is there once and is text.
    pub(crate) fn header(&self, name: &'static str) -> Result<&'a str, VerifyError> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().ok_or(VerifyError::MissingHeader(name))?;
        if values.next().is_some() {
            return Err(VerifyError::MalformedHeader(name));
        }
        value.to_str().map_err(|_| VerifyError::MalformedHeader(name))
    }

    /// The first query parameter `name`, decoded.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }
}

/// A request whose sender is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The network's own id of this delivery, the same over its retries, where it sends one beside
    /// the body. What is done with a post never depends on it: the post's own id is the key.
    pub delivery_id: Option<String>,
}

/// What a handshake is answered with, status 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandshakeAnswer {
    /// The `content-type`.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

/// Why a sender could not be proven. Never holds anything that the request said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// We lack the secret: our failing, not the sender's. Answered 503, so that the network retries.
    #[error("the secret {0} is missing or unreadable")]
    Unconfigured(SecretName),
    /// A header of the signature is missing.
    #[error("the header {0} is missing")]
    MissingHeader(&'static str),
    /// A header of the signature is not of its form, or is there twice.
    #[error("the header {0} is malformed")]
    MalformedHeader(&'static str),
    /// A query parameter of the signature is missing or not of its form.
    #[error("the parameter {0} is missing or malformed")]
    Parameter(&'static str),
    /// No secret of ours made this signature.
    #[error("the signature is not by any of our secrets")]
    WrongSignature,
    /// Signed too long ago: a replay, or a clock that is slow.
    #[error("signed too long ago")]
    TooOld,
    /// Signed in the future: a clock that is fast.
    #[error("signed in the future")]
    TooNew,
}

impl VerifyError {
    /// Whether it is our own configuration that is at fault, not the request.
    pub fn is_ours(self) -> bool {
        match self {
            Self::Unconfigured(_) => true,
            Self::MissingHeader(_)
            | Self::MalformedHeader(_)
            | Self::Parameter(_)
            | Self::WrongSignature
            | Self::TooOld
            | Self::TooNew => false,
        }
    }
}
