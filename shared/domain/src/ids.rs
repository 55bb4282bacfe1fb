//! Identifiers. Each is opaque text of its own type, so that no two can be mixed up; what may stand
//! in one is checked where it enters.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! text_ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    )*};
}

text_ids! {
    /// A configured network: `x`, `generic`, or the name an operator gave another one.
    /// Lower-case letters, digits and `-`, at most 32; [`NetworkId::PAGE`] is our own cart page.
    NetworkId;
    /// A post on its network, as the network writes it. Never a number: X's ids exceed 2^53.
    PostId;
    /// An account on its network: the id that survives a change of handle.
    UserId;
    /// A marketplace of the storefront: one shop in one country with its own tags (`us`, `uk`).
    MarketplaceId;
    /// A product of a marketplace: the feed's `item_group_id`, or `id` where there is no group.
    ProductId;
    /// One buyable variant of a product: the feed's `id`.
    VariantId;
    /// A customer of ours: random, made when the first account is linked.
    CustomerId;
    /// A campaign of the storefront.
    CampaignId;
    /// An order of a shop.
    OrderId;
}

impl NetworkId {
    /// The network of edits made on our own cart page. Its post ids are ULIDs.
    pub const PAGE: &'static str = "page";

    /// Whether commands of this network are edits made on our own cart page.
    pub fn is_page(&self) -> bool {
        self.0 == Self::PAGE
    }
}

/// A language as a lower-case primary subtag and anything behind it: `en`, `de`, `pt-br` (BCP 47).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Lang(String);

impl Lang {
    /// Reads a language tag, folding case and `_` to `-`. Text that can't be a tag gives `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let tag = text.trim().replace('_', "-").to_ascii_lowercase();
        let mut parts = tag.split('-');
        let primary = parts.next().filter(|p| (2..=3).contains(&p.len()))?;
        let plain = |p: &str| !p.is_empty() && p.len() <= 8 && p.bytes().all(|b| b.is_ascii_alphanumeric());
        (primary.bytes().all(|b| b.is_ascii_lowercase()) && parts.all(plain)).then(|| Self(tag.clone()))
    }

    /// The whole tag, lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The primary subtag: `pt` of `pt-br`.
    pub fn primary(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Lang {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a language tag (BCP 47)"))
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_tags_fold_and_refuse() {
        assert_eq!(Lang::parse("pt_BR").unwrap().as_str(), "pt-br");
        assert_eq!(Lang::parse("de").unwrap().primary(), "de");
        for bad in ["", "e", "english", "en-", "e1", "en--us"] {
            assert_eq!(Lang::parse(bad), None, "{bad}");
        }
    }
}
