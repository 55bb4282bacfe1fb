//! The same as JSON, for who would rather not read pages: `GET /cart` with `Accept: application/json`,
//! or `GET /cart/api`. `docs/PAGES.md` describes it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header;
use serde::Serialize;
use store::carts::CartRecord;
use web::{Failure, Visit};

use crate::App;
use crate::model::Model;

#[derive(Debug, Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    model: Model,
    settings: Settings<'a>,
    /// What forms must carry.
    csrf: String,
}

#[derive(Debug, Serialize)]
struct Settings<'a> {
    email: &'a str,
    language: &'static str,
    replies: bool,
    mails: bool,
    accounts: Vec<Account<'a>>,
}

#[derive(Debug, Serialize)]
struct Account<'a> {
    network: &'a str,
    user: &'a str,
    handle: Option<&'a str>,
    linked_at: String,
}

/// The answer; 401 as JSON when nobody is signed in.
pub(crate) async fn show(State(app): State<Arc<App>>, mut visit: Visit) -> Result<Response, Failure> {
    let record = match app.customer(&mut visit).await {
        Err(failure @ Failure::SignedOut) => {
            let body = serde_json::json!({"error": failure.name()}).to_string();
            return Ok(visit.finish(json(failure.status(), body)));
        }
        other => other?,
    };
    let answer = Answer {
        model: app.model(&visit, &record).await?,
        settings: settings(&visit, &record),
        csrf: visit.csrf(),
    };
    let body = serde_json::to_string(&answer).map_err(Failure::unavailable)?;
    Ok(visit.finish(json(http::StatusCode::OK, body)))
}

fn json(status: http::StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn settings<'a>(visit: &Visit, record: &'a CartRecord) -> Settings<'a> {
    let profile = record.profile.as_ref();
    Settings {
        email: profile.map_or("", |profile| &profile.email),
        language: visit.words.language().code(),
        replies: profile.is_some_and(|profile| profile.replies),
        mails: profile.is_some_and(|profile| profile.mails) && record.suppressed.is_none(),
        accounts: record
            .accounts
            .iter()
            .map(|linked| Account {
                network: linked.account.network.as_str(),
                user: linked.account.user.as_str(),
                handle: linked.handle.as_deref(),
                linked_at: linked.linked_at.to_string(),
            })
            .collect(),
    }
}
