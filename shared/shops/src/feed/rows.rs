//! From the fields of a row to a listing.

use std::time::Duration;

use domain::ids::{ProductId, VariantId};
use domain::money::{Money, MoneyError};
use domain::product::{Availability, Listing, OptionValue, PriceExposure, Sale, Variant};
use domain::storefront::{Marketplace, Shop};
use domain::time::Timestamp;
use jiff::civil::Time;
use jiff::fmt::temporal::Pieces;
use url::Url;

use super::fields::{Field, RawRow};
use crate::codes;
use crate::links::{LinkRules, LinkTarget};

/// The specification's limit for `id` and `item_group_id`, in characters.
const LONGEST_ID: usize = 50;
/// Longer than the specification's 150 characters, because Google takes longer titles too and cuts
/// them; nothing may grow without limit, though.
const LONGEST_TITLE: usize = 1000;
/// The specification's limit for `link` and `image_link`, in characters.
const LONGEST_LINK: usize = 2000;
/// The specification's limit for `size`, `color` and their like, in characters.
const LONGEST_OPTION: usize = 200;

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowProblem {
    /// A field that each product needs is empty.
    #[error("it is missing")]
    Missing,
    /// More characters than the field may have.
    #[error("it is longer than {limit} characters")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// Characters that can't be shown.
    #[error("it holds control characters")]
    ControlCharacters,
    /// An earlier row has this id.
    #[error("an earlier row has this id")]
    Duplicate,
    /// More columns than the header names.
    #[error("the row has more than the {columns} columns of the first line")]
    SurplusColumns {
        /// How many the header names.
        columns: usize,
    },
    /// Bytes that are not UTF-8.
    #[error("it is not in UTF-8")]
    NotUtf8,
    /// `&name;` that no standard knows.
    #[error("it holds an entity (`&name;`) that is not known")]
    UnknownEntity,
    /// Not an http(s) address.
    #[error("it is not an http or https address")]
    NotALink,
    /// The link leads elsewhere.
    #[error("its host is none of the marketplace's ({hosts}), or it shows no single product")]
    ForeignLink {
        /// The marketplace's hosts.
        hosts: String,
    },
    /// A word that the field doesn't know.
    #[error("{value} is none of {known}")]
    UnknownValue {
        /// What stands there, quoted and cut.
        value: String,
        /// What may stand there.
        known: &'static str,
    },
    /// Not a price.
    #[error(transparent)]
    Price(#[from] MoneyError),
    /// A price of another currency.
    #[error("the marketplace sells in {expected}")]
    Currency {
        /// The marketplace's currency.
        expected: String,
    },
    /// A sale that costs more.
    #[error("it is higher than the price")]
    SaleAbovePrice,
    /// Not a date.
    #[error("it is not a date in ISO 8601, such as 2026-12-01 or 2026-12-01T09:00+01:00")]
    Date,
    /// Not a window of time.
    #[error("it is not `<from>/<until>` in ISO 8601 with the end behind the beginning")]
    Window,
    /// A wrong check digit or length.
    #[error("it is not a GTIN of 8, 12, 13 or 14 digits with the right check digit")]
    Gtin,
    /// Not a positive whole number.
    #[error("it is not a whole number from 1")]
    Number,
}

/// A fault and the field that has it.
pub(super) type Fault = (Option<Field>, RowProblem);

/// What a row is checked against.
pub(super) struct Terms {
    marketplace: Marketplace,
    links: LinkRules,
    default_exposure: PriceExposure,
}

impl Terms {
    pub(super) fn new(marketplace: &Marketplace, default_exposure: PriceExposure) -> Self {
        Self { links: LinkRules::of(marketplace), marketplace: marketplace.clone(), default_exposure }
    }

    pub(super) fn listing(&self, row: &RawRow) -> Result<Listing, Fault> {
        if let Some(fault) = &row.fault {
            return Err(fault.clone());
        }
        let id = required(row, Field::Id, LONGEST_ID)?;
        let group = optional(row, Field::ItemGroupId, LONGEST_ID)?;
        let link = required(row, Field::Link, LONGEST_LINK)?;
        web_address(Field::Link, link)?;
        let (url, choice) = self.names(id, link)?;
        let image_link = optional(row, Field::ImageLink, LONGEST_LINK)?;
        image_link.map_or(Ok(()), |link| web_address(Field::ImageLink, link))?;
        let price = self.price(row, Field::Price)?.ok_or((Some(Field::Price), RowProblem::Missing))?;
        let variant = Variant {
            marketplace: self.marketplace.id.clone(),
            product: ProductId::new(group.unwrap_or(id)),
            variant: VariantId::new(id),
            title: one_line(required(row, Field::Title, LONGEST_TITLE)?),
            link: link.to_owned(),
            image_link: image_link.map(str::to_owned),
            options: if group.is_some() { options(row)? } else { Vec::new() },
            availability: availability(row)?,
            availability_date: row.get(Field::AvailabilityDate).map(availability_date).transpose()?,
            price,
            sale: self.sale(row, price)?,
            deal: flag(row, Field::Deal)?,
            digital: flag(row, Field::Digital)?,
            sensitive: flag(row, Field::Sensitive)? | flag(row, Field::Adult)?,
            restricted: flag(row, Field::Restricted)?,
            price_exposure: self.exposure(row)?,
            max_quantity: row.get(Field::MaxQuantity).map(number).transpose()?,
            gtin: row
                .get(Field::Gtin)
                .map(|text| codes::gtin(text).ok_or((Some(Field::Gtin), RowProblem::Gtin)))
                .transpose()?,
            brand: optional(row, Field::Brand, LONGEST_TITLE)?.map(one_line),
        };
        Ok(Listing { variant, url, choice })
    }

    /// The canonical link and the choice in it. Amazon's products are named by their id where the
    /// link is one of the merchant's own pages.
    fn names(&self, id: &str, link: &str) -> Result<(String, Option<String>), Fault> {
        let host = self.marketplace.hosts.first();
        let by_id = || match (&self.marketplace.shop, host, codes::asin(id)) {
            (Shop::Amazon { .. }, Some(host), Some(asin)) => {
                self.links.read(&format!("https://{host}/dp/{asin}"))
            }
            _ => LinkTarget::NotOurs,
        };
        let target = match self.links.read(link) {
            LinkTarget::Product(product) => LinkTarget::Product(product),
            LinkTarget::ShortLink(_) | LinkTarget::NotOurs => by_id(),
        };
        match target {
            LinkTarget::Product(product) => Ok((product.url, product.choice)),
            LinkTarget::ShortLink(_) | LinkTarget::NotOurs => {
                let hosts = self.marketplace.hosts.join(", ");
                Err((Some(Field::Link), RowProblem::ForeignLink { hosts }))
            }
        }
    }

    fn price(&self, row: &RawRow, field: Field) -> Result<Option<Money>, Fault> {
        let Some(text) = row.get(field) else { return Ok(None) };
        let price = Money::parse(text).map_err(|error| (Some(field), error.into()))?;
        let expected = &self.marketplace.currency;
        if !price.currency.code().eq_ignore_ascii_case(expected) {
            return Err((Some(field), RowProblem::Currency { expected: expected.clone() }));
        }
        Ok(Some(price))
    }

    fn sale(&self, row: &RawRow, regular: Money) -> Result<Option<Sale>, Fault> {
        let window = row.get(Field::SalePriceEffectiveDate).map(window).transpose()?;
        let Some(price) = self.price(row, Field::SalePrice)? else { return Ok(None) };
        if price.minor > regular.minor {
            return Err((Some(Field::SalePrice), RowProblem::SaleAbovePrice));
        }
        if price == regular {
            return Ok(None); // many shop systems export the regular price here when there is no sale
        }
        let (from, until) = window.map_or((None, None), |(from, until)| (Some(from), Some(until)));
        Ok(Some(Sale { price, from, until }))
    }

    fn exposure(&self, row: &RawRow) -> Result<PriceExposure, Fault> {
        match row.get(Field::PriceExposure).map(str::to_ascii_lowercase).as_deref() {
            None => Ok(self.default_exposure),
            Some("anywhere") => Ok(PriceExposure::Anywhere),
            Some("cart") => Ok(PriceExposure::Cart),
            Some("checkout") => Ok(PriceExposure::Checkout),
            Some(other) => Err(unknown(Field::PriceExposure, other, "anywhere, cart and checkout")),
        }
    }
}

/// Text of the feed as it may be shown in a report: quoted, cut, without control characters.
pub(super) fn quoted(text: &str) -> String {
    let cut: String = text.chars().take(60).collect();
    format!("{cut:?}")
}

fn unknown(field: Field, value: &str, known: &'static str) -> Fault {
    (Some(field), RowProblem::UnknownValue { value: quoted(value), known })
}

fn optional(row: &RawRow, field: Field, limit: usize) -> Result<Option<&str>, Fault> {
    let Some(text) = row.get(field) else { return Ok(None) };
    if text.chars().count() > limit {
        return Err((Some(field), RowProblem::TooLong { limit }));
    }
    if text.chars().any(|c| c.is_control() && !c.is_ascii_whitespace()) {
        return Err((Some(field), RowProblem::ControlCharacters));
    }
    Ok(Some(text))
}

fn required(row: &RawRow, field: Field, limit: usize) -> Result<&str, Fault> {
    optional(row, field, limit)?.ok_or((Some(field), RowProblem::Missing))
}

/// White space folded: XML is often indented inside its elements.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn web_address(field: Field, text: &str) -> Result<(), Fault> {
    let web = |url: Url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some();
    if Url::parse(text).is_ok_and(web) { Ok(()) } else { Err((Some(field), RowProblem::NotALink)) }
}

fn availability(row: &RawRow) -> Result<Availability, Fault> {
    let text = row.get(Field::Availability).ok_or((Some(Field::Availability), RowProblem::Missing))?;
    match text.to_ascii_lowercase().replace([' ', '-'], "_").as_str() {
        "in_stock" => Ok(Availability::InStock),
        "out_of_stock" => Ok(Availability::OutOfStock),
        "preorder" | "pre_order" => Ok(Availability::Preorder),
        "backorder" | "back_order" => Ok(Availability::Backorder),
        _ => Err(unknown(Field::Availability, text, "in_stock, out_of_stock, preorder and backorder")),
    }
}

/// The choices of a variant: the specification's four, then the details whose section is `option`.
fn options(row: &RawRow) -> Result<Vec<OptionValue>, Fault> {
    let mut options = Vec::new();
    for field in [Field::Size, Field::Color, Field::Material, Field::Pattern] {
        if let Some(value) = optional(row, field, LONGEST_OPTION)? {
            options.push(OptionValue { name: field.name().to_owned(), value: one_line(value) });
        }
    }
    for [section, name, value] in &row.details {
        let is_option = section.eq_ignore_ascii_case("option") || section.eq_ignore_ascii_case("options");
        if is_option && !name.is_empty() && !value.is_empty() {
            if name.chars().count().max(value.chars().count()) > LONGEST_OPTION {
                let problem = RowProblem::TooLong { limit: LONGEST_OPTION };
                return Err((Some(Field::ProductDetail), problem));
            }
            options.push(OptionValue { name: one_line(name).to_lowercase(), value: one_line(value) });
        }
    }
    Ok(options)
}

fn flag(row: &RawRow, field: Field) -> Result<bool, Fault> {
    match row.get(field).map(str::to_ascii_lowercase).as_deref() {
        None | Some("no" | "n" | "false" | "0") => Ok(false),
        Some("yes" | "y" | "true" | "1") => Ok(true),
        Some(other) => Err(unknown(field, other, "yes and no")),
    }
}

fn number(text: &str) -> Result<u32, Fault> {
    let fault = || (Some(Field::MaxQuantity), RowProblem::Number);
    text.parse().ok().filter(|number| *number > 0).ok_or_else(fault)
}

fn availability_date(text: &str) -> Result<Timestamp, Fault> {
    moment(text, Duration::ZERO).ok_or((Some(Field::AvailabilityDate), RowProblem::Date))
}

/// `<from>/<until>`; an end that is a day without a time includes that day.
fn window(text: &str) -> Result<(Timestamp, Timestamp), Fault> {
    let whole_day = Duration::from_secs(24 * 60 * 60);
    text.split_once('/')
        .and_then(|(from, until)| Some((moment(from, Duration::ZERO)?, moment(until, whole_day)?)))
        .filter(|(from, until)| from < until)
        .ok_or((Some(Field::SalePriceEffectiveDate), RowProblem::Window))
}

/// A date with or without a time and an offset (`2026-12-01`, `2026-12-01T09:00-0800`); UTC where no
/// offset is given. `day` is added to one without a time.
fn moment(text: &str, day: Duration) -> Option<Timestamp> {
    let pieces = Pieces::parse(text.trim()).ok()?;
    let time = pieces.time().unwrap_or(Time::midnight());
    let offset = pieces.to_numeric_offset().unwrap_or(jiff::tz::Offset::UTC);
    let at = offset.to_timestamp(pieces.date().to_datetime(time)).ok()?;
    let at = Timestamp::from_millis(u64::try_from(at.as_millisecond()).ok()?);
    Some(if pieces.time().is_none() { at.plus(day) } else { at })
}
