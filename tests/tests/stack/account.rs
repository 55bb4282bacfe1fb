//! The life of a customer: links, sign-in, cart page, settings, checkout, and the end of it; and what comes
//! rarely: returned mail, messages that nobody can read, carts that are years old.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, ensure};
use domain::cart::{Effect, Entry, Item};
use domain::command::{CommandKey, Stamp};
use domain::ids::{CustomerId, NetworkId, PostId, UserId};
use domain::outcome::{LineOutcome, Outcome};
use domain::time::Timestamp;
use lambda::keyed::KeyedHash;
use lambda::secrets::Secret;
use reqwest::cookie::{CookieStore as _, Jar};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use store::Account;
use store::carts::{Carts, SuppressionReason};
use store::linking::{Linking, NewLink, Person};
use store::links::Links;
use tests::form::{Form, ask_to_link_from, open_link};
use tests::stack::Stack;

use crate::end_to_end::{replay, snowflake_now};

tests![
    "account";
    what_waited_comes_with_the_next_sign_in,
    an_account_follows_the_address_confirmed_last,
    a_cart_of_years_is_folded,
    a_returned_mail_is_the_last_one,
    what_nobody_can_read_is_put_aside,
    an_answer_to_a_post_that_is_gone_is_answered,
];

/// The tables, for what no user could bring about in a minute.
pub(crate) struct Tables {
    pub(crate) links: Links,
    pub(crate) carts: Carts,
    linking: Linking,
    hash: KeyedHash,
}

impl Tables {
    pub(crate) fn of(stack: &Stack) -> anyhow::Result<Self> {
        let client = aws_sdk_dynamodb::Client::new(&stack.account()?.sdk_config());
        let (links, carts) = ("hashcart-local-links", "hashcart-local-carts");
        Ok(Self {
            links: Links::new(client.clone(), links),
            carts: Carts::new(client.clone(), carts),
            linking: Linking::new(client, links, carts),
            hash: KeyedHash::new(&Secret::new(stack.secret("HASH_KEY")?)),
        })
    }

    /// Links an account of X with an address, as account-link does, without the release of what waits.
    pub(crate) async fn link(&self, user: &str, email: &str) -> anyhow::Result<CustomerId> {
        self.link_as(user, &format!("user{user}"), email).await
    }

    /// The same with a handle of one's own.
    pub(crate) async fn link_as(&self, user: &str, handle: &str, email: &str) -> anyhow::Result<CustomerId> {
        let person = Person {
            email: email.to_owned(),
            email_hash: self.hash.email(email),
            lang: None,
            candidate: CustomerId::new(lambda::token::random()),
            at: now(),
        };
        let link = NewLink { account: on_x(user), handle: Some(handle.to_owned()), person };
        Ok(self.linking.link(&link).await?.customer)
    }
}

pub(crate) fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(now.as_millis()).unwrap_or_default())
}

fn on_x(user: &str) -> Account {
    Account::new(NetworkId::new("x"), UserId::new(user))
}

/// X delivers a post of `user` that asks for a product; the post's id.
pub(crate) async fn post_on_x(stack: &Stack, user: &str, product: &str) -> anyhow::Result<String> {
    // A user's number in the low bits keeps the ids of one millisecond apart.
    let id = (snowflake_now().parse::<u64>()? + user.parse::<u64>()?).to_string();
    let text = "@acme #AcmeCart x2 https://t.co/abc";
    let event = json!({ "data": {
        "event_uuid": id, "filter": { "user_id": "2244994945" }, "event_type": "post.mention.create", "tag": "t",
        "payload": {
            "id": id, "text": text, "author_id": user,
            "created_at": "2025-11-16T09:00:00.000Z", "conversation_id": id,
            "entities": {
                "mentions": [{ "start": 0, "end": 5, "username": "acme", "id": "2244994945" }],
                "hashtags": [{ "start": 6, "end": 15, "tag": "AcmeCart" }],
                "urls": [{ "start": 19, "end": 35, "url": "https://t.co/abc",
                    "expanded_url": format!("https://acme.example/p/{product}"),
                    "display_url": format!("acme.example/p/{product}") }],
            },
        },
        "includes": {},
    }});
    let said = replay(stack, "x", "X_CONSUMER_SECRET", &event.to_string()).await?;
    ensure!(said.contains("200"), "{said}");
    Ok(id)
}

/// The cookies of everybody who signed in by [`sign_in`]: no log may hold them.
pub(crate) static COOKIES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A browser that asks for a mail to sign in and presses its button; it and the cart page.
pub(crate) async fn sign_in(stack: &Stack, email: &str) -> anyhow::Result<(Client, String)> {
    let jar = Arc::new(Jar::default());
    let browser = Client::builder().no_proxy().cookie_provider(Arc::clone(&jar)).build()?;
    let known = stack.mails_now(email).await?.len();
    let page = browser.get(format!("{}/cart/sign-in", stack.url())).send().await?.text().await?;
    let mut form = Form::first_with(&page, "email")?;
    form.set("email", email);
    press(stack, &browser, &form).await?;
    let link = stack
        .eventually("mail to sign in", || async {
            let mails = stack.mails_now(email).await?;
            let words = mails
                .iter()
                .skip(known)
                .filter_map(|mail| mail["text"].as_str())
                .flat_map(str::split_whitespace);
            let mut links = words.filter(|word| word.contains("/cart/enter?once="));
            Ok(links.next_back().map(str::to_owned))
        })
        .await?;
    let page = browser.get(link).send().await?.text().await?;
    let cart = press(stack, &browser, &Form::first_with(&page, "once")?).await?;
    let cookies = jar.cookies(&stack.url().parse()?).context("cookies")?;
    let values = cookies.to_str()?.split("; ").filter_map(|cookie| cookie.split_once('='));
    let values = values.map(|(_, value)| value.to_owned()).filter(|value| value.len() > 16);
    COOKIES.lock().map_err(|_| anyhow::anyhow!("poisoned"))?.extend(values);
    Ok((browser, cart))
}

/// Sends a form of ours; the page that it leads to.
async fn press(stack: &Stack, browser: &Client, form: &Form) -> anyhow::Result<String> {
    let sent = browser.post(format!("{}{}", stack.url(), form.action)).form(&form.fields).send().await?;
    ensure!(sent.status().is_success(), "{} answers {}", form.action, sent.status());
    Ok(sent.text().await?)
}

pub(crate) async fn page(stack: &Stack, browser: &Client, path: &str) -> anyhow::Result<String> {
    let answer = browser.get(format!("{}{path}", stack.url())).send().await?;
    ensure!(answer.status() == StatusCode::OK, "{path} answers {}", answer.status());
    Ok(answer.text().await?)
}

/// The link was written and the release of what waited failed, as when a process dies between the two.
/// The next sign-in brings it; then the shopper edits, goes to the checkout, changes settings and leaves.
async fn what_waited_comes_with_the_next_sign_in(stack: &Stack) -> anyhow::Result<()> {
    let (tables, email) = (Tables::of(stack)?, "erin@shopper.example");
    post_on_x(stack, "2001", "walnut-speaker").await?;
    stack
        .eventually("parked command", || async {
            let parked = tables.links.parked(&on_x("2001"), now()).await?;
            Ok((!parked.is_empty()).then_some(()))
        })
        .await?;
    let customer = tables.link("2001", email).await?;
    let (browser, _) = sign_in(stack, email).await?;
    let cart = stack
        .eventually("released line on the page", || async {
            let cart = page(stack, &browser, "/cart").await?;
            Ok(cart.contains("Walnut Desk Speaker").then_some(cart))
        })
        .await?;

    let mut three = Form::first_with(&cart, "quantity")?;
    three.fields.retain(|(name, _)| name != "by");
    three.set("quantity", "3");
    let cart = press(stack, &browser, &three).await?;
    assert!(cart.contains("value=\"3\""), "three are shown");
    let checkout = Form::to(&cart, "/cart/checkout/us")?;
    let plain = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
    let anonymous =
        plain.post(format!("{}{}", stack.url(), checkout.action)).form(&checkout.fields).send().await?;
    assert_ne!(anonymous.status(), StatusCode::SEE_OTHER, "without the session's cookie");
    // The shop's host isn't this machine's, so the way there ends with an error that names it.
    let left =
        browser.post(format!("{}{}", stack.url(), checkout.action)).form(&checkout.fields).send().await;
    let to = match &left {
        Ok(answer) => answer.url().to_string(),
        Err(error) => error.url().map(ToString::to_string).unwrap_or_default(),
    };
    assert!(to.contains("checkout?items=walnut-speaker"), "{to}");

    for (_, wanted) in [("on", "off"), ("off", "on")] {
        let settings = page(stack, &browser, "/cart/settings").await?;
        let mut mails = Form::first_with(&settings, "mails")?;
        mails.set("mails", wanted);
        press(stack, &browser, &mails).await?;
        let profile = tables.carts.profile(&customer).await?.context("a profile")?;
        assert_eq!(profile.mails, wanted == "on");
    }
    let ask = page(stack, &browser, "/cart/delete").await?;
    press(stack, &browser, &Form::to(&ask, "/cart/delete")?).await?;
    assert_eq!(tables.carts.profile(&customer).await?, None);
    assert_eq!(tables.links.link(&on_x("2001")).await?, None);
    Ok(())
}

/// Another address is another customer with another cart. The first one's cart is still theirs.
async fn an_account_follows_the_address_confirmed_last(stack: &Stack) -> anyhow::Result<()> {
    let (tables, account) = (Tables::of(stack)?, Account::new("generic".into(), UserId::new("mira")));
    let secret = networks::Secret::new(stack.secret("GENERIC_WEBHOOK_SECRET")?);
    let mut customers = Vec::new();
    for (number, email) in
        (1..).zip(["mira@shopper.example", "mira.k@shopper.example", "mira@shopper.example"])
    {
        let browser = Client::builder().no_proxy().cookie_store(true).build()?;
        // Each link is for one browser: times of expiry that differ make them differ.
        let expires = now().plus(Duration::from_secs(600 + number));
        let query = networks::generic::link::sign(&secret, &account.network, "mira", "mira", expires);
        let path = format!("/link/generic?{}", query.context("a secret")?);
        let link = ask_to_link_from(stack, &browser, &path, email).await?;
        let (confirm, form) = open_link(&browser, &link).await?;
        let done = browser.post(confirm).form(&form.fields).send().await?;
        ensure!(done.status().is_success(), "confirming answers {}", done.status());
        customers.push(tables.links.link(&account).await?.context("a link")?.customer);
        let held = tables.carts.read(customers.last().context("a customer")?).await?.accounts;
        assert_eq!(held.len(), 1, "the account is theirs now");
    }
    assert_eq!(customers[0], customers[2]);
    assert_ne!(customers[0], customers[1]);
    assert!(tables.carts.read(&customers[1]).await?.accounts.is_empty(), "and no longer the other's");
    Ok(())
}

/// An entry of a post of half a year ago.
fn old_entry(number: u64) -> Entry {
    let at = now().minus(Duration::from_secs(180 * 24 * 3600));
    let key = CommandKey { network: "x".into(), post: PostId::new(number.to_string()), line: 1, step: 0 };
    let item = Item { marketplace: "us".into(), product: "canyon-mug".into(), variant: "canyon-mug".into() };
    Entry {
        stamp: Stamp::new(at, &key),
        key,
        effect: Effect::Add { item, quantity: None },
        told: LineOutcome {
            line: 1,
            marketplace: "us".into(),
            product: None,
            outcome: Outcome::Added { quantity: 1 },
        },
        decided_at: at,
        source: domain::command::Source::default(),
    }
}

async fn a_cart_of_years_is_folded(stack: &Stack) -> anyhow::Result<()> {
    let tables = Tables::of(stack)?;
    let customer = tables.link("2002", "yuri@shopper.example").await?;
    for number in 0..50 {
        tables.carts.put_entry(&customer, &old_entry(number), None).await?;
    }
    post_on_x(stack, "2002", "dot-notebook").await?;
    let record = stack
        .eventually("folded cart", || async {
            let record = tables.carts.read(&customer).await?;
            Ok(record.base.is_some().then_some(record))
        })
        .await?;
    assert_eq!(record.entries.len(), 1, "only the new one stands beside the base");
    assert_eq!(record.cart().in_cart().count(), 2, "mug and notebook");
    Ok(())
}

/// The mailbox simulator returns what it gets.
async fn a_returned_mail_is_the_last_one(stack: &Stack) -> anyhow::Result<()> {
    let tables = Tables::of(stack)?;
    let customer = tables.link("2003", "bounce@simulator.amazonses.com").await?;
    post_on_x(stack, "2003", "canyon-mug").await?;
    let suppressed = stack
        .eventually("end of the mails", || async { Ok(tables.carts.read(&customer).await?.suppressed) })
        .await?;
    assert_eq!(suppressed.reason, SuppressionReason::Bounce);
    Ok(())
}

async fn what_nobody_can_read_is_put_aside(stack: &Stack) -> anyhow::Result<()> {
    let sqs = aws_sdk_sqs::Client::new(&stack.account()?.sdk_config());
    // Dead letters of the first queue have a test of their own, which reads them at the same time.
    for name in ["commands", "outcomes", "feedback"] {
        let url = |queue: String| async {
            let found = sqs.get_queue_url().queue_name(queue).send().await?;
            anyhow::Ok(found.queue_url.unwrap_or_default())
        };
        let (queue, dead) =
            (url(format!("hashcart-local-{name}")).await?, url(format!("hashcart-local-{name}-dead")).await?);
        let body =
            r#"{"v": 99, "of": "a time to come"}"#.replace("99", if name == "feedback" { "}" } else { "99" });
        sqs.send_message().queue_url(&queue).message_body(&body).send().await?;
        stack
            .eventually(&format!("dead letter of {name}"), || async {
                let letters = sqs.receive_message().queue_url(&dead).message_attribute_names("All");
                let letters = letters.max_number_of_messages(10).visibility_timeout(0).send().await?;
                let ours = letters.messages().iter().find(|letter| letter.body() == Some(&body));
                let has_reason = |letter: &aws_sdk_sqs::types::Message| {
                    letter.message_attributes().is_some_and(|attributes| attributes.contains_key("reason"))
                };
                Ok(ours.is_some_and(has_reason).then_some(()))
            })
            .await?;
    }
    Ok(())
}

async fn an_answer_to_a_post_that_is_gone_is_answered(stack: &Stack) -> anyhow::Result<()> {
    let at = now().to_string();
    let post = format!("gone-{}", now().as_millis());
    let event = json!({ "type": "post.created", "timestamp": at, "data": {
        "id": post, "author": { "id": "alice", "handle": "alice" }, "text": "@acme #AcmeCart", "created_at": at,
        "url": format!("{}/#post-{post}", stack.url()), "in_reply_to": { "id": "never-was" },
    }});
    let said = replay(stack, "generic", "GENERIC_WEBHOOK_SECRET", &event.to_string()).await?;
    ensure!(said.contains("200"), "{said}");
    assert_eq!(stack.outcome_names(&post, 1).await?, ["ParentUnavailable"]);
    let _: Value = stack.json(&format!("/api/trace/{post}")).await?;
    Ok(())
}
