//! `hashcart doctor --stage dev`.

use aws_sdk_cloudwatch::types::{ComparisonOperator, StateValue, Statistic};
use domain::storefront::Storefront;
use domain::time::Timestamp;
use lambda::aws::Aws;
use serde_json::Value;
use store::catalog::{Catalog, Imported};

use crate::support::{STOREFRONT, Stage, run};

/// What the doctor found of a stage, and how it ended.
struct Found {
    success: bool,
    findings: Vec<Value>,
}

impl Found {
    fn state(&self, what: &str) -> Option<&str> {
        let found = self.findings.iter().find(|finding| finding["what"].as_str().unwrap().contains(what));
        found.map(|finding| finding["state"].as_str().unwrap())
    }

    #[track_caller]
    fn is(&self, state: &str, what: &str) {
        assert_eq!(self.state(what), Some(state), "{what}: {:#?}", self.findings);
    }

    #[track_caller]
    fn remedy(&self, what: &str, remedy: &str) {
        let found = self.findings.iter().find(|finding| finding["what"].as_str().unwrap().contains(what));
        assert!(found.is_some(), "{what}: {:#?}", self.findings);
        let said = found.unwrap()["remedy"].as_str().unwrap();
        assert!(said.contains(remedy), "{said}");
    }
}

async fn look_at(stage: &Stage) -> Found {
    let said = stage.call(&["doctor", "--json"]).await;
    let report = serde_json::from_str::<Value>(&said.out);
    assert!(report.is_ok(), "{said:?}");
    let report = report.unwrap();
    let findings = report["findings"].as_array().unwrap().clone();
    let wrong = findings.iter().filter(|finding| finding["state"] == "wrong").count();
    assert_eq!(report["wrong"], wrong);
    assert_eq!(said.success, wrong == 0, "{}", said.error);
    Found { success: said.success, findings }
}

#[tokio::test]
async fn a_stage_that_was_only_deployed_lacks_everything_else() {
    let stage = Stage::deployed().await;
    let found = look_at(&stage).await;
    assert!(!found.success);
    found.is("fine", &format!("account {}, region us-east-1", stage.account.id()));
    found.is("fine", "the stack hashcart-dev is deployed: CREATE_COMPLETE");
    found.remedy("no storefront has been pushed", "hashcart config push storefront.toml --stage dev");
    found.remedy("hash-key is not set", "hashcart secrets init --stage dev");
    found.remedy("x/access-token is not set", "hashcart secrets set x/access-token --stage dev");
    found.remedy(
        "the catalogue of `us` is empty",
        "hashcart catalog import FEED --marketplace us --stage dev",
    );
    found.remedy("neither cart@acme.example nor acme.example is a verified identity", "DKIM");
    found.is("fine", "the dead-letter queues are empty");

    let text = stage.call(&["doctor"]).await.refused("things are wrong").out;
    assert!(text.contains("✗ no storefront has been pushed\n    → `hashcart config push"), "{text}");
}

#[tokio::test]
async fn what_was_mended_is_fine_and_what_broke_is_found() {
    let stage = Stage::deployed().await;
    let aws = Aws::from_config(stage.account.sdk_config());
    let storefront = Storefront::from_toml(STOREFRONT, false).unwrap();
    stage.call(&["config", "push"]).await.fine();
    stage.call(&["secrets", "init"]).await.fine();
    aws.ses().verify_email_identity().email_address("cart@acme.example").send().await.unwrap();
    let found = look_at(&stage).await;
    found.is("fine", "storefront: version 1 is in force");
    found.is("fine", "cart@acme.example is a verified identity");
    assert_eq!(found.state("hash-key"), None);
    assert_eq!(found.state("differs from the file"), None);

    let catalog = Catalog::new(aws.dynamodb(), "hashcart-dev-catalog");
    let imported = Imported { at: Timestamp::from_seconds(1), variants: 3, rejected: 2 };
    catalog.note_imported(&storefront.marketplaces[0].id, &imported).await.unwrap();
    let queue = aws.sqs().get_queue_url().queue_name("hashcart-dev-commands-dead").send().await.unwrap();
    aws.sqs().send_message().queue_url(queue.queue_url().unwrap()).message_body("{}").send().await.unwrap();
    let paused = stage.call(&["pause", "x", "--replies"]).await.fine().out;
    let told =
        "x is paused in its replies within a minute; all else of it runs. `hashcart resume x --stage dev`";
    assert!(paused.starts_with(told), "{paused}");
    let shorter = STOREFRONT.replace("bot_id = \"2244994945\"", "bot_id = \"1\"");
    stage.put("storefront.toml", &shorter);
    let found = look_at(&stage).await;
    found.remedy(
        "the dead-letter queue of commands holds 1 message",
        "hashcart dlq list commands --stage dev",
    );
    found.is("note", "x is paused in its replies: `hashcart resume x --stage dev`");
    found.is("note", "it differs from the file here in 1 place:");
    found.is("wrong", "the catalogue of `us` is empty");
}

/// CloudWatch's client speaks CBOR.
#[tokio::test]
async fn alarms_that_have_gone_off_are_wrong() {
    let stage = Stage::deployed().await;
    look_at(&stage).await.remedy("there are no alarms hashcart-dev-", "deploy");
    let cloudwatch = aws_sdk_cloudwatch::Client::new(Aws::from_config(stage.account.sdk_config()).config());
    let alarm = cloudwatch.put_metric_alarm().alarm_name("hashcart-dev-posts-dead-letters");
    let alarm = alarm.alarm_description("Posts lie there. docs/runbook/dead-letters.md").namespace("AWS/SQS");
    let alarm = alarm.metric_name("ApproximateNumberOfMessagesVisible").statistic(Statistic::Maximum);
    let alarm = alarm.comparison_operator(ComparisonOperator::GreaterThanOrEqualToThreshold);
    alarm.threshold(1.0).period(60).evaluation_periods(1).send().await.unwrap();
    let set = async |state| {
        let request = cloudwatch.set_alarm_state().alarm_name("hashcart-dev-posts-dead-letters");
        request.state_value(state).state_reason("a test").send().await.unwrap();
    };
    set(StateValue::Ok).await;
    look_at(&stage).await.is("fine", "1 alarm, and none has gone off");
    set(StateValue::Alarm).await;
    let found = look_at(&stage).await;
    found.remedy("the alarm hashcart-dev-posts-dead-letters has gone off", "docs/runbook/dead-letters.md");
}

#[tokio::test]
async fn without_a_way_in_it_says_so_first() {
    let stage = Stage::empty().await;
    let mut command = stage.command(&["doctor", "--stage", "dev"]);
    command.env("AWS_PROFILE", "nowhere");
    let said = run(command, "").await.refused("one thing is wrong");
    assert!(said.out.contains("✗ there is no AWS region\n    → set AWS_REGION"), "{}", said.out);

    let said = stage.call(&["doctor"]).await.refused("wrong");
    assert!(said.out.contains("the stack hashcart-dev can't be found"), "{}", said.out);
}
