//! A post's way as an operator reads it.

use console::style;
use store::deliveries::{ChannelState, Notice};

use super::Report;
use super::way::TraceStep;
use crate::stage::stage_option;
use crate::table::{Table, fitted, plain};
use crate::terminal::say;

/// Where the words begin in a line of a way: after the time and the function.
const INDENT: usize = 31;

/// Everything that was found, in the order in which it happened.
pub(super) fn report(report: &Report) {
    say(format!("{} on the stage {}", style(plain(&report.post)).bold(), report.stage));
    for trace in report.traces.iter().filter(|trace| trace.starts_with("1-")) {
        say(format!("X-Ray trace {trace}"));
    }
    way(&report.way.steps, report);
    decisions(report);
    notices(report);
    if report.erased {
        say("\nIts author deleted it: nothing more is said about it.");
    }
    dead_letters(report);
}

fn way(steps: &[TraceStep], report: &Report) {
    say(format!("\n{}", style("Way").bold()));
    let mut day = "";
    for step in steps {
        let (date, time) = step.at.split_once('T').unwrap_or(("", &step.at));
        if date != day {
            say(format!("  {}", style(date).dim()));
            day = date;
        }
        let what = fitted(&plain(&step.what), INDENT);
        let what = match step.level.as_str() {
            "ERROR" => style(what).red(),
            "WARN" => style(what).yellow(),
            _ => style(what),
        };
        let time = style(time.trim_end_matches('Z')).dim();
        say(format!("  {time}  {:<14} {what}", step.function));
    }
    if steps.is_empty() {
        say(format!("  no log line since {} (--since)", report.searched.from));
    }
}

fn decisions(report: &Report) {
    say(format!("\n{}", style("Decisions").bold()));
    let mut table = Table::new(&["  step", "line", "outcome", "product", "customer"]);
    for decision in &report.decisions {
        let product = decision.product.as_deref().map(plain).unwrap_or_default();
        table.row([
            format!("  {}", decision.step),
            decision.line.to_string(),
            decision.outcome.to_owned(),
            product,
            decision.customer.to_string(),
        ]);
    }
    // What an account without a customer asked for is decided too, but stands in no cart.
    for outcome in &report.way.outcomes {
        let stands =
            |d: &&super::Decision| (u64::from(d.step), u64::from(d.line)) == (outcome.step, outcome.line);
        if !report.decisions.iter().any(|decision| stands(&decision)) {
            let cells = [format!("  {}", outcome.step), outcome.line.to_string(), outcome.outcome.clone()];
            table.row(cells.into_iter().chain([String::new(), String::new()]));
        }
    }
    match report.decisions.is_empty() && report.way.outcomes.is_empty() {
        true => say("  none"),
        false => table.lines().iter().for_each(say),
    }
}

fn notices(report: &Report) {
    say(format!("\n{}", style("Notices").bold()));
    for Notice { step, attempt, reply, mail } in &report.notices {
        let tries = if *attempt > 1 { format!(", {attempt} tries") } else { String::new() };
        say(format!("  step {step}: reply {}, mail {}{tries}", state(reply), state(mail)));
    }
    if report.notices.is_empty() {
        say("  none");
    }
}

fn state(state: &ChannelState) -> String {
    match state {
        ChannelState::Pending => "pending".to_owned(),
        ChannelState::Done { .. } => "sent".to_owned(),
        ChannelState::Refused { reason } => format!("not sent ({reason})"),
    }
}

fn dead_letters(report: &Report) {
    let Some(first) = report.dead_letters.first() else { return };
    say(format!("\n{}", style("Dead letters").bold().red()));
    for letter in &report.dead_letters {
        let line =
            format!("{}: {} {}: {}", letter.queue, letter.function, letter.kind, plain(&letter.reason));
        say(format!("  {}", fitted(&line, 2)));
    }
    let option = stage_option(&report.stage);
    say(format!("\nNext: hashcart dlq show {} {}{option}", first.queue, first.id));
}
