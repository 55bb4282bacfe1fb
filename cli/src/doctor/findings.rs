//! What was found, line by line.

use std::fmt::Display;

use console::style;
use serde::Serialize;

use crate::terminal::say;

/// What was found so far; told as it is found, or kept for JSON.
#[derive(Debug)]
pub(super) struct Findings {
    as_json: bool,
    section: &'static str,
    found: Vec<Finding>,
}

#[derive(Debug, Serialize)]
struct Finding {
    section: &'static str,
    state: State,
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Fine,
    /// May be on purpose.
    Note,
    Wrong,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report<'f> {
    stage: &'f str,
    wrong: usize,
    findings: &'f [Finding],
}

impl Findings {
    /// Nothing yet.
    pub(super) fn new(as_json: bool) -> Self {
        Self { as_json, section: "", found: Vec::new() }
    }

    /// Begins with another part of the installation.
    pub(super) fn section(&mut self, section: &'static str) {
        self.section = section;
        if !self.as_json {
            say(style(section).bold());
        }
    }

    /// Something is as it should be.
    pub(super) fn fine(&mut self, what: impl Display) {
        self.add(State::Fine, &what, None);
    }

    /// Something that may be on purpose.
    pub(super) fn note(&mut self, what: impl Display) {
        self.add(State::Note, &what, None);
    }

    /// Something is wrong.
    pub(super) fn wrong(&mut self, what: impl Display, remedy: impl Display) {
        self.add(State::Wrong, &what, Some(remedy.to_string()));
    }

    fn add(&mut self, state: State, what: &dyn Display, remedy: Option<String>) {
        let finding = Finding { section: self.section, state, what: what.to_string(), remedy };
        if !self.as_json {
            let mark = match state {
                State::Fine => style("✓").green(),
                State::Note => style("·").yellow(),
                State::Wrong => style("✗").red(),
            };
            say(format!("  {mark} {}", finding.what));
            if let Some(remedy) = &finding.remedy {
                say(format!("    {} {remedy}", style("→").cyan()));
            }
        }
        self.found.push(finding);
    }

    /// How many things are wrong.
    pub(super) fn wrong_ones(&self) -> usize {
        self.found.iter().filter(|finding| finding.state == State::Wrong).count()
    }

    /// All of it.
    ///
    /// # Errors
    /// Never: there is nothing in it that JSON can't hold.
    pub(super) fn json(&self, stage: &str) -> serde_json::Result<String> {
        serde_json::to_string_pretty(&Report { stage, wrong: self.wrong_ones(), findings: &self.found })
    }
}
