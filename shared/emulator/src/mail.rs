//! Senders that the emulator's SES accepts, and where its bounces go.

use aws_sdk_ses::{Client, error::SdkError, types::NotificationType};

use crate::Account;

/// Why a sender couldn't be set up.
#[derive(Debug, thiserror::Error)]
#[error("the emulator's SES refused to {doing}")]
pub struct SenderError {
    /// What was asked for.
    doing: &'static str,
    /// Why.
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl SenderError {
    fn new<E>(doing: &'static str) -> impl FnOnce(SdkError<E>) -> Self
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        move |source| Self { doing, source: Box::new(source) }
    }
}

/// Lets `address` send mail from this account, and publishes bounces and complaints to an SNS topic.
///
/// On AWS the configuration set's event destination publishes them. The emulator stores that but never
/// acts on it; what it does act on is the older notification of an identity, so this sets the latter
/// to the same topic. Its JSON says `notificationType` where the other says `eventType`, and is the same
/// otherwise. Mail to `bounce@simulator.amazonses.com` or `complaint@simulator.amazonses.com` sets it off.
///
/// # Errors
/// When the emulator refuses.
pub async fn verify_sender(
    account: &Account,
    address: &str,
    feedback_topic: &str,
) -> Result<(), SenderError> {
    let client = Client::new(&account.sdk_config());
    client
        .verify_email_identity()
        .email_address(address)
        .send()
        .await
        .map_err(SenderError::new("verify the sender"))?;
    for notification in [NotificationType::Bounce, NotificationType::Complaint] {
        client
            .set_identity_notification_topic()
            .identity(address)
            .notification_type(notification)
            .sns_topic(feedback_topic)
            .send()
            .await
            .map_err(SenderError::new("set the sender's notification topic"))?;
    }
    Ok(())
}
