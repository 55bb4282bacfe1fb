//! What SES reports of our mails: a hard bounce or a complaint ends the mails to that address.

use domain::time::Timestamp;
use lambda::aws::Aws;
use lambda::batch::{Consumer, Decode, Delivery};
use lambda::clock::Clock;
use lambda::env::{EnvError, Environment};
use lambda::envelope::{DecodeError, from_json};
use lambda::keyed::KeyedHash;
use lambda::metrics;
use lambda::queue::Outgoing;
use lambda::secrets::Secrets;
use serde::Deserialize;
use store::carts::{Carts, SuppressionReason};
use store::links::Links;

use crate::error::NotifyError;

/// What SES reports. Read from an SNS notification or, with raw message delivery, from the bare SES
/// event; both the names of event publishing (`eventType`) and of identity notifications
/// (`notificationType`) are known.
#[derive(Clone, PartialEq, Eq)]
pub enum Report {
    /// Mail to these addresses can never arrive (`bounceType` `Permanent`).
    Bounced(Vec<String>),
    /// The readers at these addresses marked a mail of ours as spam.
    Complained(Vec<String>),
    /// Nothing that we act on: a transient bounce, a delivery, an event of another type; its name.
    Passing(String),
}

/// Prints no address.
impl std::fmt::Debug for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bounced(addresses) => write!(f, "Bounced({} addresses)", addresses.len()),
            Self::Complained(addresses) => write!(f, "Complained({} addresses)", addresses.len()),
            Self::Passing(name) => write!(f, "Passing({name})"),
        }
    }
}

/// An SNS notification in a queue without raw message delivery.
#[derive(Deserialize)]
struct Notification {
    #[serde(rename = "Message")]
    message: Option<String>,
}

/// An SES event (Amazon SES developer guide, "Contents of event data that Amazon SES publishes to
/// Amazon SNS").
#[derive(Deserialize)]
struct Event {
    #[serde(alias = "notificationType", rename = "eventType")]
    kind: Option<String>,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    bounce_type: String,
    #[serde(default)]
    bounced_recipients: Vec<MailRecipient>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    #[serde(default)]
    complained_recipients: Vec<MailRecipient>,
    complaint_feedback_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MailRecipient {
    email_address: String,
}

/// SES sends this line, which is no JSON, when event publishing to a topic is set up.
const SET_UP: &str = "Successfully validated SNS topic";

impl Decode for Report {
    fn decode(body: &str) -> Result<Self, DecodeError> {
        if body.trim_start().starts_with(SET_UP) {
            return Ok(Self::Passing("SetUp".to_owned()));
        }
        let notification: Notification = from_json(body)?;
        match notification.message {
            Some(message) if message.trim_start().starts_with(SET_UP) => {
                Ok(Self::Passing("SetUp".to_owned()))
            }
            Some(message) => Ok(Self::of(from_json(&message)?)),
            None => Ok(Self::of(from_json(body)?)),
        }
    }

    fn trace(&self) -> Option<&str> {
        None
    }

    fn subject(&self) -> String {
        String::new()
    }
}

impl Report {
    fn of(event: Event) -> Self {
        let kind = event.kind.unwrap_or_else(|| "unnamed".to_owned());
        match (kind.as_str(), event.bounce, event.complaint) {
            ("Bounce", Some(bounce), _) if bounce.bounce_type == "Permanent" => {
                Self::Bounced(addresses(bounce.bounced_recipients))
            }
            ("Bounce", Some(bounce), _) => Self::Passing(plain(&format!("Bounce{}", bounce.bounce_type))),
            // The reader took the mail out of the spam folder.
            ("Complaint", _, Some(complaint))
                if complaint.complaint_feedback_type.as_deref() == Some("not-spam") =>
            {
                Self::Passing("ComplaintNotSpam".to_owned())
            }
            ("Complaint", _, Some(complaint)) => Self::Complained(addresses(complaint.complained_recipients)),
            _ => Self::Passing(plain(&kind)),
        }
    }
}

/// The name of an event, fit for a log and a metric: letters, digits and spaces become a name without spaces, as
/// SES's own are (`Rendering Failure`); anything else is none.
fn plain(name: &str) -> String {
    let name = name.replace(' ', "");
    let fits = (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric());
    if fits { name } else { "unnamed".to_owned() }
}

/// The bare addresses: mailbox providers may report `Name <address>`.
fn addresses(recipients: Vec<MailRecipient>) -> Vec<String> {
    let bare = |text: &str| {
        let inner = text.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>'));
        inner.map_or(text, |(address, _)| address).trim().to_owned()
    };
    recipients.iter().map(|recipient| bare(&recipient.email_address)).collect()
}

/// The consumer of the queue `feedback`.
#[derive(Debug)]
pub struct Returns {
    secrets: Secrets,
    links: Links,
    carts: Carts,
    clock: Clock,
}

impl Returns {
    /// Wires the consumer to the tables and secrets that the environment names.
    ///
    /// # Errors
    /// When a table isn't named.
    pub fn new(env: &Environment, aws: &Aws, clock: Clock) -> Result<Self, EnvError> {
        Ok(Self {
            secrets: Secrets::new(aws, env.secrets_prefix()),
            links: Links::new(aws.dynamodb(), env.table("links")?),
            carts: Carts::new(aws.dynamodb(), env.table("carts")?),
            clock,
        })
    }

    /// Ends the mails to whoever has one of these addresses. Addresses that we don't know (any more)
    /// are counted.
    async fn suppress(
        &self,
        addresses: &[String],
        reason: SuppressionReason,
        hash: &KeyedHash,
        now: Timestamp,
    ) -> Result<(), NotifyError> {
        for address in addresses {
            let known = self.links.customer_of_email(&hash.email(address)).await?;
            match known {
                Some(customer) => {
                    self.carts.suppress(&customer, reason, now).await?;
                    tracing::info!(customer = customer.as_str(), ?reason, "mails to the customer stopped");
                    metrics::MAIL_SUPPRESSED.add([name(reason)], &[("customer", customer.as_str())]);
                }
                None => {
                    tracing::info!(?reason, "a report about an address that no customer has");
                    metrics::MAIL_SUPPRESSED.add(["unknown_address"], &[]);
                }
            }
        }
        Ok(())
    }
}

const fn name(reason: SuppressionReason) -> &'static str {
    match reason {
        SuppressionReason::Bounce => "bounce",
        SuppressionReason::Complaint => "complaint",
        SuppressionReason::Unsubscribed => "unsubscribed",
    }
}

impl Consumer for Returns {
    type Input = Report;
    type Prepared = KeyedHash;
    type Error = NotifyError;

    async fn prepare(&self, _: &[Delivery<Report>]) -> Result<KeyedHash, NotifyError> {
        let secrets = self.secrets.get(self.clock.now()).await?;
        Ok(KeyedHash::new(secrets.newest("hash-key")?))
    }

    async fn handle(
        &self,
        delivery: &Delivery<Report>,
        hash: &KeyedHash,
    ) -> Result<Vec<Outgoing>, NotifyError> {
        let now = self.clock.now();
        match &delivery.input {
            Report::Bounced(addresses) => {
                self.suppress(addresses, SuppressionReason::Bounce, hash, now).await?;
            }
            Report::Complained(addresses) => {
                self.suppress(addresses, SuppressionReason::Complaint, hash, now).await?;
            }
            Report::Passing(name) => {
                tracing::info!(event = name.as_str(), "a report of SES that changes nothing");
                metrics::MAIL_REPORTS_IGNORED.add([], &[("event", name)]);
            }
        }
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Report {
        Report::decode(body).unwrap()
    }

    const BOUNCE: &str = r#"{"eventType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"General",
        "bouncedRecipients":[{"emailAddress":"ann@example.com","action":"failed"}]},"mail":{"messageId":"1"}}"#;

    #[test]
    fn permanent_bounces_and_complaints_are_acted_on() {
        assert_eq!(read(BOUNCE), Report::Bounced(vec!["ann@example.com".to_owned()]));
        let identity = BOUNCE.replace("eventType", "notificationType");
        assert_eq!(read(&identity), Report::Bounced(vec!["ann@example.com".to_owned()]));
        let complaint = r#"{"eventType":"Complaint","complaint":{"complainedRecipients":
            [{"emailAddress":"\"Ann\" <ann@example.com>"}],"complaintFeedbackType":"abuse"}}"#;
        assert_eq!(read(complaint), Report::Complained(vec!["ann@example.com".to_owned()]));
    }

    #[test]
    fn the_rest_is_passed_over() {
        let transient = BOUNCE.replace("Permanent", "Transient");
        assert_eq!(read(&transient), Report::Passing("BounceTransient".to_owned()));
        for (body, name) in [
            (r#"{"eventType":"Delivery","delivery":{}}"#, "Delivery"),
            (r#"{"eventType":"Something New"}"#, "SomethingNew"),
            (r#"{"eventType":"ann@example.com"}"#, "unnamed"),
            (r"{}", "unnamed"),
            ("Successfully validated SNS topic for Amazon SES event publishing.", "SetUp"),
        ] {
            assert_eq!(read(body), Report::Passing(name.to_owned()));
        }
        let not_spam = r#"{"eventType":"Complaint","complaint":{"complaintFeedbackType":"not-spam"}}"#;
        assert_eq!(read(not_spam), Report::Passing("ComplaintNotSpam".to_owned()));
    }

    #[test]
    fn an_sns_notification_is_unwrapped() {
        let quoted = BOUNCE.replace('\n', "").replace('"', "\\\"");
        let wrapped = format!(r#"{{"Type":"Notification","MessageId":"m","Message":"{quoted}"}}"#);
        assert_eq!(read(&wrapped), Report::Bounced(vec!["ann@example.com".to_owned()]));
    }

    #[test]
    fn what_cannot_be_read_is_named_and_never_quoted() {
        let broken = BOUNCE.replace(r#""bounceType":"Permanent","#, "");
        let error = Report::decode(&broken).unwrap_err().to_string();
        assert!(error.contains("bounce") && !error.contains("ann@"), "{error}");
        assert!(!format!("{:?}", read(BOUNCE)).contains("ann@"));
    }
}
