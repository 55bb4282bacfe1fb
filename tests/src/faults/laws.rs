//! What must hold at the end of every run, whatever went wrong in it. What must hold at every single
//! write stands in [`super::aws`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use domain::cart::{Base, Cart, Effect, Entry};
use domain::ids::CustomerId;
use domain::outcome::{Outcome, PostOutcomes};
use domain::storefront::Storefront;
use messages::{Address, Language, MailLinks, Recipient, Reply, ReplyRules, voices};
use networks::LengthRule;
use serde_json::Value as Json;
use url::Url;

use super::aws::mail_id;
use super::dynamodb::partition;
use super::ground::{Ground, Mail, State};
use super::plan::{Deed, Input, Plan, Shopper, Standing};
use super::report::Tally;
use super::shop::{PUBLIC_URL, QUEUES, storefront};
use super::sqs::dead_letters_of;
use super::world::{account, customer_of, poison, post_id};

/// A cart as it is compared: quantity and wish of each item.
type Lines = BTreeMap<String, (u32, bool)>;

/// The laws over one finished run.
struct Laws<'a> {
    plan: &'a Plan,
    storefront: Storefront,
    state: &'a State,
    broken: Vec<String>,
    tally: Tally,
}

/// Checks a finished run against the laws and, where `calm` is given, against the run of the same deeds
/// without faults. Gives what is broken, and counts what was checked.
pub fn check(ground: &Ground, calm: Option<&Ground>) -> (Vec<String>, Tally) {
    let customers = customers(ground);
    let calm = calm.map(|calm| (customers_carts(calm), calm.state().outcomes.clone()));
    let mut broken = ground.state().violations.clone();
    let state = ground.state();
    let mut laws = Laws {
        plan: &ground.plan,
        storefront: storefront(&ground.plan),
        state: &state,
        broken: Vec::new(),
        tally: state.tally.clone(),
    };
    laws.carts(&customers);
    if let Some((carts, outcomes)) = &calm {
        if !ground.plan.tight {
            laws.same_carts(&customers, carts);
        }
        laws.nothing_lost(outcomes);
    }
    laws.one_decision(&customers);
    laws.replies();
    laws.prompts();
    laws.mails(&customers);
    laws.dead_letters(&customers);
    laws.parked(&customers);
    laws.ledger();
    broken.append(&mut laws.broken);
    (broken, laws.tally)
}

/// The customers by shopper.
fn customers(ground: &Ground) -> BTreeMap<String, CustomerId> {
    let of = |shopper: &Shopper| Some((shopper.name.clone(), customer_of(ground, &shopper.name, "square")?));
    ground.plan.shoppers.iter().filter_map(of).collect()
}

fn customers_carts(ground: &Ground) -> BTreeMap<String, Lines> {
    let customers = customers(ground);
    let state = ground.state();
    customers.iter().map(|(name, customer)| (name.clone(), lines(&cart(&state, customer)))).collect()
}

fn read<T: serde::de::DeserializeOwned>(json: &Json) -> T {
    serde_json::from_value(json.clone()).unwrap_or_else(|error| panic!("an item of ours: {error}"))
}

/// The cart in the table.
fn cart(state: &State, customer: &CustomerId) -> Cart {
    let items = partition(state.tables.table("carts"), customer.as_str());
    let (mut base, mut entries): (Option<Base>, Vec<Entry>) = (None, Vec::new());
    for (key, item) in items {
        let body = || super::ground::json(item["body"].text().as_bytes());
        match key.1.as_str() {
            "BASE" => base = Some(read(&body())),
            sk if sk.starts_with("CMD#") => entries.push(read(&body())),
            _ => {}
        }
    }
    Cart::fold(base.as_ref(), &entries)
}

/// Every decision about a customer.
fn history(state: &State, customer: &CustomerId) -> Vec<Entry> {
    partition(&state.history, customer.as_str()).map(|(_, entry)| read(entry)).collect()
}

fn lines(cart: &Cart) -> Lines {
    let all = cart.in_cart().chain(cart.wished());
    all.map(|line| (line.item.variant.to_string(), (line.quantity, line.wished))).collect()
}

/// The number of a request in its place, and the invocation.
fn invocation(place: &str) -> &str {
    place.split(" #").next().unwrap_or_default()
}

impl Laws<'_> {
    fn must(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds && self.broken.len() < 20 {
            self.broken.push(what());
        }
    }

    fn shopper_of(&self, user: &str, network: &str) -> Option<&Shopper> {
        self.plan.shoppers.iter().find(|shopper| account(&shopper.name, network).user.as_str() == user)
    }

    fn deleted(&self) -> BTreeSet<String> {
        let id = |input: &Input| match &input.deed {
            Deed::Delete { post } => self.plan.inputs.iter().find_map(|other| match &other.deed {
                Deed::Post { network, .. } if other.name == *post => {
                    Some(format!("{network}#{}", post_id(post, network, other.at)))
                }
                _ => None,
            }),
            _ => None,
        };
        self.plan.inputs.iter().filter_map(id).collect()
    }

    /// Every cart is the fold of all decisions that were ever made, in whatever order they are taken;
    /// nothing of a deleted post counts.
    fn carts(&mut self, customers: &BTreeMap<String, CustomerId>) {
        let deleted = self.deleted();
        for (name, customer) in customers {
            let entries = history(self.state, customer);
            let folded = lines(&cart(self.state, customer));
            let of_all = lines(&Cart::fold(None, entries.iter().rev()));
            self.must(folded == of_all, || {
                format!("the cart of {name} is {folded:?}, its decisions fold to {of_all:?}")
            });
            let counts = |entry: &&Entry| {
                !deleted.contains(&entry.key.post_ref().to_string())
                    || matches!(entry.effect, Effect::Erase { .. })
            };
            let without = lines(&Cart::fold(None, entries.iter().filter(counts)));
            self.must(folded == without, || {
                format!("a deleted post counts in the cart of {name}: {folded:?}, not {without:?}")
            });
            self.tally.decisions += entries.len() as u64;
        }
        self.tally.check("a cart is the fold of its decisions, without deleted posts", customers.len());
    }

    fn same_carts(&mut self, customers: &BTreeMap<String, CustomerId>, calm: &BTreeMap<String, Lines>) {
        for (name, customer) in customers {
            let here = lines(&cart(self.state, customer));
            let there = calm.get(name).cloned().unwrap_or_default();
            self.must(here == there, || format!("the cart of {name} is {here:?}, without faults {there:?}"));
        }
        self.must(customers.len() == calm.len(), || "other customers than without faults".to_owned());
        self.tally.check("a cart is that of the run without faults", customers.len());
    }

    /// Every post that has an outcome without faults has one with them.
    fn nothing_lost(&mut self, calm: &BTreeMap<String, Vec<PostOutcomes>>) {
        let first = |outcomes: &BTreeMap<String, Vec<PostOutcomes>>| -> BTreeSet<String> {
            outcomes.keys().filter(|key| !key.ends_with("/1")).cloned().collect()
        };
        let (here, there) = (first(&self.state.outcomes), first(calm));
        for lost in there.difference(&here) {
            self.must(false, || format!("{lost} has no outcome"));
        }
        for more in here.difference(&there) {
            self.must(false, || format!("{more} has an outcome only with faults"));
        }
        self.tally.check("a post has an outcome", there.len());
    }

    /// Each line has one decision, and every outcome message says that one.
    fn one_decision(&mut self, customers: &BTreeMap<String, CustomerId>) {
        let state = self.state;
        let known: BTreeSet<&str> = customers.values().map(CustomerId::as_str).collect();
        for (notice, seen) in &state.outcomes {
            for outcomes in seen {
                let Some(customer) = &outcomes.customer else { continue };
                self.must(known.contains(customer.as_str()), || {
                    format!("{notice} is of an unknown customer")
                });
                for line in &outcomes.lines {
                    let post = &outcomes.post;
                    let sk = format!("CMD#{}#{}#{}#{}", post.network, post.id, line.line, outcomes.step);
                    let decided = state.history.get(&(customer.as_str().to_owned(), sk));
                    let told = decided.map(|entry| read::<Entry>(entry).told);
                    self.must(told.as_ref() == Some(line), || {
                        format!(
                            "{notice} line {} is told as {}, decided as {:?}",
                            line.line,
                            line.outcome.name(),
                            told.map(|t| t.outcome.name())
                        )
                    });
                }
            }
        }
        self.tally.check("an outcome tells its decision", state.outcomes.values().map(Vec::len).sum());
    }

    fn reply_texts(&self, network: &str, outcomes: &PostOutcomes) -> Vec<String> {
        let length = if network == "x" { LengthRule::Weighted280 } else { LengthRule::Graphemes(500) };
        let page = format!("{PUBLIC_URL}/link");
        let render = |prompt_due| {
            let rules = ReplyRules {
                language: Language::En,
                fits: &|text| length.fits(text),
                link_page: (network != "x").then_some(page.as_str()),
                prompt_due,
                address: true,
            };
            messages::reply(outcomes, &self.storefront, &rules)
        };
        [true, false].into_iter().filter_map(render).collect()
    }

    /// Every reply tells a decision of its post, once; every post that is to be answered is, unless it
    /// was deleted or its shopper wanted silence at some time.
    fn replies(&mut self) {
        let (state, deleted) = (self.state, self.deleted());
        let mut posted: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for reply in &state.replies.posted {
            posted.entry(&reply.post).or_default().push(&reply.text);
        }
        for (post, texts) in &posted {
            self.must(texts.len() == 1, || format!("{post} was answered {} times: {texts:?}", texts.len()));
        }
        for attempt in &state.replies.attempts {
            let network = attempt.post.split('#').next().unwrap_or_default();
            let seen =
                state.outcomes.get(&format!("{}/0", attempt.post)).map(Vec::as_slice).unwrap_or_default();
            let is_true =
                seen.iter().flat_map(|o| self.reply_texts(network, o)).any(|text| text == attempt.text);
            self.must(is_true, || {
                format!("a reply to {} tells no decision of it: {:?}", attempt.post, attempt.text)
            });
            let since = state.erased.get(&attempt.post).copied().unwrap_or(u64::MAX);
            self.must(attempt.started <= since, || {
                format!("{} was answered after its deletion (at {})", attempt.post, attempt.place)
            });
        }
        let x_texts: BTreeSet<&str> = state
            .replies
            .posted
            .iter()
            .filter(|r| r.post.starts_with("x#"))
            .map(|r| r.text.as_str())
            .collect();
        let mut answered = 0;
        for (notice, seen) in &state.outcomes {
            let Some((post, "0")) = notice.rsplit_once('/') else { continue };
            let network = post.split('#').next().unwrap_or_default();
            let Some(shopper) =
                seen.first().and_then(|o| self.shopper_of(o.post.author.id.as_str(), network))
            else {
                continue;
            };
            let told =
                |o: &PostOutcomes| o.lines.iter().any(|line| voices(&line.outcome).reply == Reply::Told);
            if shopper.fickle || deleted.contains(post) || !seen.iter().all(told) {
                continue;
            }
            answered += 1;
            let is_out = match network {
                "x" => seen
                    .iter()
                    .flat_map(|o| self.reply_texts("x", o))
                    .any(|text| x_texts.contains(text.as_str())),
                _ => posted.contains_key(post),
            };
            self.must(is_out, || format!("{post} was never answered"));
        }
        self.tally.notices += state.replies.posted.len() as u64;
        self.tally.check("a reply tells its decision", state.replies.attempts.len());
        self.tally.check("a post is answered", answered);
    }

    /// Who isn't linked is asked to link, and once in a week at most.
    fn prompts(&mut self) {
        let state = self.state;
        let deleted = self.deleted();
        let page = format!("{PUBLIC_URL}/link");
        let week = u64::from(self.storefront.limits.prompt_days) * 24 * 3_600_000;
        for shopper in self
            .plan
            .shoppers
            .iter()
            .filter(|shopper| shopper.standing != Standing::Linked && !shopper.fickle)
        {
            let of_shopper = |o: &PostOutcomes| {
                o.post.author.id.as_str() == shopper.name && o.post.network.as_str() == "square"
            };
            let asks = |o: &PostOutcomes| o.lines.iter().any(|line| line.outcome == Outcome::NotLinked);
            let asked: Vec<String> = state
                .outcomes
                .values()
                .flatten()
                .filter(|o| of_shopper(o) && asks(o))
                .map(|o| o.post.post_ref().to_string())
                .collect();
            let mut times: Vec<u64> = state
                .replies
                .posted
                .iter()
                .filter(|reply| asked.contains(&reply.post) && reply.text.contains(&page))
                .map(|reply| reply.started)
                .collect();
            times.sort_unstable();
            let apart = times.windows(2).all(|pair| pair[1] - pair[0] + 3_600_000 >= week);
            self.must(apart, || format!("{} was asked to link too often: {times:?}", shopper.name));
            let any_deleted = asked.iter().any(|post| deleted.contains(post));
            // Who links meanwhile needn't be asked any more.
            let links = shopper.standing == Standing::Links;
            self.must(links || asked.is_empty() || any_deleted || !times.is_empty(), || {
                format!("{} was never asked to link", shopper.name)
            });
            self.tally.check("who isn't linked is asked to link, once a week at most", 1);
        }
    }

    fn mail_of(&self, outcomes: &PostOutcomes, to: &str) -> Option<(String, String)> {
        let url =
            |path: &str| Url::parse(&format!("{PUBLIC_URL}{path}")).unwrap_or_else(|error| panic!("{error}"));
        let links = MailLinks {
            cart: url("/cart/enter"),
            unsubscribe: url("/cart/unsubscribe"),
            preferences: url("/cart/settings"),
        };
        let address = Address::parse(to).unwrap_or_else(|error| panic!("{error}"));
        let recipient = Recipient { address, language: Language::En };
        let mail = messages::mail(outcomes, &self.storefront, &recipient, &links)?;
        Some((mail.subject, words(&mail.text)))
    }

    /// Every mail tells a decision of its post; it came once, or again with cause; and it came.
    fn mails(&mut self, customers: &BTreeMap<String, CustomerId>) {
        let state = self.state;
        let mut by_notice: BTreeMap<&str, Vec<&Mail>> = BTreeMap::new();
        let about_posts = state.mails.iter().filter(|mail| !mail.text.contains("/link/confirm"));
        for mail in about_posts {
            by_notice.entry(&mail.id).or_default().push(mail);
        }
        let notices: BTreeMap<String, &Vec<PostOutcomes>> =
            state.outcomes.iter().map(|(notice, seen)| (mail_id(notice), seen)).collect();
        let faulty: BTreeSet<&str> =
            state.fired.keys().chain(&state.cut_off).map(|place| invocation(place)).collect();
        for (id, mails) in &by_notice {
            let seen = notices.get(*id).map(|seen| seen.as_slice()).unwrap_or_default();
            for mail in mails {
                let true_one = seen
                    .iter()
                    .filter_map(|o| self.mail_of(o, &mail.to))
                    .any(|(subject, text)| subject == mail.subject && text == words(&mail.text));
                self.must(true_one, || {
                    format!("the mail {id} tells no decision of its post: {:?}", mail.subject)
                });
            }
            for (earlier, _) in mails.iter().zip(mails.iter().skip(1)) {
                self.tally.doubles += 1;
                let cause = faulty.contains(invocation(&earlier.place));
                self.must(cause, || {
                    format!("the mail {id} came twice without cause, first at {}", earlier.place)
                });
            }
        }
        let mut mailed = 0;
        for (notice, seen) in &state.outcomes {
            for outcomes in seen.iter().filter(|o| o.customer.is_some()) {
                let network = outcomes.post.network.as_str();
                let customer = outcomes.customer.as_ref();
                let shopper = self.plan.shoppers.iter().find(|s| customers.get(&s.name) == customer);
                let wanted = outcomes.lines.iter().any(|line| voices(&line.outcome).mail);
                let Some(shopper) = shopper.filter(|s| !s.fickle && !s.unmailable) else { continue };
                // A step that is told for the second time may have been answered as another's before.
                let once_unlinked = seen.iter().any(|o| o.customer.is_none());
                if !wanted || once_unlinked || !matches!(network, "square" | "x") {
                    continue;
                }
                mailed += 1;
                let name = shopper.name.clone();
                self.must(by_notice.contains_key(mail_id(notice).as_str()), || {
                    format!("{name} got no mail about {notice}")
                });
            }
        }
        self.tally.notices += by_notice.len() as u64;
        self.tally.check("a mail tells its decision", by_notice.values().map(Vec::len).sum());
        self.tally.check("a shopper gets the mail", mailed);
    }

    /// Every poison is among the dead letters with its reason, and nothing else is but what SES refused.
    fn dead_letters(&mut self, customers: &BTreeMap<String, CustomerId>) {
        let state = self.state;
        let mut poisons: BTreeSet<(&str, String)> = BTreeSet::new();
        for input in &self.plan.inputs {
            if let Deed::Poison { queue, kind } = &input.deed {
                poisons.insert((queue, poison(queue, *kind, &input.name)));
            }
        }
        let unmailable: BTreeSet<&str> = self
            .plan
            .shoppers
            .iter()
            .filter(|shopper| shopper.unmailable)
            .filter_map(|shopper| customers.get(&shopper.name).map(CustomerId::as_str))
            .collect();
        let mut found: BTreeSet<(&str, String)> = BTreeSet::new();
        for queue in QUEUES {
            for message in state.queues.messages(&dead_letters_of(queue)).values() {
                let said = |name: &str| message.attributes.get(name).map(String::as_str).unwrap_or_default();
                let told =
                    said("kind") == "permanent" && !said("reason").is_empty() && !said("function").is_empty();
                self.must(told, || {
                    format!("a dead letter of {queue} without its reason: {:?}", message.attributes)
                });
                let is_refused_mail =
                    || match lambda::envelope::Envelope::decode(&message.body).map(|e| e.body) {
                        Ok(lambda::envelope::Message::PostOutcomes(o)) => {
                            o.customer.is_some_and(|customer| unmailable.contains(customer.as_str()))
                        }
                        _ => false,
                    };
                let is_poison = poisons.contains(&(queue, message.body.clone()));
                self.must(is_poison || is_refused_mail(), || {
                    format!(
                        "a dead letter of {queue} that should not be: {} ({})",
                        message.name,
                        said("reason")
                    )
                });
                found.insert((queue, message.body.clone()));
            }
        }
        for (queue, body) in &poisons {
            self.must(found.contains(&(queue, body.clone())), || {
                format!("poison on {queue} vanished: {body}")
            });
        }
        self.tally.check("poison is a dead letter with its reason", poisons.len());
    }

    /// What was parked before its account was linked has been released, and was decided.
    fn parked(&mut self, customers: &BTreeMap<String, CustomerId>) {
        let state = self.state;
        let now = state.parked.len();
        for (key, by) in &state.parked {
            let user = key.0.strip_prefix("square#").unwrap_or_default();
            let Some(customer) = customers.get(user) else { continue };
            let left = state.tables.get("links", key).is_some();
            self.must(!left, || format!("{}/{} is still parked though linked (by {by})", key.0, key.1));
            let post = key.1.trim_start_matches("PARKED#");
            let post = post.rsplit_once('#').map_or(post, |(post, _)| post);
            let start = format!("CMD#{post}#");
            let decided = state.history.keys().any(|k| k.0 == customer.as_str() && k.1.starts_with(&start));
            self.must(decided, || format!("{post} was parked and never decided (by {by})"));
        }
        self.tally.check("what was parked is released and decided", now);
    }

    /// Who brought a product into a cart gets the credit, once.
    fn ledger(&mut self) {
        let state = self.state;
        let rows: Vec<&str> = state.tables.table("ledger").keys().map(|key| key.1.as_str()).collect();
        let mut checked = 0;
        for entry in state.history.values().map(read::<Entry>) {
            let credited = entry.source.post_author.is_some() || entry.source.campaign.is_some();
            if !matches!(entry.effect, Effect::Add { .. }) || !credited {
                continue;
            }
            checked += 1;
            let name = format!("{}#added", entry.key);
            let count = rows.iter().filter(|row| **row == name).count();
            self.must(count == 1, || format!("{} is credited {count} times", entry.key));
        }
        self.tally.check("an add is credited once", checked);
    }
}

/// A text's words without addresses: links are signed with the time.
fn words(text: &str) -> String {
    let words = text.split_whitespace().filter(|word| !word.contains("https://cart.acme.example"));
    words.collect::<Vec<_>>().join(" ")
}

/// Everything that a run ended in, line by line. The ids that pages draw at random are left out.
pub fn account_of(ground: &Ground) -> String {
    let customers = customers(ground);
    let state = ground.state();
    let mut all = String::new();
    let mut say = |line: String| {
        // Writing to a String can't fail.
        let _ = writeln!(all, "{line}");
    };
    for (name, customer) in &customers {
        say(format!("{name} {:?}", lines(&cart(&state, customer))));
        for entry in history(&state, customer) {
            say(format!("{} {} {:?} {:?}", entry.key, entry.stamp.as_str(), entry.effect, entry.told));
        }
    }
    for (notice, seen) in &state.outcomes {
        for outcomes in seen {
            say(format!("{notice} {} {:?}", outcomes.decided_at, outcomes.lines));
        }
    }
    for mail in &state.mails {
        // Mails that aren't about a post have a random id.
        let id = if mail.text.contains("/link/confirm") { "" } else { &mail.id };
        say(format!("{} {id} {} {}", mail.to, mail.subject, mail.place));
    }
    for reply in &state.replies.attempts {
        say(format!("{reply:?}"));
    }
    for queue in QUEUES {
        for message in state.queues.messages(&dead_letters_of(queue)).values() {
            say(format!("{} {:?}", message.name, message.attributes));
        }
    }
    for (place, fault) in &state.fired {
        say(format!("{place} {fault:?}"));
    }
    say(format!("{:?}", state.tally.requests));
    for (name, table) in state.tables.all() {
        say(format!("{name} {}", table.len()));
    }
    all
}
