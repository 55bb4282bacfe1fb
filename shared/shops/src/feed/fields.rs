//! The attributes that are read, by their names in feeds.

use std::collections::BTreeMap;
use std::fmt;

use super::rows::RowProblem;

macro_rules! fields {
    ($($(#[$doc:meta])* $field:ident = $name:literal,)*) => {
        /// An attribute of a product that is read; all others are skipped.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field {$($(#[$doc])* $field,)*}

        impl Field {
            /// The attribute's name as feeds write it.
            pub fn name(self) -> &'static str {
                match self {$(Self::$field => $name,)*}
            }

            fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$field),)*
                    "colour" => Some(Self::Color),
                    _ => None,
                }
            }
        }
    };
}

fields! {
    /// `id`: names the variant; at most 50 characters.
    Id = "id",
    /// `title`.
    Title = "title",
    /// `link`: the page at the shop; how posts find the product.
    Link = "link",
    /// `image_link`: a picture.
    ImageLink = "image_link",
    /// `availability`: `in_stock`, `out_of_stock`, `preorder` or `backorder`.
    Availability = "availability",
    /// `availability_date`: when a pre-order or back-order is sent, ISO 8601.
    AvailabilityDate = "availability_date",
    /// `price`: `15.00 USD`.
    Price = "price",
    /// `sale_price`: a lower price.
    SalePrice = "sale_price",
    /// `sale_price_effective_date`: `<from>/<until>`, ISO 8601.
    SalePriceEffectiveDate = "sale_price_effective_date",
    /// `gtin`.
    Gtin = "gtin",
    /// `brand`.
    Brand = "brand",
    /// `item_group_id`: the product that the row is a variant of.
    ItemGroupId = "item_group_id",
    /// `size`, an option.
    Size = "size",
    /// `color`, an option.
    Color = "color",
    /// `material`, an option.
    Material = "material",
    /// `pattern`, an option.
    Pattern = "pattern",
    /// `product_detail`: an option when its section is `option`; may come several times.
    ProductDetail = "product_detail",
    /// `adult`: `yes` makes the product sensitive.
    Adult = "adult",
    /// `hashcart_deal`: a limited deal, bought at the shop only.
    Deal = "hashcart_deal",
    /// `hashcart_digital`: a download, bought at the shop only.
    Digital = "hashcart_digital",
    /// `hashcart_sensitive`: never named in public.
    Sensitive = "hashcart_sensitive",
    /// `hashcart_restricted`: can't be ordered by a post.
    Restricted = "hashcart_restricted",
    /// `hashcart_price_exposure`: `anywhere`, `cart` or `checkout`.
    PriceExposure = "hashcart_price_exposure",
    /// `hashcart_max_quantity`: the most of it in one cart.
    MaxQuantity = "hashcart_max_quantity",
}

impl Field {
    /// The attribute that a column or element of this name holds: case folded, `g:` and what stands
    /// in brackets dropped, spaces and hyphens read as underscores.
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        let name = name.strip_prefix("g:").unwrap_or(&name);
        // Google names the parts of a column: `product_detail(section_name:attribute_name:…)`.
        let name = name.split('(').next().unwrap_or_default().trim();
        Self::named(&name.replace([' ', '-'], "_"))
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A row before it is checked: the fields that it fills.
#[derive(Debug, Default)]
pub(super) struct RawRow {
    /// The line that it begins on.
    pub(super) line: u64,
    values: BTreeMap<Field, Value>,
    /// Sections, names and values of the product's details.
    pub(super) details: Vec<[String; 3]>,
    /// What was wrong already when it was read.
    pub(super) fault: Option<(Option<Field>, RowProblem)>,
}

#[derive(Debug)]
struct Value {
    text: String,
    own: bool,
}

impl RawRow {
    pub(super) fn new(line: u64) -> Self {
        Self { line, ..Self::default() }
    }

    /// Fills a field, the first value of it: white space is trimmed, an empty value is none. `own`
    /// says that the name is the product specification's own: it beats RSS's and Atom's elements of
    /// the same name, wherever they stand.
    pub(super) fn set(&mut self, field: Field, text: &str, own: bool) {
        let text = text.trim();
        let stays = self.values.get(&field).is_some_and(|earlier| earlier.own || !own);
        if !text.is_empty() && !stays {
            self.values.insert(field, Value { text: text.to_owned(), own });
        }
    }

    pub(super) fn get(&self, field: Field) -> Option<&str> {
        self.values.get(&field).map(|value| value.text.as_str())
    }

    /// Notes what is wrong; the first fault stands.
    pub(super) fn fault(&mut self, field: Option<Field>, problem: RowProblem) {
        self.fault.get_or_insert((field, problem));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folded() {
        for name in ["sale price", "Sale_Price", "g:sale_price", "G:SALE PRICE", " sale-price "] {
            assert_eq!(Field::parse(name), Some(Field::SalePrice), "{name}");
        }
        let detail = "product_detail(section_name:attribute_name:attribute_value)";
        assert_eq!(Field::parse(detail), Some(Field::ProductDetail));
        for other in ["", "custom_label_0", "description", "g:", "hashcart"] {
            assert_eq!(Field::parse(other), None, "{other}");
        }
    }
}
