//! What happens in a run: the shoppers and their deeds, drawn from the seed, and the faults that meet
//! them. A failing run is kept as a [`Schedule`]: the seed, the deeds that are left and the faults that
//! are left.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::dice::Dice;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Something that goes wrong, at the place that a [`Schedule`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The connection is refused.
    Refused,
    /// The service throttles; nothing is done.
    Throttled,
    /// The service fails; nothing is done.
    FailedBefore,
    /// The service fails; it is done all the same.
    FailedAfter,
    /// No answer; nothing is done.
    SilentBefore,
    /// No answer; it is done all the same.
    SilentAfter,
    /// The function dies; nothing is done.
    DiesBefore,
    /// The function dies; it is done all the same.
    DiesAfter,
    /// A transaction gives way to another.
    Conflict,
    /// A part of a batch isn't done.
    Partial,
    /// The answer comes so many milliseconds later.
    Slow(u64),
    /// A message arrives so many milliseconds later.
    Late(u64),
    /// A message is delivered again after so many milliseconds, while or after it is worked on.
    Again(u64),
    /// The network delivers a webhook again after so many milliseconds.
    Repeated(u64),
    /// An expired item is taken away.
    Expires,
    /// A function's clock is so many milliseconds ahead (or, below 0, behind).
    Skew(i64),
    /// A function starts anew: what it kept in memory is gone.
    Cold,
    /// No answer; it is done so many milliseconds later, whatever has become of who asked.
    Straggles(u64),
    /// The service that is asked works for nobody for so many milliseconds.
    Outage(u64),
}

impl Fault {
    /// The fault's kind, for counting.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Refused => "connection refused",
            Self::Throttled => "throttled",
            Self::FailedBefore => "5xx, not done",
            Self::FailedAfter => "5xx, done",
            Self::SilentBefore => "timeout, not done",
            Self::SilentAfter => "timeout, done",
            Self::DiesBefore => "death before the effect",
            Self::DiesAfter => "death after the effect",
            Self::Conflict => "transaction conflict",
            Self::Partial => "part of a batch undone",
            Self::Slow(_) => "slow answer",
            Self::Late(_) => "late message",
            Self::Again(_) => "message delivered twice",
            Self::Repeated(_) => "webhook delivered twice",
            Self::Expires => "item taken by TTL",
            Self::Skew(_) => "clock skew",
            Self::Cold => "cold start",
            Self::Straggles(_) => "timeout, done later",
            Self::Outage(_) => "outage of a service",
        }
    }
}

/// How often each kind of fault happens, in 10,000 cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// Requests that meet any fault but a death.
    pub requests: u64,
    /// Requests at which the function dies.
    pub deaths: u64,
    /// Messages that come late.
    pub late: u64,
    /// Receives of messages that come again.
    pub again: u64,
    /// Webhooks that come again.
    pub repeated: u64,
    /// Starts of a function with a skewed clock.
    pub skews: u64,
    /// Expired items that are taken by TTL at each look.
    pub expires: u64,
    /// Invocations after which the function's memory is lost.
    pub colds: u64,
    /// Requests with which an outage of their service begins.
    pub outages: u64,
}

impl Weather {
    /// Nothing goes wrong.
    pub const CALM: Self = Self {
        requests: 0,
        deaths: 0,
        late: 0,
        again: 0,
        repeated: 0,
        skews: 0,
        expires: 0,
        colds: 0,
        outages: 0,
    };

    /// The weather of a seed: one of several kinds of storm.
    pub fn of(dice: &Dice) -> Self {
        let storm = |requests, deaths, late, again, repeated, outages| Self {
            requests,
            deaths,
            late,
            again,
            repeated,
            skews: 3_000,
            expires: 5_000,
            colds: 100,
            outages,
        };
        match dice.below("weather", "", 5) {
            0 => storm(300, 60, 500, 1_000, 1_500, 15),
            1 => storm(1_200, 100, 300, 300, 500, 5),
            2 => storm(200, 400, 200, 500, 500, 5),
            3 => storm(100, 30, 2_500, 3_000, 3_000, 10),
            _ => storm(500, 150, 800, 1_500, 1_000, 60),
        }
    }

    /// What meets a function in the eye of the storm.
    #[must_use]
    pub fn in_the_eye(self) -> Self {
        Self {
            requests: (self.requests * 4).min(2_500),
            deaths: (self.deaths * 4).min(1_000),
            outages: self.outages * 4,
            ..self
        }
    }
}

/// What a shopper's way to us is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Linked before the run.
    Linked,
    /// Links in the run.
    Links,
    /// Never links.
    Stranger,
}

/// A shopper.
#[derive(Clone, Debug)]
pub struct Shopper {
    /// The account's id and handle, and the local part of the address.
    pub name: String,
    /// How they are linked.
    pub standing: Standing,
    /// SES refuses mail to their address.
    pub unmailable: bool,
    /// They may say `stop` and `start`, or their mail may bounce: what they are told depends on when.
    pub fickle: bool,
}

/// A tagged post's ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Into the cart, with these words beside the tag.
    Add(&'static str),
    /// Out of the cart.
    Remove,
    /// Onto the wish list.
    Wish,
    /// Help.
    Help,
    /// Silence.
    Stop,
    /// Answers again.
    Start,
    /// Nothing of ours: no tag.
    Chatter,
}

/// How a post shows its product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Showing {
    /// It answers a post that is delivered with it.
    Inline,
    /// It answers a post that has to be read from the network.
    Fetched,
    /// Its own link.
    Own,
    /// Its own link, shortened.
    Short,
    /// Two links of its own: this product and the next one.
    Two,
    /// Nothing.
    Nothing,
}

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A post about a product of the shop.
    Post { ask: Ask, showing: Showing, product: usize, network: &'static str },
    /// The post of this name is deleted.
    Delete { post: String },
    /// The shopper links their account.
    Link,
    /// The shopper sets a quantity on the cart page; 0 removes.
    Edit { product: usize, quantity: u32 },
    /// The shopper answers the question that their post of this name left open.
    Choose { post: String },
    /// The shop reports an order.
    Purchase { product: usize, quantity: u32 },
    /// The shopper's mail bounces.
    Bounce,
    /// Something that nobody can read lands in a queue.
    Poison { queue: &'static str, kind: usize },
    /// The operator pauses replies, mails or everything.
    Pause { what: usize },
    /// The operator ends the pause.
    Resume,
}

/// A deed with its time and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// When, in milliseconds from the start.
    pub at: u64,
    /// Its name; of a post, the post's id.
    pub name: String,
    /// Whose it is, by place; not of every deed.
    pub shopper: usize,
    /// What.
    pub deed: Deed,
}

/// What a run does, all of it drawn from its seed.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// Its dice.
    pub dice: Dice,
    /// The shoppers.
    pub shoppers: Vec<Shopper>,
    /// What happens, by time.
    pub inputs: Vec<Input>,
    /// How often what goes wrong.
    pub weather: Weather,
    /// Whether limits are so low that they bind: then a cart may depend on the order of arrival.
    pub tight: bool,
    /// Whether old entries are folded in the run: the acceptance window is short.
    pub folding: bool,
    /// How many items a page of a query holds.
    pub page: usize,
    /// The function that stands in the eye of the storm, if one does.
    pub eye: Option<&'static str>,
}

/// A run as it is kept, to be repeated: the parts of its [`Plan`] that are left, and the faults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// The seed of the plan.
    pub seed: u64,
    /// How many posts were planned.
    pub posts: usize,
    /// The names of the deeds that are left; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deeds: Option<BTreeSet<String>>,
    /// The faults by their places; drawn from the seed when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faults: Option<BTreeMap<String, Fault>>,
}

impl Schedule {
    /// A run of `posts` posts with whatever the seed brings.
    pub fn of_seed(seed: u64, posts: usize) -> Self {
        Self { seed, posts, deeds: None, faults: None }
    }

    /// The plan, with the deeds that are left.
    pub fn plan(&self) -> Plan {
        let mut plan = Plan::new(self.seed, self.posts);
        if let Some(deeds) = &self.deeds {
            plan.inputs.retain(|input| deeds.contains(&input.name));
        }
        plan
    }
}

/// The products of the shop by place, see [`super::shop`].
pub const PRODUCTS: usize = 10;
/// The fewest posts of a world in which old entries are folded.
const FOLDING_POSTS: usize = 170;
/// The place of the product with three sizes.
pub const SIZED: usize = 3;

impl Plan {
    /// The plan of a seed with about so many posts.
    pub fn new(seed: u64, posts: usize) -> Self {
        let dice = Dice::new(seed);
        let tight = dice.chance("tight", "", 1_500);
        let folding = !tight && dice.chance("folding", "", 2_500);
        // A cart is folded when fifty of its entries are old.
        let posts = if folding { posts.max(FOLDING_POSTS) } else { posts };
        let count = if folding { 2 } else { 4 + dice.below("shoppers", "", 8) };
        let mut shoppers: Vec<Shopper> = (0..count).map(|place| shopper(&dice, place)).collect();
        if folding {
            // What is parked there expires within a day, which a fault may put a release beyond.
            shoppers.iter_mut().for_each(|shopper| shopper.standing = Standing::Linked);
        }
        let span = match dice.below("span", "", 4) {
            _ if folding => 20 * DAY,
            0 => 20 * MINUTE,
            1 => 6 * HOUR,
            2 => 3 * DAY,
            _ => 45 * DAY,
        };
        let mut inputs = Vec::new();
        let links_at = |place: usize| dice.below("links at", place, span.min(25 * DAY));
        for number in 0..posts {
            post(&dice, number, span, &shoppers, &mut inputs);
        }
        // What is posted at the very moment of a link races with it.
        for input in &mut inputs {
            let is_racing = matches!(input.deed, Deed::Post { .. })
                && shoppers[input.shopper].standing == Standing::Links
                && dice.chance("races", &input.name, 3_000);
            if is_racing {
                input.at = links_at(input.shopper) + dice.below("races by", &input.name, 3_000);
            }
        }
        for (place, shopper) in shoppers.iter().enumerate() {
            if shopper.standing == Standing::Links {
                let at = links_at(place);
                inputs.push(Input { at, name: format!("link{place}"), shopper: place, deed: Deed::Link });
            }
        }
        incidents(&dice, posts, span, &shoppers, &mut inputs);
        keep_deeds_in_order(&mut inputs);
        inputs.sort_by(|a, b| (a.at, &a.name).cmp(&(b.at, &b.name)));
        let page = if dice.chance("pages", "", 2_000) { 7 } else { usize::MAX };
        let functions = ["webhook-ingest", "classify", "cart-add", "notify", "pages"];
        let eye = usize::try_from(dice.below("eye", "", 8)).unwrap_or(0);
        let eye = functions.get(eye).copied();
        Self { seed, dice, shoppers, inputs, weather: Weather::of(&dice), tight, folding, page, eye }
    }
}

fn shopper(dice: &Dice, place: u64) -> Shopper {
    let standing = match dice.below("standing", place, 10) {
        0..=5 => Standing::Linked,
        6..=8 => Standing::Links,
        _ => Standing::Stranger,
    };
    Shopper {
        name: format!("shopper{place}"),
        standing: if place == 0 { Standing::Linked } else { standing },
        // Who can't be mailed can't link by a mail either.
        unmailable: place != 0 && standing == Standing::Linked && dice.chance("unmailable", place, 1_000),
        fickle: dice.chance("fickle", place, 2_000),
    }
}

/// A post and what follows from it.
fn post(dice: &Dice, number: usize, span: u64, shoppers: &[Shopper], inputs: &mut Vec<Input>) {
    let place = usize::try_from(dice.below("author", number, shoppers.len() as u64)).unwrap_or(0);
    // Bursts: half of the posts fall into a twentieth of the time.
    let at = if dice.chance("burst", number, 5_000) {
        span / 3 + dice.below("at", number, (span / 20).max(1))
    } else {
        dice.below("at", number, span)
    };
    let product = usize::try_from(dice.below("product", number, PRODUCTS as u64)).unwrap_or(0);
    let ask = match dice.below("ask", number, 100) {
        0..=24 => Ask::Add(""),
        25..=44 => Ask::Add([" x2", " x3", " x5"][number % 3]),
        45..=54 => Ask::Add([" size M", " size S"][number % 2]),
        55..=69 => Ask::Remove,
        70..=77 => Ask::Wish,
        78..=82 => Ask::Help,
        83..=85 if shoppers[place].fickle => Ask::Stop,
        86..=88 if shoppers[place].fickle => Ask::Start,
        83..=92 => Ask::Chatter,
        _ => Ask::Add(" x1"),
    };
    let product = if matches!(ask, Ask::Add(" size M" | " size S")) { SIZED } else { product };
    let showing = match dice.below("showing", number, 20) {
        0..=8 => Showing::Inline,
        9..=12 => Showing::Fetched,
        13..=15 => Showing::Own,
        16 => Showing::Short,
        17..=18 => Showing::Two,
        _ => Showing::Nothing,
    };
    let network = if dice.chance("network", number, 1_500) { "x" } else { "square" };
    let showing = match (network, showing) {
        ("x", Showing::Fetched | Showing::Short) => Showing::Own,
        (_, showing) => showing,
    };
    let name = format!("p{number}");
    let opens_question = product == SIZED
        && matches!(ask, Ask::Add("" | " x2" | " x3" | " x5" | " x1"))
        && showing != Showing::Nothing;
    inputs.push(Input {
        at,
        name: name.clone(),
        shopper: place,
        deed: Deed::Post { ask: ask.clone(), showing, product, network },
    });
    if dice.chance("deleted", number, 700) {
        let later = dice.below("deleted after", number, 2 * HOUR);
        let deed = Deed::Delete { post: name.clone() };
        inputs.push(Input { at: at + later, name: format!("d{number}"), shopper: place, deed });
    } else if opens_question
        && shoppers[place].standing == Standing::Linked
        && showing != Showing::Two
        && dice.chance("chosen", number, 6_000)
    {
        let later = 5 * MINUTE + dice.below("chosen after", number, HOUR);
        inputs.push(Input {
            at: at + later,
            name: format!("c{number}"),
            shopper: place,
            deed: Deed::Choose { post: name },
        });
    }
}

/// What happens beside the posts.
fn incidents(dice: &Dice, posts: usize, span: u64, shoppers: &[Shopper], inputs: &mut Vec<Input>) {
    let linked: Vec<usize> =
        (0..shoppers.len()).filter(|place| shoppers[*place].standing == Standing::Linked).collect();
    for number in 0..posts / 12 {
        let place = linked[usize::try_from(dice.below("buyer", number, linked.len() as u64)).unwrap_or(0)];
        let at = dice.below("edited at", number, span);
        let product = usize::try_from(dice.below("edited", number, PRODUCTS as u64)).unwrap_or(0);
        let quantity = u32::try_from(dice.below("edited to", number, 4)).unwrap_or(0);
        if dice.chance("bought", number, 5_000) {
            let deed = Deed::Purchase { product, quantity: quantity.max(1) };
            inputs.push(Input { at, name: format!("o{number}"), shopper: place, deed });
        } else {
            let deed = Deed::Edit { product, quantity };
            inputs.push(Input { at, name: format!("e{number}"), shopper: place, deed });
        }
    }
    keep_edits_apart(inputs);
    for number in 0..1 + posts / 40 {
        let at = dice.below("poisoned at", number, span);
        let queue = ["posts", "commands", "outcomes", "feedback"]
            [usize::try_from(dice.below("poisoned", number, 4)).unwrap_or(0)];
        let kind = usize::try_from(dice.below("poison", number, 4)).unwrap_or(0);
        inputs.push(Input { at, name: format!("z{number}"), shopper: 0, deed: Deed::Poison { queue, kind } });
    }
    for (place, shopper) in shoppers.iter().enumerate() {
        if shopper.fickle && shopper.standing == Standing::Linked && dice.chance("bounces", place, 5_000) {
            let at = dice.below("bounces at", place, span);
            inputs.push(Input { at, name: format!("b{place}"), shopper: place, deed: Deed::Bounce });
        }
    }
    if dice.chance("pause", "", 3_000) {
        let at = dice.below("pause at", "", span);
        let what = usize::try_from(dice.below("pause what", "", 3)).unwrap_or(0);
        let until = at + dice.below("pause for", "", 3 * HOUR);
        inputs.push(Input { at, name: "pause".to_owned(), shopper: 0, deed: Deed::Pause { what } });
        inputs.push(Input { at: until, name: "resume".to_owned(), shopper: 0, deed: Deed::Resume });
    }
}

/// The products that a deed is about.
fn touches(input: &Input) -> Vec<usize> {
    match &input.deed {
        Deed::Edit { product, .. } | Deed::Purchase { product, .. } => vec![*product],
        Deed::Post { showing: Showing::Two, product, .. } => vec![*product, (*product + 1) % PRODUCTS],
        Deed::Post { product, .. } => vec![*product],
        _ => Vec::new(),
    }
}

/// The clocks that stamp a shopper's deeds may be two seconds behind, so what they do about one product
/// within less has no order that anybody could know: it is put three seconds apart.
fn keep_deeds_in_order(inputs: &mut [Input]) {
    inputs.sort_by(|a, b| (a.at, &a.name).cmp(&(b.at, &b.name)));
    let mut free: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    for input in inputs {
        let places: Vec<_> = touches(input).into_iter().map(|product| (input.shopper, product)).collect();
        let earliest = places.iter().filter_map(|place| free.get(place)).max();
        input.at = earliest.map_or(input.at, |earliest| input.at.max(*earliest));
        free.extend(places.into_iter().map(|place| (place, input.at + 3 * SECOND)));
    }
}

/// An edit of the page happens when its request gets through, which a fault may put off. So that the
/// order of a shopper's deeds stays theirs, nothing else touches the product within some hours.
fn keep_edits_apart(inputs: &mut Vec<Input>) {
    let near = |a: &Input, b: &Input| a.shopper == b.shopper && a.at.abs_diff(b.at) < 6 * HOUR;
    let crowded: BTreeSet<String> = inputs
        .iter()
        .filter(|input| matches!(input.deed, Deed::Edit { .. }))
        .filter(|edit| {
            inputs.iter().any(|other| {
                other.name != edit.name
                    && near(edit, other)
                    && touches(other).iter().any(|product| touches(edit).contains(product))
            })
        })
        .map(|edit| edit.name.clone())
        .collect();
    inputs.retain(|input| !crowded.contains(&input.name));
    // A question is closed by whatever else is said of the product before it is answered.
    let moot: BTreeSet<String> = inputs
        .iter()
        .filter(|input| match &input.deed {
            Deed::Choose { post } => inputs
                .iter()
                .any(|other| other.name != *post && near(input, other) && touches(other).contains(&SIZED)),
            _ => false,
        })
        .map(|input| input.name.clone())
        .collect();
    inputs.retain(|input| !moot.contains(&input.name));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_plan_and_every_seed_another() {
        let names = |seed| Plan::new(seed, 50).inputs;
        assert_eq!(names(1), names(1));
        assert_ne!(names(1), names(2));
    }

    #[test]
    fn a_schedule_keeps_what_is_left() {
        let mut schedule = Schedule::of_seed(3, 30);
        schedule.deeds = Some(["p1".to_owned(), "p2".to_owned()].into());
        schedule.faults = Some([("send x".to_owned(), Fault::Late(5))].into());
        assert_eq!(schedule.plan().inputs.len(), 2);
        let json = serde_json::to_string(&schedule).unwrap();
        assert_eq!(serde_json::from_str::<Schedule>(&json).unwrap(), schedule);
    }
}
