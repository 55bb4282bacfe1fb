//! The site under test, its browser, its inbox, and a shop with something of everything.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use domain::command::{Action, CommandLine, PostCommands, Shopper, Source};
use domain::ids::{CustomerId, UserId};
use domain::money::Money;
use domain::post::{Author, PostHead, Visibility};
use domain::product::{Availability, Listing, OptionValue, PriceExposure, ProductRef, Sale, Variant};
use domain::storefront::{Limits, Storefront};
use domain::time::Timestamp;
use emulator::{Account as AwsAccount, Deployment, Stack};
use http::{HeaderMap, Request, StatusCode, header};
use lambda::aws::Aws;
use lambda::clock::Clock;
use lambda::env::Environment;
use lambda::keyed::KeyedHash;
use lambda::secrets::{Secret, SecretSet, Secrets};
use lambda::token::Signer;
use serde_json::Value;
use store::carts::{CartRecord, Carts};
use store::catalog::Catalog;
use store::decider::{Circumstances, Decider};
use store::ledger::Ledger;
use store::linking::{Linking, NewLink, Person};
use store::links::{Account, Links};
use store::products::Products;
use store::settings::Settings;
use tower::ServiceExt as _;

/// When the tests happen.
pub const START: Timestamp = Timestamp::from_seconds(1_795_000_000);
const SENDER: &str = "cart@acme.example";
/// The generic network's webhook secret.
pub const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// What the runtime puts on each request of a function that is traced.
const TRACE: &str = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1";

/// Both functions as one router, and what they write to.
pub struct Site {
    pub aws: AwsAccount,
    pub stack: Stack,
    pub clock: TestClock,
    pub public_url: String,
    router: Router,
}

/// A clock that a test moves.
#[derive(Clone)]
pub struct TestClock(Arc<AtomicU64>);

impl TestClock {
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }

    pub fn pass(&self, time: Duration) {
        self.0.fetch_add(time.as_millis().try_into().unwrap(), Ordering::SeqCst);
    }
}

/// What tests choose about a site.
pub struct Plan {
    pub stage: &'static str,
    pub public_url: String,
    pub storefront: Storefront,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            stage: "dev",
            public_url: "https://cart.acme.example".to_owned(),
            storefront: storefront("https://api.x.test/", "https://x.test/"),
        }
    }
}

impl Site {
    /// A site of its own with the shop's products.
    pub async fn start() -> Self {
        Self::start_as(Plan::default()).await
    }

    pub async fn start_as(plan: Plan) -> Self {
        let aws = emulator::shared().await.unwrap().test_account().unwrap();
        let deployment = Deployment::new("pages-test").parameter("MailFrom", SENDER);
        let stack = deployment.deploy_data(&aws).await.unwrap();
        let ses = aws_sdk_ses::Client::new(&aws.sdk_config());
        ses.verify_email_identity().email_address(SENDER).send().await.unwrap();
        let clock = TestClock(Arc::new(AtomicU64::new(START.as_millis())));
        let read = {
            let clock = clock.clone();
            Clock::from_fn(move || clock.now())
        };
        let env = environment(&plan, &stack);
        let clients = Aws::from_config(aws.sdk_config());
        let linking = account_link::App::with_secrets(&env, &clients, read.clone(), secrets()).unwrap();
        let carts = cart_page::App::with_secrets(&env, &clients, read, secrets()).unwrap();
        let router = account_link::router(Arc::new(linking)).merge(cart_page::router(Arc::new(carts)));
        let site = Self { aws, stack, clock, public_url: plan.public_url, router };
        site.settings().push(&plan.storefront, None, START).await.unwrap();
        site.fill_the_shelves().await;
        site
    }

    fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.aws.sdk_config())
    }

    fn table(&self, output: &str) -> String {
        self.stack.output(output).unwrap().to_owned()
    }

    pub fn settings(&self) -> Settings {
        Settings::new(self.dynamodb(), self.table("SettingsTable"))
    }

    pub fn links(&self) -> Links {
        Links::new(self.dynamodb(), self.table("LinksTable"))
    }

    pub fn carts(&self) -> Carts {
        Carts::new(self.dynamodb(), self.table("CartsTable"))
    }

    pub fn ledger(&self) -> Ledger {
        Ledger::new(self.dynamodb(), self.table("LedgerTable"))
    }

    pub fn catalog(&self) -> Catalog {
        Catalog::new(self.dynamodb(), self.table("CatalogTable"))
    }

    pub async fn put_on_the_shelf(&self, variants: Vec<Variant>) {
        let marketplace = variants[0].marketplace.clone();
        let catalog = self.catalog();
        let mut import = catalog.import(&marketplace, false).await.unwrap();
        for variant in variants {
            let listing = Listing { url: variant.link.clone(), choice: None, variant };
            import.put(&listing).await.unwrap();
        }
        import.settle().await.unwrap();
    }

    async fn fill_the_shelves(&self) {
        self.put_on_the_shelf(shelf()).await;
    }

    pub fn browser(&self) -> Browser {
        Browser { router: self.router.clone(), cookies: BTreeMap::new(), language: "en".to_owned() }
    }

    /// A customer with an account on the generic network, as linking makes them.
    pub async fn customer(&self, name: &str) -> CustomerId {
        let linking = Linking::new(self.dynamodb(), self.table("LinksTable"), self.table("CartsTable"));
        let email = format!("{name}@example.com");
        let link = NewLink {
            account: account(name),
            handle: Some(name.to_owned()),
            person: Person {
                email_hash: hash().email(&email),
                email,
                lang: None,
                candidate: CustomerId::new(format!("customer-{name}")),
                at: self.clock.now(),
            },
        };
        linking.link(&link).await.unwrap().customer
    }

    /// A browser in which this customer is signed in by the link of a mail.
    pub async fn signed_in(&self, customer: &CustomerId) -> Browser {
        let mut browser = self.browser();
        let page = browser.get(&self.cart_link(customer)).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        let page = browser.submit(&page, "/cart/enter", &[]).await;
        assert_eq!(page.location(), "/cart");
        browser
    }

    /// The cart link of a mail, as `notify` makes it.
    pub fn cart_link(&self, customer: &CustomerId) -> String {
        let expires = self.clock.now().plus(Duration::from_secs(14 * 86_400));
        let token = signer().sign("cart-link", &customer.as_str(), Some(expires)).unwrap();
        format!("/cart/enter?token={token}")
    }

    pub async fn record(&self, customer: &CustomerId) -> CartRecord {
        self.carts().read(customer).await.unwrap()
    }

    /// Decides a post of the customer's, as `cart-add` does.
    pub async fn post(&self, customer: &CustomerId, id: &str, action: Action) {
        let commands = self.commands("alice", id, action);
        let products = Products::new(self.catalog(), Duration::ZERO, 10);
        let decider = Decider::new(self.carts(), self.links(), Arc::new(products), self.ledger());
        let limits = Limits::default();
        let circumstances = Circumstances { now: self.clock.now(), limits: &limits, blocked: false };
        decider.decide(customer, &commands, circumstances).await.unwrap();
    }

    pub fn commands(&self, user: &str, id: &str, action: Action) -> PostCommands {
        let now = self.clock.now();
        let marketplace = action.product().map_or("us".into(), |product| product.marketplace.clone());
        PostCommands {
            post: PostHead {
                network: "generic".into(),
                bot: "acme".into(),
                id: id.into(),
                url: None,
                author: Author { id: user.into(), handle: Some(user.to_owned()) },
                mentions_us: true,
                created_at: now,
                first_seen: now,
                lang: None,
                visibility: Visibility::Public,
            },
            shopper: Shopper::Account { network: "generic".into(), user: user.into() },
            as_of: now,
            step: 0,
            source: Source { post_author: Some(UserId::new("influencer")), ..Source::default() },
            lines: vec![CommandLine { line: 1, marketplace, action }],
        }
    }

    /// What was mailed to an address, the latest last: subject and text.
    pub async fn mails_to(&self, address: &str) -> Vec<(String, String)> {
        let url = format!("{}/_ministack/ses/messages?account={}", self.aws.endpoint(), self.aws.id());
        let all: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        let mails = all["messages"][self.aws.id()].as_array().cloned().unwrap_or_default();
        let to = |mail: &&Value| {
            mail["To"].as_array().unwrap().iter().any(|to| to.as_str().unwrap().contains(address))
        };
        let read = |mail: &Value| {
            (mail["Subject"].as_str().unwrap().to_owned(), mail["BodyText"].as_str().unwrap().to_owned())
        };
        mails.iter().filter(to).map(read).collect()
    }

    /// The path of the link in the last mail to an address.
    pub async fn mailed_link(&self, address: &str) -> String {
        let (_, text) = self.mails_to(address).await.pop().expect("a mail");
        let start = text.find(&self.public_url).expect("a link") + self.public_url.len();
        text[start..].split_whitespace().next().unwrap().to_owned()
    }

    /// What was sent to the queue `commands`.
    pub async fn commands_sent(&self) -> Vec<Value> {
        let sqs = aws_sdk_sqs::Client::new(&self.aws.sdk_config());
        let queue = self.stack.output("CommandsQueue").unwrap();
        let request = sqs.receive_message().queue_url(queue).max_number_of_messages(10);
        let request = request.message_system_attribute_names("AWSTraceHeader".into());
        let answer = request.send().await.unwrap();
        let body = |message: aws_sdk_sqs::types::Message| {
            let mut envelope: Value = serde_json::from_str(&message.body.unwrap()).unwrap();
            assert_eq!(envelope["trace"], TRACE);
            assert_eq!(message.attributes.unwrap()[&"AWSTraceHeader".into()], TRACE);
            envelope["body"].take()
        };
        answer.messages.unwrap_or_default().into_iter().map(body).collect()
    }
}

fn environment(plan: &Plan, stack: &Stack) -> Environment {
    let mut vars = BTreeMap::from([
        ("HASHCART_STAGE".to_owned(), plan.stage.to_owned()),
        ("HASHCART_PUBLIC_URL".to_owned(), plan.public_url.clone()),
        ("HASHCART_MAIL_FROM".to_owned(), SENDER.to_owned()),
        ("HASHCART_QUEUE_COMMANDS".to_owned(), stack.output("CommandsQueue").unwrap().to_owned()),
    ]);
    for table in ["Links", "Carts", "Catalog", "Settings", "Ledger"] {
        let name = format!("HASHCART_TABLE_{}", table.to_uppercase());
        vars.insert(name, stack.output(&format!("{table}Table")).unwrap().to_owned());
    }
    Environment::from_fn(move |name| vars.get(name).cloned()).unwrap()
}

fn secrets() -> Secrets {
    Secrets::given(SecretSet::new([
        ("hash-key", "hash".to_owned()),
        ("signing-key", "sign".to_owned()),
        ("generic/webhook-secret", WEBHOOK_SECRET.to_owned()),
        ("x/client-id", "client".to_owned()),
        ("x/client-secret", "client-secret".to_owned()),
        ("x-two/client-id", "another-client".to_owned()),
        ("x-two/client-secret", "another-secret".to_owned()),
    ]))
}

/// Names personal data as the functions do.
pub fn hash() -> KeyedHash {
    KeyedHash::new(&Secret::new("hash"))
}

/// Signs as the functions do.
pub fn signer() -> Signer {
    Signer::new(&[Secret::new("sign")])
}

/// An account on the generic network.
pub fn account(user: &str) -> Account {
    Account { network: "generic".into(), user: user.into() }
}

/// A storefront with two shops and two networks.
pub fn storefront(x_api: &str, x_web: &str) -> Storefront {
    let shop = |id: &str, tag: &str, host: &str, currency: &str| {
        serde_json::json!({
            "id": id, "cart_tags": [tag], "wish_tags": ["AcmeWish"], "hosts": [host], "currency": currency,
            "shop": {"platform": "template", "checkout_url": format!("https://{host}/checkout?items={{items}}")},
        })
    };
    serde_json::from_value(serde_json::json!({
        "brand": "Acme",
        "support": "help@acme.example",
        "postal_address": "Acme Inc., 1 Canyon Road",
        "marketplaces": [shop("us", "AcmeCart", "acme.example", "USD"), shop("uk", "AcmeBasket", "acme-uk.example", "GBP")],
        "networks": [
            {"id": "generic", "name": "Playground", "kind": "generic", "bot_handle": "acme", "bot_id": "acme",
             "callback_url": "https://play.example/replies", "link_url": "https://play.example/link"},
            {"id": "x", "kind": "x", "bot_handle": "acme", "bot_id": "1", "api_url": x_api, "web_url": x_web},
        ],
    }))
    .unwrap()
}

/// A product of one variant, in stock for 25 dollars.
pub fn variant(product: &str, variant: &str) -> Variant {
    Variant {
        marketplace: "us".into(),
        product: product.into(),
        variant: variant.into(),
        title: format!("The {product}"),
        link: format!("https://acme.example/p/{product}"),
        image_link: Some(format!("https://acme.example/pictures/{product}.png")),
        options: vec![],
        availability: Availability::InStock,
        availability_date: None,
        price: Money::parse("25 USD").unwrap(),
        sale: None,
        deal: false,
        digital: false,
        sensitive: false,
        restricted: false,
        price_exposure: PriceExposure::Anywhere,
        max_quantity: None,
        gtin: None,
        brand: None,
    }
}

fn size(value: &str) -> Vec<OptionValue> {
    vec![OptionValue { name: "size".to_owned(), value: value.to_owned() }]
}

fn shelf() -> Vec<Variant> {
    let mug = variant("mug", "mug");
    let mut lamp = variant("lamp", "lamp");
    lamp.sale = Some(Sale { price: Money::parse("19.50 USD").unwrap(), from: None, until: None });
    lamp.price_exposure = PriceExposure::Cart;
    let mut console = variant("console", "console");
    console.price = Money::parse("499 USD").unwrap();
    console.price_exposure = PriceExposure::Checkout;
    let mut game = variant("game", "game");
    game.availability = Availability::Preorder;
    game.availability_date = Some(START.plus(Duration::from_secs(30 * 86_400)));
    let mut hat = variant("hat", "hat");
    hat.availability = Availability::OutOfStock;
    let mut small = variant("tee", "tee-s");
    small.options = size("S");
    let mut medium = variant("tee", "tee-m");
    medium.options = size("M");
    vec![mug, lamp, console, game, hat, small, medium]
}

/// A product, or a variant of it, in the first shop.
pub fn product(product: &str, variant: Option<&str>) -> ProductRef {
    ProductRef { marketplace: "us".into(), product: product.into(), variant: variant.map(Into::into) }
}

/// Puts into the cart.
pub fn add(of: ProductRef, quantity: Option<u32>) -> Action {
    Action::Add { product: of, quantity, options: Vec::new() }
}

/// A browser: keeps cookies, follows no redirect by itself.
#[derive(Clone)]
pub struct Browser {
    router: Router,
    pub cookies: BTreeMap<String, String>,
    pub language: String,
}

/// An answer.
#[derive(Debug)]
pub struct Page {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Browser {
    pub async fn get(&mut self, path: &str) -> Page {
        self.send(Request::get(path), Body::empty()).await
    }

    pub async fn get_json(&mut self, path: &str) -> (StatusCode, Value) {
        let page =
            self.send(Request::get(path).header(header::ACCEPT, "application/json"), Body::empty()).await;
        (page.status, serde_json::from_str(&page.body).unwrap())
    }

    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.post_from(path, fields, "same-origin").await
    }

    /// A form that a browser sends from a page of `site` (`same-origin`, `cross-site`).
    pub async fn post_from(&mut self, path: &str, fields: &[(&str, &str)], site: &str) -> Page {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", site);
        self.send(request, Body::from(body)).await
    }

    /// Sends the first form of `page` that goes to `action`, its hidden fields and `fields` beside
    /// them.
    pub async fn submit(&mut self, page: &Page, action: &str, fields: &[(&str, &str)]) -> Page {
        let (action, hidden) = page.form(action);
        let mut all: Vec<(&str, &str)> = fields.to_vec();
        all.extend(hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        self.post(&action, &all).await
    }

    pub async fn follow(&mut self, page: &Page) -> Page {
        let to = page.location();
        self.get(&to).await
    }

    pub async fn send(&mut self, request: http::request::Builder, body: Body) -> Page {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = request.header(header::ACCEPT_LANGUAGE, &self.language);
        request = request.header("x-amzn-trace-id", TRACE);
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        for cookie in headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        Page { status, headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }
}

impl Page {
    pub fn location(&self) -> String {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        self.headers[header::LOCATION].to_str().unwrap().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn contains(&self, text: &str) -> bool {
        self.body.contains(text)
    }

    /// The first form whose action starts with `action`: where it goes, and its hidden fields.
    pub fn form(&self, action: &str) -> (String, Vec<(String, String)>) {
        self.forms(action)
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("no form to {action} in {}", self.body))
    }

    /// All forms whose action starts with `action`.
    pub fn forms(&self, action: &str) -> Vec<(String, Vec<(String, String)>)> {
        let mut found = Vec::new();
        for form in self.body.split("<form ").skip(1) {
            let form = form.split("</form>").next().unwrap();
            let to = attribute(form.split('>').next().unwrap(), "action").unwrap();
            if !to.starts_with(action) {
                continue;
            }
            let inputs = form.split("<input ").skip(1).map(|input| input.split('>').next().unwrap());
            let hidden = inputs
                .filter(|input| input.contains("type=\"hidden\""))
                .map(|input| (attribute(input, "name").unwrap(), attribute(input, "value").unwrap()))
                .collect();
            found.push((to, hidden));
        }
        found
    }

    /// The hidden fields of the form for one variant and one kind of edit.
    pub fn edit_form(&self, variant: &str, sets: bool) -> Vec<(String, String)> {
        let of = |fields: &Vec<(String, String)>| {
            fields
                .iter()
                .any(|(name, value)| name == "item" && value.contains(&format!("\"variant\":\"{variant}\"")))
                && fields.iter().any(|(name, _)| name == "do") == sets
        };
        self.forms("/cart/edit").into_iter().map(|(_, fields)| fields).find(of).expect("a form")
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    Some(unescaped(rest.split('"').next()?))
}

fn unescaped(text: &str) -> String {
    text.replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#38;", "&")
}
