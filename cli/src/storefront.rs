//! Reads `storefront.toml`.

use anyhow::Context as _;
use domain::storefront::Storefront;

/// Reads a storefront from `text`, which came from `name`.
///
/// # Errors
/// When it is not valid: the error names the key, and the line where it is a matter of form.
pub(crate) fn parse(name: &str, text: &str) -> anyhow::Result<Storefront> {
    toml::from_str(text).with_context(|| format!("{name} is not valid"))
}
