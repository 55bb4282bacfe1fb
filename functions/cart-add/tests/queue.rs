//! `cart-add` between its queues and tables: real messages in, real messages out.
//!
//! All tests share the tables of one account and have queues of their own; each uses posts and shoppers of
//! its own.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use aws_sdk_sqs::types::{
    Message as Received, MessageSystemAttributeName, MessageSystemAttributeNameForSends,
    MessageSystemAttributeValue, SendMessageBatchRequestEntry,
};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use cart_add::CartAdd;
use domain::command::{Action, CommandLine, PostCommands, Shopper, Source};
use domain::ids::{CustomerId, MarketplaceId};
use domain::money::Money;
use domain::outcome::{Outcome, PostOutcomes};
use domain::post::{Author, Post, PostHead, PostRef, Visibility};
use domain::product::{Availability, Listing, OptionValue, PriceExposure, ProductRef, Variant};
use domain::storefront::Storefront;
use domain::time::Timestamp;
use lambda::aws::Aws;
use lambda::batch::{BatchError, BatchLoop, Consumer as _, Delivery};
use lambda::clock::Clock;
use lambda::env::Environment;
use lambda::envelope::{Envelope, Message};
use lambda::queue::{Outgoing, Sender};
use store::Account;
use store::carts::Carts;
use store::catalog::Catalog;
use store::deliveries::Deliveries;
use store::ledger::{Ledger, day};
use store::linking::{Linking, NewLink, Person};
use store::links::Links;
use store::settings::Settings;
use tokio::sync::OnceCell;

const NOW: Timestamp = Timestamp::from_seconds(1_760_000_000);
const DAY: Duration = Duration::from_secs(24 * 3600);

// ---------------------------------------------------------------- the world

/// Counts the requests to DynamoDB that pass.
#[derive(Debug)]
struct Counted<T> {
    inner: T,
    requests: Arc<AtomicUsize>,
}

impl HttpClient for Counted<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Counted { inner, requests: Arc::clone(&self.requests) })
    }
}

impl HttpConnector for Counted<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        if target.starts_with("DynamoDB_") {
            self.requests.fetch_add(1, Ordering::SeqCst);
        }
        self.inner.call(request)
    }
}

struct World {
    consumer: CartAdd,
    batches: BatchLoop,
    sqs: aws_sdk_sqs::Client,
    queues: HashMap<&'static str, String>,
    links: Links,
    linking: Linking,
    carts: Carts,
    settings: Settings,
    deliveries: Deliveries,
    ledger: Ledger,
    requests: Arc<AtomicUsize>,
}

static STACK: OnceCell<(emulator::Account, HashMap<&'static str, String>)> = OnceCell::const_new();

async fn deploy() -> (emulator::Account, HashMap<&'static str, String>) {
    let account = emulator::shared().await.unwrap().test_account().unwrap();
    let deployment = emulator::Deployment::new("cart-add").parameter("MailFrom", "shop@acme.example");
    let stack = deployment.deploy_data(&account).await.unwrap();
    let outputs =
        ["LinksTable", "CartsTable", "CatalogTable", "DeliveriesTable", "SettingsTable", "LedgerTable"];
    let names: HashMap<_, _> =
        outputs.map(|output| (output, stack.output(output).unwrap().to_owned())).into_iter().collect();
    let client = aws_sdk_dynamodb::Client::new(&account.sdk_config());
    Settings::new(client.clone(), &names["SettingsTable"]).push(&storefront(), None, NOW).await.unwrap();
    let catalog = Catalog::new(client, &names["CatalogTable"]);
    for marketplace in ["us", "uk"] {
        let mut import = catalog.import(&marketplace.into(), false).await.unwrap();
        for listing in shelf().into_iter().filter(|l| l.variant.marketplace.as_str() == marketplace) {
            import.put(&listing).await.unwrap();
        }
        import.settle().await.unwrap();
    }
    (account, names)
}

impl World {
    async fn new(name: &str) -> Self {
        Self::with_settings_in(name, "SettingsTable").await
    }

    async fn with_settings_in(name: &str, settings_table: &str) -> Self {
        let (account, names) = STACK.get_or_init(deploy).await;
        let requests = Arc::new(AtomicUsize::new(0));
        let plain = account.sdk_config();
        let counted = Counted { inner: plain.http_client().unwrap(), requests: Arc::clone(&requests) };
        let config = account.sdk_config().into_builder().http_client(SharedHttpClient::new(counted)).build();
        let sqs = aws_sdk_sqs::Client::new(&plain);
        let mut queues = HashMap::new();
        for queue in ["commands", "commands-dead", "outcomes"] {
            let created = sqs.create_queue().queue_name(format!("{name}-{queue}")).send().await.unwrap();
            queues.insert(queue, created.queue_url.unwrap());
        }
        let variables = HashMap::from([
            ("HASHCART_STAGE", "local".to_owned()),
            ("HASHCART_TABLE_LINKS", names["LinksTable"].clone()),
            ("HASHCART_TABLE_CARTS", names["CartsTable"].clone()),
            ("HASHCART_TABLE_CATALOG", names["CatalogTable"].clone()),
            ("HASHCART_TABLE_DELIVERIES", names["DeliveriesTable"].clone()),
            ("HASHCART_TABLE_SETTINGS", names[settings_table].clone()),
            ("HASHCART_TABLE_LEDGER", names["LedgerTable"].clone()),
            ("HASHCART_QUEUE_COMMANDS", queues["commands"].clone()),
            ("HASHCART_QUEUE_OUTCOMES", queues["outcomes"].clone()),
            ("HASHCART_DLQ_COMMANDS", queues["commands-dead"].clone()),
        ]);
        let env = Environment::from_fn(move |name| variables.get(name).cloned()).unwrap();
        let aws = Aws::from_config(config);
        let clock = Clock::from_fn(|| NOW);
        let sender = Sender::new(&aws, &env, clock.clone());
        let client = aws_sdk_dynamodb::Client::new(&plain);
        Self {
            consumer: CartAdd::new(&env, &aws, clock).unwrap(),
            batches: BatchLoop::new("cart-add", "commands", &env, &aws, sender).unwrap(),
            links: Links::new(client.clone(), &names["LinksTable"]),
            linking: Linking::new(client.clone(), &names["LinksTable"], &names["CartsTable"]),
            carts: Carts::new(client.clone(), &names["CartsTable"]),
            settings: Settings::new(client.clone(), &names["SettingsTable"]),
            deliveries: Deliveries::new(client.clone(), &names["DeliveriesTable"]),
            ledger: Ledger::new(client, &names["LedgerTable"]),
            sqs,
            queues,
            requests,
        }
    }

    async fn link(&self, user: &str) -> CustomerId {
        let wanted = NewLink {
            account: Account::new("x".into(), user.into()),
            handle: None,
            person: Person {
                email: format!("{user}@shopper.example"),
                email_hash: user.to_owned(),
                lang: None,
                candidate: CustomerId::new(format!("customer-{user}")),
                at: NOW,
            },
        };
        self.linking.link(&wanted).await.unwrap().customer
    }

    /// Sends bodies to the queue and gives the function what Lambda would: one batch of all of them.
    async fn work_on(&self, bodies: &[String]) -> Result<usize, BatchError> {
        let untraced: Vec<(String, Option<&str>)> = bodies.iter().map(|body| (body.clone(), None)).collect();
        self.work_on_traced(&untraced).await
    }

    /// The same for bodies with X-Ray's headers beside them.
    async fn work_on_traced(&self, bodies: &[(String, Option<&str>)]) -> Result<usize, BatchError> {
        for (number, (body, header)) in bodies.iter().enumerate() {
            let header = header.map(|header| {
                let value = MessageSystemAttributeValue::builder().data_type("String").string_value(header);
                HashMap::from([(MessageSystemAttributeNameForSends::AwsTraceHeader, value.build().unwrap())])
            });
            let entry = SendMessageBatchRequestEntry::builder()
                .id(number.to_string())
                .message_body(body)
                .message_group_id(format!("group-{number}"))
                .set_message_system_attributes(header)
                .build()
                .unwrap();
            let queue = &self.queues["commands"];
            self.sqs.send_message_batch().queue_url(queue).entries(entry).send().await.unwrap();
        }
        let received = self.receive("commands", bodies.len()).await;
        let response = self.batches.run(&self.consumer, event(&received)).await?;
        Ok(response.batch_item_failures.len())
    }

    async fn decide(&self, commands: &[PostCommands]) -> Vec<PostOutcomes> {
        let bodies: Vec<String> = commands.iter().map(body).collect();
        assert_eq!(self.work_on(&bodies).await.unwrap(), 0);
        self.outcomes(commands.len()).await
    }

    async fn decide_one(&self, commands: &PostCommands) -> PostOutcomes {
        self.decide(std::slice::from_ref(commands)).await.remove(0)
    }

    /// What came out, in the order of the posts.
    async fn outcomes(&self, count: usize) -> Vec<PostOutcomes> {
        let received = self.receive("outcomes", count).await;
        let mut outcomes: Vec<PostOutcomes> = received
            .iter()
            .map(|message| match Envelope::decode(message.body().unwrap()).unwrap().body {
                Message::PostOutcomes(outcomes) => *outcomes,
                other => panic!("{other:?}"),
            })
            .collect();
        outcomes.sort_by_key(|outcomes| (outcomes.post.id.clone(), outcomes.step));
        outcomes
    }

    /// Exactly `count` messages of a queue; they are deleted there.
    async fn receive(&self, queue: &str, count: usize) -> Vec<Received> {
        let url = &self.queues[queue];
        let mut messages = Vec::new();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while messages.len() < count {
            assert!(tokio::time::Instant::now() < deadline, "{} of {count} on {queue}", messages.len());
            let output = self
                .sqs
                .receive_message()
                .queue_url(url)
                .max_number_of_messages(10)
                .wait_time_seconds(1)
                .message_system_attribute_names(MessageSystemAttributeName::All)
                .message_attribute_names("All")
                .send()
                .await
                .unwrap();
            for message in output.messages.unwrap_or_default() {
                let receipt = message.receipt_handle().unwrap();
                self.sqs.delete_message().queue_url(url).receipt_handle(receipt).send().await.unwrap();
                messages.push(message);
            }
        }
        assert_eq!(messages.len(), count);
        messages
    }
}

/// The event that Lambda makes of received messages.
fn event(messages: &[Received]) -> SqsEvent {
    let record = |message: &Received| {
        let attributes: HashMap<&str, &String> = message
            .attributes()
            .map(|all| all.iter().map(|(name, value)| (name.as_str(), value)).collect())
            .unwrap_or_default();
        serde_json::json!({
            "messageId": message.message_id(),
            "receiptHandle": message.receipt_handle(),
            "body": message.body(),
            "attributes": attributes,
            "messageAttributes": {},
            "eventSource": "aws:sqs",
        })
    };
    let records: Vec<_> = messages.iter().map(record).collect();
    serde_json::from_value(serde_json::json!({ "Records": records })).unwrap()
}

fn body(commands: &PostCommands) -> String {
    traced(commands, "the-trace")
}

fn traced(commands: &PostCommands, trace: &str) -> String {
    let message = Message::PostCommands(Box::new(commands.clone()));
    serde_json::to_string(&Envelope::new(message, NOW, Some(trace))).unwrap()
}

fn storefront() -> Storefront {
    let marketplace = |id: &str, tag: &str, currency: &str| {
        serde_json::json!({
            "id": id,
            "cart_tags": [tag],
            "hosts": [format!("{id}.acme.example")],
            "shop": {"platform": "template", "checkout_url": "https://acme.example/c?i={items}"},
            "currency": currency,
        })
    };
    serde_json::from_value(serde_json::json!({
        "brand": "Acme",
        "marketplaces": [marketplace("us", "AcmeCart", "USD"), marketplace("uk", "AcmeBasket", "GBP")],
        "networks": [{"id": "x", "name": "X", "kind": "x", "bot_handle": "acme", "bot_id": "1"}],
        "limits": {"cart_lines": 3, "commands_per_hour": 8},
    }))
    .unwrap()
}

fn variant(marketplace: &str, product: &str, change: fn(&mut Variant)) -> Listing {
    let mut variant = Variant {
        marketplace: marketplace.into(),
        product: product.into(),
        variant: product.into(),
        title: format!("The {product}"),
        link: format!("https://{marketplace}.acme.example/{product}"),
        image_link: None,
        options: Vec::new(),
        availability: Availability::InStock,
        availability_date: None,
        price: Money::parse("15 USD").unwrap(),
        sale: None,
        deal: false,
        digital: false,
        sensitive: false,
        restricted: false,
        price_exposure: PriceExposure::Anywhere,
        max_quantity: None,
        gtin: None,
        brand: None,
    };
    change(&mut variant);
    Listing { url: variant.link.clone(), choice: None, variant }
}

fn shelf() -> Vec<Listing> {
    let size = |value: &str| vec![OptionValue { name: "size".to_owned(), value: value.to_owned() }];
    let mut sizes = [variant("us", "tee", |_| {}), variant("us", "tee", |_| {})];
    for (listing, letter) in sizes.iter_mut().zip(["S", "M"]) {
        listing.variant.variant = format!("tee-{}", letter.to_lowercase()).as_str().into();
        listing.variant.options = size(letter);
        listing.choice = Some(format!("variant={letter}"));
    }
    let mut shelf = vec![
        variant("us", "mug", |_| {}),
        variant("us", "cap", |_| {}),
        variant("us", "pen", |_| {}),
        variant("us", "pin", |_| {}),
        variant("us", "sold-out", |v| v.availability = Availability::OutOfStock),
        variant("us", "soon", |v| {
            v.availability = Availability::Preorder;
            v.availability_date = Some(NOW.plus(DAY));
        }),
        variant("us", "deal", |v| v.deal = true),
        variant("us", "ebook", |v| v.digital = true),
        variant("us", "knife", |v| v.restricted = true),
        variant("uk", "kettle", |_| {}),
    ];
    shelf.extend(sizes);
    shelf
}

fn of(product: &str) -> ProductRef {
    let marketplace = if product == "kettle" { "uk" } else { "us" };
    ProductRef { marketplace: marketplace.into(), product: product.into(), variant: None }
}

fn add(product: &str) -> Action {
    Action::Add { product: of(product), quantity: None, options: Vec::new() }
}

fn add_exactly(product: &str, quantity: u32) -> Action {
    Action::Add { product: of(product), quantity: Some(quantity), options: Vec::new() }
}

fn remove(product: &str) -> Action {
    Action::Remove { product: of(product), options: Vec::new() }
}

fn post(user: &str, id: &str, actions: Vec<Action>) -> PostCommands {
    let line = |(action, line)| CommandLine { line, marketplace: "us".into(), action };
    PostCommands {
        post: PostHead {
            network: "x".into(),
            bot: "1".into(),
            id: id.into(),
            url: None,
            author: Author { id: user.into(), handle: None },
            mentions_us: true,
            created_at: NOW,
            first_seen: NOW,
            lang: None,
            visibility: Visibility::Public,
        },
        shopper: Shopper::Account { network: "x".into(), user: user.into() },
        as_of: NOW,
        step: 0,
        source: Source::default(),
        lines: actions.into_iter().zip(1..).map(line).collect(),
    }
}

fn told(outcomes: &PostOutcomes) -> Vec<&Outcome> {
    outcomes.lines.iter().map(|line| &line.outcome).collect()
}

// ---------------------------------------------------------------- tests

#[tokio::test]
async fn a_linked_shoppers_post_ends_in_their_cart_and_one_message() {
    let world = World::new("linked").await;
    let customer = world.link("ann").await;
    let commands = post("ann", "1", vec![add_exactly("mug", 2), add("cap"), remove("cap")]);
    assert_eq!(world.work_on(&[body(&commands)]).await.unwrap(), 0);
    let message = world.receive("outcomes", 1).await.remove(0);
    let group = message.attributes().unwrap().get(&MessageSystemAttributeName::MessageGroupId);
    assert_eq!(group.map(String::as_str), Some("group-0"), "the shopper stays in their group");
    let envelope = Envelope::decode(message.body().unwrap()).unwrap();
    assert_eq!((envelope.v, envelope.trace.as_str()), (1, "the-trace"));
    let Message::PostOutcomes(outcomes) = envelope.body else { panic!() };
    assert_eq!((&outcomes.customer, outcomes.step), (&Some(customer.clone()), 0));
    assert_eq!(
        told(&outcomes),
        [&Outcome::Added { quantity: 2 }, &Outcome::Added { quantity: 1 }, &Outcome::Removed]
    );
    assert_eq!(outcomes.lines[0].product.as_ref().unwrap().title, "The mug");
    let record = world.carts.read(&customer).await.unwrap();
    let lines: Vec<(String, u32)> =
        record.cart().in_cart().map(|line| (line.item.variant.to_string(), line.quantity)).collect();
    assert_eq!(lines, [("mug".to_owned(), 2)]);
}

#[tokio::test]
async fn what_comes_twice_ends_once_and_is_told_the_same() {
    let world = World::new("twice").await;
    let customer = world.link("bea").await;
    let commands = post("bea", "1", vec![add_exactly("mug", 3), Action::Help]);
    let mut all = world.decide(&[commands.clone(), commands.clone(), commands.clone()]).await;
    world.decide(&[post("bea", "2", vec![add_exactly("mug", 1)])]).await;
    all.push(world.decide_one(&commands).await);
    assert_eq!(told(&all[0]), [&Outcome::Added { quantity: 3 }, &Outcome::Helped]);
    assert!(all.iter().all(|outcomes| *outcomes == all[0]), "{all:#?}");
    assert_eq!(world.carts.read(&customer).await.unwrap().entries.len(), 3);
}

#[tokio::test]
async fn poison_goes_to_the_dead_letters_and_its_batch_mates_go_on() {
    let world = World::new("poison").await;
    world.link("cal").await;
    let head = post("cal", "0", vec![]).post;
    let misplaced = Message::Post(Box::new(Post {
        head,
        text: String::new(),
        tags: Vec::new(),
        links: Vec::new(),
        parent: None,
        quoted: None,
    }));
    let poison = [
        "not {json".to_owned(),
        r#"{"v":9,"body":{}}"#.to_owned(),
        r#"{"v":1,"id":"i","at":1,"trace":"t","body":{"type":"PostCommands","post":{}}}"#.to_owned(),
        serde_json::to_string(&Envelope::new(misplaced, NOW, None)).unwrap(),
    ];
    let mut bodies = poison.to_vec();
    bodies.insert(2, body(&post("cal", "1", vec![add("mug")])));
    assert_eq!(world.work_on(&bodies).await.unwrap(), 0, "what is dead-lettered is done");
    assert_eq!(told(&world.outcomes(1).await[0]), [&Outcome::Added { quantity: 1 }]);

    let dead = world.receive("commands-dead", 4).await;
    let mut dead_bodies: Vec<&str> = dead.iter().map(|message| message.body().unwrap()).collect();
    let mut expected: Vec<&str> = poison.iter().map(String::as_str).collect();
    dead_bodies.sort_unstable();
    expected.sort_unstable();
    assert_eq!(dead_bodies, expected, "byte for byte");
    for message in &dead {
        let attributes = message.message_attributes().unwrap();
        let text = |name: &str| attributes[name].string_value().unwrap().to_owned();
        assert_eq!((text("function").as_str(), text("kind").as_str()), ("cart-add", "permanent"));
        assert!(!text("reason").is_empty());
    }
}

#[tokio::test]
async fn each_record_goes_on_in_its_own_trace_the_dead_letters_too() {
    let world = World::new("traces").await;
    let headers = ['a', 'b', 'c', 'd'].map(|digit| {
        let random = String::from(digit).repeat(24);
        format!("Root=1-5759e988-{random};Parent=53995c3f42cd8ad8;Sampled=1")
    });
    let [ada, ben, poison, lost] = &headers;
    let commands = |id: &str| post("tia", id, vec![Action::Help]);
    let misplaced = Message::PostOutcomes(Box::new(PostOutcomes {
        post: commands("3").post,
        customer: None,
        step: 0,
        decided_at: NOW,
        lines: Vec::new(),
    }));
    let misplaced = serde_json::to_string(&Envelope::new(misplaced, NOW, Some(poison))).unwrap();
    let batch = [
        (traced(&commands("1"), ada), Some(ada.as_str())),
        ("not {json".to_owned(), Some(lost.as_str())),
        // What was put back by hand may have lost the header.
        (traced(&commands("2"), ben), None),
        (misplaced, None),
    ];
    assert_eq!(world.work_on_traced(&batch).await.unwrap(), 0);

    let header = |message: &Received| {
        let attributes = message.attributes().unwrap();
        attributes.get(&MessageSystemAttributeName::AwsTraceHeader).cloned().unwrap_or_default()
    };
    let mut told: Vec<(String, String, String)> = Vec::new();
    for message in world.receive("outcomes", 2).await {
        let envelope = Envelope::decode(message.body().unwrap()).unwrap();
        told.push((envelope.body.post(), envelope.trace.clone(), header(&message)));
    }
    told.sort();
    let expected = |post: &str, trace: &String| (post.to_owned(), trace.clone(), trace.clone());
    assert_eq!(told, [expected("x#1", ada), expected("x#2", ben)]);
    let mut dead: Vec<String> = world.receive("commands-dead", 2).await.iter().map(header).collect();
    dead.sort();
    assert_eq!(dead, [poison.clone(), lost.clone()]);
}

#[tokio::test]
async fn what_an_unlinked_shopper_asks_waits_for_the_link() {
    let world = World::new("parked").await;
    let early = post("dot", "1", vec![add_exactly("mug", 2), Action::Help, add("cap")]);
    let gone = post("dot", "2", vec![add("pen")]);
    for _ in 0..2 {
        let outcomes = world.decide_one(&early).await;
        assert_eq!(outcomes.customer, None);
        assert_eq!(told(&outcomes), [&Outcome::NotLinked, &Outcome::Helped, &Outcome::NotLinked]);
    }
    world.decide_one(&gone).await;
    let erasure = PostCommands::erasure(
        gone.post.post_ref(),
        "1".into(),
        "dot".into(),
        MarketplaceId::new("us"),
        NOW,
        NOW,
    );
    assert_eq!(told(&world.decide_one(&erasure).await), [&Outcome::Erased]);
    assert!(world.deliveries.erased(&gone.post.post_ref()).await.unwrap());

    let customer = world.link("dot").await;
    let account = Account::new("x".into(), "dot".into());
    let parked = world.links.parked(&account, NOW).await.unwrap();
    assert_eq!(parked.len(), 3);
    let released: Vec<PostCommands> = parked.iter().map(PostCommands::released).collect();
    let outcomes = world.decide(&released).await;
    let of_early = outcomes.iter().find(|outcomes| outcomes.post.id.as_str() == "1").unwrap();
    assert_eq!((of_early.step, &of_early.customer), (1, &Some(customer.clone())));
    assert_eq!(told(of_early), [&Outcome::Added { quantity: 2 }, &Outcome::Added { quantity: 1 }]);
    let cart = world.carts.read(&customer).await.unwrap().cart();
    let variants: Vec<&str> = cart.in_cart().map(|line| line.item.variant.as_str()).collect();
    assert_eq!(variants, ["cap", "mug"], "the deleted post's product isn't there");
}

/// The batch's common read says nothing of a link that is made while the batch runs.
#[tokio::test]
async fn a_link_made_while_the_commands_are_under_way_is_found() {
    let world = World::new("meanwhile").await;
    let input = Envelope::decode(&body(&post("eli", "1", vec![add("mug")]))).unwrap();
    let batch = [Delivery { message_id: "m".to_owned(), receives: 1, group: "g".to_owned(), input }];
    let prepared = world.consumer.prepare(&batch).await.unwrap();
    world.link("eli").await;
    let outgoing = world.consumer.handle(&batch[0], &prepared).await.unwrap();
    let [Outgoing { message: Message::PostOutcomes(outcomes), .. }] = outgoing.as_slice() else { panic!() };
    assert_eq!(told(outcomes), [&Outcome::Added { quantity: 1 }]);
}

#[tokio::test]
async fn every_refusal_has_its_name() {
    let world = World::new("refusals").await;
    let cases: Vec<(&str, Action, Outcome)> = vec![
        ("sold-out", add("sold-out"), Outcome::OutOfStock),
        ("soon", add("soon"), Outcome::Preordered { quantity: 1, available_on: Some(NOW.plus(DAY)) }),
        ("deal", add("deal"), Outcome::DealExcluded),
        ("ebook", add("ebook"), Outcome::DigitalExcluded),
        ("knife", add("knife"), Outcome::Restricted),
        ("kettle", add("kettle"), Outcome::WrongMarketplace { right: "uk".into() }),
        ("nothing", add("nothing"), Outcome::UnknownProduct),
        ("capped", add_exactly("mug", 99), Outcome::QuantityCapped { asked: 99, got: 10 }),
        ("absent", remove("mug"), Outcome::NotInCart),
        ("no-link", Action::Refused { refusal: Outcome::NoProductLink }, Outcome::NoProductLink),
    ];
    for (user, action, expected) in cases {
        world.link(user).await;
        let outcomes = world.decide_one(&post(user, user, vec![action])).await;
        assert_eq!(told(&outcomes), [&expected]);
    }

    world.link("fay").await;
    let outcomes = world.decide_one(&post("fay", "fay-1", vec![add("tee")])).await;
    let Outcome::ChooseOption { candidates } = &outcomes.lines[0].outcome else { panic!("{outcomes:?}") };
    assert_eq!(candidates.iter().map(|c| c.options.as_str()).collect::<Vec<_>>(), ["S", "M"]);

    let four = post("fay", "fay-2", vec![add("mug"), add("cap"), add("pen"), add("pin")]);
    let outcomes = world.decide_one(&four).await;
    assert_eq!(told(&outcomes)[3], &Outcome::CartFull);
    let more = post("fay", "fay-3", vec![Action::Help, remove("mug"), remove("cap"), remove("pen")]);
    let outcomes = world.decide_one(&more).await;
    assert_eq!(told(&outcomes)[2..], [&Outcome::Removed, &Outcome::RateLimited]);

    for user in ["gus", "unlinked-gus"] {
        let account = Account::new("x".into(), user.into());
        world.settings.block(&account, NOW).await.unwrap();
    }
    world.link("gus").await;
    let blocked = [post("gus", "gus-1", vec![add("mug")]), post("unlinked-gus", "gus-2", vec![add("mug")])];
    for outcomes in world.decide(&blocked).await {
        assert_eq!(told(&outcomes), [&Outcome::Blocked]);
    }

    let old = |user: &str, id: &str| {
        let mut old = post(user, id, vec![add("mug")]);
        old.as_of = NOW.minus(DAY * 91);
        old
    };
    world.link("hal").await;
    for outcomes in world.decide(&[old("hal", "hal-1"), old("unlinked-hal", "hal-2")]).await {
        assert_eq!(told(&outcomes), [&Outcome::TooOld]);
    }
    let nobody = Account::new("x".into(), "unlinked-hal".into());
    assert_eq!(world.links.parked(&nobody, NOW).await.unwrap(), []);
}

#[tokio::test]
async fn stop_and_start_work_for_who_never_linked() {
    let world = World::new("stop").await;
    let account = Account::new("x".into(), "ida".into());
    assert_eq!(told(&world.decide_one(&post("ida", "1", vec![Action::Stop])).await), [&Outcome::Stopped]);
    assert!(world.links.stopped(&account).await.unwrap());
    let mut earlier = post("ida", "2", vec![Action::Start]);
    earlier.as_of = NOW.minus(DAY);
    assert_eq!(told(&world.decide_one(&earlier).await), [&Outcome::Superseded]);
    assert!(world.links.stopped(&account).await.unwrap());
    assert_eq!(told(&world.decide_one(&post("ida", "3", vec![Action::Start])).await), [&Outcome::Started]);
    assert!(!world.links.stopped(&account).await.unwrap());
    assert_eq!(world.links.link(&account).await.unwrap(), None);
}

#[tokio::test]
async fn an_unlinked_account_can_ask_so_often_and_still_stop() {
    let world = World::new("noise").await;
    for n in 0..8 {
        let help = post("joe", &format!("h{n}"), vec![Action::Help]);
        assert_eq!(told(&world.decide_one(&help).await), [&Outcome::Helped]);
    }
    let more = post("joe", "h8", vec![Action::Help, add("mug"), Action::Stop]);
    let outcomes = world.decide_one(&more).await;
    assert_eq!(told(&outcomes), [&Outcome::RateLimited, &Outcome::RateLimited, &Outcome::Stopped]);
}

#[tokio::test]
async fn a_deleted_post_takes_back_what_it_asked_for_in_either_order() {
    let world = World::new("erased").await;
    let customer = world.link("kim").await;
    for (id, deletion_first) in [("e1", false), ("e2", true)] {
        let asked = post("kim", id, vec![add("mug")]);
        let erasure =
            PostCommands::erasure(asked.post.post_ref(), "1".into(), "kim".into(), "us".into(), NOW, NOW);
        let order = if deletion_first { [&erasure, &asked] } else { [&asked, &erasure] };
        for commands in order {
            world.decide_one(commands).await;
        }
        let cart = world.carts.read(&customer).await.unwrap().cart();
        assert_eq!(cart.in_cart().count(), 0, "{id}");
        assert!(world.deliveries.erased(&PostRef { network: "x".into(), id: id.into() }).await.unwrap());
    }
}

#[tokio::test]
async fn an_order_of_the_shop_takes_what_was_bought_out_of_the_cart() {
    let world = World::new("order").await;
    let customer = world.link("lea").await;
    let mut brought = post("lea", "o-1", vec![add_exactly("mug", 3)]);
    brought.source.campaign = Some("autumn".into());
    world.decide_one(&brought).await;
    let mug = ProductRef { variant: Some("mug".into()), ..of("mug") };
    let mut order =
        post("shop", "o-2", vec![Action::Purchase { order: "1001".into(), product: mug, quantity: 1 }]);
    order.shopper = Shopper::Customer(customer.clone());
    assert_eq!(told(&world.decide_one(&order).await), [&Outcome::Purchased { quantity: 1 }]);
    let cart = world.carts.read(&customer).await.unwrap().cart();
    assert_eq!(cart.in_cart().map(|line| line.quantity).collect::<Vec<_>>(), [2]);
    let rows = world.ledger.day(&"us".into(), &day(NOW)).await.unwrap();
    let autumn = rows.iter().filter(|row| row.source.campaign == Some("autumn".into())).count();
    assert_eq!(autumn, 2, "added and purchased");
}

#[tokio::test]
async fn what_comes_after_the_data_was_deleted_leaves_no_trace_of_its_own() {
    let world = World::new("gone").await;
    let customer = world.link("gil").await;
    let mug = ProductRef { variant: Some("mug".into()), ..of("mug") };
    let bought = Action::Purchase { order: "1002".into(), product: mug, quantity: 1 };
    let mut order = post("shop", "gone-1", vec![bought]);
    order.shopper = Shopper::Customer(customer.clone());
    world.linking.erase(&customer).await.unwrap();
    assert_eq!(world.work_on(&[body(&order)]).await.unwrap(), 0);
    assert_eq!(world.carts.read(&customer).await.unwrap().entries, []);
    // The account is nobody's again.
    let outcomes = world.decide_one(&post("gil", "gone-2", vec![add_exactly("mug", 1)])).await;
    assert_eq!((told(&outcomes).as_slice(), &outcomes.customer), ([&Outcome::NotLinked].as_slice(), &None));
}

#[tokio::test]
async fn without_a_storefront_everything_waits() {
    let world = World::with_settings_in("no-storefront", "LedgerTable").await;
    let result = world.work_on(&[body(&post("mo", "1", vec![add("mug")]))]).await;
    assert!(matches!(result, Err(BatchError::All(1))), "{result:?}");
}

/// The budget: at most three requests to DynamoDB for each cart add, in a batch of ten.
#[tokio::test]
async fn ten_adds_take_at_most_thirty_requests() {
    let world = World::new("budget").await;
    let users: Vec<String> = (0..10).map(|n| format!("budget-{n}")).collect();
    for user in &users {
        world.link(user).await;
    }
    // The first event reads the configuration, once a minute.
    world.decide_one(&post("budget-0", "warm", vec![Action::Help])).await;
    let batch: Vec<PostCommands> = users.iter().map(|user| post(user, user, vec![add("mug")])).collect();
    world.requests.store(0, Ordering::SeqCst);
    let outcomes = world.decide(&batch).await;
    assert!(outcomes.iter().all(|outcomes| told(outcomes) == [&Outcome::Added { quantity: 1 }]));
    let requests = world.requests.load(Ordering::SeqCst);
    assert_eq!(requests, 22, "one for all links, one for the product, a read and a write for each cart");
}
