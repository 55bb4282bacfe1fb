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
use tests::guards::{Row, rows};
use tests::sabotage::{still_apply, switches};
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

fn page() -> Vec<Row> {
    let page = std::fs::read_to_string(workspace().join("docs/THREATS.md")).expect("the page");
    rows(&page).expect("rows of four cells")
}

fn folder() -> std::path::PathBuf {
    workspace().join("tests/security/guards")
}

/// Each row of a door names a test, and how its guard is taken away or why that can't be.
#[test]
fn every_guard_of_the_threat_model_names_a_test() {
    let rows = page();
    for row in &rows {
        assert!(!row.tests.is_empty(), "no test: {}", row.attempt);
        assert!(!row.guards.is_empty() || row.without.len() > 40, "no patch and no reason: {}", row.attempt);
    }
    assert!(rows.len() > 30, "{}", rows.len());
}

/// `cargo run -p tests --bin guards` runs what the page names: it must name all, and what it names must be there.
#[test]
fn the_threat_model_names_every_guard_that_can_be_taken_away() {
    let named: BTreeSet<String> = page().into_iter().flat_map(|row| row.guards).collect();
    let there = switches(&folder()).expect("the patches");
    let unnamed: Vec<_> = there.difference(&named).collect();
    assert!(unnamed.is_empty(), "docs/THREATS.md leaves out {unnamed:?}");
    let missing: Vec<_> = named.difference(&there).collect();
    assert!(missing.is_empty(), "no patch in tests/security/guards takes away {missing:?}");
}

#[test]
fn every_guard_can_still_be_taken_away() {
    still_apply(&folder()).expect("patches that apply");
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

/// What lets anybody but SES reach the topic, or anything but the topic the queue.
fn open_doors(resources: &BTreeMap<String, Value>) -> Vec<&'static str> {
    let mut open = Vec::new();
    let mut must = |holds: bool, what: &'static str| {
        if !holds {
            open.push(what);
        }
    };
    let only = |name: &str| {
        let statements = resources[name]["Properties"]["PolicyDocument"]["Statement"].as_sequence();
        statements.filter(|statements| statements.len() == 1).map(|statements| statements[0].clone())
    };
    let of = |name: &str, kind: &str, list: &str, resource: &Value| {
        resource["Type"] == kind
            && resource["Properties"][list]
                .as_sequence()
                .is_some_and(|all| all.iter().any(|one| said(one).ends_with(name)))
    };
    let policies = |name: &str, kind: &str, list: &str| {
        resources.values().filter(|resource| of(name, kind, list, resource)).count()
    };
    let (queue, topic) = (only("FeedbackQueuePolicy"), only("FeedbackTopicPolicy"));
    must(queue.is_some() && topic.is_some(), "several statements");
    let (queue, topic) = (queue.unwrap_or_default(), topic.unwrap_or_default());
    must(said(&queue["Principal"]["Service"]) == "sns.amazonaws.com", "who sends");
    must(said(&queue["Action"]) == "sqs:SendMessage", "what they do with the queue");
    must(said(&queue["Resource"]) == "!GetAtt FeedbackQueue.Arn", "which queue");
    must(
        said(&queue["Condition"]["ArnEquals"]["aws:SourceArn"]) == "!Ref FeedbackTopic",
        "which topic sends",
    );
    must(said(&topic["Principal"]["Service"]) == "ses.amazonaws.com", "who publishes");
    must(said(&topic["Action"]) == "sns:Publish", "what they do with the topic");
    let account = &topic["Condition"]["StringEquals"]["aws:SourceAccount"];
    must(said(account) == "!Ref AWS::AccountId", "whose SES publishes");
    must(policies("FeedbackQueue", "AWS::SQS::QueuePolicy", "Queues") == 1, "another policy of the queue");
    must(policies("FeedbackTopic", "AWS::SNS::TopicPolicy", "Topics") == 1, "another policy of the topic");
    for name in ["PostsQueue", "CommandsQueue", "OutcomesQueue"] {
        must(
            policies(name, "AWS::SQS::QueuePolicy", "Queues") == 0,
            "a policy of a queue that roles alone reach",
        );
    }
    open
}

/// What a statement of a policy loses.
type Change = fn(&mut Value);

/// A forged bounce would end a shopper's mails: only SES reaches the topic, only the topic the queue. Each part of
/// that, taken away, is missed.
#[test]
fn only_our_topic_reaches_the_queue_for_feedback() {
    let template = resources();
    assert_eq!(open_doors(&template), [""; 0]);
    let without: [(&str, Change); 7] = [
        ("FeedbackQueuePolicy", |policy| policy[0]["Principal"] = "*".into()),
        ("FeedbackQueuePolicy", |policy| policy[0]["Action"] = "sqs:*".into()),
        ("FeedbackQueuePolicy", |policy| policy[0]["Condition"] = Value::Null),
        ("FeedbackQueuePolicy", |policy| {
            let statement = policy[0].clone();
            policy.as_sequence_mut().expect("statements").push(statement);
        }),
        ("FeedbackTopicPolicy", |policy| policy[0]["Principal"] = "*".into()),
        ("FeedbackTopicPolicy", |policy| policy[0]["Action"] = "sns:*".into()),
        ("FeedbackTopicPolicy", |policy| policy[0]["Condition"] = Value::Null),
    ];
    for (name, change) in without {
        let mut resources = template.clone();
        let policy = resources.get_mut(name).expect("the policy");
        change(&mut policy["Properties"]["PolicyDocument"]["Statement"]);
        assert!(!open_doors(&resources).is_empty(), "{name}: nobody misses it");
    }
    let mut resources = template.clone();
    let mut another = template["FeedbackQueuePolicy"].clone();
    another["Properties"]["Queues"] = template["FeedbackQueuePolicy"]["Properties"]["Queues"].clone();
    resources.insert("Another".to_owned(), another);
    assert_eq!(open_doors(&resources), ["another policy of the queue"]);
}
