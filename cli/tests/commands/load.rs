//! `hashcart load` on a stage that isn't this machine's: what it refuses before anything is sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_cloudformation::types::StackStatus;
use axum::Router;
use domain::ids::NetworkId;
use domain::storefront::Storefront;
use domain::time::Timestamp;
use store::settings::Pause;

use crate::support::{STOREFRONT, Stage};

/// A stage whose stack names this API.
async fn stage_with_api(api: &str) -> Stage {
    let stage = Stage::empty().await;
    let deployment = emulator::Deployment::new("hashcart-dev-data").parameter("Stage", "dev");
    deployment.parameter("MailFrom", "cart@acme.example").deploy_data(&stage.account).await.unwrap();
    let template = format!(
        r#"{{"Resources": {{"Topic": {{"Type": "AWS::SNS::Topic"}}}},
            "Outputs": {{"ApiUrl": {{"Value": "{api}"}}, "PublicUrl": {{"Value": "https://cart.acme.example"}}}}}}"#
    );
    let stacks = aws_sdk_cloudformation::Client::new(&stage.account.sdk_config());
    stacks.create_stack().stack_name("hashcart-dev").template_body(template).send().await.unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let answer = stacks.describe_stacks().stack_name("hashcart-dev").send().await.unwrap();
        if answer.stacks()[0].stack_status() == Some(&StackStatus::CreateComplete) {
            return stage;
        }
        assert!(std::time::Instant::now() < deadline, "{answer:?}");
        tokio::task::yield_now().await;
    }
}

async fn push(stage: &Stage, storefront: &str, replaced: Option<u64>) {
    let storefront = Storefront::from_toml(storefront, false).unwrap();
    stage.settings().push(&storefront, replaced, Timestamp::from_seconds(1)).await.unwrap();
}

/// A server that counts what reaches it.
async fn counting() -> (String, Arc<AtomicUsize>) {
    let reached = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&reached);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().fallback(move || {
        count.fetch_add(1, Ordering::SeqCst);
        async { "" }
    });
    tokio::spawn(axum::serve(listener, app).into_future());
    (address.to_string(), reached)
}

#[tokio::test]
async fn nothing_is_sent_that_may_reach_anybody_else() {
    let (address, reached) = counting().await;
    let stage = stage_with_api(&format!("https://{address}")).await;
    stage.call(&["load"]).await.refused("no storefront has been pushed to the stage dev");

    let (head, x) = (STOREFRONT.split_once("[[networks]]").unwrap().0, "[[networks]]\nid = \"x\"");
    let only_x = format!("{head}{x}{}", STOREFRONT.split_once(x).unwrap().1);
    push(&stage, &only_x, None).await;
    stage.call(&["load", "--yes"]).await.refused("no network of the kind `generic`");

    push(&stage, STOREFRONT, Some(1)).await;
    stage.call(&["load", "--yes", "--network", "x"]).await.refused("`x` is no generic network");
    for foreign in ["https://x.com", "https://cart.acme.example.evil.example", "http://cart.acme.example"] {
        stage.call(&["load", "--yes", "--to", foreign]).await.refused("isn't an address of the stage dev");
    }
    stage.call(&["load"]).await.refused("hashcart secrets init");
    stage.call(&["secrets", "init"]).await.fine();
    stage.call(&["load"]).await.refused("nobody is there to ask whether the stage dev may be put under load");
    stage.call(&["load", "--yes"]).await.refused("no product that goes into a cart without a question");

    let paused = Pause { reply: true, ..Pause::default() };
    stage.settings().pause(&NetworkId::new("forum"), paused).await.unwrap();
    stage.call(&["load", "--yes"]).await.refused("forum is paused");
    assert_eq!(reached.load(Ordering::SeqCst), 0, "nothing was sent");
}

#[tokio::test]
async fn an_api_that_is_not_https_is_none() {
    let (address, reached) = counting().await;
    let stage = Stage::empty().await;
    stage.call(&["load", "--posts", "0"]).await.refused("0 is not in 1..=10000000");
    stage.call(&["load", "--mix", "flood"]).await.refused("`flood` is no shape of post");
    stage.call(&["load", "--clean", "alice"]).await.refused("must be a run's name");
    drop(stage);
    let stage = stage_with_api(&format!("http://{address}")).await;
    push(&stage, STOREFRONT, None).await;
    stage.call(&["load", "--yes", "--to", &format!("http://{address}")]).await.refused("isn't an address");
    assert_eq!(reached.load(Ordering::SeqCst), 0, "nothing was sent");
}
