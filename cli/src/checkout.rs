//! The checkout that the program works in.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// A checkout of this project.
#[derive(Clone, Debug)]
pub(crate) struct Checkout(PathBuf);

impl Checkout {
    /// The checkout around the current directory.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let here = std::env::current_dir().context("the current directory can't be read")?;
        let is_checkout = |folder: &Path| {
            folder.join("infra/template.yaml").is_file()
                && folder.join("functions").is_dir()
                && folder.join("Cargo.toml").is_file()
        };
        here.ancestors()
            .find(|folder| is_checkout(folder))
            .map(|folder| Self(folder.to_owned()))
            .context("this is no checkout of Hashcart: the local stack builds the functions from their source, so run it where you cloned them")
    }

    /// Its root.
    pub(crate) fn root(&self) -> &Path {
        &self.0
    }

    /// The template.
    pub(crate) fn template(&self) -> PathBuf {
        self.0.join("infra/template.yaml")
    }

    /// Where the local stack keeps its data unless it is told otherwise.
    pub(crate) fn default_data(&self) -> PathBuf {
        self.0.join(".hashcart").join("local")
    }

    /// The demonstration's files.
    pub(crate) fn demo(&self) -> PathBuf {
        self.0.join("demo")
    }

    /// The demonstration's storefront.
    pub(crate) fn demo_storefront(&self) -> PathBuf {
        self.demo().join("storefront.toml")
    }
}
