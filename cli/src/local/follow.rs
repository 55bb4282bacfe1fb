//! Follows the functions' logs: into the traces, and as readable lines onto the terminal.

use std::time::{Duration, Instant};

use console::{Color, style};
use emulator::{Account, Logs};

use crate::playground::{App, now};
use crate::terminal::say;
use crate::trace::LogLine;

/// How often logs are looked at while something is going on.
const BUSY: Duration = Duration::from_millis(80);
/// How often they are looked at otherwise.
const IDLE: Duration = Duration::from_millis(1500);
/// How many times as long as a look at the logs took, at least, it is until the next.
const LEISURE: u32 = 5;
/// How long after the last line or request something may still be going on.
const LINGER: Duration = Duration::from_secs(8);
/// How far before the start the first look goes: the last lines of a run are read by the next one.
const LOOK_BACK: Duration = Duration::from_secs(60 * 60);

/// Follows the logs of `functions` for as long as it is polled.
pub(super) async fn follow(app: &App, account: &Account, functions: &[String]) {
    let from = i64::try_from(now().minus(LOOK_BACK).as_millis()).unwrap_or(i64::MAX);
    let mut logs = Logs::new(account, "local", functions.iter().map(String::as_str), from);
    let (started, mut busy_until) = (now().to_string(), Instant::now() + LINGER);
    let mut complained = false;
    loop {
        let looked = Instant::now();
        match logs.next().await {
            Ok(lines) => {
                complained = false;
                for line in lines {
                    busy_until = Instant::now() + LINGER;
                    // Lines of an earlier run complete its traces but aren't shown again.
                    match app.traces.take(&line.text) {
                        Some(parsed) if parsed.at >= started => show(&parsed),
                        Some(_) => {}
                        None => show_foreign(&line.function, &line.text),
                    }
                }
            }
            Err(error) if !complained => {
                complained = true;
                say(style(format!("the logs can't be read for now: {error}")).yellow());
            }
            Err(_) => {}
        }
        let pause = if Instant::now() < busy_until { BUSY } else { IDLE };
        // The more there is in the logs, the longer the emulator takes to look through them: under load it has
        // better things to do.
        let pause = pause.max(looked.elapsed() * LEISURE);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = app.activity.notified() => {
                busy_until = Instant::now() + LINGER;
                tokio::time::sleep(BUSY).await;
            }
        }
    }
}

/// Each function its colour, so that the eye finds it.
fn color(function: &str) -> Color {
    match function {
        "webhook-ingest" => Color::Cyan,
        "classify" => Color::Magenta,
        "cart-add" => Color::Green,
        "notify" => Color::Blue,
        _ => Color::White,
    }
}

fn show(line: &LogLine) {
    let time = line.at.split_once('T').map_or(line.at.as_str(), |(_, time)| time.trim_end_matches('Z'));
    let what = match line.level.as_str() {
        "ERROR" => style(line.what.clone()).red(),
        "WARN" => style(line.what.clone()).yellow(),
        _ => style(line.what.clone()),
    };
    let function = style(format!("{:<14}", line.function)).fg(color(&line.function));
    let post = line.post.as_deref().map(|post| format!(" {}", style(short(post)).dim())).unwrap_or_default();
    let details: String = line
        .fields
        .iter()
        .map(|(name, value)| {
            format!(" {name}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        })
        .collect();
    say(format!("{} {function} {what}{post}{}", style(time).dim(), style(details).dim()));
}

/// The end of a post's name is what tells posts apart.
fn short(post: &str) -> String {
    let count = post.chars().count();
    if count <= 18 {
        post.to_owned()
    } else {
        format!("…{}", post.chars().skip(count - 10).collect::<String>())
    }
}

/// A line that isn't in our form: a panic, or what a library writes to standard error. Metrics are
/// for machines.
fn show_foreign(function: &str, text: &str) {
    if !text.is_empty() && !text.starts_with('{') {
        say(format!("             {} {text}", style(format!("{function:<14}")).fg(color(function))));
    }
}
