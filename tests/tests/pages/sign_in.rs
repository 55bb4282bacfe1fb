//! Ways in and out.

use std::time::{Duration, Instant};

use crate::site::{Browser, Page, Site, account, add, product};
use http::StatusCode;

async fn ask(browser: &mut Browser, email: &str) -> Page {
    let form = browser.get("/cart/sign-in").await;
    browser.submit(&form, "/cart/sign-in", &[("email", email)]).await
}

#[tokio::test]
async fn a_mailed_link_signs_in_once_and_the_session_ends_by_signing_out() {
    let site = Site::start().await;
    site.customer("alice").await;
    let mut browser = site.browser();
    assert_eq!(browser.get("/cart").await.location(), "/cart/sign-in");
    assert_eq!(ask(&mut browser, "ALICE@example.com").await.location(), "/cart/sign-in/sent");
    let link = site.mailed_link("ALICE@example.com").await;
    let button = browser.get(&link).await;
    assert!(!browser.cookies.contains_key("__Host-hashcart"), "a GET signs nobody in");
    let entered = browser.submit(&button, "/cart/enter", &[]).await;
    assert_eq!(entered.location(), "/cart");
    assert_eq!(browser.get("/cart").await.status, StatusCode::OK);
    assert_eq!(site.browser().get(&link).await.status, StatusCode::GONE);

    let before = browser.cookies["__Host-hashcart"].clone();
    let settings = browser.get("/cart/settings").await;
    browser.submit(&settings, "/cart/sign-out", &[]).await;
    assert!(!browser.cookies.contains_key("__Host-hashcart"));
    browser.cookies.insert("__Host-hashcart".to_owned(), before);
    assert_eq!(
        browser.get("/cart").await.location(),
        "/cart/sign-in",
        "the session is gone, not only its cookie"
    );
}

#[tokio::test]
async fn unknown_addresses_get_the_same_answer_and_no_mail() {
    let site = Site::start().await;
    site.customer("alice").await;
    let mut browser = site.browser();
    let known = ask(&mut browser, "alice@example.com").await;
    let started = Instant::now();
    let unknown = ask(&mut browser, "bob@example.com").await;
    assert!(started.elapsed() >= Duration::from_millis(500), "the time doesn't tell either");
    assert_eq!((known.location(), known.body), (unknown.location(), unknown.body));
    assert_eq!(site.mails_to("alice@example.com").await.len(), 1);
    assert!(site.mails_to("bob@example.com").await.is_empty());
    for _ in 0..6 {
        assert_eq!(ask(&mut browser, "alice@example.com").await.location(), "/cart/sign-in/sent");
    }
    assert_eq!(site.mails_to("alice@example.com").await.len(), 5, "five an hour");
    let wrong = ask(&mut browser, "alice").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn sessions_end_after_thirty_days_and_change_at_sign_in() {
    let site = Site::start().await;
    let customer = site.customer("alice").await;
    let mut browser = site.signed_in(&customer).await;
    let first = browser.cookies["__Host-hashcart"].clone();
    let page = browser.get(&site.cart_link(&customer)).await;
    browser.submit(&page, "/cart/enter", &[]).await;
    let second = browser.cookies["__Host-hashcart"].clone();
    assert_ne!(first, second);
    let mut old = site.browser();
    old.cookies.insert("__Host-hashcart".to_owned(), first);
    assert_eq!(old.get("/cart").await.location(), "/cart/sign-in", "the earlier session is closed");
    site.clock.pass(Duration::from_secs(30 * 86_400));
    assert_eq!(browser.get("/cart").await.location(), "/cart/sign-in");
    assert_eq!(
        browser.get_json("/cart").await,
        (StatusCode::UNAUTHORIZED, serde_json::json!({"error": "signed_out"}))
    );
}

#[tokio::test]
async fn cart_links_are_for_one_purpose_and_two_weeks() {
    let site = Site::start().await;
    let customer = site.customer("alice").await;
    let link = site.cart_link(&customer);
    let stop = crate::site::signer().sign("unsubscribe", &customer.as_str(), None).unwrap();
    let mut browser = site.browser();
    for bad in [format!("/cart/enter?token={stop}"), format!("{link}x"), "/cart/enter?once=x".to_owned()] {
        let page = browser.get(&bad).await;
        assert_eq!(page.status, StatusCode::GONE);
        assert!(page.contains("href=\"/cart/sign-in\""), "a way on");
    }
    site.clock.pass(Duration::from_secs(14 * 86_400));
    assert_eq!(browser.get(&link).await.status, StatusCode::GONE);
}

/// Two mails, two kinds of link: neither opens the other's page, nor is it used up by trying.
#[tokio::test]
async fn a_mailed_link_is_for_the_page_that_it_was_mailed_for() {
    let site = Site::start().await;
    site.customer("alice").await;
    let mut browser = site.browser();
    ask(&mut browser, "alice@example.com").await;
    let link = site.mailed_link("alice@example.com").await;
    let (_, token) = link.split_once("once=").expect("a one-time link");
    let opened = browser.get(&format!("/link/confirm?token={token}")).await;
    assert_eq!(opened.status, StatusCode::GONE);
    let csrf = browser.get("/cart/sign-in").await.form("/cart/sign-in").1[0].1.clone();
    let pressed = browser.post("/link/confirm", &[("csrf", &csrf), ("token", token)]).await;
    assert_eq!(pressed.status, StatusCode::GONE);
    let page = browser.get(&link).await;
    assert_eq!(browser.submit(&page, "/cart/enter", &[]).await.location(), "/cart");
}

#[tokio::test]
async fn what_is_still_parked_comes_with_the_next_sign_in() {
    let site = Site::start().await;
    let commands = site.commands("alice", "p1", add(product("mug", None), None));
    let until = site.clock.now().plus(Duration::from_secs(86_400));
    site.links().park(&account("alice"), &commands, until, 10, site.clock.now()).await.unwrap();
    let customer = site.customer("alice").await;
    site.signed_in(&customer).await;
    let sent = site.commands_sent().await;
    assert_eq!((sent.len(), &sent[0]["step"]), (1, &1.into()));
    assert!(site.links().parked(&account("alice"), site.clock.now()).await.unwrap().is_empty());
}
