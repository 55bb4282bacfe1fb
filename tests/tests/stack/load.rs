//! A small load through the stack by `hashcart load`, and what it refuses here.

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tests::stack::Stack;
use tokio::process::Command;
use tokio::runtime::Runtime;

use crate::Test;

/// Every test of this file, by name.
pub(crate) const TESTS: &[(&str, Test)] = &[
    ("load::every_post_comes_to_its_one_end", |runtime: &Runtime, stack| {
        runtime.block_on(every_post_comes_to_its_one_end(stack))
    }),
    ("load::it_goes_to_this_stack_only", |runtime: &Runtime, stack| {
        runtime.block_on(it_goes_to_this_stack_only(stack))
    }),
];

/// The stages of a post's way, as the report names them.
const STAGES: [&str; 8] = [
    "http_answer",
    "posts_wait",
    "classify",
    "commands_wait",
    "cart_add",
    "outcomes_wait",
    "notify",
    "post_to_notice",
];

async fn load(stack: &Stack, args: &[&str]) -> anyhow::Result<(bool, String, String)> {
    let mut command = Command::from(tests::stack::hashcart());
    let output = command.arg("load").args(args).arg("--data").arg(stack.data()).output().await?;
    let (out, error) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    Ok((output.status.success(), out, error))
}

async fn every_post_comes_to_its_one_end(stack: &Stack) -> anyhow::Result<()> {
    let plot = stack.data().join("load.svg");
    let file = plot.to_str().context("a name")?;
    // So few shoppers that the hot one is over the limit of 60 an hour neither here nor by chance.
    let args = ["--posts", "60", "--rate", "20", "--seed", "4", "--deadline", "5m", "--json", "--plot", file];
    let (fine, out, error) = load(stack, &args).await?;
    ensure!(fine, "{out}{error}");
    let report: Value = serde_json::from_str(&out)?;
    let number = |name: &str| report[name].as_u64().with_context(|| format!("{name}: {report:#}"));

    let sum = |list: &str| -> u64 {
        report[list].as_array().into_iter().flatten().filter_map(|counted| counted["count"].as_u64()).sum()
    };
    let shapes = report["shapes"].as_object().context("shapes")?;
    let unwanted = shapes["unwanted"].as_u64().context("unwanted")?;
    ensure!(shapes.len() == 5 && shapes.values().filter_map(Value::as_u64).sum::<u64>() == 60, "{shapes:?}");
    ensure!(report["answers"] == serde_json::json!([{"status": "200", "count": 60}]), "{report:#}");
    ensure!(number("expected")? == 60 - unwanted && number("missing")? == 0, "{report:#}");
    ensure!(number("ended")? == number("expected")? && number("silent")? == 0, "{report:#}");
    ensure!(number("followed")? == number("expected")?, "{report:#}");
    ensure!(
        sum("outcomes") == number("expected")? && sum("notices") == 2 * number("expected")?,
        "{report:#}"
    );
    let verified = &report["verified"];
    ensure!(verified["decisions"] == report["expected"], "{verified}");
    for wrong in ["lost", "doubled", "wrong_carts", "notices_doubled"] {
        ensure!(verified[wrong] == 0, "{verified}");
    }
    stages(&report)?;
    drawn(&std::fs::read_to_string(&plot)?)?;
    cleaned(stack, report["run"].as_str().context("run")?).await
}

/// Each stage was measured for each post, and the parts are not longer than the whole.
fn stages(report: &Value) -> anyhow::Result<()> {
    let stages = report["stages"].as_array().context("stages")?;
    let names: Vec<&str> = stages.iter().filter_map(|stage| stage["stage"].as_str()).collect();
    ensure!(names == STAGES, "{names:?}");
    let ms = |stage: &Value, what: &str| stage[what].as_f64().unwrap_or(-1.0);
    for stage in stages {
        let count = if stage["stage"] == "http_answer" { &report["posts"] } else { &report["expected"] };
        ensure!(stage["count"] == *count, "{stage}");
        let order = ["p50_ms", "p90_ms", "p99_ms", "p99_9_ms", "max_ms"].map(|what| ms(stage, what));
        ensure!(order[0] >= 0.0 && order.is_sorted(), "{stage}");
    }
    let whole = ms(stages.last().context("stages")?, "max_ms");
    ensure!(whole > 0.0 && stages[1..7].iter().all(|stage| ms(stage, "p50_ms") <= whole), "{stages:?}");
    let timeline = report["timeline"].as_array().context("timeline")?;
    let sent: u64 = timeline.iter().filter_map(|moment| moment["sent"].as_u64()).sum();
    let told: u64 = timeline.iter().filter_map(|moment| moment["told"].as_u64()).sum();
    ensure!(sent == 60 && Some(told) == report["expected"].as_u64(), "{timeline:?}");
    // Twenty a second for sixty posts, whatever the answers took.
    ensure!(timeline.iter().filter(|moment| moment["sent"] != 0).count() >= 3, "{timeline:?}");
    Ok(())
}

/// The plot is well-formed and shows every panel and stage.
fn drawn(svg: &str) -> anyhow::Result<()> {
    let mut reader = quick_xml::Reader::from_str(svg);
    let mut elements = 0_usize;
    loop {
        match reader.read_event()? {
            quick_xml::events::Event::Eof => break,
            quick_xml::events::Event::Start(_) | quick_xml::events::Event::Empty(_) => elements += 1,
            _ => {}
        }
    }
    ensure!(elements > 100 && svg.starts_with("<svg"), "{elements} elements");
    for text in [
        "Posts a second",
        "Messages in each queue",
        "Oldest message of each queue",
        "post to notice",
        "answered 200",
    ] {
        ensure!(svg.contains(text), "the plot doesn't show `{text}`");
    }
    Ok(())
}

/// Nothing of the load's shoppers is left, and the shop's own people are all there.
async fn cleaned(stack: &Stack, run: &str) -> anyhow::Result<()> {
    let dynamodb = aws_sdk_dynamodb::Client::new(&stack.account()?.sdk_config());
    for table in ["links", "carts"] {
        let rows = dynamodb.scan().table_name(format!("hashcart-local-{table}")).send().await?;
        let kept = rows.items().iter().filter(|item| format!("{item:?}").contains("hashcart-load")).count();
        ensure!(kept == 0, "{kept} items of {table} are left");
        ensure!(!rows.items().is_empty(), "{table} is empty");
    }
    let (fine, out, error) = load(stack, &["--clean", run]).await?;
    ensure!(fine && out.contains("0 shoppers of the run"), "{out}{error}");
    Ok(())
}

async fn it_goes_to_this_stack_only(stack: &Stack) -> anyhow::Result<()> {
    for (args, why) in [
        (["--to", "https://example.com"], "isn't an address of the stage local"),
        (["--to", "http://192.0.2.1:8787"], "isn't an address of the stage local"),
        (["--network", "x"], "`x` is no generic network of the storefront: there is generic"),
    ] {
        let (fine, out, error) = load(stack, &args).await?;
        ensure!(!fine && error.contains(why), "{args:?}: {out}{error}");
    }
    Ok(())
}
