//! Why a post could not be read.

use std::time::Duration;

use domain::Retryable;
use lambda::batch::ConsumeError;
use lambda::secrets::SecretError;
use networks::NetworkError;
use networks::guard::GuardError;
use store::StoreError;

/// Why a post could not be turned into commands.
#[derive(Debug, thiserror::Error)]
pub enum ClassifyError {
    /// A table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The secrets that reading from a network needs.
    #[error(transparent)]
    Secrets(#[from] SecretError),
    /// No storefront has been pushed yet.
    #[error("there is no storefront yet: push one with `hashcart config push`")]
    NoStorefront,
    /// Some other message on this queue.
    #[error("`{0}` on the queue for posts")]
    NotAPost(&'static str),
    /// The post that was answered can't be read from its network.
    #[error("the post that was answered can't be read")]
    Parent(#[source] NetworkError),
    /// A short link can't be followed.
    #[error("a short link can't be followed")]
    ShortLink(#[source] GuardError),
}

impl Retryable for ClassifyError {
    fn retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable(),
            Self::Secrets(error) => error.retryable(),
            Self::NoStorefront => true,
            Self::NotAPost(_) => false,
            Self::Parent(error) => error.retryable(),
            Self::ShortLink(error) => error.retryable(),
        }
    }
}

impl ConsumeError for ClassifyError {
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Parent(error) => error.retry_after(),
            Self::Store(_)
            | Self::Secrets(_)
            | Self::NoStorefront
            | Self::NotAPost(_)
            | Self::ShortLink(_) => None,
        }
    }
}

impl ClassifyError {
    /// Whether somebody else's server is out of reach: it may be so for longer than a record's tries
    /// last.
    pub(crate) fn is_out_of_reach(&self) -> bool {
        match self {
            Self::Parent(_) | Self::ShortLink(_) => self.retryable(),
            Self::Store(_) | Self::Secrets(_) | Self::NoStorefront | Self::NotAPost(_) => false,
        }
    }
}
