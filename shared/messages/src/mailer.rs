//! The way of a mail to SES.
//!
//! Mail is at least once: SES takes no key that would tell a repeated request from a new one, so when
//! its answer is lost the mail may have gone, and another try may send it twice. This module never
//! tries again by itself; the caller records what became of the mail and decides.

use std::fmt;
use std::sync::Arc;

use aws_sdk_ses::Client;
use aws_sdk_ses::config::retry::RetryConfig;
use aws_sdk_ses::error::SdkError;
use aws_sdk_ses::operation::send_raw_email::SendRawEmailError;
use aws_sdk_ses::primitives::Blob;
use aws_sdk_ses::types::RawMessage;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use domain::Retryable;
use domain::time::Timestamp;

use crate::address::Address;
use crate::mime::{MailId, MailMessage, MimeError};

/// Sends mails through SES (`SendRawEmail`), from one address.
#[derive(Clone)]
pub struct Mailer {
    client: Arc<dyn Fn() -> Client + Send + Sync>,
    from: Address,
    configuration_set: Option<String>,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer").field("configuration_set", &self.configuration_set).finish_non_exhaustive()
    }
}

/// Why a mail was not sent, or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The mail could not be written.
    #[error(transparent)]
    Mime(#[from] MimeError),
    /// SES takes no more for the moment (the rate or the day's quota is used up). Not sent.
    #[error("SES takes no more mail for the moment")]
    Throttled(#[source] Box<SdkError<SendRawEmailError, HttpResponse>>),
    /// SES refuses this mail or this sender for good (`MessageRejected`, a domain or an address that
    /// is not verified, no permission). Not sent.
    #[error("SES refuses the mail")]
    Rejected(#[source] Box<SdkError<SendRawEmailError, HttpResponse>>),
    /// The operator (or SES) has paused the account or the configuration set. Not sent.
    #[error("sending is paused at SES")]
    Paused(#[source] Box<SdkError<SendRawEmailError, HttpResponse>>),
    /// SES could not be reached or failed. The mail may have been sent.
    #[error("SES could not be reached or failed")]
    Unavailable(#[source] Box<SdkError<SendRawEmailError, HttpResponse>>),
}

impl Retryable for MailError {
    fn retryable(&self) -> bool {
        match self {
            Self::Mime(_) | Self::Rejected(_) => false,
            Self::Throttled(_) | Self::Paused(_) | Self::Unavailable(_) => true,
        }
    }
}

impl MailError {
    /// One word for logs and metrics; never an address.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Mime(_) => "unwritable",
            Self::Throttled(_) => "throttled",
            Self::Rejected(_) => "rejected",
            Self::Paused(_) => "paused",
            Self::Unavailable(_) => "unavailable",
        }
    }
}

impl Mailer {
    /// A mailer that sends as `from` and lets SES report bounces by `configuration_set`. `client` is
    /// asked with each mail, so that none is made before there is one.
    pub fn new(
        client: impl Fn() -> Client + Send + Sync + 'static,
        from: Address,
        configuration_set: Option<String>,
    ) -> Self {
        Self { client: Arc::new(client), from, configuration_set }
    }

    /// Sends a mail once and returns SES's id of it.
    ///
    /// # Errors
    /// See [`MailError`]; only `Unavailable` leaves open whether the mail went.
    pub async fn send(&self, mail: &MailMessage, id: &MailId, at: Timestamp) -> Result<String, MailError> {
        let raw = mail.raw(&self.from, id, at, self.configuration_set.as_deref())?;
        let message = RawMessage::builder().data(Blob::new(raw)).build().map_err(|_| unbuilt())?;
        let request = (self.client)()
            .send_raw_email()
            .source(self.from.as_str())
            .destinations(mail.to.as_str())
            .raw_message(message)
            .customize()
            // A repeated request would be a second mail.
            .config_override(aws_sdk_ses::config::Builder::new().retry_config(RetryConfig::disabled()));
        let sent = request.send().await.map_err(classified)?;
        Ok(sent.message_id().to_owned())
    }
}

fn unbuilt() -> MailError {
    MailError::Mime(MimeError::Write(std::io::Error::other("a raw message without data")))
}

/// What an error of the SDK means for the mail. SES names throttling and its two pauses by code
/// (Amazon SES API, common errors and `SendRawEmail`).
fn classified(error: SdkError<SendRawEmailError, HttpResponse>) -> MailError {
    let SdkError::ServiceError(service) = &error else {
        return if matches!(error, SdkError::ConstructionFailure(_)) {
            MailError::Rejected(Box::new(error))
        } else {
            MailError::Unavailable(Box::new(error))
        };
    };
    let status = service.raw().status().as_u16();
    let code = service.err().meta().code().unwrap_or_default().to_owned();
    let error = Box::new(error);
    match (code.as_str(), status) {
        ("Throttling" | "ThrottlingException" | "TooManyRequestsException" | "RequestLimitExceeded", _)
        | (_, 429) => MailError::Throttled(error),
        ("AccountSendingPausedException" | "ConfigurationSetSendingPausedException", _) => {
            MailError::Paused(error)
        }
        ("AccountSendingPaused" | "ConfigurationSetSendingPaused", _) => MailError::Paused(error),
        // Temporary credentials that ran out are renewed by the next attempt.
        ("ExpiredToken" | "ExpiredTokenException" | "RequestExpired", _) => MailError::Throttled(error),
        (_, 500..) => MailError::Unavailable(error),
        _ => MailError::Rejected(error),
    }
}
