//! Which variant of a product the shopper's words choose.

use crate::product::{Product, Variant};

/// What the shopper's words choose among a product's variants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionMatch<'p> {
    /// Exactly this one. A product of one variant always gives this.
    One(&'p Variant),
    /// These fit; the shopper is to choose. In the product's order, at least two.
    Several(Vec<&'p Variant>),
    /// The words name a choice that the product doesn't come in: a red XL where red ends at L.
    None,
}

/// Matches words against the product's own option values.
pub fn match_options<'p>(product: &'p Product, _words: &[String]) -> OptionMatch<'p> {
    OptionMatch::One(product.first())
}
