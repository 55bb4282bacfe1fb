//! Ways in, without a password: the cart link in every mail, and a one-time link that is sent when
//! somebody names their address. Both show a button first. And the way out.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use domain::ids::CustomerId;
use http::StatusCode;
use messages::{Address, Language};
use store::links::Once;
use tokio::time::Instant;
use url::Url;
use web::release::release;
use web::{Aside, Ask, AskAddress, Failure, Fields, Form, Notice, Place, Visit, Way};

use crate::App;

/// What the cart links in mails are signed for; the data is the customer's id.
const CART_LINK: &str = "cart-link";
/// What one-time links of this kind are for.
const SIGN_IN: &str = "sign-in";
/// When the form that asks for an address answers: later than a mail takes, so that the time doesn't
/// tell who is known.
const ANSWER_AFTER: Duration = Duration::from_millis(500);
/// How long a one-time link is good for.
const LINK_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// `GET /cart/enter?token=…` (a mail's cart link) or `?once=…` (a sign-in link): a button.
pub(crate) async fn ask(mut visit: Visit) -> Result<Response, Failure> {
    let fields = match (visit.query.get("token"), visit.query.get("once")) {
        (Some(token), _) => {
            cart_link(&visit, token)?;
            ("token", token.to_owned())
        }
        (None, Some(once)) => {
            let hash = visit.once_hash(once);
            let found = visit.site.links().peek_once(&hash, SIGN_IN, visit.now).await;
            found.map_err(Failure::unavailable)?.ok_or(Failure::Gone)?;
            ("once", once.to_owned())
        }
        (None, None) => return Ok(visit.lead_on("/cart/sign-in")),
    };
    let csrf = visit.browser_csrf();
    let words = &visit.words;
    let title = words.t("page-enter-title");
    let page = Ask {
        title: title.clone(),
        who: None,
        lead: words.t("page-enter-lead"),
        warning: None,
        action: "/cart/enter".to_owned(),
        fields: vec![("csrf", csrf), fields],
        button: words.t("page-enter-button"),
        danger: false,
        other: None,
    };
    visit.page(title).at(Place::SignIn).show(&page)
}

/// Whose cart a mail's link opens.
fn cart_link(visit: &Visit, token: &str) -> Result<CustomerId, Failure> {
    let customer: String = visit.signer.read(CART_LINK, token, visit.now).map_err(|_| Failure::Gone)?;
    Ok(CustomerId::new(customer))
}

/// `POST /cart/enter`: signs in. What was parked for an account of theirs, because a release was cut
/// short, is released now.
pub(crate) async fn enter(State(app): State<Arc<App>>, form: Form) -> Result<Response, Failure> {
    let Form { mut visit, fields } = form;
    let customer = proven(&mut visit, &fields).await?;
    let record = app.carts.read(&customer).await.map_err(Failure::unavailable)?;
    if record.profile.is_none() {
        return Err(Failure::Gone);
    }
    visit.sign_in(&customer).await?;
    for linked in &record.accounts {
        if let Err(error) = release(&visit, &app.sender, &linked.account).await {
            // They stay parked and come with the next sign-in; the cart opens all the same.
            tracing::warn!(error = lambda::batch::reason(&error), "parked commands could not be released");
        }
    }
    Ok(visit.lead_on("/cart"))
}

async fn proven(visit: &mut Visit, fields: &Fields) -> Result<CustomerId, Failure> {
    if let Some(token) = fields.get("token") {
        return cart_link(visit, token);
    }
    let hash = visit.once_hash(fields.need("once")?);
    let browser = visit.browser_hash();
    let once = visit.site.links().take_once(&hash, SIGN_IN, &browser, visit.now).await;
    let once = once.map_err(Failure::unavailable)?.ok_or(Failure::Gone)?;
    let customer: String = serde_json::from_value(once.payload).map_err(Failure::unavailable)?;
    Ok(CustomerId::new(customer))
}

/// `GET /cart/sign-in`: asks for the address.
pub(crate) async fn form(mut visit: Visit) -> Result<Response, Failure> {
    sign_in_form(&mut visit, None, StatusCode::OK)
}

fn sign_in_form(visit: &mut Visit, wrong: Option<&str>, status: StatusCode) -> Result<Response, Failure> {
    let csrf = visit.csrf();
    let words = &visit.words;
    let title = words.t("page-sign-in-title");
    let page = AskAddress {
        words,
        title: title.clone(),
        who: None,
        lead: words.t("page-sign-in-lead"),
        action: "/cart/sign-in".to_owned(),
        fields: vec![("csrf", csrf)],
        hint: None,
        problem: wrong.map(|_| words.t("page-email-invalid")),
        value: wrong.unwrap_or_default().to_owned(),
        button: words.t("page-sign-in-button"),
        other: Some(Aside {
            before: words.t("page-sign-in-new"),
            href: "/link".to_owned(),
            label: words.t("page-sign-in-new-link"),
        }),
    };
    visit.page(title).at(Place::SignIn).status(status).show(&page)
}

/// `POST /cart/sign-in`: sends the link, if the address is known. The answer is the same, after the same
/// time, whether or not it is.
pub(crate) async fn send(State(app): State<Arc<App>>, form: Form) -> Result<Response, Failure> {
    let Form { mut visit, fields } = form;
    let written = fields.get("email").unwrap_or_default().trim();
    let Ok(address) = Address::parse(written) else {
        return sign_in_form(&mut visit, Some(written), StatusCode::UNPROCESSABLE_ENTITY);
    };
    let answer_at = Instant::now() + ANSWER_AFTER;
    let email_hash = visit.hash.email(address.as_str());
    if web::mail::admit(&visit, &[format!("email#{email_hash}")]).await? {
        let known = visit.site.links().customer_of_email(&email_hash).await.map_err(Failure::unavailable)?;
        if let Some(customer) = known {
            send_link(&app, &visit, &address, &customer).await?;
        }
    }
    tokio::time::sleep_until(answer_at).await;
    Ok(visit.lead_on("/cart/sign-in/sent"))
}

async fn send_link(
    app: &App,
    visit: &Visit,
    address: &Address,
    customer: &CustomerId,
) -> Result<(), Failure> {
    let once = Once {
        purpose: SIGN_IN.to_owned(),
        payload: customer.as_str().into(),
        expires_at: visit.now.plus(LINK_LIFETIME),
    };
    let token = lambda::token::random();
    visit.site.links().put_once(&visit.once_hash(&token), &once).await.map_err(Failure::unavailable)?;
    let link = visit.site.address(&format!("/cart/enter?once={token}"));
    let link = Url::parse(&link).map_err(Failure::unavailable)?;
    let language: Language = visit.words.language();
    let mail = messages::sign_in_mail(language, &visit.storefront, address, &link, minutes());
    web::mail::send(visit, &app.mailer, &mail).await
}

fn minutes() -> u32 {
    u32::try_from(LINK_LIFETIME.as_secs() / 60).unwrap_or(u32::MAX)
}

/// `GET /cart/sign-in/sent`: look into your inbox.
pub(crate) async fn sent(visit: Visit) -> Result<Response, Failure> {
    let words = &visit.words;
    let title = words.t("page-inbox-title");
    let notice = Notice {
        title: title.clone(),
        lead: words.tn("page-sign-in-sent-lead", "minutes", u64::from(minutes())),
        more: vec![words.t("page-inbox-spam")],
        actions: vec![Way::new("/cart/sign-in", words.t("page-inbox-again"))],
    };
    visit.page(title).at(Place::SignIn).show(&notice)
}

/// `POST /cart/sign-out`.
pub(crate) async fn sign_out(form: Form) -> Result<Response, Failure> {
    let Form { mut visit, .. } = form;
    visit.sign_out().await?;
    Ok(visit.lead_on("/link"))
}
