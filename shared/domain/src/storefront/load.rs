//! `storefront.toml`: read, checked, and every problem with its key and line.

use std::fmt;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{ConfigProblem, NetworkConfig, Shop, Storefront};

/// What is wrong with a configuration; at least one problem.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors(Vec<ConfigProblem>);

impl ConfigErrors {
    /// The problems, in the order of the file as far as their lines are known.
    pub fn problems(&self) -> &[ConfigProblem] {
        &self.0
    }
}

/// One problem a line.
impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl Storefront {
    /// Reads and checks a `storefront.toml`. `local` as for [`Storefront::check`].
    ///
    /// # Errors
    /// When it is not TOML, when a key is missing, unknown or of another type (the first one is named),
    /// or when [`Storefront::check`] finds problems (all are named).
    pub fn from_toml(text: &str, local: bool) -> Result<Self, ConfigErrors> {
        let document = DeTable::parse(text).map_err(|error| {
            let line = error.span().map(|span| line_at(text, span.start));
            ConfigErrors(vec![ConfigProblem { key: String::new(), problem: one_line(error.message()), line }])
        })?;
        let storefront: Self = serde_path_to_error::deserialize(toml::Deserializer::from(document.clone()))
            .map_err(|error| ConfigErrors(vec![misread(text, &document, &error)]))?;
        let mut problems = storefront.check(local);
        for problem in &mut problems {
            problem.line = find(document.get_ref(), &problem.key).map(|place| line_at(text, place.start));
        }
        problems.sort_by_key(|problem| problem.line);
        if problems.is_empty() { Ok(storefront) } else { Err(ConfigErrors(problems)) }
    }
}

/// The problem with a key that could not be read.
fn misread(
    text: &str,
    document: &Spanned<DeTable<'_>>,
    error: &serde_path_to_error::Error<toml::de::Error>,
) -> ConfigProblem {
    let message = one_line(error.inner().message());
    let mut key = error.path().to_string();
    if key == "." {
        key.clear();
    }
    let named = named_in(&message).or_else(|| culprit(text, &key, &message));
    if let Some(named) = named.filter(|named| key.rsplit('.').next() != Some(named)) {
        key = if key.is_empty() { named } else { format!("{key}.{named}") };
    }
    let place =
        find(document.get_ref(), &key).map(|span| span.start).or(error.inner().span().map(|span| span.start));
    ConfigProblem { key, problem: message, line: place.map(|place| line_at(text, place)) }
}

/// The key that a message of serde names: ``unknown field `x` ``, ``missing field `x` ``.
fn named_in(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field `").or_else(|| message.strip_prefix("missing field `"))?;
    Some(rest.split_once('`')?.0.to_owned())
}

/// The key of a network or shop whose value was refused. Their keys depend on their kind, so serde reads
/// them in two steps and forgets the key between: it is the one without which the message is another.
fn culprit(text: &str, key: &str, message: &str) -> Option<String> {
    let document: toml::Table = text.parse().ok()?;
    let (list, rest) = key.split_once('[')?;
    let (index, rest) = rest.split_once(']')?;
    let table = document.get(list)?.get(index.parse::<usize>().ok()?)?;
    match (list, rest) {
        ("networks", "") if message.starts_with("unknown variant") => Some("kind".to_owned()),
        ("networks", "") => needed_for::<NetworkConfig>(table.as_table()?, NETWORK_KEYS, message),
        ("marketplaces", ".shop") => {
            needed_for::<Shop>(table.get("shop")?.as_table()?, &["platform"], message)
        }
        _ => None,
    }
}

/// The keys that every network has: serde names them itself.
const NETWORK_KEYS: &[&str] = &["id", "name", "bot_handle", "bot_id", "replies", "kind"];

fn needed_for<T: DeserializeOwned>(table: &toml::Table, named: &[&str], message: &str) -> Option<String> {
    let changes = |key: &&String| {
        let mut without = table.clone();
        without.remove(key.as_str());
        let result: Result<T, _> = without.try_into();
        !result.is_err_and(|error: toml::de::Error| one_line(error.message()) == message)
    };
    table.keys().filter(|key| !named.contains(&key.as_str())).find(changes).cloned()
}

/// Where the key of this path (`marketplaces[1].cart_tags[0]`) stands; where it is absent, the nearest
/// table or list around it. `None` for the document itself.
fn find(document: &DeTable<'_>, path: &str) -> Option<std::ops::Range<usize>> {
    let mut found = None;
    let mut table = Some(document);
    for part in path.split('.') {
        let (name, indexes) = part.split_once('[').unwrap_or((part, ""));
        let Some((key, mut value)) =
            table.and_then(|table| table.iter().find(|(key, _)| key.get_ref() == name))
        else {
            break;
        };
        found = Some(key.span());
        for index in indexes.split('[').filter_map(|index| index.strip_suffix(']')?.parse::<usize>().ok()) {
            let Some(item) = value.get_ref().as_array().and_then(|items| items.get(index)) else { break };
            (found, value) = (Some(item.span()), item);
        }
        table = match value.get_ref() {
            DeValue::Table(table) => Some(table),
            _ => None,
        };
    }
    found
}

fn line_at(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Moments in the configuration: TOML's own date and time (`2026-11-21T00:00:00Z`), the same as text, or
/// milliseconds as on the wire.
pub(super) mod moment {
    use serde::de::{Deserializer, Error, MapAccess, Visitor};

    use crate::time::Timestamp;

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        d.deserialize_any(Moment)
    }

    struct Moment;

    impl<'de> Visitor<'de> for Moment {
        type Value = Option<Timestamp>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a date and time with its offset, as in 2026-11-21T00:00:00Z")
        }

        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_u64<E: Error>(self, ms: u64) -> Result<Self::Value, E> {
            Ok(Some(Timestamp::from_millis(ms)))
        }

        fn visit_i64<E: Error>(self, ms: i64) -> Result<Self::Value, E> {
            u64::try_from(ms).map(|ms| Some(Timestamp::from_millis(ms))).map_err(|_| E::custom("before 1970"))
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            let expected = "not a date and time with its offset, as in 2026-11-21T00:00:00Z";
            Timestamp::parse_rfc3339(text).map(Some).map_err(|_| E::custom(expected))
        }

        /// TOML's date and time, as the toml crate hands it over.
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            let at: toml::value::Datetime =
                serde::Deserialize::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
            self.visit_str(&at.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    const GOOD: &str = r#"brand = "Acme"
short_link_hosts = ["go.acme.example"]

[[marketplaces]]
id = "us"
cart_tags = ["AcmeCart"]
wish_tags = ["AcmeWish"]
hosts = ["acme.example"]
currency = "USD"
languages = ["en"]
feed = "feeds/us.tsv"

[marketplaces.shop]
platform = "template"
checkout_url = "https://acme.example/cart?items={items}"

[[marketplaces]]
id = "uk"
cart_tags = ["AcmeBasket"]
hosts = ["amazon.co.uk"]
currency = "GBP"
shop = { platform = "amazon", associate_tag = "acme-21" }

[[networks]]
id = "square"
kind = "generic"
bot_handle = "acme"
bot_id = "1"
callback_url = "https://square.example/replies"
post_url = "https://square.example/posts/{id}"

[limits]
quantity_cap = 10

[[campaigns]]
id = "autumn"
tag = "AcmeAutumn"
from = 2026-09-01T00:00:00+02:00
until = "2026-12-01T00:00:00Z"
"#;

    /// The problems after replacing `from` by `to`, one a line.
    fn problems(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "{from}");
        let text = GOOD.replacen(from, to, 1);
        match Storefront::from_toml(&text, false) {
            Ok(_) => String::new(),
            Err(errors) => errors.to_string(),
        }
    }

    #[test]
    fn a_good_one_is_read() {
        let storefront = Storefront::from_toml(GOOD, false).unwrap();
        assert_eq!(storefront.marketplaces.len(), 2);
        let campaign = &storefront.campaigns[0];
        assert_eq!(campaign.from, Timestamp::parse_rfc3339("2026-08-31T22:00:00Z").ok());
        assert_eq!(campaign.until, Timestamp::parse_rfc3339("2026-12-01T00:00:00Z").ok());
        let stored = serde_json::to_string(&storefront).unwrap();
        assert_eq!(serde_json::from_str::<Storefront>(&stored).unwrap(), storefront);
    }

    #[test]
    fn what_cannot_be_read_has_its_key_and_line() {
        for (from, to, expected) in [
            ("brand = \"Acme\"", "brand = ", "line 1: "),
            ("brand = \"Acme\"", "brand = 5", "line 1: brand: invalid type"),
            ("brand", "brands", "line 1: brands: unknown field `brands`"),
            ("brand = \"Acme\"\n", "", "line 1: brand: missing field `brand`"),
            ("hosts = [\"acme.example\"]\n", "", "line 4: marketplaces[0].hosts: missing field `hosts`"),
            ("hosts = [\"acme.example\"]", "hosts = [5]", "line 8: marketplaces[0].hosts[0]: invalid type"),
            ("wish_tags", "wish_tag", "line 7: marketplaces[0].wish_tag: unknown field `wish_tag`"),
            (
                "languages = [\"en\"]",
                "languages = [\"english\"]",
                "line 10: marketplaces[0].languages[0]: not a language tag",
            ),
            ("checkout_url", "checkout_uri", "line 15: marketplaces[0].shop.checkout_uri: unknown field"),
            (
                "platform = \"template\"",
                "platform = \"magento\"",
                "line 14: marketplaces[0].shop.platform: unknown variant",
            ),
            (
                "associate_tag = \"acme-21\"",
                "associate_tag = 21",
                "line 22: marketplaces[1].shop.associate_tag: invalid type",
            ),
            ("callback_url = \"https", "callback_url = \"//", "line 29: networks[0].callback_url: "),
            ("callback_url", "callback_uri", "line 29: networks[0].callback_uri: unknown field"),
            ("kind = \"generic\"", "kind = \"fax\"", "line 26: networks[0].kind: unknown variant"),
            ("quantity_cap = 10", "quantity_cap = -1", "line 33: limits.quantity_cap: invalid value"),
            ("quantity_cap", "quantity", "line 33: limits.quantity: unknown field"),
            ("2026-09-01T00:00:00+02:00", "2026-09-01", "line 38: campaigns[0].from: not a date and time"),
            ("[limits]", "[limits", "line 32: "),
        ] {
            let found = problems(from, to);
            assert!(found.starts_with(expected), "{to}: {found}");
        }
    }

    #[test]
    fn every_rule_has_its_key_and_line() {
        for (from, to, expected) in [
            ("\"Acme\"", "\" \"", "line 1: brand: is empty"),
            (
                "go.acme.example",
                "https://go.acme.example",
                "line 2: short_link_hosts[0]: write the bare host",
            ),
            (
                "go.acme.example",
                "acme.example",
                "line 2: short_link_hosts[0]: this host is in marketplaces[0].hosts[0]",
            ),
            ("id = \"us\"", "id = \"US\"", "line 5: marketplaces[0].id: must be 1 to 32 lower-case"),
            ("id = \"us\"", "id = \"\"", "line 5: marketplaces[0].id: must be"),
            ("id = \"us\"", "id = \"a#b\"", "line 5: marketplaces[0].id: must be"),
            (
                "id = \"uk\"",
                "id = \"us\"",
                "line 18: marketplaces[1].id: this marketplace id is in marketplaces[0].id",
            ),
            ("[\"AcmeCart\"]", "[]", "line 6: marketplaces[0].cart_tags: is empty"),
            (
                "\"AcmeCart\"",
                "\"#AcmeCart\"",
                "line 6: marketplaces[0].cart_tags[0]: write the hashtag without",
            ),
            (
                "\"AcmeCart\"",
                "\"Acme-Cart\"",
                "line 6: marketplaces[0].cart_tags[0]: networks take no such hashtag",
            ),
            ("\"AcmeCart\"", "\"2026\"", "line 6: marketplaces[0].cart_tags[0]: networks take"),
            (
                "\"AcmeWish\"",
                "\"ＡcmeＣart\"",
                "line 7: marketplaces[0].wish_tags[0]: this hashtag is in marketplaces[0].cart_tags[0]",
            ),
            ("\"AcmeBasket\"", "\"acmecart\"", "line 19: marketplaces[1].cart_tags[0]: this hashtag is in"),
            ("tag = \"AcmeAutumn\"", "tag = \"acmewish\"", "line 37: campaigns[0].tag: this hashtag is in"),
            ("[\"acme.example\"]", "[]", "line 8: marketplaces[0].hosts: is empty"),
            (
                "[\"acme.example\"]",
                "[\"Acme.example\"]",
                "line 8: marketplaces[0].hosts[0]: write it in lower case",
            ),
            (
                "[\"acme.example\"]",
                "[\"acme.example:80\"]",
                "line 8: marketplaces[0].hosts[0]: write the bare host",
            ),
            ("[\"acme.example\"]", "[\"acme\"]", "line 8: marketplaces[0].hosts[0]: is no host's name"),
            (
                "[\"acme.example\"]",
                "[\"acme shop.example\"]",
                "line 8: marketplaces[0].hosts[0]: is no host's name",
            ),
            ("[\"acme.example\"]", "[\"127.0.0.1\"]", "line 8: marketplaces[0].hosts[0]: is no host's name"),
            ("\"USD\"", "\"DOLLAR\"", "line 9: marketplaces[0].currency: is no currency"),
            (
                "[\"en\"]",
                "[\"en\", \"tlh\"]",
                "line 10: marketplaces[0].languages[1]: is not spoken yet; choose from en, de, es, fr",
            ),
            ("feeds/us.tsv", "ftp://acme.example/us.tsv", "line 11: marketplaces[0].feed: must be an https"),
            (
                "https://acme.example/cart",
                "http://acme.example/cart",
                "line 15: marketplaces[0].shop.checkout_url: must be an https",
            ),
            (
                "https://acme.example/cart?items={items}",
                "cart?items={items}",
                "line 15: marketplaces[0].shop.checkout_url: must be an https",
            ),
            ("items={items}", "items", "line 15: marketplaces[0].shop.checkout_url: must hold `{items}`"),
            (
                "items={items}",
                "items={items}&for={shopper}",
                "line 15: marketplaces[0].shop.checkout_url: may hold no other braces",
            ),
            (
                "{items}\"",
                "{items}\"\ncheckout_item = \"{sku}\"",
                "line 16: marketplaces[0].shop.checkout_item: must hold `{variant}`",
            ),
            (
                "{items}\"",
                "{items}\"\ncheckout_separator = \"\"",
                "line 16: marketplaces[0].shop.checkout_separator: is empty",
            ),
            (
                "{items}\"",
                "{items}\"\naffiliate_parameter = \"a=\"",
                "line 16: marketplaces[0].shop.affiliate_parameter: must be the bare",
            ),
            (
                "{items}\"",
                "{items}\"\nproduct_parameters = [\"id\"]\naffiliate_parameter = \"id\"",
                "line 17: marketplaces[0].shop.affiliate_parameter: names a product",
            ),
            ("acme-21", "acme 21", "line 22: marketplaces[1].shop.associate_tag: must be letters"),
            ("id = \"square\"", "id = \"page\"", "line 25: networks[0].id: means something else"),
            ("id = \"square\"", "id = \"session\"", "line 25: networks[0].id: means something else"),
            ("bot_handle = \"acme\"", "bot_handle = \"@acme\"", "line 27: networks[0].bot_handle: must be"),
            ("bot_id = \"1\"", "bot_id = \"\"", "line 28: networks[0].bot_id: is empty"),
            (
                "https://square.example/replies",
                "http://square.example/replies",
                "line 29: networks[0].callback_url: must be an https",
            ),
            (
                "https://square.example/replies",
                "https://me:pw@square.example/",
                "line 29: networks[0].callback_url: must hold no user",
            ),
            ("posts/{id}", "posts", "line 30: networks[0].post_url: must hold `{id}`"),
            ("quantity_cap = 10", "quantity_cap = 0", "line 33: limits.quantity_cap: must be at least 1"),
            (
                "quantity_cap = 10",
                "acceptance_days = 91",
                "line 33: limits.acceptance_days: must be at most 90",
            ),
            ("id = \"autumn\"", "id = \"Autumn\"", "line 36: campaigns[0].id: must be"),
            ("2026-12-01", "2026-06-01", "line 39: campaigns[0].until: must be after `from`"),
        ] {
            let found = problems(from, to);
            assert!(found.lines().any(|line| line.starts_with(expected)), "{to}: {found}");
        }
    }

    #[test]
    fn all_problems_come_at_once_in_order() {
        let text = GOOD
            .replace("\"USD\"", "\"X\"")
            .replace("\"Acme\"", "\"\"")
            .replace("quantity_cap = 10", "cart_lines = 0");
        let errors = Storefront::from_toml(&text, false).unwrap_err();
        let lines: Vec<Option<usize>> = errors.problems().iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [Some(1), Some(9), Some(33)]);
        assert!(Storefront::from_toml("brand = \"A\"\nmarketplaces = []\nnetworks = []", false).unwrap_err().to_string().contains(
            "line 2: marketplaces: is empty; name at least one marketplace\nline 3: networks: is empty"
        ));
    }

    #[test]
    fn only_the_local_stack_may_use_plain_http_to_itself() {
        let text = GOOD
            .replace("https://square.example/replies", "http://127.0.0.1:4000/replies")
            .replace("https://square.example/posts", "http://localhost:4000/posts")
            .replace("https://acme.example/cart", "http://shop.localhost/cart");
        assert!(Storefront::from_toml(&text, true).is_ok());
        assert_eq!(Storefront::from_toml(&text, false).unwrap_err().problems().len(), 3);
        let elsewhere = GOOD.replace("https://acme.example/cart", "http://acme.example/cart");
        assert!(Storefront::from_toml(&elsewhere, true).is_err());
    }
}
