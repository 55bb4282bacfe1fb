//! Which address belongs to the proven account: the form, and the mail with the one-time link.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use domain::ids::{Lang, NetworkId, UserId};
use http::StatusCode;
use messages::Address;
use serde::{Deserialize, Serialize};
use store::links::Once;
use url::Url;
use web::{Aside, AskAddress, Failure, Form, Notice, Visit, Way};

use crate::proof::{Proof, who};
use crate::{App, network, start_over};

/// What one-time links of this kind are for.
pub(crate) const PURPOSE: &str = "confirm";
/// How long the link in the mail is good for.
pub(crate) const LINK_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// What a one-time link confirms.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Confirmation {
    /// The network.
    pub(crate) network: NetworkId,
    /// The account that was proven.
    pub(crate) user: UserId,
    /// Its handle without `@`.
    pub(crate) handle: Option<String>,
    /// The address that the mail went to.
    pub(crate) email: String,
    /// The language that the pages spoke.
    pub(crate) lang: Lang,
}

/// `GET /link/{network}/email?proof=…`: the form.
pub(crate) async fn ask(Path(id): Path<String>, mut visit: Visit) -> Result<Response, Failure> {
    let name = network(&visit, &id)?.display_name().to_owned();
    let token = visit.query.get("proof").unwrap_or_default().to_owned();
    match Proof::read(&mut visit, &id, &token) {
        Ok(proof) => form(&mut visit, &proof, &token, None, StatusCode::OK),
        Err(why) => start_over(&visit, &name, why),
    }
}

fn form(
    visit: &mut Visit,
    proof: &Proof,
    token: &str,
    wrong: Option<&str>,
    status: StatusCode,
) -> Result<Response, Failure> {
    let csrf = visit.csrf();
    let visit = &*visit;
    let words = &visit.words;
    let title = words.t("page-email-title");
    let page = AskAddress {
        words,
        title: title.clone(),
        who: Some(proof.who(visit)),
        lead: words.t("page-email-lead"),
        action: format!("/link/{}/email", proof.network),
        fields: vec![("csrf", csrf), ("proof", token.to_owned())],
        hint: Some(words.t("page-email-hint")),
        problem: wrong.map(|_| words.t("page-email-invalid")),
        value: wrong.unwrap_or_default().to_owned(),
        button: words.t("page-email-button"),
        other: Some(Aside {
            before: words.t("page-email-not-you"),
            href: "/link".to_owned(),
            label: words.t("page-email-start-over"),
        }),
    };
    visit.page(title).status(status).show(&page)
}

/// `POST /link/{network}/email`: sends the link. The answer is the same whether or not we know the
/// address.
pub(crate) async fn send(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    form_sent: Form,
) -> Result<Response, Failure> {
    let Form { mut visit, fields } = form_sent;
    let name = network(&visit, &id)?.display_name().to_owned();
    let token = fields.need("proof")?.to_owned();
    let proof = match Proof::read(&mut visit, &id, &token) {
        Ok(proof) => proof,
        Err(why) => return start_over(&visit, &name, why),
    };
    let written = fields.get("email").unwrap_or_default().trim();
    let Ok(address) = Address::parse(written) else {
        return form(&mut visit, &proof, &token, Some(written), StatusCode::UNPROCESSABLE_ENTITY);
    };
    let email_hash = visit.hash.email(address.as_str());
    // A subject of its own: the account's own partition counts what it parks.
    let account = visit.hash.hex("mail", &[proof.network.as_str(), proof.user.as_str()]);
    let subjects = [format!("mail#{account}"), format!("email#{email_hash}")];
    if !web::mail::admit(&visit, &subjects).await? {
        return too_many(&visit);
    }
    let link = one_time_link(&visit, &proof, &address).await?;
    let account = who(&visit, &proof.network, &proof.user, proof.handle.as_deref());
    let account = format!("{} ({})", account.name, account.place);
    let minutes = u32::try_from(LINK_LIFETIME.as_secs() / 60).unwrap_or(u32::MAX);
    let language = visit.words.language();
    let mail = messages::confirm_mail(language, &visit.storefront, &address, &account, &link, minutes);
    web::mail::send(&visit, &app.mailer, &mail).await?;
    Ok(visit.lead_on("/link/sent"))
}

async fn one_time_link(visit: &Visit, proof: &Proof, address: &Address) -> Result<Url, Failure> {
    let confirmation = Confirmation {
        network: proof.network.clone(),
        user: proof.user.clone(),
        handle: proof.handle.clone(),
        email: address.as_str().to_owned(),
        lang: visit.words.language().into(),
    };
    let once = Once {
        purpose: PURPOSE.to_owned(),
        payload: serde_json::to_value(&confirmation).map_err(Failure::unavailable)?,
        expires_at: visit.now.plus(LINK_LIFETIME),
    };
    let token = lambda::token::random();
    visit.site.links().put_once(&visit.once_hash(&token), &once).await.map_err(Failure::unavailable)?;
    let link = visit.site.address(&format!("/link/confirm?token={token}"));
    Url::parse(&link).map_err(Failure::unavailable)
}

/// `GET /link/sent`: look into your inbox.
pub(crate) async fn sent(visit: Visit) -> Result<Response, Failure> {
    let words = &visit.words;
    let title = words.t("page-inbox-title");
    let notice = Notice {
        title: title.clone(),
        lead: words.tn("page-inbox-lead", "minutes", LINK_LIFETIME.as_secs() / 60),
        more: vec![words.t("page-inbox-spam")],
        actions: Vec::new(),
    };
    visit.page(title).show(&notice)
}

/// Enough mails for this hour.
fn too_many(visit: &Visit) -> Result<Response, Failure> {
    let words = &visit.words;
    let title = words.t("page-too-many-title");
    let actions = vec![Way::new("/link", words.t("page-error-home"))];
    let notice =
        Notice { title: title.clone(), lead: words.t("page-too-many-lead"), more: Vec::new(), actions };
    visit.page(title).status(StatusCode::TOO_MANY_REQUESTS).show(&notice)
}
