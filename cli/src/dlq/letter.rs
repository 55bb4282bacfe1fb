//! A message of a dead-letter queue: what SQS says of it, and what it says itself.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName};
use domain::time::Timestamp;
use lambda::envelope::{DecodeError, Envelope, from_json};
use serde::Serialize;
use serde_json::Value;

use crate::queues::Queue;

/// The attributes by which the functions say why they put a message there (`lambda::batch`). They belong
/// to the dead-letter queue and don't travel on.
pub(super) const OURS: [&str; 3] = ["reason", "function", "kind"];

/// The reason of a message without one: SQS moved it by itself.
const MOVED_BY_SQS: &str =
    "no reason: SQS moved it after its last receive, so the function crashed or ran out of time";

/// Why a message is not tried any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// It can never succeed as long as what it says and the code are what they are.
    Permanent,
    /// It failed as often as it may be tried; or SQS moved it, because the function crashed.
    Exhausted,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Permanent => "permanent",
            Self::Exhausted => "exhausted",
        }
    }
}

/// What a body says, as far as it can be read.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// One of our own messages.
    Envelope(Box<Envelope>),
    /// What SES reports; the name of the event.
    Report(String),
    /// Nothing that this version of Hashcart can read: why not, without what stands there.
    Unreadable(String),
}

/// A message of a dead-letter queue.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    /// SQS's id of the message.
    pub(super) id: String,
    /// What deletes it or makes it visible again; empty for one from a file.
    pub(super) receipt: String,
    /// The body, byte for byte.
    pub(super) body: String,
    /// All of its message attributes.
    pub(super) attributes: HashMap<String, MessageAttributeValue>,
    /// Its `MessageGroupId`: the keyed hash of the shopper.
    pub(super) group: Option<String>,
    /// Its X-Ray header.
    pub(super) trace: Option<String>,
    /// When it came into its queue: into the dead-letter queue where a function put it there, into the
    /// first queue where SQS moved it.
    pub(super) sent_at: Timestamp,
    /// How often it was received, looks by this command included.
    pub(super) receives: u32,
    /// What it says.
    pub(super) content: Content,
}

impl Letter {
    /// Reads a received message.
    pub(super) fn of(queue: Queue, message: Message) -> Self {
        let system = message.attributes.unwrap_or_default();
        let text = |name: &MessageSystemAttributeName| system.get(name).cloned();
        let number = |name| text(name).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        let body = message.body.unwrap_or_default();
        Self {
            id: message.message_id.unwrap_or_default(),
            receipt: message.receipt_handle.unwrap_or_default(),
            content: Content::of(queue, &body),
            body,
            attributes: message.message_attributes.unwrap_or_default(),
            group: text(&MessageSystemAttributeName::MessageGroupId),
            trace: text(&MessageSystemAttributeName::AwsTraceHeader),
            sent_at: Timestamp::from_millis(number(&MessageSystemAttributeName::SentTimestamp)),
            receives: u32::try_from(number(&MessageSystemAttributeName::ApproximateReceiveCount))
                .unwrap_or(u32::MAX),
        }
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.string_value()
    }

    /// Why it is here, in words.
    pub(super) fn reason(&self) -> &str {
        self.attribute("reason").unwrap_or(MOVED_BY_SQS)
    }

    /// Whether SQS moved it, so that no function could say why.
    pub(super) fn is_moved_by_sqs(&self) -> bool {
        self.attribute("reason").is_none()
    }

    /// The function that gave it up.
    pub(super) fn function(&self, queue: Queue) -> &str {
        self.attribute("function").unwrap_or(queue.function())
    }

    /// Whether trying again can help at all.
    pub(super) fn kind(&self) -> Kind {
        match self.attribute("kind") {
            Some("permanent") => Kind::Permanent,
            _ => Kind::Exhausted,
        }
    }

    /// The post that it is about, `<network>#<post id>`.
    pub(super) fn post(&self) -> Option<String> {
        match &self.content {
            Content::Envelope(envelope) => Some(envelope.body.post()),
            Content::Report(_) | Content::Unreadable(_) => None,
        }
    }

    /// What it is, in a few words: the post, the report's event, or that it can't be read.
    pub(super) fn subject(&self) -> String {
        match &self.content {
            Content::Envelope(envelope) => envelope.body.post(),
            Content::Report(event) => format!("SES {event}"),
            Content::Unreadable(_) => "can't be decoded".to_owned(),
        }
    }

    /// Whether this version of Hashcart can read it.
    pub(super) fn is_readable(&self) -> bool {
        !matches!(self.content, Content::Unreadable(_))
    }

    /// How long it has been there.
    pub(super) fn age(&self, now: Timestamp) -> Duration {
        now.since(self.sent_at)
    }
}

impl Content {
    /// Reads a body of this queue.
    pub(super) fn of(queue: Queue, body: &str) -> Self {
        let read = match queue {
            Queue::Posts | Queue::Commands | Queue::Outcomes => {
                Envelope::decode(body).map(|envelope| Self::Envelope(Box::new(envelope)))
            }
            Queue::Feedback => report(body).map(Self::Report),
        };
        read.unwrap_or_else(|error| Self::Unreadable(error.to_string()))
    }
}

/// The name of the event that SES reports, in an SNS notification or bare (Amazon SES developer guide,
/// "Contents of event data that Amazon SES publishes to Amazon SNS").
fn report(body: &str) -> Result<String, DecodeError> {
    let value: Value = from_json(body)?;
    let inner = match value.get("Message").and_then(Value::as_str) {
        Some(message) => from_json(message)?,
        None => value,
    };
    let named = ["eventType", "notificationType"].into_iter().find_map(|name| inner.get(name)?.as_str());
    match named {
        Some(event) => Ok(event.to_owned()),
        None => Err(DecodeError::Json { path: "eventType".to_owned(), kind: "data" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_named_and_never_quoted() {
        let event = r#"{"notificationType":"Bounce","bounce":{"bouncedRecipients":[{"emailAddress":"a@b.example"}]}}"#;
        let wrapped = serde_json::json!({ "Type": "Notification", "Message": event }).to_string();
        for body in [event, &wrapped] {
            assert!(matches!(Content::of(Queue::Feedback, body), Content::Report(name) if name == "Bounce"));
        }
        for body in ["a@b.example", r#"{"to":"a@b.example"}"#, r#"["a@b.example"]"#] {
            let Content::Unreadable(why) = Content::of(Queue::Feedback, body) else { panic!("read {body}") };
            assert!(!why.contains("b.example"), "{why}");
        }
    }
}
