//! MiniStack's own Python environment: found, created and filled without the user's help.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Every package with its version and the hashes of its files, made by `uv pip compile`.
const REQUIREMENTS: &str = include_str!("../requirements.txt");
/// The child process' main module, kept beside the packages.
const RUNNER: &str = include_str!("runner.py");
/// The oldest Python that MiniStack's packages support.
const OLDEST: (u32, u32) = (3, 11);
/// Interpreters in the order they are tried; the first that is new enough wins.
const CANDIDATES: [&str; 6] = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python"];
/// How pip says that it didn't get through to the package index.
const UNREACHABLE: [&str; 7] = [
    "Failed to establish a new connection",
    "Temporary failure in name resolution",
    "Name or service not known",
    "Could not fetch URL",
    "ProxyError",
    "Read timed out",
    "Network is unreachable",
];

/// Why the emulator's Python environment couldn't be set up. Each message is one sentence that says
/// what is missing and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VenvError {
    /// There is no interpreter at all.
    #[error(
        "the local AWS emulator needs Python 3.11 or newer and none was found: install it (Debian and Ubuntu: \
         `apt install python3 python3-venv`, macOS: `brew install python`) and run this again"
    )]
    NoPython,
    /// There are interpreters, but only old ones.
    #[error(
        "the local AWS emulator needs Python 3.11 or newer and found only {found}: install a newer one beside it"
    )]
    TooOld {
        /// The newest one found, as it names itself.
        found: String,
    },
    /// The interpreter is new enough but comes without `venv` (Debian splits it off).
    #[error(
        "{python} can't create virtual environments: install its venv module (Debian and Ubuntu: `apt install \
         python3-venv`) and run this again"
    )]
    NoVenvModule {
        /// The interpreter.
        python: String,
    },
    /// The Python package index can't be reached.
    #[error(
        "the emulator's packages must be downloaded once and the Python package index can't be reached: connect to the \
         internet, or set PIP_INDEX_URL to a mirror, and run this again"
    )]
    Unreachable,
    /// pip failed for another reason.
    #[error("the emulator's packages couldn't be installed: {output}")]
    Install {
        /// The end of what pip said.
        output: String,
    },
    /// A file or a process couldn't be handled.
    #[error("couldn't {doing} {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

/// A directory that holds, once [`Venv::ensure`] has succeeded, MiniStack and every package that it
/// needs, pinned by hash, and nothing else.
#[derive(Debug, Clone)]
pub struct Venv {
    directory: PathBuf,
}

impl Venv {
    /// The environment in `directory`, which needn't exist yet. It is the environment's alone: what is
    /// in the way gets removed.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// The one of a checkout: `.hashcart/emulator` under its root.
    pub fn of_checkout(root: &Path) -> Self {
        Self::new(root.join(".hashcart").join("emulator"))
    }

    /// Whether everything is there already, so that [`ensure`](Self::ensure) will be quick.
    pub fn is_ready(&self) -> bool {
        self.has_packages() && holds(&self.runner(), RUNNER)
    }

    /// The command of a Python on this machine that can make an environment.
    ///
    /// # Errors
    /// When there is none that is new enough and has its `venv` module.
    pub fn suitable_python() -> Result<String, VenvError> {
        find_python(&CANDIDATES)
    }

    fn has_packages(&self) -> bool {
        holds(&self.stamp(), &expected_stamp())
    }

    /// Creates and fills the environment unless it is there; takes some seconds the first time, and
    /// needs the Python package index then. Blocks, also while another process does the same.
    ///
    /// # Errors
    /// When Python, its `venv` module or the package index is missing, or the directory can't be written.
    pub fn ensure(&self) -> Result<(), VenvError> {
        if self.is_ready() {
            return Ok(());
        }
        let _only_one = self.lock()?;
        if self.is_ready() {
            return Ok(());
        }
        if !self.has_packages() {
            let python = find_python(&CANDIDATES)?;
            self.remove_old()?;
            self.create(&python)?;
            self.install()?;
            write(&self.stamp(), &expected_stamp())?;
        }
        write(&self.runner(), RUNNER)
    }

    /// The environment's interpreter.
    pub(crate) fn python(&self) -> PathBuf {
        self.directory.join("bin").join("python")
    }

    /// The child process' main module.
    pub(crate) fn runner(&self) -> PathBuf {
        self.directory.join("runner.py")
    }

    fn stamp(&self) -> PathBuf {
        self.directory.join("complete")
    }

    /// A lock beside the directory, which is itself removed and made anew under it.
    fn lock(&self) -> Result<File, VenvError> {
        let path = self.directory.with_extension("lock");
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed("create", parent))?;
        }
        let file = File::create(&path).map_err(failed("create", &path))?;
        file.lock().map_err(failed("lock", &path))?;
        Ok(file)
    }

    fn remove_old(&self) -> Result<(), VenvError> {
        match fs::remove_dir_all(&self.directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("remove", &self.directory)(error))
            }
            _ => Ok(()),
        }
    }

    fn create(&self, python: &str) -> Result<(), VenvError> {
        let output = run(Command::new(python).args(["-m", "venv"]).arg(&self.directory))?;
        if output.status.success() {
            return Ok(());
        }
        // Debian's python3 without python3-venv has the module but not what it installs pip from.
        Err(VenvError::NoVenvModule { python: python.to_owned() })
    }

    fn install(&self) -> Result<(), VenvError> {
        let requirements = self.directory.join("requirements.txt");
        write(&requirements, REQUIREMENTS)?;
        let output = run(Command::new(self.python())
            .args(["-m", "pip", "install", "--require-hashes", "--no-deps"])
            .args(["--only-binary", ":all:", "--no-input", "--disable-pip-version-check"])
            .args(["--quiet", "--requirement"])
            .arg(&requirements))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        if UNREACHABLE.iter().any(|sign| said.contains(sign)) {
            return Err(VenvError::Unreachable);
        }
        Err(VenvError::Install { output: tail(&said) })
    }
}

/// Names what has been installed; another list is another environment.
fn expected_stamp() -> String {
    crate::package::sha256_hex(REQUIREMENTS.as_bytes())
}

fn holds(path: &Path, text: &str) -> bool {
    fs::read_to_string(path).is_ok_and(|content| content == text)
}

/// The first interpreter that is new enough and can create environments.
fn find_python(candidates: &[&str]) -> Result<String, VenvError> {
    let mut newest_old: Option<(u32, u32)> = None;
    for candidate in candidates {
        let Some(version) = version_of(candidate) else {
            continue;
        };
        if version < OLDEST {
            newest_old = newest_old.max(Some(version));
            continue;
        }
        let output = run(Command::new(candidate).args(["-c", "import venv, ensurepip"]))?;
        if output.status.success() {
            return Ok((*candidate).to_owned());
        }
        return Err(VenvError::NoVenvModule { python: (*candidate).to_owned() });
    }
    match newest_old {
        Some((major, minor)) => Err(VenvError::TooOld { found: format!("Python {major}.{minor}") }),
        None => Err(VenvError::NoPython),
    }
}

/// Major and minor version, or `None` if there is no such interpreter.
fn version_of(python: &str) -> Option<(u32, u32)> {
    let script = "import sys; print(sys.version_info[0], sys.version_info[1])";
    let output = Command::new(python).args(["-c", script]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn run(command: &mut Command) -> Result<Output, VenvError> {
    command.output().map_err(failed("run", Path::new(command.get_program())))
}

fn write(path: &Path, text: &str) -> Result<(), VenvError> {
    fs::write(path, text).map_err(failed("write", path))
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> VenvError {
    let path = path.to_owned();
    move |source| VenvError::Io { doing, path, source }
}

/// The last lines of a program's output, where the reason usually stands.
pub(crate) fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let skip = lines.len().saturating_sub(12);
    lines.into_iter().skip(skip).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// An executable that answers every call with `output` and `status`.
    fn interpreter(directory: &Path, name: &str, script: &str) -> String {
        let path = directory.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        // A process that another test starts at this moment may still hold the file open for writing.
        while Command::new(&path)
            .output()
            .is_err_and(|error| error.kind() == io::ErrorKind::ExecutableFileBusy)
        {}
        path.to_str().unwrap().to_owned()
    }

    #[test]
    fn no_interpreter_is_named_with_its_remedy() {
        let error = find_python(&["/nonexistent/python3"]).unwrap_err();
        assert!(matches!(error, VenvError::NoPython));
        assert!(error.to_string().contains("apt install python3"));
    }

    #[test]
    fn an_old_interpreter_is_named_with_its_version() {
        let directory = tempfile::tempdir().unwrap();
        let old = interpreter(directory.path(), "old", "echo 3 9");
        let error = find_python(&[&old]).unwrap_err();
        assert!(matches!(error, VenvError::TooOld { found } if found == "Python 3.9"));
    }

    #[test]
    fn a_newer_interpreter_behind_an_old_one_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        let old = interpreter(directory.path(), "old", "echo 3 10");
        let new = interpreter(directory.path(), "new", "echo 3 12");
        assert_eq!(find_python(&[&old, &new]).unwrap(), new);
    }

    #[test]
    fn an_interpreter_without_venv_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let bare =
            interpreter(directory.path(), "bare", r#"case "$2" in *ensurepip*) exit 1;; esac; echo 3 11"#);
        let error = find_python(&[&bare]).unwrap_err();
        assert!(matches!(error, VenvError::NoVenvModule { python } if python == bare));
    }

    #[test]
    fn an_unreachable_index_is_told_from_a_broken_package() {
        let directory = tempfile::tempdir().unwrap();
        let venv = Venv::new(directory.path());
        fs::create_dir(directory.path().join("bin")).unwrap();
        interpreter(
            &directory.path().join("bin"),
            "python",
            "echo 'Failed to establish a new connection: [Errno 111]' >&2; exit 1",
        );
        assert!(matches!(venv.install().unwrap_err(), VenvError::Unreachable));
        interpreter(
            &directory.path().join("bin"),
            "python",
            "echo 'THESE PACKAGES DO NOT MATCH THE HASHES' >&2; exit 1",
        );
        let error = venv.install().unwrap_err();
        assert!(matches!(error, VenvError::Install { output } if output.contains("HASHES")));
    }
}
