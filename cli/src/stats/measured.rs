//! What was measured, wherever it comes from.

use std::collections::BTreeMap;

use lambda::metrics::{ALL, Declared, NOTICE_LATENCY};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

/// The dimension that every metric has and that says nothing here.
pub(super) const STAGE: &str = "stage";

/// The sum of one metric for one combination of its dimensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    /// The dimensions but the stage.
    pub(super) dimensions: BTreeMap<String, String>,
    /// How many.
    pub(super) count: u64,
}

impl Sample {
    /// The value of a dimension.
    pub(super) fn get(&self, dimension: &str) -> &str {
        self.dimensions.get(dimension).map_or("", String::as_str)
    }
}

/// The dimensions and the count, side by side.
impl Serialize for Sample {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.dimensions.len() + 1))?;
        for (name, value) in &self.dimensions {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry("count", &self.count)?;
        map.end()
    }
}

/// How long it took from a post to its notice, in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Latency {
    /// How many posts.
    pub(super) posts: u64,
    /// Half of them took no longer.
    pub(super) p50_ms: f64,
    /// 95 of 100 of them took no longer.
    pub(super) p95_ms: f64,
    /// False where CloudWatch gave the figures of parts of the time only: the p50 is then their mean, the
    /// p95 the worst.
    pub(super) exact: bool,
}

/// Everything that was measured in a window.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Measured {
    counts: BTreeMap<&'static str, BTreeMap<BTreeMap<String, String>, u64>>,
    pub(super) latency: Option<Latency>,
}

impl Measured {
    /// Adds to a metric's sum.
    pub(super) fn add(&mut self, metric: &'static str, dimensions: BTreeMap<String, String>, count: u64) {
        let sum = self.counts.entry(metric).or_default().entry(dimensions).or_default();
        *sum = sum.saturating_add(count);
    }

    /// The samples of a metric that aren't zero, in the order of their dimensions.
    pub(super) fn take(&mut self, metric: &dyn Declared) -> Vec<Sample> {
        let counts = self.counts.remove(metric.name()).unwrap_or_default();
        let sample = |(dimensions, count)| Sample { dimensions, count };
        counts.into_iter().map(sample).filter(|sample| sample.count > 0).collect()
    }
}

/// The metrics that count events; the latency is another matter.
pub(super) fn counted() -> impl Iterator<Item = &'static dyn Declared> {
    ALL.iter().copied().filter(|metric| metric.name() != NOTICE_LATENCY.name())
}

/// The full set of a metric's dimensions, the stage among them.
pub(super) fn full_set(metric: &dyn Declared) -> Vec<&'static str> {
    metric.dimension_sets().into_iter().next().unwrap_or_default()
}
