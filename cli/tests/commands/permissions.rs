//! The policy for operators in docs/DEPLOY.md, held against what the commands ask of AWS: every command runs
//! under exactly that policy, and nothing in it is there for nothing.

use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use emulator::privilege::{Unused, asked, differences, rights_in};
use lambda::clock::Clock;
use serde_json::{Value, json};

use crate::support::{STOREFRONT, Stage};

const PAGE: &str = include_str!("../../../docs/DEPLOY.md");

/// What the policy allows and no command asks for here.
const UNUSED: &[Unused] = &[Unused {
    action: "ses:DescribeConfigurationSet",
    resource: "*",
    role: "",
    reason: "the set's name is an output of the whole stack; here tables and queues are deployed",
}];

const FEED: &str = "id\ttitle\tlink\tprice\tavailability\n\
    tee\tTee\thttps://acme.example/p/tee\t15.00 USD\tin_stock\n\
    mug\tMug\thttps://acme.example/p/mug\t12.00 USD\tin_stock\n";

/// The page's policy for the stage `dev` of this account.
fn policy(account: &str) -> Value {
    let block = PAGE.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let block = block.replace("REGION", "us-east-1").replace("ACCOUNT", account);
    let block = block.replace("hashcart-prod", "hashcart-dev").replace("hashcart/prod", "hashcart/dev");
    serde_json::from_str(&block).unwrap()
}

/// What happened before the operator is called: dead letters of one post, and a log line that names its
/// customer.
async fn something_to_look_at(stage: &Stage) {
    let config = stage.account.sdk_config();
    let body = include_str!("../../../tests/fixtures/wire/v1/post-0.json");
    let sqs = aws_sdk_sqs::Client::new(&config);
    let dead =
        sqs.get_queue_url().queue_name("hashcart-dev-posts-dead").send().await.unwrap().queue_url.unwrap();
    for _ in 0..2 {
        sqs.send_message().queue_url(&dead).message_body(body).send().await.unwrap();
    }
    let logs = aws_sdk_cloudwatchlogs::Client::new(&config);
    let group = "/aws/lambda/hashcart-dev-cart-add";
    logs.create_log_group().log_group_name(group).send().await.unwrap();
    logs.create_log_stream().log_group_name(group).log_stream_name("one").send().await.unwrap();
    let now = Clock::system().now();
    let line = json!({"timestamp": now.to_string(), "level": "INFO", "function": "cart-add", "post": "forum#1",
        "message": "decided", "line": 1, "outcome": "Added", "customer": "somebody"});
    let event = InputLogEvent::builder().message(line.to_string());
    let event = event.timestamp(i64::try_from(now.as_millis()).unwrap()).build().unwrap();
    let put = logs.put_log_events().log_group_name(group).log_stream_name("one").log_events(event);
    put.send().await.unwrap();
}

#[tokio::test]
async fn the_documented_policy_is_enough_for_every_command_and_no_more() {
    let stage = Stage::deployed().await;
    let policy = policy(stage.account.id());
    stage.make_role("Documented", &policy).await;
    something_to_look_at(&stage).await;
    stage.put("feed.tsv", FEED);
    stage.put("shorter.tsv", &FEED.lines().take(2).map(|line| format!("{line}\n")).collect::<String>());
    stage.put("later.toml", &STOREFRONT.replace("brand = \"Acme\"", "brand = \"Acme & Co\""));
    let call = async |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        stage.call_as("documented", &words, &"a1B2".repeat(13)).await
    };
    let mut failed = Vec::new();
    for line in [
        "config push storefront.toml",
        "config push later.toml --yes",
        "config show",
        "config history",
        "config rollback 1 --yes",
        "secrets init",
        "secrets set x/consumer-secret",
        "secrets rotate signing-key",
        "secrets prune signing-key --yes --now",
        "secrets list",
        "catalog import feed.tsv --marketplace us",
        "catalog import shorter.tsv --marketplace us --force",
        "pause x",
        "resume x",
        "stats",
        "trace forum#1",
        "trace https://localhost:1/1",
        "dlq list",
        "dlq list posts",
    ] {
        let said = call(line).await;
        // An address that no network knows: the storefront had to be read to say so.
        if !said.success && !said.error.contains("no network of the storefront") {
            failed.push(format!("{line}: {}{}", said.out, said.error));
        }
    }
    let listed: Value = serde_json::from_str(&call("dlq list posts --json").await.fine().out).unwrap();
    let id = |index: usize| listed["messages"][index]["id"].as_str().unwrap();
    call(&format!("dlq show posts {}", id(0))).await.fine();
    call(&format!("dlq redrive posts --id {} --yes", id(0))).await.fine();
    call(&format!("dlq drop posts --id {} --yes --save saved.jsonl", id(1))).await.fine();
    call("dlq redrive --from-file saved.jsonl --yes").await.fine();
    // Much is wrong with this stage, but nothing for want of rights: the record says so.
    call("doctor").await.refused("wrong");

    let log = emulator::shared().await.unwrap().log();
    let mut asked = asked(log.parent().unwrap()).unwrap();
    asked.retain(|call| call.right.role == "Documented");
    let wrong = differences(&rights_in("Documented", &policy.to_string()).unwrap(), &asked, UNUSED);
    assert!(wrong.is_empty() && failed.is_empty(), "\n{}\n{}", wrong.join("\n"), failed.join("\n"));
}
