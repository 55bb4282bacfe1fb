//! What the functions stand on: AWS, the networks and the mail, in memory behind one lock, with the
//! faults that the schedule puts between them and the functions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::outcome::PostOutcomes;
use domain::time::Timestamp;
use lambda::envelope::{Envelope, Message as Body};
use serde_json::Value as Json;
use tokio::time::Instant;

use super::dynamodb::{Key, Tables};
use super::network::Replies;
use super::plan::{Deed, Fault, Plan};
use super::report::Tally;
use super::shop::{QUEUES, START, TABLES};
use super::sqs::Queues;
use super::world::poison;

/// A mail that SES took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// To whom.
    pub to: String,
    /// The local part of its `Message-ID`: post and step.
    pub id: String,
    /// Its subject.
    pub subject: String,
    /// The place in the run where it was taken.
    pub place: String,
    /// Its plain text.
    pub text: String,
}

/// What is under the lock.
#[derive(Debug)]
pub struct State {
    /// DynamoDB.
    pub tables: Tables,
    /// SQS.
    pub queues: Queues,
    /// SES: what it took.
    pub mails: Vec<Mail>,
    /// The networks: what they took.
    pub replies: Replies,
    /// Every outcome that was put on its queue, by post and step.
    pub outcomes: BTreeMap<String, Vec<PostOutcomes>>,
    /// Every decision that was ever written, by customer and sort key, as it was written first.
    pub history: BTreeMap<Key, Json>,
    /// Who parked what, by the key of the item.
    pub parked: BTreeMap<Key, String>,
    /// What the laws say against the run.
    pub violations: Vec<String>,
    /// The faults that happened.
    pub fired: BTreeMap<String, Fault>,
    /// What the report counts.
    pub tally: Tally,
    /// Since when a post is marked as deleted.
    pub erased: BTreeMap<String, u64>,
    /// Until when a service doesn't work, in milliseconds.
    outages: BTreeMap<&'static str, u64>,
    /// The places of the requests that met an outage.
    pub cut_off: BTreeSet<String>,
}

/// The ground of one run.
pub struct Ground {
    /// The plan.
    pub plan: Plan,
    faults: Option<BTreeMap<String, Fault>>,
    /// What nobody can read, by queue.
    poisons: BTreeSet<(String, String)>,
    state: Mutex<State>,
    storm: AtomicBool,
    start: Instant,
    /// How many invocations are under way.
    pub running: AtomicU64,
    /// Rings when something was put into a queue or a function became free.
    pub bells: BTreeMap<&'static str, tokio::sync::Notify>,
    /// A real AWS beside the model, for the comparison with the emulator.
    pub beside: Option<Box<dyn Beside>>,
}

/// A second AWS that gets the same requests.
pub trait Beside: Send + Sync {
    /// Sends a request there and gives status and body, without letting time pass in the run.
    fn exchange(&self, service: &str, target: &str, body: &[u8]) -> (u16, Vec<u8>);
}

impl std::fmt::Debug for Ground {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ground({})", self.plan.seed)
    }
}

impl Ground {
    /// Ground for a plan; `faults` are those of a schedule, or drawn from the seed. Starts in calm.
    pub fn new(plan: Plan, faults: Option<BTreeMap<String, Fault>>, beside: Option<Box<dyn Beside>>) -> Self {
        let mut tables = Tables::new(TABLES.map(str::to_owned));
        tables.page = plan.page;
        let state = State {
            tables,
            queues: Queues::new(&QUEUES),
            mails: Vec::new(),
            replies: Replies::default(),
            outcomes: BTreeMap::new(),
            history: BTreeMap::new(),
            parked: BTreeMap::new(),
            violations: Vec::new(),
            fired: BTreeMap::new(),
            tally: Tally::default(),
            erased: BTreeMap::new(),
            outages: BTreeMap::new(),
            cut_off: BTreeSet::new(),
        };
        let poisons = plan.inputs.iter().filter_map(|input| match &input.deed {
            Deed::Poison { queue, kind } => Some(((*queue).to_owned(), poison(queue, *kind, &input.name))),
            _ => None,
        });
        Self {
            poisons: poisons.collect(),
            plan,
            faults,
            state: Mutex::new(state),
            storm: AtomicBool::new(false),
            start: Instant::now(),
            running: AtomicU64::new(0),
            bells: QUEUES.map(|queue| (queue, tokio::sync::Notify::new())).into(),
            beside,
        }
    }

    /// The state. Nothing that holds it waits for anything.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The true time in milliseconds since the start of the run.
    pub fn elapsed(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The true time of day.
    pub fn now(&self) -> Timestamp {
        START.plus(Duration::from_millis(self.elapsed()))
    }

    /// Waits until so many milliseconds after the start.
    pub async fn until(&self, at: u64) {
        tokio::time::sleep_until(self.start + Duration::from_millis(at)).await;
    }

    /// Starts or ends the time in which faults happen.
    pub fn storm(&self, on: bool) {
        self.storm.store(on, Ordering::SeqCst);
    }

    /// Notes what breaks a law.
    pub fn violate(&self, what: String) {
        let mut state = self.state();
        if state.violations.len() < 20 {
            state.violations.push(what);
        }
    }

    /// The fault at `place`, if there is one: the schedule's, or what `drawn` draws for the seed. Each
    /// that happens is noted, so that the run can be repeated without the seed's others.
    pub fn fault(&self, place: &str, drawn: impl FnOnce() -> Option<Fault>) -> Option<Fault> {
        if !self.storm.load(Ordering::SeqCst) {
            return None;
        }
        let fault = match &self.faults {
            Some(faults) => faults.get(place).copied(),
            None => drawn(),
        }?;
        let mut state = self.state();
        state.fired.insert(place.to_owned(), fault);
        *state.tally.faults.entry(fault.kind()).or_default() += 1;
        Some(fault)
    }

    /// Begins an outage of a service.
    pub fn begin_outage(&self, service: &'static str, by: u64) {
        let until = self.elapsed() + by;
        let mut state = self.state();
        let ends = state.outages.entry(service).or_default();
        *ends = until.max(*ends);
    }

    /// How a request to a service fails while that doesn't work: drawn by its place, and a consequence
    /// of the outage rather than a fault of its own.
    pub fn outage(&self, service: &'static str, place: &str) -> Option<Fault> {
        let now = self.elapsed();
        let mut state = self.state();
        if !self.storm.load(Ordering::SeqCst) || state.outages.get(service).is_none_or(|until| *until <= now)
        {
            return None;
        }
        state.cut_off.insert(place.to_owned());
        *state.tally.faults.entry("cut off by an outage").or_default() += 1;
        Some(match self.plan.dice.below("cut off", place, 8) {
            0..=2 => Fault::Refused,
            3 | 4 => Fault::Throttled,
            5 | 6 => Fault::FailedBefore,
            _ => Fault::SilentBefore,
        })
    }

    /// Takes expired items away, as TTL may at any time after their expiry, among those that a request
    /// is about to touch.
    pub fn expire(&self, touched: Vec<(String, Key)>) {
        let now = i128::from(self.now().as_seconds());
        for (table, key) in touched {
            // Sessions and one-time links have random names, of which nothing may depend.
            if key.0.starts_with("session#") || key.0.starts_with("once#") {
                continue;
            }
            let expired = {
                let state = self.state();
                let expires =
                    state.tables.get(&table, &key).and_then(|item| item.get("expires_at")?.number());
                expires.is_some_and(|expires| expires <= now)
            };
            let place = format!("ttl {table} {} {}", key.0, key.1);
            let dice = &self.plan.dice;
            let drawn = || dice.chance("ttl", &place, self.plan.weather.expires).then_some(Fault::Expires);
            if expired && self.fault(&place, drawn).is_some() {
                self.state().tables.expire(&table, &key);
                if let Some(beside) = &self.beside {
                    let key = serde_json::json!({"pk": {"S": key.0}, "sk": {"S": key.1}});
                    let body = serde_json::json!({"TableName": table, "Key": key}).to_string();
                    beside.exchange("dynamodb", "DynamoDB_20120810.DeleteItem", body.as_bytes());
                }
            }
        }
    }

    /// After messages were put into queues: notes outcomes, lets some come late, rings.
    pub fn sent(&self, messages: &[(String, String)]) {
        let dice = &self.plan.dice;
        for (queue, name) in messages {
            let place = format!("send {name}");
            let late = || {
                dice.chance("late", &place, self.plan.weather.late).then(|| {
                    let longest = [2_000, 60_000, 3_600_000]
                        [usize::try_from(dice.below("how late", &place, 3)).unwrap_or(0)];
                    Fault::Late(dice.below("late by", &place, longest))
                })
            };
            let is_dead = queue.ends_with("-dead-letters");
            let late = if is_dead { None } else { self.fault(&place, late) };
            let mut state = self.state();
            let message = state.queues.messages(queue).get(name).cloned();
            let Some(message) = message else { continue };
            let kind = message.attributes.get("kind").map(String::as_str);
            let of = queue.trim_end_matches("-dead-letters").to_owned();
            if kind == Some("exhausted") && self.poisons.contains(&(of, message.body.clone())) {
                state.violations.push(format!("what nobody can read was tried again and again: {name}"));
            }
            if let Some(Fault::Late(by)) = late {
                state.queues.show(queue, name, message.visible_at + by);
            }
            if queue == "outcomes"
                && let Ok(Envelope { body: Body::PostOutcomes(outcomes), .. }) =
                    Envelope::decode(&message.body)
            {
                let of = format!("{}/{}", outcomes.post.post_ref(), outcomes.step);
                let seen = state.outcomes.entry(of).or_default();
                if !seen.contains(&outcomes) {
                    seen.push(*outcomes);
                }
            }
        }
        for (queue, _) in messages {
            self.ring(queue);
        }
    }

    /// Rings a queue's bell.
    pub fn ring(&self, queue: &str) {
        if let Some(bell) = self.bells.get(queue) {
            bell.notify_one();
        }
    }

    /// Puts a message into a queue from outside of the functions.
    pub fn put(&self, queue: &str, body: &str) -> String {
        let now = self.elapsed();
        let group = Some("outside".to_owned());
        let name = self.state().queues.put(queue, body, group, BTreeMap::new(), now);
        self.sent(&[(queue.to_owned(), name.clone())]);
        name
    }
}

/// Reads a body of JSON; functions always send some.
pub fn json(body: &[u8]) -> Json {
    serde_json::from_slice(body).unwrap_or_else(|error| panic!("a request without JSON: {error}"))
}
