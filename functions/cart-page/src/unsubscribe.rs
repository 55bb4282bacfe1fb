//! No more mails: the link in each of them, and the one click that mail programs offer.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use domain::ids::CustomerId;
use http::StatusCode;
use store::carts::SuppressionReason;
use web::fields::read_form;
use web::{Ask, Failure, Notice, Visit, Way};

use crate::App;

/// What the links are signed for; the data is the customer's id. They never run out: whoever wants no
/// mail shall not have to look for a newer one.
const PURPOSE: &str = "unsubscribe";

fn customer(visit: &Visit) -> Result<CustomerId, Failure> {
    let token = visit.query.get("token").unwrap_or_default();
    let customer: String = visit.signer.read(PURPOSE, token, visit.now).map_err(|_| Failure::Gone)?;
    Ok(CustomerId::new(customer))
}

/// `GET /cart/unsubscribe?token=…`: a button.
pub(crate) async fn ask(State(app): State<Arc<App>>, mut visit: Visit) -> Result<Response, Failure> {
    let customer = customer(&visit)?;
    let profile = app.carts.profile(&customer).await.map_err(Failure::unavailable)?.ok_or(Failure::Gone)?;
    visit.prefer(profile.lang.as_ref());
    let words = &visit.words;
    let title = words.t("page-unsubscribe-title");
    let page = Ask {
        title: title.clone(),
        who: None,
        lead: words.tv("page-unsubscribe-lead", &[("email", &masked(&profile.email))]),
        warning: None,
        action: format!("/cart/unsubscribe?{}", visit.raw_query()),
        fields: Vec::new(),
        button: words.t("page-unsubscribe-button"),
        danger: false,
        other: None::<Way>,
    };
    visit.page(title).show(&page)
}

/// Enough of an address to know it again: mails are forwarded, and this link with them.
fn masked(email: &str) -> String {
    match email.split_once('@') {
        Some((local, host)) => format!("{}…@{host}", local.chars().take(2).collect::<String>()),
        None => String::new(),
    }
}

/// `POST /cart/unsubscribe?token=…`: stops the mails. The token alone is the right to do so: mail
/// programs send `List-Unsubscribe=One-Click` without cookies or a form of ours (RFC 8058, section
/// 3.1), and they must not be redirected.
pub(crate) async fn unsubscribe(
    State(app): State<Arc<App>>,
    mut visit: Visit,
    request: Request,
) -> Result<Response, Failure> {
    let customer = customer(&visit)?;
    // Some mail programs send the field as multipart/form-data, as the RFC allows: it says nothing
    // that the address hasn't said.
    let one_click = read_form(request).await.is_ok_and(|form| form.get("List-Unsubscribe").is_some());
    let profile = app.carts.profile(&customer).await.map_err(Failure::unavailable)?;
    let Some(profile) = profile else { return Err(Failure::Gone) };
    let suppressed = app.carts.suppress(&customer, SuppressionReason::Unsubscribed, visit.now);
    suppressed.await.map_err(Failure::unavailable)?;
    tracing::info!(one_click, "stopped the mails to a customer");
    if one_click {
        return Ok(visit.finish(StatusCode::NO_CONTENT.into_response()));
    }
    visit.prefer(profile.lang.as_ref());
    let words = &visit.words;
    let title = words.t("page-unsubscribed-title");
    let notice = Notice {
        title: title.clone(),
        lead: words.t("page-unsubscribed-lead"),
        more: Vec::new(),
        actions: vec![Way::new("/cart/settings", words.t("page-settings-title"))],
    };
    visit.page(title).show(&notice)
}
