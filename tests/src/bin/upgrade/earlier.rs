//! An earlier version of this repository: its files, its programs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use tests::stack::workspace;

/// A version of this repository beside the present one.
pub(crate) struct Earlier {
    /// As it was asked for.
    pub(crate) name: String,
    /// Where its files are.
    pub(crate) tree: PathBuf,
}

/// The programs of a version, by name: its functions and, for an earlier one, the command `hashcart`.
pub(crate) type Programs = BTreeMap<String, PathBuf>;

/// The newest release before this commit; `None` where there is none or the clone is too shallow to know.
pub(crate) fn last_release() -> Option<String> {
    // Without a tag on the way git says so and fails; a release that is this commit is no earlier one.
    git(&["describe", "--tags", "--abbrev=0", "--match", "v[0-9]*", "HEAD^"]).ok()
}

impl Earlier {
    /// Takes the files of the commit that `name` means out of the repository, once.
    ///
    /// # Errors
    /// When git knows no such commit or the files can't be written.
    pub(crate) fn check_out(name: &str) -> anyhow::Result<Self> {
        let commit = git(&["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")])
            .with_context(|| format!("git knows no commit `{name}`"))?;
        let tree = workspace().join(".hashcart/upgrade").join(&commit);
        if !tree.join("Cargo.toml").is_file() {
            std::fs::create_dir_all(&tree)?;
            let mut archive = Command::new("git")
                .args(["archive", "--format=tar", &commit])
                .current_dir(workspace())
                .stdout(Stdio::piped())
                .spawn()
                .context("git can't be run")?;
            let files = archive.stdout.take().context("what git writes")?;
            let unpacked = Command::new("tar").arg("-x").current_dir(&tree).stdin(files).status();
            ensure!(unpacked.context("tar can't be run")?.success(), "tar can't unpack {commit}");
            ensure!(archive.wait()?.success(), "git can't pack {commit}");
        }
        Ok(Self { name: name.to_owned(), tree })
    }

    /// Builds its functions and its command into `target`.
    ///
    /// # Errors
    /// When they don't build.
    pub(crate) fn build(&self, target: &Path) -> anyhow::Result<Programs> {
        let mut names = functions(&self.tree)?;
        names.push("hashcart".to_owned());
        build(&self.tree, &names, target)
    }
}

/// Builds the present functions into the folder that this program was built into.
///
/// # Errors
/// When they don't build.
pub(crate) fn build_present() -> anyhow::Result<Programs> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).context("the target directory")?;
    build(&workspace(), &functions(&workspace())?, target)
}

/// The names of the functions of a checkout: those of their folders.
fn functions(checkout: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(checkout.join("functions"))? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

fn build(checkout: &Path, names: &[String], target: &Path) -> anyhow::Result<Programs> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(checkout)
        .args(["build", "--locked", "--quiet", "--workspace", "--target-dir"])
        .arg(target);
    for name in names {
        cargo.args(["--bin", name]);
    }
    let status = cargo.status().context("cargo can't be run")?;
    if !status.success() {
        bail!("{} doesn't build", checkout.display());
    }
    Ok(names.iter().map(|name| (name.clone(), target.join("debug").join(name))).collect())
}

fn git(arguments: &[&str]) -> anyhow::Result<String> {
    let output =
        Command::new("git").args(arguments).current_dir(workspace()).output().context("git can't be run")?;
    ensure!(output.status.success(), "git: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
