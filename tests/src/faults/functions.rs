//! The real functions, started as Lambda starts them: an environment that keeps what it has read and
//! works on one invocation after the other, until the schedule lets it die.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use aws_sdk_sqs::config::{BehaviorVersion, Region, StalledStreamProtectionConfig};
use aws_smithy_async::rt::sleep::SharedAsyncSleep;
use aws_smithy_runtime_api::client::http::{HttpClient, SharedHttpClient};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use axum::Router;
use cart_add::CartAdd;
use classify::Classify;
use futures::future::{Either, select};
use lambda::aws::Aws;
use lambda::batch::{BatchError, BatchLoop};
use lambda::clock::Clock;
use lambda::env::Environment;
use lambda::queue::Sender;
use networks::{Http, Reach, Transport};
use notify::Notify;
use webhook_ingest::WebhookIngest;

use super::ground::Ground;
use super::line::{Line, Road, Sleeper, Wire};
use super::shop::{PUBLIC_URL, environment};
use super::sqs::Message;

/// How long an invocation may take (the template's `Timeout`).
fn timeout_of(function: &str) -> Duration {
    Duration::from_secs(match function {
        "webhook-ingest" => 10,
        "pages" => 15,
        _ => 30,
    })
}

/// One function's code in one environment.
pub struct Function {
    /// Its way to everything else.
    pub line: Arc<Line>,
    handler: Handler,
}

/// One function's code, wired as its `main` wires it.
pub enum Handler {
    /// `webhook-ingest`.
    Ingest(Box<WebhookIngest>),
    /// `classify` and the loop that feeds it.
    Classify(Box<(BatchLoop, Classify)>),
    /// `cart-add` and the loop that feeds it.
    CartAdd(Box<(BatchLoop, CartAdd)>),
    /// `notify`.
    Notify(Box<Notify>),
    /// `account-link` and `cart-page` at one address.
    Pages(Router),
}

/// How an invocation ended.
#[derive(Debug)]
pub enum Ended<T> {
    /// With this answer.
    Answered(T),
    /// The function died or took too long: its environment is gone.
    Gone,
}

/// The SDK's configuration on a line. The clients of a process share a budget of retries for each
/// region; each run takes a region of its own, so that none sees what another has used up.
pub fn sdk_config(line: &Arc<Line>, region: &str) -> SdkConfig {
    sdk_config_on(Wire(Arc::clone(line)), region)
}

/// The SDK's configuration on whatever carries its requests.
pub fn sdk_config_on(wire: impl HttpClient + 'static, region: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .endpoint_url("https://aws.example")
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "model", "model", None, None, "model",
        )))
        .sleep_impl(SharedAsyncSleep::new(Sleeper))
        .http_client(SharedHttpClient::new(wire))
        // As `Aws::from_env` has it.
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(2))
                .operation_attempt_timeout(Duration::from_secs(5))
                .build(),
        )
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build()
}

/// A region that no run of this process has used.
pub fn fresh_region() -> String {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    format!("run-{}", RUNS.fetch_add(1, Ordering::SeqCst))
}

/// The environment that the template gives a function.
pub fn function_environment() -> Environment {
    environment(str::to_owned, |queue| format!("https://sqs.example/1/{queue}"))
}

impl Function {
    /// Starts `function`; nothing is read before its first invocation.
    pub fn start(ground: &Arc<Ground>, function: &'static str, name: &str, region: &str) -> Self {
        let line = Line::new(Arc::clone(ground), function, name);
        let aws = Aws::from_config(sdk_config(&line, region));
        let env = function_environment();
        let http = || http(Arc::new(Road(Arc::clone(&line))), line.clock());
        let handler = Handler::new(function, &aws, &env, line.clock(), http)
            .unwrap_or_else(|error| panic!("{function}: {error}"));
        Self { line, handler }
    }

    async fn run<T>(&self, work: impl Future<Output = T>) -> Ended<T> {
        let work = Box::pin(work);
        let doomed = Box::pin(self.line.doomed());
        let either = tokio::time::timeout(timeout_of(self.line.function()), select(work, doomed)).await;
        match either {
            Ok(Either::Left((answer, _))) => Ended::Answered(answer),
            Ok(Either::Right(_)) => Ended::Gone,
            Err(_) => {
                let key = format!("{} by its timeout", self.line.function());
                *self.line.ground().state().tally.deaths.entry(key).or_default() += 1;
                Ended::Gone
            }
        }
    }

    /// Works through a batch of `queue`; gives the names of what failed.
    pub async fn consume(&self, queue: &str, batch: &[Message]) -> Ended<Result<Vec<String>, BatchError>> {
        self.run(self.handler.consume(queue, batch)).await
    }

    /// Takes a webhook.
    pub async fn ingest(
        &self,
        request: ApiGatewayV2httpRequest,
        trace: &str,
    ) -> Ended<ApiGatewayV2httpResponse> {
        self.run(self.handler.ingest(request, trace)).await
    }

    /// Shows a page or takes a form.
    pub async fn visit(
        &self,
        request: http::Request<axum::body::Body>,
    ) -> Ended<http::Response<axum::body::Body>> {
        let Handler::Pages(router) = &self.handler else { panic!("no pages") };
        let work = tower::ServiceExt::oneshot(router.clone(), request);
        match self.run(work).await {
            Ended::Answered(Ok(response)) => Ended::Answered(response),
            Ended::Answered(Err(never)) => match never {},
            Ended::Gone => Ended::Gone,
        }
    }
}

/// HTTP to the networks over `transport`, with the reach that a deployed function has.
pub fn http(transport: Arc<dyn Transport>, clock: Clock) -> Http {
    let public_url = url::Url::parse(PUBLIC_URL).unwrap_or_else(|error| panic!("{error}"));
    Http::with_transport(Reach::of_stage("dev", &public_url), transport, move || clock.now())
}

impl Handler {
    /// The code of `function` on these clients; `http` is its way to the networks.
    ///
    /// # Errors
    /// When the environment lacks something.
    ///
    /// # Panics
    /// When there is no such function.
    pub fn new(
        function: &str,
        aws: &Aws,
        env: &Environment,
        clock: Clock,
        http: impl Fn() -> Http,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let batches = |name, queue| {
            let sender = Sender::new(aws, env, clock.clone());
            BatchLoop::new(name, queue, env, aws, sender)
        };
        Ok(match function {
            "webhook-ingest" => Self::Ingest(Box::new(WebhookIngest::new(env, aws, clock)?)),
            "classify" => {
                let batches = batches("classify", "posts")?;
                Self::Classify(Box::new((batches, Classify::new(env, aws, clock)?.with_http(http()))))
            }
            "cart-add" => {
                let batches = batches("cart-add", "commands")?;
                Self::CartAdd(Box::new((batches, CartAdd::new(env, aws, clock)?)))
            }
            "notify" => Self::Notify(Box::new(Notify::new(env, aws, &clock)?.with_http(http()))),
            "pages" => {
                let linking = account_link::App::new(env, aws, clock.clone())?;
                let carts = cart_page::App::new(env, aws, clock)?;
                let carts = cart_page::router(Arc::new(carts));
                Self::Pages(account_link::router(Arc::new(linking)).merge(carts))
            }
            other => panic!("no function {other}"),
        })
    }

    /// Works through a batch of `queue`; gives the names of what failed.
    ///
    /// # Errors
    /// See [`BatchLoop::run`].
    ///
    /// # Panics
    /// When the function consumes no queue.
    pub async fn consume(&self, queue: &str, batch: &[Message]) -> Result<Vec<String>, BatchError> {
        let event = event(queue, batch);
        let response = match self {
            Self::Classify(both) => both.0.run(&both.1, event).await,
            Self::CartAdd(both) => both.0.run(&both.1, event).await,
            Self::Notify(notify) => notify.handle(event).await,
            Self::Ingest(_) | Self::Pages(_) => panic!("no consumer of queues"),
        };
        let failures = response?.batch_item_failures;
        Ok(failures.into_iter().map(|failure| failure.item_identifier).collect())
    }

    /// Takes a webhook.
    ///
    /// # Panics
    /// When the function receives none.
    pub async fn ingest(&self, request: ApiGatewayV2httpRequest, trace: &str) -> ApiGatewayV2httpResponse {
        let Self::Ingest(ingest) = self else { panic!("no receiver of webhooks") };
        ingest.handle(request, Some(trace)).await
    }
}

/// The event that Lambda makes of a batch.
fn event(queue: &str, batch: &[Message]) -> SqsEvent {
    let record = |message: &Message| {
        let mut record = SqsMessage::default();
        record.message_id = Some(message.name.clone());
        record.receipt_handle = Some(message.receipt.clone());
        record.body = Some(message.body.clone());
        record.event_source_arn = Some(format!("arn:aws:sqs:us-east-1:000000000000:{queue}"));
        record.attributes.insert("ApproximateReceiveCount".to_owned(), message.receives.to_string());
        if let Some(group) = &message.group {
            record.attributes.insert("MessageGroupId".to_owned(), group.clone());
        }
        record
    };
    let mut event = SqsEvent::default();
    event.records = batch.iter().map(record).collect();
    event
}
