//! Who is in the playground: the demonstration's people and the brand's posts, read from
//! `demo/playground.toml`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use domain::ids::{Lang, MarketplaceId, NetworkId, UserId};
use serde::Deserialize;

/// What `demo/playground.toml` holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cast {
    /// The people that one can be.
    pub(crate) personas: Vec<Persona>,
    /// What the brand has posted.
    pub(crate) posts: Vec<BrandPost>,
}

/// A make-believe shopper.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Persona {
    /// The handle without `@`; on this network the account's id too.
    pub(crate) handle: String,
    /// The name.
    pub(crate) name: String,
    /// Where their mail goes.
    pub(crate) email: String,
    /// Their language.
    pub(crate) language: Lang,
    /// Whether they are linked at the first start.
    #[serde(default)]
    pub(crate) linked: bool,
    /// Their accounts on other networks, by network id; linked together with this one.
    #[serde(default)]
    pub(crate) accounts: BTreeMap<NetworkId, UserId>,
    /// One line about them.
    pub(crate) about: String,
}

/// A post of the brand.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BrandPost {
    /// Its id.
    pub(crate) id: String,
    /// The marketplace whose shop it shows.
    pub(crate) marketplace: MarketplaceId,
    /// What it says, its product links included.
    pub(crate) text: String,
    /// The name of its picture under `demo/pictures`.
    #[serde(default)]
    pub(crate) picture: Option<String>,
    /// Words that the page offers for replies to it: `size M`.
    #[serde(default)]
    pub(crate) chips: Vec<String>,
}

impl Cast {
    /// Reads the file.
    ///
    /// # Errors
    /// When it can't be read or isn't of this form; the error names the line.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("{} can't be read", path.display()))?;
        toml::from_str(&text).with_context(|| format!("{} is not valid", path.display()))
    }

    /// The persona of this handle, with or without `@`.
    pub(crate) fn persona(&self, handle: &str) -> Option<&Persona> {
        let handle = handle.trim().trim_start_matches('@');
        self.personas.iter().find(|persona| persona.handle.eq_ignore_ascii_case(handle))
    }

    /// The brand's post of this id.
    pub(crate) fn post(&self, id: &str) -> Option<&BrandPost> {
        self.posts.iter().find(|post| post.id == id)
    }

    /// The handles, for an error that says who is known.
    pub(crate) fn handles(&self) -> String {
        self.personas.iter().map(|persona| persona.handle.as_str()).collect::<Vec<_>>().join(", ")
    }
}
