//! Guards taken away and bugs built in on purpose, to see whether tests and laws notice.
//!
//! Each patch in a folder changes code where the variable [`SWITCH`] names the change. So all of them are built at
//! once, into a copy of the checkout, and nothing of them ever stands in the checkout itself.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

/// Names the guard that is away or the bug that is there.
pub const SWITCH: &str = "SABOTAGE";

/// A copy of the checkout in which everything that patches change can be switched.
#[derive(Clone, Debug)]
pub struct Sabotaged {
    /// The checkout.
    pub workspace: PathBuf,
    /// The folder of the patches.
    pub patches: PathBuf,
    /// Cargo's folder for what is built of the copy, which stands in it too.
    pub target: PathBuf,
}

impl Sabotaged {
    /// Where the copy is.
    pub fn copy(&self) -> PathBuf {
        self.target.join("checkout")
    }

    /// Makes the copy and applies every patch to it. Its builds begin with the dependencies that the checkout has
    /// built with `profile` (cargo's name of its folder: `debug`, `release`).
    ///
    /// # Errors
    /// When the copy can't be written, or a patch applies no more.
    pub fn prepare(&self, profile: &str) -> anyhow::Result<()> {
        self.refresh()?;
        for patch in patches(&self.patches)? {
            self.apply(&patch)?;
        }
        self.seed(profile)
    }

    /// Cargo, in the copy.
    pub fn cargo(&self) -> Command {
        let mut cargo = crate::stack::cargo();
        cargo.current_dir(self.copy()).env("CARGO_TARGET_DIR", &self.target);
        cargo
    }

    /// Makes the copy what the checkout is: the files that git knows or would take, copied where they differ. What is
    /// the same keeps its time, and so what cargo has built of it.
    fn refresh(&self) -> anyhow::Result<()> {
        let listing = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let listed = Command::new("git").args(listing).current_dir(&self.workspace).output()?;
        ensure!(listed.status.success(), "git can't list the files of {}", self.workspace.display());
        let names = String::from_utf8(listed.stdout)?;
        for name in names.split('\0').filter(|name| !name.is_empty()) {
            let (from, to) = (self.workspace.join(name), self.copy().join(name));
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

    fn apply(&self, patch: &Path) -> anyhow::Result<()> {
        let applied = Command::new("git")
            .arg("apply")
            .arg(patch)
            .current_dir(self.copy())
            .env("GIT_CEILING_DIRECTORIES", &self.target)
            .status()?;
        ensure!(applied.success(), "{} applies no more: renew it", patch.display());
        Ok(())
    }

    /// It must be a copy: cargo tells our own crates in two checkouts apart by their place within them, and would
    /// take this one's for the checkout's.
    fn seed(&self, profile: &str) -> anyhow::Result<()> {
        let (from, to) = (self.workspace.join("target").join(profile), self.target.join(profile));
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
}

/// The patches in a folder, in the order of their names.
///
/// # Errors
/// When there is no such folder.
pub fn patches(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut patches = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("no {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "patch") {
            patches.push(path);
        }
    }
    patches.sort();
    Ok(patches)
}

/// Whether the patches in a folder still apply to the checkout, all of them together.
///
/// # Errors
/// When one doesn't: git's words on it.
pub fn still_apply(folder: &Path) -> anyhow::Result<()> {
    let check = Command::new("git")
        .args(["apply", "--check"])
        .args(patches(folder)?)
        .current_dir(crate::stack::workspace())
        .output()?;
    ensure!(check.status.success(), "renew: {}", String::from_utf8_lossy(&check.stderr));
    Ok(())
}

/// What the patches in `folder` can switch, by the names that they compare [`SWITCH`] with.
///
/// # Errors
/// When a patch can't be read or switches nothing.
pub fn switches(folder: &Path) -> anyhow::Result<BTreeSet<String>> {
    let mut switches = BTreeSet::new();
    for patch in patches(folder)? {
        let text = std::fs::read_to_string(&patch)?;
        let added = text.lines().filter(|line| line.starts_with('+'));
        let named: Vec<String> = added
            .flat_map(|line| line.split("Ok(\"").skip(1))
            .filter_map(|rest| rest.split('"').next())
            .map(str::to_owned)
            .collect();
        ensure!(!named.is_empty(), "{} switches nothing", patch.display());
        switches.extend(named);
    }
    Ok(switches)
}
