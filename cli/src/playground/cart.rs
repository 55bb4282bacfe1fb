//! A persona's cart, folded from the decided commands in the table as the cart page folds it.

use std::collections::BTreeMap;

use anyhow::Context as _;
use axum::Json;
use axum::extract::{Path, State};
use domain::cart::CartLine;
use domain::product::PriceExposure;
use serde::Serialize;

use super::api::ApiError;
use super::{App, Playground};

/// The cart of one person.
#[derive(Debug, Serialize)]
pub(crate) struct CartView {
    author: String,
    /// Whether the account is linked to a customer.
    linked: bool,
    /// By marketplace id; every marketplace of the storefront is there.
    marketplaces: BTreeMap<String, MarketplaceView>,
    /// What is on the wish list, over all marketplaces.
    wishlist: Vec<LineView>,
    /// Where the cart page opens: signed in by the newest mail's link, where there is one.
    page: String,
}

#[derive(Debug, Serialize)]
struct MarketplaceView {
    name: String,
    tag: String,
    lines: Vec<LineView>,
}

#[derive(Debug, Serialize)]
struct LineView {
    marketplace: String,
    product: String,
    variant: String,
    title: String,
    options: String,
    quantity: u32,
    /// The price of one (`24.00 USD`), where it may be shown in a cart.
    price: Option<String>,
    /// The product's page, here.
    link: Option<String>,
    /// Its picture, here.
    picture: Option<String>,
}

impl LineView {
    fn of(app: &Playground, line: &CartLine) -> Self {
        let brief = line.brief.as_ref();
        let shown = brief.filter(|brief| brief.price_exposure != PriceExposure::Checkout);
        Self {
            marketplace: line.item.marketplace.to_string(),
            product: line.item.product.to_string(),
            variant: line.item.variant.to_string(),
            title: brief.map(|brief| brief.title.clone()).unwrap_or_default(),
            options: brief.map(|brief| brief.options.clone()).unwrap_or_default(),
            quantity: line.quantity,
            price: shown.map(|brief| brief.price.to_string()),
            link: brief.map(|brief| app.shops.here(&brief.link)),
            picture: brief.and_then(|brief| brief.image_link.as_deref()).map(|link| app.shops.here(link)),
        }
    }
}

/// `GET /api/cart/{author}`.
pub(crate) async fn cart(
    State(app): State<App>,
    Path(author): Path<String>,
) -> Result<Json<CartView>, ApiError> {
    let persona = app.cast.persona(&author).ok_or_else(|| {
        ApiError::not_found(format!("nobody has this handle: there are {}", app.cast.handles()))
    })?;
    let stack = app.stack()?;
    let empty = app.storefront.marketplaces.iter().map(|marketplace| {
        let view = MarketplaceView {
            name: marketplace.hosts.first().cloned().unwrap_or_default(),
            tag: marketplace.cart_tags.first().cloned().unwrap_or_default(),
            lines: Vec::new(),
        };
        (marketplace.id.to_string(), view)
    });
    let mut view = CartView {
        author: persona.handle.clone(),
        linked: false,
        marketplaces: empty.collect(),
        wishlist: Vec::new(),
        page: cart_page(&app, &persona.email),
    };
    if let Some(customer) = stack.shopper(&persona.handle).await? {
        view.linked = true;
        let record = stack.carts.read(&customer).await.context("the table `carts` can't be read")?;
        let cart = record.cart();
        for line in cart.in_cart() {
            if let Some(marketplace) = view.marketplaces.get_mut(line.item.marketplace.as_str()) {
                marketplace.lines.push(LineView::of(&app, line));
            }
        }
        view.wishlist = cart.wished().map(|line| LineView::of(&app, line)).collect();
    }
    Ok(Json(view))
}

/// The newest mail's link to the cart page, which signs its reader in; the page itself without one.
fn cart_page(app: &Playground, email: &str) -> String {
    let start = format!("{}/cart/enter?", app.public_url);
    let newest =
        app.inbox.all().into_iter().rev().filter(|mail| mail.to.eq_ignore_ascii_case(email)).find_map(
            |mail| {
                let text = mail.text?;
                let link = text.split_once(&start)?.1.split_whitespace().next()?.to_owned();
                Some(format!("{start}{link}"))
            },
        );
    newest.unwrap_or_else(|| format!("{}/cart", app.public_url))
}
