//! How long a shopper waits: from the post to the last of reply and mail, through the local stack.

use std::path::Path;

use ::tests::stack::{Stack, hashcart};
use anyhow::{Context as _, ensure};
use serde::Deserialize;

use crate::table::Measure;

/// What `hashcart load --json` says, as far as it is needed.
#[derive(Debug, Deserialize)]
struct Load {
    expected: u64,
    ended: u64,
    stages: Vec<Stage>,
}

#[derive(Debug, Deserialize)]
struct Stage {
    stage: String,
    p50_ms: f64,
    p99_ms: f64,
}

/// The rows of the table: one post a second, then fifty. Starts a local stack of its own.
///
/// # Errors
/// When the stack can't be run, or a post is lost.
pub async fn measure() -> anyhow::Result<Vec<Measure>> {
    let stack = Stack::start("latency").await?;
    let mut rows = Vec::new();
    for (how, posts, rate) in [("idle", "50", "1"), ("50 posts/s", "1000", "50")] {
        let load = load(stack.data(), posts, rate)?;
        rows.extend(told(how, &load)?);
    }
    stack.stop()?;
    Ok(rows)
}

fn load(data: &Path, posts: &str, rate: &str) -> anyhow::Result<Load> {
    let mut command = hashcart();
    command.args(["load", "--posts", posts, "--rate", rate, "--mix", "spread", "--json", "--data"]).arg(data);
    let output = command.output().context("hashcart can't be run")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "hashcart load: {said}");
    serde_json::from_slice(&output.stdout).context("what hashcart load says")
}

fn told(how: &str, load: &Load) -> anyhow::Result<Vec<Measure>> {
    ensure!(load.ended == load.expected, "{} of {} posts ended", load.ended, load.expected);
    let all = ["http_answer", "classify", "cart_add", "notify", "post_to_notice"];
    let named = |name: &str| match name {
        "http_answer" => "post to the answer to the network",
        "post_to_notice" => "post to reply and mail",
        "classify" => "in classify",
        "cart_add" => "in cart-add",
        _ => "in notify",
    };
    let mut rows = Vec::new();
    for wanted in all {
        let stage = load.stages.iter().find(|stage| stage.stage == wanted);
        let stage = stage.with_context(|| format!("hashcart load says nothing of {wanted}"))?;
        let row = |what: &str, value| {
            Measure::new("latency", format!("{how}: {}, {what}", named(wanted)), value, "ms")
        };
        rows.push(row("median", stage.p50_ms));
        rows.push(row("99 of 100", stage.p99_ms));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_post_is_no_measurement() {
        let said = |ended: u64| {
            let stages: Vec<_> = ["http_answer", "classify", "cart_add", "notify", "post_to_notice"]
                .map(|stage| serde_json::json!({"stage": stage, "p50_ms": 1.5, "p99_ms": 2.5, "count": 3}))
                .into();
            serde_json::from_value(serde_json::json!({"expected": 3, "ended": ended, "stages": stages}))
                .unwrap()
        };
        assert_eq!(told("idle", &said(3)).unwrap().len(), 10);
        assert_eq!(told("idle", &said(2)).unwrap_err().to_string(), "2 of 3 posts ended");
    }
}
