//! twitter-text's conformance suite against `domain::text`: every case, none left out.

use std::collections::BTreeMap;
use std::path::Path;

use domain::text::{self, CodePoints, Entity};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
struct Suite {
    tests: BTreeMap<String, Vec<serde_yaml_ng::Value>>,
}

#[derive(Deserialize)]
struct Case<T> {
    description: String,
    text: String,
    expected: T,
}

/// An entity with its place in code points, as the suite writes it.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Placed {
    #[serde(alias = "hashtag", alias = "url", alias = "screen_name")]
    text: String,
    indices: (usize, usize),
}

type Extract = fn(&str) -> Vec<Entity<'_>>;

fn suite(file: &str) -> Suite {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/twitter-text").join(file);
    serde_yaml_ng::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Runs the cases of a group and checks that there are as many as the suite has.
fn run<T: DeserializeOwned + PartialEq + std::fmt::Debug>(
    suite: &mut Suite,
    group: &str,
    cases: usize,
    actual: impl Fn(&str) -> T,
) {
    let group = suite.tests.remove(group).unwrap_or_else(|| panic!("the suite has a group {group}"));
    assert_eq!(group.len(), cases);
    for case in group {
        let case: Case<T> = serde_yaml_ng::from_value(case).unwrap();
        assert_eq!(actual(&case.text), case.expected, "{}: {}", case.description, case.text);
    }
}

fn texts(extract: Extract) -> impl Fn(&str) -> Vec<String> {
    move |text| extract(text).into_iter().map(|entity| entity.text.to_owned()).collect()
}

fn placed(extract: Extract) -> impl Fn(&str) -> Vec<Placed> {
    move |text| {
        let mut offsets = CodePoints::new(text);
        let mut place = |entity: Entity<'_>| Placed {
            text: entity.text.to_owned(),
            indices: (offsets.at(entity.span.start), offsets.at(entity.span.end)),
        };
        extract(text).into_iter().map(&mut place).collect()
    }
}

#[test]
fn extract() {
    let mut suite = suite("extract.yml");
    run(&mut suite, "hashtags", 65, texts(text::hashtags));
    run(&mut suite, "hashtags_from_astral", 3, texts(text::hashtags));
    run(&mut suite, "hashtags_with_indices", 8, placed(text::hashtags));
    run(&mut suite, "urls", 91, texts(text::urls));
    run(&mut suite, "urls_with_indices", 10, placed(text::urls));
    run(&mut suite, "urls_with_directional_markers", 2, placed(text::urls));
    run(&mut suite, "tco_urls_with_params", 5, texts(text::urls));
    run(&mut suite, "mentions", 23, texts(text::mentions));
    run(&mut suite, "mentions_with_indices", 3, placed(text::mentions));
    assert!(suite.tests.is_empty(), "groups that nothing runs: {:?}", suite.tests.keys());
}

/// The domains reserved for tests, which only `links` takes, change nothing in any of the cases.
#[test]
fn extract_with_reserved_domains() {
    let mut suite = suite("extract.yml");
    run(&mut suite, "urls", 91, texts(text::links));
    run(&mut suite, "urls_with_indices", 10, placed(text::links));
    run(&mut suite, "urls_with_directional_markers", 2, placed(text::links));
    run(&mut suite, "tco_urls_with_params", 5, texts(text::links));
}

#[test]
fn validate() {
    let whole = |extract: Extract, sign: &'static str| move |text: &str| matches!(extract(text).as_slice(), [one] if Some(one.text) == text.strip_prefix(sign));
    let mut suite = suite("validate.yml");
    run(&mut suite, "usernames", 4, whole(text::mentions, "@"));
    run(&mut suite, "hashtags", 7, |text: &str| text.strip_prefix('#').is_some_and(text::is_hashtag));
    run(&mut suite, "urls_without_protocol", 5, whole(text::urls, ""));
    assert!(suite.tests.is_empty(), "groups that nothing runs: {:?}", suite.tests.keys());
}
