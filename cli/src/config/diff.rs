//! What is different between two storefronts, by key, and what of it is dangerous.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use domain::storefront::Storefront;
use serde_json::Value;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// The key, with ids in place of indexes: `marketplaces.uk.cart_tags`.
    pub(crate) key: String,
    /// What became of it.
    pub(crate) kind: Kind,
}

/// What became of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is new.
    Added(String),
    /// It is gone.
    Removed(String),
    /// It has another value.
    Changed(String, String),
}

/// `~ limits.quantity_cap: 10 → 12`.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Added(value) => write!(f, "+ {}: {value}", self.key),
            Kind::Removed(value) => write!(f, "- {}: {value}", self.key),
            Kind::Changed(old, new) => write!(f, "~ {}: {old} → {new}", self.key),
        }
    }
}

/// Every difference between two storefronts, in the order of the keys. Keys that are left out count with
/// their defaults. Marketplaces, networks and campaigns are told apart by their ids.
///
/// # Errors
/// Never for a storefront that was read; the type of the serialiser's error.
pub(crate) fn changes(old: &Storefront, new: &Storefront) -> serde_json::Result<Vec<Change>> {
    let (old, new) = (flat(old)?, flat(new)?);
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let changed = keys.into_iter().flat_map(|key| between(key, old.get(key), new.get(key)));
    let order = |change: &Change| (section(&change.key), change.key.clone());
    let mut changes: Vec<Change> = changed.collect();
    changes.sort_by_key(order);
    Ok(changes)
}

/// The file's own order of its sections.
fn section(key: &str) -> usize {
    let first = key.split('.').next();
    ["marketplaces", "networks", "limits", "map", "campaigns"]
        .iter()
        .position(|section| first == Some(section))
        .map_or(0, |position| position + 1)
}

/// What a key holds: one value, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Held {
    One(String),
    List(Vec<String>),
}

fn flat(storefront: &Storefront) -> serde_json::Result<BTreeMap<String, Held>> {
    let mut flat = BTreeMap::new();
    flatten(String::new(), &serde_json::to_value(storefront)?, &mut flat);
    Ok(flat)
}

fn flatten(key: String, value: &Value, into: &mut BTreeMap<String, Held>) {
    let below = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| flatten(below(name), value, into)),
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for item in items {
                let id = item.get("id").and_then(Value::as_str).unwrap_or_default();
                flatten(below(id), item, into);
            }
        }
        Value::Array(items) => {
            into.insert(key, Held::List(items.iter().map(shown).collect()));
        }
        Value::Null => {}
        value => {
            into.insert(key, Held::One(shown(value)));
        }
    }
}

/// A value as the file writes it: texts in quotation marks.
fn shown(value: &Value) -> String {
    value.to_string()
}

fn between(key: &str, old: Option<&Held>, new: Option<&Held>) -> Vec<Change> {
    let change = |kind| Change { key: key.to_owned(), kind };
    match (old, new) {
        (Some(Held::List(old)), Some(Held::List(new))) => lists(old, new).into_iter().map(change).collect(),
        (Some(old), Some(new)) if old == new => Vec::new(),
        (Some(old), Some(new)) => vec![change(Kind::Changed(old.to_string(), new.to_string()))],
        (Some(old), None) => gone(old).map(|old| change(Kind::Removed(old))).into_iter().collect(),
        (None, Some(new)) => gone(new).map(|new| change(Kind::Added(new))).into_iter().collect(),
        (None, None) => Vec::new(),
    }
}

/// The text of a value that only one side has; none of an empty list, which says as much as no list.
fn gone(held: &Held) -> Option<String> {
    (*held != Held::List(Vec::new())).then(|| held.to_string())
}

/// What was added to a list and taken from it; where neither, its order.
fn lists(old: &[String], new: &[String]) -> Vec<Kind> {
    let removed = old.iter().filter(|item| !new.contains(item)).cloned().map(Kind::Removed);
    let added = new.iter().filter(|item| !old.contains(item)).cloned().map(Kind::Added);
    let moved: Vec<Kind> = removed.chain(added).collect();
    if moved.is_empty() && old != new {
        return vec![Kind::Changed(old.join(", "), new.join(", "))];
    }
    moved
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(value) => f.write_str(value),
            Self::List(items) => f.write_str(&items.join(", ")),
        }
    }
}

/// What shoppers or the merchant lose by going from `old` to `new`; each as a sentence.
pub(crate) fn dangers(old: &Storefront, new: &Storefront) -> Vec<String> {
    let mut dangers = Vec::new();
    for marketplace in &old.marketplaces {
        let id = &marketplace.id;
        let Some(now) = new.marketplace(id) else {
            dangers.push(format!(
                "marketplace `{id}` goes, or gets another id: its products, and what lies in carts there, are not \
                 shown any more"
            ));
            continue;
        };
        // A tag may move to another marketplace; then it still means something, but not the same.
        for tag in marketplace.cart_tags.iter().chain(&marketplace.wish_tags) {
            let same = |other: &String| domain::text::fold(other) == domain::text::fold(tag);
            if !now.cart_tags.iter().chain(&now.wish_tags).any(same) {
                dangers
                    .push(format!("#{tag} goes from `{id}`: posts with it are not answered there any more"));
            }
        }
        for host in marketplace.hosts.iter().filter(|host| !now.hosts.contains(host)) {
            dangers.push(format!("host {host} goes from `{id}`: links to it name no product any more"));
        }
        if marketplace.currency != now.currency {
            dangers.push(format!(
                "`{id}` changes its currency: import its feed right after, for the catalogue holds prices in {}",
                marketplace.currency
            ));
        }
        if std::mem::discriminant(&marketplace.shop) != std::mem::discriminant(&now.shop) {
            dangers.push(format!(
                "`{id}` changes its shop platform: products get other ids, so carts lose theirs"
            ));
        }
    }
    for network in &old.networks {
        let id = &network.id;
        match new.network(id) {
            None => dangers.push(format!(
                "network `{id}` goes, or gets another id: its webhooks are refused, and shoppers linked there must \
                 link again"
            )),
            Some(now) if std::mem::discriminant(&network.kind) != std::mem::discriminant(&now.kind) => {
                dangers.push(format!("network `{id}` becomes another kind of network"));
            }
            Some(now) if network.bot_id != now.bot_id => {
                dangers.push(format!("network `{id}` gets another account of ours: its secrets must be that account's"));
            }
            Some(_) => {}
        }
    }
    if new.limits.acceptance_days < old.limits.acceptance_days {
        dangers.push(
            "posts are refused at a younger age: what waits in a dead-letter queue may be too old".to_owned(),
        );
    }
    dangers
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = r#"
brand = "Acme"
[[marketplaces]]
id = "us"
cart_tags = ["AcmeCart", "AcmeKart"]
hosts = ["acme.example"]
currency = "USD"
languages = ["en", "es"]
shop = { platform = "template", checkout_url = "https://acme.example/?{items}" }
[[networks]]
id = "forum"
kind = "generic"
bot_handle = "acme"
bot_id = "acme"
callback_url = "https://forum.example/"
[[networks]]
id = "x"
kind = "x"
bot_handle = "acme"
bot_id = "1"
"#;

    fn read(text: &str) -> Storefront {
        Storefront::from_toml(text, false).unwrap()
    }

    fn told(new: &str) -> (Vec<String>, Vec<String>) {
        let (old, new) = (read(OLD), read(new));
        (changes(&old, &new).unwrap().iter().map(ToString::to_string).collect(), dangers(&old, &new))
    }

    #[test]
    fn the_same_has_no_differences() {
        assert_eq!(told(OLD), (vec![], vec![]));
        let spelled_out = OLD.replace("brand = \"Acme\"", "brand = \"Acme\"\nshort_link_hosts = []\n");
        assert_eq!(told(&spelled_out), (vec![], vec![]), "a default that is written out is no change");
    }

    #[test]
    fn values_lists_and_whole_parts() {
        let new = OLD
            .replace("\"AcmeCart\", \"AcmeKart\"", "\"AcmeCart\", \"AcmeShop\"")
            .replace("[\"en\", \"es\"]", "[\"es\", \"en\"]")
            .replace("bot_id = \"1\"", "bot_id = \"2\"")
            + "[limits]\nquantity_cap = 12\n[[campaigns]]\nid = \"autumn\"\ntag = \"AcmeAutumn\"\n";
        let (changes, dangers) = told(&new);
        assert_eq!(
            changes,
            [
                r#"- marketplaces.us.cart_tags: "AcmeKart""#,
                r#"+ marketplaces.us.cart_tags: "AcmeShop""#,
                r#"~ marketplaces.us.languages: "en", "es" → "es", "en""#,
                r#"~ networks.x.bot_id: "1" → "2""#,
                "~ limits.quantity_cap: 10 → 12",
                r#"+ campaigns.autumn.id: "autumn""#,
                r#"+ campaigns.autumn.tag: "AcmeAutumn""#,
            ]
        );
        assert_eq!(dangers.len(), 2, "{dangers:?}");
        assert!(dangers[0].contains("#AcmeKart") && dangers[1].contains("another account"), "{dangers:?}");
    }

    #[test]
    fn what_shoppers_lose_is_a_danger() {
        for (from, to, danger) in [
            ("id = \"us\"", "id = \"usa\"", "marketplace `us` goes"),
            ("\"acme.example\"]", "\"www.acme.example\"]", "host acme.example goes"),
            ("USD", "CAD", "changes its currency"),
            ("id = \"x\"", "id = \"twitter\"", "network `x` goes"),
            ("\"AcmeKart\"", "\"acmekart\"", ""),
            (
                "platform = \"template\", checkout_url = \"https://acme.example/?{items}\"",
                "platform = \"amazon\"",
                "shop platform",
            ),
            ("bot_id = \"1\"\n", "bot_id = \"1\"\n[limits]\nacceptance_days = 30\n", "younger age"),
        ] {
            let (_, dangers) = told(&OLD.replace(from, to));
            match danger {
                "" => assert_eq!(dangers, Vec::<String>::new(), "{to}"),
                danger => assert!(dangers.iter().any(|found| found.contains(danger)), "{to}: {dangers:?}"),
            }
        }
    }
}
