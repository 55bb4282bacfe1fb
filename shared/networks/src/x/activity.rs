//! The X Activity API: one event a delivery, its posts in the form of API v2. Fields are read by both
//! generations of names (`referenced_tweets`, `referenced_posts`).

use domain::ids::{PostId, UserId};
use domain::post::{Author, NetworkEvent, Post, PostHead, PostRef, Related, RelatedPost, Visibility};
use domain::time::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use url::Url;

use super::entities::{Link, Marked, Mention};
use super::{Reader, created_at, id, lang, post_url, user};
use crate::parse::{self, ParseError};
use crate::words;

#[derive(Deserialize)]
struct Event {
    event_type: String,
    filter: Option<Filter>,
    payload: Option<Box<RawValue>>,
    includes: Option<Includes>,
}

#[derive(Default, Deserialize)]
struct Filter {
    user_id: Option<String>,
}

#[derive(Default, Deserialize)]
struct Includes {
    #[serde(default)]
    users: Vec<MaybeWrapped<User>>,
    tweets: Option<Vec<MaybeWrapped<V2Post>>>,
    posts: Option<Vec<MaybeWrapped<V2Post>>>,
}

/// Some included objects are wrapped once more: `{"data": {…}}`. One that can be read neither way is
/// as good as not included.
struct MaybeWrapped<T>(Option<T>);

impl<'de, T: DeserializeOwned> Deserialize<'de> for MaybeWrapped<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Wrapped {
            data: Option<Box<RawValue>>,
        }
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let inner = serde_json::from_str::<Wrapped>(raw.get()).ok().and_then(|wrapped| wrapped.data);
        Ok(Self(serde_json::from_str(inner.as_deref().unwrap_or(&raw).get()).ok()))
    }
}

impl Includes {
    fn handle(&self, user: &str) -> Option<String> {
        let users = self.users.iter().filter_map(|user| user.0.as_ref());
        users.filter(|included| included.id == user).find_map(|user| user.username.clone())
    }

    fn post(&self, id: &str) -> Option<&V2Post> {
        let posts = [&self.tweets, &self.posts].into_iter().flatten().flatten();
        posts.filter_map(|post| post.0.as_ref()).find(|post| post.id == id)
    }
}

#[derive(Deserialize)]
struct User {
    id: String,
    username: Option<String>,
}

/// A post of API v2, as far as we read it.
#[derive(Deserialize)]
struct V2Post {
    id: String,
    #[serde(default)]
    text: String,
    author_id: Option<String>,
    created_at: Option<String>,
    in_reply_to_user_id: Option<String>,
    in_reply_to_tweet_id: Option<String>,
    in_reply_to_post_id: Option<String>,
    referenced_tweets: Option<Vec<Reference>>,
    referenced_posts: Option<Vec<Reference>>,
    entities: Option<Entities>,
    display_text_range: Option<[usize; 2]>,
    lang: Option<String>,
    note_tweet: Option<Note>,
    note_post: Option<Note>,
}

#[derive(Deserialize)]
struct Reference {
    r#type: String,
    id: String,
}

/// The whole of a long post.
#[derive(Deserialize)]
struct Note {
    text: String,
    entities: Option<Entities>,
}

#[derive(Default, Deserialize)]
struct Entities {
    #[serde(default)]
    mentions: Vec<MentionEntity>,
    #[serde(default)]
    hashtags: Vec<TagEntity>,
    #[serde(default)]
    urls: Vec<UrlEntity>,
}

#[derive(Deserialize)]
struct MentionEntity {
    start: usize,
    end: usize,
    id: Option<String>,
    username: Option<String>,
}

#[derive(Deserialize)]
struct TagEntity {
    tag: String,
}

#[derive(Deserialize)]
struct UrlEntity {
    start: usize,
    end: usize,
    url: String,
    expanded_url: Option<String>,
    unwound_url: Option<String>,
    display_url: Option<String>,
    media_key: Option<String>,
}

/// Reads the `data` of a delivery.
pub(super) fn event(reader: &Reader<'_>, data: &RawValue) -> Result<NetworkEvent, ParseError> {
    let event: Event = parse::read(data.get().as_bytes())?;
    let payload = event.payload.as_deref();
    match event.event_type.as_str() {
        "post.create" | "post.mention.create" | "post.reply.create" | "post.quote.create" => {
            let post: V2Post = part(payload)?;
            post.event(reader, &event).map_err(|error| error.below("payload"))
        }
        "post.delete" => deleted(reader, part(payload)?).map_err(|error| error.below("payload")),
        "oauth.revoke" => {
            let revoked: Revoked = part(payload)?;
            Ok(NetworkEvent::Revoked { user: user("payload.user_id", revoked.user_id)? })
        }
        other => Ok(NetworkEvent::Ignored(parse::event_name(other))),
    }
}

fn part<T: DeserializeOwned>(payload: Option<&RawValue>) -> Result<T, ParseError> {
    let payload = payload.ok_or_else(|| ParseError::missing("payload"))?;
    parse::read(payload.get().as_bytes()).map_err(|error| error.below("payload"))
}

#[derive(Deserialize)]
struct Deleted {
    id: String,
    author_id: String,
}

fn deleted(reader: &Reader<'_>, deleted: Deleted) -> Result<NetworkEvent, ParseError> {
    Ok(NetworkEvent::Deleted {
        post: PostRef { network: reader.config.id.clone(), id: PostId::new(id("id", deleted.id)?) },
        author: user("author_id", deleted.author_id)?,
        at: reader.received,
    })
}

#[derive(Deserialize)]
struct Revoked {
    user_id: String,
}

impl V2Post {
    fn event(self, reader: &Reader<'_>, event: &Event) -> Result<NetworkEvent, ParseError> {
        let author = self.author_id.clone().ok_or_else(|| ParseError::missing("author_id"))?;
        if reader.is_us(&author) {
            return Ok(NetworkEvent::Ignored("own_post".to_owned()));
        }
        if self.referenced("retweeted").or_else(|| self.referenced("reposted")).is_some() {
            return Ok(NetworkEvent::Ignored("repost".to_owned()));
        }
        let nothing = Includes::default();
        let includes = event.includes.as_ref().unwrap_or(&nothing);
        let handle = includes.handle(&author);
        let post_id = id("id", self.id.clone())?;
        let quoted = self.referenced("quoted").map(str::to_owned);
        let marked = self.marked();
        let mentions_us = self.mentions_us(reader, event, includes, quoted.as_deref());
        let head = PostHead {
            network: reader.config.id.clone(),
            bot: reader.config.bot_id.clone(),
            url: Some(post_url(reader.web_url, handle.as_deref(), &post_id)),
            author: Author { id: user("author_id", author)?, handle },
            mentions_us,
            created_at: self.moment(reader.received)?,
            first_seen: reader.received,
            lang: lang(self.lang.as_deref()),
            visibility: Visibility::Public,
            id: PostId::new(post_id),
        };
        let parent = self.parent().map(str::to_owned);
        Ok(NetworkEvent::Posted(Box::new(Post {
            head,
            text: marked.own_words(quoted.as_deref()),
            links: marked.own_links(quoted.as_deref()),
            tags: marked.tags,
            parent: related("in_reply_to_tweet_id", parent, includes, reader.web_url)?,
            quoted: related("referenced_tweets", quoted, includes, reader.web_url)?,
        })))
    }

    /// An explicit mention in the author's own words, or a quote of a post of ours. X itself counts no
    /// other mention for `post.mention.create`, so where it doesn't say which part of the text is
    /// shown, that event is believed.
    fn mentions_us(
        &self,
        reader: &Reader<'_>,
        event: &Event,
        includes: &Includes,
        quoted: Option<&str>,
    ) -> bool {
        let filtered_by_us = event.filter.as_ref().and_then(|filter| filter.user_id.as_deref());
        let ours = filtered_by_us.is_some_and(|user| reader.is_us(user));
        let by_event = match event.event_type.as_str() {
            "post.quote.create" => ours,
            "post.mention.create" => ours && self.display_text_range.is_none(),
            _ => false,
        };
        let quotes_us = quoted
            .and_then(|id| includes.post(id))
            .and_then(|post| post.author_id.as_deref())
            .is_some_and(|author| reader.is_us(author));
        let answers_us = self.in_reply_to_user_id.as_deref().is_some_and(|user| reader.is_us(user));
        let (id, handle) = (reader.config.bot_id.as_str(), reader.config.bot_handle.as_str());
        let named = || {
            let mut marked = self.marked();
            // A long post's mentions stand in the whole text, whose shown part starts where that of the
            // shortened text does.
            marked.shown = self.range();
            marked.names(id, handle, answers_us)
        };
        by_event || quotes_us || named()
    }

    fn moment(&self, received: Timestamp) -> Result<Timestamp, ParseError> {
        if let Some(at) = created_at(&self.id, received) {
            return Ok(at);
        }
        let claimed = self.created_at.as_deref().map(Timestamp::parse_rfc3339).transpose();
        let claimed =
            claimed.map_err(|_| ParseError::invalid("created_at", "not a date and time (RFC 3339)"))?;
        Ok(claimed.unwrap_or(received).min(received))
    }

    fn referenced(&self, kind: &str) -> Option<&str> {
        let references = [&self.referenced_tweets, &self.referenced_posts].into_iter().flatten().flatten();
        references.filter(|reference| reference.r#type == kind).map(|reference| reference.id.as_str()).next()
    }

    fn parent(&self) -> Option<&str> {
        self.referenced("replied_to")
            .or(self.in_reply_to_tweet_id.as_deref())
            .or(self.in_reply_to_post_id.as_deref())
    }

    fn range(&self) -> Option<(usize, usize)> {
        self.display_text_range.map(|[from, to]| (from, to))
    }

    /// The text with its entities: the whole of a long post, where X gives it.
    fn marked(&self) -> Marked {
        let none = Entities::default();
        let (text, entities, shown) = match self.note_tweet.as_ref().or(self.note_post.as_ref()) {
            Some(note) => (&note.text, note.entities.as_ref(), None),
            None => (&self.text, self.entities.as_ref(), self.range()),
        };
        let found = entities.unwrap_or(&none);
        let mut tags: Vec<String> = found.hashtags.iter().map(|tag| tag.tag.clone()).collect();
        if entities.is_none() {
            tags = words::tags(text);
        }
        Marked {
            text: text.clone(),
            shown,
            mentions: found.mentions.iter().map(MentionEntity::read).collect(),
            tags,
            links: found.urls.iter().map(UrlEntity::read).collect(),
        }
    }

    /// What we need of it as a post that was answered or quoted.
    fn related(&self, web_url: &Url) -> RelatedPost {
        let quoted = self.referenced("quoted");
        RelatedPost {
            id: PostId::new(self.id.clone()),
            author: self.author_id.clone().map(UserId::new),
            links: self.marked().own_links(quoted),
            url: Some(post_url(web_url, None, &self.id)),
        }
    }
}

impl MentionEntity {
    fn read(&self) -> Mention {
        Mention { start: self.start, end: self.end, id: self.id.clone(), handle: self.username.clone() }
    }
}

impl UrlEntity {
    fn read(&self) -> Link {
        let shown = self.display_url.as_deref().unwrap_or_default();
        Link {
            start: self.start,
            end: self.end,
            target: self
                .unwound_url
                .clone()
                .or_else(|| self.expanded_url.clone())
                .unwrap_or_else(|| self.url.clone()),
            media: self.media_key.is_some() || is_media(shown),
        }
    }
}

/// How X shows the link of a picture or a film.
pub(super) fn is_media(shown: &str) -> bool {
    shown.starts_with("pic.x.com/") || shown.starts_with("pic.twitter.com/")
}

fn related(
    path: &str,
    other: Option<String>,
    includes: &Includes,
    web_url: &Url,
) -> Result<Option<Related>, ParseError> {
    let Some(other) = other else { return Ok(None) };
    let other = id(path, other)?;
    Ok(Some(match includes.post(&other) {
        Some(post) => Related::Inline(Box::new(post.related(web_url))),
        None => Related::Ref(PostId::new(other)),
    }))
}

/// Reads the answer of `GET /2/tweets/{id}`. A post that is gone or hidden comes as errors without data.
pub(super) fn fetched(body: &[u8], web_url: &Url) -> Result<Option<RelatedPost>, ParseError> {
    #[derive(Deserialize)]
    struct Answer {
        data: Option<V2Post>,
    }
    Ok(parse::read::<Answer>(body)?.data.map(|post| post.related(web_url)))
}
