//! Proving an account by OAuth 2.0 with PKCE (RFC 7636), as X has it.
//!
//! The state is a token that we sign: which network, which browser, until when. The code verifier is a
//! keyed hash of that state and the browser's cookie, so nothing is stored, and a code that somebody
//! else's browser fetched is worth nothing in this one.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use domain::Retryable as _;
use domain::ids::NetworkId;
use lambda::token::TokenError;
use networks::x::sign_in::XSignIn;
use networks::{Network as _, SignIn};
use serde::{Deserialize, Serialize};
use url::Url;
use web::{Failure, Visit};

use crate::{App, StartOver, network, proof, start_over};

const PURPOSE: &str = "oauth-state";
/// How long somebody may take to sign in at the network.
const LIFETIME: Duration = Duration::from_secs(10 * 60);

#[derive(Debug, Serialize, Deserialize)]
struct Begun {
    #[serde(rename = "n")]
    network: NetworkId,
    #[serde(rename = "b")]
    browser: String,
    /// Makes each state another one.
    #[serde(rename = "r")]
    random: u64,
}

/// Sends the browser to the network.
pub(crate) fn begin(
    oauth: &XSignIn<'_>,
    network: &NetworkId,
    visit: &mut Visit,
) -> Result<Response, Failure> {
    let state = Begun {
        network: network.clone(),
        browser: visit.browser_hash(),
        random: lambda::token::random_u64(),
    };
    let expires_at = visit.now.plus(LIFETIME);
    let state = visit.signer.sign(PURPOSE, &state, Some(expires_at)).map_err(Failure::unavailable)?;
    let verifier = verifier(visit, &state);
    let to = oauth.authorize_url(&state, &verifier, &redirect(visit, network)?);
    Ok(visit.lead_on(to.map_err(Failure::unavailable)?.as_str()))
}

/// `GET /link/{network}/callback`: the browser is back with a code.
pub(crate) async fn callback(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    mut visit: Visit,
) -> Result<Response, Failure> {
    let config = network(&visit, &id)?;
    let (id, name) = (config.id.clone(), config.display_name().to_owned());
    let networks = app.networks(&visit);
    let Some(SignIn::OAuth(oauth)) = networks.get(&id).map(|network| network.sign_in()) else {
        return Err(Failure::NotFound);
    };
    let state = visit.query.get("state").unwrap_or_default().to_owned();
    if let Err(why) = check(&mut visit, &id, &state) {
        return start_over(&visit, &name, why);
    }
    let Some(code) = visit.query.get("code").map(str::to_owned) else {
        return start_over(&visit, &name, StartOver::Refused);
    };
    let verifier = verifier(&mut visit, &state);
    match oauth.exchange(&code, &verifier, &redirect(&visit, &id)?).await {
        Ok(account) => proof::lead_on(&mut visit, &id, &account),
        Err(error) if error.retryable() => Err(Failure::unavailable(error)),
        Err(error) => {
            tracing::info!(network = id.as_str(), error = %error, "the network refused a sign-in");
            start_over(&visit, &name, StartOver::Broken)
        }
    }
}

/// Whether the state is ours, for this network and of this browser.
fn check(visit: &mut Visit, network: &NetworkId, state: &str) -> Result<(), StartOver> {
    let begun: Begun = visit.signer.read(PURPOSE, state, visit.now).map_err(|error| match error {
        TokenError::Expired => StartOver::Expired,
        TokenError::Invalid => StartOver::Broken,
    })?;
    if begun.network != *network {
        return Err(StartOver::Broken);
    }
    if begun.browser != visit.browser_hash() {
        return Err(StartOver::OtherBrowser);
    }
    Ok(())
}

/// 64 characters that only we can compute, and only with the browser's cookie.
fn verifier(visit: &mut Visit, state: &str) -> String {
    let browser = visit.browser();
    visit.hash.hex("pkce", &[&browser, state])
}

/// Where the network sends the browser back to; the same text in both requests (RFC 6749, 4.1.3).
fn redirect(visit: &Visit, network: &NetworkId) -> Result<Url, Failure> {
    Url::parse(&visit.site.address(&format!("/link/{network}/callback"))).map_err(Failure::unavailable)
}
