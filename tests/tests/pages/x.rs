//! Linking an account of X, by OAuth 2.0 with PKCE against a server that speaks X's part of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::storefront::NetworkConfig;
use http::{HeaderMap, StatusCode};
use serde_json::json;
use url::Url;

use crate::site::{Browser, Page, Plan, Site, storefront};

type FormFields = Vec<(String, String)>;

/// What was asked of X's token endpoint.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<FormFields>>>);

async fn token(
    State(asked): State<Asked>,
    headers: HeaderMap,
    Form(fields): Form<FormFields>,
) -> axum::response::Response {
    assert!(headers["authorization"].to_str().unwrap().starts_with("Basic "));
    let code = fields.iter().find(|(name, _)| name == "code").unwrap().1.clone();
    asked.0.lock().unwrap().push(fields);
    match code.as_str() {
        "good" => {
            Json(json!({"token_type": "bearer", "access_token": "t", "expires_in": 7200})).into_response()
        }
        "busy" => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        _ => (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_request"}))).into_response(),
    }
}

async fn me(headers: HeaderMap) -> Json<serde_json::Value> {
    assert_eq!(headers["authorization"], "Bearer t");
    Json(json!({"data": {"id": "9007199254740993", "username": "alice", "name": "Alice"}}))
}

/// A site whose X is a server of ours.
async fn start() -> (Site, Asked) {
    let asked = Asked::default();
    let router = Router::new()
        .route("/2/oauth2/token", post(token))
        .route("/2/users/me", get(me))
        .with_state(asked.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let mut storefront = storefront(&address, &address);
    // A second network of the kind, as a brand with two accounts has it.
    let x = storefront.networks.iter().find(|network| network.id.as_str() == "x").unwrap();
    let other = NetworkConfig { id: "x-two".into(), ..x.clone() };
    storefront.networks.push(other);
    // Only the stage `local` may speak plain http to a network.
    let plan = Plan { stage: "local", public_url: "http://127.0.0.1:8787".to_owned(), storefront };
    (Site::start_as(plan).await, asked)
}

/// Presses the button; gives X's page's address and the state in it.
async fn begin(browser: &mut Browser) -> (Url, String) {
    let to = Url::parse(&browser.get("/link/x").await.location()).unwrap();
    let state = parameter(&to, "state");
    (to, state)
}

fn parameter(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(found, _)| found == name).unwrap().1.into_owned()
}

async fn back(browser: &mut Browser, query: &[(&str, &str)]) -> Page {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    browser.get(&format!("/link/x/callback?{query}")).await
}

#[tokio::test]
async fn from_x_and_back_to_a_linked_account() {
    let (site, asked) = start().await;
    let mut browser = site.browser();
    let (to, state) = begin(&mut browser).await;
    assert!(to.path().ends_with("/i/oauth2/authorize"));
    assert_eq!(parameter(&to, "code_challenge_method"), "S256");
    assert_eq!(parameter(&to, "redirect_uri"), "http://127.0.0.1:8787/link/x/callback");
    assert!(state.len() <= 500, "X takes 500 characters");

    let page = back(&mut browser, &[("state", &state), ("code", "good")]).await;
    let form = browser.follow(&page).await;
    assert!(form.contains("@alice") && form.contains(">X<"), "{}", form.body);
    let fields = asked.0.lock().unwrap().pop().unwrap();
    let field = |name: &str| fields.iter().find(|(found, _)| found == name).unwrap().1.clone();
    assert_eq!(field("redirect_uri"), "http://127.0.0.1:8787/link/x/callback");
    let verifier = field("code_verifier");
    assert!((43..=128).contains(&verifier.len()));
    // RFC 7636, 4.6: what X holds the verifier against.
    let hash = ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes());
    assert_eq!(parameter(&to, "code_challenge"), URL_SAFE_NO_PAD.encode(hash));

    browser.submit(&form, "/link/x/email", &[("email", "alice@example.com")]).await;
    let ask = browser.get(&site.mailed_link("alice@example.com").await).await;
    assert_eq!(browser.submit(&ask, "/link/confirm", &[]).await.status, StatusCode::OK);
    let account = store::links::Account { network: "x".into(), user: "9007199254740993".into() };
    let link = site.links().link(&account).await.unwrap().unwrap();
    assert_eq!(link.handle.as_deref(), Some("alice"));
}

#[tokio::test]
async fn the_state_belongs_to_one_browser_and_ten_minutes() {
    let (site, asked) = start().await;
    let (mut victim, mut attacker) = (site.browser(), site.browser());
    victim.get("/link/x").await;
    let (_, state) = begin(&mut attacker).await;
    // The attacker's code in the victim's browser: refused before X is asked.
    let page = back(&mut victim, &[("state", &state), ("code", "good")]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    for state in ["", "x", "a.b"] {
        let page = back(&mut victim, &[("state", state), ("code", "good")]).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{state}");
    }
    let (_, state) = begin(&mut victim).await;
    site.clock.pass(Duration::from_secs(10 * 60));
    let page = back(&mut victim, &[("state", &state), ("code", "good")]).await;
    assert_eq!(page.status, StatusCode::GONE);
    assert!(asked.0.lock().unwrap().is_empty());
}

/// Mix-up (RFC 9700, 4.4): what one network began is never taken to another, and never brought there by another.
#[tokio::test]
async fn a_state_and_its_code_stay_with_their_network() {
    let (site, asked) = start().await;
    let mut browser = site.browser();
    let (_, state) = begin(&mut browser).await;
    for network in ["x-two", "generic"] {
        let page = browser.get(&format!("/link/{network}/callback?state={state}&code=good")).await;
        let refused = [StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND];
        assert!(refused.contains(&page.status), "{network}: {}", page.status);
    }
    assert!(asked.0.lock().unwrap().is_empty(), "the code went nowhere");
    let page = back(&mut browser, &[("state", &state), ("code", "good")]).await;
    assert!(page.location().starts_with("/link/x/email?"), "at home it is good: {}", page.status);
}

/// PKCE binds the code to the browser: the verifier can't be worked out of what stands in addresses.
#[tokio::test]
async fn the_verifier_is_of_the_browser_and_the_state() {
    let (site, asked) = start().await;
    let mut browser = site.browser();
    let (_, state) = begin(&mut browser).await;
    back(&mut browser, &[("state", &state), ("code", "good")]).await;
    let cookie = browser.cookies["hashcart-browser"].clone();
    let sent = |fields: FormFields| fields.into_iter().find(|(name, _)| name == "code_verifier").unwrap().1;
    let verifier = sent(asked.0.lock().unwrap().pop().unwrap());
    for known in [state.as_str(), cookie.as_str()] {
        let hash = crate::site::hash().hex("pkce", &[known]);
        assert!(verifier != hash && !known.contains(&verifier));
    }
    assert_ne!(verifier, crate::site::hash().hex("pkce", &["", &state]), "the browser's cookie is in it");
    let (_, another) = begin(&mut browser).await;
    back(&mut browser, &[("state", &another), ("code", "good")]).await;
    assert_ne!(sent(asked.0.lock().unwrap().pop().unwrap()), verifier, "another state, another verifier");
}

#[tokio::test]
async fn a_refusal_a_bad_code_and_a_busy_x_are_told_apart() {
    let (site, _) = start().await;
    let mut browser = site.browser();
    let (_, state) = begin(&mut browser).await;
    let refused = back(&mut browser, &[("state", &state), ("error", "access_denied")]).await;
    assert_eq!(refused.status, StatusCode::OK);
    assert!(refused.contains("You said no") && refused.contains("href=\"/link\""));
    let used = back(&mut browser, &[("state", &state), ("code", "used")]).await;
    assert_eq!(used.status, StatusCode::BAD_REQUEST);
    let busy = back(&mut browser, &[("state", &state), ("code", "busy")]).await;
    assert_eq!(busy.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(busy.header("retry-after"), "30");
}
