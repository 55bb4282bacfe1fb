//! Reads `storefront.toml`.

use std::path::Path;

use anyhow::Context as _;
use domain::storefront::Storefront;

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
