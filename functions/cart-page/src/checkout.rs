//! `POST /cart/checkout/{marketplace}`: hands the cart over to the shop. Nothing is bought by that, and
//! the cart stays as it is until the shop reports the order.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use domain::cart::{CartLine, Item};
use domain::command::CommandKey;
use domain::ids::{MarketplaceId, NetworkId, PostId};
use domain::storefront::{Marketplace, Shop};
use lambda::envelope::new_id;
use shops::checkout::addresses;
use store::ledger::{Event, Row};
use url::Url;
use web::{Failure, Form, Notice, Place, Visit, Way};

use crate::App;

/// Leads on to the shop with everything of this marketplace that can be bought now.
pub(crate) async fn hand_over(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    let Form { mut visit, .. } = form;
    let record = app.customer(&mut visit).await?;
    let id = MarketplaceId::new(id);
    let market = visit.storefront.marketplace(&id).ok_or(Failure::NotFound)?.clone();
    let model = app.model(&visit, &record).await?;
    let shown = model.marketplaces.iter().filter(|shown| shown.id == id).flat_map(|shown| &shown.lines);
    let buyable: BTreeSet<&Item> = shown.filter(|line| line.buyable).map(|line| &line.item).collect();
    let cart = record.cart();
    let lines: Vec<&CartLine> = cart.in_cart().filter(|line| buyable.contains(&line.item)).collect();
    if lines.is_empty() {
        return Ok(visit.lead_on("/cart?told=OutOfStock"));
    }
    let addresses = addresses(&market, lines.iter().copied()).map_err(Failure::unavailable)?;
    app.note(&visit, &lines).await;
    lambda::metrics::CARTS_HANDED_OVER.add([id.as_str()], &[]);
    match addresses.as_slice() {
        [address] => Ok(visit.lead_on(address)),
        several => in_parts(&visit, several),
    }
}

impl App {
    /// Notes in the ledger who gets the credit. That it can't be noted doesn't keep a shopper from
    /// buying.
    async fn note(&self, visit: &Visit, lines: &[&CartLine]) {
        let post = PostId::new(new_id(visit.now));
        for (number, line) in (1..).zip(lines) {
            let row = Row {
                marketplace: line.item.marketplace.clone(),
                event: Event::Checkout,
                key: CommandKey {
                    network: NetworkId::new(NetworkId::PAGE),
                    post: post.clone(),
                    line: number,
                    step: 0,
                },
                at: visit.now,
                product: Some(line.item.product.clone()),
                source: line.source.clone(),
                quantity: Some(line.quantity),
            };
            if let Err(error) = self.ledger.record(&row).await {
                tracing::error!(
                    error = lambda::batch::reason(&error),
                    "a checkout can't be noted in the ledger"
                );
                return;
            }
        }
        tracing::info!(lines = lines.len(), "handed a cart over to the shop");
    }
}

/// A cart that is too long for one address: the shop takes it in parts.
fn in_parts(visit: &Visit, addresses: &[String]) -> Result<Response, Failure> {
    let words = &visit.words;
    let title = words.t("page-checkout-parts-title");
    let part = |(number, address): (usize, &String)| {
        Way::new(address.as_str(), words.tn("page-checkout-part", "part", u64::try_from(number).unwrap_or(0)))
    };
    let notice = Notice {
        title: title.clone(),
        lead: words.t("page-checkout-parts-lead"),
        more: Vec::new(),
        actions: (1..).zip(addresses).map(part).collect(),
    };
    visit.page(title).at(Place::Cart).show(&notice)
}

/// Where the marketplace's checkout is, as far as a page's policy needs to know.
pub(crate) fn address(market: &Marketplace) -> Option<Url> {
    let text = match &market.shop {
        Shop::Template { checkout_url, .. } => checkout_url.replace("{items}", ""),
        Shop::Amazon { .. } => {
            let host = market.hosts.first()?;
            let www = if host.starts_with("www.") { "" } else { "www." };
            format!("https://{www}{host}/")
        }
    };
    Url::parse(&text).ok()
}
