//! The credentials that engineers have: keys in the environment, profiles, programs, SSO.

use serde_json::json;

use crate::support::{Stage, run};

const LIST: &[&str] = &["secrets", "list", "--stage", "dev"];

#[tokio::test]
async fn a_program_that_prints_credentials_runs_once() {
    let stage = Stage::empty().await;
    stage.call(&["secrets", "init"]).await.fine();
    assert_eq!(std::fs::read_to_string(stage.path("runs")).unwrap(), "run\n");
}

#[tokio::test]
async fn keys_in_the_environment() {
    let stage = Stage::empty().await;
    let mut command = stage.command(LIST);
    command
        .env("AWS_ACCESS_KEY_ID", stage.account.id())
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", "us-east-1");
    run(command, "").await.fine();
}

#[tokio::test]
async fn a_role_that_a_profile_assumes() {
    let stage = Stage::empty().await;
    let everything = json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]);
    stage.make_role("Operator", &json!({"Version": "2012-10-17", "Statement": everything})).await;
    let mut command = stage.command(&["doctor", "--stage", "dev", "--json"]);
    command.env("AWS_PROFILE", "assumed");
    let said = run(command, "").await;
    let as_role = format!("as arn:aws:sts::{}:assumed-role/Operator/test", stage.account.id());
    assert!(said.out.contains(&as_role), "{}", said.out);
}

#[tokio::test]
async fn the_address_can_be_an_option() {
    let stage = Stage::empty().await;
    let mut command = stage.command(LIST);
    let address = command.as_std().get_envs().find(|(name, _)| *name == "AWS_ENDPOINT_URL");
    let address = address.unwrap().1.unwrap().to_owned();
    command.env_remove("AWS_ENDPOINT_URL").env("AWS_PROFILE", "shop").arg("--endpoint-url").arg(address);
    run(command, "").await.fine();
}

#[tokio::test]
async fn what_is_missing_is_named_with_its_remedy() {
    let stage = Stage::empty().await;
    for (profile, told) in [
        (Some("nowhere"), "there is no AWS region: set AWS_REGION, or `region` in the profile `nowhere`"),
        (None, "there is no AWS region"),
        (Some("sso"), "the profile `sso` of ~/.aws/config is one of SSO, run `aws sso login`"),
        (Some("broken"), "there are no AWS credentials that could be used"),
        (Some("mistyped"), "mistyped"),
    ] {
        let mut command = stage.command(LIST);
        if let Some(profile) = profile {
            command.env("AWS_PROFILE", profile);
        }
        run(command, "").await.refused(told);
    }
    let mut command = stage.command(LIST);
    command.env("AWS_REGION", "us-east-1");
    run(command, "").await.refused("set AWS_PROFILE (or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)");
    let mut command = stage.command(LIST);
    command.env("AWS_PROFILE", "shop").env("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    run(command, "").await.refused("only the stage `local` may use plain http");
    let mut command = stage.command(&["dlq", "list"]);
    command.env_remove("AWS_ENDPOINT_URL");
    run(command, "").await.refused("there is no local stack here: say --stage for a deployed one");
}
