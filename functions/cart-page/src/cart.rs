//! `GET /cart`: carts, wish list and open questions.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::cart::Item;
use domain::ids::{MarketplaceId, ProductId};
use domain::product::{Availability, PriceExposure};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use http::HeaderMap;
use lambda::envelope::new_id;
use store::carts::CartRecord;
use url::Url;
use web::boundary::wants_json;
use web::{Failure, Place, Visit, Words};

use crate::edit::{Told, told};
use crate::model::{self, Catalogue, Choice, Line, Market, Model};
use crate::{App, api};

/// How many products are read side by side.
const READS: usize = 8;

/// The page, or its JSON where the client asks for that.
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    mut visit: Visit,
) -> Result<Response, Failure> {
    if wants_json(&headers) {
        return api::show(State(app), visit).await;
    }
    let record = match app.customer(&mut visit).await {
        Err(Failure::SignedOut) => return Ok(visit.lead_on("/cart/sign-in")),
        other => other?,
    };
    let model = app.model(&visit, &record).await?;
    let csrf = visit.csrf();
    let words = &visit.words;
    let page = CartPage {
        words,
        csrf: &csrf,
        told: told(&visit),
        tag: visit
            .storefront
            .marketplaces
            .first()
            .and_then(|m| m.cart_tags.first())
            .map_or("", String::as_str),
        shops: model.marketplaces.iter().map(|market| shop(&visit, market)).collect(),
        wishes: model.wishes.iter().map(|line| shown(&visit, line)).collect(),
        choices: model.choices.iter().map(question).collect(),
    };
    let checkouts = checkout_addresses(&visit);
    visit.page(words.t("page-cart-title")).at(Place::Cart).leading_to(checkouts).show(&page)
}

/// Where the checkout forms may end: the browser checks redirects of forms too.
fn checkout_addresses(visit: &Visit) -> Vec<Url> {
    visit.storefront.marketplaces.iter().filter_map(crate::checkout::address).collect()
}

impl App {
    /// What the page shows of this customer.
    pub(crate) async fn model(&self, visit: &Visit, record: &CartRecord) -> Result<Model, Failure> {
        let named = model::named(record, visit.now);
        let catalogue = self.catalogue(visit, named).await?;
        let local = visit.site.is_local();
        Ok(model::model(record, &catalogue, &visit.storefront, visit.now, local))
    }

    async fn catalogue(
        &self,
        visit: &Visit,
        named: Vec<(MarketplaceId, ProductId)>,
    ) -> Result<Catalogue, Failure> {
        let read = |key: (MarketplaceId, ProductId)| async move {
            let product = self.products.get(&key.0, &key.1, visit.now).await;
            Ok(product.map_err(Failure::unavailable)?.map(|product| (key, product)))
        };
        stream::iter(named)
            .map(read)
            .buffer_unordered(READS)
            .try_filter_map(async |found| Ok(found))
            .try_collect()
            .await
    }
}

#[derive(Debug, Template)]
#[template(path = "cart.html")]
struct CartPage<'a> {
    words: &'a Words,
    csrf: &'a str,
    told: Option<Told>,
    tag: &'a str,
    shops: Vec<Shop>,
    wishes: Vec<Shown>,
    choices: Vec<Question>,
}

/// One marketplace's cart in words.
#[derive(Debug)]
struct Shop {
    id: String,
    name: String,
    host: String,
    pieces: u64,
    lines: Vec<Shown>,
    total: Option<String>,
    partial: bool,
    buyable: bool,
}

/// One line in words.
#[derive(Debug)]
struct Shown {
    item: String,
    title: String,
    options: String,
    /// Title and options: what buttons say that they are about.
    named: String,
    initial: String,
    link: Option<String>,
    image: Option<String>,
    quantity: u32,
    most: u32,
    price: Price,
    state: Standing,
    buyable: bool,
    /// Names for the two forms: each is one command, however often it is sent.
    edits: (String, String),
}

#[derive(Debug)]
enum Price {
    Shown(String),
    Reduced(String, String),
    AtCheckout,
    Unknown,
}

#[derive(Debug)]
struct Standing {
    text: String,
    out: bool,
    ready: bool,
}

#[derive(Debug)]
struct Question {
    key: String,
    title: String,
    candidates: Vec<Answer>,
}

#[derive(Debug)]
struct Answer {
    value: String,
    label: String,
    disabled: bool,
}

fn shop(visit: &Visit, market: &Market) -> Shop {
    let words = &visit.words;
    let values = [("brand", visit.storefront.brand.as_str()), ("host", market.host.as_str())];
    Shop {
        id: market.id.as_str().to_owned(),
        name: words.tv("page-cart-market", &values),
        host: market.host.clone(),
        pieces: market.lines.iter().map(|line| u64::from(line.quantity)).sum(),
        lines: market.lines.iter().map(|line| shown(visit, line)).collect(),
        total: market.total.map(|total| words.money(total)),
        partial: market.total_is_partial,
        buyable: market.can_check_out,
    }
}

fn shown(visit: &Visit, line: &Line) -> Shown {
    let words = &visit.words;
    let named = if line.options.is_empty() {
        line.title.clone()
    } else {
        format!("{} ({})", line.title, line.options)
    };
    Shown {
        item: item_value(&line.item),
        title: line.title.clone(),
        options: line.options.clone(),
        named,
        initial: line.title.chars().find(|c| c.is_alphanumeric()).map(String::from).unwrap_or_default(),
        link: line.link.clone(),
        image: line.image_link.clone(),
        quantity: line.quantity,
        most: line.most,
        price: price(words, line),
        state: state(words, line),
        buyable: line.buyable,
        edits: (new_id(visit.now), new_id(visit.now)),
    }
}

/// An item as the value of a form's field; [`crate::edit`] reads it back.
fn item_value(item: &Item) -> String {
    serde_json::to_string(item).unwrap_or_default()
}

fn price(words: &Words, line: &Line) -> Price {
    match (line.price, line.price_before) {
        (Some(price), Some(before)) => Price::Reduced(words.money(price), words.money(before)),
        (Some(price), None) => Price::Shown(words.money(price)),
        (None, _) if line.availability.is_some() && line.price_exposure == PriceExposure::Checkout => {
            Price::AtCheckout
        }
        (None, _) => Price::Unknown,
    }
}

fn state(words: &Words, line: &Line) -> Standing {
    let dated = |with: &str, without: &str| match line.available_on {
        Some(date) => words.tv(with, &[("date", &words.date(date))]),
        None => words.t(without),
    };
    let text = match line.availability {
        Some(Availability::InStock) => words.t("page-state-in-stock"),
        Some(Availability::OutOfStock) => words.t("page-state-out-of-stock"),
        Some(Availability::Preorder) => dated("page-state-preorder-on", "page-state-preorder"),
        Some(Availability::Backorder) => dated("page-state-backorder-on", "page-state-backorder"),
        None => words.t("page-cart-gone"),
    };
    Standing { text, out: !line.buyable, ready: line.availability == Some(Availability::InStock) }
}

fn question(choice: &Choice) -> Question {
    let answer = |candidate: &model::Possible| Answer {
        value: serde_json::to_string(&candidate.product).unwrap_or_default(),
        label: candidate.label.clone(),
        disabled: !candidate.buyable,
    };
    Question {
        key: choice.key.to_string(),
        title: choice.title.clone(),
        candidates: choice.candidates.iter().map(answer).collect(),
    }
}
