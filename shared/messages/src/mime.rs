//! A mail as the bytes that travel.

use std::{io, iter};

use domain::time::Timestamp;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address as Mailbox;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::date::Date;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::MimePart;
use url::Url;

use crate::address::Address;
use crate::language::Language;
use crate::public::plain_line;

/// A mail, ready but for the moment, the sender's address and its id.
#[derive(Clone, Debug)]
pub struct MailMessage {
    /// To whom.
    pub to: Address,
    /// In which language.
    pub language: Language,
    /// The sender's name.
    pub sender: String,
    /// The subject, one line.
    pub subject: String,
    /// The body as plain text.
    pub text: String,
    /// The body as HTML.
    pub html: String,
    /// Where a `POST` unsubscribes (RFC 8058); absent in mails that the shopper just asked for.
    pub unsubscribe: Option<Url>,
}

/// What tells one mail from another: the local part of its `Message-ID`. The same notice keeps its
/// id over all attempts. SES puts an id of its own in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailId(String);

impl MailId {
    /// Takes ASCII letters, digits, `.`, `-` and `_`; any other character becomes `-`.
    pub fn new(text: &str) -> Self {
        let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '-' };
        Self(text.chars().map(safe).collect())
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A mail could not be written.
#[derive(Debug, thiserror::Error)]
pub enum MimeError {
    /// The writer failed.
    #[error("the mail could not be written")]
    Write(#[source] io::Error),
    /// The name of the configuration set has characters that SES doesn't take in one.
    #[error("the configuration set's name is not one: letters, digits, `-` and `_`, at most 64")]
    ConfigurationSet,
}

impl MailMessage {
    /// The mail as MIME (RFC 5322, 2045, 2047): `multipart/alternative`, ASCII only. `at` is its
    /// date; `configuration_set` names the SES configuration set that reports bounces and complaints.
    ///
    /// No value can add a header: line breaks and other control characters are taken out of each.
    ///
    /// # Errors
    /// When the configuration set has no valid name, or writing fails.
    pub fn raw(
        &self,
        from: &Address,
        id: &MailId,
        at: Timestamp,
        configuration_set: Option<&str>,
    ) -> Result<Vec<u8>, MimeError> {
        let mailbox = Mailbox::new_address(Some(plain_line(&self.sender)), from.as_str());
        let seconds = i64::try_from(at.as_seconds()).unwrap_or(i64::MAX);
        let mut message = MessageBuilder::new()
            .from(mailbox)
            .to(Mailbox::new_address(None::<&str>, self.to.as_str()))
            .subject(plain_line(&self.subject))
            .date(Date::new(seconds))
            .message_id(format!("{}@{}", id.as_str(), from.host()))
            .header("Content-Language", Raw::new(self.language.code()))
            // RFC 3834, 5: no vacation notice shall answer.
            .header("Auto-Submitted", Raw::new("auto-generated"));
        if let Some(unsubscribe) = &self.unsubscribe {
            message = message
                .header("List-Unsubscribe", Raw::new(format!("<{unsubscribe}>")))
                .header("List-Unsubscribe-Post", Raw::new("List-Unsubscribe=One-Click"));
        }
        if let Some(name) = configuration_set {
            message = message.header("X-SES-CONFIGURATION-SET", Raw::new(set_name(name)?.to_owned()));
        }
        let boundary = self.boundary(id);
        let alternatives = vec![part("text/plain", &self.text), part("text/html", &self.html)];
        let kind = ContentType::new("multipart/alternative").attribute("boundary", boundary);
        message.body(MimePart::new(kind, alternatives)).write_to_vec().map_err(MimeError::Write)
    }

    /// What parts the bodies: the same for the same mail, and in neither of them (RFC 2046, 5.1.1). A body of
    /// plain ASCII travels as it is, and the id is known to who wrote the post.
    fn boundary(&self, id: &MailId) -> String {
        let id = id.as_str().get(..50).unwrap_or(id.as_str());
        let is_free = |boundary: &String| !self.text.contains(boundary) && !self.html.contains(boundary);
        let numbered = (1_u32..).map(|number| format!("=_{number}_{id}"));
        iter::once(format!("=_{id}")).chain(numbered).find(is_free).unwrap_or_default()
    }
}

fn part<'a>(kind: &'a str, body: &'a str) -> MimePart<'a> {
    MimePart::new(ContentType::new(kind).attribute("charset", "utf-8"), body)
}

fn set_name(name: &str) -> Result<&str, MimeError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let valid = (1..=64).contains(&name.len()) && name.bytes().all(plain);
    if valid { Ok(name) } else { Err(MimeError::ConfigurationSet) }
}
