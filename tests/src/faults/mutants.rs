//! Deliberate bugs, each a patch in `tests/faults/bugs`: the run must find every one of them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};

use crate::patched::{Patched, name_of, patches};

/// How many posts a world has in which a bug is looked for: small ones find it sooner.
const POSTS: &str = "60";

/// How a bug was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The patch's name.
    pub name: String,
    /// After how many deliveries.
    pub deliveries: u64,
    /// After how long, the build apart.
    pub time: Duration,
    /// The law that it broke.
    pub law: String,
}

/// Where bugs are tried.
#[derive(Clone, Debug)]
pub struct Bench {
    /// The checkout.
    pub workspace: PathBuf,
    /// Cargo's folder for what it builds: one for all bugs, so that each rebuilds only what it touches.
    pub target: PathBuf,
    /// The profile that is built.
    pub profile: String,
    /// The deliveries after which a bug counts as not found.
    pub deliveries: u64,
    /// Only bugs whose name holds this.
    pub only: Option<String>,
}

impl Bench {
    /// Tries every bug on a copy of the checkout and tells `heard` of each that was found.
    ///
    /// # Errors
    /// When a patch applies no more, its code can't be built, or the run doesn't find it.
    pub fn run(&self, heard: &dyn Fn(&Found)) -> anyhow::Result<usize> {
        let patches = self.patches()?;
        ensure!(!patches.is_empty(), "no such bug in tests/faults/bugs");
        let patched = Patched { workspace: self.workspace.clone(), copy: self.target.join("checkout") };
        self.seed()?;
        for patch in &patches {
            patched.refresh()?;
            let found = self.try_one(patch, &patched)?;
            heard(&found);
        }
        Ok(patches.len())
    }

    /// Begins with what the checkout has built, so that some four hundred dependencies aren't built again.
    /// It must be a copy: cargo tells our own crates in two checkouts apart by their place within them,
    /// and would take the last bug's for the checkout's.
    fn seed(&self) -> anyhow::Result<()> {
        let (from, to) = (self.workspace.join("target").join(self.folder()), self.target.join(self.folder()));
        if to.exists() || !from.exists() {
            return Ok(());
        }
        std::fs::create_dir_all(&to)?;
        for part in [".fingerprint", "build", "deps"] {
            let copied = Command::new("cp").arg("-Rp").arg(from.join(part)).arg(&to).status()?;
            ensure!(copied.success(), "{} can't be copied to {}", from.join(part).display(), to.display());
        }
        Ok(())
    }

    /// Cargo's folder for the profile.
    fn folder(&self) -> &str {
        if self.profile == "dev" { "debug" } else { &self.profile }
    }

    fn patches(&self) -> anyhow::Result<Vec<PathBuf>> {
        let all = patches(&self.workspace.join("tests/faults/bugs"))?;
        let is_wanted =
            |path: &PathBuf| self.only.as_ref().is_none_or(|only| name_of(path).contains(only.as_str()));
        Ok(all.into_iter().filter(is_wanted).collect())
    }

    fn try_one(&self, patch: &Path, patched: &Patched) -> anyhow::Result<Found> {
        let name = name_of(patch);
        patched.apply(patch)?;
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let built = Command::new(cargo)
            .args([
                "build",
                "--quiet",
                "--profile",
                &self.profile,
                "-p",
                "tests",
                "--bin",
                "faults",
                "--target-dir",
            ])
            .arg(&self.target)
            .current_dir(&patched.copy)
            .status()?;
        ensure!(built.success(), "the bug {name} can't be built");
        let binary = self.target.join(self.folder()).join("faults");
        let began = Instant::now();
        let output = Command::new(binary)
            .args(["--deliveries", &self.deliveries.to_string(), "--posts", POSTS, "--shrink", "0", "--save"])
            .arg(patched.copy.join(format!("{name}.json")))
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let law = said.lines().find_map(|line| line.strip_prefix("broken: ")).map(str::to_owned);
        let Some(law) = law.filter(|_| !output.status.success()) else {
            bail!("the bug {name} was not found in {} deliveries", self.deliveries);
        };
        let deliveries = said.lines().find_map(deliveries_in).unwrap_or(0);
        Ok(Found { name, deliveries, time: began.elapsed(), law })
    }
}

/// The count in the report's first line, `seed 1: 2345 deliveries in …`.
fn deliveries_in(line: &str) -> Option<u64> {
    let (_, rest) = line.strip_prefix("seed ")?.split_once(": ")?;
    rest.split_once(" deliveries in ")?.0.parse().ok()
}
