//! What keeps others out: cookies, headers, forms of other sites, and what happens without configuration.

use aws_sdk_dynamodb::types::AttributeValue;
use axum::body::Body;
use http::{Request, StatusCode, header};

use crate::site::{Plan, Site, add, product, storefront};

#[tokio::test]
async fn cookies_are_out_of_reach_of_scripts_and_other_hosts() {
    let site = Site::start().await;
    let customer = site.customer("alice").await;
    let mut browser = site.browser();
    let page = browser.get(&site.cart_link(&customer)).await;
    let entered = browser.submit(&page, "/cart/enter", &[]).await;
    let cookie = entered.header("set-cookie");
    assert!(cookie.starts_with("__Host-hashcart="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=2592000"), "{cookie}");
    let token = &browser.cookies["__Host-hashcart"];
    let dynamodb = aws_sdk_dynamodb::Client::new(&site.aws.sdk_config());
    let items = dynamodb.scan().table_name(site.stack.output("LinksTable").unwrap()).send().await.unwrap();
    assert!(!format!("{items:?}").contains(token), "only a hash is stored");
}

#[tokio::test]
async fn the_stage_local_speaks_plain_http() {
    let plan = Plan {
        stage: "local",
        public_url: "http://127.0.0.1:8787".to_owned(),
        storefront: storefront("https://api.x.test/", "https://x.test/"),
    };
    let site = Site::start_as(plan).await;
    let page = site.browser().get("/cart/sign-in").await;
    let cookie = page.header("set-cookie");
    assert!(cookie.starts_with("hashcart-browser=") && !cookie.contains("Secure"), "{cookie}");
    assert_eq!(page.header("strict-transport-security"), "");
    assert!(page.header("content-security-policy").contains("img-src 'self' data: https: http:;"));
}

#[tokio::test]
async fn pages_carry_their_headers() {
    let site = Site::start().await;
    for path in ["/link", "/cart", "/cart/sign-in", "/nowhere", "/cart/nowhere", "/cart/enter?token=x"] {
        let page = site.browser().get(path).await;
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(page.header("x-frame-options"), "DENY", "{path}");
        for isolated in ["cross-origin-opener-policy", "cross-origin-resource-policy"] {
            assert_eq!(page.header(isolated), "same-origin", "{path}");
        }
        assert_eq!(page.header("referrer-policy"), "same-origin", "{path}");
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(!policy.contains("script-src") && !policy.contains("unsafe"), "{path}: {policy}");
        assert!(
            !page.contains("<script") && !page.contains(" style=\"") && !page.contains("onclick"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let site = Site::start().await;
    let customer = site.customer("alice").await;
    site.post(&customer, "1", add(product("mug", None), None)).await;
    let mut browser = site.signed_in(&customer).await;
    let page = browser.get("/cart").await;
    let hidden = page.edit_form("mug", false);
    let mut fields: Vec<(&str, &str)> = hidden.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    fields.push(("do", "remove"));
    let cross = browser.post_from("/cart/edit", &fields, "cross-site").await;
    assert_eq!(cross.status, StatusCode::FORBIDDEN);
    let without: Vec<_> = fields.iter().copied().filter(|(name, _)| *name != "csrf").collect();
    assert_eq!(browser.post("/cart/edit", &without).await.status, StatusCode::FORBIDDEN);
    let bob = site.customer("bob").await;
    let mut other = site.signed_in(&bob).await;
    let stale = other.post("/cart/edit", &fields).await;
    assert_eq!(stale.status, StatusCode::FORBIDDEN, "another session's token");
    assert!(stale.contains("This form has gone stale") && stale.contains("href=\"/cart\""));
    let json = Request::post("/cart/edit").header(header::CONTENT_TYPE, "application/json");
    assert_eq!(browser.send(json, Body::from("{}")).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(site.record(&customer).await.entries.len(), 1, "nothing was changed");
    for path in [
        "/cart/choose",
        "/cart/checkout/us",
        "/cart/settings",
        "/cart/unlink",
        "/cart/delete",
        "/cart/sign-out",
        "/cart/enter",
        "/cart/sign-in",
        "/link/confirm",
        "/link/generic/email",
    ] {
        assert_eq!(browser.post(path, &[]).await.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn a_form_that_is_too_long_or_broken_is_a_bad_request() {
    let site = Site::start().await;
    let customer = site.customer("alice").await;
    let mut browser = site.signed_in(&customer).await;
    let settings = browser.get("/cart/settings").await;
    let csrf = settings.form("/cart/settings").1[0].1.clone();
    let long = "x".repeat(40_000);
    assert_eq!(
        browser.post("/cart/edit", &[("csrf", &csrf), ("x", &long)]).await.status,
        StatusCode::BAD_REQUEST
    );
    let ulid = "01HZZZZZZZZZZZZZZZZZZZZZZZ";
    let item = r#"{"marketplace":"us","product":"mug","variant":"mug"}"#;
    for fields in [
        vec![],
        vec![("edit", "1"), ("item", item), ("do", "remove")],
        vec![("edit", ulid), ("item", "{"), ("do", "remove")],
        vec![("edit", ulid), ("item", item), ("do", "steal")],
        vec![("edit", ulid), ("item", item), ("do", "set"), ("quantity", "-1")],
        vec![("edit", ulid), ("item", item), ("do", "set"), ("quantity", "1"), ("by", "9")],
    ] {
        let mut fields = fields;
        fields.push(("csrf", &csrf));
        let page = browser.post("/cart/edit", &fields).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{fields:?}");
    }
    assert_eq!(
        browser.post("/cart/choose", &[("csrf", &csrf), ("key", "x")]).await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn failures_are_pages_in_the_shoppers_language_or_json() {
    let site = Site::start().await;
    let mut browser = site.browser();
    browser.language = "es".to_owned();
    let page = browser.get("/cart/nowhere").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(
        page.contains("Aquí no hay nada") && page.contains("Acme") && page.contains("<main"),
        "{}",
        page.body
    );
    let (status, json) = browser.get_json("/cart/nowhere").await;
    assert_eq!((status, json), (StatusCode::NOT_FOUND, serde_json::json!({"error": "not_found"})));
    let page = browser.get("/cart/edit").await;
    assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(page.contains("Así no"));
}

#[tokio::test]
async fn without_configuration_shoppers_are_asked_for_patience() {
    let site = Site::start().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&site.aws.sdk_config());
    let key = |text: &str| AttributeValue::S(text.to_owned());
    let delete = dynamodb.delete_item().table_name(site.stack.output("SettingsTable").unwrap());
    delete.key("pk", key("storefront")).key("sk", key("CURRENT")).send().await.unwrap();
    let mut browser = site.browser();
    browser.language = "de".to_owned();
    let page = browser.get("/link").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(page.header("retry-after"), "30");
    assert!(page.contains("Einen Moment, bitte") && page.contains("<html lang=\"de\">"), "{}", page.body);
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
}

/// Whatever a request says, a page leads to our own pages, or to the shop and the networks of the storefront.
#[tokio::test]
async fn no_request_chooses_where_a_page_leads() {
    let site = Site::start().await;
    let customer = site.customer("alice").await;
    site.post(&customer, "1", add(product("mug", None), None)).await;
    let mut browser = site.signed_in(&customer).await;
    let csrf = browser.get("/cart/settings").await.form("/cart/settings").1[0].1.clone();
    let evil = "https%3A%2F%2Fevil.example%2F";
    let names = [
        "next",
        "to",
        "url",
        "redirect",
        "redirect_uri",
        "return",
        "continue",
        "callback",
        "host",
        "signature",
    ];
    let asked: Vec<String> = names.iter().map(|name| format!("{name}={evil}")).collect();
    let asked = asked.join("&");
    let ours = |location: &str| {
        let known = ["https://acme.example/checkout", "https://play.example/link", "https://x.test/"];
        let path = location.starts_with('/') && !location.starts_with("//") && !location.starts_with("/\\");
        location.is_empty() || path || known.iter().any(|known| location.starts_with(known))
    };
    for path in [
        "/link",
        "/link/generic",
        "/link/x",
        "/link/x/callback",
        "/link/generic/email",
        "/link/confirm",
        "/cart",
        "/cart/enter",
        "/cart/sign-in",
        "/cart/settings",
        "/cart/delete",
        "/cart/unsubscribe",
        "//evil.example/cart",
        "/cart//evil.example",
        "/link/https:%2F%2Fevil.example",
    ] {
        for query in [asked.clone(), format!("token={evil}&{asked}"), format!("code=1&state={evil}&{asked}")]
        {
            let page = browser.get(&format!("{path}?{query}")).await;
            assert!(ours(page.header("location")), "{path}?{query} leads to {}", page.header("location"));
            assert!(!page.contains("href=\"https://evil.example"), "{path}?{query} links to it");
        }
    }
    for path in ["/cart/sign-in", "/cart/settings", "/cart/checkout/us", "/cart/sign-out"] {
        let mut fields: Vec<(&str, &str)> =
            names.iter().map(|name| (*name, "https://evil.example/")).collect();
        fields.extend([("csrf", csrf.as_str()), ("email", "ann@example.com")]);
        let page = browser.post(&format!("{path}?{asked}"), &fields).await;
        assert!(ours(page.header("location")), "{path} leads to {}", page.header("location"));
    }
}
