//! The running emulator: a child process that can't outlive ours.

use std::{
    fs::{self, File},
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{Account, Venv, VenvError, venv};

/// How long a start may take; a cold one on a busy machine compiles Python for some seconds.
const START_PATIENCE: Duration = Duration::from_secs(90);
/// How often a starting emulator is asked whether it is ready.
const START_POLL: Duration = Duration::from_millis(25);
/// How long a clean stop may take before the process is killed; saving takes 2 s.
const STOP_PATIENCE: Duration = Duration::from_secs(30);
/// How often a stopping emulator is looked at.
const STOP_POLL: Duration = Duration::from_millis(10);
/// How often another free port is tried when somebody took the one that we found.
const PORT_ATTEMPTS: u32 = 4;
/// The runner's exit status for "another emulator works on these data".
const DATA_IN_USE: i32 = 75;

/// Why the emulator couldn't be started or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmulatorError {
    /// Its Python environment is missing and couldn't be made.
    #[error(transparent)]
    Venv(#[from] VenvError),
    /// The wanted port is taken.
    #[error("port {port} is taken: choose another one or stop what listens there")]
    PortTaken {
        /// The port.
        port: u16,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// Another emulator is working on the same data.
    #[error("another emulator is using {}: stop it or choose another directory", data.display())]
    DataInUse {
        /// The data directory.
        data: PathBuf,
    },
    /// It ended before it was ready.
    #[error("the emulator ended while starting; the end of {}:\n{log_tail}", log.display())]
    Died {
        /// The log file.
        log: PathBuf,
        /// Its last lines.
        log_tail: String,
    },
    /// It isn't ready in time.
    #[error("the emulator isn't ready after {} s; see {}", START_PATIENCE.as_secs(), log.display())]
    NotReady {
        /// The log file.
        log: PathBuf,
    },
    /// It didn't stop in time and was killed; its last changes are lost.
    #[error("the emulator didn't stop within {} s and was killed, its last changes are lost", STOP_PATIENCE.as_secs())]
    NotStopped,
    /// A file or the process couldn't be handled.
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
    /// The system gave no random number for an account.
    #[error("the system gave no random number")]
    Random,
}

/// How an emulator is to be run.
#[derive(Debug, Clone)]
pub struct Options {
    venv: Venv,
    data: PathBuf,
    remove_data: bool,
    port: Option<u16>,
    keep_state: bool,
    enforce_iam: bool,
    smtp: Option<SocketAddr>,
}

impl Options {
    /// An emulator that keeps its files in `data`, on a free port of its own, forgets everything when it
    /// stops, and lets every caller do everything.
    pub fn new(venv: Venv, data: impl Into<PathBuf>) -> Self {
        let data = data.into();
        Self {
            venv,
            // Functions run in directories of their own, so a relative path would lead elsewhere.
            data: std::path::absolute(&data).unwrap_or(data),
            remove_data: false,
            port: None,
            keep_state: false,
            enforce_iam: false,
            smtp: None,
        }
    }

    /// Removes the data directory, log file included, when the emulator stops for whatever reason; it
    /// stops faster so.
    #[must_use]
    pub fn remove_data(mut self) -> Self {
        self.remove_data = true;
        self
    }

    /// Listens on this port of 127.0.0.1 instead of a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Saves the state (tables, queues, functions, parameters, but no sent mail) at a clean stop and
    /// reads it at the next start from the same data directory, on whatever port. A crash loses what
    /// happened since the start.
    #[must_use]
    pub fn keep_state(mut self) -> Self {
        self.keep_state = true;
        self
    }

    /// Checks signatures and enforces the policies of the functions' roles, as AWS does.
    #[must_use]
    pub fn enforce_iam(mut self) -> Self {
        self.enforce_iam = true;
        self
    }

    /// Hands each mail that SES accepts to this SMTP server too. It is told once; if it isn't there,
    /// the mail doesn't come.
    #[must_use]
    pub fn smtp(mut self, server: SocketAddr) -> Self {
        self.smtp = Some(server);
        self
    }

    fn log(&self) -> PathBuf {
        self.data.join("emulator.log")
    }

    fn prepare(&self) -> Result<(), EmulatorError> {
        self.venv.ensure()?;
        for directory in [self.data.clone(), self.data.join("state")] {
            fs::create_dir_all(&directory).map_err(failed("create", &directory))?;
        }
        Ok(())
    }

    /// The wanted port, checked to be free, or a free one.
    fn choose_port(&self) -> Result<u16, EmulatorError> {
        let wanted = self.port.unwrap_or(0);
        TcpListener::bind((Ipv4Addr::LOCALHOST, wanted))
            .and_then(|listener| listener.local_addr())
            .map(|address| address.port())
            .map_err(|source| EmulatorError::PortTaken { port: wanted, source })
    }

    /// Starts the child. Functions inherit its environment, so it gets a clean one; and since a signal
    /// from the terminal is ours to handle, a process group of its own.
    fn spawn(&self, port: u16) -> Result<Child, EmulatorError> {
        let log = self.log();
        // Emptied by the child once the data are its own: a predecessor may still be writing.
        let output = File::options().append(true).create(true).open(&log).map_err(failed("create", &log))?;
        let errors = output.try_clone().map_err(failed("write", &log))?;
        let python = self.venv.python();
        let mut command = Command::new(&python);
        command.arg("-I").arg(self.venv.runner()).arg("--data").arg(&self.data);
        if self.remove_data {
            command.arg("--remove-data");
        }
        command.env_clear().envs(self.environment(port)).stdin(Stdio::piped()).stdout(output).stderr(errors);
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.spawn().map_err(failed("run", &python))
    }

    fn environment(&self, port: u16) -> Vec<(&'static str, String)> {
        let inside = |name: &str| self.data.join(name).to_string_lossy().into_owned();
        let flag = |on: bool, yes: &str| if on { yes.to_owned() } else { "0".to_owned() };
        let mut environment = vec![
            ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ("HOME", inside("")),
            ("PYTHONUNBUFFERED", "1".to_owned()),
            ("BIND_HOST", Ipv4Addr::LOCALHOST.to_string()),
            ("GATEWAY_PORT", port.to_string()),
            ("AWS_ENDPOINT_URL", endpoint(port)),
            ("TMPDIR", inside("tmp")),
            ("STATE_DIR", inside("state")),
            ("PERSIST_STATE", flag(self.keep_state, "1")),
            ("AUTH", flag(self.enforce_iam, "true")),
            // Services that would listen on fixed ports or look for Docker.
            ("SFTP_ENABLED", "0".to_owned()),
            ("IOT_MTLS_ENABLED", "0".to_owned()),
            ("DOCKER_HOST", "unix:///nonexistent".to_owned()),
        ];
        if let Some(server) = self.smtp {
            environment.push(("SMTP_HOST", server.to_string()));
        }
        environment
    }

    fn died(&self, status: Option<i32>) -> EmulatorError {
        if status == Some(DATA_IN_USE) {
            return EmulatorError::DataInUse { data: self.data.clone() };
        }
        let log = self.log();
        let log_tail = venv::tail(&fs::read_to_string(&log).unwrap_or_default());
        EmulatorError::Died { log, log_tail }
    }
}

/// A running MiniStack. Dropping it stops it cleanly, which blocks for up to some seconds; it stops by
/// itself, as cleanly, if this process dies.
#[derive(Debug)]
pub struct Emulator {
    child: Child,
    port: u16,
    log: PathBuf,
}

impl Emulator {
    /// Starts an emulator and waits until it answers. Sets its Python environment up first if that isn't
    /// there, which takes some seconds and needs the Python package index.
    ///
    /// # Errors
    /// When the environment can't be set up, the port is taken, another emulator uses the data, or the
    /// process ends or stays silent.
    pub async fn start(options: Options) -> Result<Self, EmulatorError> {
        let prepared = options.clone();
        tokio::task::spawn_blocking(move || prepared.prepare())
            .await
            .map_err(|error| failed("set up", &options.data)(io::Error::other(error)))??;
        let mut attempt = 1;
        loop {
            match Self::start_once(&options).await {
                // Between our finding the port free and the child's taking it somebody was faster.
                Err(EmulatorError::Died { log_tail, .. })
                    if log_tail.contains("already in use")
                        && options.port.is_none()
                        && attempt < PORT_ATTEMPTS =>
                {
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    async fn start_once(options: &Options) -> Result<Self, EmulatorError> {
        let port = options.choose_port()?;
        let mut emulator = Self { child: options.spawn(port)?, port, log: options.log() };
        let deadline = Instant::now() + START_PATIENCE;
        loop {
            if let Some(status) = emulator.child.try_wait().map_err(failed("run", &emulator.log))? {
                return Err(options.died(status.code()));
            }
            if crate::http::is_ready(port).await {
                tracing::debug!(port, "the emulator is ready");
                return Ok(emulator);
            }
            if Instant::now() > deadline {
                return Err(EmulatorError::NotReady { log: options.log() });
            }
            tokio::time::sleep(START_POLL).await;
        }
    }

    /// The port of 127.0.0.1 that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address, `http://127.0.0.1:<port>`.
    pub fn endpoint(&self) -> String {
        endpoint(self.port)
    }

    /// The file that holds all that it said since its start.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The account for whole stacks: the only one whose HTTP API answers unsigned requests.
    pub fn account(&self) -> Account {
        Account::front_door(self.endpoint())
    }

    /// A fresh account that nobody else uses: for tests that share an emulator.
    ///
    /// # Errors
    /// When the system gives no random number.
    pub fn test_account(&self) -> Result<Account, EmulatorError> {
        Account::random(self.endpoint()).map_err(|_| EmulatorError::Random)
    }

    /// Stops it cleanly, so that it saves its state if it was told to.
    ///
    /// # Errors
    /// When it had to be killed, so that its last changes are lost.
    pub async fn stop(mut self) -> Result<(), EmulatorError> {
        let log = self.log.clone();
        tokio::task::spawn_blocking(move || self.stop_now())
            .await
            .map_err(|error| failed("stop", &log)(io::Error::other(error)))?
    }

    /// Closes the pipe that keeps the child alive and waits for it.
    fn stop_now(&mut self) -> Result<(), EmulatorError> {
        drop(self.child.stdin.take());
        let deadline = Instant::now() + STOP_PATIENCE;
        while Instant::now() < deadline {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(STOP_POLL),
                Ok(Some(_)) => return Ok(()),
                Err(error) => return Err(failed("stop", &self.log)(error)),
            }
        }
        self.child.kill().map_err(failed("kill", &self.log))?;
        self.child.wait().map_err(failed("kill", &self.log))?;
        Err(EmulatorError::NotStopped)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        if let Err(error) = self.stop_now() {
            tracing::warn!(error = %error, "the emulator didn't stop cleanly");
        }
    }
}

fn endpoint(port: u16) -> String {
    format!("http://{}:{port}", Ipv4Addr::LOCALHOST)
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> EmulatorError {
    let path = path.to_owned();
    move |source| EmulatorError::Io { doing, path, source }
}
