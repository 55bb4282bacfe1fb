//! A run: the functions over their ground, fed by the plan's deeds and by Lambda's pollers, until
//! nothing moves any more.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::command::{Action, CommandLine, PostCommands, Shopper as Who, Source};
use domain::ids::CustomerId;
use domain::post::{Author, PostHead, Visibility};
use domain::product::ProductRef;
use lambda::aws::Aws;
use lambda::envelope::{Envelope, Message as Body};
use lambda::keyed::KeyedHash;
use lambda::secrets::Secret;
use lambda::token::Signer;
use networks::generic::link;
use networks::standard_webhooks;
use serde_json::json;
use store::Account;
use store::catalog::Catalog;
use store::linking::{Linking, NewLink, Person};
use store::settings::{Pause, Settings};

use super::browser::{Browser, Page, values};
use super::functions::{Ended, Function, fresh_region, sdk_config};
use super::ground::{Beside, Ground};
use super::line::{Line, OPERATOR};
use super::network::brand_post;
use super::plan::{Ask, Deed, Fault, Input, Plan, SIZED, Schedule, Showing, Standing};
use super::shop::{self, CONSUMER_SECRET, HASH_KEY, QUEUES, SIGNING_KEY, WEBHOOK_SECRET, X_BOT};
use super::sqs::Message;

/// How many environments of a function run side by side.
const CONCURRENCY: usize = 3;
const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
/// More than this many messages of one world are not redriven in vain.
const MOST_REDRIVEN: u64 = 1_000;

/// A run under way.
pub struct World {
    ground: Arc<Ground>,
    region: String,
    idle: Mutex<BTreeMap<&'static str, Vec<Function>>>,
    started: AtomicU64,
    under_way: AtomicU64,
}

/// The function that consumes a queue.
fn consumer(queue: &str) -> &'static str {
    match queue {
        "posts" => "classify",
        "commands" => "cart-add",
        _ => "notify",
    }
}

/// The id of a post on its network.
pub fn post_id(name: &str, network: &str, at: u64) -> String {
    match network {
        // X's ids hold the time (see `networks::x`).
        "x" => {
            let number: u64 = name.trim_start_matches('p').parse().unwrap_or(0);
            let ms = shop::START.as_millis() + at - 1_288_834_974_657;
            ((ms << 22) | number).to_string()
        }
        _ => name.to_owned(),
    }
}

/// The account of a shopper on a network.
pub fn account(shopper: &str, network: &str) -> Account {
    let user = match network {
        "x" => format!("26{:017}", shopper.trim_start_matches("shopper").parse::<u64>().unwrap_or(0)),
        _ => shopper.to_owned(),
    };
    Account::new(network.into(), user.as_str().into())
}

/// The address of a shopper.
pub fn address(shopper: &super::plan::Shopper) -> String {
    let prefix = if shopper.unmailable { "unmailable-" } else { "" };
    format!("{prefix}{}@example.com", shopper.name)
}

/// Runs a schedule to its end and gives the ground as it is then.
pub fn run(schedule: &Schedule, beside: Option<Box<dyn Beside>>) -> Arc<Ground> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap_or_else(|error| panic!("no runtime: {error}"));
    // One thread: what runs when is the clock's doing alone.
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let ground = Arc::new(Ground::new(schedule.plan(), schedule.faults.clone(), beside));
        let world = Arc::new(World {
            ground: Arc::clone(&ground),
            region: fresh_region(),
            idle: Mutex::default(),
            started: AtomicU64::new(0),
            under_way: AtomicU64::new(0),
        });
        world.drive().await;
        ground
    })
}

impl World {
    fn plan(&self) -> &Plan {
        &self.ground.plan
    }

    async fn drive(self: Arc<Self>) {
        let operator = self.operator();
        self.set_up(&operator).await;
        for queue in QUEUES {
            tokio::task::spawn_local(Arc::clone(&self).poll(queue));
        }
        self.ground.storm(true);
        tokio::task::spawn_local(Arc::clone(&self).redrive_twice_a_day());
        let mut last = 0;
        for input in self.plan().inputs.clone() {
            last = input.at;
            self.ground.until(input.at).await;
            self.under_way.fetch_add(1, Ordering::SeqCst);
            let (world, operator) = (Arc::clone(&self), operator.clone());
            tokio::task::spawn_local(async move {
                world.perform(&input, &operator).await;
                world.under_way.fetch_sub(1, Ordering::SeqCst);
            });
        }
        self.ground.until(last + 2 * HOUR).await;
        self.ground.storm(false);
        self.resume(&operator).await;
        self.settle(last + 60 * 24 * HOUR).await;
    }

    /// Waits until nothing is under way or in a queue; the operator sends back what ran out of tries.
    async fn settle(&self, deadline: u64) {
        loop {
            tokio::time::sleep(Duration::from_secs(20)).await;
            if self.ground.elapsed() > deadline {
                self.ground.violate("the queues never became empty".to_owned());
                return;
            }
            let busy =
                self.under_way.load(Ordering::SeqCst) > 0 || self.ground.running.load(Ordering::SeqCst) > 0;
            let is_empty = |queue: &&str| self.ground.state().queues.messages(queue).is_empty();
            if busy || !QUEUES.iter().all(is_empty) {
                continue;
            }
            if self.redrive() == 0 {
                return;
            }
            if self.ground.state().tally.redriven > MOST_REDRIVEN {
                self.ground.violate("what is redriven runs out of tries again and again".to_owned());
                return;
            }
        }
    }

    /// The operator sends back what ran out of tries; gives how many.
    fn redrive(&self) -> u64 {
        let now = self.ground.elapsed();
        let again = |queue: &&str| self.ground.state().queues.redrive(queue, now);
        let redriven = u64::try_from(QUEUES.iter().map(again).sum::<usize>()).unwrap_or(0);
        self.ground.state().tally.redriven += redriven;
        QUEUES.iter().for_each(|queue| self.ground.ring(queue));
        redriven
    }

    /// The operator looks after the dead letters in the middle of the storm too.
    async fn redrive_twice_a_day(self: Arc<Self>) {
        loop {
            tokio::time::sleep(Duration::from_millis(12 * HOUR)).await;
            self.redrive();
        }
    }

    /// AWS for the operator, whom no fault meets.
    fn operator(&self) -> Aws {
        let line = Line::new(Arc::clone(&self.ground), OPERATOR, "");
        Aws::from_config(sdk_config(&line, &self.region))
    }

    async fn set_up(&self, aws: &Aws) {
        let now = self.ground.now();
        let settings = Settings::new(aws.dynamodb(), "settings");
        let pushed = settings.push(&shop::storefront(self.plan()), None, now).await;
        pushed.unwrap_or_else(|error| panic!("the storefront: {error}"));
        let catalog = Catalog::new(aws.dynamodb(), "catalog");
        let mut import = catalog.import(&"us".into(), false).await.unwrap_or_else(|error| panic!("{error}"));
        for listing in shop::listings() {
            import.put(&listing).await.unwrap_or_else(|error| panic!("the catalogue: {error}"));
        }
        import.settle().await.unwrap_or_else(|error| panic!("the catalogue: {error}"));
        let linking = Linking::new(aws.dynamodb(), "links", "carts");
        let hash = KeyedHash::new(&Secret::new(HASH_KEY));
        for shopper in self.plan().shoppers.iter().filter(|shopper| shopper.standing == Standing::Linked) {
            for network in ["square", "x"] {
                let email = address(shopper);
                let person = Person {
                    email_hash: hash.email(&email),
                    email,
                    lang: None,
                    candidate: CustomerId::new(format!("customer-{}", shopper.name)),
                    at: now,
                };
                let account = account(&shopper.name, network);
                let link = NewLink { account, handle: Some(shopper.name.clone()), person };
                linking.link(&link).await.unwrap_or_else(|error| panic!("a link: {error}"));
            }
        }
    }

    async fn resume(&self, aws: &Aws) {
        self.pause(aws, Pause::default()).await;
    }

    async fn pause(&self, aws: &Aws, pause: Pause) {
        let settings = Settings::new(aws.dynamodb(), "settings");
        settings.pause(&"square".into(), pause).await.unwrap_or_else(|error| panic!("a pause: {error}"));
    }

    // --- functions

    /// An environment of a function: one that is idle, or a new one.
    fn environment(&self, function: &'static str) -> Function {
        let idle =
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).get_mut(function).and_then(Vec::pop);
        idle.unwrap_or_else(|| {
            let number = self.started.fetch_add(1, Ordering::SeqCst);
            Function::start(&self.ground, function, &number.to_string(), &self.region)
        })
    }

    /// Keeps an environment for the next invocation, unless Lambda drops it.
    fn keep(&self, function: Function) {
        let place = format!("keep {}", function.line.invocation());
        let (dice, often) = (self.plan().dice, self.plan().weather.colds);
        let drawn = || dice.chance("cold", &place, often).then_some(Fault::Cold);
        if self.ground.fault(&place, drawn).is_none() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.entry(function.line.function()).or_default().push(function);
        }
    }

    /// Lambda's poller of one queue.
    async fn poll(self: Arc<Self>, queue: &'static str) {
        let slots = Arc::new(tokio::sync::Semaphore::new(CONCURRENCY));
        let mut polls = 0_u64;
        loop {
            let bell = self.ground.bells.get(queue).unwrap_or_else(|| panic!("no bell of {queue}"));
            let next = self.ground.state().queues.next_visible(queue);
            match next {
                None => bell.notified().await,
                Some(at) if at > self.ground.elapsed() => {
                    let wait = Duration::from_millis(at - self.ground.elapsed());
                    // Whatever comes first; a message that was put in meanwhile may be visible earlier.
                    let _ = tokio::time::timeout(wait, bell.notified()).await;
                    continue;
                }
                Some(_) => {}
            }
            polls += 1;
            let dice = self.plan().dice;
            let place = format!("{queue} {polls}");
            // Now and then a poller is slow, and batches gather.
            let longest = if dice.chance("slow poll", &place, 500) { 20_000 } else { 60 };
            tokio::time::sleep(Duration::from_millis(5 + dice.below("poll", &place, longest))).await;
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
            let most = usize::try_from(1 + dice.below("batch", &place, 10)).unwrap_or(1);
            let now = self.ground.elapsed();
            let rank =
                |message: &Message| dice.roll("order", format_args!("{} {}", message.name, message.receives));
            let batch = self.ground.state().queues.receive(queue, most, now, rank);
            if !batch.is_empty() {
                self.ground.running.fetch_add(1, Ordering::SeqCst);
                let world = Arc::clone(&self);
                tokio::task::spawn_local(async move {
                    world.consume(queue, batch).await;
                    world.ground.running.fetch_sub(1, Ordering::SeqCst);
                    drop(slot);
                });
            }
        }
    }

    /// One invocation for a batch, and what Lambda does with its answer.
    async fn consume(&self, queue: &'static str, batch: Vec<Message>) {
        for message in &batch {
            self.deliver_again_meanwhile(queue, message);
        }
        let function = self.environment(consumer(queue));
        self.ground.state().tally.deliver(function.line.function(), batch.len());
        let first = batch.first().map(|message| message.receipt.clone()).unwrap_or_default();
        function.line.begin(&first);
        match function.consume(queue, &batch).await {
            Ended::Gone => {}
            Ended::Answered(Err(_)) => self.keep(function),
            Ended::Answered(Ok(failed)) => {
                for message in batch.iter().filter(|message| !failed.contains(&message.name)) {
                    self.delete(queue, message);
                }
                self.keep(function);
            }
        }
    }

    fn again(&self, place: &str) -> Option<u64> {
        let (dice, often) = (self.plan().dice, self.plan().weather.again);
        let drawn = || {
            let longest = [200, 40_000, HOUR][usize::try_from(dice.below("how long", place, 3)).unwrap_or(0)];
            dice.chance("again", place, often)
                .then(|| Fault::Again(dice.below("again after", place, longest)))
        };
        match self.ground.fault(place, drawn) {
            Some(Fault::Again(after)) => Some(self.ground.elapsed() + after),
            _ => None,
        }
    }

    /// A standard queue may deliver a message twice, also while it is worked on.
    fn deliver_again_meanwhile(&self, queue: &str, message: &Message) {
        if let Some(at) = self.again(&format!("receive {}", message.receipt)) {
            self.ground.state().queues.show(queue, &message.name, at);
            self.ground.ring(queue);
        }
    }

    /// Deletes what was worked on; a standard queue may deliver it once more all the same.
    fn delete(&self, queue: &str, message: &Message) {
        match self.again(&format!("delete {}", message.receipt)) {
            Some(at) => {
                self.ground.state().queues.show(queue, &message.name, at);
                self.ground.ring(queue);
            }
            None => self.ground.state().queues.delete(queue, &message.name),
        }
    }

    // --- deeds

    async fn perform(&self, input: &Input, operator: &Aws) {
        match &input.deed {
            Deed::Post { network, .. } => {
                self.ground.state().tally.posts += 1;
                self.webhook(&input.name, network, &self.post(input)).await;
            }
            Deed::Delete { post } => self.delete_post(input, post).await,
            Deed::Link => self.link(input).await,
            Deed::Edit { product, quantity } => self.edit(input, *product, *quantity).await,
            Deed::Choose { post } => self.choose(input, post).await,
            Deed::Purchase { product, quantity } => self.purchase(input, *product, *quantity),
            Deed::Bounce => {
                let address = address(&self.plan().shoppers[input.shopper]);
                self.ground.put("feedback", &bounce(&address));
            }
            Deed::Poison { queue, kind } => {
                self.ground.put(queue, &poison(queue, *kind, &input.name));
            }
            Deed::Pause { what } => {
                let pause = match what {
                    0 => Pause { all: true, ..Pause::default() },
                    1 => Pause { reply: true, ..Pause::default() },
                    _ => Pause { mail: true, ..Pause::default() },
                };
                self.pause(operator, pause).await;
            }
            Deed::Resume => self.resume(operator).await,
        }
    }

    /// The network's body about a post.
    fn post(&self, input: &Input) -> String {
        let Deed::Post { ask, showing, product, network } = &input.deed else { panic!("no post") };
        let at = shop::START.plus(Duration::from_millis(input.at));
        let author = account(&self.plan().shoppers[input.shopper].name, network);
        let handle = &self.plan().shoppers[input.shopper].name;
        let words = match ask {
            Ask::Add(words) => format!("#AcmeCart{words}"),
            Ask::Remove => "remove #AcmeCart".to_owned(),
            Ask::Wish => "#AcmeWish".to_owned(),
            Ask::Help => "help #AcmeCart".to_owned(),
            Ask::Stop => "stop #AcmeCart".to_owned(),
            Ask::Start => "start #AcmeCart".to_owned(),
            Ask::Chatter => "what a day".to_owned(),
        };
        let other = (*product + 1) % super::plan::PRODUCTS;
        let links = match (*network, showing) {
            (_, Showing::Own) | ("x", Showing::Inline) => vec![shop::link(*product)],
            (_, Showing::Short) => vec![format!("https://go.acme.example/{product}")],
            (_, Showing::Two) => vec![shop::link(*product), shop::link(other)],
            _ => vec![],
        };
        let campaign =
            if self.plan().dice.chance("campaign", &input.name, 2_000) { " #AcmeAutumn" } else { "" };
        let text = format!("@acme {words}{campaign} {}", links.join(" "));
        let id = post_id(&input.name, network, input.at);
        if *network == "x" {
            return x_post(&id, author.user.as_str(), handle, &text, &links, at.as_millis());
        }
        let parent = match showing {
            Showing::Inline => Some(brand_post(*product)),
            Showing::Fetched => Some(json!({"id": format!("brand{product}")})),
            _ => None,
        };
        let mut data = json!({
            "id": id, "author": {"id": author.user.as_str(), "handle": handle}, "text": text,
            "created_at": at.to_string(), "language": "en",
        });
        if let Some(parent) = parent {
            data["in_reply_to"] = parent;
        }
        json!({"type": "post.created", "timestamp": at.to_string(), "data": data}).to_string()
    }

    async fn delete_post(&self, input: &Input, post: &str) {
        let of = self.plan().inputs.iter().find(|other| other.name == post);
        // In a shrunk schedule the post may be gone.
        let Some(Input { at, deed: Deed::Post { network, .. }, .. }) = of else { return };
        let id = post_id(post, network, *at);
        let author = account(&self.plan().shoppers[input.shopper].name, network);
        let deleted = shop::START.plus(Duration::from_millis(input.at));
        let body = match *network {
            "x" => json!({
                "for_user_id": X_BOT,
                "tweet_delete_events": [{"status": {"id": id, "user_id": author.user.as_str()},
                    "timestamp_ms": deleted.as_millis().to_string()}],
            }),
            _ => json!({
                "type": "post.deleted", "timestamp": deleted.to_string(),
                "data": {"id": id, "author": {"id": author.user.as_str()}, "deleted_at": deleted.to_string()},
            }),
        };
        self.webhook(&input.name, network, &body.to_string()).await;
    }

    /// The network delivers until we take it, and perhaps once more.
    async fn webhook(&self, name: &str, network: &str, body: &str) {
        let mut attempts = 0;
        let mut deliveries = 1;
        let place = format!("webhook {name}");
        let (dice, often) = (self.plan().dice, self.plan().weather.repeated);
        let drawn = || {
            let longest =
                [100, MINUTE, 4 * HOUR][usize::try_from(dice.below("how much", &place, 3)).unwrap_or(0)];
            let by = dice.below("repeated by", &place, longest);
            dice.chance("repeated", &place, often).then_some(Fault::Repeated(by))
        };
        let repeated = self.ground.fault(&place, drawn);
        loop {
            attempts += 1;
            if self.webhook_once(name, network, body, attempts).await {
                match repeated {
                    Some(Fault::Repeated(by)) if deliveries == 1 => {
                        deliveries = 2;
                        tokio::time::sleep(Duration::from_millis(by)).await;
                    }
                    _ => return,
                }
            } else {
                tokio::time::sleep(Duration::from_secs(15)).await;
            }
        }
    }

    async fn webhook_once(&self, name: &str, network: &str, body: &str, attempt: u32) -> bool {
        let function = self.environment("webhook-ingest");
        self.ground.state().tally.deliver("webhook-ingest", 1);
        function.line.begin(&format!("{name} a{attempt}"));
        let mut request = ApiGatewayV2httpRequest::default();
        request.request_context.http.method = http::Method::POST;
        request.path_parameters.insert("network".to_owned(), network.to_owned());
        let headers: Vec<(&str, String)> = match network {
            "x" => {
                vec![("x-twitter-webhooks-signature", format!("sha256={}", signed(CONSUMER_SECRET, body)))]
            }
            _ => {
                let key = standard_webhooks::key(&networks::Secret::new(WEBHOOK_SECRET));
                let key = key.unwrap_or_else(|| panic!("no key"));
                standard_webhooks::sign(&key, &format!("msg_{name}"), self.ground.now(), body.as_bytes())
                    .into()
            }
        };
        for (name, value) in headers {
            let value = value.parse().unwrap_or_else(|_| panic!("a header"));
            request.headers.insert(name, value);
        }
        request.body = Some(body.to_owned());
        let fingerprint = self.plan().dice.roll("trace", name);
        let trace = format!("Root=1-{:08x}-{fingerprint:024x}", self.ground.now().as_seconds());
        match function.ingest(request, &trace).await {
            Ended::Gone => false,
            Ended::Answered(response) => {
                self.keep(function);
                match response.status_code {
                    200 => true,
                    503 => false,
                    other => {
                        self.ground.violate(format!("webhook {name} was answered {other}"));
                        true
                    }
                }
            }
        }
    }

    fn purchase(&self, input: &Input, product: usize, quantity: u32) {
        let Some(customer) = self.customer(input.shopper) else { return };
        let at = shop::START.plus(Duration::from_millis(input.at));
        let variant =
            if product == SIZED { format!("{}-M", shop::product(product)) } else { shop::product(product) };
        let product = ProductRef {
            marketplace: "us".into(),
            product: shop::product(product).as_str().into(),
            variant: Some(variant.as_str().into()),
        };
        let action = Action::Purchase { order: input.name.as_str().into(), product, quantity };
        let commands = PostCommands {
            post: PostHead {
                network: "orders".into(),
                bot: "".into(),
                id: input.name.as_str().into(),
                url: None,
                author: Author { id: customer.as_str().into(), handle: None },
                mentions_us: false,
                created_at: at,
                first_seen: at,
                lang: None,
                visibility: Visibility::Direct,
            },
            shopper: Who::Customer(customer),
            as_of: at,
            step: 0,
            source: Source::default(),
            lines: vec![CommandLine { line: 1, marketplace: "us".into(), action }],
        };
        let envelope = Envelope::new(Body::PostCommands(Box::new(commands)), at, Some("orders"));
        let body = serde_json::to_string(&envelope).unwrap_or_else(|error| panic!("{error}"));
        self.ground.put("commands", &body);
    }

    /// The customer that a shopper is, by their link.
    pub fn customer(&self, shopper: usize) -> Option<CustomerId> {
        customer_of(&self.ground, &self.plan().shoppers[shopper].name, "square")
    }

    // --- pages

    async fn send(
        &self,
        browser: &mut Browser,
        request: http::Request<axum::body::Body>,
        name: &str,
    ) -> Option<Page> {
        let pages = self.environment("pages");
        pages.line.begin(name);
        let page = browser.send(&pages, request).await;
        if page.is_some() {
            self.keep(pages);
        }
        page
    }

    /// Sends until it is answered by something else than a failure; a shopper presses again.
    async fn insist(
        &self,
        browser: &mut Browser,
        make: impl Fn(&Browser) -> http::Request<axum::body::Body>,
        name: &str,
    ) -> Page {
        for attempt in 1_u32.. {
            let request = make(browser);
            match self.send(browser, request, &format!("{name} a{attempt}")).await {
                Some(page) if page.status < 500 => return page,
                _ => tokio::time::sleep(Duration::from_secs(10)).await,
            }
        }
        panic!("a shopper gave up")
    }

    /// From the network's link to the confirmed account.
    async fn link(&self, input: &Input) {
        let shopper = &self.plan().shoppers[input.shopper];
        for round in 1.. {
            if self.link_once(input, &shopper.name, &address(shopper), round).await {
                return;
            }
            if round > 50 {
                self.ground.violate(format!("{} could not be linked", shopper.name));
                return;
            }
            tokio::time::sleep(Duration::from_secs(25 * 60)).await;
        }
    }

    async fn link_once(&self, input: &Input, user: &str, email: &str, round: u32) -> bool {
        let name = |step: &str| format!("{} {step} n{round}", input.name);
        let mut browser = Browser::default();
        let expires = self.ground.now().plus(Duration::from_secs(600));
        let secret = networks::Secret::new(WEBHOOK_SECRET);
        let query = link::sign(&secret, &"square".into(), user, user, expires);
        let path = format!("/link/square?{}", query.unwrap_or_else(|| panic!("no key")));
        let page = self.insist(&mut browser, |b| b.get(&path), &name("prove")).await;
        let Some(to) = page.location else { return false };
        let form = self.insist(&mut browser, |b| b.get(&to), &name("email")).await;
        let forms = form.forms("/link/square/email");
        let Some((action, mut fields, _)) = forms.into_iter().next() else { return false };
        fields.push(("email".to_owned(), email.to_owned()));
        let sent = self.insist(&mut browser, |b| b.post(&action, &fields), &name("mail")).await;
        if sent.location.as_deref() != Some("/link/sent") {
            return false;
        }
        let Some(path) = self.mailed_link(email) else { return false };
        let ask = self.insist(&mut browser, |b| b.get(&path), &name("ask")).await;
        let forms = ask.forms("/link/confirm");
        let Some((action, fields, _)) = forms.into_iter().next() else { return false };
        let done = self.insist(&mut browser, |b| b.post(&action, &fields), &name("confirm")).await;
        done.status == 200
    }

    /// The path of the link in the latest mail that isn't about a post.
    fn mailed_link(&self, email: &str) -> Option<String> {
        let state = self.ground.state();
        let mail =
            state.mails.iter().rev().find(|mail| mail.to == email && mail.text.contains("/link/confirm"))?;
        let start = mail.text.find("/link/confirm")?;
        mail.text.get(start..)?.split_whitespace().next().map(str::to_owned)
    }

    /// A browser in which the shopper is signed in, and the token that its forms carry.
    async fn signed_in(&self, input: &Input) -> Option<(Browser, String)> {
        let customer = self.customer(input.shopper)?;
        let signer = Signer::new(&[Secret::new(SIGNING_KEY)]);
        let mut browser = Browser::default();
        let expires = self.ground.now().plus(Duration::from_secs(86_400));
        let token = signer.sign("cart-link", &customer.as_str(), Some(expires)).ok()?;
        let path = format!("/cart/enter?token={token}");
        let page = self.insist(&mut browser, |b| b.get(&path), &format!("{} enter", input.name)).await;
        let (action, fields, _) = page.forms("/cart/enter").into_iter().next()?;
        self.insist(&mut browser, |b| b.post(&action, &fields), &format!("{} sign-in", input.name)).await;
        let page =
            self.insist(&mut browser, |b| b.get("/cart/settings"), &format!("{} settings", input.name)).await;
        let (_, fields, _) = page.forms("/cart/").into_iter().next()?;
        let csrf = fields.into_iter().find(|(name, _)| name == "csrf")?.1;
        Some((browser, csrf))
    }

    async fn edit(&self, input: &Input, product: usize, quantity: u32) {
        for _ in 0..20 {
            if self.edit_once(input, product, quantity).await {
                return;
            }
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        self.ground.violate(format!("the edit {} was never taken", input.name));
    }

    async fn edit_once(&self, input: &Input, product: usize, quantity: u32) -> bool {
        let Some((mut browser, csrf)) = self.signed_in(input).await else { return false };
        let number: u64 = input.name.trim_start_matches('e').parse().unwrap_or(0);
        let variant =
            if product == SIZED { format!("{}-M", shop::product(product)) } else { shop::product(product) };
        let item =
            json!({"marketplace": "us", "product": shop::product(product), "variant": variant}).to_string();
        // A ULID of digits alone: the page names each form by one.
        let fields = [
            ("csrf", csrf),
            ("edit", format!("{number:026}")),
            ("item", item),
            ("do", "set".to_owned()),
            ("quantity", quantity.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value));
        let page = self.insist(&mut browser, |b| b.post("/cart/edit", &fields), &input.name).await;
        page.status == 303 && page.location.is_some_and(|to| to.starts_with("/cart?told="))
    }

    /// Answers the question that a post left open, once it is there.
    async fn choose(&self, input: &Input, post: &str) {
        let of = self.plan().inputs.iter().find(|other| other.name == post);
        let Some(Input { at, deed: Deed::Post { network, .. }, .. }) = of else { return };
        let id = post_id(post, network, *at);
        for round in 0..80 {
            if self.choose_once(input, &format!("{network}#{id}#"), round).await {
                return;
            }
            tokio::time::sleep(Duration::from_secs(5 * 60)).await;
        }
        // The post may have been refused (a deletion, a limit): then there is nothing to choose.
    }

    async fn choose_once(&self, input: &Input, of: &str, round: u32) -> bool {
        let Some((mut browser, _)) = self.signed_in(input).await else { return false };
        let name = format!("{} choices n{round}", input.name);
        let page = self.insist(&mut browser, |b| b.get("/cart"), &name).await;
        let is_of = |fields: &[(String, String)]| {
            fields.iter().any(|(name, value)| name == "key" && value.starts_with(of))
        };
        let forms = page.forms("/cart/choose");
        let Some((action, mut fields, form)) = forms.into_iter().find(|(_, fields, _)| is_of(fields)) else {
            return false;
        };
        let medium = values(form, "candidate").into_iter().find(|value| value.contains("-M"));
        fields.push(("candidate".to_owned(), medium.unwrap_or_default()));
        let page = self.insist(&mut browser, |b| b.post(&action, &fields), &input.name).await;
        page.status == 303
    }
}

/// The customer that an account belongs to.
pub fn customer_of(ground: &Ground, shopper: &str, network: &str) -> Option<CustomerId> {
    let account = account(shopper, network);
    let key = (format!("{}#{}", account.network, account.user), "LINK".to_owned());
    let state = ground.state();
    let customer = state.tables.get("links", &key)?.get("customer")?;
    Some(CustomerId::new(customer.text()))
}

fn signed(secret: &str, body: &str) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    STANDARD.encode(ring::hmac::sign(&key, body.as_bytes()))
}

/// A post as X's account activity delivers it.
fn x_post(id: &str, author: &str, handle: &str, text: &str, links: &[String], at: u64) -> String {
    let indices = |part: &str| {
        let start = text.find(part).map_or(0, |byte| text[..byte].chars().count());
        json!([start, start + part.chars().count()])
    };
    let tags: Vec<_> = text.split_whitespace().filter_map(|word| word.strip_prefix('#')).collect();
    let tags: Vec<_> =
        tags.iter().map(|tag| json!({"text": tag, "indices": indices(&format!("#{tag}"))})).collect();
    let url = |link: &String| json!({"url": link, "expanded_url": link, "display_url": link, "indices": indices(link)});
    json!({
        "for_user_id": X_BOT,
        "user_has_blocked": false,
        "tweet_create_events": [{
            "id_str": id,
            "text": text,
            "user": {"id_str": author, "screen_name": handle},
            "entities": {
                "hashtags": tags,
                "urls": links.iter().map(url).collect::<Vec<_>>(),
                "user_mentions": [{"screen_name": "acme", "id_str": X_BOT, "indices": [0, 5]}],
            },
            "lang": "en",
            "timestamp_ms": at.to_string(),
        }],
    })
    .to_string()
}

fn bounce(address: &str) -> String {
    json!({
        "eventType": "Bounce",
        "bounce": {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": address}]},
    })
    .to_string()
}

/// What nobody can read. Each is of its own, by its name.
pub fn poison(queue: &str, kind: usize, name: &str) -> String {
    // SES may report more kinds of events than we know: those are passed over, not poison.
    let kind = if queue == "feedback" && kind != 0 { 3 } else { kind };
    match kind {
        0 => format!("{{ not JSON, {name}"),
        1 => json!({"v": 99, "id": name, "at": 0, "trace": "t", "body": {"type": "Post"}}).to_string(),
        2 => json!({"v": 1, "id": name, "at": 0, "trace": "t", "body": {"type": "NewsFromTomorrow"}})
            .to_string(),
        _ if queue == "feedback" => json!({"eventType": "Bounce", "bounce": {"id": name}}).to_string(),
        _ => json!({"v": 1, "id": name, "at": "noon", "trace": "t", "body": {"type": "Post"}}).to_string(),
    }
}
