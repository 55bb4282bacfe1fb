//! The table: every number with its goal, as text, as Markdown and as JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use indicatif::HumanFloatCount;
use serde::{Deserialize, Serialize};

use crate::requests::Details;

/// One number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// What it belongs to: `start`, `warm`, `parsing`, `requests`, `capacity`, `latency`, `money`.
    pub part: String,
    /// What was measured, in the words of the table: `cart-add, init`.
    pub name: String,
    /// The number, in `unit`.
    pub value: f64,
    /// Such as `M instructions`, `MB`, `×`.
    pub unit: String,
    /// What it should be, where there is a goal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<Goal>,
}

/// What a number should be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// At most so much.
    AtMost(f64),
    /// At least so much.
    AtLeast(f64),
}

impl Goal {
    /// Whether `value` meets it.
    pub fn is_met_by(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }
}

impl Measure {
    /// A number without a goal.
    pub fn new(part: &str, name: impl Into<String>, value: f64, unit: &str) -> Self {
        Self { part: part.to_owned(), name: name.into(), value, unit: unit.to_owned(), goal: None }
    }

    /// The same, and what it should be at most.
    #[must_use]
    pub fn at_most(self, goal: f64) -> Self {
        Self { goal: Some(Goal::AtMost(goal)), ..self }
    }

    /// The same, and what it should be at least.
    #[must_use]
    pub fn at_least(self, goal: f64) -> Self {
        Self { goal: Some(Goal::AtLeast(goal)), ..self }
    }

    /// Whether the goal is met; `None` without one.
    pub fn is_met(&self) -> Option<bool> {
        self.goal.map(|goal| goal.is_met_by(self.value))
    }

    fn cells(&self) -> [String; 5] {
        let (goal, met) = match self.goal {
            None => (String::new(), String::new()),
            Some(goal) => {
                let told = match goal {
                    Goal::AtMost(most) => format!("≤ {}", number(most)),
                    Goal::AtLeast(least) => format!("≥ {}", number(least)),
                };
                (told, if goal.is_met_by(self.value) { "yes" } else { "no" }.to_owned())
            }
        };
        [self.part.clone(), self.name.clone(), format!("{} {}", number(self.value), self.unit), goal, met]
    }
}

/// All numbers, with when and on what each part was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The parts by name.
    pub parts: BTreeMap<String, Part>,
}

/// The numbers of a part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The day, as `2026-11-22`.
    pub date: String,
    /// Processor, number of cores, system.
    pub machine: String,
    /// The numbers, in the order of the table.
    pub measures: Vec<Measure>,
}

impl Report {
    /// The report in a file.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("{} can't be read", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is no report", path.display()))
    }

    /// Writes it to a file as JSON.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        std::fs::write(path, text).with_context(|| format!("{} can't be written", path.display()))
    }

    /// A report of these numbers alone.
    pub fn of(date: &str, machine: &str, measures: Vec<Measure>) -> Self {
        let mut report = Self::default();
        report.renew(date, machine, measures);
        report
    }

    /// Puts newer numbers in the place of older ones of the same parts.
    pub fn renew(&mut self, date: &str, machine: &str, measures: Vec<Measure>) {
        for part in measures.iter().map(|measure| measure.part.clone()).collect::<BTreeSet<_>>() {
            let of_part = measures.iter().filter(|measure| measure.part == part).cloned().collect();
            let (date, machine) = (date.to_owned(), machine.to_owned());
            self.parts.insert(part, Part { date, machine, measures: of_part });
        }
    }

    /// The numbers in the order of the table.
    pub fn measures(&self) -> impl Iterator<Item = &Measure> {
        let mut parts: Vec<(&String, &Part)> = self.parts.iter().collect();
        parts.sort_by_key(|(name, _)| place(name));
        parts.into_iter().flat_map(|(_, part)| &part.measures)
    }

    /// The table as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = "| part | what | value | goal | met |\n|---|---|---|---|---|\n".to_owned();
        for measure in self.measures() {
            let _ = writeln!(text, "| {} |", measure.cells().join(" | "));
        }
        text.push('\n');
        for (name, part) in &self.parts {
            let _ = writeln!(text, "- {name}: {}, {}", part.date, part.machine);
        }
        text
    }

    /// The table for a terminal, its columns aligned.
    pub fn text(&self) -> String {
        let head = ["part", "what", "value", "goal", "met"].map(str::to_owned);
        let rows: Vec<[String; 5]> =
            std::iter::once(head).chain(self.measures().map(Measure::cells)).collect();
        let widths: [usize; 5] = std::array::from_fn(|column| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max().unwrap_or(0)
        });
        let mut text = String::new();
        for row in &rows {
            let padded = row
                .iter()
                .zip(widths)
                .map(|(cell, wide)| format!("{cell}{}", " ".repeat(wide.saturating_sub(width(cell)))));
            let line = padded.collect::<Vec<_>>().join("  ");
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text
    }
}

fn width(cell: &str) -> usize {
    console::measure_text_width(cell)
}

/// The order of the parts in the table; what isn't named comes last.
fn place(part: &str) -> usize {
    const PARTS: [&str; 7] = ["start", "warm", "parsing", "requests", "capacity", "latency", "money"];
    PARTS.iter().position(|known| *known == part).unwrap_or(PARTS.len())
}

/// A number with three digits that count, thousands apart.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 1_000_000.0 {
        return format!("{} M", number(value / 1_000_000.0));
    }
    let digits = match size {
        _ if size == size.round() || size >= 100.0 => 0,
        _ if size >= 10.0 => 1,
        _ if size >= 1.0 => 2,
        _ => 3,
    };
    format!("{:.digits$}", HumanFloatCount(value))
}

/// The files that hold what was measured last.
#[derive(Clone, Debug)]
pub struct Published {
    folder: PathBuf,
}

impl Published {
    /// Those of a checkout.
    pub fn of(checkout: &Path) -> Self {
        Self { folder: checkout.join("docs") }
    }

    /// The numbers.
    pub fn json(&self) -> PathBuf {
        self.folder.join("performance.json")
    }

    /// What an add uses, call by call.
    pub fn requests(&self) -> PathBuf {
        self.folder.join("requests.json")
    }

    /// The page.
    pub fn page(&self) -> PathBuf {
        self.folder.join("PERFORMANCE.md")
    }

    /// Keeps newer numbers of some parts in the place of the older ones.
    ///
    /// # Errors
    /// When the numbers can't be read or written.
    pub fn renew(&self, measures: Vec<Measure>) -> anyhow::Result<()> {
        let mut report = if self.json().exists() { self.report()? } else { Report::default() };
        report.renew(&today(), &machine(), measures);
        report.write(&self.json())
    }

    /// Keeps what an add uses, call by call.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn keep_details(&self, details: &Details) -> anyhow::Result<()> {
        let path = self.requests();
        let text = serde_json::to_string_pretty(details)? + "\n";
        std::fs::write(&path, text).with_context(|| format!("{} can't be written", path.display()))
    }

    /// All that is kept.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn report(&self) -> anyhow::Result<Report> {
        Report::read(&self.json())
    }

    /// Writes the page's tables and the plot again from what is kept.
    ///
    /// # Errors
    /// When a file can't be read or written.
    pub fn rewrite(&self) -> anyhow::Result<()> {
        let report = self.report()?;
        self.fill("table", &report.markdown())?;
        self.fill("calls", &self.calls()?)?;
        let plots = self.folder.join("plots");
        std::fs::create_dir_all(&plots)?;
        crate::plot::goals(&report, &plots.join("performance-goals.svg"))
    }

    /// What an add of another shopper and product uses, call by call, as Markdown; empty before it was
    /// counted.
    ///
    /// # Errors
    /// When what was kept can't be read.
    pub fn calls(&self) -> anyhow::Result<String> {
        let path = self.requests();
        if !path.exists() {
            return Ok(String::new());
        }
        let text = std::fs::read_to_string(&path).with_context(|| format!("no {}", path.display()))?;
        let details: Details =
            serde_json::from_str(&text).with_context(|| format!("{} can't be read", path.display()))?;
        Ok(details.markdown("different"))
    }

    /// Writes `text` between the page's comments of this name.
    ///
    /// # Errors
    /// When the page hasn't them or can't be written.
    pub fn fill(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.page();
        let page = std::fs::read_to_string(&path).with_context(|| format!("no {}", path.display()))?;
        let (before, old, after) =
            part(&page, name).with_context(|| format!("{} has no place called {name}", path.display()))?;
        if old != text {
            std::fs::write(&path, format!("{before}{text}{after}"))?;
        }
        Ok(())
    }
}

/// What stands between the comments `<!-- name -->` and `<!-- /name -->`, with what is around it.
fn part<'p>(page: &'p str, name: &str) -> Option<(&'p str, &'p str, &'p str)> {
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let start = page.find(&open)? + open.len();
    let end = start + page.get(start..)?.find(&close)?;
    Some((page.get(..start)?, page.get(start..end)?, page.get(end..)?))
}

/// The day in UTC, as `2026-11-22`.
pub fn today() -> String {
    crate::shop::now().to_string().chars().take(10).collect()
}

/// The machine that this runs on: processor, cores, system.
pub fn machine() -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("an unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let system = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let version = system.split(|c: char| c != '.' && !c.is_ascii_digit()).next().unwrap_or_default();
    format!("{model}, {cores} cores, Linux {version}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_that_count() {
        for (value, told) in [
            (0.0, "0"),
            (0.1, "0.1"),
            (0.012_34, "0.012"),
            (3.0, "3"),
            (2.196, "2.2"),
            (45.67, "45.7"),
            (999.6, "1,000"),
            (-1234.0, "-1,234"),
            (312_345.2, "312,345"),
            (2_345_678.0, "2.35 M"),
        ] {
            assert_eq!(number(value), told);
        }
    }

    #[test]
    fn a_goal_is_met_at_its_very_number() {
        let requests = Measure::new("requests", "per add", 7.0, "requests").at_most(7.0);
        let parsing = Measure::new("parsing", "reject", 1_999_999.0, "posts/s").at_least(2_000_000.0);
        assert_eq!((requests.is_met(), parsing.is_met()), (Some(true), Some(false)));
        assert_eq!(Measure::new("start", "empty", 0.44, "M").is_met(), None);
    }

    #[test]
    fn newer_numbers_take_the_place_of_their_part_alone() {
        let old = |part| Measure::new(part, "old", 1.0, "s");
        let mut report = Report::of("", "", vec![old("start"), old("latency")]);
        let new = |part| Measure::new(part, "new", 2.0, "s");
        report.renew("", "", vec![new("requests"), new("start")]);
        let told: Vec<String> = report.measures().map(|m| format!("{} {}", m.part, m.name)).collect();
        assert_eq!(told, ["start new", "requests new", "latency old"]);
    }

    #[test]
    fn the_page_shows_what_was_measured() {
        let published = Published::of(&::tests::stack::workspace());
        let page = std::fs::read_to_string(published.page()).unwrap();
        let report = Report::read(&published.json()).unwrap();
        let (_, table, _) = part(&page, "table").expect("a table on the page");
        let remedy = "run `cargo run -p benches -- page`";
        assert!(table == report.markdown(), "docs/PERFORMANCE.md and docs/performance.json differ: {remedy}");
        let (_, calls, _) = part(&page, "calls").expect("the calls on the page");
        assert!(calls == published.calls().unwrap(), "docs/requests.json: {remedy}");
    }
}
