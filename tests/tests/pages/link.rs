//! Linking an account of the generic network.

use std::time::Duration;

use domain::command::Action;
use http::StatusCode;
use networks::Secret;
use networks::generic::link::sign;
use store::links::Parked;

use crate::site::{Browser, Page, Site, WEBHOOK_SECRET, account, add, product};

/// The link that the network makes for its signed-in user.
pub fn signed_link(site: &Site, user: &str, handle: &str) -> String {
    let expires = site.clock.now().plus(Duration::from_secs(600));
    let query = sign(&Secret::new(WEBHOOK_SECRET), &"generic".into(), user, handle, expires).unwrap();
    format!("/link/generic?{query}")
}

/// Goes from the network's link to the mail.
async fn ask_for_mail(site: &Site, browser: &mut Browser, user: &str, email: &str) -> Page {
    let page = browser.get(&signed_link(site, user, user)).await;
    let form = browser.follow(&page).await;
    assert_eq!(form.status, StatusCode::OK, "{}", form.body);
    assert!(form.contains(&format!("@{user}")) && form.contains("Playground"), "{}", form.body);
    browser.submit(&form, "/link/generic/email", &[("email", email)]).await
}

async fn park(site: &Site, user: &str, post: &str, action: Action) {
    let commands = site.commands(user, post, action);
    let until = site.clock.now().plus(Duration::from_secs(30 * 86_400));
    let parked = site.links().park(&account(user), &commands, until, 10, site.clock.now()).await.unwrap();
    assert_eq!(parked, Parked::Parked);
}

#[tokio::test]
async fn from_the_networks_link_to_a_linked_account_with_its_parked_posts() {
    let site = Site::start().await;
    park(&site, "alice", "p1", add(product("mug", None), Some(2))).await;
    park(&site, "alice", "p2", add(product("lamp", None), None)).await;
    let mut browser = site.browser();
    let page = ask_for_mail(&site, &mut browser, "alice", "Alice@Example.com").await;
    assert_eq!(page.location(), "/link/sent");
    assert!(browser.follow(&page).await.contains("Look into your inbox"));

    let link = site.mailed_link("Alice@example.com").await;
    let ask = browser.get(&link).await;
    assert!(ask.contains("@alice") && ask.contains("Alice@example.com"), "{}", ask.body);
    assert_eq!(site.links().link(&account("alice")).await.unwrap(), None, "a GET changes nothing");

    let linked = browser.submit(&ask, "/link/confirm", &[]).await;
    assert_eq!(linked.status, StatusCode::OK, "{}", linked.body);
    assert!(linked.contains("2 earlier posts") && linked.contains("The mug") && linked.contains("The lamp"));
    assert!(browser.cookies.contains_key("__Host-hashcart"));
    let link = site.links().link(&account("alice")).await.unwrap().unwrap();
    let record = site.record(&link.customer).await;
    assert_eq!(record.profile.unwrap().email, "Alice@example.com");

    let mut sent = site.commands_sent().await;
    sent.sort_by_key(|message| message["post"]["id"].to_string());
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert_eq!((&sent[0]["post"]["id"], &sent[0]["step"]), (&"p1".into(), &1.into()));
    assert!(site.links().parked(&account("alice"), site.clock.now()).await.unwrap().is_empty());
    assert_eq!(browser.get("/cart").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_mailed_link_works_on_another_device_and_once() {
    let site = Site::start().await;
    let mut desktop = site.browser();
    ask_for_mail(&site, &mut desktop, "alice", "alice@example.com").await;
    let link = site.mailed_link("alice@example.com").await;
    let (mut phone, mut thief) = (site.browser(), site.browser());
    let (page, seen) = (phone.get(&link).await, thief.get(&link).await);
    // Both press at the same moment: one of them has it.
    let (a, b) =
        tokio::join!(phone.submit(&page, "/link/confirm", &[]), thief.submit(&seen, "/link/confirm", &[]));
    let mut statuses = [a.status, b.status];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::OK, StatusCode::GONE]);
    let again = desktop.get(&link).await;
    assert_eq!(again.status, StatusCode::GONE);
    assert!(again.contains("Start again") && again.contains("href=\"/link\""));

    // Whoever took it may send the form again, as after a crash or by reloading.
    let (winner, page) = if a.status == StatusCode::OK { (&mut phone, page) } else { (&mut thief, seen) };
    assert_eq!(winner.submit(&page, "/link/confirm", &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_release_that_was_cut_short_is_made_good_when_the_form_is_sent_again_or_at_sign_in() {
    let site = Site::start().await;
    let mut browser = site.browser();
    ask_for_mail(&site, &mut browser, "alice", "alice@example.com").await;
    park(&site, "alice", "p1", add(product("mug", None), None)).await;
    let customer = site.customer("alice").await; // the link is written, then the function dies
    assert_eq!(site.links().parked(&account("alice"), site.clock.now()).await.unwrap().len(), 1);
    let ask = browser.get(&site.mailed_link("alice@example.com").await).await;
    let linked = browser.submit(&ask, "/link/confirm", &[]).await;
    assert!(linked.contains("The mug"), "{}", linked.body);
    assert_eq!(site.commands_sent().await.len(), 1);
    assert_eq!(site.links().link(&account("alice")).await.unwrap().unwrap().customer, customer);
}

#[tokio::test]
async fn links_that_are_not_the_networks_lead_back_to_the_start() {
    let site = Site::start().await;
    let mut browser = site.browser();
    let good = signed_link(&site, "alice", "alice");
    for bad in [good.replace("user=alice", "user=bob"), "/link/generic?user=a&signature=x".to_owned()] {
        let page = browser.get(&bad).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        assert!(page.contains("href=\"/link\""), "{}", page.body);
    }
    site.clock.pass(Duration::from_secs(601));
    assert_eq!(browser.get(&good).await.status, StatusCode::GONE);
    assert_eq!(browser.get("/link/nowhere").await.status, StatusCode::NOT_FOUND);
    let start = browser.get("/link/generic").await;
    assert_eq!(start.location(), "https://play.example/link");
}

#[tokio::test]
async fn a_signed_link_is_for_the_first_browser_that_comes_with_it() {
    let site = Site::start().await;
    let link = signed_link(&site, "alice", "alice");
    let (mut alice, mut finder) = (site.browser(), site.browser());
    assert_eq!(alice.get(&link).await.status, StatusCode::SEE_OTHER);
    assert_eq!(finder.get(&link).await.status, StatusCode::GONE);
    assert_eq!(alice.get(&link).await.status, StatusCode::SEE_OTHER, "going back and forth");
}

#[tokio::test]
async fn the_proof_is_for_one_browser_one_network_and_a_quarter_of_an_hour() {
    let site = Site::start().await;
    let mut browser = site.browser();
    let proven = browser.get(&signed_link(&site, "alice", "alice")).await.location();
    let stolen = site.browser().get(&proven).await;
    assert_eq!(stolen.status, StatusCode::FORBIDDEN);
    assert!(stolen.contains("start again in this browser"), "{}", stolen.body);
    let moved = proven.replace("/link/generic/", "/link/x/");
    assert_eq!(browser.get(&moved).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(browser.get("/link/generic/email?proof=x").await.status, StatusCode::BAD_REQUEST);

    // The form of the right browser with the other's token.
    let form = browser.get(&proven).await;
    let (action, fields) = form.form("/link/generic/email");
    let fields: Vec<_> =
        fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).chain([("email", "a@example.com")]).collect();
    assert_eq!(site.browser().post(&action, &fields).await.status, StatusCode::FORBIDDEN);
    site.clock.pass(Duration::from_secs(15 * 60));
    assert_eq!(browser.post(&action, &fields).await.status, StatusCode::GONE);
    assert!(site.mails_to("a@example.com").await.is_empty());
}

#[tokio::test]
async fn the_mailed_link_runs_out() {
    let site = Site::start().await;
    let mut browser = site.browser();
    ask_for_mail(&site, &mut browser, "alice", "alice@example.com").await;
    let link = site.mailed_link("alice@example.com").await;
    let ask = browser.get(&link).await;
    site.clock.pass(Duration::from_secs(30 * 60));
    assert_eq!(browser.get(&link).await.status, StatusCode::GONE);
    assert_eq!(browser.submit(&ask, "/link/confirm", &[]).await.status, StatusCode::GONE);
    assert_eq!(site.links().link(&account("alice")).await.unwrap(), None);
}

#[tokio::test]
async fn a_wrong_address_is_said_and_kept_in_the_form() {
    let site = Site::start().await;
    let mut browser = site.browser();
    let page = ask_for_mail(&site, &mut browser, "alice", "alice(at)\"><script>").await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("role=\"alert\"") && page.contains("aria-invalid=\"true\""));
    assert!(
        page.contains("alice(at)&#34;&#62;&#60;script&#62;") && !page.contains("<script"),
        "{}",
        page.body
    );
    let page = browser.submit(&page, "/link/generic/email", &[("email", "alice@example.com")]).await;
    assert_eq!(page.location(), "/link/sent");
}

#[tokio::test]
async fn known_and_unknown_addresses_get_the_same_answer_and_five_mails_an_hour() {
    let site = Site::start().await;
    site.customer("known").await;
    let mut browser = site.browser();
    let known = ask_for_mail(&site, &mut browser, "alice", "known@example.com").await;
    let unknown = ask_for_mail(&site, &mut browser, "alice", "new@example.com").await;
    assert_eq!((known.location(), known.body), (unknown.location(), unknown.body));
    for _ in 0..3 {
        let page = ask_for_mail(&site, &mut browser, "alice", "new@example.com").await;
        assert_eq!(page.location(), "/link/sent");
    }
    let sixth = ask_for_mail(&site, &mut browser, "alice", "other@example.com").await;
    assert_eq!(sixth.status, StatusCode::TOO_MANY_REQUESTS, "the account has had its five");
    assert_eq!(site.mails_to("new@example.com").await.len(), 4);
    let by_another = ask_for_mail(&site, &mut browser, "bob", "new@example.com").await;
    assert_eq!(by_another.location(), "/link/sent");
    let flooded = ask_for_mail(&site, &mut browser, "bob", "new@example.com").await;
    assert_eq!(flooded.status, StatusCode::TOO_MANY_REQUESTS, "the address has had its five");
    site.clock.pass(Duration::from_secs(3600));
    let later = ask_for_mail(&site, &mut browser, "bob", "new@example.com").await;
    assert_eq!(later.location(), "/link/sent");
}

#[tokio::test]
async fn the_start_page_explains_in_each_language() {
    let site = Site::start().await;
    for (language, title, code) in [
        ("en", "by answering a post", "en"),
        ("de-AT, en;q=0.5", "mit einer Antwort auf einen Beitrag", "de"),
        ("es", "respondiendo a una publicación", "es"),
        ("fr", "en répondant à une publication", "fr"),
        ("ja", "by answering a post", "en"),
    ] {
        let mut browser = site.browser();
        browser.language = language.to_owned();
        let page = browser.get("/link").await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.to_lowercase().contains(&title.to_lowercase()), "{language}: {}", page.body);
        assert!(page.contains(&format!("<html lang=\"{code}\">")));
        for part in ["#AcmeCart", "Playground", "href=\"/link/x\"", "https://play.example/link", "Acme Inc."]
        {
            assert!(page.contains(part), "{language}: {part}");
        }
        assert!(!page.contains("page-"), "{language}: a text is missing");
    }
    // What was chosen stays chosen in this browser.
    let mut browser = site.browser();
    browser.get("/link?lang=fr").await;
    assert!(browser.get("/cart/sign-in").await.contains("<html lang=\"fr\">"));
}

#[tokio::test]
async fn hostile_handles_stay_text() {
    let site = Site::start().await;
    let mut browser = site.browser();
    let handle = "<img src=x onerror=alert(1)>\u{202e}evil";
    let page = browser.get(&signed_link(&site, "mallory", handle)).await;
    let form = browser.follow(&page).await;
    assert!(form.contains("@&#60;img src=x onerror=alert(1)&#62;evil"), "{}", form.body);
    assert!(!form.contains("<img"));
    let page = browser.submit(&form, "/link/generic/email", &[("email", "m@example.com")]).await;
    assert_eq!(page.location(), "/link/sent");
    let ask = browser.get(&site.mailed_link("m@example.com").await).await;
    assert!(!ask.contains("<img") && ask.contains("&#60;img"), "{}", ask.body);
}
