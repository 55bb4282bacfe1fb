//! What holds the threat model (`docs/THREATS.md`) to what there is, and the guards that stand in the
//! template alone. The other guards' tests stand beside the code that they guard.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_yaml_ng::Value;
use tests::stack::workspace;

/// Every Rust file of the workspace's own crates.
fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(std::fs::read_to_string(&path).expect("a source file"));
        }
    }
}

/// The names of all functions that are tests, or that a list of tests names.
fn tests() -> BTreeSet<String> {
    let mut files = Vec::new();
    for folder in ["shared", "functions", "cli", "tests"] {
        sources(&workspace().join(folder), &mut files);
    }
    // The stack's tests stand in lists, each in a line of its own.
    let listed: BTreeSet<&str> =
        files.iter().flat_map(|file| file.lines()).filter_map(|line| line.trim().strip_suffix(',')).collect();
    let mut names = BTreeSet::new();
    for file in &files {
        let mut is_marked = false;
        for line in file.lines().map(str::trim) {
            is_marked |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            let name = line.split_once("fn ").and_then(|(_, rest)| rest.split(['(', '<']).next());
            if let Some(name) = name {
                if is_marked || listed.contains(name) {
                    names.insert(name.to_owned());
                }
                is_marked = false;
            }
        }
    }
    names
}

/// Words in backticks that can only be names of tests.
fn named(page: &str) -> BTreeSet<String> {
    let is_test = |word: &&str| {
        word.matches('_').count() >= 3
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    page.split('`').skip(1).step_by(2).filter(is_test).map(str::to_owned).collect()
}

#[test]
fn every_test_that_the_threat_model_names_exists() {
    let page = std::fs::read_to_string(workspace().join("docs/THREATS.md")).expect("the page");
    let (named, tests) = (named(&page), tests());
    assert!(named.len() > 40, "{}", named.len());
    let missing: Vec<_> = named.difference(&tests).collect();
    assert!(missing.is_empty(), "docs/THREATS.md names tests that aren't there: {missing:?}");
}

/// Each row of a door names a guard and a test.
#[test]
fn every_guard_of_the_threat_model_names_a_test() {
    let page = std::fs::read_to_string(workspace().join("docs/THREATS.md")).expect("the page");
    let doors = page.split_once("## The doors").and_then(|(_, rest)| rest.split_once("## Accepted"));
    let (doors, _) = doors.expect("the doors");
    let rows = doors
        .lines()
        .filter(|line| line.starts_with('|') && !line.starts_with("|---") && !line.starts_with("| somebody"));
    let mut count = 0;
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 3, "{row}");
        assert!(!named(cells[2]).is_empty(), "no test: {row}");
        count += 1;
    }
    assert!(count > 30, "{count}");
}

/// The template's resources, intrinsic functions as tagged values.
fn resources() -> BTreeMap<String, Value> {
    let text = std::fs::read_to_string(workspace().join("infra/template.yaml")).expect("the template");
    let root: Value = serde_yaml_ng::from_str(&text).expect("YAML");
    serde_yaml_ng::from_value(root["Resources"].clone()).expect("resources")
}

/// What a tagged value such as `!Ref FeedbackTopic` says.
fn said(value: &Value) -> String {
    match value {
        Value::Tagged(tagged) => format!("{} {}", tagged.tag, said(&tagged.value)),
        Value::String(text) => text.clone(),
        other => serde_yaml_ng::to_string(other).expect("YAML").trim().to_owned(),
    }
}

/// A forged bounce would end a shopper's mails: only SES reaches the topic, only the topic the queue.
#[test]
fn only_our_topic_reaches_the_queue_for_feedback() {
    let resources = resources();
    let only = |name: &str| {
        let properties = &resources[name]["Properties"];
        let statements = properties["PolicyDocument"]["Statement"].as_sequence().expect("statements");
        assert_eq!(statements.len(), 1, "{name}");
        statements[0].clone()
    };
    let queue = only("FeedbackQueuePolicy");
    assert_eq!(said(&queue["Principal"]["Service"]), "sns.amazonaws.com");
    assert_eq!(said(&queue["Action"]), "sqs:SendMessage");
    assert_eq!(said(&queue["Resource"]), "!GetAtt FeedbackQueue.Arn");
    assert_eq!(said(&queue["Condition"]["ArnEquals"]["aws:SourceArn"]), "!Ref FeedbackTopic");
    let topic = only("FeedbackTopicPolicy");
    assert_eq!(said(&topic["Principal"]["Service"]), "ses.amazonaws.com");
    assert_eq!(said(&topic["Action"]), "sns:Publish");
    assert_eq!(said(&topic["Condition"]["StringEquals"]["aws:SourceAccount"]), "!Ref AWS::AccountId");
    let of = |name: &str, kind: &str, list: &str, resource: &Value| {
        resource["Type"] == kind
            && resource["Properties"][list]
                .as_sequence()
                .is_some_and(|all| all.iter().any(|one| said(one).ends_with(name)))
    };
    let policies = |name: &str, kind: &str, list: &str| {
        resources.values().filter(|resource| of(name, kind, list, resource)).count()
    };
    assert_eq!(policies("FeedbackQueue", "AWS::SQS::QueuePolicy", "Queues"), 1);
    assert_eq!(policies("FeedbackTopic", "AWS::SNS::TopicPolicy", "Topics"), 1);
    for queue in ["PostsQueue", "CommandsQueue", "OutcomesQueue"] {
        assert_eq!(policies(queue, "AWS::SQS::QueuePolicy", "Queues"), 0, "nobody but roles reaches {queue}");
    }
}
