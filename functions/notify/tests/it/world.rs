//! One test's world: an account of the emulator with tables and queues, a storefront, a network.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use domain::ids::{CustomerId, Lang};
use domain::money::Money;
use domain::outcome::{LineOutcome, Outcome, PostOutcomes, ProductBrief};
use domain::post::{Author, PostHead, Visibility};
use domain::product::{PriceExposure, ProductRef};
use domain::storefront::{Limits, MapDefaults, Marketplace, NetworkConfig, NetworkKind, Shop, Storefront};
use domain::time::Timestamp;
use emulator::{Deployment, Stack};
use lambda::aws::Aws;
use lambda::batch::BatchError;
use lambda::clock::Clock;
use lambda::env::Environment;
use lambda::envelope::{Envelope, Message};
use lambda::keyed::KeyedHash;
use lambda::secrets::Secret;
use lambda::token::Signer;
use mail_parser::MessageParser;
use notify::Notify;
use store::Account;
use store::carts::Carts;
use store::linking::{Linking, NewLink, Person};
use store::links::Links;
use store::settings::{Pause, Settings};

use crate::network::FakeNetwork;
use crate::wire::{Mailroom, Wire};

const SENDER: &str = "cart@acme.example";
const SECRETS: [(&str, &str); 7] = [
    ("hash-key", "a key for hashes"),
    ("signing-key", "a key for links"),
    ("square/webhook-secret", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"),
    ("x/consumer-key", "consumer key"),
    ("x/consumer-secret", "consumer secret"),
    ("x/access-token", "access token"),
    ("x/access-token-secret", "access token secret"),
];

/// Everything around one `notify`.
pub(crate) struct World {
    pub(crate) network: FakeNetwork,
    pub(crate) mailroom: Mailroom,
    pub(crate) notify: Notify,
    pub(crate) carts: Carts,
    pub(crate) links: Links,
    pub(crate) settings: Settings,
    sqs: aws_sdk_sqs::Client,
    linking: Linking,
    stack: Stack,
    now: Arc<AtomicU64>,
}

/// What became of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Every record is done.
    Done,
    /// So many records come again.
    Again(usize),
}

impl World {
    pub(crate) async fn new() -> Self {
        let account = emulator::shared().await.unwrap().test_account().unwrap();
        let deployment = Deployment::new("notify").parameter("MailFrom", SENDER).parameter("Stage", "local");
        let stack = deployment.deploy_data(&account).await.unwrap();
        let mailroom = Mailroom::default();
        let config = account.sdk_config();
        let inner = config.http_client().unwrap();
        let wire = Wire { inner, mailroom: mailroom.clone() };
        let config = config.into_builder().http_client(SharedHttpClient::new(wire)).build();
        let aws = Aws::from_config(config);
        aws.ses().verify_email_identity().email_address(SENDER).send().await.unwrap();
        for (name, value) in SECRETS {
            put_secret(&aws, name, value).await;
        }
        let network = FakeNetwork::start().await;
        let settings = Settings::new(aws.dynamodb(), stack.output("SettingsTable").unwrap());
        let start = Clock::system().now();
        settings.push(&storefront(&network.address), None, start).await.unwrap();
        let now = Arc::new(AtomicU64::new(start.as_millis()));
        let read = Arc::clone(&now);
        let clock = Clock::from_fn(move || Timestamp::from_millis(read.load(Ordering::SeqCst)));
        let (links, carts) = (stack.output("LinksTable").unwrap(), stack.output("CartsTable").unwrap());
        Self {
            notify: Notify::new(&environment(&stack), &aws, &clock).unwrap(),
            carts: Carts::new(aws.dynamodb(), carts),
            links: Links::new(aws.dynamodb(), links),
            linking: Linking::new(aws.dynamodb(), links, carts),
            sqs: aws.sqs(),
            settings,
            network,
            mailroom,
            stack,
            now,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.load(Ordering::SeqCst))
    }

    pub(crate) fn wait(&self, time: Duration) {
        self.now.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Links alice's account with `email`.
    pub(crate) async fn link(&self, email: &str) -> CustomerId {
        let hash = KeyedHash::new(&Secret::new(SECRETS[0].1));
        let person = Person {
            email: email.to_owned(),
            email_hash: hash.email(email),
            lang: Lang::parse("en"),
            candidate: CustomerId::new("customer-1"),
            at: self.now(),
        };
        let wanted = NewLink { account: alice(), handle: Some("alice".to_owned()), person };
        self.linking.link(&wanted).await.unwrap().customer
    }

    pub(crate) async fn pause(&self, pause: Pause) {
        self.settings.pause(&"square".into(), pause).await.unwrap();
        // Functions keep their configuration for a minute.
        self.wait(Duration::from_secs(61));
    }

    /// Gives `notify` one record of the queue `outcomes`, received for the `receives`-th time.
    pub(crate) async fn deliver_again(&self, outcomes: &PostOutcomes, receives: u32) -> Ended {
        let message = Message::PostOutcomes(Box::new(outcomes.clone()));
        let body = serde_json::to_string(&Envelope::new(message, self.now(), None)).unwrap();
        self.deliver_body("Outcomes", &body, receives).await
    }

    pub(crate) async fn deliver(&self, outcomes: &PostOutcomes) -> Ended {
        self.deliver_again(outcomes, 1).await
    }

    pub(crate) async fn deliver_body(&self, queue: &str, body: &str, receives: u32) -> Ended {
        let event = self.event(queue, body, receives);
        ended(self.notify.handle(event).await)
    }

    fn event(&self, queue: &str, body: &str, receives: u32) -> SqsEvent {
        let url = self.queue(queue);
        let mut message = SqsMessage::default();
        message.message_id = Some(lambda::token::random());
        message.receipt_handle = Some("gone".to_owned());
        message.body = Some(body.to_owned());
        message.event_source_arn =
            Some(format!("arn:aws:sqs:us-east-1:000000000000:{}", url.rsplit('/').next().unwrap()));
        message.attributes =
            [("ApproximateReceiveCount", receives.to_string()), ("MessageGroupId", "group".to_owned())]
                .map(|(name, value)| (name.to_owned(), value))
                .into_iter()
                .collect();
        let mut event = SqsEvent::default();
        event.records = vec![message];
        event
    }

    fn queue(&self, name: &str) -> String {
        self.stack.output(&format!("{name}Queue")).unwrap().to_owned()
    }

    /// How many messages wait in `outcomes` for a later time.
    pub(crate) async fn held(&self) -> u32 {
        let name = QueueAttributeName::ApproximateNumberOfMessagesDelayed;
        let request =
            self.sqs.get_queue_attributes().queue_url(self.queue("Outcomes")).attribute_names(name.clone());
        let answer = request.send().await.unwrap();
        answer.attributes().unwrap()[&name].parse().unwrap()
    }

    /// The reasons in a dead-letter queue.
    pub(crate) async fn dead_letters(&self, queue: &str) -> Vec<BTreeMap<String, String>> {
        let url = self.stack.output(&format!("{queue}DeadLetters")).unwrap();
        let request = self
            .sqs
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(10)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All);
        let messages = request.send().await.unwrap().messages.unwrap_or_default();
        messages
            .into_iter()
            .map(|message| {
                let attributes = message.message_attributes.unwrap_or_default();
                attributes
                    .into_iter()
                    .map(|(name, value)| (name, value.string_value.unwrap_or_default()))
                    .collect()
            })
            .collect()
    }

    /// The header of a mail.
    pub(crate) fn mail_header(&self, index: usize, name: &str) -> String {
        let sent = self.mailroom.sent();
        let parsed = MessageParser::default().parse(&sent[index].raw).unwrap();
        parsed.header_raw(name).unwrap_or_default().trim().replace("\r\n ", "")
    }

    pub(crate) fn signer(&self) -> Signer {
        Signer::new(&[Secret::new(SECRETS[1].1)])
    }
}

pub(crate) fn ended(result: Result<SqsBatchResponse, BatchError>) -> Ended {
    match result {
        Ok(response) if response.batch_item_failures.is_empty() => Ended::Done,
        Ok(response) => Ended::Again(response.batch_item_failures.len()),
        Err(BatchError::All(count)) => Ended::Again(count),
        Err(error) => panic!("{error}"),
    }
}

async fn put_secret(aws: &Aws, name: &str, value: &str) {
    let request = aws.ssm().put_parameter().name(format!("/hashcart/local/{name}")).value(value);
    request.r#type(aws_sdk_ssm::types::ParameterType::SecureString).send().await.unwrap();
}

/// What the template tells the function.
fn environment(stack: &Stack) -> Environment {
    let output = |name: &str| stack.output(name).unwrap().to_owned();
    let variables: BTreeMap<&str, String> = [
        ("HASHCART_STAGE", "local".to_owned()),
        ("HASHCART_PUBLIC_URL", "http://127.0.0.1:8787".to_owned()),
        ("HASHCART_TABLE_LINKS", output("LinksTable")),
        ("HASHCART_TABLE_CARTS", output("CartsTable")),
        ("HASHCART_TABLE_DELIVERIES", output("DeliveriesTable")),
        ("HASHCART_TABLE_SETTINGS", output("SettingsTable")),
        ("HASHCART_QUEUE_OUTCOMES", output("OutcomesQueue")),
        ("HASHCART_DLQ_OUTCOMES", output("OutcomesDeadLetters")),
        ("HASHCART_QUEUE_FEEDBACK", output("FeedbackQueue")),
        ("HASHCART_DLQ_FEEDBACK", output("FeedbackDeadLetters")),
        ("HASHCART_MAIL_FROM", SENDER.to_owned()),
        ("HASHCART_SES_CONFIGURATION_SET", "hashcart".to_owned()),
    ]
    .into_iter()
    .collect();
    Environment::from_fn(move |name| variables.get(name).cloned()).unwrap()
}

fn storefront(address: &str) -> Storefront {
    Storefront {
        brand: "Acme".to_owned(),
        default_language: Lang::parse("en").unwrap(),
        support: None,
        postal_address: Some("1 Main Street".to_owned()),
        marketplaces: vec![Marketplace {
            id: "us".into(),
            cart_tags: vec!["AcmeCart".to_owned()],
            wish_tags: Vec::new(),
            hosts: vec!["www.acme.example".to_owned()],
            shop: Shop::Amazon { associate_tag: None },
            currency: "USD".to_owned(),
            languages: Vec::new(),
            feed: None,
        }],
        networks: vec![
            network(
                "square",
                NetworkKind::Generic {
                    callback_url: format!("{address}/callback").parse().unwrap(),
                    post_url: None,
                    link_url: None,
                    reply_length: 500,
                },
            ),
            network(
                "x",
                NetworkKind::X {
                    api_url: address.parse().unwrap(),
                    web_url: "https://x.com/".parse().unwrap(),
                },
            ),
        ],
        limits: Limits::default(),
        map: MapDefaults::default(),
        campaigns: Vec::new(),
        short_link_hosts: Vec::new(),
    }
}

fn network(id: &str, kind: NetworkKind) -> NetworkConfig {
    NetworkConfig {
        id: id.into(),
        name: None,
        bot_handle: "acme".to_owned(),
        bot_id: "bot".into(),
        replies: true,
        kind,
    }
}

pub(crate) fn alice() -> Account {
    Account::new("square".into(), "alice-id".into())
}

/// The outcome of one line of alice's post `id`.
pub(crate) fn outcomes(id: &str, customer: Option<&CustomerId>, outcome: Outcome) -> PostOutcomes {
    let at = Clock::system().now();
    let product = ProductBrief {
        product: ProductRef { marketplace: "us".into(), product: "mug".into(), variant: None },
        title: "Blue Mug".to_owned(),
        options: String::new(),
        link: "https://www.acme.example/mug".to_owned(),
        image_link: None,
        price: Money::parse("19.99 USD").unwrap(),
        price_exposure: PriceExposure::Anywhere,
        sensitive: false,
    };
    PostOutcomes {
        post: PostHead {
            network: "square".into(),
            bot: "bot".into(),
            id: id.into(),
            url: None,
            author: Author { id: "alice-id".into(), handle: Some("alice".to_owned()) },
            mentions_us: true,
            created_at: at,
            first_seen: at,
            lang: Lang::parse("en"),
            visibility: Visibility::Public,
        },
        customer: customer.cloned(),
        step: 0,
        decided_at: at,
        lines: vec![LineOutcome { line: 1, marketplace: "us".into(), product: Some(product), outcome }],
    }
}

pub(crate) fn added(id: &str, customer: &CustomerId) -> PostOutcomes {
    outcomes(id, Some(customer), Outcome::Added { quantity: 1 })
}
