//! The demonstration's shops: a page for each product that a post or a mail links to, and one where a
//! handed-over cart ends up.

use std::fs::File;
use std::path::Path as FilePath;

use anyhow::Context as _;
use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use domain::ids::{MarketplaceId, VariantId};
use domain::product::{Availability, Listing, PriceExposure, Variant};
use domain::storefront::{Marketplace, Storefront};
use http::StatusCode;
use shops::feed::{Feed, Row};
use shops::links::{LinkRules, LinkTarget, ProductLink};
use url::form_urlencoded;

use super::api::ApiError;
use super::{App, now, page};

/// What the shops sell, as their feeds say it: enough for their pages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelf(Vec<Listing>);

impl Shelf {
    /// Reads the feeds of a storefront that are files beside it, in `folder`. Rows that can't be read
    /// are the import's to report.
    ///
    /// # Errors
    /// When a feed can't be read.
    pub(crate) fn read(storefront: &Storefront, folder: &FilePath) -> anyhow::Result<Self> {
        let mut listings = Vec::new();
        for (marketplace, path) in feeds(storefront, folder) {
            let context = || format!("the feed {} can't be read", path.display());
            let file = File::open(&path).with_context(context)?;
            for row in Feed::open(file, marketplace, storefront.map.price_exposure).with_context(context)? {
                if let Row::Accepted(listing) = row.with_context(context)? {
                    listings.push(*listing);
                }
            }
        }
        Ok(Self(listings))
    }

    /// The variants of the product that a page of the shop shows, the one that the link chose first.
    fn at(&self, link: &ProductLink) -> Vec<&Variant> {
        let mut found: Vec<&Listing> = self
            .0
            .iter()
            .filter(|listing| listing.variant.marketplace == link.marketplace && listing.url == link.url)
            .collect();
        found.sort_by_key(|listing| listing.choice != link.choice);
        found.into_iter().map(|listing| &listing.variant).collect()
    }

    fn variant(&self, marketplace: &MarketplaceId, id: &VariantId) -> Option<&Variant> {
        let variants = self.0.iter().map(|listing| &listing.variant);
        variants.into_iter().find(|variant| variant.marketplace == *marketplace && variant.variant == *id)
    }
}

/// The feeds of a storefront that are files beside it, in `folder`.
pub(crate) fn feeds<'a>(
    storefront: &'a Storefront,
    folder: &'a FilePath,
) -> impl Iterator<Item = (&'a Marketplace, std::path::PathBuf)> {
    let with_feed = storefront.marketplaces.iter().filter_map(|m| Some((m, folder.join(m.feed.as_ref()?))));
    with_feed.filter(|(_, path)| path.is_file())
}

#[derive(Template)]
#[template(path = "shop.html")]
struct Shop<'a> {
    heading: String,
    host: &'a str,
    bot: &'a str,
    tag: &'a str,
    product: Option<ProductView>,
    handed_over: bool,
    items: Vec<Item>,
}

struct ProductView {
    picture: Option<String>,
    price: String,
    notes: Vec<&'static str>,
    options: Vec<String>,
}

struct Item {
    title: String,
    options: String,
    quantity: u32,
}

/// `GET /shop/{marketplace}`: the shop's home page.
pub(crate) async fn home(State(app): State<App>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let marketplace = marketplace(&app, &id)?;
    page::filled(&bare(&app, marketplace, app.brand_name.clone()))
}

/// `GET /shop/{marketplace}/…`: a picture, the checkout, or the product whose link this path is at
/// the shop.
pub(crate) async fn page(
    State(app): State<App>,
    Path((id, path)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let marketplace = marketplace(&app, &id)?;
    if let Some(name) = path.strip_prefix("pictures/") {
        return Ok(Redirect::permanent(&format!("/pictures/{name}")).into_response());
    }
    let query = query.unwrap_or_default();
    if path == "checkout" {
        return checkout(&app, marketplace, &query);
    }
    let host = marketplace.hosts.first().map(String::as_str).unwrap_or_default();
    let variants = match LinkRules::of(marketplace).read(&format!("https://{host}/{path}?{query}")) {
        LinkTarget::Product(link) => app.shelf.at(&link),
        LinkTarget::ShortLink(_) | LinkTarget::NotOurs => Vec::new(),
    };
    match variants.first() {
        Some(first) => page::filled(&Shop {
            product: Some(view(&app, first, &variants)),
            ..bare(&app, marketplace, first.title.clone())
        }),
        None => {
            let page = page::filled(&bare(&app, marketplace, "There is nothing here".to_owned()))?;
            Ok((StatusCode::NOT_FOUND, page).into_response())
        }
    }
}

fn marketplace<'a>(app: &'a App, id: &str) -> Result<&'a Marketplace, ApiError> {
    app.storefront
        .marketplace(&MarketplaceId::new(id))
        .ok_or_else(|| ApiError::not_found("there is no such marketplace"))
}

fn bare<'a>(app: &'a App, marketplace: &'a Marketplace, heading: String) -> Shop<'a> {
    Shop {
        heading,
        host: marketplace.hosts.first().map(String::as_str).unwrap_or_default(),
        bot: &app.brand_handle,
        tag: marketplace.cart_tags.first().map(String::as_str).unwrap_or_default(),
        product: None,
        handed_over: false,
        items: Vec::new(),
    }
}

fn view(app: &App, first: &Variant, variants: &[&Variant]) -> ProductView {
    ProductView {
        picture: first.image_link.as_deref().map(|link| app.shops.here(link)),
        price: first.price_at(now()).to_string(),
        notes: notes(first),
        options: variants.iter().map(|v| v.options_label()).filter(|label| !label.is_empty()).collect(),
    }
}

/// What a shopper should know before asking for it by post.
fn notes(variant: &Variant) -> Vec<&'static str> {
    let availability = match variant.availability {
        Availability::InStock => "in stock",
        Availability::OutOfStock => "sold out",
        Availability::Preorder => "comes out later",
        Availability::Backorder => "back soon",
    };
    let facts = [
        (true, availability),
        (variant.deal, "limited deal"),
        (variant.digital, "download"),
        (variant.sensitive, "never named in public"),
        (variant.restricted, "not by post"),
        (variant.price_exposure == PriceExposure::Cart, "price in the cart"),
        (variant.price_exposure == PriceExposure::Checkout, "price at the checkout"),
    ];
    facts.into_iter().filter_map(|(is_so, note)| is_so.then_some(note)).collect()
}

/// Shows what `items=variant:quantity,…` hands over, as the demonstration's `checkout_url` has it.
fn checkout(app: &App, marketplace: &Marketplace, query: &str) -> Result<Response, ApiError> {
    let given = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "items");
    let given = given.map(|(_, items)| items.into_owned()).unwrap_or_default();
    let items = given.split(',').filter_map(|item| {
        let (id, quantity) = item.rsplit_once(':')?;
        let known = app.shelf.variant(&marketplace.id, &VariantId::new(id));
        Some(Item {
            title: known.map_or_else(|| id.to_owned(), |variant| variant.title.clone()),
            options: known.map(Variant::options_label).unwrap_or_default(),
            quantity: quantity.parse().ok()?,
        })
    });
    let items = items.collect();
    page::filled(&Shop { handed_over: true, items, ..bare(app, marketplace, "Checkout".to_owned()) })
}
