//! The merchant's configuration, `storefront.toml`: read and checked once, then passed as a value.

mod check;
mod load;

pub use load::ConfigErrors;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::ids::{CampaignId, Lang, MarketplaceId, NetworkId, UserId};
use crate::product::PriceExposure;
use crate::time::Timestamp;

/// A merchant's storefront: brand, marketplaces, networks, limits, campaigns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storefront {
    /// The brand's name, as replies, mails and pages write it.
    pub brand: String,
    /// The language for shoppers whose own we don't speak.
    #[serde(default = "defaults::language")]
    pub default_language: Lang,
    /// Where shoppers get help from a person: an address or a page, shown in mails and pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support: Option<String>,
    /// The postal address that mails must carry in many countries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_address: Option<String>,
    /// The shops; at least one.
    pub marketplaces: Vec<Marketplace>,
    /// The networks; at least one.
    pub networks: Vec<NetworkConfig>,
    /// Limits.
    #[serde(default)]
    pub limits: Limits,
    /// Minimum advertised price: what a product without a policy of its own follows.
    #[serde(default)]
    pub map: MapDefaults,
    /// Campaigns.
    #[serde(default)]
    pub campaigns: Vec<Campaign>,
    /// Hosts of link shorteners that may stand for one of our links (`bit.ly`); only these are
    /// followed.
    #[serde(default)]
    pub short_link_hosts: Vec<String>,
}

/// One shop in one country.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marketplace {
    /// Its id (`us`).
    pub id: MarketplaceId,
    /// Hashtags without `#` that put a product into the cart (`AcmeCart`).
    pub cart_tags: Vec<String>,
    /// Hashtags without `#` that put a product onto the wish list.
    #[serde(default)]
    pub wish_tags: Vec<String>,
    /// The shop's hosts (`www.acme.example`); a link of another host is not a product link.
    pub hosts: Vec<String>,
    /// How the shop's links name products and how its checkout takes a cart.
    pub shop: Shop,
    /// The currency of its prices, ISO 4217.
    pub currency: String,
    /// The languages it speaks; the first is used for shoppers whose own is not among them.
    #[serde(default)]
    pub languages: Vec<Lang>,
    /// Where its product feed is: an https address or a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed: Option<String>,
}

/// A shop platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "platform", rename_all = "snake_case", deny_unknown_fields)]
pub enum Shop {
    /// Any shop: products are found by the links of its feed, the cart is handed over by an address.
    Template {
        /// The checkout's address with `{items}` in it.
        checkout_url: String,
        /// One item of it, with `{product}`, `{variant}` and `{quantity}`.
        #[serde(default = "defaults::checkout_item")]
        checkout_item: String,
        /// What stands between two items.
        #[serde(default = "defaults::checkout_separator")]
        checkout_separator: String,
        /// The query parameter that carries an affiliate tag, kept aside when a link is made
        /// canonical.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        affiliate_parameter: Option<String>,
        /// Query parameters that tell products apart and so stay in a canonical link (`id`); every
        /// other one is dropped.
        #[serde(default)]
        product_parameters: Vec<String>,
        /// Query parameters that choose one of a product's variants (`variant`, `size`). A link
        /// without them means the product as a whole.
        #[serde(default)]
        variant_parameters: Vec<String>,
    },
    /// Amazon: products are named by ASIN in many forms of link.
    Amazon {
        /// The associate tag for the hand-over to Amazon's cart.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        associate_tag: Option<String>,
    },
}

/// A network and our account there. Unknown keys are refused by [`NetworkKind`]: what this struct
/// doesn't know goes on to there, and serde can't refuse in a struct that passes keys on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkConfig {
    /// Its id: the last part of its webhook's path, and what its secrets are named by.
    pub id: NetworkId,
    /// What shoppers call it (`Acme Square`), where that is not plain from its kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Our account's handle without `@`.
    pub bot_handle: String,
    /// Our account's id.
    pub bot_id: UserId,
    /// Whether we answer in public at all.
    #[serde(default = "defaults::yes")]
    pub replies: bool,
    /// What the network speaks, with its addresses.
    #[serde(flatten)]
    pub kind: NetworkKind,
}

impl NetworkConfig {
    /// What our pages and mails call the network: its configured name, else `X`, else its id.
    pub fn display_name(&self) -> &str {
        match (&self.name, &self.kind) {
            (Some(name), _) => name,
            (None, NetworkKind::X { .. }) => "X",
            (None, NetworkKind::Generic { .. }) => self.id.as_str(),
        }
    }
}

/// What a network speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum NetworkKind {
    /// The bring-your-own-network door: Standard Webhooks in and out.
    Generic {
        /// Where our signed replies are posted.
        callback_url: Url,
        /// Where a post can be read as JSON, with `{id}` in it; without it only posts delivered
        /// inline are known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        post_url: Option<String>,
        /// Where the network signs a shopper in and sends them on to us; the address of its
        /// "link my account" page.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        link_url: Option<Url>,
        /// The length of a reply in characters (graphemes).
        #[serde(default = "defaults::generic_length")]
        reply_length: u32,
    },
    /// X.
    X {
        /// The API's address.
        #[serde(default = "defaults::x_api")]
        api_url: Url,
        /// The web's address, for sign-in and links to posts.
        #[serde(default = "defaults::x_web")]
        web_url: Url,
    },
}

/// Limits; each default is the value that the documentation names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The most of one variant in a cart.
    pub quantity_cap: u32,
    /// The most lines of a cart, per marketplace.
    pub cart_lines: u32,
    /// The most commands of one customer in an hour.
    pub commands_per_hour: u32,
    /// The most lines taken from one post.
    pub lines_per_post: u16,
    /// How old a post may be, in days.
    pub acceptance_days: u16,
    /// How long a command of an unlinked shopper is kept, in days.
    pub parking_days: u16,
    /// How many days pass between two prompts to link.
    pub prompt_days: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            quantity_cap: 10,
            cart_lines: 100,
            commands_per_hour: 60,
            lines_per_post: 10,
            acceptance_days: 90,
            parking_days: 30,
            prompt_days: 7,
        }
    }
}

/// What a product without a price policy of its own follows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MapDefaults {
    /// Where prices may be shown.
    pub price_exposure: PriceExposure,
}

/// A campaign: who gets the credit for what is added while it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// A further hashtag without `#` that names it in a post.
    pub tag: String,
    /// From when; in TOML a date and time with its offset.
    #[serde(
        default,
        deserialize_with = "load::moment::deserialize",
        skip_serializing_if = "Option::is_none"
    )]
    pub from: Option<Timestamp>,
    /// Until when.
    #[serde(
        default,
        deserialize_with = "load::moment::deserialize",
        skip_serializing_if = "Option::is_none"
    )]
    pub until: Option<Timestamp>,
}

/// What is wrong with a key of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigProblem {
    /// The key, dotted, with indexes from 0: `marketplaces[1].cart_tags[0]`. Empty where the file as a
    /// whole can't be read.
    pub key: String,
    /// What is wrong and how to mend it.
    pub problem: String,
    /// The line in the file, from 1, where it is known.
    pub line: Option<usize>,
}

/// `line 7: marketplaces[0].id: what is wrong`.
impl std::fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.problem)
    }
}

impl Storefront {
    /// The marketplace of this id.
    pub fn marketplace(&self, id: &MarketplaceId) -> Option<&Marketplace> {
        self.marketplaces.iter().find(|m| m.id == *id)
    }

    /// The network of this id.
    pub fn network(&self, id: &NetworkId) -> Option<&NetworkConfig> {
        self.networks.iter().find(|n| n.id == *id)
    }
}

mod defaults {
    use url::Url;

    use crate::ids::Lang;

    #[expect(clippy::expect_used, reason = "a constant that the test below reads")]
    pub(super) fn language() -> Lang {
        Lang::parse("en").expect("a language")
    }

    pub(super) fn yes() -> bool {
        true
    }

    pub(super) fn checkout_item() -> String {
        "{variant}:{quantity}".to_owned()
    }

    pub(super) fn checkout_separator() -> String {
        ",".to_owned()
    }

    pub(super) fn generic_length() -> u32 {
        500
    }

    #[expect(clippy::expect_used, reason = "a constant that the test below reads")]
    pub(super) fn x_api() -> Url {
        Url::parse("https://api.x.com/").expect("an address")
    }

    #[expect(clippy::expect_used, reason = "a constant that the test below reads")]
    pub(super) fn x_web() -> Url {
        Url::parse("https://x.com/").expect("an address")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid() {
        assert_eq!(defaults::language().as_str(), "en");
        assert_eq!(defaults::x_api().host_str(), Some("api.x.com"));
        assert_eq!(defaults::x_web().host_str(), Some("x.com"));
    }

    #[test]
    fn networks_read_and_refuse_unknown_keys() {
        let read = |more: &str| {
            let json = format!(r#"{{"id":"x","bot_handle":"acme","bot_id":"1","kind":"x"{more}}}"#);
            serde_json::from_str::<NetworkConfig>(&json)
        };
        let config = read(r#","api_url":"https://api.example/""#).unwrap();
        assert!(
            matches!(config.kind, NetworkKind::X { api_url, .. } if api_url.as_str() == "https://api.example/")
        );
        assert!(read(r#","replys":false"#).is_err());
        assert!(read(r#","callback_url":"https://a.example/""#).is_err());
    }
}
