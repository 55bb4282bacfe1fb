//! Fetching, replying and signing in, against servers that speak as the networks do.

use axum::http::{HeaderMap, Method};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Retryable as _;
use networks::{
    AnyNetwork, Effect, LengthRule, Network as _, NetworkError, NoReply, Reply, ReplyGuarantee, ReplyOutcome,
    Secret, SecretName, SignIn, WebhookRequest, standard_webhooks,
};
use serde_json::json;
use url::Url;

use crate::support::{ALICE, NOW, Say, Server, WEBHOOK_SECRET, generic, generic_with, post, x, x_with};

async fn answer(network: &AnyNetwork, id: &str) -> Result<ReplyOutcome, NetworkError> {
    let to = post(network.id().as_str(), id);
    let lang = domain::ids::Lang::parse("en");
    let reply = Reply { to: &to, text: "Added: mug", lang: lang.as_ref(), idempotency: "n#1#0" };
    network.reply(&reply).await
}

#[tokio::test]
async fn generic_replies_are_signed_callbacks() {
    let server = Server::start([Say::json(201, json!({"id": "p-2000"}))]).await;
    let outcome = answer(&generic(&server.url), "p-1002").await.unwrap();
    assert_eq!(outcome, ReplyOutcome::Posted { id: Some("p-2000".into()) });
    let asked = &server.asked()[0];
    assert_eq!(asked.line, "POST /replies");
    let body = asked.json();
    let id = body["data"]["id"].as_str().unwrap();
    assert_eq!(
        body,
        json!({
            "type": "reply.created",
            "timestamp": "2026-11-20T12:00:00.000Z",
            "data": {
                "id": id, "in_reply_to": "p-1002", "text": "Added: mug", "language": "en",
                "author": {"id": "bot-acme", "handle": "acme"},
            },
        })
    );
    assert_eq!(asked.header("webhook-id"), id);
    let request =
        WebhookRequest { method: &Method::POST, headers: &asked.headers, query: "", body: &asked.body };
    assert!(standard_webhooks::verify(&request, &[Secret::new(WEBHOOK_SECRET)], NOW).is_ok());
}

#[tokio::test]
async fn generic_callbacks_are_repeated_under_the_same_id() {
    let server = Server::start([Say::status(503), Say::status(429), Say::status(204)]).await;
    let outcome = answer(&generic(&server.url), "p-1002").await.unwrap();
    assert_eq!(outcome, ReplyOutcome::Posted { id: None });
    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|one| one.header("webhook-id") == asked[0].header("webhook-id")));
    assert!(asked.iter().all(|one| one.body == asked[0].body));
}

#[tokio::test]
async fn generic_callbacks_that_fail_say_how() {
    let server = Server::start([]).await;
    let network = generic(&server.url);
    for (status, retryable, requests) in
        [(404, false, 1), (410, false, 1), (400, false, 1), (401, true, 1), (500, true, 3)]
    {
        server.then([Say::status(status)]);
        let before = server.asked().len();
        let error = answer(&network, "p-1").await.unwrap_err();
        assert_eq!(error.retryable(), retryable, "{status}");
        assert_eq!(server.asked().len() - before, requests, "{status}");
    }
    server.then([Say::status(429).with("retry-after", "120")]);
    let before = server.asked().len();
    let error = answer(&network, "p-1").await.unwrap_err();
    assert_eq!(error.retry_after().unwrap().as_secs(), 120);
    assert_eq!(server.asked().len() - before, 1, "a long pause is spent in the queue");
    let unconfigured = generic_with(&server.url, |_| vec![]);
    let error = answer(&unconfigured, "p-1").await.unwrap_err();
    assert!(matches!(error, NetworkError::Unconfigured(SecretName::WebhookSecret)) && error.retryable());
}

#[tokio::test]
async fn generic_posts_are_fetched_through_the_guard() {
    let body = json!({
        "id": "p 1/2", "author": {"id": "u-carol"}, "text": "See https://shop.acme.example/p/mug",
        "url": "https://forum.example/p/1",
    });
    let server = Server::start([Say::json(200, json!({"id": "p-12", "text": "x"}))]).await;
    let network = generic(&server.url);
    let fetched = network.fetch_post(&"p 1/2".into()).await.unwrap().unwrap();
    assert_eq!(fetched.id.as_str(), "p-12");
    assert_eq!(server.asked()[0].line, "GET /posts/p%201%2F2");
    server.then([Say::json(200, body)]);
    let error = network.fetch_post(&"p-1".into()).await.unwrap_err();
    assert_eq!(
        error_text(&error),
        "the network's answer can't be read: id: holds spaces or control characters"
    );
    server.then([Say::json(
        200,
        json!({"id": "p-1", "author": {"id": "u-carol"}, "text": "See https://shop.acme.example/p/mug"}),
    )]);
    let fetched = network.fetch_post(&"p-1".into()).await.unwrap().unwrap();
    assert_eq!(fetched.author.unwrap().as_str(), "u-carol");
    assert_eq!(fetched.links, ["https://shop.acme.example/p/mug"]);
    for gone in [404, 410, 403] {
        server.then([Say::status(gone)]);
        assert_eq!(network.fetch_post(&"p-1".into()).await.unwrap(), None, "{gone}");
    }
    server.then([Say::status(503), Say::status(404)]);
    assert_eq!(network.fetch_post(&"p-1".into()).await.unwrap(), None, "reads are repeated");
    server.then([Say::status(500)]);
    assert!(network.fetch_post(&"p-1".into()).await.unwrap_err().retryable());
}

fn error_text(error: &dyn std::error::Error) -> String {
    let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    format!("{error}{source}")
}

#[tokio::test]
async fn x_replies_as_the_bots_account() {
    let server = Server::start([Say::json(201, json!({"data": {"id": "99", "text": "Added: mug"}}))]).await;
    let outcome = answer(&x(&server.url), "77").await.unwrap();
    assert_eq!(outcome, ReplyOutcome::Posted { id: Some("99".into()) });
    let asked = &server.asked()[0];
    assert_eq!(asked.line, "POST /2/tweets");
    assert_eq!(asked.json(), json!({"text": "Added: mug", "reply": {"in_reply_to_tweet_id": "77"}}));
    let authorization = asked.header("authorization");
    for part in ["OAuth oauth_consumer_key=\"ck\"", "oauth_token=\"at\"", "oauth_timestamp=\"1795176000\""] {
        assert!(authorization.contains(part), "{authorization}");
    }
    assert!(!authorization.contains("ats"));
}

#[tokio::test]
async fn x_refusals_are_told_apart() {
    let server = Server::start([]).await;
    let network = x(&server.url);
    let detail =
        |text: &str| json!({"title": "Forbidden", "type": "about:blank", "status": 403, "detail": text});

    server.then([Say::json(403, detail("You are not allowed to create a Tweet with duplicate content."))]);
    assert_eq!(answer(&network, "77").await.unwrap(), ReplyOutcome::AlreadyPosted);

    server.then([Say::json(
        403,
        detail("You attempted to reply to a Tweet that is deleted or not visible to you."),
    )]);
    let error = answer(&network, "77").await.unwrap_err();
    assert!(matches!(error, NetworkError::Gone) && !error.retryable());

    server.then([Say::json(403, detail("You are not permitted to perform this action."))]);
    let error = answer(&network, "77").await.unwrap_err();
    assert!(matches!(error, NetworkError::Refused { status: 403 }) && !error.retryable());
    assert_eq!(error.effect(), Effect::None);

    server.then([Say::status(429).with("x-rate-limit-reset", "1795176600")]);
    let error = answer(&network, "77").await.unwrap_err();
    assert_eq!(error.retry_after().unwrap().as_secs(), 600);
    assert!(error.retryable() && error.effect() == Effect::None);

    let before = server.asked().len();
    server.then([Say::status(503)]);
    let error = answer(&network, "77").await.unwrap_err();
    assert!(error.retryable() && error.effect() == Effect::Unknown);
    assert_eq!(server.asked().len() - before, 1, "what may have had its effect is not repeated here");
}

#[tokio::test]
async fn what_was_never_sent_surely_had_no_effect() {
    let closed = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap()
    };
    let error = answer(&x(&closed), "77").await.unwrap_err();
    assert!(matches!(error, NetworkError::NotSent(_)), "{error:?}");
    assert!(error.retryable() && error.effect() == Effect::None);
    let secretless = x_with(&closed, |_| vec![]);
    let error = answer(&secretless, "77").await.unwrap_err();
    assert!(matches!(error, NetworkError::Unconfigured(SecretName::ConsumerKey)));
}

#[tokio::test]
async fn a_broken_connection_may_have_had_its_effect() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            // Read the request, then hang up.
            let mut buffer = [0; 4096];
            let _ = tokio::io::AsyncReadExt::read(&mut connection, &mut buffer).await;
        }
    });
    let error = answer(&x(&url), "77").await.unwrap_err();
    assert!(matches!(error, NetworkError::Unanswered(_)), "{error:?}");
    assert!(error.retryable() && error.effect() == Effect::Unknown);
    let text = format!("{error:?}");
    assert!(!text.contains(url.as_str()), "no address in errors: {text}");
}

#[tokio::test]
async fn x_posts_are_fetched_by_either_generation_of_names() {
    let body = json!({"data": {
        "id": "77", "author_id": "3700000000000000003", "text": "See https://t.co/teapot0001",
        "entities": {"urls": [{"start": 4, "end": 27, "url": "https://t.co/teapot0001",
            "expanded_url": "https://shop.acme.example/p/teapot", "display_url": "shop.acme.example/p/te…"}]},
    }});
    let server = Server::start([Say::json(200, body.clone())]).await;
    let network = x(&server.url);
    let fetched = network.fetch_post(&"77".into()).await.unwrap().unwrap();
    assert_eq!(fetched.links, ["https://shop.acme.example/p/teapot"]);
    assert_eq!(fetched.url.unwrap(), "https://x.com/i/status/77");
    let asked = &server.asked()[0];
    assert!(asked.line.starts_with("GET /2/tweets/77?tweet.fields="), "{}", asked.line);
    assert_eq!(asked.header("authorization"), "Bearer bearer");

    server.then([Say::status(400), Say::json(200, body)]);
    assert!(network.fetch_post(&"77".into()).await.unwrap().is_some());
    assert!(network.fetch_post(&"78".into()).await.unwrap().is_some());
    let lines: Vec<String> = server.asked().into_iter().skip(1).map(|asked| asked.line).collect();
    assert!(lines[0].contains("?tweet.fields=") && lines[1].contains("?post.fields="), "{lines:?}");
    assert!(lines[2].contains("/78?post.fields=") && lines.len() == 3, "{lines:?}");

    server.then([Say::json(200, json!({"errors": [{"title": "Not Found Error"}]}))]);
    assert_eq!(network.fetch_post(&"77".into()).await.unwrap(), None);
    server.then([Say::status(404)]);
    assert_eq!(network.fetch_post(&"77".into()).await.unwrap(), None);
    let before = server.asked().len();
    assert_eq!(network.fetch_post(&"../users/me".into()).await.unwrap(), None);
    assert_eq!(server.asked().len(), before, "what is no id is never asked for");
}

#[tokio::test]
async fn x_reads_as_the_bot_without_a_token_of_the_app() {
    let server = Server::start([Say::status(404)]).await;
    let network = x_with(&server.url, |name| match name {
        "bearer-token" => vec![],
        _ => vec![format!("{name} value")],
    });
    network.fetch_post(&"77".into()).await.unwrap();
    assert!(server.asked()[0].header("authorization").starts_with("OAuth "));
}

#[test]
fn consent_and_rules() {
    let url = crate::support::nowhere();
    let (x, generic) = (x(&url), generic(&url));
    let mut to = post("x", "77");
    assert_eq!(x.may_reply(&to), Ok(()));
    to.mentions_us = false;
    assert_eq!(x.may_reply(&to), Err(NoReply::NoConsent));
    assert_eq!(generic.may_reply(&to), Ok(()));
    to.author.id = "bot-acme".into();
    assert_eq!(generic.may_reply(&to), Err(NoReply::OwnPost));
    assert_eq!(x.reply_rule().length, LengthRule::Weighted280);
    assert!(!x.reply_rule().urls_allowed && generic.reply_rule().urls_allowed);
    assert_eq!(generic.reply_rule().length, LengthRule::Graphemes(500));
    assert_eq!(x.reply_rule().guarantee, ReplyGuarantee::ByText);
    assert_eq!(generic.reply_rule().guarantee, ReplyGuarantee::ById);
}

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn callback() -> Url {
    "https://cart.acme.example/link/x/callback".parse().unwrap()
}

#[tokio::test]
async fn x_signs_shoppers_in() {
    let server = Server::start([
        Say::json(200, json!({"token_type": "bearer", "access_token": "user-token", "expires_in": 7200})),
        Say::json(200, json!({"data": {"id": ALICE, "name": "Alice", "username": "alice_shops"}})),
    ])
    .await;
    let network = x(&server.url);
    let SignIn::OAuth(sign_in) = network.sign_in() else { panic!("X signs in by OAuth") };
    let url = sign_in.authorize_url("state-1", VERIFIER, &callback()).unwrap();
    assert_eq!((url.host_str(), url.path()), (Some("x.com"), "/i/oauth2/authorize"));
    let query: std::collections::BTreeMap<_, _> = url.query_pairs().collect();
    let expected = [
        ("client_id", "client"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
        ("redirect_uri", "https://cart.acme.example/link/x/callback"),
        ("response_type", "code"),
        ("scope", "tweet.read users.read"),
        ("state", "state-1"),
    ];
    assert_eq!(query, expected.into_iter().map(|(name, value)| (name.into(), value.into())).collect());

    let account = sign_in.exchange("the-code", VERIFIER, &callback()).await.unwrap();
    assert_eq!((account.user.as_str(), account.handle.as_deref()), (ALICE, Some("alice_shops")));
    let asked = server.asked();
    assert_eq!(asked[0].line, "POST /2/oauth2/token");
    let basic = STANDARD.encode("client:client+secret");
    assert_eq!(asked[0].header("authorization"), format!("Basic {basic}"), "RFC 6749 §2.3.1");
    let form: std::collections::BTreeMap<_, _> = url::form_urlencoded::parse(&asked[0].body).collect();
    assert_eq!(form["code"], "the-code");
    assert_eq!(form["code_verifier"], VERIFIER);
    assert_eq!(form["grant_type"], "authorization_code");
    assert_eq!(form["redirect_uri"], callback().as_str());
    assert_eq!(
        (asked[1].line.as_str(), asked[1].header("authorization")),
        ("GET /2/users/me", "Bearer user-token")
    );
}

#[tokio::test]
async fn x_sign_ins_that_fail_say_how() {
    let server = Server::start([Say::json(
        400,
        json!({"error": "invalid_request", "error_description": "code expired"}),
    )])
    .await;
    let network = x(&server.url);
    let SignIn::OAuth(sign_in) = network.sign_in() else { panic!("X signs in by OAuth") };
    let error = sign_in.exchange("old", VERIFIER, &callback()).await.unwrap_err();
    assert!(matches!(error, NetworkError::Refused { status: 400 }), "{error:?}");
    server.then([Say::status(503)]);
    let before = server.asked().len();
    let error = sign_in.exchange("code", VERIFIER, &callback()).await.unwrap_err();
    assert!(matches!(error, NetworkError::Failed { status: 503 }), "{error:?}");
    assert_eq!(server.asked().len() - before, 1, "a code works once");
    server.then([Say::json(200, json!({"access_token": 7}))]);
    let error = sign_in.exchange("code", VERIFIER, &callback()).await.unwrap_err();
    assert!(matches!(error, NetworkError::Unreadable(_)), "{error:?}");
    let secretless = x_with(&server.url, |_| vec![]);
    let SignIn::OAuth(sign_in) = secretless.sign_in() else { panic!("X signs in by OAuth") };
    let error = sign_in.authorize_url("s", VERIFIER, &callback()).unwrap_err();
    assert!(matches!(error, NetworkError::Unconfigured(SecretName::ClientId)));
}

#[test]
fn generic_networks_send_their_shoppers_over() {
    let url = crate::support::nowhere();
    let network = generic(&url);
    let SignIn::SignedLink(links) = network.sign_in() else { panic!("generic signs in by link") };
    assert_eq!(links.start().unwrap().path(), "/link");
    let expires = NOW.plus(std::time::Duration::from_secs(600));
    let secret = Secret::new(WEBHOOK_SECRET);
    let query = networks::generic::link::sign(&secret, network.id(), "u-1", "alice", expires).unwrap();
    assert_eq!(links.verify(&query, NOW).unwrap().user.as_str(), "u-1");
    assert!(links.verify(&query.replace("u-1", "u-2"), NOW).is_err());
    assert_eq!(networks::generic::link::sign(&Secret::new("x"), network.id(), "u", "", expires), None);
    let headers = HeaderMap::new();
    let get = WebhookRequest { method: &Method::GET, headers: &headers, query: &query, body: b"" };
    assert_eq!(network.handshake(&get), Ok(None));
}
