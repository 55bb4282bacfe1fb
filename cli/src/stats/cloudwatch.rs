//! Metrics of a deployed stage: CloudWatch's.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, DimensionFilter, Metric, MetricDataQuery, MetricStat};
use domain::time::Timestamp;
use lambda::aws::Aws;
use lambda::metrics::{Declared as _, NAMESPACE, NOTICE_LATENCY};

use super::Window;
use super::measured::{Latency, Measured, STAGE, counted, full_set};
use crate::queues::Queue;

/// The most queries of one `GetMetricData` (CloudWatch API reference).
const QUERIES: usize = 500;
/// SQS reports a queue's oldest message each minute, some minutes late, and not of idle queues.
const RECENT: Duration = Duration::from_secs(15 * 60);
const MINUTE_S: u64 = 60;

/// The moments and values that CloudWatch has for one query.
type Points = Vec<(i64, f64)>;

/// One of our metrics for one combination of its dimensions.
struct Series {
    name: &'static str,
    /// All but the stage.
    dimensions: BTreeMap<String, String>,
    /// As CloudWatch knows it.
    metric: Metric,
}

/// What a query asks for.
struct Asked {
    metric: Metric,
    statistic: &'static str,
    period_s: u64,
}

/// The metrics of the window.
///
/// # Errors
/// When CloudWatch can't be asked.
pub(super) async fn measure(aws: &Aws, stage: &str, window: Window) -> anyhow::Result<Measured> {
    let client = Client::new(aws.config());
    let mut measured = Measured::default();
    let series = series(&client, stage).await?;
    let asked = series.iter().map(|series| Asked {
        metric: series.metric.clone(),
        statistic: "Sum",
        period_s: window.step_s,
    });
    let answers = get(&client, asked.collect(), window.from, window.to).await?;
    for (series, points) in series.into_iter().zip(answers) {
        let sum: f64 = points.iter().map(|(_, value)| value).sum();
        measured.add(series.name, series.dimensions, whole(sum));
    }
    measured.latency = latency(&client, stage, window).await?;
    Ok(measured)
}

/// The series that there are: CloudWatch sums up nothing by itself, and which values the dimensions have is
/// known to it alone.
async fn series(client: &Client, stage: &str) -> anyhow::Result<Vec<Series>> {
    let filter = DimensionFilter::builder().name(STAGE).value(stage).build();
    let mut pages = client.list_metrics().namespace(NAMESPACE).dimensions(filter).into_paginator().send();
    let mut series = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.context("CloudWatch can't be asked: that needs cloudwatch:ListMetrics")?;
        series.extend(page.metrics.unwrap_or_default().into_iter().filter_map(known));
    }
    Ok(series)
}

/// A series of one of our metrics under its full set of dimensions; sums over some of them count the same
/// events once more.
fn known(metric: Metric) -> Option<Series> {
    let declared = counted().find(|declared| Some(declared.name()) == metric.metric_name())?;
    let mut dimensions: BTreeMap<String, String> = metric
        .dimensions()
        .iter()
        .filter_map(|dimension| Some((dimension.name()?.to_owned(), dimension.value()?.to_owned())))
        .collect();
    let full = full_set(declared);
    let is_full = dimensions.len() == full.len() && full.iter().all(|name| dimensions.contains_key(*name));
    dimensions.remove(STAGE);
    is_full.then(|| Series { name: declared.name(), dimensions, metric })
}

/// The latency over the whole window in one period, so that its percentiles are those of all posts.
async fn latency(client: &Client, stage: &str, window: Window) -> anyhow::Result<Option<Latency>> {
    let metric = Metric::builder()
        .namespace(NAMESPACE)
        .metric_name(NOTICE_LATENCY.name())
        .dimensions(Dimension::builder().name(STAGE).value(stage).build())
        .build();
    let period_s = window.to.since(window.from).as_secs().div_ceil(MINUTE_S) * MINUTE_S;
    let asked =
        ["SampleCount", "p50", "p95"].map(|statistic| Asked { metric: metric.clone(), statistic, period_s });
    let answers = get(client, asked.into(), window.from, window.to).await?;
    let [counts, p50, p95] = answers.as_slice() else { return Ok(None) };
    let posts: f64 = counts.iter().map(|(_, value)| value).sum();
    if posts < 1.0 || p50.is_empty() {
        return Ok(None);
    }
    let weight = |moment: i64| counts.iter().find(|(at, _)| *at == moment).map_or(0.0, |(_, count)| *count);
    Ok(Some(Latency {
        posts: whole(posts),
        p50_ms: p50.iter().map(|(at, value)| value * weight(*at)).sum::<f64>() / posts,
        p95_ms: p95.iter().map(|(_, value)| *value).fold(0.0, f64::max),
        exact: p50.len() == 1,
    }))
}

/// The age of the oldest message of each queue in seconds; a queue that SQS says nothing of is left out.
///
/// # Errors
/// When CloudWatch can't be asked.
pub(super) async fn oldest(aws: &Aws, stage: &str, now: Timestamp) -> anyhow::Result<BTreeMap<Queue, u64>> {
    let metric = |queue: Queue| {
        Metric::builder()
            .namespace("AWS/SQS")
            .metric_name("ApproximateAgeOfOldestMessage")
            .dimensions(Dimension::builder().name("QueueName").value(queue.physical(stage)).build())
            .build()
    };
    let asked =
        Queue::ALL.map(|queue| Asked { metric: metric(queue), statistic: "Maximum", period_s: MINUTE_S });
    let answers = get(&Client::new(aws.config()), asked.into(), now.minus(RECENT), now).await?;
    let newest = |points: &Points| points.iter().max_by_key(|(at, _)| *at).map(|(_, age)| whole(*age));
    let ages = Queue::ALL.into_iter().zip(&answers);
    Ok(ages.filter_map(|(queue, points)| Some((queue, newest(points)?))).collect())
}

/// The sums of one of AWS's metrics over some resources, in their order.
///
/// # Errors
/// When CloudWatch can't be asked.
pub(crate) async fn sums(
    aws: &Aws,
    (namespace, metric, dimension): (&str, &str, &str),
    resources: &[String],
    from: Timestamp,
    to: Timestamp,
) -> anyhow::Result<Vec<u64>> {
    let asked = resources.iter().map(|resource| {
        let named = Dimension::builder().name(dimension).value(resource).build();
        let metric = Metric::builder().namespace(namespace).metric_name(metric).dimensions(named).build();
        Asked { metric, statistic: "Sum", period_s: MINUTE_S }
    });
    let answers = get(&Client::new(aws.config()), asked.collect(), from, to).await?;
    let sum = |points: &Points| points.iter().map(|(_, value)| whole(*value)).sum();
    Ok(answers.iter().map(sum).collect())
}

/// Asks for the values of metrics; the answers stand in the order of the questions.
async fn get(
    client: &Client,
    asked: Vec<Asked>,
    from: Timestamp,
    to: Timestamp,
) -> anyhow::Result<Vec<Points>> {
    let mut answers: Vec<Points> = asked.iter().map(|_| Points::new()).collect();
    let mut first = 0;
    for chunk in asked.chunks(QUERIES) {
        let queries = chunk.iter().enumerate().map(|(index, asked)| query(first + index, asked));
        let mut pages = client
            .get_metric_data()
            .set_metric_data_queries(Some(queries.collect()))
            .start_time(moment(from))
            .end_time(moment(to))
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.context("CloudWatch can't be asked: that needs cloudwatch:GetMetricData")?;
            for result in page.metric_data_results.unwrap_or_default() {
                let index = result.id().and_then(|id| id.strip_prefix('q')?.parse::<usize>().ok());
                let Some(points) = index.and_then(|index| answers.get_mut(index)) else { continue };
                let moments = result.timestamps().iter().map(DateTime::secs);
                points.extend(moments.zip(result.values().iter().copied()));
            }
        }
        first += chunk.len();
    }
    Ok(answers)
}

fn query(index: usize, asked: &Asked) -> MetricDataQuery {
    let stat = MetricStat::builder()
        .metric(asked.metric.clone())
        .period(i32::try_from(asked.period_s).unwrap_or(i32::MAX))
        .stat(asked.statistic)
        .build();
    MetricDataQuery::builder().id(format!("q{index}")).metric_stat(stat).build()
}

fn moment(at: Timestamp) -> DateTime {
    DateTime::from_millis(i64::try_from(at.as_millis()).unwrap_or(i64::MAX))
}

/// CloudWatch counts in floating point.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts and seconds: whole numbers, never negative, far below 2^53; the cast saturates"
)]
fn whole(value: f64) -> u64 {
    value.round() as u64
}
