//! What a post asks for: the tags that are ours, and the words, numbers and links around them.
//!
//! [`TagSet::read`] turns a post into a [`Reading`]; [`plan()`] turns a reading and what its links
//! stand for into the command lines. Both are pure.

pub mod options;
mod plan;

pub use plan::{LinkResolution, ParentLink, ParentLinks, plan};

use crate::ids::MarketplaceId;
use crate::post::Post;
use crate::storefront::Storefront;

/// The tags and words of a storefront, compiled once for many posts.
#[derive(Clone, Debug)]
pub struct TagSet {}

impl TagSet {
    /// The tags of every marketplace and the command words of every configured language.
    pub fn of(_storefront: &Storefront) -> Self {
        Self {}
    }

    /// Whether a post carries one of our tags, by the network's own tags or by its text, or is nothing
    /// but a mention of us and `stop`, `start` or `help`. The one check that the receiving functions
    /// and `classify` share: it never says no where [`TagSet::read`] finds a request.
    pub fn is_for_us(&self, _post: &Post) -> bool {
        false
    }

    /// What the post asks for; empty when it isn't for us.
    pub fn read(&self, _post: &Post) -> Reading {
        Reading::default()
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
