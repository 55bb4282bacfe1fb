//! The release binaries of the functions and of the empty one, built as they are deployed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use serde::Deserialize;
use tests::stack::cargo;

use crate::work::Work;

/// The packages' binaries.
#[derive(Clone, Debug, Default)]
pub struct Release(BTreeMap<String, PathBuf>);

/// A line of `cargo build --message-format=json` about what it has built.
#[derive(Deserialize)]
struct Artifact {
    target: Target,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

impl Release {
    /// Builds all with the profile `release`.
    ///
    /// # Errors
    /// When cargo fails.
    pub fn build() -> anyhow::Result<Self> {
        let mut command = cargo();
        command.args(["build", "--release", "--locked", "--message-format=json-render-diagnostics"]);
        for work in Work::FIRST {
            command.args(["-p", work.function()]);
        }
        let output = command.stderr(Stdio::inherit()).output().context("cargo")?;
        anyhow::ensure!(output.status.success(), "the release build failed");
        let lines = output.stdout.split(|byte| *byte == b'\n');
        let artifacts = lines.filter_map(|line| serde_json::from_slice::<Artifact>(line).ok());
        Ok(Self(artifacts.filter_map(|built| Some((built.target.name, built.executable?))).collect()))
    }

    /// The binary of a package.
    ///
    /// # Errors
    /// When cargo built none.
    pub fn binary(&self, package: &str) -> anyhow::Result<&Path> {
        self.0.get(package).map(PathBuf::as_path).with_context(|| format!("no binary of {package}"))
    }
}

/// The size in bytes that a file has in the zip archive that Lambda gets: deflated, as gzip does it too. What
/// the archive says of it besides takes a hundred bytes.
///
/// # Errors
/// When gzip is missing or the file can't be read.
pub fn zipped(file: &Path) -> anyhow::Result<u64> {
    let output = Command::new("gzip").args(["--stdout", "-6"]).arg(file).output().context("gzip")?;
    anyhow::ensure!(output.status.success(), "gzip: {}", String::from_utf8_lossy(&output.stderr));
    Ok(u64::try_from(output.stdout.len())?)
}
