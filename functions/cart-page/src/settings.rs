//! `/cart/settings`: replies and mails on or off, language, linked accounts, sign out, delete it all.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::ids::{Lang, NetworkId, UserId};
use messages::Language;
use messages::public::plain_line;
use store::carts::{CartRecord, Preferences, SuppressionReason};
use store::links::Account;
use web::words::own_name;
use web::{Ask, Failure, Form, Notice, Place, SESSION_KEPT, Visit, Way, Words};

use crate::App;

#[derive(Debug, Template)]
#[template(path = "settings.html")]
struct SettingsPage<'a> {
    words: &'a Words,
    csrf: &'a str,
    told: Option<String>,
    switches: Vec<Switch>,
    languages: Vec<LanguageChoice>,
    accounts: Vec<Linked>,
    email: &'a str,
    session_days: u64,
}

/// Something that is on or off.
#[derive(Debug)]
struct Switch {
    name: &'static str,
    title: String,
    hint: String,
    warning: Option<String>,
    on: bool,
}

#[derive(Debug)]
struct LanguageChoice {
    tag: &'static str,
    name: &'static str,
    current: bool,
}

#[derive(Debug)]
struct Linked {
    name: String,
    detail: String,
    network: String,
    user: String,
}

/// `GET /cart/settings`.
pub(crate) async fn show(State(app): State<Arc<App>>, mut visit: Visit) -> Result<Response, Failure> {
    let record = match app.customer(&mut visit).await {
        Err(Failure::SignedOut) => return Ok(visit.lead_on("/cart/sign-in")),
        other => other?,
    };
    let csrf = visit.csrf();
    let words = &visit.words;
    let told = match visit.query.get("told") {
        Some("saved") => Some(words.t("page-settings-saved")),
        Some("unlinked") => Some(words.t("page-settings-unlinked")),
        _ => None,
    };
    let page = SettingsPage {
        words,
        csrf: &csrf,
        told,
        switches: switches(words, &record),
        languages: languages(words),
        accounts: accounts(&visit, &record),
        email: record.profile.as_ref().map_or("", |profile| &profile.email),
        session_days: SESSION_KEPT.as_secs() / 86_400,
    };
    visit.page(words.t("page-settings-title")).at(Place::Settings).show(&page)
}

fn switches(words: &Words, record: &CartRecord) -> Vec<Switch> {
    let (replies, mails) =
        record.profile.as_ref().map_or((false, false), |profile| (profile.replies, profile.mails));
    let bounced = record.suppressed.as_ref().is_some_and(|s| s.reason != SuppressionReason::Unsubscribed);
    vec![
        Switch {
            name: "replies",
            title: words.t("page-settings-replies"),
            hint: words.t("page-settings-replies-hint"),
            warning: None,
            on: replies,
        },
        Switch {
            name: "mails",
            title: words.t("page-settings-mails"),
            hint: words.t("page-settings-mails-hint"),
            warning: bounced.then(|| words.t("page-settings-mails-undeliverable")),
            on: mails && record.suppressed.is_none(),
        },
    ]
}

fn languages(words: &Words) -> Vec<LanguageChoice> {
    let choice = |language: Language| LanguageChoice {
        tag: language.code(),
        name: own_name(language),
        current: language == words.language(),
    };
    Language::ALL.into_iter().map(choice).collect()
}

fn accounts(visit: &Visit, record: &CartRecord) -> Vec<Linked> {
    let linked = |linked: &store::carts::LinkedAccount| {
        let Account { network, user } = &linked.account;
        let name = linked.handle.as_ref().map_or_else(|| user.to_string(), |handle| format!("@{handle}"));
        let place = visit.storefront.network(network).map_or(network.as_str(), |n| n.display_name());
        let date = visit.words.date(linked.linked_at);
        let since = visit.words.tv("page-settings-linked-since", &[("date", &date)]);
        Linked {
            name: plain_line(&name),
            detail: format!("{place} · {since}"),
            network: network.to_string(),
            user: user.to_string(),
        }
    };
    record.accounts.iter().map(linked).collect()
}

/// `POST /cart/settings`: sets what the form names, leaves the rest.
pub(crate) async fn change(State(app): State<Arc<App>>, form: Form) -> Result<Response, Failure> {
    let Form { mut visit, fields } = form;
    let customer = app.customer_id(&visit).await?;
    let switch = |name: &'static str| match fields.get(name) {
        None => Ok(None),
        Some("on") => Ok(Some(true)),
        Some("off") => Ok(Some(false)),
        Some(_) => Err(Failure::BadRequest(name)),
    };
    let language = fields.get("language").map(|text| Lang::parse(text).as_ref().and_then(Language::of));
    let language = language.map(|language| language.ok_or(Failure::BadRequest("language"))).transpose()?;
    let preferences =
        Preferences { replies: switch("replies")?, mails: switch("mails")?, lang: language.map(Lang::from) };
    app.carts.set_preferences(&customer, &preferences).await.map_err(Failure::unavailable)?;
    if preferences.mails == Some(true) {
        app.carts.unsuppress(&customer).await.map_err(Failure::unavailable)?;
    }
    if let Some(language) = language {
        visit.choose_language(language);
    }
    tracing::info!("changed settings");
    Ok(visit.lead_on("/cart/settings?told=saved"))
}

/// `POST /cart/unlink`.
pub(crate) async fn unlink(State(app): State<Arc<App>>, form: Form) -> Result<Response, Failure> {
    let Form { visit, fields } = form;
    let customer = app.customer_id(&visit).await?;
    let account =
        Account { network: NetworkId::new(fields.need("network")?), user: UserId::new(fields.need("user")?) };
    let unlinked = app.linking.unlink(&customer, &account).await.map_err(Failure::unavailable)?;
    tracing::info!(network = account.network.as_str(), unlinked, "unlinked an account");
    Ok(visit.lead_on("/cart/settings?told=unlinked#accounts"))
}

/// `GET /cart/delete`: asks once more.
pub(crate) async fn ask_to_delete(
    State(app): State<Arc<App>>,
    mut visit: Visit,
) -> Result<Response, Failure> {
    match app.customer(&mut visit).await {
        Err(Failure::SignedOut) => return Ok(visit.lead_on("/cart/sign-in")),
        other => other?,
    };
    let csrf = visit.csrf();
    let words = &visit.words;
    let title = words.t("page-delete-title");
    let page = Ask {
        title: title.clone(),
        who: None,
        lead: words.t("page-delete-lead"),
        warning: None,
        action: "/cart/delete".to_owned(),
        fields: vec![("csrf", csrf)],
        button: words.t("page-delete-button"),
        danger: true,
        other: Some(Way::new("/cart/settings", words.t("page-delete-keep"))),
    };
    visit.page(title).at(Place::Settings).show(&page)
}

/// `POST /cart/delete`: everything of the customer, at once.
pub(crate) async fn delete(State(app): State<Arc<App>>, form: Form) -> Result<Response, Failure> {
    let Form { mut visit, .. } = form;
    let customer = app.customer_id(&visit).await?;
    app.linking.erase(&customer).await.map_err(Failure::unavailable)?;
    visit.sign_out().await?;
    tracing::info!("deleted all data of a customer");
    let words = &visit.words;
    let title = words.t("page-deleted-title");
    let notice = Notice {
        title: title.clone(),
        lead: words.t("page-deleted-lead"),
        more: Vec::new(),
        actions: vec![Way::new("/link", words.t("page-error-home"))],
    };
    visit.page(title).show(&notice)
}
