//! The older Account Activity API: several events a delivery, its posts in the form of API v1.1.

use domain::ids::PostId;
use domain::post::{Author, NetworkEvent, Post, PostHead, PostRef, Related, RelatedPost, Visibility};
use domain::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;

use super::activity::is_media;
use super::entities::{Link, Marked, Mention};
use super::{Reader, created_at, id, lang, post_url, user};
use crate::parse::{self, ParseError};

/// A post of API v1.1, as far as we read it. Ids are read as text only: as numbers they lose digits.
#[derive(Deserialize)]
struct V1Post {
    id_str: String,
    #[serde(default)]
    text: String,
    full_text: Option<String>,
    extended_tweet: Option<Extended>,
    entities: Option<Entities>,
    display_text_range: Option<[usize; 2]>,
    in_reply_to_status_id_str: Option<String>,
    in_reply_to_user_id_str: Option<String>,
    quoted_status_id_str: Option<String>,
    quoted_status: Option<Box<V1Post>>,
    retweeted_status: Option<Box<RawValue>>,
    user: User,
    timestamp_ms: Option<String>,
    created_at: Option<String>,
    lang: Option<String>,
}

/// The whole of a post whose `text` is cut off.
#[derive(Deserialize)]
struct Extended {
    full_text: String,
    entities: Option<Entities>,
    display_text_range: Option<[usize; 2]>,
}

#[derive(Deserialize)]
struct User {
    id_str: String,
    screen_name: Option<String>,
}

#[derive(Default, Deserialize)]
struct Entities {
    #[serde(default)]
    hashtags: Vec<TagEntity>,
    #[serde(default)]
    urls: Vec<UrlEntity>,
    #[serde(default)]
    user_mentions: Vec<MentionEntity>,
    #[serde(default)]
    media: Vec<MediaEntity>,
}

#[derive(Deserialize)]
struct TagEntity {
    text: String,
}

#[derive(Deserialize)]
struct UrlEntity {
    url: String,
    expanded_url: Option<String>,
    display_url: Option<String>,
    unwound: Option<Unwound>,
    indices: [usize; 2],
}

#[derive(Deserialize)]
struct Unwound {
    url: Option<String>,
}

#[derive(Deserialize)]
struct MentionEntity {
    id_str: Option<String>,
    screen_name: Option<String>,
    indices: [usize; 2],
}

#[derive(Deserialize)]
struct MediaEntity {
    indices: [usize; 2],
}

/// Whether our account has blocked who acts. The documentation says that this is text, deliveries
/// have a boolean.
pub(super) fn has_blocked(value: Option<&RawValue>) -> bool {
    value.is_some_and(|value| matches!(value.get(), "true" | "\"true\""))
}

/// Reads `tweet_create_events`.
pub(super) fn created(
    reader: &Reader<'_>,
    part: &RawValue,
    blocked: bool,
) -> Result<Vec<NetworkEvent>, ParseError> {
    let posts: Vec<V1Post> = parse::read(part.get().as_bytes())?;
    let read = |(at, post): (usize, V1Post)| {
        if blocked {
            return Ok(NetworkEvent::Ignored("blocked_by_us".to_owned()));
        }
        post.event(reader).map_err(|error| error.below(&format!("[{at}]")))
    };
    posts.into_iter().enumerate().map(read).collect()
}

/// Reads `tweet_delete_events`.
pub(super) fn deleted(reader: &Reader<'_>, part: &RawValue) -> Result<Vec<NetworkEvent>, ParseError> {
    #[derive(Deserialize)]
    struct Deleted {
        status: Status,
        timestamp_ms: Option<String>,
    }
    #[derive(Deserialize)]
    struct Status {
        id: String,
        user_id: String,
    }
    let deleted: Vec<Deleted> = parse::read(part.get().as_bytes())?;
    let read = |(at, deleted): (usize, Deleted)| {
        let path = |field: &str| format!("[{at}].status.{field}");
        Ok(NetworkEvent::Deleted {
            post: PostRef {
                network: reader.config.id.clone(),
                id: PostId::new(id(&path("id"), deleted.status.id)?),
            },
            author: user(&path("user_id"), deleted.status.user_id)?,
            at: millis(deleted.timestamp_ms.as_deref()).unwrap_or(reader.received).min(reader.received),
        })
    };
    deleted.into_iter().enumerate().map(read).collect()
}

/// Reads `user_event`: of its kinds only `revoke` is known.
pub(super) fn user_event(part: &RawValue) -> Result<NetworkEvent, ParseError> {
    #[derive(Deserialize)]
    struct UserEvent {
        revoke: Option<Revoke>,
    }
    #[derive(Deserialize)]
    struct Revoke {
        source: Source,
    }
    #[derive(Deserialize)]
    struct Source {
        user_id: String,
    }
    match parse::read::<UserEvent>(part.get().as_bytes())?.revoke {
        Some(revoke) => {
            Ok(NetworkEvent::Revoked { user: user("revoke.source.user_id", revoke.source.user_id)? })
        }
        None => Ok(NetworkEvent::Ignored("user_event".to_owned())),
    }
}

impl V1Post {
    fn event(self, reader: &Reader<'_>) -> Result<NetworkEvent, ParseError> {
        if reader.is_us(&self.user.id_str) {
            return Ok(NetworkEvent::Ignored("own_post".to_owned()));
        }
        if self.retweeted_status.is_some() {
            return Ok(NetworkEvent::Ignored("repost".to_owned()));
        }
        let post_id = id("id_str", self.id_str.clone())?;
        let author = user("user.id_str", self.user.id_str.clone())?;
        let quoted_id = self.quoted_id().map(str::to_owned);
        let marked = self.marked();
        let head = PostHead {
            network: reader.config.id.clone(),
            bot: reader.config.bot_id.clone(),
            url: Some(post_url(reader.web_url, self.user.screen_name.as_deref(), &post_id)),
            author: Author { id: author, handle: self.user.screen_name.clone() },
            mentions_us: self.mentions_us(reader, &marked),
            created_at: self.moment(reader.received),
            first_seen: reader.received,
            lang: lang(self.lang.as_deref()),
            visibility: Visibility::Public,
            id: PostId::new(post_id),
        };
        let parent = self.in_reply_to_status_id_str.map(|parent| id("in_reply_to_status_id_str", parent));
        let quoted = match &self.quoted_status {
            Some(quoted) => Some(Related::Inline(Box::new(quoted.related(reader.web_url)?))),
            None => quoted_id
                .clone()
                .map(|quoted| id("quoted_status_id_str", quoted))
                .transpose()?
                .map(|quoted| Related::Ref(PostId::new(quoted))),
        };
        Ok(NetworkEvent::Posted(Box::new(Post {
            head,
            text: marked.own_words(quoted_id.as_deref()),
            links: marked.own_links(quoted_id.as_deref()),
            tags: marked.tags,
            parent: parent.transpose()?.map(|parent| Related::Ref(PostId::new(parent))),
            quoted,
        })))
    }

    /// As [`super::activity`] says it, without an event's name to go by.
    fn mentions_us(&self, reader: &Reader<'_>, marked: &Marked) -> bool {
        let quotes_us = self.quoted_status.as_ref().is_some_and(|post| reader.is_us(&post.user.id_str));
        let answers_us = self.in_reply_to_user_id_str.as_deref().is_some_and(|user| reader.is_us(user));
        let (id, handle) = (reader.config.bot_id.as_str(), reader.config.bot_handle.as_str());
        quotes_us || marked.names(id, handle, answers_us)
    }

    fn quoted_id(&self) -> Option<&str> {
        self.quoted_status_id_str.as_deref().or_else(|| Some(self.quoted_status.as_ref()?.id_str.as_str()))
    }

    fn moment(&self, received: Timestamp) -> Timestamp {
        let claimed =
            || millis(self.timestamp_ms.as_deref()).or_else(|| v1_date(self.created_at.as_deref()?));
        created_at(&self.id_str, received).or_else(claimed).unwrap_or(received).min(received)
    }

    /// The text with its entities. Of a post that is cut off the outer entities hold nothing but the
    /// link to itself.
    fn marked(&self) -> Marked {
        let none = Entities::default();
        let (text, entities, range) = match &self.extended_tweet {
            Some(whole) => (&whole.full_text, whole.entities.as_ref(), whole.display_text_range),
            None => {
                let text = self.full_text.as_ref().unwrap_or(&self.text);
                (text, self.entities.as_ref(), self.display_text_range)
            }
        };
        let entities = entities.unwrap_or(&none);
        let media = entities.media.iter().map(|media| Link {
            start: media.indices[0],
            end: media.indices[1],
            target: String::new(),
            media: true,
        });
        Marked {
            text: text.clone(),
            shown: range.map(|[from, to]| (from, to)),
            mentions: entities.user_mentions.iter().map(MentionEntity::read).collect(),
            tags: entities.hashtags.iter().map(|tag| tag.text.clone()).collect(),
            links: entities.urls.iter().map(UrlEntity::read).chain(media).collect(),
        }
    }

    /// What we need of it as a quoted post.
    fn related(&self, web_url: &Url) -> Result<RelatedPost, ParseError> {
        let post_id = id("quoted_status.id_str", self.id_str.clone())?;
        Ok(RelatedPost {
            author: Some(user("quoted_status.user.id_str", self.user.id_str.clone())?),
            links: self.marked().own_links(self.quoted_id()),
            url: Some(post_url(web_url, self.user.screen_name.as_deref(), &post_id)),
            id: PostId::new(post_id),
        })
    }
}

impl MentionEntity {
    fn read(&self) -> Mention {
        let [start, end] = self.indices;
        Mention { start, end, id: self.id_str.clone(), handle: self.screen_name.clone() }
    }
}

impl UrlEntity {
    fn read(&self) -> Link {
        let [start, end] = self.indices;
        let unwound = self.unwound.as_ref().and_then(|unwound| unwound.url.clone());
        let target = unwound.or_else(|| self.expanded_url.clone()).unwrap_or_else(|| self.url.clone());
        Link { start, end, target, media: is_media(self.display_url.as_deref().unwrap_or_default()) }
    }
}

fn millis(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok().map(Timestamp::from_millis)
}

/// `Thu Dec 19 11:27:49 +0000 2019`.
fn v1_date(text: &str) -> Option<Timestamp> {
    let at = jiff::fmt::strtime::parse("%a %b %d %H:%M:%S %z %Y", text).ok()?.to_timestamp().ok()?;
    u64::try_from(at.as_millisecond()).ok().map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_dates_of_the_older_api() {
        let at = v1_date("Thu Dec 19 11:27:49 +0000 2019").unwrap();
        assert_eq!(at.to_string(), "2019-12-19T11:27:49.000Z");
        assert_eq!(v1_date("2019-12-19"), None);
    }
}
