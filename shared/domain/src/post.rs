//! A post, whatever network it came from.

use serde::{Deserialize, Serialize};

use crate::ids::{Lang, NetworkId, PostId, UserId};
use crate::time::Timestamp;

/// Names a post on its network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PostRef {
    /// The network.
    pub network: NetworkId,
    /// The post there.
    pub id: PostId,
}

impl std::fmt::Display for PostRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{}", self.network, self.id)
    }
}

/// Who wrote a post.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The account: stable.
    pub id: UserId,
    /// The handle without `@`: may change, shown only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
}

/// Who can see a post. A reply is never wider than the post that it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Everybody.
    #[default]
    Public,
    /// Everybody, but kept out of public listings.
    Unlisted,
    /// The author's followers.
    Followers,
    /// Only those whom it names.
    Direct,
}

/// Another post that this one answers or quotes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Related {
    /// Named only: to be read from the network.
    Ref(PostId),
    /// Delivered along with the post: no read needed.
    Inline(Box<RelatedPost>),
}

impl Related {
    /// The related post's id.
    pub fn id(&self) -> &PostId {
        match self {
            Self::Ref(id) => id,
            Self::Inline(post) => &post.id,
        }
    }
}

/// What we need to know of a post that was answered or quoted: whose it is and which links it shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelatedPost {
    /// The post.
    pub id: PostId,
    /// Its author; who gets the credit for a sale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<UserId>,
    /// Its links, resolved as far as the network resolves them, in the order of the text.
    #[serde(default)]
    pub links: Vec<String>,
    /// Its address on the web.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A post as a network module reads it out of a payload, and as it travels on the queue `posts`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// What every later stage needs of it.
    #[serde(flatten)]
    pub head: PostHead,
    /// The author's own words: quoted and reposted text is not in it.
    pub text: String,
    /// Hashtags without `#`, in order: the network's entities where it gives them, else found in the
    /// text by the network's rules.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Links in order: the network's entities (expanded) where it gives them, else found in the text.
    #[serde(default)]
    pub links: Vec<String>,
    /// The post that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Related>,
    /// The post that this one quotes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quoted: Option<Related>,
}

/// A post without its words: enough to decide, to answer and to log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostHead {
    /// The network.
    pub network: NetworkId,
    /// Our account there that the post reached.
    pub bot: UserId,
    /// The post.
    pub id: PostId,
    /// Its address on the web.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its author.
    pub author: Author,
    /// Whether it names our account by an explicit mention or quotes a post of ours: the consent
    /// that some networks ask for before an automated reply.
    #[serde(default)]
    pub mentions_us: bool,
    /// When it was written: server-assigned where the network has that, else the post's claim, never
    /// later than `first_seen`.
    pub created_at: Timestamp,
    /// When we first saw it.
    pub first_seen: Timestamp,
    /// Its language, as the network says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<Lang>,
    /// Who can see it.
    #[serde(default)]
    pub visibility: Visibility,
}

impl PostHead {
    /// The post's name.
    pub fn post_ref(&self) -> PostRef {
        PostRef { network: self.network.clone(), id: self.id.clone() }
    }
}

/// What a network's payload says happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkEvent {
    /// Somebody wrote a post that reached us.
    Posted(Box<Post>),
    /// Somebody deleted a post.
    Deleted {
        /// The deleted post.
        post: PostRef,
        /// Who had written it.
        author: UserId,
        /// When it was deleted, as far as the network says; else when we saw it.
        at: Timestamp,
    },
    /// A shopper withdrew our app's access on the network. Counted; the link stays until they unlink it
    /// themselves, because the network says nothing about our own pages.
    Revoked {
        /// The account.
        user: UserId,
    },
    /// Something that we don't act on; the name is counted.
    Ignored(String),
}
