//! Statistics as tables that 80 columns can hold.

use std::collections::BTreeSet;
use std::time::Duration;

use console::style;
use domain::time::Timestamp;
use indicatif::HumanDuration;

use super::measured::Sample;
use super::{Paused, QueueStats, Sales, Stats};
use crate::table::{Table, plain};
use crate::terminal::{counted, say};

/// Writes everything.
pub(super) fn show(stats: &Stats) {
    let length = HumanDuration(stats.window.to.since(stats.window.from));
    say(format!("Stage {}, since {} ({length})", style(&stats.stage).bold(), minute(stats.window.from)));
    queues(&stats.queues);
    paused(&stats.paused);
    matrix("Delivered by networks", &stats.webhooks, &["result"], "network");
    matrix("Webhooks refused", &stats.webhooks_refused, &["reason"], "network");
    matrix("Posts read", &stats.classified, &["result"], "network");
    matrix("Outcomes", &stats.outcomes, &["outcome"], "network");
    matrix("Replies and mails", &stats.notices, &["channel", "result"], "network");
    latency(stats);
    matrix("Held back", &stats.held, &["reason"], "network");
    tries(&stats.retried, &stats.dead_lettered);
    sales(&stats.ledger);
    if [&stats.webhooks, &stats.classified, &stats.outcomes, &stats.notices].iter().all(|s| s.is_empty()) {
        say("\nNo post came in this time.");
    }
}

/// `2026-11-22 03:05 UTC`.
fn minute(at: Timestamp) -> String {
    let text: String = at.to_string().chars().take(16).collect();
    format!("{} UTC", text.replace('T', " "))
}

fn title(text: &str) {
    say(format!("\n{}", style(text).bold()));
}

fn table(table: &Table) {
    table.lines().iter().for_each(|line| say(format!("  {line}")));
}

fn queues(queues: &[QueueStats]) {
    title("Queues now");
    let mut rows = Table::new(&["queue", ">waiting", ">in flight", ">delayed", ">oldest", ">dead letters"]);
    for queue in queues {
        let oldest = queue
            .oldest_s
            .map_or("–".to_owned(), |s| format!("{:#}", HumanDuration(Duration::from_secs(s))));
        let dead = queue.dead_letters;
        rows.row([
            queue.queue.to_owned(),
            queue.waiting.to_string(),
            queue.in_flight.to_string(),
            queue.delayed.to_string(),
            oldest,
            if dead > 0 { style(dead).red().to_string() } else { dead.to_string() },
        ]);
    }
    table(&rows);
}

fn paused(paused: &[Paused]) {
    for paused in paused {
        let what = paused.what.join(", ");
        say(format!("  {} {} is paused: {what}", style("!").yellow(), plain(&paused.network)));
    }
}

/// Counts by some dimensions (rows) and another one (columns); nothing where there is nothing.
fn matrix(name: &str, samples: &[Sample], rows: &[&str], columns: &str) {
    if samples.is_empty() {
        return;
    }
    title(name);
    let label = |sample: &Sample| rows.iter().map(|row| plain(sample.get(row))).collect::<Vec<_>>().join(" ");
    let names: BTreeSet<&str> = samples.iter().map(|sample| sample.get(columns)).collect();
    let headings: Vec<String> = names.iter().map(|name| format!(">{}", plain(name))).collect();
    let row_name = rows.join(", ");
    let all: Vec<&str> =
        std::iter::once(row_name.as_str()).chain(headings.iter().map(String::as_str)).collect();
    let mut matrix = Table::new(&all);
    for row in samples.iter().map(label).collect::<BTreeSet<String>>() {
        let count = |name: &&str| {
            let of_cell =
                samples.iter().filter(|sample| label(sample) == row && sample.get(columns) == *name);
            let count: u64 = of_cell.map(|sample| sample.count).sum();
            if count > 0 { count.to_string() } else { "·".to_owned() }
        };
        let counts: Vec<String> = names.iter().map(count).collect();
        matrix.row(std::iter::once(row).chain(counts));
    }
    table(&matrix);
}

fn latency(stats: &Stats) {
    let Some(latency) = &stats.latency else { return };
    let about = if latency.exact { "" } else { "about " };
    title("From post to notice");
    say(format!(
        "  half within {about}{}, 95 of 100 within {about}{} ({})",
        seconds(latency.p50_ms),
        seconds(latency.p95_ms),
        counted(latency.posts, "post")
    ));
}

fn seconds(ms: f64) -> String {
    if ms < 10_000.0 { format!("{:.2} s", ms / 1000.0) } else { format!("{:.0} s", ms / 1000.0) }
}

fn tries(retried: &[Sample], dead: &[Sample]) {
    if retried.is_empty() && dead.is_empty() {
        return;
    }
    title("Failed tries");
    let count = |samples: &[Sample], function: &str| {
        let sum: u64 = samples.iter().filter(|s| s.get("function") == function).map(|s| s.count).sum();
        sum.to_string()
    };
    let functions: BTreeSet<&str> = retried.iter().chain(dead).map(|sample| sample.get("function")).collect();
    let mut rows = Table::new(&["function", ">tried again", ">dead-lettered"]);
    for function in functions {
        rows.row([plain(function), count(retried, function), count(dead, function)]);
    }
    table(&rows);
}

fn sales(sales: &[Sales]) {
    if sales.is_empty() {
        return;
    }
    title("Ledger (where somebody gets credit): lines, pieces in brackets");
    let mut rows = Table::new(&["marketplace", ">added", ">checkout", ">purchased"]);
    for sales in sales {
        let with_pieces = |lines: u64, pieces: u64| format!("{lines} ({pieces})");
        rows.row([
            plain(&sales.marketplace),
            with_pieces(sales.added, sales.added_pieces),
            sales.checkout.to_string(),
            with_pieces(sales.purchased, sales.purchased_pieces),
        ]);
    }
    table(&rows);
}
