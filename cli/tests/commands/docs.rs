//! The pages and the program say the same: the configuration's keys, and every command that is written somewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use clap::error::ErrorKind;
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

/// The pages below a folder, and its own.
fn pages(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            into.push(path);
        }
    }
}

/// Every page for those who run Hashcart or work on it.
fn all_pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut all: Vec<PathBuf> = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"]
        .map(|name| root.join(name))
        .to_vec();
    pages(&root.join("docs"), &mut all);
    all
}

/// The texts of a page that a reader may call: what stands in backquotes, and each line of a block of code.
fn code(page: &str) -> Vec<&str> {
    let (mut found, mut in_block) = (Vec::new(), false);
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            found.push(line.trim());
        } else {
            found.extend(line.split('`').skip(1).step_by(2));
        }
    }
    found
}

/// The words of each call of `hashcart` in such a text, as a shell parts them. Calls with something left out
/// are none.
fn calls(text: &str) -> Vec<Vec<String>> {
    let mut calls = vec![Vec::new()];
    let (mut word, mut quote) = (String::new(), None);
    // Where columns part a comment from the call there are two blanks at least.
    let text = text.split("  ").next().unwrap();
    for c in text.split(" #").next().unwrap().chars().chain([' ']) {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, '|' | '<' | '>' | '&' | ';') => calls.push(Vec::new()),
            (None, ' ') if word.is_empty() => {}
            (None, ' ') => calls.last_mut().unwrap().push(std::mem::take(&mut word)),
            (_, c) => word.push(c),
        }
    }
    calls.iter_mut().for_each(|call| {
        call.drain(..call.iter().take_while(|word| *word == "$").count());
    });
    calls.retain(|call| call.first().is_some_and(|word| word == "hashcart"));
    calls.retain(|call| !call.iter().any(|word| word.contains('…') || word.ends_with('\\')));
    calls
}

/// A call as a reader would make it: names in capitals stand for what they put there.
fn filled_in(call: &[String]) -> Vec<&str> {
    let word = |word: &String| match word.as_str() {
        "QUEUE" => "posts",
        "POST" => "x#1",
        "VERSION" | "N" => "1",
        "URL" => "https://acme.example",
        "ID" => "8f0c12ab",
        word => Box::leak(word.to_owned().into_boxed_str()),
    };
    call.iter().map(word).collect()
}

#[test]
fn every_example_of_the_help_can_be_called() {
    fn examples(command: &clap::Command, into: &mut Vec<String>) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        into.extend(help.lines().map(|line| line.trim().to_owned()));
        command.get_subcommands().for_each(|sub| examples(sub, into));
    }
    let mut lines = Vec::new();
    examples(&hashcart::Cli::command(), &mut lines);
    let calls: Vec<Vec<String>> = lines.iter().flat_map(|line| calls(line)).collect();
    assert!(calls.len() > 50, "only {} examples were found", calls.len());
    for call in calls {
        let parsed = hashcart::Cli::command().try_get_matches_from(filled_in(&call));
        assert!(parsed.is_ok(), "{}\n{}", call.join(" "), parsed.unwrap_err());
    }
}

#[test]
fn every_command_in_the_pages_is_one_of_the_programs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut all: Vec<PathBuf> = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"]
        .map(|name| root.join(name))
        .to_vec();
    pages(&root.join("docs"), &mut all);
    let mut count = 0;
    for path in all {
        let page = std::fs::read_to_string(&path).unwrap();
        let page = page.replace("<public address>", "https://cart.acme.example");
        for call in code(&page).into_iter().flat_map(calls) {
            count += 1;
            let parsed = hashcart::Cli::command().try_get_matches_from(filled_in(&call));
            let Err(error) = parsed else { continue };
            // A page may name a command without all that it needs.
            let is_named = matches!(
                error.kind(),
                ErrorKind::MissingRequiredArgument
                    | ErrorKind::MissingSubcommand
                    | ErrorKind::DisplayHelp
                    | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            );
            assert!(is_named, "{}: {}\n{error}", path.display(), call.join(" "));
        }
    }
    assert!(count > 80, "only {count} commands were found");
}

/// The names by which links reach a page's headings, as GitHub makes them.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let text = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_link_between_the_pages_leads_somewhere() {
    let mut count = 0;
    for path in all_pages() {
        let page = std::fs::read_to_string(&path).unwrap();
        for link in page.split("](").skip(1).map(|rest| rest.split([')', ' ']).next().unwrap()) {
            if link.contains(':') {
                continue;
            }
            count += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: {link} is not there", path.display());
            if !anchor.is_empty() {
                let there = anchors(&std::fs::read_to_string(&target).unwrap());
                assert!(there.contains(anchor), "{}: {link} is no heading, only {there:?}", path.display());
            }
        }
    }
    assert!(count > 50, "only {count} links were found");
}
