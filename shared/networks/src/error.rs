//! Why a request to a network failed, and whether it may have had an effect all the same.

use std::time::Duration;

use domain::Retryable;

use crate::guard::GuardError;
use crate::parse::ParseError;
use crate::secrets::SecretName;
use crate::transport::Cause;

/// Why a network could not be read, answered or asked who somebody is.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// We lack a secret; an operator has to put it.
    #[error("the secret {0} is missing or unreadable")]
    Unconfigured(SecretName),
    /// The HTTP client could not be made.
    #[error("the HTTP client can't be made")]
    Client(#[source] reqwest::Error),
    /// A configured address that this stage may not reach: plain http outside of the local stack.
    #[error("the configured address {0} can't be used: it must be https")]
    Address(&'static str),
    /// The network asks us to slow down. It has done nothing.
    #[error("the network throttles us")]
    Throttled {
        /// After what time it will listen again, where it says so.
        retry_after: Option<Duration>,
    },
    /// No connection: the request never left.
    #[error("no connection to the network")]
    NotSent(#[source] Cause),
    /// Sent, but no answer came (or it broke off): it may have had its effect.
    #[error("the network did not answer")]
    Unanswered(#[source] Cause),
    /// The network failed with a 5xx: it may have had its effect.
    #[error("the network failed with status {status}")]
    Failed {
        /// The HTTP status.
        status: u16,
    },
    /// The network does not accept our credentials: an operator has to put others.
    #[error("the network refuses our credentials (status {status})")]
    Unauthorized {
        /// The HTTP status.
        status: u16,
    },
    /// A rule of the network forbids it; trying again never helps.
    #[error("the network refuses (status {status})")]
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// The post that was to be answered is gone, or hidden from us.
    #[error("the post is gone")]
    Gone,
    /// The answer can't be read.
    #[error("the network's answer can't be read")]
    Unreadable(#[from] ParseError),
    /// The guarded client refused or failed.
    #[error("the guarded request failed")]
    Guarded(#[from] GuardError),
}

/// What a failed request may have done all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Surely nothing: it may simply be sent again.
    None,
    /// It may have had its effect: sent again only where the network makes that harmless.
    Unknown,
}

impl NetworkError {
    /// What the request may have done all the same.
    pub fn effect(&self) -> Effect {
        match self {
            Self::Unconfigured(_)
            | Self::Client(_)
            | Self::Address(_)
            | Self::Throttled { .. }
            | Self::NotSent(_)
            | Self::Unauthorized { .. }
            | Self::Refused { .. }
            | Self::Gone => Effect::None,
            Self::Unanswered(_) | Self::Failed { .. } | Self::Unreadable(_) | Self::Guarded(_) => {
                Effect::Unknown
            }
        }
    }

    /// How long the network wants to be left alone, where it says so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after } => *retry_after,
            _ => None,
        }
    }
}

impl Retryable for NetworkError {
    fn retryable(&self) -> bool {
        match self {
            // An operator mends these, and the work waits in its queue until then.
            Self::Unconfigured(_) | Self::Unauthorized { .. } => true,
            Self::Client(_)
            | Self::Throttled { .. }
            | Self::NotSent(_)
            | Self::Unanswered(_)
            | Self::Failed { .. } => true,
            Self::Guarded(error) => error.retryable(),
            Self::Address(_) | Self::Refused { .. } | Self::Gone | Self::Unreadable(_) => false,
        }
    }
}
