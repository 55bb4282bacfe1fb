//! The posts that reading is measured on.

use std::path::Path;

use anyhow::Context as _;
use domain::post::{Author, Post, PostHead, Visibility};
use domain::text;
use domain::time::Timestamp;
use serde_yaml_ng::Value as Yaml;

/// Posts that aren't for us.
pub fn chatter() -> Vec<&'static str> {
    include_str!("../fixtures/chatter.txt").lines().collect()
}

/// Posts with a tag of the demonstration's shop.
pub fn asks() -> Vec<&'static str> {
    include_str!("../fixtures/asks.txt").lines().collect()
}

/// The posts of twitter-text's conformance suite, each once.
///
/// # Errors
/// When the suite isn't in its place.
pub fn conformance() -> anyhow::Result<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/twitter-text/extract.yml");
    let suite = std::fs::read_to_string(&path).with_context(|| format!("no {}", path.display()))?;
    let suite: Yaml = serde_yaml_ng::from_str(&suite)?;
    let groups = suite.get("tests").and_then(Yaml::as_mapping).context("no tests in the suite")?;
    let cases = groups.values().filter_map(Yaml::as_sequence).flatten();
    let mut texts: Vec<String> =
        cases.filter_map(|case| case.get("text")?.as_str()).map(str::to_owned).collect();
    texts.sort();
    texts.dedup();
    Ok(texts)
}

/// A post as a network without entities of its own delivers it.
pub fn post(text: &str) -> Post {
    let owned = |found: Vec<text::Entity<'_>>| found.iter().map(|found| found.text.to_owned()).collect();
    Post {
        head: PostHead {
            network: "square".into(),
            bot: "acme".into(),
            id: "1".into(),
            url: None,
            author: Author { id: "2".into(), handle: None },
            mentions_us: text.contains("@acme"),
            created_at: Timestamp::from_seconds(1_795_000_000),
            first_seen: Timestamp::from_seconds(1_795_000_000),
            lang: None,
            visibility: Visibility::Public,
        },
        text: text.to_owned(),
        tags: owned(text::hashtags(text)),
        links: owned(text::links(text)),
        parent: None,
        quoted: None,
    }
}
