//! Items of the tables as files: the JSON of DynamoDB's API.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Context as _, bail};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// An item: attributes by name.
pub type Item = HashMap<String, AttributeValue>;

/// Every kind of item, by its table: the names of the golden files.
pub const KINDS: [&str; 25] = [
    "carts.account",
    "carts.base",
    "carts.entry",
    "carts.profile",
    "carts.suppressed",
    "catalog.imported",
    "catalog.variant",
    "catalog.variant-vanished",
    "deliveries.erased",
    "deliveries.notice-claimed",
    "deliveries.notice-done",
    "ledger.row",
    "links.customer",
    "links.link",
    "links.once",
    "links.once-first-comer",
    "links.parked",
    "links.prompt",
    "links.rate",
    "links.session",
    "links.stop",
    "settings.blocked",
    "settings.pause",
    "settings.storefront",
    "settings.storefront-version",
];

/// The kind of an item, one of [`KINDS`]; `None` for one that has no name here, and so no golden file.
pub fn kind(table: &str, item: &Item) -> Option<&'static str> {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str);
    let has = |name: &str| item.contains_key(name);
    let (pk, sk) = (text("pk"), text("sk"));
    let name = match (table, sk, sk.split_once('#').map_or("", |(front, _)| front)) {
        ("carts", "PROFILE", _) => "carts.profile",
        ("carts", "BASE", _) => "carts.base",
        ("carts", "SUPPRESSED", _) => "carts.suppressed",
        ("carts", _, "LINK") => "carts.account",
        ("carts", _, "CMD") => "carts.entry",
        ("catalog", ..) if pk == "imported" => "catalog.imported",
        ("catalog", ..) if has("vanished") => "catalog.variant-vanished",
        ("catalog", ..) => "catalog.variant",
        ("deliveries", "ERASED", _) => "deliveries.erased",
        ("deliveries", _, "NOTICE") if has("reply") => "deliveries.notice-done",
        ("deliveries", _, "NOTICE") => "deliveries.notice-claimed",
        ("ledger", ..) => "ledger.row",
        ("links", "LINK", _) => "links.link",
        ("links", "STOP", _) => "links.stop",
        ("links", "PROMPT", _) => "links.prompt",
        ("links", "CUSTOMER", _) => "links.customer",
        ("links", "SESSION", _) => "links.session",
        ("links", "ONCE", _) if has("body") => "links.once",
        ("links", "ONCE", _) => "links.once-first-comer",
        ("links", _, "RATE") => "links.rate",
        ("links", _, "PARKED") => "links.parked",
        ("settings", "CURRENT", _) => "settings.storefront",
        ("settings", "PAUSE", _) => "settings.pause",
        ("settings", _, "V") => "settings.storefront-version",
        ("settings", ..) if pk == "block" => "settings.blocked",
        _ => return None,
    };
    Some(name)
}

/// The kinds of the items that the local stack holds.
///
/// # Errors
/// When a table can't be read, or holds an item that has no kind and so no golden file.
pub async fn kinds_of_stack(account: &emulator::Account) -> anyhow::Result<BTreeSet<&'static str>> {
    let client = aws_sdk_dynamodb::Client::new(&account.sdk_config());
    let mut found = BTreeSet::new();
    for table in ["carts", "catalog", "deliveries", "ledger", "links", "settings"] {
        let mut pages =
            client.scan().table_name(format!("hashcart-local-{table}")).into_paginator().items().send();
        while let Some(item) = pages.next().await {
            let item = item?;
            let named = kind(table, &item).with_context(|| {
                let key = (item.get("pk"), item.get("sk"));
                format!("{table} holds an item of a kind without a golden file: {key:?}")
            })?;
            found.insert(named);
        }
    }
    Ok(found)
}

/// Reads an item from DynamoDB's JSON: texts, numbers, flags, bytes and sets of texts, which are all
/// that we keep.
///
/// # Errors
/// When it holds anything else.
pub fn from_json(json: &Value) -> anyhow::Result<Item> {
    let attributes = json.as_object().context("an item is an object")?;
    attributes.iter().map(|(name, value)| Ok((name.clone(), value_of(name, value)?))).collect()
}

fn value_of(name: &str, value: &Value) -> anyhow::Result<AttributeValue> {
    let typed = value.as_object().filter(|typed| typed.len() == 1).and_then(|typed| typed.iter().next());
    let text =
        |value: &Value| value.as_str().map(str::to_owned).with_context(|| format!("{name} holds no text"));
    match typed.with_context(|| format!("{name} has no type"))? {
        (kind, value) if kind == "S" => Ok(AttributeValue::S(text(value)?)),
        (kind, value) if kind == "N" => Ok(AttributeValue::N(text(value)?)),
        (kind, Value::Bool(value)) if kind == "BOOL" => Ok(AttributeValue::Bool(*value)),
        (kind, value) if kind == "B" => Ok(AttributeValue::B(Blob::new(STANDARD.decode(text(value)?)?))),
        (kind, Value::Array(values)) if kind == "SS" => {
            Ok(AttributeValue::Ss(values.iter().map(text).collect::<Result<_, _>>()?))
        }
        (kind, _) => bail!("{name} is of a type that no item of ours has: {kind}"),
    }
}

/// Writes an item as DynamoDB's JSON, its attributes in the order of their names.
///
/// # Errors
/// When it holds what [`from_json`] can't read.
pub fn to_json(item: &Item) -> anyhow::Result<Value> {
    let sorted: BTreeMap<&String, &AttributeValue> = item.iter().collect();
    let mut attributes = serde_json::Map::new();
    for (name, value) in sorted {
        let value = match value {
            AttributeValue::S(text) => json!({ "S": text }),
            AttributeValue::N(digits) => json!({ "N": digits }),
            AttributeValue::Bool(flag) => json!({ "BOOL": flag }),
            AttributeValue::B(bytes) => json!({ "B": STANDARD.encode(bytes) }),
            AttributeValue::Ss(texts) => json!({ "SS": texts }),
            _ => bail!("{name} is of a type that no item of ours has"),
        };
        attributes.insert(name.clone(), value);
    }
    Ok(Value::Object(attributes))
}
