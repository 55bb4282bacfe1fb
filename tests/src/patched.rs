//! A copy of the checkout that patches are tried on, so that nothing of them ever stands in the checkout itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

/// The copy.
#[derive(Clone, Debug)]
pub struct Patched {
    /// The checkout.
    pub workspace: PathBuf,
    /// Where its copy is.
    pub copy: PathBuf,
}

impl Patched {
    /// Makes the copy what the checkout is: the files that git knows or would take, copied where they differ. What is
    /// the same keeps its time, and so what cargo has built of it.
    ///
    /// # Errors
    /// When git can't list them or the copy can't be written.
    pub fn refresh(&self) -> anyhow::Result<()> {
        let listing = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let listed = Command::new("git").args(listing).current_dir(&self.workspace).output()?;
        ensure!(listed.status.success(), "git can't list the files of {}", self.workspace.display());
        let names = String::from_utf8(listed.stdout)?;
        for name in names.split('\0').filter(|name| !name.is_empty()) {
            let (from, to) = (self.workspace.join(name), self.copy.join(name));
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

    /// Applies a patch to the copy.
    ///
    /// # Errors
    /// When it applies no more.
    pub fn apply(&self, patch: &Path) -> anyhow::Result<()> {
        let outside = self.copy.parent().unwrap_or(&self.copy);
        let applied = Command::new("git")
            .arg("apply")
            .arg(patch)
            .current_dir(&self.copy)
            .env("GIT_CEILING_DIRECTORIES", outside)
            .status()?;
        ensure!(applied.success(), "{} applies no more: renew it", patch.display());
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

/// A patch's name.
pub fn name_of(patch: &Path) -> String {
    patch.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}
