//! The one-time link: a page with a button, and what the button does.

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::command::PostCommands;
use domain::ids::CustomerId;
use store::linking::{NewLink, Person};
use store::links::{Account, Once};
use web::release::release;
use web::{Ask, Failure, Form, Visit, Way, Who, Words};

use crate::address::{Confirmation, PURPOSE};
use crate::proof::who;
use crate::start::cart_tag;
use crate::{App, StartOver, start_over};

/// The most titles that the page lists of what was released.
const TITLES: usize = 12;

/// `GET /link/confirm?token=…`: what the link would do. Changes nothing.
pub(crate) async fn ask(mut visit: Visit) -> Result<Response, Failure> {
    let token = visit.query.get("token").unwrap_or_default().to_owned();
    let hash = visit.once_hash(&token);
    let once = visit.site.links().peek_once(&hash, PURPOSE, visit.now).await.map_err(Failure::unavailable)?;
    let Some(confirmation) = once.map(|once| read(&once)).transpose()? else {
        return start_over(&visit, "", StartOver::Expired);
    };
    visit.prefer(Some(&confirmation.lang));
    let csrf = visit.browser_csrf();
    let words = &visit.words;
    let title = words.t("page-confirm-title");
    let page = Ask {
        title: title.clone(),
        who: Some(confirmation.who(&visit)),
        lead: words.tv("page-confirm-lead", &[("email", &confirmation.email)]),
        warning: Some(words.t("page-confirm-warn")),
        action: "/link/confirm".to_owned(),
        fields: vec![("csrf", csrf), ("token", token)],
        button: words.t("page-confirm-button"),
        danger: false,
        other: None::<Way>,
    };
    visit.page(title).show(&page)
}

fn read(once: &Once) -> Result<Confirmation, Failure> {
    serde_json::from_value(once.payload.clone()).map_err(Failure::unavailable)
}

impl Confirmation {
    fn who(&self, visit: &Visit) -> Who {
        who(visit, &self.network, &self.user, self.handle.as_deref())
    }

    fn account(&self) -> Account {
        Account { network: self.network.clone(), user: self.user.clone() }
    }
}

/// `POST /link/confirm`: takes the link, once; writes the link of account and customer; releases what
/// was parked; signs in. Whoever took the link may send the form again and gets the same: a crash in
/// between loses nothing.
pub(crate) async fn confirm(State(app): State<Arc<App>>, form: Form) -> Result<Response, Failure> {
    let Form { mut visit, fields } = form;
    let token = fields.need("token")?.to_owned();
    let hash = visit.once_hash(&token);
    let browser = visit.browser_hash();
    let once = visit.site.links().take_once(&hash, PURPOSE, &browser, visit.now).await;
    let Some(once) = once.map_err(Failure::unavailable)? else {
        return start_over(&visit, "", StartOver::Expired);
    };
    let confirmation = read(&once)?;
    visit.prefer(Some(&confirmation.lang));
    let link = new_link(&visit, &confirmation, &token);
    let linked = app.linking.link(&link).await.map_err(Failure::unavailable)?;
    let network = confirmation.network.as_str();
    tracing::info!(network, new_customer = linked.new_customer, "linked an account");
    lambda::metrics::ACCOUNTS_LINKED.add([network], &[]);
    let released = release(&visit, &app.sender, &link.account).await?;
    visit.sign_in(&linked.customer).await?;
    linked_page(&app, &visit, &confirmation, &released).await
}

/// The same for every time that the same link is taken: a customer made at the first attempt is found
/// again at the second. The id is as random as the link's token.
fn new_link(visit: &Visit, confirmation: &Confirmation, token: &str) -> NewLink {
    let id: String = visit.hash.hex("customer", &[token]).chars().take(32).collect();
    NewLink {
        account: confirmation.account(),
        handle: confirmation.handle.clone(),
        person: Person {
            email: confirmation.email.clone(),
            email_hash: visit.hash.email(&confirmation.email),
            lang: Some(confirmation.lang.clone()),
            candidate: CustomerId::new(id),
            at: visit.now,
        },
    }
}

#[derive(Debug, Template)]
#[template(path = "linked.html")]
struct LinkedPage<'a> {
    words: &'a Words,
    who: Who,
    tag: &'a str,
    posts: u64,
    released: Vec<String>,
}

async fn linked_page(
    app: &App,
    visit: &Visit,
    confirmation: &Confirmation,
    released: &[PostCommands],
) -> Result<Response, Failure> {
    let words = &visit.words;
    let page = LinkedPage {
        words,
        who: confirmation.who(visit),
        tag: cart_tag(visit.storefront.marketplaces.first()),
        posts: u64::try_from(released.len()).unwrap_or(u64::MAX),
        released: titles(app, released).await,
    };
    visit.page(words.t("page-linked-title")).show(&page)
}

/// What the released commands name. A list to look at: what the catalogue can't tell now is left out.
async fn titles(app: &App, released: &[PostCommands]) -> Vec<String> {
    let named = released.iter().flat_map(|commands| &commands.lines).filter_map(|line| line.action.product());
    let named: BTreeSet<_> = named.map(|product| (&product.marketplace, &product.product)).collect();
    let mut titles = Vec::new();
    for (marketplace, product) in named.into_iter().take(TITLES) {
        match app.catalog.product(marketplace, product).await {
            Ok(Some(product)) => titles.push(messages::public::plain_line(&product.first().title)),
            Ok(None) => {}
            Err(error) => tracing::warn!(error = %error, "a released product's title can't be read"),
        }
    }
    titles
}
