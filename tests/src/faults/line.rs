//! The way from one running function to what it stands on. AWS requests come by the SDK's connector,
//! those to networks by their transport; both meet the faults of their place: the invocation, and the
//! how many-th request it is.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use domain::time::Timestamp;
use lambda::clock::Clock;
use networks::{Carried, Transport, TransportError, TransportRequest};
use tokio::sync::Notify;

use super::aws::{self, Request};
use super::ground::Ground;
use super::network;
use super::plan::Fault;

/// The way of one function's environment, as Lambda calls what runs one invocation after the other.
#[derive(Debug)]
pub struct Line {
    ground: Arc<Ground>,
    function: &'static str,
    invocation: Mutex<String>,
    requests: AtomicU32,
    skew_ms: AtomicI64,
    doom: Notify,
    started: std::sync::atomic::AtomicU64,
}

/// The operator, whom no fault meets.
pub const OPERATOR: &str = "operator";

/// What may still be done when nobody waits for the answer any more. (A notice isn't among it: the laws
/// about claims look at the moment in which it is sent.)
const STRAGGLERS: [&str; 6] =
    ["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "SendMessage", "SendMessageBatch"];

/// What becomes of a request.
enum Fate {
    Answered { done: bool, fails: Option<Fault> },
    Lost { done: bool },
    Straggles(u64),
    Refused,
    Dies { done: bool },
}

impl Line {
    /// A line of `function`; `name` tells its environments apart.
    pub fn new(ground: Arc<Ground>, function: &'static str, name: &str) -> Arc<Self> {
        let dice = ground.plan.dice;
        let place = format!("skew {function} {name}");
        let often = ground.plan.weather.skews;
        let drawn = || {
            let by = i64::try_from(dice.below("skew by", &place, 4_000)).unwrap_or(0) - 2_000;
            dice.chance("skew", &place, often).then_some(Fault::Skew(by))
        };
        let skew = match ground.fault(&place, drawn) {
            Some(Fault::Skew(by)) => by,
            _ => 0,
        };
        Arc::new(Self {
            ground,
            function,
            invocation: Mutex::new("start".to_owned()),
            requests: AtomicU32::new(0),
            skew_ms: AtomicI64::new(skew),
            doom: Notify::new(),
            started: std::sync::atomic::AtomicU64::new(0),
        })
    }

    /// The ground.
    pub fn ground(&self) -> &Arc<Ground> {
        &self.ground
    }

    /// The function.
    pub fn function(&self) -> &'static str {
        self.function
    }

    /// Begins an invocation.
    pub fn begin(&self, name: &str) {
        *self.invocation.lock().unwrap_or_else(PoisonError::into_inner) = format!("{} {name}", self.function);
        self.requests.store(0, Ordering::SeqCst);
        self.started.store(self.ground.elapsed(), Ordering::SeqCst);
    }

    /// The invocation under way.
    pub fn invocation(&self) -> String {
        self.invocation.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// When it began.
    pub fn started(&self) -> u64 {
        self.started.load(Ordering::SeqCst)
    }

    /// Waits until the schedule lets this function die.
    pub async fn doomed(&self) {
        self.doom.notified().await;
    }

    /// The function's clock.
    pub fn clock(self: &Arc<Self>) -> Clock {
        let line = Arc::clone(self);
        Clock::from_fn(move || line.now())
    }

    /// The time as the function has it.
    pub fn now(&self) -> Timestamp {
        let skew = self.skew_ms.load(Ordering::SeqCst);
        let by = Duration::from_millis(skew.unsigned_abs());
        let now = self.ground.now();
        if skew < 0 { now.minus(by) } else { now.plus(by) }
    }

    /// The fault that a request meets, by its place: that of an outage under way, or one of its own.
    fn fault(&self, service: &'static str, place: &str, what: &str) -> Option<Fault> {
        if self.function == OPERATOR {
            return None;
        }
        let fault = self.ground.outage(service, place).or_else(|| self.own_fault(place, what));
        let Some(Fault::Outage(by)) = fault else { return fault };
        self.ground.begin_outage(service, by);
        self.ground.outage(service, place)
    }

    fn own_fault(&self, place: &str, what: &str) -> Option<Fault> {
        let plan = &self.ground.plan;
        let is_in_the_eye = plan.eye == Some(self.function);
        let weather = if is_in_the_eye { plan.weather.in_the_eye() } else { plan.weather };
        let dice = plan.dice;
        self.ground.fault(place, || {
            if dice.chance("outage", place, weather.outages) {
                let longest =
                    [3_000, 40_000, 600_000][usize::try_from(dice.below("how long", place, 3)).unwrap_or(0)];
                return Some(Fault::Outage(1 + dice.below("out for", place, longest)));
            }
            if dice.chance("death", place, weather.deaths) {
                let after = dice.chance("after", place, 5_000);
                return Some(if after { Fault::DiesAfter } else { Fault::DiesBefore });
            }
            if !dice.chance("request", place, weather.requests) {
                return None;
            }
            let conflicts = what == "TransactWriteItems";
            let parts = matches!(what, "SendMessageBatch" | "BatchGetItem");
            let straggles = STRAGGLERS.contains(&what) && dice.chance("straggles", place, 8_000);
            Some(match dice.below("kind", place, 10) {
                0 => Fault::Refused,
                1 | 2 if conflicts => Fault::Conflict,
                1 | 2 if parts => Fault::Partial,
                1 | 2 => Fault::Throttled,
                3 => Fault::FailedBefore,
                5 | 6 if straggles => Fault::Straggles(200 + dice.below("straggles", place, 60_000)),
                4 | 5 => Fault::FailedAfter,
                6 => Fault::SilentBefore,
                7 | 8 => Fault::SilentAfter,
                _ => Fault::Slow(500 + dice.below("slow", place, 8_000)),
            })
        })
    }

    /// The way of a request: gives what becomes of it, and where that was. Time passes on the way.
    async fn go(&self, service: &'static str, what: &str) -> (String, Option<Fault>, Fate) {
        let number = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        let place = format!("{} #{number} {what}", self.invocation());
        let fault = self.fault(service, &place, what);
        self.ground.state().tally.request(self.function, what);
        let mut way = 2 + self.ground.plan.dice.below("way", &place, 30);
        if let Some(Fault::Slow(by)) = fault {
            way += by;
        }
        tokio::time::sleep(Duration::from_millis(way)).await;
        let fate = match fault {
            Some(Fault::Refused) => Fate::Refused,
            Some(Fault::Throttled | Fault::FailedBefore | Fault::Conflict) => {
                Fate::Answered { done: false, fails: fault }
            }
            Some(Fault::FailedAfter) => Fate::Answered { done: true, fails: fault },
            Some(Fault::SilentBefore) => Fate::Lost { done: false },
            Some(Fault::SilentAfter) => Fate::Lost { done: true },
            Some(Fault::Straggles(by)) => Fate::Straggles(by),
            Some(Fault::DiesBefore) => Fate::Dies { done: false },
            Some(Fault::DiesAfter) => Fate::Dies { done: true },
            _ => Fate::Answered { done: true, fails: None },
        };
        (place, fault, fate)
    }

    async fn die<T>(&self, place: &str) -> T {
        let what = place.rsplit(' ').next().unwrap_or_default().to_owned();
        let key = format!("{} at {what}", self.function);
        *self.ground.state().tally.deaths.entry(key).or_default() += 1;
        self.doom.notify_one();
        std::future::pending().await
    }

    /// What was on its way when nobody waited for it any more is done all the same.
    fn do_later(self: Arc<Self>, place: String, request: Request, by: u64) {
        self.ground.running.fetch_add(1, Ordering::SeqCst);
        tokio::task::spawn_local(async move {
            tokio::time::sleep(Duration::from_millis(by)).await;
            aws::answer(&self, &place, &request, false);
            self.ground.running.fetch_sub(1, Ordering::SeqCst);
        });
    }

    async fn exchange(self: Arc<Self>, request: Request) -> Result<HttpResponse, ConnectorError> {
        let (place, fault, fate) = self.go(request.service.name(), &request.operation).await;
        let partial = fault == Some(Fault::Partial);
        let done = |done: bool| done.then(|| aws::answer(&self, &place, &request, partial));
        let answer = match fate {
            Fate::Refused => {
                return Err(ConnectorError::io("the connection was refused".into()));
            }
            Fate::Answered { done: is_done, fails } => {
                let answer = done(is_done);
                match fails {
                    None => answer.unwrap_or_else(|| panic!("a request without an answer")),
                    Some(fault) => aws::failure(&request, fault),
                }
            }
            Fate::Lost { done: is_done } => {
                done(is_done);
                // The client's own timeout ends it.
                std::future::pending().await
            }
            Fate::Straggles(by) => {
                Arc::clone(&self).do_later(place.clone(), request, by);
                std::future::pending().await
            }
            Fate::Dies { done: is_done } => {
                done(is_done);
                self.die(&place).await
            }
        };
        let back = 1 + self.ground.plan.dice.below("back", &place, 15);
        tokio::time::sleep(Duration::from_millis(back)).await;
        let status = answer.0.try_into().map_err(|_| ConnectorError::other("status".into(), None))?;
        let mut response = HttpResponse::new(status, SdkBody::from(answer.1));
        response.headers_mut().insert("x-amzn-requestid", "model");
        Ok(response)
    }
}

/// The SDK's way onto a line.
#[derive(Clone, Debug)]
pub struct Wire(pub Arc<Line>);

impl HttpClient for Wire {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let line = Arc::clone(&self.0);
        let read = Request::read(&request);
        HttpConnectorFuture::new(async move { line.exchange(read).await })
    }
}

/// The networks' way onto a line.
#[derive(Debug)]
pub struct Road(pub Arc<Line>);

impl Transport for Road {
    fn send(&self, request: TransportRequest) -> Carried {
        let line = Arc::clone(&self.0);
        Box::pin(async move {
            let what = network::operation(&request);
            let (place, _, fate) = line.go(network::service(&request), what).await;
            let answer = |done: bool| done.then(|| network::answer(&line, &place, &request));
            let response = match fate {
                Fate::Refused => return Err(TransportError::NotConnected),
                Fate::Answered { done, fails } => match (answer(done), fails) {
                    (Some(answer), None) => answer,
                    (_, Some(fault)) => network::failure(fault),
                    (None, None) => return Err(TransportError::BrokenOff),
                },
                Fate::Lost { done } => {
                    answer(done);
                    std::future::pending().await
                }
                // Of writes to AWS alone.
                Fate::Straggles(_) => std::future::pending().await,
                Fate::Dies { done } => {
                    answer(done);
                    line.die(&place).await
                }
            };
            tokio::time::sleep(Duration::from_millis(2)).await;
            Ok(response)
        })
    }
}

/// Sleeps for the SDK. Its timeouts are whole seconds and stay as they are; its back-off is random and
/// becomes one pause, so that a run can be repeated.
#[derive(Clone, Copy, Debug)]
pub struct Sleeper;

impl AsyncSleep for Sleeper {
    fn sleep(&self, duration: Duration) -> Sleep {
        let whole = duration.subsec_nanos() == 0 && duration.as_secs() > 0;
        let duration = if whole { duration } else { Duration::from_millis(400) };
        Sleep::new(tokio::time::sleep(duration))
    }
}
