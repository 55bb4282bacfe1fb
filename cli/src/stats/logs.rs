//! Metrics of the local stack: the embedded ones in the functions' logs, summed up.

use std::collections::BTreeMap;

use anyhow::Context as _;
use domain::time::Timestamp;
use emulator::{Account, Logs};
use lambda::aws::Aws;
use lambda::metrics::{Declared as _, NOTICE_LATENCY};
use serde_json::{Map, Value};

use super::Window;
use super::measured::{Latency, Measured, STAGE, counted, full_set};

/// The functions whose logs hold metrics: all of them.
const FUNCTIONS: [&str; 6] =
    ["account-link", "cart-add", "cart-page", "classify", "notify", "webhook-ingest"];

/// Reads the logs of the local stack and sums up what they measured.
///
/// # Errors
/// When the logs can't be read.
pub(super) async fn measure(aws: &Aws, stage: &str, window: Window) -> anyhow::Result<Measured> {
    let endpoint = aws.config().endpoint_url().context("the local stack's address isn't known")?;
    let from_ms = i64::try_from(window.from.as_millis()).unwrap_or(i64::MAX);
    let lines = Logs::new(&Account::front_door(endpoint), stage, FUNCTIONS, from_ms).next().await;
    let lines = lines.context("the functions' logs can't be read: is `hashcart local` still running?")?;
    Ok(sum(lines.iter().map(|line| line.text.as_str()), window))
}

/// Sums up the metrics in log lines.
pub(super) fn sum<'a>(lines: impl IntoIterator<Item = &'a str>, window: Window) -> Measured {
    let mut measured = Measured::default();
    let mut latencies = Vec::new();
    for line in lines.into_iter().filter(|line| line.contains("\"_aws\"")) {
        let Ok(fields) = serde_json::from_str::<Map<String, Value>>(line) else { continue };
        let at = fields.get("_aws").and_then(|aws| aws.get("Timestamp")?.as_u64());
        if !at.is_some_and(|at| window.contains(Timestamp::from_millis(at))) {
            continue;
        }
        for metric in counted() {
            if let Some(count) = fields.get(metric.name()).and_then(Value::as_u64) {
                let text = |name: &str| Some((name.to_owned(), fields.get(name)?.as_str()?.to_owned()));
                let names = full_set(metric).into_iter().filter(|name| *name != STAGE);
                measured.add(metric.name(), names.filter_map(text).collect::<BTreeMap<_, _>>(), count);
            }
        }
        latencies.extend(fields.get(NOTICE_LATENCY.name()).and_then(Value::as_f64));
    }
    measured.latency = latency(latencies);
    measured
}

fn latency(mut values: Vec<f64>) -> Option<Latency> {
    values.sort_by(f64::total_cmp);
    // The value that this share of all values doesn't exceed (nearest rank).
    let share =
        |percent: usize| values.get((values.len() * percent).div_ceil(100).saturating_sub(1)).copied();
    Some(Latency {
        posts: u64::try_from(values.len()).ok()?,
        p50_ms: share(50)?,
        p95_ms: share(95)?,
        exact: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_nearest_rank() {
        assert_eq!(latency(Vec::new()), None);
        let of = |values: &[f64]| latency(values.to_vec()).map(|l| (l.posts, l.p50_ms, l.p95_ms)).unwrap();
        assert_eq!(of(&[7.0]), (1, 7.0, 7.0));
        assert_eq!(of(&[40.0, 10.0, 30.0, 20.0]), (4, 20.0, 40.0));
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(of(&hundred), (100, 50.0, 95.0));
    }
}
