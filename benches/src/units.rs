//! DynamoDB's capacity units, from the items that a request touches (Amazon DynamoDB Developer Guide,
//! "Capacity unit consumption", "Item sizes and formats").

use std::ops::AddAssign;

use ::tests::faults::dynamodb::Write;
use ::tests::faults::expression::{Item, Value, item};
use serde_json::Value as Json;

/// What requests consume and touch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Units {
    /// Read request units.
    pub read: f64,
    /// Write request units.
    pub written: f64,
    /// Items that came back.
    pub items_read: u64,
    /// Items that were written or deleted.
    pub items_written: u64,
}

impl AddAssign for Units {
    fn add_assign(&mut self, other: Self) {
        self.read += other.read;
        self.written += other.written;
        self.items_read += other.items_read;
        self.items_written += other.items_written;
    }
}

/// The size of an item in bytes: names and values.
pub fn size(item: &Item) -> u64 {
    let bytes: usize = item.iter().map(|(name, value)| name.len() + value_size(value)).sum();
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// A number takes about a byte for two digits and one more.
fn value_size(value: &Value) -> usize {
    match value {
        Value::S(text) => text.len(),
        Value::N(number) => number.to_string().len().div_ceil(2) + 1,
        Value::Bool(_) => 1,
        Value::Ss(texts) => 3 + texts.iter().map(|text| text.len() + 1).sum::<usize>(),
        Value::B(base64) => base64.len() / 4 * 3,
    }
}

/// Units of so many bytes, at least one.
fn blocks(bytes: u64, block: u64) -> f64 {
    f64::from(u32::try_from(bytes.div_ceil(block).max(1)).unwrap_or(u32::MAX))
}

const READ_BLOCK: u64 = 4096;
const WRITE_BLOCK: u64 = 1024;

/// What a request that was answered consumes.
pub fn of(operation: &str, asked: &Json, answer: &Json, writes: &[Write]) -> Units {
    let each = |write: &Write| {
        let larger = write.old.iter().chain(&write.new).map(size).max().unwrap_or(0);
        blocks(larger, WRITE_BLOCK)
    };
    let written = Units {
        written: writes.iter().map(each).sum::<f64>()
            * if operation.starts_with("Transact") { 2.0 } else { 1.0 },
        items_written: count(writes.len()),
        ..Units::default()
    };
    match operation {
        "GetItem" => {
            let found = answer.get("Item").map(|found| size(&item(found)));
            Units {
                read: blocks(found.unwrap_or(0), READ_BLOCK),
                items_read: count(found.iter().len()),
                ..written
            }
        }
        "BatchGetItem" => batch_get(asked, answer),
        "Query" => {
            let found: Vec<u64> =
                answer["Items"].as_array().into_iter().flatten().map(|i| size(&item(i))).collect();
            // A query is counted as one: the sizes are added up before they are rounded.
            let strong = blocks(found.iter().sum(), READ_BLOCK);
            let read = if asked["ConsistentRead"] == true { strong } else { strong / 2.0 };
            Units { read, items_read: count(found.len()), ..written }
        }
        _ => written,
    }
}

/// Each item is rounded by itself; one that isn't there counts as the smallest.
fn batch_get(asked: &Json, answer: &Json) -> Units {
    let keys = asked["RequestItems"].as_object().into_iter().flatten();
    let wanted: usize = keys.map(|(_, of)| of["Keys"].as_array().map_or(0, Vec::len)).sum();
    let tables = answer["Responses"].as_object().into_iter().flatten();
    let found: Vec<u64> = tables
        .flat_map(|(_, items)| items.as_array().into_iter().flatten())
        .map(|i| size(&item(i)))
        .collect();
    let read = found.iter().map(|size| blocks(*size, READ_BLOCK)).sum::<f64>();
    let absent = u32::try_from(wanted.saturating_sub(found.len())).unwrap_or(u32::MAX);
    Units { read: read + f64::from(absent), items_read: count(found.len()), ..Units::default() }
}

/// What a write costs whose condition didn't hold: as much as writing the item that is there.
pub fn of_refused<'i>(operation: &str, there: impl Iterator<Item = Option<&'i Item>>) -> Units {
    let each = there.map(|found| blocks(found.map_or(0, size), WRITE_BLOCK)).sum::<f64>();
    Units { written: each * if operation.starts_with("Transact") { 2.0 } else { 1.0 }, ..Units::default() }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stored(letters: usize) -> Json {
        json!({"pk": {"S": "a"}, "sk": {"S": "b"}, "text": {"S": "x".repeat(letters)}})
    }

    fn write(old: Option<usize>, new: Option<usize>) -> Write {
        let (old, new) = (old.map(|o| item(&stored(o))), new.map(|n| item(&stored(n))));
        Write { table: "t".to_owned(), key: ("a".to_owned(), "b".to_owned()), old, new }
    }

    #[test]
    fn names_count_in_an_items_size() {
        assert_eq!(size(&item(&stored(100))), 2 + 1 + 2 + 1 + 4 + 100);
        assert_eq!(size(&item(&json!({"n": {"N": "1234567"}, "b": {"BOOL": true}}))), 1 + 5 + 1 + 1);
    }

    #[test]
    fn reads_are_rounded_up_to_four_kilobytes() {
        let asked = json!({"ConsistentRead": true});
        let query = |letters: &[usize]| {
            let items: Vec<Json> = letters.iter().map(|letters| stored(*letters)).collect();
            of("Query", &asked, &json!({"Items": items}), &[]).read
        };
        assert_eq!(
            (query(&[]), query(&[3000]), query(&[3000, 1000]), query(&[3000, 2000])),
            (1.0, 1.0, 1.0, 2.0)
        );
        let eventual = of("Query", &json!({}), &json!({"Items": [stored(5000)]}), &[]);
        assert_eq!((eventual.read, eventual.items_read), (1.0, 1));
        let keys = json!({"RequestItems": {"t": {"Keys": [1, 2, 3]}}});
        let batch = of("BatchGetItem", &keys, &json!({"Responses": {"t": [stored(10), stored(5000)]}}), &[]);
        assert_eq!((batch.read, batch.items_read), (1.0 + 2.0 + 1.0, 2));
        assert_eq!(of("GetItem", &json!({}), &json!({}), &[]).read, 1.0);
    }

    #[test]
    fn writes_are_rounded_up_to_one_kilobyte_of_the_larger_and_twice_as_much_in_transactions() {
        let put = |writes: &[Write]| of("PutItem", &json!({}), &json!({}), writes).written;
        assert_eq!((put(&[write(None, Some(10))]), put(&[write(Some(1100), Some(10))])), (1.0, 2.0));
        let both = [write(None, Some(10)), write(None, Some(10))];
        assert_eq!(of("TransactWriteItems", &json!({}), &json!({}), &both).written, 4.0);
        assert_eq!(of_refused("PutItem", [Some(&item(&stored(1100)))].into_iter()).written, 2.0);
        assert_eq!(of_refused("PutItem", [None].into_iter()).written, 1.0);
    }
}
