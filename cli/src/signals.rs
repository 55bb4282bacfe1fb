//! What the person at the terminal, or the system, asks of a running command.

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::terminal::complain;

/// The exit status of a command that was interrupted, as shells have it: 128 and the number of SIGINT.
pub(crate) const INTERRUPTED: i32 = 130;

/// Ctrl-C, the system's request to end, and a closed terminal.
pub(crate) struct Signals([Signal; 3]);

impl Signals {
    /// Listens from now on; the signals end the process no more by themselves.
    ///
    /// # Errors
    /// When the system gives no signals.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("the system's signals can't be listened to");
        Ok(Self([
            listen(SignalKind::interrupt())?,
            listen(SignalKind::terminate())?,
            listen(SignalKind::hangup())?,
        ]))
    }

    /// Waits for the next of them.
    pub(crate) async fn next(&mut self) {
        let Self([interrupt, terminate, hangup]) = self;
        tokio::select! { _ = interrupt.recv() => {} _ = terminate.recv() => {} _ = hangup.recv() => {} }
    }
}

/// Lets a command end its work in order when it is interrupted: it asks between two requests, so that no
/// answer is lost. A second signal ends the process at once.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Listens from now on, for a command that holds messages of a queue.
    ///
    /// # Errors
    /// As [`Signals::new`].
    pub(crate) fn listen() -> anyhow::Result<Self> {
        Self::listen_or("messages that this command holds are visible again within a minute.")
    }

    /// Listens from now on. `at_once` is what a person should know whose second signal ends the process.
    ///
    /// # Errors
    /// As [`Signals::new`].
    pub(crate) fn listen_or(at_once: &'static str) -> anyhow::Result<Self> {
        let mut signals = Signals::new()?;
        let (sender, receiver) = watch::channel(false);
        tokio::spawn(async move {
            signals.next().await;
            sender.send_replace(true);
            complain("Stopping in order; once more stops at once.");
            signals.next().await;
            complain(format!("Not waiting: {at_once}"));
            std::process::exit(INTERRUPTED)
        });
        Ok(Self(receiver))
    }

    /// Whether the work is to end.
    pub(crate) fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the work is to end.
    pub(crate) async fn asked(&self) {
        // The sender lives as long as the process: waiting can't fail before that.
        if self.0.clone().wait_for(|asked| *asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
