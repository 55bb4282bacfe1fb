//! The pages in a real browser: Chromium, driven over WebDriver.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use domain::product::{Listing, Variant};
use serde_json::{Value, json};
use store::catalog::Catalog;
use tests::form::Form;
use tests::stack::Stack;
use thirtyfour::prelude::*;
use tokio::process::{Child, Command};

use crate::account::{Tables, now, page, post_on_x, sign_in};

/// axe-core, the accessibility checker (MPL-2.0).
const AXE: &str = include_str!("../../fixtures/axe/axe.min.js");

tests![
    "browser";
    a_reply_in_the_playground_shows_answer_mail_and_cart,
    the_cart_page_works_without_scripts,
    every_page_is_accessible,
    what_strangers_write_stays_text,
];

/// What is missing for these tests, if anything is.
pub(crate) fn missing() -> Option<&'static str> {
    ["chromedriver", "chromium"].into_iter().find(|name| find(name).is_none())
}

fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// A browser and what drives it. Both end with it.
struct Browser {
    driver: WebDriver,
    _chromedriver: Child,
}

impl Browser {
    async fn start(name: &str, scripts: bool, width: u32) -> anyhow::Result<Self> {
        let chromedriver =
            find("chromedriver").context("chromedriver is missing: install chromium and chromium-driver")?;
        let chromium =
            find("chromium").context("chromium is missing: install chromium and chromium-driver")?;
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let child = Command::new(chromedriver)
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let profile = tests::stack::workspace().join(".hashcart/tests").join(format!("chromium-{name}"));
        if profile.exists() {
            std::fs::remove_dir_all(&profile)?;
        }
        let mut capabilities = DesiredCapabilities::chrome();
        capabilities.set_binary(chromium.to_str().context("a path in UTF-8")?)?;
        for argument in [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--lang=en-US",
        ] {
            capabilities.add_arg(argument)?;
        }
        capabilities.add_arg(&format!("--user-data-dir={}", profile.display()))?;
        capabilities.add_arg(&format!("--window-size={width},900"))?;
        if !scripts {
            let off = json!({ "profile.managed_default_content_settings.javascript": 2 });
            capabilities.add_experimental_option("prefs", off)?;
        }
        let url = format!("http://127.0.0.1:{port}");
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        let driver = loop {
            match WebDriver::new(&url, capabilities.clone()).await {
                Ok(driver) => break driver,
                Err(error) if std::time::Instant::now() > deadline => {
                    return Err(error).context("no browser");
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        };
        Ok(Self { driver, _chromedriver: child })
    }

    /// Waits for an element.
    async fn find(&self, css: &str) -> anyhow::Result<WebElement> {
        self.driver
            .query(By::Css(css))
            .wait(Duration::from_secs(30), Duration::from_millis(50))
            .first()
            .await
            .with_context(|| format!("nothing like {css}"))
    }

    /// Waits until an element's text contains `text`.
    async fn reads(&self, css: &str, text: &str) -> anyhow::Result<()> {
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        loop {
            let found = self.driver.find_all(By::Css(css)).await?;
            for element in &found {
                if element.text().await.is_ok_and(|shown| shown.contains(text)) {
                    return Ok(());
                }
            }
            ensure!(std::time::Instant::now() < deadline, "{css} never reads {text}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn quit(self) -> anyhow::Result<()> {
        Ok(self.driver.quit().await?)
    }
}

async fn a_reply_in_the_playground_shows_answer_mail_and_cart(stack: &Stack) -> anyhow::Result<()> {
    let post = stack.brand_post("Three dials").await?;
    let browser = Browser::start("playground", true, 1300).await?;
    browser.driver.goto(stack.url()).await?;
    browser.find(&format!("#post-{post}")).await?;
    browser.driver.execute("localStorage.setItem('person', 'dieter')", vec![]).await?;
    browser.driver.refresh().await?;
    let thread = format!("#post-{post}");
    browser.find(&format!("{thread} .acts .button")).await?.click().await?;
    let text = browser.find(&format!("{thread} textarea")).await?;
    text.send_keys("x2").await?;
    browser.find(&format!("{thread} form button[type=submit]")).await?.click().await?;
    browser.reads(&format!("{thread} .reply.ours"), "Lumen Camera").await?;
    browser.reads("#cart-body", "Lumen Camera").await?;
    browser.reads("#mails", "Lumen Camera").await?;
    browser.find(&format!("{thread} .reply .way")).await?.click().await?;
    browser.reads("#trace-body", "cart-add").await?;
    browser.quit().await
}

/// Signs in by the link of a mail, changes a quantity, removes the line: all with scripts switched off.
async fn the_cart_page_works_without_scripts(stack: &Stack) -> anyhow::Result<()> {
    let known = stack.mails_now("dieter@").await?.len();
    let post = stack
        .post(
            "dieter",
            "@acme #AcmeCart https://acme.example/p/alpine-kettle https://acme.example/p/enamel-lantern",
            None,
        )
        .await?;
    assert_eq!(stack.outcome_names(&post, 2).await?, ["OutOfStock", "Added"]);
    let mail = stack
        .eventually("mail about the lantern", || async {
            let mails = stack.mails_now("dieter@").await?;
            let about =
                |mail: &&Value| mail["text"].as_str().is_some_and(|text| text.contains("Enamel Lantern"));
            Ok(mails.iter().skip(known).find(about).cloned())
        })
        .await?;
    let text = mail["text"].as_str().context("text")?;
    let link = text
        .split_whitespace()
        .find(|word| word.contains("/cart/enter?token="))
        .context("a link to the cart")?;

    let browser = Browser::start("cart", false, 390).await?;
    browser.driver.goto(link).await?;
    browser.find("main form button").await?.click().await?;
    browser.reads("main", "Enamel Lantern").await?;

    let lantern = "//li[.//bdi[contains(., 'Enamel Lantern')]]";
    let field = browser.driver.find(By::XPath(format!("{lantern}//input[@name='quantity']"))).await?;
    field.clear().await?;
    field.send_keys("3" + Key::Enter).await?;
    stack
        .eventually("three lanterns", || async {
            Ok(stack.cart("dieter", "us").await?.contains(&("enamel-lantern".to_owned(), 3)).then_some(()))
        })
        .await?;
    let remove = format!("{lantern}//button[@value='remove']");
    browser.driver.query(By::XPath(remove)).first().await?.click().await?;
    stack
        .eventually("cart without lanterns", || async {
            let cart = stack.cart("dieter", "us").await?;
            Ok(cart.iter().all(|(product, _)| product != "enamel-lantern").then_some(()))
        })
        .await?;
    let cookie =
        browser.driver.get_all_cookies().await?.into_iter().find(|cookie| cookie.name.contains("hashcart"));
    assert_eq!(cookie.context("a session cookie")?.http_only, Some(true));
    browser.quit().await
}

/// A text that breaks out of whatever does not hold it.
const BREAKOUT: &str =
    "\"'><script>x</script><img src=x onerror=x><xss onclick=x></textarea></title></style>";

/// Every element, attribute and address that no page or mail of ours may hold, by the parser of the
/// browser: scripts, handlers, frames, forms of others, and addresses that run or carry content.
const FOREIGN: &str = r#"
    const page = new DOMParser().parseFromString(arguments[0], 'text/html');
    const found = [];
    for (const element of page.querySelectorAll('*')) {
        const told = element.outerHTML.slice(0, 120);
        if (['script', 'xss', 'iframe', 'object', 'embed', 'base'].includes(element.localName)) found.push(told);
        for (const { name, value } of element.attributes) {
            if (name.startsWith('on') || name === 'srcdoc') found.push(told);
            if (!['href', 'src', 'action', 'formaction'].includes(name)) continue;
            const scheme = /^\s*([a-z0-9+.-]+):/i.exec(value);
            if (scheme && !['http', 'https', 'mailto'].includes(scheme[1].toLowerCase())) {
                if (element.localName !== 'link' || scheme[1] !== 'data') found.push(told);
            }
        }
    }
    return found;"#;

/// A product of a feed that somebody else writes.
fn hostile_product() -> anyhow::Result<Listing> {
    let variant: Variant = serde_json::from_value(json!({
        "marketplace": "us", "product": format!("evil{BREAKOUT}"), "variant": format!("evil{BREAKOUT}"),
        "title": format!("Title{BREAKOUT}"), "link": "javascript:alert(1)", "image_link": "javascript:alert(2)",
        "options": [{ "name": format!("Size{BREAKOUT}"), "value": format!("M{BREAKOUT}") }],
        "availability": "in_stock", "price": { "minor": 2500, "currency": "USD" },
        "brand": format!("Brand{BREAKOUT}"),
    }))
    .context("a product")?;
    Ok(Listing { url: "https://acme.example/p/evil".to_owned(), choice: None, variant })
}

/// What strangers write (a feed, a handle, an address field, a query) on every page and in every mail, read
/// by the browser's own parser.
async fn what_strangers_write_stays_text(stack: &Stack) -> anyhow::Result<()> {
    let client = aws_sdk_dynamodb::Client::new(&stack.account()?.sdk_config());
    let mut import = Catalog::new(client, "hashcart-local-catalog").import(&"us".into(), false).await?;
    import.put(&hostile_product()?).await?;
    import.settle().await?;
    let (tables, email) = (Tables::of(stack)?, "mallory@shopper.example");
    let customer = tables.link_as("2005", &format!("mallory{BREAKOUT}"), email).await?;
    post_on_x(stack, "2005", "evil").await?;
    stack
        .eventually("hostile product in the cart", || async {
            let record = tables.carts.read(&customer).await?;
            Ok((record.cart().in_cart().count() == 1).then_some(()))
        })
        .await?;

    let mut documents = Vec::new();
    let (shopper, cart) = sign_in(stack, email).await?;
    assert!(cart.contains("Title"), "{cart}");
    documents.push(("cart".to_owned(), cart));
    let written: String = url::form_urlencoded::byte_serialize(BREAKOUT.as_bytes()).collect();
    for path in [
        "/cart/settings".to_owned(),
        "/cart/delete".to_owned(),
        format!("/cart?told={written}&got={written}&lang={written}"),
        format!("/link/sent?email={written}&{written}={written}"),
    ] {
        documents.push((path.clone(), page(stack, &shopper, &path).await?));
    }
    for path in
        [format!("/link/{written}"), format!("/cart/{written}"), format!("/link/confirm?token={written}")]
    {
        documents.push((path.clone(), stack.get(&path).await?.text().await?));
    }
    let account = domain::ids::NetworkId::new("generic");
    let secret = networks::Secret::new(stack.secret("GENERIC_WEBHOOK_SECRET")?);
    let expires = now().plus(Duration::from_secs(900));
    let query =
        networks::generic::link::sign(&secret, &account, BREAKOUT, BREAKOUT, expires).context("a secret")?;
    let stranger = reqwest::Client::builder().no_proxy().cookie_store(true).build()?;
    let form = page(stack, &stranger, &format!("/link/generic?{query}")).await?;
    let mut address = Form::first_with(&form, "email")?;
    documents.push(("address".to_owned(), form));
    address.set("email", BREAKOUT);
    let answer =
        stranger.post(format!("{}{}", stack.url(), address.action)).form(&address.fields).send().await?;
    documents.push(("wrong address".to_owned(), answer.text().await?));
    for mail in stack.mails_now(email).await? {
        let html = mail["html"].as_str().context("html")?;
        documents.push((mail["subject"].to_string(), html.to_owned()));
    }
    assert!(documents.iter().any(|(_, html)| html.contains("Title")), "no mail about the product");

    let browser = Browser::start("hostile", true, 800).await?;
    browser.driver.goto(format!("{}/link", stack.url())).await?;
    for (name, html) in documents {
        let found = browser.driver.execute(FOREIGN, vec![html.clone().into()]).await?;
        let found = found.json().as_array().cloned().unwrap_or_default();
        assert!(found.is_empty(), "{name}: {found:?}");
    }
    browser.quit().await
}

/// WCAG 2 A and AA as far as a machine can tell, on a phone and on a desktop.
async fn every_page_is_accessible(stack: &Stack) -> anyhow::Result<()> {
    for width in [360, 1300] {
        let browser = Browser::start(&format!("axe-{width}"), true, width).await?;
        for path in [
            "/",
            "/link",
            "/cart",
            "/cart/sign-in",
            "/network/link/sam",
            "/shop/us/p/trail-tee",
            "/link/confirm?token=x",
        ] {
            browser.driver.goto(format!("{}{path}", stack.url())).await?;
            browser.find("main").await?;
            browser.driver.execute(AXE, vec![]).await?;
            let run = "const done = arguments[0]; axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }).then(done)";
            let found = browser.driver.execute_async(run, vec![]).await?;
            let violations = found.json()["violations"].as_array().context("violations")?.clone();
            let told: Vec<String> = violations
                .iter()
                .map(|found| format!("{}: {}", found["id"], found["nodes"][0]["html"]))
                .collect();
            assert!(told.is_empty(), "{path} at {width} px:\n{}", told.join("\n"));
        }
        browser.quit().await?;
    }
    Ok(())
}
