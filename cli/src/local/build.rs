//! Builds the functions with the cargo and the profile that built this program, so that nothing that
//! `cargo run` built is built again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::Command;

use super::steps::Step;

/// A message of `cargo build --message-format=json`
/// (<https://doc.rust-lang.org/cargo/reference/external-tools.html#json-messages>).
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    executable: Option<PathBuf>,
    #[serde(default)]
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// The functions of the checkout, by the names of their directories.
///
/// # Errors
/// When `functions/` can't be read.
pub(crate) fn functions(checkout: &Path) -> anyhow::Result<Vec<String>> {
    let folder = checkout.join("functions");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| format!("{} can't be read", folder.display()))? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Builds `functions` and returns their executables by name.
///
/// # Errors
/// When cargo can't be run or the build fails; what cargo said is in the error.
pub(crate) async fn build(
    checkout: &Path,
    functions: &[String],
    step: &Step,
) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let mut command = cargo(checkout);
    command.args(["--workspace", "--message-format=json-render-diagnostics"]);
    for function in functions {
        command.args(["--bin", function]);
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("cargo is missing: install Rust from https://rustup.rs")?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (built, said) = tokio::join!(executables(stdout), diagnostics(stderr, step));
    if !child.wait().await.context("cargo can't be waited for")?.success() {
        bail!("the functions don't build:\n{}", said.trim_end());
    }
    let built = built?;
    match functions.iter().find(|function| !built.contains_key(*function)) {
        Some(missing) => bail!("cargo built no executable for the function {missing}"),
        None => Ok(built),
    }
}

/// `cargo build` by the cargo that runs us, else the one on the path, into the target directory that
/// holds us.
fn cargo(checkout: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(checkout).arg("build");
    emulator::outside_cargo(command.as_std_mut());
    if let Some((target, profile)) = own_place() {
        command.arg("--target-dir").arg(target);
        if profile == "release" {
            command.arg("--release");
        }
    }
    command
}

/// The target directory and the profile's folder that this program lies in, if cargo put it there.
fn own_place() -> Option<(PathBuf, String)> {
    let program = std::env::current_exe().ok()?;
    let folder = program.parent()?;
    let target = folder.parent()?;
    let profile = folder.file_name()?.to_str()?.to_owned();
    target.join("CACHEDIR.TAG").is_file().then(|| (target.to_owned(), profile))
}

async fn executables(stdout: Option<impl AsyncRead + Unpin>) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let mut built = BTreeMap::new();
    let Some(stdout) = stdout else { return Ok(built) };
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await.context("cargo broke off")? {
        // Build scripts may write lines of their own between the messages.
        let Ok(message) = serde_json::from_str::<Message>(&line) else { continue };
        if let (true, Some(target), Some(path)) =
            (message.reason == "compiler-artifact", message.target, message.executable)
        {
            built.insert(target.name, path);
        }
    }
    Ok(built)
}

/// All that cargo says; its last line is what the step shows.
async fn diagnostics(stderr: Option<impl AsyncRead + Unpin>, step: &Step) -> String {
    let mut said = String::new();
    let Some(stderr) = stderr else { return said };
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        step.note(line.trim());
        said.push_str(&line);
        said.push('\n');
    }
    said
}
