//! The whole way of one post, by `hashcart trace`.

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tests::stack::Stack;

use crate::operator::{called, hashcart};

tests!["trace"; one_post_is_one_trace_through_all_functions, what_nobody_knows_is_said_with_what_to_check];

async fn one_post_is_one_trace_through_all_functions(stack: &Stack) -> anyhow::Result<()> {
    let known = stack.mails_now("alice@").await?.len();
    let post = stack.post("alice", "@acme #AcmeCart https://acme.example/p/wool-blanket", None).await?;
    stack.replies(&post).await?;
    stack.next_mail("alice@", known).await?;
    let about = format!("generic#{post}");

    // A function's lines appear when its call is over, which is after what it caused.
    let traced = stack
        .eventually("whole way", || async {
            let traced: Value =
                serde_json::from_str(&hashcart(stack, &["trace", &about, "--json", "--since", "1h"]).await?)?;
            let is_whole = traced["notices"][0]["mail"]["state"] == "done"
                && steps(&traced).any(|step| step["what"] == "mail sent");
            Ok(is_whole.then_some(traced))
        })
        .await?;
    let mut functions: Vec<&str> = steps(&traced).filter_map(|step| step["function"].as_str()).collect();
    functions.dedup();
    ensure!(functions == ["webhook-ingest", "classify", "cart-add", "notify"], "{traced:#}");
    let [trace] = traced["traces"].as_array().context("traces")?.as_slice() else {
        anyhow::bail!("one post is one trace: {traced:#}")
    };
    ensure!(
        trace.as_str().is_some_and(|id| id.starts_with("1-") && id.len() == 35),
        "{trace} is not X-Ray's"
    );
    ensure!(steps(&traced).all(|step| step["details"]["trace"] == *trace), "{traced:#}");
    ensure!(traced["outcomes"][0]["outcome"] == "Added", "{traced:#}");
    let decision = &traced["decisions"][0];
    ensure!(decision["product"] == "wool-blanket" && decision["customer"].is_string(), "{decision}");
    let notice = &traced["notices"][0];
    ensure!(notice["reply"]["state"] == "done" && notice["mail"]["state"] == "done", "{notice}");
    ensure!(traced["dead_letters"].as_array().is_some_and(Vec::is_empty), "{traced:#}");

    let shown = hashcart(stack, &["trace", &about]).await?;
    for part in ["webhook-ingest", "Added", "wool-blanket", "step 0: reply sent, mail sent"] {
        ensure!(shown.contains(part), "no {part} in {shown}");
    }
    for private in ["alice@", "AcmeCart http"] {
        ensure!(!shown.contains(private) && !traced.to_string().contains(private), "{private} in {shown}");
    }
    Ok(())
}

fn steps(traced: &Value) -> impl Iterator<Item = &Value> {
    traced["steps"].as_array().into_iter().flatten()
}

async fn what_nobody_knows_is_said_with_what_to_check(stack: &Stack) -> anyhow::Result<()> {
    for (post, said) in [
        ("generic#nothing", "nothing is known of generic#nothing on the stage local"),
        ("https://elsewhere.example/status/1", "no network of the storefront"),
        ("nothing", "give NETWORK#ID"),
    ] {
        let output = called(stack, &["trace", post]).await?;
        let error = String::from_utf8(output.stderr)?;
        ensure!(!output.status.success() && error.contains(said), "{post}: {error}");
    }
    Ok(())
}
