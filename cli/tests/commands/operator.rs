//! The operator's tools on a stage that isn't this machine's: `hashcart stats` and `hashcart dlq`.

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum};
use domain::ids::NetworkId;
use domain::storefront::Storefront;
use domain::time::Timestamp;
use lambda::aws::Aws;
use lambda::clock::Clock;
use serde_json::{Value, json};
use store::ledger::{Event, Ledger, Row};
use store::settings::Pause;

use crate::support::{STOREFRONT, Stage};

/// Metrics as CloudWatch makes them of what the functions embed in their logs.
struct Metrics(aws_sdk_cloudwatch::Client);

impl Metrics {
    fn new(stage: &Stage) -> Self {
        Self(aws_sdk_cloudwatch::Client::new(&stage.account.sdk_config()))
    }

    async fn put(
        &self,
        namespace: &str,
        name: &str,
        dimensions: &[(&str, &str)],
        values: &[f64],
        age_s: i64,
    ) {
        let now = Clock::system().now();
        let at = i64::try_from(now.as_seconds()).unwrap() - age_s;
        let dimension = |(name, value): &(&str, &str)| Dimension::builder().name(*name).value(*value).build();
        let datum = |value: &f64| {
            MetricDatum::builder()
                .metric_name(name)
                .set_dimensions(Some(dimensions.iter().map(dimension).collect()))
                .value(*value)
                .timestamp(DateTime::from_secs(at))
                .build()
        };
        let request = self.0.put_metric_data().namespace(namespace);
        request.set_metric_data(Some(values.iter().map(datum).collect())).send().await.unwrap();
    }

    /// A metric of ours in the stage, under this set of its dimensions.
    async fn ours(&self, name: &str, dimensions: &[(&str, &str)], values: &[f64], age_s: i64) {
        let all: Vec<(&str, &str)> = [&[("stage", "dev")], dimensions].concat();
        self.put("Hashcart", name, &all, values, age_s).await;
    }
}

async fn stats(stage: &Stage, more: &[&str]) -> Value {
    let said = stage.call(&[&["stats", "--json"], more].concat()).await.fine();
    serde_json::from_str(&said.out).unwrap()
}

#[tokio::test]
async fn statistics_of_a_deployed_stage_are_cloudwatchs() {
    let stage = Stage::deployed().await;
    let empty = stage.call(&["stats"]).await.fine().out;
    assert!(empty.contains("No post came in") && !empty.contains("From post to notice"), "{empty}");

    let metrics = Metrics::new(&stage);
    let (x, forum) = (("network", "x"), ("network", "forum"));
    metrics.ours("WebhookEvents", &[x, ("result", "accepted")], &[1.0; 12], 60).await;
    metrics.ours("WebhookEvents", &[forum, ("result", "accepted")], &[1.0, 2.0], 7200).await;
    // Longer ago than is asked for, another stage's, and a sum that counts the same events again.
    metrics.ours("WebhookEvents", &[x, ("result", "accepted")], &[100.0], 30 * 3600).await;
    let prod = [("stage", "prod"), x, ("result", "accepted")];
    metrics.put("Hashcart", "WebhookEvents", &prod, &[1000.0], 60).await;
    metrics.ours("Notices", &[x, ("channel", "reply"), ("result", "sent")], &[1.0; 5], 60).await;
    metrics.ours("Notices", &[("channel", "reply"), ("result", "sent")], &[1.0; 5], 60).await;
    metrics.ours("Decided", &[x, ("outcome", "Added")], &[1.0; 7], 60).await;
    metrics.ours("Decided", &[forum, ("outcome", "OutOfStock")], &[1.0; 2], 60).await;
    metrics.ours("Retried", &[("function", "notify")], &[1.0; 3], 60).await;
    metrics.ours("DeadLettered", &[("function", "notify")], &[1.0], 60).await;
    let latencies: Vec<f64> = (1..=20).map(|n| f64::from(n) * 100.0).collect();
    metrics.ours("NoticeLatency", &[], &latencies, 60).await;
    metrics.ours("NoticeLatency", &[x], &latencies, 60).await;
    let commands = [("QueueName", "hashcart-dev-commands")];
    metrics.put("AWS/SQS", "ApproximateAgeOfOldestMessage", &commands, &[30.0], 300).await;
    metrics.put("AWS/SQS", "ApproximateAgeOfOldestMessage", &commands, &[90.0], 120).await;

    let aws = Aws::from_config(stage.account.sdk_config());
    let storefront = Storefront::from_toml(STOREFRONT, false).unwrap();
    stage.settings().push(&storefront, None, Timestamp::from_seconds(1)).await.unwrap();
    let pause = Pause { reply: true, ..Pause::default() };
    stage.settings().pause(&NetworkId::new("x"), pause).await.unwrap();
    let ledger = Ledger::new(aws.dynamodb(), "hashcart-dev-ledger");
    let now = Clock::system().now();
    for (event, line, quantity, at) in [
        (Event::Added, 1, 2, now),
        (Event::Added, 2, 1, now),
        (Event::Purchased, 1, 2, now),
        (Event::Added, 3, 1, now.minus(std::time::Duration::from_secs(30 * 3600))),
    ] {
        let key = domain::command::CommandKey { network: "x".into(), post: "1".into(), line, step: 0 };
        let row = Row {
            marketplace: "us".into(),
            event,
            key,
            at,
            product: None,
            source: Default::default(),
            quantity: Some(quantity),
        };
        ledger.record(&row).await.unwrap();
    }

    let all = stats(&stage, &[]).await;
    assert_eq!(
        all["webhooks"],
        json!([
            { "network": "forum", "result": "accepted", "count": 3 },
            { "network": "x", "result": "accepted", "count": 12 },
        ])
    );
    assert_eq!(all["notices"], json!([{ "network": "x", "channel": "reply", "result": "sent", "count": 5 }]));
    assert_eq!(all["latency"]["posts"], 20);
    let near = |name: &str, ms: f64| (all["latency"][name].as_f64().unwrap() - ms).abs() <= 60.0;
    assert!(near("p50_ms", 1050.0) && near("p95_ms", 1905.0), "{}", all["latency"]);
    assert_eq!(all["paused"], json!([{ "network": "x", "what": ["replies"] }]));
    let sold = json!([{
        "marketplace": "us", "added": 2, "added_pieces": 3, "checkout": 0, "purchased": 1, "purchased_pieces": 2,
    }]);
    assert_eq!(all["ledger"], sold);
    let ages: Vec<&Value> =
        all["queues"].as_array().unwrap().iter().map(|queue| &queue["oldest_s"]).collect();
    assert_eq!(ages, [&json!(null), &json!(90), &json!(null), &json!(null)]);
    let hour = stats(&stage, &["--since", "1h"]).await;
    assert_eq!(hour["webhooks"], json!([{ "network": "x", "result": "accepted", "count": 12 }]));

    let shown = stage.call(&["stats"]).await.fine().out;
    let rows: Vec<String> =
        shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for row in [
        "Added · 7",
        "OutOfStock 2 ·",
        "reply sent 5",
        "notify 3 1",
        "commands 0 0 0 2m 0",
        "! x is paused: replies",
    ] {
        assert!(rows.iter().any(|shown| shown == row), "no `{row}` in\n{shown}");
    }
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
}

#[tokio::test]
async fn dead_letters_of_a_deployed_stage() {
    let stage = Stage::deployed().await;
    let sqs = aws_sdk_sqs::Client::new(&stage.account.sdk_config());
    let url =
        async |name: &str| sqs.get_queue_url().queue_name(name).send().await.unwrap().queue_url.unwrap();
    let body = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/fixtures/wire/v1/post-0.json"
    ));
    let dead = url("hashcart-dev-posts-dead").await;
    sqs.send_message().queue_url(&dead).message_body(body.unwrap()).send().await.unwrap();

    let listed = stage.call(&["dlq", "list"]).await.fine().out;
    assert!(
        listed.contains("1 seen, all of them") && listed.contains("dlq list posts --stage dev"),
        "{listed}"
    );
    stage.call(&["dlq", "redrive", "posts", "--all", "--yes"]).await.fine();
    let arrived = sqs.receive_message().queue_url(url("hashcart-dev-posts").await).send().await.unwrap();
    assert_eq!(arrived.messages.unwrap().len(), 1);

    let empty = Stage::empty().await;
    let none = empty.call(&["dlq", "list", "posts"]).await;
    none.refused("there is no queue hashcart-dev-posts-dead in us-east-1 for these credentials");
}
