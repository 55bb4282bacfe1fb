//! The function `webhook-ingest`: the one door for what networks send. It proves over the raw bytes who
//! sends, answers handshakes, reads the body into posts, and puts on the queues what is for us. All
//! else is answered 200, counted and dropped, at the cost of no request.

mod answer;

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::command::PostCommands;
use domain::grammar::TagSet;
use domain::ids::{NetworkId, UserId};
use domain::post::{NetworkEvent, PostRef};
use domain::storefront::{NetworkConfig, Storefront};
use domain::time::Timestamp;
use futures::future::try_join;
use http::Method;
use lambda::aws::Aws;
use lambda::cache::Refreshing;
use lambda::clock::Clock;
use lambda::env::{EnvError, Environment};
use lambda::envelope::{Message, new_id};
use lambda::keyed::KeyedHash;
use lambda::log::about;
use lambda::metrics;
use lambda::queue::{Outgoing, Queue, SendError, Sender};
use lambda::secrets::{SecretSet, Secrets};
use networks::{AnyNetwork, Http, Network as _, Reach, Verified, VerifyError, WebhookRequest};
use store::settings::Settings;
use tracing::Instrument as _;

pub use answer::BODY_LIMIT;
use answer::Refused;

/// How long sending may take in all: X waits ten seconds for an answer.
const PATIENCE: Duration = Duration::from_secs(6);
/// The pauses before messages that a queue didn't take are sent again. The network waits meanwhile, so
/// they are short; after them it is told to come again.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(200)];

/// The receiver of webhooks.
#[derive(Debug)]
pub struct WebhookIngest {
    settings: Settings,
    known: Refreshing<Known>,
    secrets: Secrets,
    http: Http,
    sender: Sender,
    clock: Clock,
}

/// What is kept of the configuration.
#[derive(Debug)]
struct Known {
    storefront: Storefront,
    tags: TagSet,
}

/// A request, taken apart.
struct Delivery {
    method: Method,
    headers: http::HeaderMap,
    query: String,
    body: Vec<u8>,
}

impl Delivery {
    fn request(&self) -> WebhookRequest<'_> {
        WebhookRequest { method: &self.method, headers: &self.headers, query: &self.query, body: &self.body }
    }
}

impl WebhookIngest {
    /// Wires the function to what the environment names. Connects nowhere.
    ///
    /// # Errors
    /// When the table `settings` or the public address isn't named.
    pub fn new(env: &Environment, aws: &Aws, clock: Clock) -> Result<Self, EnvError> {
        let reach = Reach::of_stage(env.stage().as_str(), &env.public_url()?);
        let times = clock.clone();
        Ok(Self {
            settings: Settings::new(aws.dynamodb(), env.table("settings")?),
            known: Refreshing::default(),
            secrets: Secrets::new(aws, env.secrets_prefix()),
            http: Http::new(reach, move || times.now()),
            sender: Sender::new(aws, env, clock.clone()),
            clock,
        })
    }

    /// Answers one request. Never fails: what goes wrong is a status, a line in the logs and a count.
    /// `trace` is the X-Ray header that the messages go on with; without one a trace of our own begins.
    pub async fn handle(
        &self,
        request: ApiGatewayV2httpRequest,
        trace: Option<&str>,
    ) -> ApiGatewayV2httpResponse {
        let trace = trace.map_or_else(|| new_id(self.clock.now()), str::to_owned);
        self.answer(request, &trace).instrument(about("", Some(&trace))).await
    }

    async fn answer(&self, request: ApiGatewayV2httpRequest, trace: &str) -> ApiGatewayV2httpResponse {
        let (known, secrets) = match self.ready().await {
            Ok(ready) => ready,
            Err(refused) => return refuse(&refused, "unknown"),
        };
        let Some(config) = network_of(&request).and_then(|id| known.storefront.network(&id)) else {
            return refuse(&Refused::UnknownNetwork, "unknown");
        };
        let values =
            |name: &str| secrets.values(name).iter().map(|secret| secret.expose().to_owned()).collect();
        let network = AnyNetwork::with_secrets_from(config, values, &self.http);
        let visit =
            Visit { ingest: self, known: &known, secrets: &secrets, config, network: &network, trace };
        match visit.answer(request).await {
            Ok(response) => response,
            Err(refused) => refuse(&refused, config.id.as_str()),
        }
    }

    /// Configuration and secrets, read side by side with the first request and kept for a minute.
    async fn ready(&self) -> Result<(Arc<Known>, Arc<SecretSet>), Refused> {
        let now = self.clock.now();
        let known = self.known.get(now, || async {
            let current = self.settings.current().await?.ok_or(Refused::NoStorefront)?;
            let tags = TagSet::of(&current.value);
            Ok::<_, Refused>(Known { storefront: current.value, tags })
        });
        // Boxed: the futures of two AWS requests are large, and deep for the compiler.
        Box::pin(try_join(known, async { Ok(self.secrets.get(now).await?) })).await
    }

    /// Sends all messages, within [`PATIENCE`].
    async fn send(&self, messages: Vec<Outgoing>, trace: &str) -> Result<(), Refused> {
        let count = messages.len();
        let sent = tokio::time::timeout(PATIENCE, self.send_and_send_again(messages, trace)).await;
        sent.unwrap_or(Err(Refused::Unsent(count)))
    }

    /// Sends all messages; of those that a queue didn't take for the moment each is sent again a little
    /// later. A request that failed as a whole has been repeated by the client already.
    async fn send_and_send_again(&self, mut messages: Vec<Outgoing>, trace: &str) -> Result<(), Refused> {
        for pause in PAUSES.iter().map(Some).chain([None]) {
            let results = Box::pin(self.sender.send(&messages, |_| Some(trace))).await;
            let mut again = true;
            let mut unsent = Vec::new();
            for (message, result) in messages.into_iter().zip(results) {
                let Err(error) = result else { continue };
                let (post, reason) = (message.message.post(), lambda::batch::reason(&error));
                tracing::warn!(post, reason, "not sent");
                again &= matches!(error, SendError::Refused { sender_fault: false, .. });
                unsent.push(message);
            }
            messages = unsent;
            match pause {
                _ if messages.is_empty() => return Ok(()),
                Some(pause) if again => tokio::time::sleep(*pause).await,
                _ => break,
            }
        }
        Err(Refused::Unsent(messages.len()))
    }
}

/// One request to one network.
struct Visit<'a> {
    ingest: &'a WebhookIngest,
    known: &'a Known,
    secrets: &'a SecretSet,
    config: &'a NetworkConfig,
    network: &'a AnyNetwork,
    trace: &'a str,
}

impl Visit<'_> {
    async fn answer(&self, request: ApiGatewayV2httpRequest) -> Result<ApiGatewayV2httpResponse, Refused> {
        let delivery = taken_apart(request)?;
        if let Some(said) = self.network.handshake(&delivery.request()).map_err(failed_handshake)? {
            tracing::info!(network = self.config.id.as_str(), "handshake answered");
            return Ok(answer::handshake(&said));
        }
        if delivery.method != Method::POST {
            return Err(Refused::Method);
        }
        let now = self.ingest.clock.now();
        let verified = self.network.verify(&delivery.request(), now).map_err(unproven)?;
        let events = self.network.parse(&delivery.body, now).map_err(Refused::Malformed)?;
        let messages = self.messages(events, &verified, now)?;
        if !messages.is_empty() {
            self.ingest.send(messages.clone(), self.trace).await?;
        }
        for message in &messages {
            let (network, post) = (self.config.id.as_str(), message.message.post());
            tracing::info!(post, network, queue = message.queue.name(), "accepted");
        }
        Ok(answer::taken())
    }

    /// What goes on the queues of what the delivery tells.
    fn messages(
        &self,
        events: Vec<NetworkEvent>,
        verified: &Verified,
        now: Timestamp,
    ) -> Result<Vec<Outgoing>, Refused> {
        let hash = KeyedHash::new(self.secrets.newest("hash-key")?);
        let delivery = verified.delivery_id.as_deref().unwrap_or_default();
        Ok(events.into_iter().filter_map(|event| self.message(event, &hash, delivery, now)).collect())
    }

    fn message(
        &self,
        event: NetworkEvent,
        hash: &KeyedHash,
        delivery: &str,
        now: Timestamp,
    ) -> Option<Outgoing> {
        let group = |user: &UserId| hash.shopper(self.config.id.as_str(), user.as_str());
        match event {
            NetworkEvent::Posted(post) if self.known.tags.is_for_us(&post) => {
                self.count_post("accepted", delivery, &post.head.post_ref());
                Some(Outgoing::new(Queue::Posts, group(&post.head.author.id), Message::Post(post)))
            }
            NetworkEvent::Posted(post) => {
                self.count_post("not_for_us", delivery, &post.head.post_ref());
                None
            }
            NetworkEvent::Deleted { post, author, at } => {
                self.count_post("deleted", delivery, &post);
                let group = group(&author);
                let erasure = self.erasure(post, author, at, now)?;
                Some(Outgoing::new(Queue::Commands, group, Message::PostCommands(Box::new(erasure))))
            }
            NetworkEvent::Revoked { .. } => {
                // The link itself stays: it holds no token of the network's, and only the shopper ends
                // it, on our page.
                tracing::info!(network = self.config.id.as_str(), "a shopper withdrew the app's access");
                self.count("revoked", delivery, "account");
                None
            }
            NetworkEvent::Ignored(name) => {
                self.count("ignored", delivery, &name);
                None
            }
        }
    }

    /// An erasure belongs to no marketplace; the first one stands for all.
    fn erasure(&self, post: PostRef, author: UserId, at: Timestamp, now: Timestamp) -> Option<PostCommands> {
        let marketplace = self.known.storefront.marketplaces.first()?.id.clone();
        Some(PostCommands::erasure(post, self.config.bot_id.clone(), author, marketplace, at, now))
    }

    /// The line of the metric is all that is written of a post that isn't for us.
    fn count_post(&self, result: &str, delivery: &str, post: &PostRef) {
        let about = [("delivery_id", delivery), ("event", "post"), ("post", &post.to_string())];
        metrics::WEBHOOK_EVENTS.add([self.config.id.as_str(), result], &about);
    }

    fn count(&self, result: &str, delivery: &str, event: &str) {
        metrics::WEBHOOK_EVENTS
            .add([self.config.id.as_str(), result], &[("delivery_id", delivery), ("event", event)]);
    }
}

fn refuse(refused: &Refused, network: &str) -> ApiGatewayV2httpResponse {
    refused.tell(network);
    refused.response()
}

fn failed_handshake(error: VerifyError) -> Refused {
    if error.is_ours() { Refused::Unconfigured(error) } else { Refused::Handshake(error) }
}

fn unproven(error: VerifyError) -> Refused {
    if error.is_ours() { Refused::Unconfigured(error) } else { Refused::Unproven(error) }
}

/// The network in the address, `/webhooks/{network}`.
fn network_of(request: &ApiGatewayV2httpRequest) -> Option<NetworkId> {
    request.path_parameters.get("network").map(|id| NetworkId::new(id.as_str()))
}

/// The request's parts; its body is decoded, never written anew.
fn taken_apart(request: ApiGatewayV2httpRequest) -> Result<Delivery, Refused> {
    let text = request.body.unwrap_or_default();
    // Base64 is a third longer than what it stands for.
    if text.len() > BODY_LIMIT.saturating_mul(4).saturating_div(3) + 4 {
        return Err(Refused::TooLong);
    }
    let body = if request.is_base64_encoded {
        STANDARD.decode(text).map_err(|_| Refused::Encoding)?
    } else {
        text.into_bytes()
    };
    if body.len() > BODY_LIMIT {
        return Err(Refused::TooLong);
    }
    Ok(Delivery {
        method: request.request_context.http.method,
        headers: request.headers,
        query: request.raw_query_string.unwrap_or_default(),
        body,
    })
}
