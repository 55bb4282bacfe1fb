//! What the terminal shows while the stack starts: a line for each step with the time it took.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use console::style;
use indicatif::{ProgressBar, ProgressStyle};

use crate::terminal::say;

/// A step under way: a spinner on a terminal, nothing in a pipe until it is done.
#[derive(Debug)]
pub(crate) struct Step {
    name: &'static str,
    started: Instant,
    spinner: ProgressBar,
}

impl Step {
    /// Begins a step.
    pub(crate) fn begin(name: &'static str) -> Self {
        let spinner =
            if std::io::stdout().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        // The template is a constant that indicatif reads; its default would do too.
        if let Ok(looks) =
            ProgressStyle::with_template("  {spinner:.cyan} {prefix} {msg:.dim} {elapsed:.dim}")
        {
            spinner.set_style(looks);
        }
        spinner.set_prefix(name);
        spinner.enable_steady_tick(Duration::from_millis(100));
        Self { name, started: Instant::now(), spinner }
    }

    /// Says what is being done right now.
    pub(crate) fn note(&self, what: &str) {
        let short: String = what.chars().take(60).collect();
        self.spinner.set_message(short);
    }

    /// Ends it well; `what` adds to its name.
    pub(crate) fn done(self, what: &str) {
        self.spinner.finish_and_clear();
        let took = format!("{:.1} s", self.started.elapsed().as_secs_f64());
        let name = self.name;
        let text = if what.is_empty() { name.to_owned() } else { format!("{name}: {what}") };
        say(format!("  {} {text:<58} {}", style("✓").green(), style(format!("{took:>7}")).dim()));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.spinner.finish_and_clear();
    }
}
