//! Deliberate bugs, in the patches of `tests/faults/bugs`: the run must find every one of them.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::sabotage::{SWITCH, Sabotaged, switches};
use crate::stack::workspace;

/// How many posts a world has in which a bug is looked for: small ones find it sooner.
const POSTS: &str = "60";

/// What a run with a bug came to.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The bug's name.
    pub name: String,
    /// How many deliveries the run had.
    pub deliveries: u64,
    /// How long it took.
    pub time: Duration,
    /// The law that the bug broke; `None` when it wasn't found.
    pub law: Option<String>,
}

/// How bugs are tried.
#[derive(Clone, Debug)]
pub struct Bench {
    /// Cargo's folder for what it builds.
    pub target: PathBuf,
    /// The profile that is built.
    pub profile: String,
    /// The deliveries after which a bug counts as not found.
    pub deliveries: u64,
    /// The seed of each run.
    pub seed: u64,
    /// Only bugs whose name holds this.
    pub only: Option<String>,
}

impl Bench {
    /// Builds a copy of the checkout with all bugs, switches on one after the other, and tells `heard` what came of it.
    ///
    /// # Errors
    /// When a patch applies no more, the copy can't be built, or the run fails even without a bug.
    pub fn run(&self, heard: &dyn Fn(&Tried)) -> anyhow::Result<Vec<Tried>> {
        let patches = workspace().join("tests/faults/bugs");
        let is_wanted = |name: &String| self.only.as_ref().is_none_or(|only| name.contains(only.as_str()));
        let names: Vec<String> = switches(&patches)?.into_iter().filter(is_wanted).collect();
        ensure!(!names.is_empty(), "no such bug in {}", patches.display());
        let sabotaged = Sabotaged { workspace: workspace(), patches, target: self.target.clone() };
        let binary = self.build(&sabotaged)?;
        let without = self.try_one(&binary, "none", self.deliveries.min(5_000))?;
        ensure!(without.law.is_none(), "the run fails without a bug: {without:?}");
        let mut tried = Vec::new();
        for name in &names {
            let one = self.try_one(&binary, name, self.deliveries)?;
            heard(&one);
            tried.push(one);
        }
        Ok(tried)
    }

    fn build(&self, sabotaged: &Sabotaged) -> anyhow::Result<PathBuf> {
        let folder = if self.profile == "dev" { "debug" } else { &self.profile };
        sabotaged.prepare(folder)?;
        let build =
            ["build", "--quiet", "--locked", "--profile", &self.profile, "-p", "tests", "--bin", "faults"];
        ensure!(sabotaged.cargo().args(build).status()?.success(), "the bugs can't be built");
        Ok(self.target.join(folder).join("faults"))
    }

    fn try_one(&self, binary: &PathBuf, name: &str, deliveries: u64) -> anyhow::Result<Tried> {
        let began = Instant::now();
        let output = Command::new(binary)
            .args(["--deliveries", &deliveries.to_string(), "--seed", &self.seed.to_string()])
            .args(["--posts", POSTS, "--shrink", "0", "--save"])
            .arg(self.target.join(format!("{name}.json")))
            .env(SWITCH, name)
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let law = said.lines().find_map(|line| line.strip_prefix("broken: ")).map(str::to_owned);
        let deliveries = said.lines().find_map(deliveries_in).unwrap_or(0);
        ensure!(law.is_some() || output.status.success(), "with {name} the run ended without a word");
        Ok(Tried { name: name.to_owned(), deliveries, time: began.elapsed(), law })
    }
}

/// The count in the report's first line, `seed 1: 2345 deliveries in …`.
fn deliveries_in(line: &str) -> Option<u64> {
    let (_, rest) = line.strip_prefix("seed ")?.split_once(": ")?;
    rest.split_once(" deliveries in ")?.0.parse().ok()
}
