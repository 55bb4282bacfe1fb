//! The page about the configuration and the loader say the same.

use std::collections::{BTreeMap, BTreeSet};

use domain::storefront::Storefront;
use serde_json::Value;

const PAGE: &str = include_str!("../../../docs/CONFIGURATION.md");

/// A storefront with nothing but what is required, of each platform and kind.
const BARE: [&str; 2] = [
    r#"
brand = "Acme"
marketplaces = [{ id = "us", cart_tags = ["A"], hosts = ["acme.example"], currency = "USD", shop = { platform = "template", checkout_url = "https://acme.example/?{items}" } }]
networks = [{ id = "forum", kind = "generic", bot_handle = "acme", bot_id = "acme", callback_url = "https://forum.example/" }]
campaigns = [{ id = "autumn", tag = "Autumn" }]
"#,
    r#"
brand = "Acme"
marketplaces = [{ id = "us", cart_tags = ["A"], hosts = ["acme.example"], currency = "USD", shop = { platform = "amazon" } }]
networks = [{ id = "x", kind = "x", bot_handle = "acme", bot_id = "1" }]
"#,
];

/// Every key of a storefront with its value; those of list items stand under the list's own key.
fn keys(storefront: &Storefront) -> BTreeMap<String, Value> {
    let mut keys = BTreeMap::new();
    collect(String::new(), &serde_json::to_value(storefront).unwrap(), &mut keys);
    keys
}

fn collect(key: String, value: &Value, keys: &mut BTreeMap<String, Value>) {
    let below = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| collect(below(name), value, keys)),
        Value::Array(items) if items.iter().any(Value::is_object) => {
            items.iter().for_each(|item| collect(key.clone(), item, keys));
        }
        Value::Null => {}
        value => {
            keys.insert(key, value.clone());
        }
    }
}

fn read(text: &str) -> Storefront {
    Storefront::from_toml(text, false).unwrap()
}

/// The keys that the page explains, with what it calls their default.
fn explained() -> BTreeMap<String, String> {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"));
    let mut explained = BTreeMap::new();
    for row in rows {
        let (key, rest) = row.split_once("` | ").unwrap();
        let (what, default) = rest.rsplit_once(" | ").unwrap();
        if key.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == '.') && what.ends_with('.') {
            assert!(explained.insert(key.to_owned(), default.to_owned()).is_none(), "{key} stands twice");
        }
    }
    explained
}

#[test]
fn the_example_spells_out_every_key_and_the_page_explains_it() {
    let example = PAGE.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let loaded: BTreeSet<String> = keys(&read(example)).into_keys().collect();
    let explained: BTreeSet<String> = explained().into_keys().collect();
    assert_eq!(loaded, explained, "left: what the example sets; right: what the tables explain");
    // What the example leaves out the loader adds with its default, so both sets are complete only if each
    // key stands in the example's text.
    for key in explained {
        let name = key.rsplit('.').next().unwrap();
        assert!(example.lines().any(|line| line.starts_with(&format!("{name} = "))), "{key}");
    }
}

#[test]
fn the_defaults_are_the_loaders() {
    let bare: Vec<BTreeMap<String, Value>> = BARE.iter().map(|text| keys(&read(text))).collect();
    for (key, default) in explained() {
        let found = bare.iter().find_map(|keys| keys.get(&key));
        let name = key.rsplit('.').next().unwrap();
        let is_written = BARE.iter().any(|text| text.contains(&format!("{name} = ")));
        match default.as_str() {
            "required" => assert!(is_written, "{key} is said to be required"),
            "none" => assert_eq!(found, None, "{key}"),
            default => {
                let value = default.strip_prefix('`').unwrap().strip_suffix('`').unwrap();
                let value: toml::Table = format!("value = {value}").parse().unwrap();
                let value = serde_json::to_value(&value["value"]).unwrap();
                assert_eq!(found, Some(&value), "{key}");
            }
        }
    }
}

#[test]
fn what_is_required_can_not_be_left_out() {
    let required = explained().into_iter().filter(|(_, default)| default == "required");
    let mut left_out = 0;
    for name in required.map(|(key, _)| key.rsplit('.').next().unwrap().to_owned()) {
        for text in BARE {
            let start = format!("{name} = ");
            let Some(at) = text.find(&start) else { continue };
            let without = format!("{}unknown_{}", &text[..at], &text[at..]);
            assert!(Storefront::from_toml(&without, false).is_err(), "{name}");
            left_out += 1;
        }
    }
    assert!(left_out > 12, "{left_out}");
}
