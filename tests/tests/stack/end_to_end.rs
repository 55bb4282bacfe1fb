//! Posts on their way through the deployed functions, seen from outside: the playground's API, the
//! webhooks and the pages. Each test keeps to people and products of its own, because they share one
//! stack.

use std::process::Stdio;

use anyhow::{Context as _, ensure};
use futures::future::try_join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::form::{ask_to_link, open_link};
use tests::stack::Stack;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

tests![
    "end_to_end";
    an_answered_post_becomes_cart_line_reply_and_mail,
    an_open_choice_is_asked_for_and_taken,
    several_links_of_the_parent_are_a_choice,
    what_cannot_be_had_is_said,
    each_marketplace_has_its_own_cart,
    a_removed_product_stays_out,
    a_deleted_post_counts_no_more,
    sensitive_names_and_protected_prices_stay_private,
    what_is_not_for_us_is_left_alone,
    who_never_linked_can_stop_and_start_answers,
    parked_commands_run_when_the_account_is_linked,
    unsigned_and_malformed_deliveries_are_refused,
    deliveries_of_x_end_in_the_right_cart,
    fifty_posts_at_once_get_one_answer_each,
    one_click_unsubscribes,
];

async fn an_answered_post_becomes_cart_line_reply_and_mail(stack: &Stack) -> anyhow::Result<()> {
    let speaker = stack.brand_post("walnut-speaker").await?;
    let known = stack.mails_now("alice@").await?.len();
    let post = stack.post("alice", "Oh I need that! @acme #AcmeCart x2", Some(&speaker)).await?;
    assert_eq!(stack.outcome_names(&post, 1).await?, ["Added"]);
    assert!(stack.cart("alice", "us").await?.contains(&("walnut-speaker".to_owned(), 2)));

    let replies = stack.replies(&post).await?;
    assert_eq!(replies.len(), 1, "{replies:?}");
    assert!(replies[0].contains("Walnut Desk Speaker"), "{replies:?}");
    assert!(!replies[0].contains("89") && !replies[0].contains('$'), "a price in public: {replies:?}");

    let mail = stack.next_mail("alice@", known).await?;
    let text = mail["text"].as_str().context("text")?;
    assert!(text.contains("Walnut Desk Speaker") && text.contains("$89.00"), "{text}");
    let headers = &mail["headers"];
    let header = |name: &str| {
        let found = headers.as_object().into_iter().flatten().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.to_string()).unwrap_or_default()
    };
    assert!(header("List-Unsubscribe-Post").contains("One-Click"), "{headers}");
    assert!(header("List-Unsubscribe").contains("/cart/unsubscribe?token="), "{headers}");

    // The last function's lines may be written after the mail has arrived.
    let functions = ["webhook-ingest", "classify", "cart-add", "notify"];
    stack
        .eventually("trace through all functions", || async {
            let trace = stack.json(&format!("/api/trace/{post}")).await?;
            let steps = trace["steps"].as_array().context("steps")?;
            let passed = |function: &&str| steps.iter().any(|step| step["function"] == **function);
            Ok(functions.iter().all(passed).then_some(()))
        })
        .await?;
    Ok(())
}

async fn an_open_choice_is_asked_for_and_taken(stack: &Stack) -> anyhow::Result<()> {
    let tee = stack.brand_post("trail-tee").await?;
    let open = stack.post("chloe", "@acme #AcmeCart", Some(&tee)).await?;
    assert_eq!(stack.outcome_names(&open, 1).await?, ["ChooseOption"]);
    assert!(stack.cart("chloe", "us").await?.is_empty());

    let chosen = stack.post("chloe", "@acme #AcmeCart taille M red", Some(&tee)).await?;
    assert_eq!(stack.outcome_names(&chosen, 1).await?, ["Added"]);
    let cart = stack.json("/api/cart/chloe").await?;
    let line = &cart["marketplaces"]["us"]["lines"][0];
    assert_eq!(line["variant"], "trail-tee-red-m", "{cart}");

    let sold_out = stack.post("chloe", "@acme #AcmeCart size XL forest", Some(&tee)).await?;
    assert_eq!(stack.outcome_names(&sold_out, 1).await?, ["OutOfStock"]);
    Ok(())
}

async fn several_links_of_the_parent_are_a_choice(stack: &Stack) -> anyhow::Result<()> {
    let breakfast = stack.brand_post("iron-skillet").await?;
    let post = stack.post("dieter", "@acme #AcmeCart", Some(&breakfast)).await?;
    let outcomes = stack.outcomes(&post, 1).await?;
    assert_eq!(outcomes[0]["outcome"], "ChooseOption", "{outcomes:?}");

    // The post's own links beat the parent's, and each is a line.
    let text = "@acme #AcmeCart https://acme.example/p/iron-skillet https://acme.example/p/canyon-mug x3";
    let post = stack.post("dieter", text, Some(&breakfast)).await?;
    assert_eq!(stack.outcome_names(&post, 2).await?, ["Preordered", "Added"]);
    assert_eq!(stack.replies(&post).await?.len(), 1);
    let cart = stack.cart("dieter", "us").await?;
    assert!(
        cart.contains(&("iron-skillet".to_owned(), 1)) && cart.contains(&("canyon-mug".to_owned(), 3)),
        "{cart:?}"
    );
    Ok(())
}

async fn what_cannot_be_had_is_said(stack: &Stack) -> anyhow::Result<()> {
    let cases = [
        ("alpine-kettle", "OutOfStock"),
        ("pocket-drone", "DealExcluded"),
        ("field-guide", "DigitalExcluded"),
        ("canyon-red", "Restricted"),
        ("stargazer-lamp", "Preordered"),
    ];
    for (product, outcome) in cases {
        let parent = stack.brand_post(product).await?;
        let post = stack.post("lucia", "@acme #AcmeCart", Some(&parent)).await?;
        assert_eq!(stack.outcome_names(&post, 1).await?, [outcome], "{product}");
        assert_eq!(stack.replies(&post).await?.len(), 1, "{product}");
    }
    let texts = [
        ("@acme #AcmeCart https://acme.example/p/canyon-mug x9", "QuantityCapped"),
        ("@acme #AcmeCart https://acme.example/p/nothing-of-ours", "UnknownProduct"),
        ("@acme #AcmeCart please", "NoProductLink"),
        ("@acme #AcmeCart help", "Helped"),
    ];
    for (text, outcome) in texts {
        let post = stack.post("lucia", text, None).await?;
        assert_eq!(stack.outcome_names(&post, 1).await?, [outcome], "{text}");
    }
    Ok(())
}

async fn each_marketplace_has_its_own_cart(stack: &Stack) -> anyhow::Result<()> {
    let tea = stack.brand_post("tea-caddy").await?;
    let post = stack.post("bob", "Lovely. @acme #AcmeBasket", Some(&tea)).await?;
    assert_eq!(stack.outcome_names(&post, 1).await?, ["Added"]);
    assert_eq!(stack.cart("bob", "uk").await?, [("tea-caddy".to_owned(), 1)]);
    let wrong = stack.post("bob", "@acme #AcmeCart", Some(&tea)).await?;
    let outcomes = stack.outcomes(&wrong, 1).await?;
    assert_eq!(outcomes[0]["outcome"], "WrongMarketplace", "{outcomes:?}");
    Ok(())
}

async fn a_removed_product_stays_out(stack: &Stack) -> anyhow::Result<()> {
    let link = "https://acme.example/p/enamel-lantern";
    let add = stack.post("alice", &format!("@acme #AcmeCart {link}"), None).await?;
    assert_eq!(stack.outcome_names(&add, 1).await?, ["Added"]);
    let again = stack.post("alice", &format!("@acme #AcmeCart {link}"), None).await?;
    assert_eq!(stack.outcome_names(&again, 1).await?, ["AlreadyInCart"]);
    let change = stack.post("alice", &format!("@acme #AcmeCart x4 {link}"), None).await?;
    assert_eq!(stack.outcome_names(&change, 1).await?, ["QuantityChanged"]);
    let remove = stack.post("alice", &format!("@acme #AcmeCart remove {link}"), None).await?;
    assert_eq!(stack.outcome_names(&remove, 1).await?, ["Removed"]);
    let twice = stack.post("alice", &format!("@acme #AcmeCart remove {link}"), None).await?;
    assert_eq!(stack.outcome_names(&twice, 1).await?, ["NotInCart"]);
    let cart = stack.cart("alice", "us").await?;
    assert!(cart.iter().all(|(product, _)| product != "enamel-lantern"), "{cart:?}");
    Ok(())
}

async fn a_deleted_post_counts_no_more(stack: &Stack) -> anyhow::Result<()> {
    let post = stack.post("alice", "@acme #AcmeCart https://acme.example/p/desk-fern", None).await?;
    assert_eq!(stack.outcome_names(&post, 1).await?, ["Added"]);
    let answer = stack.http().delete(format!("{}/api/posts/{post}", stack.url())).send().await?;
    ensure!(answer.status() == StatusCode::NO_CONTENT, "{}", answer.status());
    stack
        .eventually("cart without the fern", || async {
            let cart = stack.cart("alice", "us").await?;
            Ok(cart.iter().all(|(product, _)| product != "desk-fern").then_some(()))
        })
        .await
}

async fn sensitive_names_and_protected_prices_stay_private(stack: &Stack) -> anyhow::Result<()> {
    let known = stack.mails_now("bob@").await?.len();
    let test = stack.brand_post("early-test").await?;
    let post = stack.post("bob", "@acme #AcmeCart", Some(&test)).await?;
    assert_eq!(stack.outcome_names(&post, 1).await?, ["Added"]);
    let reply = stack.replies(&post).await?.remove(0);
    assert!(!reply.to_lowercase().contains("early test"), "{reply}");

    for (product, title, price) in [("aria-headphones", "Aria", "199"), ("lumen-camera", "Lumen", "899")] {
        let parent = stack.brand_post(product).await?;
        let post = stack.post("bob", "@acme #AcmeCart", Some(&parent)).await?;
        assert_eq!(stack.outcome_names(&post, 1).await?, ["Added"]);
        let mail = stack
            .eventually(&format!("mail about {title}"), || async {
                let mails = stack.mails_now("bob@").await?;
                let about = |mail: &&Value| mail["text"].as_str().is_some_and(|text| text.contains(title));
                Ok(mails.iter().skip(known).find(about).cloned())
            })
            .await?;
        assert!(!mail.to_string().contains(price), "{product}'s price is in the mail");
    }
    Ok(())
}

async fn what_is_not_for_us_is_left_alone(stack: &Stack) -> anyhow::Result<()> {
    let speaker = stack.brand_post("walnut-speaker").await?;
    let post = stack.post("sam", "Nice #speaker, see acme.example/#AcmeCart", Some(&speaker)).await?;
    stack
        .eventually("delivery to the webhook", || async {
            let posts = stack.json("/api/posts").await?;
            let delivered = |one: &Value| one["id"] == post.as_str() && one["delivery"] == "delivered";
            Ok(posts.as_array().context("a list")?.iter().any(delivered).then_some(()))
        })
        .await?;
    // A post behind it is answered; by then this one would have been, too.
    let later = stack.post("alice", "@acme #AcmeCart help", None).await?;
    stack.replies(&later).await?;
    assert!(stack.replies_now(&post).await?.is_empty());
    let trace = stack
        .eventually("what was made of the post", || async {
            let trace = stack.json(&format!("/api/trace/{post}")).await?;
            Ok((trace["steps"] != json!([])).then_some(trace))
        })
        .await?;
    let steps: Vec<&Value> = trace["steps"].as_array().context("steps")?.iter().collect();
    assert_eq!((trace["outcomes"].clone(), steps.len()), (json!([]), 1), "{trace}");
    assert_eq!((&steps[0]["function"], &steps[0]["what"]), (&json!("webhook-ingest"), &json!("not for us")));
    Ok(())
}

async fn who_never_linked_can_stop_and_start_answers(stack: &Stack) -> anyhow::Result<()> {
    let stop = stack.post("sam", "@acme #AcmeCart stop", None).await?;
    assert_eq!(stack.outcome_names(&stop, 1).await?, ["Stopped"]);
    let silent = stack.post("sam", "@acme #AcmeCart https://acme.example/p/canyon-mug", None).await?;
    assert_eq!(stack.outcome_names(&silent, 1).await?, ["NotLinked"]);
    let start = stack.post("sam", "@acme #AcmeCart start", None).await?;
    assert_eq!(stack.outcome_names(&start, 1).await?, ["Started"]);
    stack.replies(&start).await?;
    assert!(stack.replies_now(&silent).await?.is_empty(), "answered who had said stop");
    Ok(())
}

/// Nora isn't linked: what she asks for waits, and runs when she has confirmed her address.
async fn parked_commands_run_when_the_account_is_linked(stack: &Stack) -> anyhow::Result<()> {
    let speaker = stack.brand_post("walnut-speaker").await?;
    let post = stack.post("nora", "@acme #AcmeCart x3", Some(&speaker)).await?;
    assert_eq!(stack.outcome_names(&post, 1).await?, ["NotLinked"]);
    assert!(stack.replies(&post).await?[0].contains("/link"));

    let browser = reqwest::Client::builder().no_proxy().cookie_store(true).build()?;
    let link = ask_to_link(stack, &browser, "nora", "nora@shopper.example").await?;
    let (confirm, form) = open_link(&browser, &link).await?;
    // Only looked at so far, as a mail scanner would: nothing has happened.
    assert_eq!(stack.json("/api/cart/nora").await?["linked"], false);
    let done = browser.post(confirm).form(&form.fields).send().await?;
    ensure!(done.status().is_success(), "confirming answers {}", done.status());

    stack
        .eventually("parked line in the cart", || async {
            Ok(stack.cart("nora", "us").await?.contains(&("walnut-speaker".to_owned(), 3)).then_some(()))
        })
        .await?;
    let cart = browser.get(format!("{}/cart", stack.url())).send().await?.text().await?;
    assert!(cart.contains("Walnut Desk Speaker"), "signed in, and the cart is shown");
    Ok(())
}

async fn unsigned_and_malformed_deliveries_are_refused(stack: &Stack) -> anyhow::Result<()> {
    let body = json!({ "type": "post.created", "data": { "id": "1" } }).to_string();
    let unsigned = stack
        .http()
        .post(format!("{}/webhooks/generic", stack.url()))
        .header("content-type", "application/json")
        .body(body.clone())
        .send()
        .await?;
    assert_eq!(unsigned.status(), StatusCode::UNAUTHORIZED);
    let unknown =
        stack.http().post(format!("{}/webhooks/nowhere", stack.url())).body(body.clone()).send().await?;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    let signed = replay(stack, "generic", "GENERIC_WEBHOOK_SECRET", &body).await?;
    assert!(signed.contains("400"), "{signed}");
    let event =
        json!({ "type": "reaction.created", "timestamp": "2026-01-01T00:00:00Z", "data": {} }).to_string();
    let unknown_event = replay(stack, "generic", "GENERIC_WEBHOOK_SECRET", &event).await?;
    assert!(unknown_event.contains("200"), "{unknown_event}");
    Ok(())
}

async fn deliveries_of_x_end_in_the_right_cart(stack: &Stack) -> anyhow::Result<()> {
    let challenge = stack.get("/webhooks/x?crc_token=challenge").await?;
    assert_eq!(challenge.status(), StatusCode::OK);
    let answer: Value = challenge.json().await?;
    assert!(answer["response_token"].as_str().is_some_and(|token| token.starts_with("sha256=")), "{answer}");

    let text = "@acme #AcmeCart x2 https://t.co/abc";
    let event = json!({ "data": {
        "event_uuid": "-42", "filter": { "user_id": "2244994945" }, "event_type": "post.mention.create", "tag": "t",
        "payload": {
            "id": "1990000000000000001", "text": text, "author_id": "1001",
            "created_at": "2025-11-16T09:00:00.000Z", "conversation_id": "1990000000000000001",
            "entities": {
                "mentions": [{ "start": 0, "end": 5, "username": "acme", "id": "2244994945" }],
                "hashtags": [{ "start": 6, "end": 15, "tag": "AcmeCart" }],
                "urls": [{ "start": 19, "end": 35, "url": "https://t.co/abc",
                    "expanded_url": "https://acme.example/p/dot-notebook", "display_url": "acme.example/p/dot-notebook" }],
            },
        },
        "includes": {},
    }});
    // X's ids carry their time: this one is from a minute ago.
    let id = snowflake_now();
    let mut event = event;
    event["data"]["payload"]["id"] = id.clone().into();
    event["data"]["payload"]["conversation_id"] = id.clone().into();
    for _ in 0..2 {
        let said = replay(stack, "x", "X_CONSUMER_SECRET", &event.to_string()).await?;
        assert!(said.contains("200"), "{said}");
    }
    stack
        .eventually("line from X", || async {
            Ok(stack.cart("alice", "us").await?.contains(&("dot-notebook".to_owned(), 2)).then_some(()))
        })
        .await
}

/// An id as X would have given it a minute ago (X's documentation on ids: milliseconds since
/// 1288834974657 in the upper bits).
pub(crate) fn snowflake_now() -> String {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_millis();
    ((now - 60_000 - 1_288_834_974_657) << 22).to_string()
}

/// What `hashcart replay` says when it signs and posts `body`.
pub(crate) async fn replay(stack: &Stack, network: &str, secret: &str, body: &str) -> anyhow::Result<String> {
    let mut command = tests::stack::hashcart();
    command
        .args(["replay", "--network", network, "--to"])
        .arg(format!("{}/webhooks/{network}", stack.url()))
        .arg("-")
        .env(secret, stack.secret(secret)?)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = Command::from(command).spawn()?;
    child.stdin.take().context("a pipe")?.write_all(body.as_bytes()).await?;
    let output = child.wait_with_output().await?;
    Ok(format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

async fn fifty_posts_at_once_get_one_answer_each(stack: &Stack) -> anyhow::Result<()> {
    let people = ["alice", "bob", "chloe", "dieter", "lucia"];
    let posts = (0..50).map(|n| {
        let person = people[n % people.len()];
        async move { stack.post(person, &format!("@acme #AcmeCart help {n}"), None).await }
    });
    let posts = try_join_all(posts).await?;
    for post in &posts {
        assert_eq!(stack.outcome_names(post, 1).await?, ["Helped"]);
        stack.replies(post).await?;
    }
    for post in &posts {
        assert_eq!(stack.replies_now(post).await?.len(), 1, "{post} was answered more than once");
    }
    Ok(())
}

async fn one_click_unsubscribes(stack: &Stack) -> anyhow::Result<()> {
    let known = stack.mails_now("lucia@").await?.len();
    stack.post("lucia", "@acme #AcmeCart https://acme.example/p/summit-socks size M", None).await?;
    let mail = stack.next_mail("lucia@", known).await?;
    let header = mail["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .find_map(|(name, value)| name.eq_ignore_ascii_case("list-unsubscribe").then(|| value.as_str()))
        .flatten()
        .context("List-Unsubscribe")?;
    let link = header.split(['<', '>']).find(|part| part.starts_with("http")).context("a link")?;
    let looked = stack.http().get(link).send().await?;
    assert_eq!(looked.status(), StatusCode::OK, "a look alone is harmless");
    let done = stack
        .http()
        .post(link)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("List-Unsubscribe=One-Click")
        .send()
        .await?;
    ensure!(done.status().is_success(), "{}", done.status());

    let after = stack.mails_now("lucia@").await?.len();
    let post = stack.post("lucia", "@acme #AcmeCart https://acme.example/p/wool-blanket", None).await?;
    assert_eq!(stack.outcome_names(&post, 1).await?, ["Added"]);
    stack.replies(&post).await?;
    // The reply and the mail of a step leave together: the reply is there, so a mail would be, or nearly.
    let mails = stack.mails_now("lucia@").await?;
    assert!(mails.iter().skip(after).all(|mail| !mail.to_string().contains("Wool Blanket")), "{mails:?}");
    Ok(())
}
