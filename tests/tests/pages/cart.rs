//! The cart: what it shows, and what its forms do.

use std::time::Duration;

use domain::cart::Item;
use domain::command::Action;
use domain::ids::CustomerId;
use domain::product::Availability;
use http::StatusCode;
use store::carts::SuppressionReason;
use store::ledger::Event;

use crate::site::{Browser, Page, Site, account, add, product, variant};

async fn alice(site: &Site) -> (CustomerId, Browser) {
    let customer = site.customer("alice").await;
    let browser = site.signed_in(&customer).await;
    (customer, browser)
}

async fn quantity(site: &Site, customer: &CustomerId, of: &str) -> u32 {
    let product = of.split('-').next().unwrap();
    let item = Item { marketplace: "us".into(), product: product.into(), variant: of.into() };
    site.record(customer).await.cart().quantity(&item)
}

/// Presses a button of a line and follows to the cart.
async fn press(
    site: &Site,
    browser: &mut Browser,
    page: &Page,
    variant: &str,
    sets: bool,
    fields: &[(&str, &str)],
) -> Page {
    // Two presses within one millisecond would stand in no order.
    site.clock.pass(Duration::from_millis(1));
    let hidden = page.edit_form(variant, sets);
    let mut all: Vec<(&str, &str)> = fields.to_vec();
    all.extend(hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let answer = browser.post("/cart/edit", &all).await;
    browser.follow(&answer).await
}

#[tokio::test]
async fn shows_lines_with_what_may_be_shown() {
    let site = Site::start().await;
    let (customer, mut browser) = alice(&site).await;
    assert!(browser.get("/cart").await.contains("Nothing here yet"));
    for (post, of, quantity) in
        [("1", "mug", Some(2)), ("2", "lamp", None), ("3", "console", None), ("4", "game", None)]
    {
        site.post(&customer, post, add(product(of, None), quantity)).await;
    }
    let page = browser.get("/cart").await;
    assert_eq!(page.status, StatusCode::OK);
    for shown in [
        "The mug",
        "$25.00",
        "$19.50",
        "Pre-order: available on December 18, 2026",
        "Price shown at checkout",
        "Total without the prices shown at checkout",
        "$94.50",
        "acme.example",
        "In stock",
        "https://acme.example/pictures/mug.png",
    ] {
        assert!(page.contains(shown), "{shown} in {}", page.body);
    }
    assert!(!page.contains("499"), "a price that only the checkout may show");

    let (status, json) = browser.get_json("/cart").await;
    assert_eq!(status, StatusCode::OK);
    let lines = json["marketplaces"][0]["lines"].as_array().unwrap();
    let line = |of: &str| lines.iter().find(|line| line["product"] == of).unwrap();
    assert_eq!(line("mug")["price"], serde_json::json!({"amount": "25.00", "currency": "USD"}));
    assert_eq!(line("lamp")["price_before"]["amount"], "25.00");
    assert!(line("console").get("price").is_none() && line("console")["price_exposure"] == "checkout");
    assert_eq!(line("game")["available_on"], "2026-12-18T11:06:40.000Z");
    assert_eq!(json["marketplaces"][0]["total"]["amount"], "94.50");
    assert_eq!(json["marketplaces"][0]["total_is_partial"], true);
    assert_eq!(json["settings"]["accounts"][0]["handle"], "alice");
    assert!(!json.to_string().contains("499"));
    assert_eq!(browser.get_json("/cart/api").await.1["marketplaces"], json["marketplaces"]);
}

#[tokio::test]
async fn changes_quantities_removes_and_moves() {
    let site = Site::start().await;
    let (customer, mut browser) = alice(&site).await;
    site.post(&customer, "1", add(product("mug", None), None)).await;
    let page = browser.get("/cart").await;
    let page = press(&site, &mut browser, &page, "mug", true, &[("quantity", "1"), ("by", "1")]).await;
    assert_eq!(quantity(&site, &customer, "mug").await, 2);
    assert!(page.contains("Quantity changed.") && page.contains("role=\"status\""));
    let page = press(&site, &mut browser, &page, "mug", true, &[("quantity", "7")]).await;
    assert_eq!(quantity(&site, &customer, "mug").await, 7);
    let page = press(&site, &mut browser, &page, "mug", true, &[("quantity", "5000")]).await;
    assert_eq!(quantity(&site, &customer, "mug").await, 10);
    assert!(page.contains("More than 10 isn’t possible"), "{}", page.body);
    let page = press(&site, &mut browser, &page, "mug", false, &[("do", "wish")]).await;
    assert_eq!(quantity(&site, &customer, "mug").await, 0);
    assert!(page.contains("On your wish list.") && page.contains("id=\"wishes\""));
    let page = press(&site, &mut browser, &page, "mug", false, &[("do", "cart")]).await;
    assert_eq!(quantity(&site, &customer, "mug").await, 1);
    assert!(!page.contains("id=\"wishes\""), "{}", page.body);
    let page = press(&site, &mut browser, &page, "mug", true, &[("quantity", "1"), ("by", "-1")]).await;
    assert_eq!(quantity(&site, &customer, "mug").await, 0);
    assert!(page.contains("Nothing here yet"));
}

#[tokio::test]
async fn a_double_click_is_one_command() {
    let site = Site::start().await;
    let (customer, mut browser) = alice(&site).await;
    site.post(&customer, "1", add(product("mug", None), None)).await;
    let page = browser.get("/cart").await;
    let hidden = page.edit_form("mug", true);
    let mut fields: Vec<(&str, &str)> = hidden.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    fields.extend([("quantity", "3"), ("by", "1")]);
    let mut other = browser.clone();
    let (a, b) = tokio::join!(browser.post("/cart/edit", &fields), other.post("/cart/edit", &fields));
    assert_eq!(a.location(), b.location());
    assert_eq!(site.record(&customer).await.entries.len(), 2);
    assert_eq!(quantity(&site, &customer, "mug").await, 4);
}

#[tokio::test]
async fn removing_one_variant_leaves_the_other() {
    let site = Site::start().await;
    let (customer, mut browser) = alice(&site).await;
    site.post(&customer, "1", add(product("tee", Some("tee-s")), None)).await;
    site.post(&customer, "2", add(product("tee", Some("tee-m")), None)).await;
    let page = browser.get("/cart").await;
    press(&site, &mut browser, &page, "tee-s", false, &[("do", "remove")]).await;
    assert_eq!(quantity(&site, &customer, "tee-s").await, 0);
    assert_eq!(quantity(&site, &customer, "tee-m").await, 1);
}

#[tokio::test]
async fn an_open_question_is_answered_once_or_dropped() {
    let site = Site::start().await;
    let (customer, mut browser) = alice(&site).await;
    site.post(&customer, "q1", add(product("tee", None), None)).await;
    let page = browser.get("/cart").await;
    assert!(page.contains("Waiting for your choice") && page.contains("The tee"), "{}", page.body);
    let candidate = r#"{"marketplace":"us","product":"tee","variant":"tee-m"}"#;
    let foreign = r#"{"marketplace":"us","product":"mug","variant":"mug"}"#;
    let wrong = browser.submit(&page, "/cart/choose", &[("candidate", foreign)]).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let chosen = browser.submit(&page, "/cart/choose", &[("candidate", candidate)]).await;
    assert_eq!(chosen.location(), "/cart?told=Added");
    let record = site.record(&customer).await;
    let entry = record.entries.iter().find(|entry| entry.key.step == 1).unwrap();
    assert_eq!((entry.key.network.as_str(), entry.key.post.as_str()), ("generic", "q1"));
    assert!(!browser.get("/cart").await.contains("Waiting for your choice"));
    let late = browser.submit(&page, "/cart/choose", &[("candidate", candidate)]).await;
    assert_eq!(late.location(), "/cart");
    assert_eq!(quantity(&site, &customer, "tee-m").await, 1);

    site.clock.pass(Duration::from_secs(1));
    site.post(&customer, "q2", add(product("tee", None), None)).await;
    let page = browser.get("/cart").await;
    browser.submit(&page, "/cart/choose", &[("dismiss", "yes")]).await;
    assert!(!browser.get("/cart").await.contains("Waiting for your choice"));
    assert_eq!(quantity(&site, &customer, "tee-m").await, 1);
}

#[tokio::test]
async fn checkout_hands_over_what_can_be_bought() {
    let site = Site::start().await;
    let (customer, mut browser) = alice(&site).await;
    site.post(&customer, "1", add(product("mug", None), Some(2))).await;
    site.post(&customer, "2", add(product("lamp", None), None)).await;
    let mut gone = variant("lamp", "lamp");
    gone.availability = Availability::OutOfStock;
    site.put_on_the_shelf(vec![gone]).await;
    let page = browser.get("/cart").await;
    assert!(page.contains("Out of stock at the moment") && page.contains("$50.00"), "{}", page.body);
    assert!(page.header("content-security-policy").contains("form-action 'self' https://acme.example"));
    let shop = browser.submit(&page, "/cart/checkout/us", &[]).await;
    assert_eq!(shop.location(), "https://acme.example/checkout?items=mug:2");
    let rows = site.ledger().day(&"us".into(), &store::ledger::day(site.clock.now())).await.unwrap();
    let checkout: Vec<_> = rows.iter().filter(|row| row.event == Event::Checkout).collect();
    assert_eq!(checkout.len(), 1);
    assert_eq!(checkout[0].source.post_author.as_ref().unwrap().as_str(), "influencer");
    assert_eq!(quantity(&site, &customer, "mug").await, 2, "the cart stays until the shop reports the order");
    let csrf = page.form("/cart/checkout").1[0].1.clone();
    assert_eq!(
        browser.post("/cart/checkout/nowhere", &[("csrf", &csrf)]).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        browser.post("/cart/checkout/uk", &[("csrf", &csrf)]).await.location(),
        "/cart?told=OutOfStock"
    );
}

#[tokio::test]
async fn hostile_titles_and_links_stay_harmless() {
    let site = Site::start().await;
    let (customer, mut browser) = alice(&site).await;
    let mut evil = variant("evil", "e\"><b>");
    evil.title = "<script>alert(1)</script>\u{202e}\"onload=\"x".to_owned();
    evil.link = "javascript:alert(1)".to_owned();
    evil.image_link = Some("javascript:alert(2)".to_owned());
    site.put_on_the_shelf(vec![evil]).await;
    site.post(&customer, "1", add(product("evil", Some("e\"><b>")), None)).await;
    let page = browser.get("/cart").await;
    assert!(page.contains("&#60;script&#62;alert(1)&#60;/script&#62;&#34;onload=&#34;x"), "{}", page.body);
    for bad in ["<script", "javascript:", "\u{202e}", "<b>"] {
        assert!(!page.contains(bad), "{bad}");
    }
    let told = browser.get("/cart?told=%3Cscript%3E&got=%3Cb%3E").await;
    assert!(!told.contains("role=\"status\"") && !told.contains("<script"));
}

#[tokio::test]
async fn what_left_the_catalogue_can_be_removed() {
    let site = Site::start().await;
    let (customer, mut browser) = alice(&site).await;
    site.put_on_the_shelf(vec![variant("fad", "fad")]).await;
    site.post(&customer, "1", add(product("fad", None), None)).await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&site.aws.sdk_config());
    let key = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    let delete = dynamodb.delete_item().table_name(site.stack.output("CatalogTable").unwrap());
    delete.key("pk", key("us#fad")).key("sk", key("fad")).send().await.unwrap();
    let page = browser.get("/cart").await;
    assert!(page.contains("The fad") && page.contains("No longer in the catalogue"), "{}", page.body);
    assert!(!page.contains("$25"), "a price of the past");
    assert!(page.contains("None of these can be bought just now."));
    let page = press(&site, &mut browser, &page, "fad", false, &[("do", "remove")]).await;
    assert!(page.contains("Nothing here yet"), "{}", page.body);
}

#[tokio::test]
async fn settings_switch_unlink_and_delete() {
    let site = Site::start().await;
    let (customer, mut browser) = alice(&site).await;
    let page = browser.get("/cart/settings").await;
    assert!(page.contains("@alice") && page.contains("alice@example.com") && page.contains("Playground"));
    let saved = browser.submit(&page, "/cart/settings", &[("replies", "off")]).await;
    assert!(browser.follow(&saved).await.contains("Saved."));
    browser.submit(&page, "/cart/settings", &[("mails", "off")]).await;
    browser.submit(&page, "/cart/settings", &[("language", "de")]).await;
    let profile = site.record(&customer).await.profile.unwrap();
    assert_eq!((profile.replies, profile.mails, profile.lang.unwrap().as_str()), (false, false, "de"));
    assert!(browser.get("/cart").await.contains("Ihr Warenkorb"));
    let mut elsewhere = site.signed_in(&customer).await;
    assert!(elsewhere.get("/cart").await.contains("Ihr Warenkorb"), "the setting counts in every browser");

    let bad = browser.submit(&page, "/cart/settings", &[("mails", "maybe")]).await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    let unlinked = browser.submit(&page, "/cart/unlink", &[]).await;
    assert_eq!(unlinked.location(), "/cart/settings?told=unlinked#accounts");
    assert_eq!(site.links().link(&account("alice")).await.unwrap(), None);

    site.post(&customer, "1", add(product("mug", None), None)).await;
    let ask = browser.get("/cart/delete").await;
    assert!(!site.record(&customer).await.entries.is_empty(), "a GET changes nothing");
    let deleted = browser.submit(&ask, "/cart/delete", &[]).await;
    assert_eq!(deleted.status, StatusCode::OK);
    assert!(!browser.cookies.contains_key("__Host-hashcart"));
    let record = site.record(&customer).await;
    assert!(record.profile.is_none() && record.entries.is_empty() && record.accounts.is_empty());
    assert_eq!(elsewhere.get("/cart").await.location(), "/cart/sign-in", "signed in nowhere any more");
    assert_eq!(site.browser().get(&site.cart_link(&customer)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn unsubscribing_takes_a_button_or_one_click_and_no_cookie() {
    let site = Site::start().await;
    let customer = site.customer("alice").await;
    let token = crate::site::signer().sign("unsubscribe", &customer.as_str(), None).unwrap();
    let path = format!("/cart/unsubscribe?token={token}");
    let mut browser = site.browser();
    let page = browser.get(&path).await;
    assert!(page.contains("al…@example.com") && !page.contains("alice@example.com"), "{}", page.body);
    assert!(site.record(&customer).await.suppressed.is_none(), "a GET changes nothing");
    let program = site.browser().post_from(&path, &[("List-Unsubscribe", "One-Click")], "cross-site").await;
    assert_eq!(program.status, StatusCode::NO_CONTENT);
    assert_eq!(site.record(&customer).await.suppressed.unwrap().reason, SuppressionReason::Unsubscribed);
    let done = browser.submit(&page, "/cart/unsubscribe", &[]).await;
    assert!(done.contains("You won’t get these e‑mails any more"), "{}", done.body);
    for bad in [
        "/cart/unsubscribe",
        "/cart/unsubscribe?token=x",
        &site.cart_link(&customer).replace("enter", "unsubscribe"),
    ] {
        assert_eq!(site.browser().post(bad, &[]).await.status, StatusCode::GONE, "{bad}");
    }

    let mut browser = site.signed_in(&customer).await;
    let page = browser.get("/cart/settings").await;
    browser.submit(&page, "/cart/settings", &[("mails", "on")]).await;
    assert!(site.record(&customer).await.suppressed.is_none());
}

/// Whose cart a form changes is the session's to say: nothing in the form is asked.
#[tokio::test]
async fn no_field_of_a_form_names_whose_cart_it_changes() {
    let site = Site::start().await;
    let (alice, mut browser) = alice(&site).await;
    let bob = site.customer("bob").await;
    for (customer, post) in [(&alice, "1"), (&bob, "2")] {
        site.post(customer, post, add(product("mug", None), None)).await;
    }
    let page = browser.get("/cart").await;
    let bobs =
        [("customer", bob.as_str()), ("user", bob.as_str()), ("account", bob.as_str()), ("do", "remove")];
    press(&site, &mut browser, &page, "mug", false, &bobs).await;
    assert_eq!((quantity(&site, &alice, "mug").await, quantity(&site, &bob, "mug").await), (0, 1));
}

#[tokio::test]
async fn a_wish_moves_without_the_cart_of_another_customer() {
    let site = Site::start().await;
    let (alice, mut browser) = alice(&site).await;
    let bob = site.customer("bob").await;
    site.post(&bob, "1", add(product("mug", None), None)).await;
    site.post(&alice, "2", Action::Wish { product: product("hat", None), options: vec![] }).await;
    let page = browser.get("/cart").await;
    assert!(page.contains("The hat") && !page.contains("The mug"));
    assert!(page.contains("Out of stock at the moment") && !page.contains("Move to cart"), "{}", page.body);
}
