//! Reads `storefront.toml`.

use std::path::Path;

use anyhow::{Context as _, bail};
use domain::storefront::Storefront;

use crate::checkout::Checkout;
use crate::stage::StageArgs;

/// Reads and checks a storefront from `text`, which came from `name`. Plain http to this machine is
/// allowed: whoever takes the storefront to the cloud checks it again without.
///
/// # Errors
/// When it is not valid: every problem with its key and line.
pub(crate) fn parse(name: &str, text: &str) -> anyhow::Result<Storefront> {
    Storefront::from_toml(text, true).with_context(|| format!("{name} is not valid"))
}

/// Reads and checks the storefront in `file`. Plain http to this machine is valid only where `is_local`.
///
/// # Errors
/// When it can't be read or is not valid.
pub(crate) fn read(file: &Path, is_local: bool) -> anyhow::Result<Storefront> {
    let name = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("{name} can't be read"))?;
    Storefront::from_toml(&text, is_local).with_context(|| format!("{name} is not valid"))
}

/// The storefront that a command about a stage goes by: the one in `file`; else the stage's own; else, before
/// one was pushed there, `storefront.toml` here, and for the stage `local` the demonstration's.
///
/// # Errors
/// When a named file is not valid, or there is none of these.
pub(crate) async fn of_stage(stage: &StageArgs, file: Option<&Path>) -> anyhow::Result<Storefront> {
    if let Some(file) = file {
        return read(file, stage.is_local());
    }
    let settings = match stage.settings().await {
        Ok(settings) => settings,
        // The local stack needs not run.
        Err(_) if stage.is_local() => return here(stage),
        Err(error) => return Err(error),
    };
    match settings.current().await {
        Ok(Some(current)) => Ok(current.value),
        Ok(None) => here(stage),
        // Before the first deployment there is no table.
        Err(error) => here(stage).map_err(|_| {
            anyhow::Error::from(error).context(format!(
                "the storefront of the stage {} can't be read, and there is no storefront.toml here: name it \
                 with --storefront FILE",
                stage.name
            ))
        }),
    }
}

fn here(stage: &StageArgs) -> anyhow::Result<Storefront> {
    let file = Path::new("storefront.toml");
    match Checkout::find() {
        Ok(checkout) if stage.is_local() && !file.is_file() => read(&checkout.demo_storefront(), true),
        _ if file.is_file() => read(file, stage.is_local()),
        _ => bail!(
            "no storefront has been pushed to the stage {} yet, and there is no storefront.toml here: name it with \
             --storefront FILE",
            stage.name
        ),
    }
}
