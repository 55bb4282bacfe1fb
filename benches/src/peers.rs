//! The same work in Node and Python, as an engineer of each language would write it (`benches/peers`).

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use emulator::Venv;
use tests::stack::workspace;

use crate::loopback::{Addresses, Loopback};
use crate::runtime::Program;
use crate::work::Work;

/// The work that the peers do, with the name of the handler's file.
const HANDLERS: [(Work, &str); 4] = [
    (Work::Webhook, "ingest"),
    (Work::Unwanted, "ingest"),
    (Work::Reject, "classify"),
    (Work::Match, "classify"),
];

/// The peers, installed.
#[derive(Clone, Debug)]
pub struct Peers(Vec<Peer>);

/// One handler in one language.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The work and the language: `classify (match) in Node`.
    pub name: String,
    /// What it does.
    pub work: Work,
    command: Vec<String>,
    folder: PathBuf,
}

impl Peers {
    /// Installs what they need under `.hashcart/benches`, from npm and PyPI, everything by its hash.
    ///
    /// # Errors
    /// When Node, npm or Python is missing or a registry doesn't answer.
    pub fn install() -> anyhow::Result<Self> {
        let installed = workspace().join(".hashcart/benches");
        let mut peers = node(&installed.join("node"))?;
        peers.extend(python(&installed.join("python"))?);
        Ok(Self(peers))
    }

    /// Every handler.
    pub fn all(&self) -> impl Iterator<Item = &Peer> {
        self.0.iter()
    }
}

impl Peer {
    fn new(work: Work, language: &str, command: Vec<String>, folder: &Path) -> Self {
        let name = format!("{} in {language}", work.name());
        Self { name, work, command, folder: folder.to_owned() }
    }

    /// How it is started.
    pub fn program(&self, aws: &Loopback) -> Program {
        let mut environment = aws.environment(self.work.function(), Addresses::Own);
        // Python's bytecode: made once, and kept out of the sources.
        let compiled = workspace().join(".hashcart/benches/compiled");
        environment.push(("PYTHONPYCACHEPREFIX".to_owned(), compiled.display().to_string()));
        Program { command: self.command.clone(), environment, folder: self.folder.clone() }
    }
}

fn sources(language: &str) -> PathBuf {
    workspace().join("benches/peers").join(language)
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().display().to_string();
    let output = command.output().with_context(|| format!("{name} can't be started: is it installed?"))?;
    let said = || [output.stdout.as_slice(), &output.stderr].concat();
    anyhow::ensure!(output.status.success(), "{name} failed:\n{}", String::from_utf8_lossy(&said()));
    Ok(())
}

/// One file for each handler, minified, as deployed.
fn node(folder: &Path) -> anyhow::Result<Vec<Peer>> {
    std::fs::create_dir_all(folder)?;
    for file in std::fs::read_dir(sources("node"))? {
        let file = file?;
        std::fs::copy(file.path(), folder.join(file.file_name()))?;
    }
    run(Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder))?;
    let options = [
        "--bundle",
        "--minify",
        "--platform=node",
        "--target=node20",
        "--outdir=out",
        "--out-extension:.js=.cjs",
    ];
    let files = ["ingest.js", "classify.js"];
    run(Command::new("node_modules/.bin/esbuild").args(files).args(options).current_dir(folder))?;
    let peer = |(work, file): (Work, &str)| {
        let command = vec!["node".to_owned(), format!("out/{file}.cjs")];
        Peer::new(work, "Node", command, folder)
    };
    Ok(HANDLERS.map(peer).into())
}

fn python(folder: &Path) -> anyhow::Result<Vec<Peer>> {
    let python = folder.join("bin/python");
    if !python.exists() {
        run(Command::new(Venv::suitable_python()?).args(["-m", "venv"]).arg(folder))?;
    }
    let requirements = sources("python").join("requirements.txt");
    let options = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"];
    let hashed = ["--require-hashes", "--only-binary", ":all:", "-r"];
    run(Command::new(&python).args(options).args(hashed).arg(requirements))?;
    let peer = |(work, file): (Work, &str)| {
        let program = python.display().to_string();
        let command = [&program, "-m", "awslambdaric", &format!("{file}.handler")].map(str::to_owned);
        Peer::new(work, "Python", command.into(), &sources("python"))
    };
    Ok(HANDLERS.map(peer).into())
}
