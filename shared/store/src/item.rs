//! How items look: key, version, a JSON document or plain attributes, and an expiry.
//!
//! Objects of the domain are kept as one JSON document in the attribute `body`, in the very form in
//! which they travel on the queues; an attribute of its own is only what a condition, an index or TTL
//! looks at.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::error::StoreError;

/// An item or a key.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The version of the items that this code writes, in the attribute `v`. It reads every version up to it.
pub(crate) const VERSION: u64 = 1;

/// The primary key `pk`, `sk`.
pub(crate) fn key(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    HashMap::from([("pk".to_owned(), string(pk)), ("sk".to_owned(), string(sk))])
}

/// An item without content.
pub(crate) fn bare(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    let mut item = key(pk, sk);
    item.insert("v".to_owned(), number(VERSION));
    item
}

/// An item that holds `body` as JSON.
pub(crate) fn document<T: Serialize>(
    table: &str,
    pk: impl Into<String>,
    sk: impl Into<String>,
    body: &T,
) -> Result<Item, StoreError> {
    let mut item = bare(pk, sk);
    item.insert("body".to_owned(), string(json(table, body)?));
    Ok(item)
}

/// A value as JSON text.
pub(crate) fn json<T: Serialize>(table: &str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|source| StoreError::Encode { table: table.to_owned(), source })
}

/// Adds an expiry to an item: seconds, as DynamoDB's TTL wants them.
pub(crate) fn expiring(mut item: Item, at: Timestamp) -> Item {
    item.insert("expires_at".to_owned(), number(at.as_seconds()));
    item
}

pub(crate) fn string(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Reads an item of a known version; errors say where, never what.
pub(crate) struct Reader<'a> {
    table: &'a str,
    item: &'a Item,
}

impl<'a> Reader<'a> {
    /// Starts to read `item`.
    pub(crate) fn new(table: &'a str, item: &'a Item) -> Result<Self, StoreError> {
        let reader = Self { table, item };
        match reader.number("v")? {
            VERSION => Ok(reader),
            found if found > VERSION => {
                Err(StoreError::Version { table: table.to_owned(), found, reads: VERSION })
            }
            other => Err(reader.wrong("v", &format!("there never was a version {other}"))),
        }
    }

    fn wrong(&self, attribute: &str, what: &str) -> StoreError {
        StoreError::item(self.table, format!("{attribute}: {what}"))
    }

    /// A text that may be absent.
    pub(crate) fn optional(&self, attribute: &str) -> Result<Option<&'a str>, StoreError> {
        match self.item.get(attribute) {
            None => Ok(None),
            Some(AttributeValue::S(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(attribute, "is no text")),
        }
    }

    /// A text.
    pub(crate) fn text(&self, attribute: &str) -> Result<&'a str, StoreError> {
        self.optional(attribute)?.ok_or_else(|| self.wrong(attribute, "is missing"))
    }

    /// A whole number.
    pub(crate) fn number(&self, attribute: &str) -> Result<u64, StoreError> {
        let value = self.item.get(attribute).and_then(|value| value.as_n().ok());
        value
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| self.wrong(attribute, "is missing or no whole number"))
    }

    /// Yes or no.
    pub(crate) fn flag(&self, attribute: &str) -> Result<bool, StoreError> {
        let value = self.item.get(attribute).and_then(|value| value.as_bool().ok());
        value.copied().ok_or_else(|| self.wrong(attribute, "is missing or no flag"))
    }

    /// A moment, kept in milliseconds.
    pub(crate) fn moment(&self, attribute: &str) -> Result<Timestamp, StoreError> {
        self.number(attribute).map(Timestamp::from_millis)
    }

    /// A JSON document.
    pub(crate) fn json<T: DeserializeOwned>(&self, attribute: &str) -> Result<T, StoreError> {
        let mut deserializer = serde_json::Deserializer::from_str(self.text(attribute)?);
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let kind = error.inner().classify();
            match kind {
                Category::Data => {
                    self.wrong(attribute, &format!("can't be read at `{}` ({kind:?})", error.path()))
                }
                // The path may end in a key that isn't one of ours.
                Category::Syntax | Category::Eof | Category::Io => {
                    self.wrong(attribute, &format!("is no JSON ({kind:?})"))
                }
            }
        })
    }

    /// The document in `body`.
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, StoreError> {
        self.json("body")
    }
}

/// The sort key of an item that DynamoDB gave us.
pub(crate) fn sort_key(item: &Item) -> &str {
    item.get("sk").and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

/// The partition key of an item that DynamoDB gave us.
pub(crate) fn partition_key(item: &Item) -> &str {
    item.get("pk").and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

/// Whether an item has not expired at `now`. TTL deletes late, up to days, so it is compared always.
pub(crate) fn is_live(item: &Item, now: Timestamp) -> bool {
    item.get("expires_at")
        .and_then(|value| value.as_n().ok())
        .and_then(|digits| digits.parse::<u64>().ok())
        .is_none_or(|seconds| seconds > now.as_seconds())
}

#[cfg(test)]
mod tests {
    use domain::Retryable;

    use super::*;

    #[test]
    fn unknown_versions_and_broken_documents_are_named_without_their_content() {
        let mut item = document("carts", "c", "CMD#1", &"a secret").unwrap();
        let error = Reader::new("carts", &item).unwrap().body::<u32>().unwrap_err().to_string();
        assert!(error.contains("carts") && error.contains("body") && !error.contains("secret"), "{error}");
        item.insert("v".to_owned(), number(VERSION + 1));
        let later = Reader::new("carts", &item).err().unwrap();
        assert!(matches!(later, StoreError::Version { found: 2, .. }) && later.retryable(), "{later}");
        item.insert("v".to_owned(), number(0));
        assert!(matches!(Reader::new("carts", &item), Err(StoreError::Item { .. })));
        item.remove("v");
        assert!(Reader::new("carts", &item).is_err());
    }

    #[test]
    fn what_has_expired_is_not_live_even_if_it_is_still_there() {
        let at = Timestamp::from_seconds(100);
        let item = expiring(bare("a", "b"), at);
        assert!(is_live(&item, Timestamp::from_millis(99_999)));
        assert!(!is_live(&item, at));
        assert!(is_live(&bare("a", "b"), at));
    }
}
