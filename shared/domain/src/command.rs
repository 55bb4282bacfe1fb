//! What a post asks for.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ids::{CampaignId, CustomerId, MarketplaceId, NetworkId, OrderId, PostId, UserId};
use crate::outcome::Outcome;
use crate::post::{Author, PostHead, PostRef, Visibility};
use crate::product::ProductRef;
use crate::time::Timestamp;

/// The commands of one post, one page edit or one order: one message on the queue `commands`, one
/// decision for each line, one answer for all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostCommands {
    /// The post (for a page edit: network `page`, a ULID, the customer as author).
    pub post: PostHead,
    /// Who asks.
    pub shopper: Shopper,
    /// The time that orders these commands among the shopper's others: the post's.
    pub as_of: Timestamp,
    /// 0 for the post itself; each release from parking and each choice of an option is a further
    /// step of the same post with the post's time.
    #[serde(default)]
    pub step: u16,
    /// Where the shopper found it.
    #[serde(default)]
    pub source: Source,
    /// The commands, numbered from 1 in the order of the text.
    pub lines: Vec<CommandLine>,
}

impl PostCommands {
    /// The step of a post's deletion: apart from every step of the post itself, which count up from 0.
    pub const ERASURE_STEP: u16 = u16::MAX;

    /// The command that takes back what a deleted post asked for. `bot` is our account on the network,
    /// `at` the time of the deletion as far as the network says it.
    pub fn erasure(
        post: PostRef,
        bot: UserId,
        author: UserId,
        marketplace: MarketplaceId,
        at: Timestamp,
        first_seen: Timestamp,
    ) -> Self {
        let at = at.min(first_seen);
        Self {
            post: PostHead {
                network: post.network.clone(),
                bot,
                id: post.id.clone(),
                url: None,
                author: Author { id: author.clone(), handle: None },
                mentions_us: false,
                created_at: at,
                first_seen,
                lang: None,
                visibility: Visibility::default(),
            },
            shopper: Shopper::Account { network: post.network.clone(), user: author },
            as_of: at,
            step: Self::ERASURE_STEP,
            source: Source::default(),
            lines: vec![CommandLine { line: 1, marketplace, action: Action::Erase { post } }],
        }
    }

    /// The further step of the same post as which parked commands are released. A deletion stays as it
    /// is: it has been told already.
    #[must_use]
    pub fn released(&self) -> Self {
        Self { step: self.step.saturating_add(1), ..self.clone() }
    }

    /// Edits that a signed-in customer makes on our own page at `now`. `edit` is a ULID, new for each
    /// form that is sent.
    pub fn page_edit(edit: &str, customer: CustomerId, now: Timestamp, lines: Vec<CommandLine>) -> Self {
        Self {
            post: PostHead {
                network: NetworkId::new(NetworkId::PAGE),
                bot: UserId::new(""),
                id: PostId::new(edit),
                url: None,
                author: Author { id: UserId::new(customer.as_str()), handle: None },
                mentions_us: false,
                created_at: now,
                first_seen: now,
                lang: None,
                visibility: Visibility::Direct,
            },
            shopper: Shopper::Customer(customer),
            as_of: now,
            step: 0,
            source: Source::default(),
            lines,
        }
    }

    /// Where these commands stand in the order of the shopper's deeds: the post's time, but never
    /// later than when we saw it first or than `now`, so that a post from the future can't outlast
    /// what the shopper does after it.
    pub fn ordered_at(&self, now: Timestamp) -> Timestamp {
        self.as_of.min(self.post.first_seen).min(now)
    }

    /// The key of a line: the same whenever and however often the post is seen.
    pub fn key(&self, line: u16) -> CommandKey {
        CommandKey { network: self.post.network.clone(), post: self.post.id.clone(), line, step: self.step }
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shopper {
    /// An account on a network, linked to a customer or not.
    Account {
        /// The network.
        network: NetworkId,
        /// The account there.
        user: UserId,
    },
    /// A customer, signed in to our page or named by a shop's order.
    Customer(CustomerId),
}

/// Where the shopper found the product, and who gets the credit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The post that showed the product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_url: Option<String>,
    /// Who wrote that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_author: Option<UserId>,
    /// The affiliate tag of the link, kept aside when the link was made canonical.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affiliate: Option<String>,
    /// The campaign that was running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<CampaignId>,
}

/// One command of a post.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandLine {
    /// Its number, from 1.
    pub line: u16,
    /// The marketplace of the tag that asked. On the line, not on the message: a post may carry the
    /// tags of two marketplaces.
    pub marketplace: MarketplaceId,
    /// What is asked.
    #[serde(flatten)]
    pub action: Action,
}

/// What one line asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action")]
pub enum Action {
    /// Into the cart: at least one when no number is given, exactly `quantity` otherwise.
    Add {
        /// The product.
        product: ProductRef,
        /// How many; at least 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quantity: Option<u32>,
        /// Words that may choose an option, as written: `M`, `size m`, `red`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        options: Vec<String>,
    },
    /// Out of the cart: every variant of the product when no option is given.
    Remove {
        /// The product.
        product: ProductRef,
        /// Words that may choose an option.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        options: Vec<String>,
    },
    /// Onto the wish list.
    Wish {
        /// The product.
        product: ProductRef,
        /// Words that may choose an option.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        options: Vec<String>,
    },
    /// Off the wish list.
    Unwish {
        /// The product.
        product: ProductRef,
    },
    /// Bought at the shop: that many less in the cart.
    Purchase {
        /// The order.
        order: OrderId,
        /// The product, its variant named.
        product: ProductRef,
        /// How many were bought.
        quantity: u32,
    },
    /// The post was deleted: what it asked for counts no more.
    Erase {
        /// The deleted post.
        post: PostRef,
    },
    /// Asks how it works.
    Help,
    /// No answers any more.
    Stop,
    /// Answers again.
    Start,
    /// Already refused while reading the post: told to the shopper, without effect on the cart.
    Refused {
        /// Why: `UnknownProduct`, `NoProductLink`, `ParentUnavailable`, `WrongMarketplace` or
        /// `ChooseOption` (several products in the parent).
        refusal: Outcome,
    },
}

impl Action {
    /// The product that the action names, if it names one.
    pub fn product(&self) -> Option<&ProductRef> {
        match self {
            Self::Add { product, .. }
            | Self::Remove { product, .. }
            | Self::Wish { product, .. }
            | Self::Unwish { product }
            | Self::Purchase { product, .. } => Some(product),
            Self::Erase { .. } | Self::Help | Self::Stop | Self::Start | Self::Refused { .. } => None,
        }
    }
}

/// Names one command for ever: (network, post, line, step). Written and read as
/// `<network>#<post id>#<line>#<step>`; the post id may hold `#` itself, the others don't.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandKey {
    /// The network.
    pub network: NetworkId,
    /// The post.
    pub post: PostId,
    /// The line, from 1.
    pub line: u16,
    /// The step, from 0.
    pub step: u16,
}

impl CommandKey {
    /// The post that the command came from.
    pub fn post_ref(&self) -> PostRef {
        PostRef { network: self.network.clone(), id: self.post.clone() }
    }

    /// Reads what [`fmt::Display`] writes; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (network, rest) = text.split_once('#')?;
        let (rest, step) = rest.rsplit_once('#')?;
        let (post, line) = rest.rsplit_once('#')?;
        Some(Self {
            network: NetworkId::new(network),
            post: PostId::new(post),
            line: line.parse().ok()?,
            step: step.parse().ok()?,
        })
    }
}

impl fmt::Display for CommandKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}#{}#{}", self.network, self.post, self.line, self.step)
    }
}

impl Serialize for CommandKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CommandKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a command key"))
    }
}

/// The place of a command in the order of the shopper's own deeds: the time, then the key with the
/// length of each id before it, as one string that sorts as it should (`9` before `10`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stamp(String);

impl Stamp {
    /// The stamp of the command `key` at `as_of`.
    pub fn new(as_of: Timestamp, key: &CommandKey) -> Self {
        let (network, post) = (key.network.as_str(), key.post.as_str());
        Self(format!(
            "{:020}|{:03}{network}|{:05}{post}|{:05}|{:05}",
            as_of.as_millis(),
            network.len(),
            post.len(),
            key.line,
            key.step
        ))
    }

    /// The greatest stamp before `at`: everything stamped earlier sorts at or below it.
    pub fn horizon(at: Timestamp) -> Self {
        Self(format!("{:020}", at.as_millis()))
    }

    /// The time in the stamp.
    pub fn as_of(&self) -> Timestamp {
        Timestamp::from_millis(self.0.split('|').next().and_then(|ms| ms.parse().ok()).unwrap_or(0))
    }

    /// The later of the two.
    pub fn max_of<'a>(&'a self, other: &'a Self) -> &'a Self {
        if self >= other { self } else { other }
    }

    /// The stamp as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(post: &str, line: u16) -> CommandKey {
        CommandKey { network: "x".into(), post: post.into(), line, step: 0 }
    }

    #[test]
    fn keys_read_back_even_with_hashes_in_the_post_id() {
        for post in ["1", "at://did:plc:a/app.bsky.feed.post/3k#2", "#", ""] {
            assert_eq!(CommandKey::parse(&key(post, 3).to_string()), Some(key(post, 3)));
        }
        assert_eq!(CommandKey::parse("x#1"), None);
    }

    #[test]
    fn stamps_sort_by_time_then_by_numeric_id() {
        let at = Timestamp::from_millis(1000);
        let later = Timestamp::from_millis(1001);
        assert!(Stamp::new(at, &key("9", 1)) < Stamp::new(at, &key("10", 1)));
        assert!(Stamp::new(at, &key("10", 1)) < Stamp::new(at, &key("10", 2)));
        assert!(Stamp::new(at, &key("10", 2)) < Stamp::new(later, &key("9", 1)));
        assert!(Stamp::horizon(at) < Stamp::new(at, &key("", 0)));
        assert_eq!(Stamp::new(later, &key("9", 1)).as_of(), later);
    }
}
