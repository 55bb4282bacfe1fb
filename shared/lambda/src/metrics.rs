//! Metrics in CloudWatch's embedded metric format: a line of JSON on standard output, no agent and no
//! request (CloudWatch user guide, "Specification: Embedded metric format").
//!
//! Dimensions are few, because each combination is a metric that is paid for; what tells one post from
//! another goes into properties, which only the logs hold.

use std::io::Write as _;
use std::sync::OnceLock;

use domain::time::Timestamp;
use serde_json::{Map, Value, json};

use crate::clock::Clock;

static STAGE: OnceLock<String> = OnceLock::new();

/// The namespace of all our metrics.
pub const NAMESPACE: &str = "Hashcart";

/// Says which stage the metrics belong to; before that none are written.
pub(crate) fn set_stage(stage: &str) {
    // A second call in one process means the same stage.
    let _ = STAGE.set(stage.to_owned());
}

/// Counts one event. `dimensions` stand beside the stage; `properties` are for the logs alone.
pub fn count(name: &str, dimensions: &[(&str, &str)], properties: &[(&str, &str)]) {
    put(name, "Count", 1, dimensions, properties);
}

/// Records a duration in milliseconds.
pub fn milliseconds(name: &str, value: u64, dimensions: &[(&str, &str)], properties: &[(&str, &str)]) {
    put(name, "Milliseconds", value, dimensions, properties);
}

fn put(name: &str, unit: &str, value: u64, dimensions: &[(&str, &str)], properties: &[(&str, &str)]) {
    let Some(stage) = STAGE.get() else { return };
    let line = line(Clock::system().now(), stage, name, unit, value, dimensions, properties);
    // A metric that can't be written must not fail the work that it counts.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

fn line(
    at: Timestamp,
    stage: &str,
    name: &str,
    unit: &str,
    value: u64,
    dimensions: &[(&str, &str)],
    properties: &[(&str, &str)],
) -> Value {
    let names: Vec<&str> = std::iter::once("stage").chain(dimensions.iter().map(|(name, _)| *name)).collect();
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": at.as_millis(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [names],
                "Metrics": [{"Name": name, "Unit": unit}],
            }],
        }),
    );
    line.insert("stage".to_owned(), stage.into());
    line.insert(name.to_owned(), value.into());
    for (name, value) in dimensions.iter().chain(properties) {
        line.insert((*name).to_owned(), (*value).into());
    }
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_what_its_directive_names() {
        let line = line(
            Timestamp::from_millis(5),
            "dev",
            "Outcomes",
            "Count",
            1,
            &[("network", "x")],
            &[("post", "x#1")],
        );
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Dimensions"], json!([["stage", "network"]]));
        assert_eq!(
            (&line["stage"], &line["network"], &line["Outcomes"]),
            (&json!("dev"), &json!("x"), &json!(1))
        );
        assert_eq!(line["post"], "x#1");
        assert_eq!(line["_aws"]["Timestamp"], 5);
    }
}
