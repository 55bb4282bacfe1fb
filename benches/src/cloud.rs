//! The real functions on AWS in memory, with every request counted and its capacity computed.
//!
//! AWS is the strict model of the fault run, behind the SDK's own connector: the requests are those
//! that would leave for AWS, they are the same in every run, and a run takes seconds. The model is held
//! against the emulator by `cargo run -p tests --bin faults -- emulator`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::tests::faults::aws::{Request, Service, mail_taken, secrets};
use ::tests::faults::dynamodb::Tables;
use ::tests::faults::expression::item_json;
use ::tests::faults::functions::{Handler, fresh_region, function_environment, http, sdk_config_on};
use ::tests::faults::shop::{QUEUES, START, TABLES, WEBHOOK_SECRET};
use ::tests::faults::sqs::{Message, Queues};
use anyhow::{Context as _, ensure};
use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use domain::time::Timestamp;
use lambda::aws::Aws;
use lambda::clock::Clock;
use networks::{Carried, Transport, TransportRequest, TransportResponse, standard_webhooks};
use serde_json::{Value as Json, json};

use crate::units::{self, Units};

/// The functions that a post goes through.
pub const FUNCTIONS: [&str; 4] = ["webhook-ingest", "classify", "cart-add", "notify"];
/// The most records of one invocation (the template's `BatchSize`).
const BATCH: usize = 10;

/// Who asked what of which service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// The function.
    pub function: &'static str,
    /// The service: `dynamodb`, `sqs`, `ses`, `ssm`; `network` for what isn't AWS.
    pub service: &'static str,
    /// The operation.
    pub operation: String,
}

impl std::fmt::Display for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.function, self.service, self.operation)
    }
}

/// What was used by calls of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// How many requests.
    pub requests: u64,
    /// What DynamoDB counts for them.
    pub units: Units,
}

/// What everything stands on.
#[derive(Debug)]
pub struct Cloud {
    state: Mutex<State>,
    now_ms: AtomicU64,
}

#[derive(Debug)]
struct State {
    tables: Tables,
    queues: Queues,
    mails: usize,
    usage: BTreeMap<Call, Usage>,
}

impl Default for Cloud {
    fn default() -> Self {
        let state = State {
            tables: Tables::new(TABLES.map(str::to_owned)),
            queues: Queues::new(&QUEUES),
            mails: 0,
            usage: BTreeMap::new(),
        };
        Self { state: Mutex::new(state), now_ms: AtomicU64::new(0) }
    }
}

impl Cloud {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        START.plus(Duration::from_millis(self.now_ms.load(Ordering::SeqCst)))
    }

    /// Lets time pass.
    pub fn pass(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// A clock that shows its time.
    pub fn clock(self: &Arc<Self>) -> Clock {
        let cloud = Arc::clone(self);
        Clock::from_fn(move || cloud.now())
    }

    /// AWS for `function`, or whoever else is to be named in the counts.
    pub fn aws(self: &Arc<Self>, function: &'static str, region: &str) -> Aws {
        let way = Way { cloud: Arc::clone(self), function };
        Aws::from_config(sdk_config_on(way, region))
    }

    /// The usage since it was last taken, which begins anew.
    pub fn take_usage(&self) -> BTreeMap<Call, Usage> {
        std::mem::take(&mut self.state().usage)
    }

    /// How many items a table holds.
    pub fn items(&self, table: &str) -> usize {
        self.state().tables.table(table).len()
    }

    /// The items of a table whose JSON holds one of `texts`.
    pub fn items_of(&self, table: &str, texts: &[&str]) -> Vec<String> {
        let state = self.state();
        let all = state.tables.table(table).values().map(|item| item_json(item).to_string());
        all.filter(|item| texts.iter().any(|text| item.contains(text))).collect()
    }

    /// Puts items into a table, uncounted.
    pub fn fill(&self, table: &str, items: impl Iterator<Item = Json>) {
        for item in items {
            let request = json!({"RequestItems": {table: [{"PutRequest": {"Item": item}}]}});
            // A batch of writes has no condition that could refuse it.
            let (_answer, _writes) = self.state().tables.answer("BatchWriteItem", &request);
        }
    }

    /// A batch off a queue, deleted there, as Lambda does after a success.
    fn batch(&self, queue: &str) -> Vec<Message> {
        let now = self.now_ms.load(Ordering::SeqCst);
        let mut state = self.state();
        let batch = state.queues.receive(queue, BATCH, now, |_| 0);
        for message in &batch {
            state.queues.delete(queue, &message.name);
        }
        batch
    }

    /// What lies in a queue.
    pub fn waiting(&self, queue: &str) -> usize {
        self.state().queues.messages(queue).len()
    }

    fn count(&self, function: &'static str, service: &'static str, operation: &str, units: Units) {
        let call = Call { function, service, operation: operation.to_owned() };
        let mut state = self.state();
        let usage = state.usage.entry(call).or_default();
        usage.requests += 1;
        usage.units += units;
    }

    fn answer(&self, function: &'static str, request: &Request) -> (u16, String) {
        let asked = || serde_json::from_slice::<Json>(&request.body).unwrap_or_default();
        let (answer, units) = match request.service {
            Service::DynamoDb => self.dynamodb(&request.operation, &asked()),
            Service::Sqs => (self.sqs(&request.operation, &asked()), Units::default()),
            Service::Ses => {
                let mut state = self.state();
                state.mails += 1;
                ((200, mail_taken(state.mails)), Units::default())
            }
            Service::Ssm => ((200, secrets(&request.operation, &asked()).to_string()), Units::default()),
        };
        self.count(function, request.service.name(), &request.operation, units);
        answer
    }

    fn dynamodb(&self, operation: &str, asked: &Json) -> ((u16, String), Units) {
        let mut state = self.state();
        let (answer, writes) = state.tables.answer(operation, asked);
        match answer {
            Ok(answer) => {
                let units = units::of(operation, asked, &answer, &writes);
                ((200, answer.to_string()), units)
            }
            Err(refusal) => {
                let there = Tables::touched(operation, asked);
                let there = there.iter().map(|(table, key)| state.tables.get(table, key));
                let units = units::of_refused(operation, there);
                ((400, refusal.body().to_string()), units)
            }
        }
    }

    fn sqs(&self, operation: &str, asked: &Json) -> (u16, String) {
        let now = self.now_ms.load(Ordering::SeqCst);
        match self.state().queues.answer(operation, asked, now, |_| false).0 {
            Ok(answer) => (200, answer.to_string()),
            Err(refusal) => (400, json!({"__type": refusal.0, "message": "refused"}).to_string()),
        }
    }
}

/// The SDK's way to AWS, and the functions' way to the networks.
#[derive(Clone, Debug)]
struct Way {
    cloud: Arc<Cloud>,
    function: &'static str,
}

impl HttpClient for Way {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Way {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (status, body) = self.cloud.answer(self.function, &Request::read(&request));
        let answer = status.try_into().map(|status| HttpResponse::new(status, SdkBody::from(body)));
        HttpConnectorFuture::ready(answer.map_err(|_| ConnectorError::other("no status".into(), None)))
    }
}

impl Transport for Way {
    /// The network takes every reply.
    fn send(&self, request: TransportRequest) -> Carried {
        let operation = if request.method() == http::Method::POST { "Reply" } else { "Read" };
        self.cloud.count(self.function, "network", operation, Units::default());
        let answer = TransportResponse::new(json!({"id": "answer"}).to_string().into_bytes());
        Box::pin(async move { Ok(answer) })
    }
}

/// One warm environment of each function, as a steady load keeps them.
pub struct Functions {
    cloud: Arc<Cloud>,
    handlers: BTreeMap<&'static str, Handler>,
    sent: AtomicU64,
}

impl Functions {
    /// Starts them. Nothing is read before their first events.
    ///
    /// # Errors
    /// When one of them can't be wired.
    pub fn start(cloud: &Arc<Cloud>) -> anyhow::Result<Self> {
        let (region, env) = (fresh_region(), function_environment());
        let mut handlers = BTreeMap::new();
        for function in FUNCTIONS {
            let aws = cloud.aws(function, &region);
            let way = Arc::new(Way { cloud: Arc::clone(cloud), function });
            let http = || http(Arc::clone(&way) as Arc<dyn Transport>, cloud.clock());
            let handler = Handler::new(function, &aws, &env, cloud.clock(), http)
                .map_err(|error| anyhow::anyhow!("{function}: {error}"))?;
            handlers.insert(function, handler);
        }
        Ok(Self { cloud: Arc::clone(cloud), handlers, sent: AtomicU64::new(0) })
    }

    fn handler(&self, function: &str) -> anyhow::Result<&Handler> {
        self.handlers.get(function).with_context(|| format!("no function {function}"))
    }

    /// The network `square` delivers a body; each delivery is one request to `webhook-ingest`.
    ///
    /// # Errors
    /// When it isn't taken.
    pub async fn deliver(&self, body: &str) -> anyhow::Result<()> {
        let number = self.sent.fetch_add(1, Ordering::SeqCst);
        let key = standard_webhooks::key(&networks::Secret::new(WEBHOOK_SECRET)).context("a key")?;
        let mut request = ApiGatewayV2httpRequest::default();
        request.request_context.http.method = http::Method::POST;
        request.path_parameters.insert("network".to_owned(), "square".to_owned());
        let id = format!("msg_{number}");
        for (name, value) in standard_webhooks::sign(&key, &id, self.cloud.now(), body.as_bytes()) {
            request.headers.insert(name, value.parse()?);
        }
        request.body = Some(body.to_owned());
        let answer =
            self.handler("webhook-ingest")?.ingest(request, "Root=1-00000000-000000000000000000000000").await;
        ensure!(answer.status_code == 200, "a webhook was answered {}", answer.status_code);
        Ok(())
    }

    /// Works off what lies in the queues, ten records at a time, stage after stage.
    ///
    /// # Errors
    /// When a record fails.
    pub async fn work_off(&self) -> anyhow::Result<()> {
        for (queue, function) in [("posts", "classify"), ("commands", "cart-add"), ("outcomes", "notify")] {
            loop {
                let batch = self.cloud.batch(queue);
                if batch.is_empty() {
                    break;
                }
                let failed = self.handler(function)?.consume(queue, &batch).await?;
                ensure!(
                    failed.is_empty(),
                    "{function} failed on {} of {} records",
                    failed.len(),
                    batch.len()
                );
            }
        }
        for queue in QUEUES {
            let dead = self.cloud.waiting(&tests::faults::sqs::dead_letters_of(queue));
            ensure!(dead == 0, "{dead} dead letters of {queue}");
        }
        Ok(())
    }
}
