//! What the functions logged in all the tests before: nothing that is secret, and nobody's words or address.

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};
use emulator::Logs;
use serde_json::Value;
use tests::stack::Stack;

use crate::account::COOKIES;

const FUNCTIONS: [&str; 6] =
    ["webhook-ingest", "classify", "cart-add", "notify", "account-link", "cart-page"];
/// Texts that are shorter say nothing of anybody: `#AcmeCart`.
const TELLING: usize = 12;

/// What no log may hold, each with a name that the test may print.
async fn private(stack: &Stack) -> anyhow::Result<Vec<(&'static str, String)>> {
    let mut private = Vec::new();
    let posts = stack.json("/api/posts").await?;
    let posts = posts.as_array().context("posts")?;
    let said = posts.iter().filter(|post| post["kind"] == "shopper").filter_map(|post| post["text"].as_str());
    private.extend(said.map(|text| ("a post's text", text.to_owned())));
    private.push(("a post's text", "@acme #AcmeCart x2 https://t.co/abc".to_owned()));
    let inbox = stack.json("/api/inbox").await?;
    for mail in inbox.as_array().context("mails")? {
        private.push(("a subject", text(&mail["subject"])));
        private.push(("an address", text(&mail["to"])));
        let words = mail["text"].as_str().unwrap_or_default();
        let links = words
            .split_whitespace()
            .filter_map(|word| word.split_once("token=").or(word.split_once("once=")));
        private.extend(links.map(|(_, token)| ("a mailed token", token.to_owned())));
    }
    let personas = stack.json("/api/personas").await?;
    let people = personas["personas"].as_array().or(personas["people"].as_array()).context("personas")?;
    for person in people {
        private.push(("an address", text(&person["email"])));
        private.push(("a name", text(&person["name"])));
    }
    let secrets = std::fs::read_to_string(stack.data().join("secrets.env"))?;
    let values =
        secrets.lines().filter_map(|line| line.split_once('=')).flat_map(|(_, value)| value.split(','));
    private.extend(values.map(|value| ("a secret", value.trim_start_matches("whsec_").to_owned())));
    let cookies = COOKIES.lock().map_err(|_| anyhow::anyhow!("poisoned"))?;
    private.extend(cookies.iter().map(|cookie| ("a cookie", cookie.clone())));
    private.retain(|(_, text)| text.chars().count() >= TELLING);
    Ok(private)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What the ids that SES gives to mails end in.
const SES_ID: &str = "@email.amazonses.com";

/// The first word of a line that looks like a mailbox, with or without a name around it.
fn mailbox(line: &str) -> Option<&str> {
    line.split(|c: char| c.is_whitespace() || "\"'<>()[]{},;\\".contains(c)).find(|word| {
        !word.ends_with(SES_ID)
            && word.split_once('@').is_some_and(|(name, host)| {
                !name.is_empty() && host.contains('.') && !host.contains('/') && !host.ends_with('.')
            })
    })
}

/// Runs behind all other tests.
pub(crate) async fn no_log_tells_what_is_private(stack: &Stack) -> anyhow::Result<()> {
    let lines = Logs::new(&stack.account()?, "local", FUNCTIONS, 0).next().await?;
    let heard: BTreeSet<&str> = lines.iter().map(|line| line.function.as_str()).collect();
    ensure!(heard.len() == FUNCTIONS.len(), "only these said anything: {heard:?}");
    let metrics = lines.iter().filter(|line| line.text.contains("\"_aws\"")).count();
    ensure!(
        metrics > 50 && lines.len() > 200,
        "{metrics} metrics in {} lines are not the whole run",
        lines.len()
    );
    let private = private(stack).await?;
    for what in ["a post's text", "an address", "a subject", "a mailed token", "a secret", "a cookie"] {
        ensure!(private.iter().any(|(kind, _)| *kind == what), "the run had no {what} to look for");
    }
    for line in &lines {
        // As the log has it, and as its reader sees it.
        let read = line.text.replace("\\\"", "\"").replace("\\\\", "\\");
        for (what, text) in &private {
            ensure!(
                !line.text.contains(text) && !read.contains(text),
                "{what} in a line of {}: {}",
                line.function,
                line.text
            );
        }
        ensure!(mailbox(&line.text).is_none(), "a mailbox in a line of {}: {}", line.function, line.text);
    }
    Ok(())
}

/// That the search finds what it looks for.
pub(crate) async fn mailboxes_are_told_from_other_words(_: &Stack) -> anyhow::Result<()> {
    for line in ["to ann@shop.example now", r#"{"to":"Ann <ann@shop.example>"}"#, r#"{\"to\":\"a@b.c\"}"#] {
        ensure!(mailbox(line).is_some(), "{line}");
    }
    for line in [
        "@acme said",
        "a @ b.c",
        "user@host",
        "0a-1b@email.amazonses.com",
        "https://x.test/@ann/1.2",
        r#"{"version":"1.2"}"#,
    ] {
        ensure!(mailbox(line).is_none(), "{line}");
    }
    Ok(())
}
