//! The shoppers' inbox: every mail as a file, read back at the next start.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use domain::time::Timestamp;
use mail_parser::{Address, Message, MessageParser, PartType};
use serde::Serialize;
use tokio::sync::broadcast;
use ulid::Ulid;

use super::Change;

/// A mail as the JSON API shows it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Mail {
    /// Its id in the inbox; ids sort by arrival.
    pub(crate) id: String,
    /// The recipients' addresses, comma-separated.
    pub(crate) to: String,
    /// The sender as the mail writes it.
    pub(crate) from: String,
    /// The subject, decoded.
    pub(crate) subject: String,
    /// The plain-text body.
    pub(crate) text: Option<String>,
    /// The HTML body.
    pub(crate) html: Option<String>,
    /// Every header by the name that the mail uses, unfolded; a repeated one line by line.
    pub(crate) headers: BTreeMap<String, String>,
    /// When it arrived, RFC 3339.
    pub(crate) received_at: String,
}

/// All mails that arrived, oldest first.
#[derive(Debug)]
pub(crate) struct Inbox {
    folder: PathBuf,
    mails: Mutex<Vec<Mail>>,
    changes: broadcast::Sender<Change>,
}

impl Inbox {
    /// Opens the inbox in `folder`, which is made when missing. Every arrival is told to `changes`.
    ///
    /// # Errors
    /// When the folder can't be made or read.
    pub(crate) fn open(folder: &Path, changes: broadcast::Sender<Change>) -> anyhow::Result<Self> {
        let context = || format!("the inbox {} can't be read", folder.display());
        std::fs::create_dir_all(folder).with_context(context)?;
        let mut mails = Vec::new();
        for file in std::fs::read_dir(folder).with_context(context)? {
            let path = file.with_context(context)?.path();
            if path.extension().is_some_and(|extension| extension == "eml") {
                let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                mails.push(read(id, &std::fs::read(&path).with_context(context)?));
            }
        }
        mails.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Self { folder: folder.to_owned(), mails: Mutex::new(mails), changes })
    }

    /// Keeps a message.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) async fn store(&self, message: &[u8]) -> std::io::Result<()> {
        let id = Ulid::generate().to_string();
        // Written beside and renamed: an interrupted write leaves no half mail.
        let part = self.folder.join(format!("{id}.part"));
        tokio::fs::write(&part, message).await?;
        tokio::fs::rename(&part, self.folder.join(format!("{id}.eml"))).await?;
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).push(read(id, message));
        self.changes.send(Change::Inbox).ok();
        Ok(())
    }

    /// All mails, oldest first.
    pub(crate) fn all(&self) -> Vec<Mail> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The mail of this id.
    pub(crate) fn get(&self, id: &str) -> Option<Mail> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).iter().find(|mail| mail.id == id).cloned()
    }
}

/// Reads a message. One that is no mail at all still shows, with its bytes as text.
fn read(id: String, bytes: &[u8]) -> Mail {
    let received_at = Ulid::from_string(&id)
        .map_or_else(|_| Timestamp::default(), |id| Timestamp::from_millis(id.timestamp_ms()));
    let mut mail = Mail {
        id,
        to: String::new(),
        from: String::new(),
        subject: String::new(),
        text: None,
        html: None,
        headers: BTreeMap::new(),
        received_at: received_at.to_string(),
    };
    let Some(message) = MessageParser::default().parse(bytes) else {
        mail.text = Some(String::from_utf8_lossy(bytes).into_owned());
        return mail;
    };
    mail.to = message.to().map(addresses).unwrap_or_default();
    mail.from = message.header_raw("From").unwrap_or_default().trim().to_owned();
    mail.subject = message.subject().unwrap_or_default().to_owned();
    mail.text = body(&message, &message.text_body, |part| matches!(part, PartType::Text(_)));
    mail.html = body(&message, &message.html_body, |part| matches!(part, PartType::Html(_)));
    for (name, value) in message.headers_raw() {
        let value = unfold(value);
        mail.headers
            .entry(name.to_owned())
            .and_modify(|held| {
                held.push('\n');
                held.push_str(&value);
            })
            .or_insert(value);
    }
    mail
}

/// The first of `parts` that is of the kind asked for: the parser offers a text part as HTML too.
fn body(message: &Message<'_>, parts: &[u32], is_kind: impl Fn(&PartType<'_>) -> bool) -> Option<String> {
    parts
        .iter()
        .filter_map(|part| message.parts.get(usize::try_from(*part).ok()?))
        .find(|part| is_kind(&part.body))
        .and_then(|part| part.text_contents())
        .map(ToOwned::to_owned)
}

fn addresses(to: &Address<'_>) -> String {
    to.iter().filter_map(|addr| addr.address()).collect::<Vec<_>>().join(", ")
}

/// Joins a folded header (RFC 5322, section 2.2.3).
fn unfold(value: &str) -> String {
    value.trim().replace("\r\n", "\n").replace('\n', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &[u8] = b"Message-ID: <1@email.amazonses.com>\r\nFrom: Acme <cart@acme.example>\r\nTo: Alice <alice@shoppers.example>\r\nSubject: In your cart\r\nList-Unsubscribe: <http://localhost:8787/cart/unsubscribe?t=a>,\r\n <mailto:x@acme.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nA caf=C3=A9 mug\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>A mug</p>\r\n--b--\r\n";

    #[tokio::test]
    async fn mails_survive_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let (changes, mut told) = broadcast::channel(8);
        let inbox = Inbox::open(folder.path(), changes.clone()).unwrap();
        inbox.store(MAIL).await.unwrap();
        assert!(matches!(told.recv().await, Ok(Change::Inbox)));
        let again = Inbox::open(folder.path(), changes).unwrap();
        let mail = again.all().remove(0);
        assert_eq!((mail.to.as_str(), mail.subject.as_str()), ("alice@shoppers.example", "In your cart"));
        assert_eq!(mail.text.as_deref().map(str::trim), Some("A café mug"));
        assert_eq!(mail.html.as_deref().map(str::trim), Some("<p>A mug</p>"));
        assert_eq!(
            mail.headers["List-Unsubscribe"],
            "<http://localhost:8787/cart/unsubscribe?t=a>, <mailto:x@acme.example>"
        );
        assert_eq!(inbox.get(&mail.id).unwrap().received_at, mail.received_at);
    }
}
