//! From a reading and what its links stand for to the command lines.

use crate::command::CommandLine;
use crate::product::ProductRef;

use super::Reading;

/// What a link stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkResolution {
    /// A product of the catalogue. Its marketplace may differ from the tag's: [`plan`] sees to that.
    Product(ProductRef),
    /// A link of one of our shops, but to no product of its catalogue.
    Unknown,
    /// No link of ours: a blog, a picture, a page of the shop that is not a product's.
    NotAProduct,
}

/// One link of the parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentLink {
    /// What it stands for.
    pub resolution: LinkResolution,
    /// The product's title, for the choice when there are several; empty where there is no product.
    pub title: String,
}

/// What is known of the post that this one answers (or quotes).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParentLinks {
    /// The post answers none, or its own links made reading it needless.
    None,
    /// It answers one that can't be read.
    Unavailable,
    /// Its links in the order of its text.
    Links(Vec<ParentLink>),
}

/// The command lines of a post, numbered from 1.
///
/// `own` holds what each of [`Reading::links`] stands for, in the same order. Read the parent only
/// when `own` holds nothing but [`LinkResolution::NotAProduct`] and [`Reading::needs_product`].
pub fn plan(_reading: &Reading, _own: &[LinkResolution], _parent: &ParentLinks) -> Vec<CommandLine> {
    Vec::new()
}
