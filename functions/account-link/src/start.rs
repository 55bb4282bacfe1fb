//! `GET /link`: what this is, and where to begin.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::storefront::{Marketplace, NetworkKind};
use networks::{Network as _, SignIn};
use web::{Failure, Place, Visit, Words};

use crate::App;

#[derive(Debug, Template)]
#[template(path = "start.html")]
struct Start<'a> {
    words: &'a Words,
    brand: &'a str,
    bot: &'a str,
    tag: &'a str,
    wish_tag: Option<&'a str>,
    networks: Vec<Door>,
    names: String,
    /// The networks that we ask ourselves who the shopper is.
    asked: String,
    parking_days: u64,
    session_days: u64,
}

/// Where one network's accounts are linked.
#[derive(Debug)]
struct Door {
    name: String,
    /// `None`: the shopper begins at the network.
    href: Option<String>,
}

/// The page.
pub(crate) async fn start(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Failure> {
    let storefront = &visit.storefront;
    let networks = app.networks(&visit);
    let doors: Vec<Door> = networks.iter().map(|network| door(&visit, network)).collect();
    let market = storefront.marketplaces.first();
    let asked = storefront.networks.iter().filter(|n| matches!(n.kind, NetworkKind::X { .. }));
    let asked: Vec<&str> = asked.map(|n| n.display_name()).collect();
    let page = Start {
        words: &visit.words,
        brand: &storefront.brand,
        bot: storefront.networks.first().map_or("", |n| &n.bot_handle),
        tag: cart_tag(market),
        wish_tag: market.and_then(|m| m.wish_tags.first()).map(String::as_str),
        names: doors.iter().map(|door| door.name.as_str()).collect::<Vec<_>>().join(", "),
        networks: doors,
        asked: asked.join(", "),
        parking_days: storefront.limits.parking_days.into(),
        session_days: web::SESSION_KEPT.as_secs() / 86_400,
    };
    visit
        .page(visit.words.tv("page-start-title", &[("brand", &storefront.brand)]))
        .at(Place::How)
        .listed()
        .show(&page)
}

/// The tag that the page shows as its example.
pub(crate) fn cart_tag(market: Option<&Marketplace>) -> &str {
    market.and_then(|m| m.cart_tags.first()).map_or("", String::as_str)
}

fn door(visit: &Visit, network: &networks::AnyNetwork) -> Door {
    let id = network.id();
    let name = visit.storefront.network(id).map_or(id.as_str(), |n| n.display_name()).to_owned();
    let href = match network.sign_in() {
        SignIn::OAuth(_) => Some(format!("/link/{id}")),
        SignIn::SignedLink(links) => links.start().map(ToString::to_string),
    };
    Door { name, href }
}
