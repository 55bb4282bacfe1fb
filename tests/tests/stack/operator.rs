//! What an operator sees of the running stack and does about it, by the command `hashcart`.

use std::process::Output;

use anyhow::{Context as _, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;
use tests::stack::Stack;
use tokio::process::Command;
use tokio::sync::Mutex;

tests!["operator"; a_dead_letter_is_sent_on_when_its_cause_is_mended];

/// A product's item in the catalogue is damaged; a shopper asks for the product; somebody mends the item.
async fn a_dead_letter_is_sent_on_when_its_cause_is_mended(stack: &Stack) -> anyhow::Result<()> {
    let dynamodb = aws_sdk_dynamodb::Client::new(&stack.account()?.sdk_config());
    let (pk, sk) = ("uk#biscuit-tin", "biscuit-tin");
    let item = dynamodb
        .get_item()
        .table_name("hashcart-local-catalog")
        .key("pk", AttributeValue::S(pk.to_owned()))
        .key("sk", AttributeValue::S(sk.to_owned()))
        .send()
        .await?
        .item
        .context("the product")?;
    let put = async |body: AttributeValue| {
        let mut item = item.clone();
        item.insert("body".to_owned(), body);
        let request = dynamodb.put_item().table_name("hashcart-local-catalog").set_item(Some(item));
        anyhow::Ok(request.send().await.map(drop)?)
    };
    put(AttributeValue::S("{".to_owned())).await?;
    let text = "@acme #AcmeBasket https://acme-uk.example/p/biscuit-tin";
    let post = stack.post("bob", text, None).await?;
    let about = format!("generic#{post}");

    let entry = stack
        .eventually("dead letter", || async {
            let listed: Value =
                serde_json::from_str(&hashcart(stack, &["dlq", "list", "posts", "--json"]).await?)?;
            let messages = listed["messages"].as_array().context("messages")?;
            Ok(messages.iter().find(|message| message["post"] == about.as_str()).cloned())
        })
        .await?;
    ensure!(entry["kind"] == "permanent" && entry["function"] == "classify", "{entry}");
    let id = entry["id"].as_str().context("an id")?;
    let shown = hashcart(stack, &["dlq", "show", "posts", id]).await?;
    ensure!(shown.contains(&about) && !shown.contains("AcmeBasket http"), "{shown}");

    let traced = hashcart(stack, &["trace", &about]).await?;
    ensure!(traced.contains(&format!("Next: hashcart dlq show posts {id}")), "{traced}");

    // Sent on too early it is dead again, for the same reason and as another message.
    hashcart(stack, &["dlq", "redrive", "posts", "--id", id, "--yes"]).await?;
    let again = stack
        .eventually("dead letter again", || async {
            let listed: Value =
                serde_json::from_str(&hashcart(stack, &["dlq", "list", "posts", "--json"]).await?)?;
            let messages = listed["messages"].as_array().context("messages")?;
            let ours = |message: &&Value| message["post"] == about.as_str() && message["id"] != id;
            Ok(messages.iter().find(ours).cloned())
        })
        .await?;
    ensure!(again["reason"] == entry["reason"], "{again}");
    ensure!(stack.replies_now(&post).await?.is_empty(), "answered nevertheless");

    put(item.get("body").context("a body")?.clone()).await?;
    let sent = hashcart(stack, &["dlq", "redrive", "posts", "--post", &about, "--yes"]).await?;
    ensure!(sent.contains("1 message sent to posts"), "{sent}");
    ensure!(stack.outcome_names(&post, 1).await? == ["Added"]);
    stack.replies(&post).await?;
    let cart = stack.cart("bob", "uk").await?;
    ensure!(cart.contains(&("biscuit-tin".to_owned(), 1)), "{cart:?}");

    statistics(stack).await
}

/// The same run in numbers: the metrics that the functions embed in their logs, summed up.
async fn statistics(stack: &Stack) -> anyhow::Result<()> {
    let at_least = |samples: &Value, what: &[(&str, &str)], least: u64| {
        let fits = |sample: &&Value| what.iter().all(|(name, value)| sample[*name] == *value);
        let found = samples.as_array().into_iter().flatten().find(fits);
        found.and_then(|sample| sample["count"].as_u64()).is_some_and(|count| count >= least)
    };
    stack
        .eventually("everything in the statistics", || async {
            let stats: Value =
                serde_json::from_str(&hashcart(stack, &["stats", "--json", "--since", "1h"]).await?)?;
            let generic = ("network", "generic");
            let is_there = at_least(&stats["webhooks"], &[generic, ("result", "accepted")], 1)
                && at_least(&stats["classified"], &[generic, ("result", "commands")], 1)
                && at_least(&stats["outcomes"], &[generic, ("outcome", "Added")], 1)
                && at_least(&stats["notices"], &[generic, ("channel", "reply"), ("result", "sent")], 1)
                && at_least(&stats["dead_lettered"], &[("function", "classify")], 2)
                && stats["latency"]["p95_ms"].as_f64().is_some_and(|ms| ms > 0.0)
                && stats["queues"].as_array().is_some_and(|queues| queues.len() == 4);
            ensure!(is_there, "{stats:#}");
            Ok(Some(()))
        })
        .await?;
    let shown = hashcart(stack, &["stats", "--since", "1h"]).await?;
    let columns = shown.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    ensure!(shown.contains("From post to notice") && columns <= 80, "{columns} columns:\n{shown}");
    Ok(())
}

/// What the command prints, called on this stack.
pub(crate) async fn hashcart(stack: &Stack, args: &[&str]) -> anyhow::Result<String> {
    let output = called(stack, args).await?;
    let (out, error) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    ensure!(output.status.success(), "{args:?}: {out}{error}");
    Ok(out)
}

/// The command, called on this stack; one at a time, because dead letters that one of them looks at are hidden
/// from the others meanwhile.
pub(crate) async fn called(stack: &Stack, args: &[&str]) -> anyhow::Result<Output> {
    static ONE: Mutex<()> = Mutex::const_new(());
    let _one = ONE.lock().await;
    let mut command = Command::from(tests::stack::hashcart());
    Ok(command.args(args).arg("--data").arg(stack.data()).output().await?)
}
