//! One emulator for all tests of a process.

use std::path::Path;

use tokio::sync::OnceCell;

use crate::{Emulator, EmulatorError, Options, Venv};

/// The checkout that this crate was built in.
const CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// This process' emulator, started by the first caller. It enforces signatures and policies, forgets
/// everything, and is gone with the process. Take a [`test_account`](Emulator::test_account) for each test.
///
/// Its Python environment is the checkout's, so that all test binaries and the local stack share one.
///
/// # Errors
/// When it can't be started; see [`Emulator::start`].
pub async fn shared() -> Result<&'static Emulator, EmulatorError> {
    static EMULATOR: OnceCell<Emulator> = OnceCell::const_new();
    EMULATOR
        .get_or_try_init(|| async {
            // A directory that outlives this process by a moment: the emulator removes it, not we.
            let data = tempfile::Builder::new()
                .prefix("hashcart-emulator-")
                .disable_cleanup(true)
                .tempdir()
                .map_err(|source| EmulatorError::Io {
                    doing: "create a directory in",
                    path: std::env::temp_dir(),
                    source,
                })?;
            let venv = Venv::of_checkout(Path::new(CHECKOUT));
            Emulator::start(Options::new(venv, data.path()).remove_data().enforce_iam()).await
        })
        .await
}
