//! Deliberate bugs, each a patch in `tests/faults/bugs`: the run must find every one of them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

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
        let copy = self.target.join("mutants");
        let patches = self.patches()?;
        ensure!(!patches.is_empty(), "no such bug in tests/faults/bugs");
        for patch in &patches {
            self.copy_to(&copy)?;
            let found = self.try_one(patch, &copy)?;
            heard(&found);
        }
        Ok(patches.len())
    }

    fn patches(&self) -> anyhow::Result<Vec<PathBuf>> {
        let folder = self.workspace.join("tests/faults/bugs");
        let mut patches = Vec::new();
        for entry in std::fs::read_dir(&folder).with_context(|| format!("no {}", folder.display()))? {
            let path = entry?.path();
            let is_wanted = self.only.as_ref().is_none_or(|only| name_of(&path).contains(only.as_str()));
            if path.extension().is_some_and(|ending| ending == "patch") && is_wanted {
                patches.push(path);
            }
        }
        patches.sort();
        Ok(patches)
    }

    /// The files that git knows, copied where they differ: what is the same keeps its time, and so what
    /// cargo has built of it.
    fn copy_to(&self, copy: &Path) -> anyhow::Result<()> {
        let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(&self.workspace).output()?;
        ensure!(listed.status.success(), "git can't list the files of {}", self.workspace.display());
        let names = String::from_utf8(listed.stdout)?;
        for name in names.split('\0').filter(|name| !name.is_empty()) {
            let (from, to) = (self.workspace.join(name), copy.join(name));
            let Ok(content) = std::fs::read(&from) else { continue };
            if std::fs::read(&to).is_ok_and(|there| there == content) {
                continue;
            }
            if let Some(folder) = to.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(&to, content)?;
        }
        Ok(())
    }

    fn try_one(&self, patch: &Path, copy: &Path) -> anyhow::Result<Found> {
        let name = name_of(patch);
        let applied = Command::new("git")
            .arg("apply")
            .arg(patch)
            .current_dir(copy)
            .env("GIT_CEILING_DIRECTORIES", &self.target)
            .status()?;
        ensure!(applied.success(), "the bug {name} applies no more: renew tests/faults/bugs/{name}.patch");
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
            .current_dir(copy)
            .status()?;
        ensure!(built.success(), "the bug {name} can't be built");
        let folder = if self.profile == "dev" { "debug" } else { self.profile.as_str() };
        let binary = self.target.join(folder).join("faults");
        let began = Instant::now();
        let output = Command::new(binary)
            .args(["--deliveries", &self.deliveries.to_string(), "--posts", POSTS, "--shrink", "0", "--save"])
            .arg(copy.join(format!("{name}.json")))
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

fn name_of(patch: &Path) -> String {
    patch.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The count in the report's first line, `seed 1: 2345 deliveries in …`.
fn deliveries_in(line: &str) -> Option<u64> {
    let (_, rest) = line.strip_prefix("seed ")?.split_once(": ")?;
    rest.split_once(" deliveries in ")?.0.parse().ok()
}
