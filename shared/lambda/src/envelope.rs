//! What travels on the queues `posts`, `commands` and `outcomes`.

use domain::command::PostCommands;
use domain::outcome::PostOutcomes;
use domain::post::Post;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use ulid::Ulid;

/// The version of the wire format that this code writes. It reads every version up to it.
pub const VERSION: u32 = 1;

/// A message and how it came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The version of the wire format.
    pub v: u32,
    /// The message's own id, a ULID: the same over redeliveries, another for each sending.
    pub id: String,
    /// When it was written.
    pub at: Timestamp,
    /// The trace that it belongs to, from the network's delivery to the notice: an X-Ray header
    /// where Lambda gives one, else the first message's id.
    pub trace: String,
    /// The message.
    pub body: Message,
}

/// A message of one of the queues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Message {
    /// On `posts`: a post that may be for us.
    Post(Box<Post>),
    /// On `commands`: what a post, a page edit or an order asks for.
    PostCommands(Box<PostCommands>),
    /// On `outcomes`: how it ended.
    PostOutcomes(Box<PostOutcomes>),
}

impl Message {
    /// The post that the message is about, as logs write it: `<network>#<post id>`.
    pub fn post(&self) -> String {
        match self {
            Self::Post(post) => post.head.post_ref().to_string(),
            Self::PostCommands(commands) => commands.post.post_ref().to_string(),
            Self::PostOutcomes(outcomes) => outcomes.post.post_ref().to_string(),
        }
    }

    /// The message's type, as the wire writes it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Post(_) => "Post",
            Self::PostCommands(_) => "PostCommands",
            Self::PostOutcomes(_) => "PostOutcomes",
        }
    }
}

/// Why a queue's record can't be read. Always permanent. Says where and of what kind, never what
/// stood there.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// No body at all.
    #[error("the record has no body")]
    Empty,
    /// Not the JSON that it should be.
    #[error("cannot be decoded at `{path}` ({kind})")]
    Json {
        /// The field's path.
        path: String,
        /// What kind of mistake: `syntax`, `data`, `eof`.
        kind: &'static str,
    },
    /// Written by a later version of Hashcart.
    #[error("version {0} of the wire format is unknown (this reads up to {VERSION})")]
    Version(u32),
}

impl DecodeError {
    /// The error without the input that `serde_json` would quote. Only where a value is wrong does the path
    /// consist of our own fields; what is no JSON may break off below a key of any text.
    pub fn from_json(error: &serde_path_to_error::Error<serde_json::Error>) -> Self {
        let nowhere = || ".".to_owned();
        let (path, kind) = match error.inner().classify() {
            serde_json::error::Category::Io => (nowhere(), "io"),
            serde_json::error::Category::Syntax => (nowhere(), "syntax"),
            serde_json::error::Category::Data => (error.path().to_string(), "data"),
            serde_json::error::Category::Eof => (nowhere(), "eof"),
        };
        Self::Json { path, kind }
    }
}

impl Envelope {
    /// Wraps a message. Without a trace its own id starts one.
    pub fn new(body: Message, at: Timestamp, trace: Option<&str>) -> Self {
        let id = new_id(at);
        Self { v: VERSION, trace: trace.unwrap_or(&id).to_owned(), id, at, body }
    }

    /// Reads a record's body. The version is looked at first, so that a later version's message
    /// fails by its version and not by some field.
    ///
    /// # Errors
    /// When it is not an envelope of a known version.
    pub fn decode(body: &str) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Versioned {
            v: u32,
        }
        let versioned: Versioned = from_json(body)?;
        if versioned.v == 0 || versioned.v > VERSION {
            return Err(DecodeError::Version(versioned.v));
        }
        from_json(body)
    }
}

/// Reads JSON; errors name the field, never the input.
///
/// # Errors
/// When the text is not the JSON of a `T`.
pub fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, DecodeError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| DecodeError::from_json(&error))
}

/// A new id: a ULID, so that ids sort by the time of their making.
pub fn new_id(at: Timestamp) -> String {
    let [a, b] = [crate::token::random_u64(), crate::token::random_u64()];
    Ulid::from_parts(at.as_millis(), (u128::from(a) << 64) | u128::from(b)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoding_names_the_field_and_never_the_input() {
        let secret = r#"{"v":1,"id":"a","at":1,"trace":"t","body":{"type":"Post","text":"my secret"}}"#;
        let error = Envelope::decode(secret).unwrap_err().to_string();
        assert!(error.contains("body") && !error.contains("secret"), "{error}");
        for broken in [r#"{"v":1,"ann@example.com":[1,"#, r#"{"v":1,"ann@example.com":{"a":nul}}"#] {
            let error = Envelope::decode(broken).unwrap_err().to_string();
            assert!(!error.contains("ann@"), "a key that isn't ours: {error}");
        }
        assert!(matches!(Envelope::decode(r#"{"v":2,"x":1}"#), Err(DecodeError::Version(2))));
        assert!(matches!(Envelope::decode(r#"{"v":0}"#), Err(DecodeError::Version(0))));
        assert!(matches!(Envelope::decode("{"), Err(DecodeError::Json { kind: "eof", .. })));
    }
}
