//! Posts to commands: tables and queues in the emulator, the network and the shortener as a server on
//! this machine.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as expected")]
#![expect(clippy::panic, reason = "a test stops where something is not as expected")]
#![expect(clippy::indexing_slicing, reason = "a test stops where something is not as expected")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header::LOCATION};
use axum::response::{IntoResponse as _, Response};
use classify::{Classify, ClassifyError, Configured};
use domain::Retryable as _;
use domain::command::{Action, PostCommands, Shopper, Source};
use domain::ids::NetworkId;
use domain::money::Money;
use domain::outcome::Outcome;
use domain::post::{Author, Post, PostHead, Related, RelatedPost, Visibility};
use domain::product::{Availability, Listing, PriceExposure, ProductRef, Variant};
use domain::storefront::{NetworkKind, Storefront};
use domain::time::Timestamp;
use lambda::aws::Aws;
use lambda::batch::{BatchLoop, Consumer as _, Delivery};
use lambda::clock::Clock;
use lambda::env::Environment;
use lambda::envelope::{Envelope, Message};
use lambda::queue::{Outgoing, Queue, Sender};
use store::catalog::Catalog;
use store::settings::{Pause, Settings};

/// A network that shows posts, and a shortener: what each path answers, and how often it was asked.
#[derive(Clone, Default)]
struct Web {
    answers: Arc<Mutex<HashMap<String, (u16, String)>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Web {
    async fn start() -> (Self, u16) {
        let web = Self::default();
        let answer = async |State(web): State<Self>, Path(path): Path<String>| web.answer(&path);
        let router =
            axum::Router::new().route("/{*path}", axum::routing::get(answer)).with_state(web.clone());
        let listener = tokio::net::TcpListener::bind(("localhost", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, router).await });
        (web, port)
    }

    fn answer(&self, path: &str) -> Response {
        self.asked.lock().unwrap().push(path.to_owned());
        let known = self.answers.lock().unwrap().get(path).cloned();
        let (status, body) = known.unwrap_or((404, String::new()));
        let status = StatusCode::from_u16(status).unwrap();
        if status.is_redirection() {
            return (status, [(LOCATION, body)]).into_response();
        }
        (status, body).into_response()
    }

    fn says(&self, path: &str, status: u16, body: &str) {
        self.answers.lock().unwrap().insert(path.to_owned(), (status, body.to_owned()));
    }

    /// A post of the brand with these links.
    fn shows(&self, id: &str, links: &[&str]) {
        let links: Vec<String> = links.iter().map(|link| format!("{link:?}")).collect();
        let body = format!(
            r#"{{"id":"{id}","author":{{"id":"acme"}},"text":"Look!","links":[{}],"url":"https://net.example/{id}"}}"#,
            links.join(",")
        );
        self.says(&format!("posts/{id}"), 200, &body);
    }

    fn asked(&self, path: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| *asked == path).count()
    }
}

/// Gives a variable by its name.
type ReadVariable = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Everything that one test needs.
struct World {
    web: Web,
    port: u16,
    env: Arc<ReadVariable>,
    aws: Aws,
    settings: Settings,
    classify: Classify,
}

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-21T10:00:00Z").unwrap()
}

impl World {
    async fn new() -> Self {
        Self::with(|_| ()).await
    }

    async fn with(change: impl FnOnce(&mut Storefront)) -> Self {
        let (web, port) = Web::start().await;
        let account = emulator::shared().await.unwrap().test_account().unwrap();
        let deployment =
            emulator::Deployment::new("classify-test").parameter("MailFrom", "shop@acme.example");
        let stack = deployment.deploy_data(&account).await.unwrap();
        let output = |name: &str| stack.output(name).unwrap().to_owned();
        let vars: HashMap<&str, String> = HashMap::from([
            ("HASHCART_STAGE", "local".to_owned()),
            ("HASHCART_PUBLIC_URL", format!("http://localhost:{port}")),
            ("HASHCART_TABLE_SETTINGS", output("SettingsTable")),
            ("HASHCART_TABLE_CATALOG", output("CatalogTable")),
            ("HASHCART_QUEUE_POSTS", output("PostsQueue")),
            ("HASHCART_QUEUE_COMMANDS", output("CommandsQueue")),
            ("HASHCART_DLQ_POSTS", output("PostsDeadLetters")),
        ]);
        let env = Arc::new(move |name: &str| vars.get(name).cloned());
        let aws = Aws::from_config(account.sdk_config());
        let settings = Settings::new(aws.dynamodb(), env("HASHCART_TABLE_SETTINGS").unwrap());
        let mut storefront = storefront(port);
        change(&mut storefront);
        settings.push(&storefront, None, now()).await.unwrap();
        shelve(&Catalog::new(aws.dynamodb(), env("HASHCART_TABLE_CATALOG").unwrap())).await;
        let classify = Self::wire(&env, &aws);
        Self { web, port, env, aws, settings, classify }
    }

    fn wire(
        env: &Arc<impl Fn(&str) -> Option<String> + Send + Sync + ?Sized + 'static>,
        aws: &Aws,
    ) -> Classify {
        let vars = Arc::clone(env);
        let env = Environment::from_fn(move |name| vars(name)).unwrap();
        Classify::new(&env, aws, Clock::from_fn(now)).unwrap()
    }

    async fn configured(&self) -> Arc<Configured> {
        self.classify.prepare(&[]).await.unwrap()
    }

    async fn send(&self, post: Post, receives: u32) -> Result<Vec<Outgoing>, ClassifyError> {
        self.classify.handle(&delivery(post, receives), &self.configured().await).await
    }

    async fn commands(&self, post: Post) -> PostCommands {
        let mut out = self.send(post, 1).await.unwrap();
        assert_eq!(out.len(), 1);
        let out = out.remove(0);
        assert_eq!((out.queue, out.group.as_str(), out.delay), (Queue::Commands, "group", None));
        match out.message {
            Message::PostCommands(commands) => *commands,
            other => panic!("{other:?}"),
        }
    }

    async fn actions(&self, post: Post) -> Vec<Action> {
        self.commands(post).await.lines.into_iter().map(|line| line.action).collect()
    }

    fn short(&self, path: &str) -> String {
        format!("http://localhost:{}/{path}", self.port)
    }
}

/// The demonstration storefront, its own network at `port`.
fn storefront(port: u16) -> Storefront {
    let mut storefront: Storefront = toml::from_str(include_str!("../../../demo/storefront.toml")).unwrap();
    storefront.short_link_hosts = vec!["localhost".to_owned()];
    if let NetworkKind::Generic { post_url, .. } = &mut storefront.networks[0].kind {
        *post_url = Some(format!("http://localhost:{port}/posts/{{id}}"));
    }
    storefront
}

fn listing(marketplace: &str, product: &str, variant: &str, choice: Option<&str>) -> Listing {
    let (host, currency) = if marketplace == "us" { ("acme", "USD") } else { ("acme-uk", "GBP") };
    Listing {
        url: format!("https://{host}.example/p/{product}"),
        choice: choice.map(str::to_owned),
        variant: Variant {
            marketplace: marketplace.into(),
            product: product.into(),
            variant: variant.into(),
            title: format!("The {product}"),
            link: format!("https://{host}.example/p/{product}"),
            image_link: None,
            options: vec![],
            availability: Availability::InStock,
            availability_date: None,
            price: Money::parse(&format!("25 {currency}")).unwrap(),
            sale: None,
            deal: false,
            digital: false,
            sensitive: false,
            restricted: false,
            price_exposure: PriceExposure::Anywhere,
            max_quantity: None,
            gtin: None,
            brand: None,
        },
    }
}

async fn shelve(catalog: &Catalog) {
    let us = [
        listing("us", "mug", "mug", None),
        listing("us", "lamp", "lamp", None),
        listing("us", "tee", "tee-s", Some("variant=s")),
        listing("us", "tee", "tee-m", Some("variant=m")),
    ];
    for (marketplace, shelf) in [("us", us.as_slice()), ("uk", &[listing("uk", "mug", "mug", None)])] {
        let mut import = catalog.import(&marketplace.into(), false).await.unwrap();
        for listing in shelf {
            import.put(listing).await.unwrap();
        }
        import.settle().await.unwrap();
    }
}

fn network() -> NetworkId {
    toml::from_str::<Storefront>(include_str!("../../../demo/storefront.toml")).unwrap().networks[0]
        .id
        .clone()
}

fn post(text: &str, links: &[&str]) -> Post {
    Post {
        head: PostHead {
            network: network(),
            bot: "acme".into(),
            id: "p1".into(),
            url: Some("https://net.example/p1".to_owned()),
            author: Author { id: "alice".into(), handle: Some("alice".to_owned()) },
            mentions_us: true,
            created_at: now(),
            first_seen: now(),
            lang: None,
            visibility: Visibility::Public,
        },
        text: text.to_owned(),
        tags: text.split(' ').filter_map(|word| word.strip_prefix('#')).map(str::to_owned).collect(),
        links: links.iter().map(|link| (*link).to_owned()).collect(),
        parent: None,
        quoted: None,
    }
}

fn answering(text: &str, parent: Related) -> Post {
    Post { parent: Some(parent), ..post(text, &[]) }
}

fn inline(links: &[&str]) -> Related {
    Related::Inline(Box::new(RelatedPost {
        id: "parent".into(),
        author: Some("acme".into()),
        links: links.iter().map(|link| (*link).to_owned()).collect(),
        url: Some("https://net.example/parent".to_owned()),
    }))
}

fn delivery(post: Post, receives: u32) -> Delivery<Envelope> {
    let input = Envelope::new(Message::Post(Box::new(post)), now(), None);
    Delivery { message_id: "m".to_owned(), receives, group: "group".to_owned(), input }
}

fn product(marketplace: &str, id: &str, variant: Option<&str>) -> ProductRef {
    ProductRef { marketplace: marketplace.into(), product: id.into(), variant: variant.map(Into::into) }
}

fn add(product: ProductRef) -> Action {
    Action::Add { product, quantity: None, options: vec![] }
}

fn refused(refusal: Outcome) -> Vec<Action> {
    vec![Action::Refused { refusal }]
}

#[tokio::test]
async fn a_link_of_its_own_becomes_a_command() {
    let world = World::new().await;
    let link = "https://www.acme.example/p/mug/?utm_source=x&aff=alice-21";
    let commands = world.commands(post(&format!("@acme #AcmeCart {link}"), &[link])).await;
    assert_eq!(commands.shopper, Shopper::Account { network: network(), user: "alice".into() });
    assert_eq!((commands.as_of, commands.step), (now(), 0));
    assert_eq!(commands.post, post("", &[]).head);
    assert_eq!(commands.lines.len(), 1);
    assert_eq!((commands.lines[0].line, commands.lines[0].marketplace.as_str()), (1, "us"));
    assert_eq!(commands.lines[0].action, add(product("us", "mug", Some("mug"))));
    let source = Source {
        post_url: Some("https://net.example/p1".to_owned()),
        post_author: None,
        affiliate: Some("alice-21".to_owned()),
        campaign: None,
    };
    assert_eq!(commands.source, source);
}

#[tokio::test]
async fn a_variant_in_the_link_is_chosen_and_several_links_are_several_lines() {
    let world = World::new().await;
    let links =
        ["https://acme.example/p/tee?variant=m", "https://acme.example/p/tee", "https://acme.example/p/no"];
    let text = format!("#AcmeCart {}", links.join(" "));
    assert_eq!(
        world.actions(post(&text, &links)).await,
        [
            add(product("us", "tee", Some("tee-m"))),
            add(product("us", "tee", None)),
            Action::Refused { refusal: Outcome::UnknownProduct },
        ]
    );
}

#[tokio::test]
async fn a_product_of_the_other_marketplace_is_told_apart() {
    let world = World::new().await;
    let link = "https://acme.example/p/mug";
    assert_eq!(
        world.actions(post(&format!("#AcmeBasket {link}"), &[link])).await,
        refused(Outcome::WrongMarketplace { right: "us".into() })
    );
}

#[tokio::test]
async fn what_the_answered_post_shows_is_meant() {
    let world = World::new().await;
    let links = ["https://blog.example/", "https://acme.example/p/lamp?utm_source=a&aff=blogger"];
    let commands = world.commands(answering("@acme #AcmeCart x2 #AcmeAutumn", inline(&links))).await;
    let expected =
        Action::Add { product: product("us", "lamp", Some("lamp")), quantity: Some(2), options: vec![] };
    assert_eq!(commands.lines[0].action, expected);
    let source = Source {
        post_url: Some("https://net.example/parent".to_owned()),
        post_author: Some("acme".into()),
        affiliate: Some("blogger".to_owned()),
        campaign: Some("autumn".into()),
    };
    assert_eq!(commands.source, source);
}

#[tokio::test]
async fn one_product_linked_twice_is_no_choice_and_two_products_are() {
    let world = World::new().await;
    let twice = ["https://acme.example/p/mug?utm_source=a", "https://www.acme.example/p/mug/?utm_source=b"];
    assert_eq!(
        world.actions(answering("@acme #AcmeCart", inline(&twice))).await,
        [add(product("us", "mug", Some("mug")))]
    );
    let two = ["https://acme.example/p/mug", "https://acme.example/p/lamp"];
    let actions = world.actions(answering("@acme #AcmeCart", inline(&two))).await;
    match &actions[..] {
        [Action::Refused { refusal: Outcome::ChooseOption { candidates } }] => {
            let titles: Vec<_> = candidates.iter().map(|c| c.title.as_str()).collect();
            assert_eq!(titles, ["The mug", "The lamp"]);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_answered_post_is_read_from_its_network_once() {
    let world = World::new().await;
    world.web.shows("77", &["https://acme.example/p/mug"]);
    for _ in 0..3 {
        let commands = world.commands(answering("@acme #AcmeCart", Related::Ref("77".into()))).await;
        assert_eq!(commands.lines[0].action, add(product("us", "mug", Some("mug"))));
        assert_eq!(commands.source.post_author, Some("acme".into()));
    }
    assert_eq!(world.web.asked("posts/77"), 1);
}

#[tokio::test]
async fn own_links_make_reading_the_answered_post_needless() {
    let world = World::new().await;
    let link = "https://acme.example/p/mug";
    let mut own = post(&format!("#AcmeCart {link}"), &[link]);
    own.parent = Some(Related::Ref("77".into()));
    assert_eq!(world.actions(own).await.len(), 1);
    let mut help = post("@acme #AcmeCart help", &[]);
    help.parent = Some(Related::Ref("77".into()));
    assert_eq!(world.actions(help).await, [Action::Help]);
    assert_eq!(world.web.asked("posts/77"), 0);
}

#[tokio::test]
async fn a_post_that_shows_nothing_or_is_gone_is_an_answer() {
    let world = World::new().await;
    world.web.shows("blog", &["https://blog.example/"]);
    assert_eq!(world.actions(post("@acme #AcmeCart", &[])).await, refused(Outcome::NoProductLink));
    assert_eq!(
        world.actions(answering("@acme #AcmeCart", Related::Ref("blog".into()))).await,
        refused(Outcome::NoProductLink)
    );
    assert_eq!(
        world.actions(answering("@acme #AcmeCart", Related::Ref("gone".into()))).await,
        refused(Outcome::ParentUnavailable)
    );
    assert_eq!(
        world.actions(answering("@acme #AcmeCart", inline(&["https://acme.example/p/nothing"]))).await,
        refused(Outcome::UnknownProduct)
    );
}

#[tokio::test]
async fn a_quoted_post_counts_where_the_answered_one_shows_nothing() {
    let world = World::new().await;
    let mut quoting = answering("@acme #AcmeCart", Related::Ref("gone".into()));
    quoting.quoted = Some(inline(&["https://acme.example/p/mug"]));
    assert_eq!(world.actions(quoting).await, [add(product("us", "mug", Some("mug")))]);
}

#[tokio::test]
async fn short_links_are_followed_and_remembered() {
    let world = World::new().await;
    world.web.says("s/mug", 301, "https://acme.example/p/mug?utm_source=short");
    world.web.says("s/away", 302, "https://evil.example/p/mug");
    world.web.says("s/dead", 404, "");
    for _ in 0..2 {
        let parent = inline(&[&world.short("s/mug")]);
        assert_eq!(
            world.actions(answering("@acme #AcmeCart", parent)).await,
            [add(product("us", "mug", Some("mug")))]
        );
    }
    assert_eq!(world.web.asked("s/mug"), 1);
    for path in ["s/away", "s/dead"] {
        let parent = inline(&[&world.short(path)]);
        assert_eq!(
            world.actions(answering("@acme #AcmeCart", parent)).await,
            refused(Outcome::NoProductLink),
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_is_not_for_us_costs_no_request() {
    let world = World::new().await;
    let configured = world.configured().await;
    // Another function that reaches nothing: every request would fail.
    let nowhere = world.aws.config().to_builder().endpoint_url("http://127.0.0.1:1").build();
    let cut_off = World::wire(&world.env, &Aws::from_config(nowhere));
    let link = "https://acme.example/p/mug";
    for text in ["look at this", "#AcmeCartoon", "@acme nice!", "https://acme.example/#AcmeCart"] {
        let mut foreign = post(text, &[link]);
        foreign.parent = Some(Related::Ref("77".into()));
        let out = cut_off.handle(&delivery(foreign, 1), &configured).await.unwrap();
        assert_eq!(out, [], "{text}");
    }
    let ours = delivery(post(&format!("#AcmeCart {link}"), &[link]), 1);
    assert!(matches!(cut_off.handle(&ours, &configured).await, Err(ClassifyError::Store(_))));
    assert_eq!(world.web.asked("posts/77"), 0);
}

#[tokio::test]
async fn an_outage_of_the_network_is_waited_for() {
    let world = World::new().await;
    world.web.says("posts/77", 503, "");
    let asking = || answering("@acme #AcmeCart", Related::Ref("77".into()));
    let error = world.send(asking(), 1).await.unwrap_err();
    assert!(error.retryable());

    // The last try puts it back into the queue instead of giving it up.
    let held = world.send(asking(), 5).await.unwrap();
    assert_eq!(held.len(), 1);
    assert_eq!((held[0].queue, held[0].group.as_str()), (Queue::Posts, "group"));
    assert!((300..=900).contains(&held[0].delay.unwrap().as_secs()));
    assert_eq!(held[0].message, Message::Post(Box::new(asking())));

    // After a day the shopper is told; until then it may still go well.
    let mut old = asking();
    old.head.first_seen = now().minus(Duration::from_secs(24 * 3600));
    assert!(world.send(old.clone(), 4).await.unwrap_err().retryable());
    let told = world.send(old, 5).await.unwrap();
    match &told[0].message {
        Message::PostCommands(commands) => {
            assert_eq!(commands.lines[0].action, Action::Refused { refusal: Outcome::ParentUnavailable });
        }
        other => panic!("{other:?}"),
    }
    world.web.shows("77", &["https://acme.example/p/mug"]);
    assert_eq!(world.actions(asking()).await, [add(product("us", "mug", Some("mug")))]);
}

#[tokio::test]
async fn an_answer_that_can_not_be_read_is_permanent() {
    let world = World::new().await;
    world.web.says("posts/77", 200, "<html>");
    let error = world.send(answering("@acme #AcmeCart", Related::Ref("77".into())), 1).await.unwrap_err();
    assert!(matches!(error, ClassifyError::Parent(_)) && !error.retryable(), "{error:?}");
}

#[tokio::test]
async fn a_paused_network_waits_in_the_queue() {
    let world = World::new().await;
    let pause = Pause { all: true, ..Pause::default() };
    world.settings.pause(&network(), pause).await.unwrap();
    let held = world.send(post("@acme #AcmeCart", &[]), 1).await.unwrap();
    assert_eq!(held[0].queue, Queue::Posts);
    assert!(held[0].delay.is_some());
    assert_eq!(world.send(post("hello", &[]), 1).await.unwrap(), []);
}

#[tokio::test]
async fn without_a_storefront_it_waits() {
    let world = World::new().await;
    let vars = Arc::clone(&world.env);
    let empty = Arc::new(move |name: &str| match name {
        // A table that holds no storefront.
        "HASHCART_TABLE_SETTINGS" => vars("HASHCART_TABLE_CATALOG"),
        name => vars(name),
    });
    let error = World::wire(&empty, &world.aws).prepare(&[]).await.unwrap_err();
    assert!(matches!(error, ClassifyError::NoStorefront) && error.retryable());
}

#[tokio::test]
async fn through_the_batch_loop_to_the_queue() {
    let world = World::new().await;
    let vars = Arc::clone(&world.env);
    let env = Environment::from_fn(move |name| vars(name)).unwrap();
    let sender = Sender::new(&world.aws, &env, Clock::from_fn(now));
    let batches = BatchLoop::new("classify", "posts", &env, &world.aws, sender).unwrap();
    let link = "https://acme.example/p/mug";
    let envelope = |message| serde_json::to_string(&Envelope::new(message, now(), Some("trace-1"))).unwrap();
    let ours = envelope(Message::Post(Box::new(post(&format!("#AcmeCart {link}"), &[link]))));
    let outcomes = domain::outcome::PostOutcomes {
        post: post("", &[]).head,
        customer: None,
        step: 0,
        decided_at: now(),
        lines: vec![],
    };
    let stray = envelope(Message::PostOutcomes(Box::new(outcomes)));
    let record = |id: &str, body: &str| {
        serde_json::json!({
            "messageId": id, "receiptHandle": id, "body": body, "messageAttributes": {},
            "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": "g"},
        })
    };
    let event = serde_json::json!({"Records": [record("1", &ours), record("2", &stray), record("3", "{")]});
    let response = batches.run(&world.classify, serde_json::from_value(event).unwrap()).await.unwrap();
    assert_eq!(response.batch_item_failures.len(), 0, "the strays are dead-lettered");

    let receive = async |name: &str, count: usize| {
        let mut bodies = Vec::new();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        while bodies.len() < count && tokio::time::Instant::now() < deadline {
            let request = world.aws.sqs().receive_message().queue_url((world.env)(name).unwrap());
            let received = request.max_number_of_messages(10).wait_time_seconds(1).send().await.unwrap();
            bodies.extend(received.messages.unwrap_or_default().into_iter().filter_map(|m| m.body));
        }
        bodies
    };
    let commands = receive("HASHCART_QUEUE_COMMANDS", 1).await;
    assert_eq!(commands.len(), 1);
    let envelope = Envelope::decode(&commands[0]).unwrap();
    assert_eq!((envelope.trace.as_str(), envelope.body.name()), ("trace-1", "PostCommands"));
    let mut dead = receive("HASHCART_DLQ_POSTS", 2).await;
    dead.sort();
    let mut expected = [stray, "{".to_owned()];
    expected.sort();
    assert_eq!(dead, expected);
}
