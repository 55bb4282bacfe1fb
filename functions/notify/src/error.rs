//! What can go wrong on the way to a shopper.

use std::time::Duration;

use domain::Retryable;
use lambda::batch::ConsumeError;
use lambda::env::EnvError;
use lambda::secrets::SecretError;
use messages::AddressError;
use messages::mailer::MailError;
use networks::NetworkError;
use store::StoreError;

use crate::links::MailLinkError;

/// Why the function can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// A variable is missing or wrong.
    #[error(transparent)]
    Env(#[from] EnvError),
    /// The sender's address is none.
    #[error("HASHCART_MAIL_FROM is not an address that mail can be sent from")]
    MailFrom(#[source] AddressError),
}

/// Why a notice or a report couldn't be worked on.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// A table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The secrets.
    #[error(transparent)]
    Secrets(#[from] SecretError),
    /// No storefront has been pushed yet.
    #[error("there is no storefront yet: push one with `hashcart config push`")]
    NoStorefront,
    /// Some other message on this queue.
    #[error("`{0}` on the queue for outcomes")]
    NotOutcomes(&'static str),
    /// Another try holds the claim.
    #[error("another try holds the notice for {} s more at most", .0.as_secs())]
    Busy(Duration),
    /// The links of a mail can't be signed.
    #[error(transparent)]
    MailLinks(#[from] MailLinkError),
    /// The reply is not out. What the network said is in the source.
    #[error("the reply could not be posted")]
    Reply(#[source] NetworkError),
    /// The mail is not out.
    #[error("the mail could not be sent")]
    Mail(#[source] MailError),
}

impl Retryable for NotifyError {
    fn retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable(),
            Self::Secrets(error) => error.retryable(),
            // An operator mends these, and the work waits in its queue until then.
            Self::NoStorefront | Self::MailLinks(_) => true,
            Self::Busy(_) => true,
            Self::NotOutcomes(_) => false,
            Self::Reply(error) => error.retryable(),
            Self::Mail(error) => error.retryable(),
        }
    }
}

impl ConsumeError for NotifyError {
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy(left) => Some(*left),
            Self::Reply(error) => error.retry_after(),
            Self::Store(_)
            | Self::Secrets(_)
            | Self::NoStorefront
            | Self::NotOutcomes(_)
            | Self::MailLinks(_)
            | Self::Mail(_) => None,
        }
    }
}

impl NotifyError {
    /// Whether the other side wants to be left alone, an operator has to act, or another try is at it:
    /// waiting longer helps, and nothing is wrong with the message.
    pub(crate) fn wants_patience(&self) -> bool {
        match self {
            Self::Reply(
                NetworkError::Throttled { .. }
                | NetworkError::Unauthorized { .. }
                | NetworkError::Unconfigured(_),
            )
            | Self::Mail(MailError::Throttled(_) | MailError::Paused(_))
            | Self::MailLinks(_)
            | Self::Busy(_) => true,
            Self::Reply(_)
            | Self::Mail(_)
            | Self::Store(_)
            | Self::Secrets(_)
            | Self::NoStorefront
            | Self::NotOutcomes(_) => false,
        }
    }
}
