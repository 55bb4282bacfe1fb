//! What a post asks for: the tags that are ours, and the words, numbers and links around them.
//!
//! [`TagSet::read`] turns a post into a [`Reading`]; [`plan()`] turns a reading and what its links
//! stand for into the command lines. Both are pure.

mod command;
pub mod options;
mod plan;
mod quantity;
mod read;
#[cfg(test)]
mod tests;
mod tokens;
mod words;

pub use plan::{LinkResolution, ParentLink, ParentLinks, plan};
pub use tokens::link_places;

use crate::ids::MarketplaceId;
use crate::post::Post;
use crate::storefront::Storefront;
use crate::text::{Hashtags, eq_folded, fold, hashtags};

use words::Words;

/// The languages whose words the grammar knows, as primary language subtags.
pub fn languages() -> impl Iterator<Item = &'static str> {
    words::VOCABULARIES.iter().map(|vocabulary| vocabulary.language)
}

/// The tags and words of a storefront, compiled once for many posts.
#[derive(Clone, Debug)]
pub struct TagSet {
    tags: Vec<Tag>,
    words: Words,
    /// The first marketplace: of commands without a tag.
    first: MarketplaceId,
    lines_per_post: usize,
}

/// One configured tag.
#[derive(Clone, Debug)]
struct Tag {
    folded: String,
    marketplace: MarketplaceId,
    kind: TagKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TagKind {
    Cart,
    Wish,
}

impl TagSet {
    /// The tags of every marketplace, and the words of every language that the storefront speaks.
    pub fn of(storefront: &Storefront) -> Self {
        let mut tags = Vec::new();
        for marketplace in &storefront.marketplaces {
            for (list, kind) in
                [(&marketplace.cart_tags, TagKind::Cart), (&marketplace.wish_tags, TagKind::Wish)]
            {
                let tag = |tag: &String| Tag { folded: fold(tag), marketplace: marketplace.id.clone(), kind };
                tags.extend(list.iter().map(tag));
            }
        }
        let spoken = storefront.marketplaces.iter().flat_map(|marketplace| &marketplace.languages);
        Self {
            tags,
            words: Words::of(spoken.chain([&storefront.default_language])),
            first: storefront
                .marketplaces
                .first()
                .map_or_else(|| MarketplaceId::new(""), |first| first.id.clone()),
            lines_per_post: storefront.limits.lines_per_post.into(),
        }
    }

    /// Whether a post carries one of our tags, by the network's own tags or by its text, or is nothing
    /// but a mention of us and `stop`, `start` or `help`. The one check that the receiving functions
    /// and `classify` share: it says yes exactly where [`TagSet::read`] finds a request.
    pub fn is_for_us(&self, post: &Post) -> bool {
        self.matches_text(&post.text, &post.tags)
            || (post.head.mentions_us && self.lone_command(&post.text).is_some())
    }

    /// Whether one of our tags is among a network's `tags` or in `text`. Allocates nothing for a text
    /// without our tags.
    pub fn matches_text(&self, text: &str, tags: &[impl AsRef<str>]) -> bool {
        tags.iter().any(|tag| self.find(tag.as_ref()).is_some())
            || (Hashtags::new(text).any(|tag| self.find(tag.text).is_some())
                // Rarely, it only lies in a link.
                && hashtags(text).iter().any(|tag| self.find(tag.text).is_some()))
    }

    /// Which of our tags `tag` is.
    fn find(&self, tag: &str) -> Option<usize> {
        self.tags.iter().position(|ours| eq_folded(tag, &ours.folded))
    }
}

/// What a post asks for, its links not looked up yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// One for each tag of ours that asks for something, in the order of the text.
    pub requests: Vec<Request>,
    /// The post's own links in the order of the text, at most as many as the storefront's
    /// `lines_per_post`. Empty when no request needs a product.
    pub links: Vec<LinkRequest>,
    /// Whether the post has more links than the storefront takes from one post.
    pub over_limit: bool,
}

impl Reading {
    /// Whether any request is about a product, so that links (the post's own, else its parent's)
    /// are to be looked up.
    pub fn needs_product(&self) -> bool {
        self.requests.iter().any(|request| request.ask.needs_product())
    }

    /// The marketplaces that the post's tags name, in the order of the text.
    pub fn marketplaces(&self) -> impl Iterator<Item = &MarketplaceId> {
        self.requests.iter().map(|request| &request.marketplace)
    }
}

/// What one tag asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The marketplace of the tag.
    pub marketplace: MarketplaceId,
    /// What is asked.
    pub ask: Ask,
    /// How many, when the words around the tag say so; used for a product of the parent.
    pub quantity: Option<u32>,
    /// Words around the tag that may choose an option, as written; used for a product of the parent.
    pub options: Vec<String>,
}

/// What a tag asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ask {
    /// Into the cart.
    Add,
    /// Out of the cart.
    Remove,
    /// Onto the wish list.
    Wish,
    /// Off the wish list.
    Unwish,
    /// How does it work?
    Help,
    /// No answers any more.
    Stop,
    /// Answers again.
    Start,
}

impl Ask {
    /// Whether it is about a product.
    pub fn needs_product(self) -> bool {
        match self {
            Self::Add | Self::Remove | Self::Wish | Self::Unwish => true,
            Self::Help | Self::Stop | Self::Start => false,
        }
    }
}

/// One of the post's own links with the words that belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRequest {
    /// The link as the post gives it.
    pub url: String,
    /// Which of the [`Reading::requests`] it belongs to by its place in the text.
    pub request: usize,
    /// How many, when the words around it say so.
    pub quantity: Option<u32>,
    /// Words around it that may choose an option, as written.
    pub options: Vec<String>,
}
