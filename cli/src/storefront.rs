//! Reads `storefront.toml`.

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
