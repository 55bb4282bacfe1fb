//! The JSON that a network sends, read into events.

use domain::ids::{Lang, PostId, UserId};
use domain::post::{Author, NetworkEvent, Post, PostHead, PostRef, Related, RelatedPost, Visibility};
use domain::storefront::NetworkConfig;
use domain::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::parse::{self, ParseError};
use crate::words;

/// The longest id, handle and link, in bytes.
const ID_LENGTH: usize = 256;
const LINK_LENGTH: usize = 2048;
/// The longest text, in bytes.
const TEXT_LENGTH: usize = 32 * 1024;
/// The most tags or links of one post.
const LIST_LENGTH: usize = 200;

#[derive(Deserialize)]
struct Envelope {
    r#type: String,
    data: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Created {
    id: String,
    author: Person,
    text: String,
    created_at: String,
    language: Option<String>,
    url: Option<String>,
    #[serde(default)]
    visibility: Visibility,
    mentions: Option<Vec<String>>,
    tags: Option<Vec<String>>,
    links: Option<Vec<String>>,
    in_reply_to: Option<Other>,
    quoted: Option<Other>,
}

#[derive(Deserialize)]
struct Person {
    id: String,
    handle: Option<String>,
}

#[derive(Deserialize)]
struct Other {
    id: String,
    author: Option<Person>,
    text: Option<String>,
    links: Option<Vec<String>>,
    url: Option<String>,
}

#[derive(Deserialize)]
struct Deleted {
    id: String,
    author: Person,
    deleted_at: Option<String>,
}

#[derive(Deserialize)]
struct Revoked {
    author: Person,
}

/// Reads one event.
pub(super) fn event(
    config: &NetworkConfig,
    body: &[u8],
    received: Timestamp,
) -> Result<NetworkEvent, ParseError> {
    let envelope: Envelope = parse::read(body)?;
    match envelope.r#type.as_str() {
        "post.created" => created(config, data(envelope.data.as_deref())?, received),
        "post.deleted" => deleted(config, data(envelope.data.as_deref())?, received),
        "account.revoked" => {
            let revoked: Revoked = data(envelope.data.as_deref())?;
            Ok(NetworkEvent::Revoked { user: UserId::new(id("data.author.id", revoked.author.id)?) })
        }
        other => Ok(NetworkEvent::Ignored(parse::event_name(other))),
    }
}

fn data<T: serde::de::DeserializeOwned>(data: Option<&RawValue>) -> Result<T, ParseError> {
    let data = data.ok_or_else(|| ParseError::missing("data"))?;
    parse::read(data.get().as_bytes()).map_err(|error| error.below("data"))
}

fn created(config: &NetworkConfig, data: Created, received: Timestamp) -> Result<NetworkEvent, ParseError> {
    let author = UserId::new(id("data.author.id", data.author.id)?);
    if author == config.bot_id {
        return Ok(NetworkEvent::Ignored("own_post".to_owned()));
    }
    let text = text("data.text", data.text)?;
    let quotes_us = data.quoted.as_ref().and_then(|quoted| quoted.author.as_ref()).map(|person| &person.id);
    let mentions_us = quotes_us.is_some_and(|id| id == config.bot_id.as_str())
        || mentions(&text, data.mentions.as_deref(), &config.bot_handle);
    let head = PostHead {
        network: config.id.clone(),
        bot: config.bot_id.clone(),
        id: PostId::new(id("data.id", data.id)?),
        url: link("data.url", data.url)?,
        author: Author { id: author, handle: handle("data.author.handle", data.author.handle)? },
        mentions_us,
        created_at: moment("data.created_at", &data.created_at)?.min(received),
        first_seen: received,
        lang: data.language.as_deref().and_then(Lang::parse),
        visibility: data.visibility,
    };
    let tags = list("data.tags", data.tags)?.map_or_else(|| words::tags(&text), without_hash);
    let links = list("data.links", data.links)?.unwrap_or_else(|| words::links(&text));
    let parent = data.in_reply_to.map(|other| other.related("data.in_reply_to")).transpose()?;
    let quoted = data.quoted.map(|other| other.related("data.quoted")).transpose()?;
    Ok(NetworkEvent::Posted(Box::new(Post { head, text, tags, links, parent, quoted })))
}

fn deleted(config: &NetworkConfig, data: Deleted, received: Timestamp) -> Result<NetworkEvent, ParseError> {
    let at = data.deleted_at.map(|at| moment("data.deleted_at", &at)).transpose()?;
    Ok(NetworkEvent::Deleted {
        post: PostRef { network: config.id.clone(), id: PostId::new(id("data.id", data.id)?) },
        author: UserId::new(id("data.author.id", data.author.id)?),
        at: at.unwrap_or(received).min(received),
    })
}

/// Reads a post as the network's `post_url` answers it.
pub(super) fn related(body: &[u8]) -> Result<RelatedPost, ParseError> {
    parse::read::<Other>(body)?.inline("")
}

impl Other {
    /// With its text or links it needs no read; by its id alone it is read from the network later.
    fn related(self, path: &str) -> Result<Related, ParseError> {
        if self.text.is_some() || self.links.is_some() {
            Ok(Related::Inline(Box::new(self.inline(path)?)))
        } else {
            Ok(Related::Ref(PostId::new(id(&format!("{path}.id"), self.id)?)))
        }
    }

    fn inline(self, path: &str) -> Result<RelatedPost, ParseError> {
        let at = |field: &str| if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") };
        let text = self.text.map(|words| text(&at("text"), words)).transpose()?.unwrap_or_default();
        let author = self.author.map(|person| id(&at("author.id"), person.id)).transpose()?;
        Ok(RelatedPost {
            id: PostId::new(id(&at("id"), self.id)?),
            author: author.map(UserId::new),
            links: list(&at("links"), self.links)?.unwrap_or_else(|| words::links(&text)),
            url: link(&at("url"), self.url)?,
        })
    }
}

/// Whether the post names our handle: in the network's list where it gives one, else in the text.
fn mentions(text: &str, given: Option<&[String]>, handle: &str) -> bool {
    let is_us = |name: &str| name.trim_start_matches('@').eq_ignore_ascii_case(handle);
    match given {
        Some(names) => names.iter().any(|name| is_us(name)),
        None => words::mentions(text).iter().any(|name| is_us(name)),
    }
}

fn without_hash(tags: Vec<String>) -> Vec<String> {
    tags.into_iter().map(|tag| tag.trim_start_matches(['#', '＃']).to_owned()).collect()
}

/// Ids become parts of keys and addresses: visible characters only, and not too many.
fn id(path: &str, id: String) -> Result<String, ParseError> {
    let visible = |c: char| !c.is_control() && !c.is_whitespace();
    match id.len() {
        0 => Err(ParseError::invalid(path, "empty")),
        length if length > ID_LENGTH => Err(ParseError::invalid(path, "longer than 256 bytes")),
        _ if !id.chars().all(visible) => Err(ParseError::invalid(path, "holds spaces or control characters")),
        _ => Ok(id),
    }
}

fn handle(path: &str, handle: Option<String>) -> Result<Option<String>, ParseError> {
    let Some(handle) = handle else { return Ok(None) };
    id(path, handle.trim_start_matches('@').to_owned()).map(Some)
}

fn text(path: &str, text: String) -> Result<String, ParseError> {
    match text.len() {
        length if length > TEXT_LENGTH => Err(ParseError::invalid(path, "longer than 32768 bytes")),
        _ => Ok(text),
    }
}

fn link(path: &str, link: Option<String>) -> Result<Option<String>, ParseError> {
    match &link {
        Some(url) if url.len() > LINK_LENGTH => Err(ParseError::invalid(path, "longer than 2048 bytes")),
        _ => Ok(link),
    }
}

fn list(path: &str, values: Option<Vec<String>>) -> Result<Option<Vec<String>>, ParseError> {
    let Some(values) = values else { return Ok(None) };
    if values.len() > LIST_LENGTH {
        return Err(ParseError::invalid(path, "more than 200 of them"));
    }
    if let Some(at) = values.iter().position(|value| value.len() > LINK_LENGTH) {
        return Err(ParseError::invalid(format!("{path}[{at}]"), "longer than 2048 bytes"));
    }
    Ok(Some(values))
}

fn moment(path: &str, text: &str) -> Result<Timestamp, ParseError> {
    Timestamp::parse_rfc3339(text).map_err(|_| ParseError::invalid(path, "not a date and time (RFC 3339)"))
}
