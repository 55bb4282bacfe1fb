//! Whether each guard of the threat model has a test that fails without it.
//!
//! The patches in `tests/security/guards` take guards away, see [`crate::sabotage`]. A test is run once for each guard
//! that it stands for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use crate::sabotage::{SWITCH, Sabotaged};

/// After so long a test counts as failed: it hangs without the guard.
const PATIENCE: Duration = Duration::from_secs(120);
/// The test binaries, beside the libraries, whose tests stand in the threat model.
const BINARIES: [&str; 6] = ["it", "pages", "privacy", "queue", "security", "webhooks"];

/// A row of the threat model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What somebody tries.
    pub attempt: String,
    /// The tests that it names.
    pub tests: BTreeSet<String>,
    /// The guards that can be taken away.
    pub guards: BTreeSet<String>,
    /// What stands in the last cell: the guards, or why there are none.
    pub without: String,
}

/// The words in backticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The rows of the doors in `docs/THREATS.md`.
///
/// # Errors
/// When a row hasn't four cells.
pub fn rows(page: &str) -> anyhow::Result<Vec<Row>> {
    let (_, doors) = page.split_once("## The doors").context("no doors")?;
    let (doors, _) = doors.split_once("## Accepted").context("no end of the doors")?;
    let is_row =
        |line: &&str| line.starts_with('|') && !line.starts_with("|---") && !line.starts_with("| somebody");
    let mut rows = Vec::new();
    for line in doors.lines().filter(is_row) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [attempt, _, tests, without] = cells.as_slice() else { bail!("not four cells: {line}") };
        rows.push(Row {
            attempt: (*attempt).to_owned(),
            tests: quoted(tests).map(str::to_owned).collect(),
            guards: quoted(without).map(str::to_owned).collect(),
            without: (*without).to_owned(),
        });
    }
    Ok(rows)
}

/// Where guards are tried.
#[derive(Clone, Debug)]
pub struct Bench {
    /// The checkout.
    pub workspace: PathBuf,
    /// Cargo's folder for what it builds; the copy stands in it.
    pub target: PathBuf,
    /// Only guards whose name holds this.
    pub only: Option<String>,
}

/// A test as it is run.
#[derive(Clone, Debug)]
struct Test {
    binary: PathBuf,
    package: PathBuf,
    path: String,
}

/// How a run ended.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Each guard with the test that failed without it.
    pub missed: BTreeMap<String, String>,
    /// The guards that nothing missed.
    pub survivors: Vec<String>,
}

impl Bench {
    /// Takes every guard away and tells `heard` of each what came of it.
    ///
    /// # Errors
    /// When a patch applies no more, the code can't be built, or a test fails with all guards in place.
    pub fn run(&self, heard: &dyn Fn(&str, Option<&str>)) -> anyhow::Result<Outcome> {
        let page = std::fs::read_to_string(self.workspace.join("docs/THREATS.md"))?;
        let rows = rows(&page)?;
        let tests = self.build()?;
        let mut wanted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for row in &rows {
            for guard in row.guards.iter().filter(|guard| self.is_wanted(guard)) {
                wanted.entry(guard).or_default().extend(row.tests.iter().map(String::as_str));
            }
        }
        let named: BTreeSet<&str> = wanted.values().flatten().copied().collect();
        for name in named {
            for test in tests.get(name).into_iter().flatten() {
                ensure!(test.passes(None)?, "{name} fails with all guards in place");
            }
        }
        let mut outcome = Outcome::default();
        for (guard, named) in wanted {
            let missed = missed_by(guard, &named, &tests)?;
            heard(guard, missed);
            match missed {
                Some(test) => drop(outcome.missed.insert(guard.to_owned(), test.to_owned())),
                None => outcome.survivors.push(guard.to_owned()),
            }
        }
        Ok(outcome)
    }

    fn is_wanted(&self, guard: &str) -> bool {
        self.only.as_ref().is_none_or(|only| guard.contains(only.as_str()))
    }

    /// Builds all tests with every guard removable, and finds them by name.
    fn build(&self) -> anyhow::Result<BTreeMap<String, Vec<Test>>> {
        let patches = self.workspace.join("tests/security/guards");
        let sabotaged = Sabotaged { workspace: self.workspace.clone(), patches, target: self.target.clone() };
        sabotaged.prepare("debug")?;
        // The emulator's virtual environment: the checkout's own.
        let (installed, link) = (self.workspace.join(".hashcart"), sabotaged.copy().join(".hashcart"));
        if installed.exists() && !link.exists() {
            std::os::unix::fs::symlink(installed, link)?;
        }
        let mut tests: BTreeMap<String, Vec<Test>> = BTreeMap::new();
        for (binary, package) in compile(&sabotaged)? {
            let listed =
                Command::new(&binary).args(["--list", "--format", "terse"]).current_dir(&package).output()?;
            for line in String::from_utf8(listed.stdout)?.lines() {
                let Some(path) = line.strip_suffix(": test") else { continue };
                let name = path.rsplit("::").next().unwrap_or(path).to_owned();
                let test = Test { binary: binary.clone(), package: package.clone(), path: path.to_owned() };
                tests.entry(name).or_default().push(test);
            }
        }
        Ok(tests)
    }
}

/// The test binaries, each with its package's folder. Of the whole workspace, so that the dependencies are those that
/// `cargo test` builds.
fn compile(sabotaged: &Sabotaged) -> anyhow::Result<Vec<(PathBuf, PathBuf)>> {
    let mut cargo = sabotaged.cargo();
    cargo.args(["test", "--workspace", "--locked", "--no-run", "--quiet", "--message-format=json", "--lib"]);
    for binary in BINARIES {
        cargo.args(["--test", binary]);
    }
    let built = cargo.stderr(Stdio::inherit()).output()?;
    ensure!(built.status.success(), "the tests can't be built without their guards");
    let mut binaries = Vec::new();
    for line in String::from_utf8(built.stdout)?.lines() {
        let message: Value = serde_json::from_str(line)?;
        let manifest = message["manifest_path"].as_str().map(Path::new).and_then(Path::parent);
        let tested = message["profile"]["test"].as_bool() == Some(true);
        if let (Some(binary), Some(package), true) = (message["executable"].as_str(), manifest, tested) {
            binaries.push((PathBuf::from(binary), package.to_owned()));
        }
    }
    Ok(binaries)
}

/// The first of the tests that fails without the guard.
fn missed_by<'n>(
    guard: &str,
    named: &BTreeSet<&'n str>,
    tests: &BTreeMap<String, Vec<Test>>,
) -> anyhow::Result<Option<&'n str>> {
    for name in named {
        for test in tests.get(*name).into_iter().flatten() {
            if !test.passes(Some(guard))? {
                return Ok(Some(name));
            }
        }
    }
    Ok(None)
}

impl Test {
    fn passes(&self, without: Option<&str>) -> anyhow::Result<bool> {
        let mut command = Command::new(&self.binary);
        command.args(["--exact", &self.path]).current_dir(&self.package);
        command.env("CARGO_MANIFEST_DIR", &self.package).env_remove(SWITCH);
        if let Some(guard) = without {
            command.env(SWITCH, guard);
        }
        let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let began = Instant::now();
        loop {
            if let Some(status) = run.try_wait()? {
                return Ok(status.success());
            }
            if began.elapsed() > PATIENCE {
                run.kill()?;
                run.wait()?;
                return Ok(false);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
