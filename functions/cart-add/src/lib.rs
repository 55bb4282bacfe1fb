//! The function `cart-add`: takes commands off their queue, finds the customer behind each, decides,
//! writes the cart and says how it ended.
//!
//! Commands of an account that nobody has linked are parked; what needs no cart (help, stop, start,
//! what was refused while reading the post) is answered all the same.

use std::sync::Arc;
use std::time::Duration;

use domain::Retryable;
use domain::command::{Action, CommandLine, PostCommands, Shopper};
use domain::decide::is_too_old;
use domain::ids::CustomerId;
use domain::outcome::{LineOutcome, Outcome, PostOutcomes};
use domain::storefront::Limits;
use domain::time::Timestamp;
use futures::future::try_join;
use lambda::aws::Aws;
use lambda::batch::{ConsumeError, Consumer, Delivery};
use lambda::cache::Refreshing;
use lambda::clock::Clock;
use lambda::env::{EnvError, Environment};
use lambda::envelope::{Envelope, Message};
use lambda::metrics;
use lambda::queue::{Outgoing, Queue};
use store::carts::Carts;
use store::catalog::Catalog;
use store::decider::{Circumstances, Decider, stamp_of, stop_or_start};
use store::deliveries::Deliveries;
use store::facts::{AccountFacts, FactReader, Facts, Tables, Wanted};
use store::ledger::Ledger;
use store::links::{Links, Parked, StopSet};
use store::products::Products;
use store::settings::{Settings, Snapshot};
use store::{Account, StoreError};

/// How long a product is kept before it is read again, and how many are.
const KEEP_PRODUCTS: Duration = Duration::from_secs(60);
const PRODUCTS: usize = 500;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Why a message of commands couldn't be worked on.
#[derive(Debug, thiserror::Error)]
pub enum CartAddError {
    /// A table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No storefront has been pushed yet.
    #[error("there is no storefront yet: push one with `hashcart config push`")]
    NoStorefront,
    /// Some other message on this queue.
    #[error("`{0}` on the queue for commands")]
    NotCommands(&'static str),
}

impl Retryable for CartAddError {
    fn retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable(),
            Self::NoStorefront => true,
            Self::NotCommands(_) => false,
        }
    }
}

impl ConsumeError for CartAddError {}

/// The consumer of the queue `commands`.
#[derive(Debug)]
pub struct CartAdd {
    settings: Settings,
    snapshot: Refreshing<Snapshot>,
    facts: FactReader,
    links: Links,
    deliveries: Deliveries,
    decider: Decider,
    clock: Clock,
}

/// What a batch needs in common.
#[derive(Debug)]
pub struct Prepared {
    snapshot: Arc<Snapshot>,
    facts: Facts,
}

/// How a message ended.
struct Ended {
    outcomes: PostOutcomes,
    replayed: Vec<u16>,
}

impl Ended {
    fn without_customer(commands: &PostCommands, decided_at: Timestamp, lines: Vec<LineOutcome>) -> Self {
        let (post, step) = (commands.post.clone(), commands.step);
        let outcomes = PostOutcomes { post, customer: None, step, decided_at, lines };
        Self { outcomes, replayed: Vec::new() }
    }
}

impl CartAdd {
    /// Wires the consumer to the tables that the environment names.
    ///
    /// # Errors
    /// When a table isn't named.
    pub fn new(env: &Environment, aws: &Aws, clock: Clock) -> Result<Self, EnvError> {
        let client = aws.dynamodb();
        let links = Links::new(client.clone(), env.table("links")?);
        let carts = Carts::new(client.clone(), env.table("carts")?);
        let catalog = Catalog::new(client.clone(), env.table("catalog")?);
        let ledger = Ledger::new(client.clone(), env.table("ledger")?);
        let products = Arc::new(Products::new(catalog, KEEP_PRODUCTS, PRODUCTS));
        let tables =
            Tables { links: env.table("links")?, settings: env.table("settings")?, ..Tables::default() };
        Ok(Self {
            settings: Settings::new(client.clone(), env.table("settings")?),
            snapshot: Refreshing::default(),
            facts: FactReader::new(client.clone(), tables),
            deliveries: Deliveries::new(client, env.table("deliveries")?),
            decider: Decider::new(carts, links.clone(), products, ledger),
            links,
            clock,
        })
    }

    async fn snapshot(&self) -> Result<Arc<Snapshot>, CartAddError> {
        let fetch = || async { self.settings.snapshot().await?.ok_or(CartAddError::NoStorefront) };
        self.snapshot.get(self.clock.now(), fetch).await
    }

    /// Decides the commands of one message, whoever sent them.
    async fn decide(&self, commands: &PostCommands, prepared: &Prepared) -> Result<Ended, CartAddError> {
        let now = self.clock.now();
        self.mark_erased(commands, now).await?;
        let limits = &prepared.snapshot.storefront.value.limits;
        let account = match &commands.shopper {
            Shopper::Customer(customer) => {
                let ended = self.of_customer(customer, commands, limits, false, now).await?;
                return Ok(ended.unwrap_or_else(|| Ended::without_customer(commands, now, Vec::new())));
            }
            Shopper::Account { network, user } => Account::new(network.clone(), user.clone()),
        };
        let nothing = AccountFacts::default();
        let known = prepared.facts.accounts.get(&account).unwrap_or(&nothing);
        if let Some(link) = &known.link
            && let Some(ended) =
                self.of_customer(&link.customer, commands, limits, known.blocked, now).await?
        {
            return Ok(ended);
        }
        self.of_nobody(&account, commands, limits, known.blocked, now).await
    }

    /// Nothing more is said about a deleted post, whatever becomes of its commands.
    async fn mark_erased(&self, commands: &PostCommands, now: Timestamp) -> Result<(), CartAddError> {
        for line in &commands.lines {
            if let Action::Erase { post } = &line.action {
                self.deliveries.mark_erased(post, now).await?;
            }
        }
        Ok(())
    }

    /// `None` for a customer who had their data deleted while the commands were on their way.
    async fn of_customer(
        &self,
        customer: &CustomerId,
        commands: &PostCommands,
        limits: &Limits,
        blocked: bool,
        now: Timestamp,
    ) -> Result<Option<Ended>, CartAddError> {
        let circumstances = Circumstances { now, limits, blocked };
        let decision = self.decider.decide(customer, commands, circumstances).await?;
        Ok(decision.map(|decision| Ended { outcomes: decision.outcomes, replayed: decision.replayed }))
    }

    /// The commands of an account that nobody has linked: what needs a cart is parked, the rest is
    /// answered. If the account is linked at this very moment, the commands simply run.
    async fn of_nobody(
        &self,
        account: &Account,
        commands: &PostCommands,
        limits: &Limits,
        blocked: bool,
        now: Timestamp,
    ) -> Result<Ended, CartAddError> {
        let refusal = match (is_too_old(commands, limits, now), blocked) {
            (true, _) => Some(Outcome::TooOld),
            (false, true) => Some(Outcome::Blocked),
            (false, false) => None,
        };
        let to_park: Vec<CommandLine> = commands
            .lines
            .iter()
            .filter(|line| is_parked(&line.action, refusal.is_some()))
            .cloned()
            .collect();
        let parked = match self.park(account, commands, to_park, limits, now).await? {
            Some(Parked::Linked(customer)) => {
                let ended = self.of_customer(&customer, commands, limits, blocked, now).await?;
                // A link without a customer: it is being deleted at this very moment.
                return ended.ok_or(CartAddError::Store(StoreError::Contended { operation: "deciding" }));
            }
            Some(Parked::RateLimited) => Outcome::RateLimited,
            Some(Parked::Parked | Parked::AlreadyParked) | None => Outcome::NotLinked,
        };
        let mut lines = Vec::new();
        for line in &commands.lines {
            let outcome = match &refusal {
                Some(refusal) if may_be_refused(&line.action, refusal) => refusal.clone(),
                _ => self.answer(account, commands, line, &parked, limits, now).await?,
            };
            let (line, marketplace) = (line.line, line.marketplace.clone());
            lines.push(LineOutcome { line, marketplace, product: None, outcome });
        }
        Ok(Ended::without_customer(commands, now, lines))
    }

    /// Parks these lines of `commands`; `None` when there are none. Facts (a deletion, a purchase) are
    /// parked however much has been parked before.
    async fn park(
        &self,
        account: &Account,
        commands: &PostCommands,
        lines: Vec<CommandLine>,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Option<Parked>, CartAddError> {
        if lines.is_empty() {
            return Ok(None);
        }
        let only_facts = lines.iter().all(|line| is_fact(&line.action));
        let per_hour = if only_facts { u32::MAX } else { limits.commands_per_hour };
        let until = now.plus(DAY * u32::from(limits.parking_days));
        let commands = PostCommands { lines, ..commands.clone() };
        Ok(Some(self.links.park(account, &commands, until, per_hour, now).await?))
    }

    /// How a line of an unlinked account ends; `parked` is how those ended that were to be parked.
    async fn answer(
        &self,
        account: &Account,
        commands: &PostCommands,
        line: &CommandLine,
        parked: &Outcome,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Outcome, CartAddError> {
        if let Some(stopped) = stop_or_start(&line.action) {
            let set = self.links.set_stop(account, stopped, &stamp_of(commands, line, now)).await?;
            return Ok(match (set, stopped) {
                (StopSet::Later, _) => Outcome::Superseded,
                (StopSet::Set, true) => Outcome::Stopped,
                (StopSet::Set, false) => Outcome::Started,
            });
        }
        let answered = match &line.action {
            Action::Help => Outcome::Helped,
            Action::Refused { refusal } => refusal.clone(),
            Action::Erase { .. } => return Ok(Outcome::Erased),
            Action::Add { .. }
            | Action::Remove { .. }
            | Action::Wish { .. }
            | Action::Unwish { .. }
            | Action::Purchase { .. }
            | Action::Stop
            | Action::Start => return Ok(parked.clone()),
        };
        let subject = format!("{}#{}", account.network, account.user);
        let counted = commands.post.post_ref().to_string();
        let admitted = self.links.admit(&subject, &counted, limits.commands_per_hour, now).await?;
        Ok(if admitted { answered } else { Outcome::RateLimited })
    }
}

/// A fact isn't a wish: nobody is refused for it.
fn is_fact(action: &Action) -> bool {
    matches!(action, Action::Erase { .. } | Action::Purchase { .. })
}

/// Whether a line waits for a link. Of a post that is refused only facts do.
fn is_parked(action: &Action, is_refused: bool) -> bool {
    match action {
        Action::Erase { .. } | Action::Purchase { .. } => true,
        Action::Add { .. } | Action::Remove { .. } | Action::Wish { .. } | Action::Unwish { .. } => {
            !is_refused
        }
        Action::Help | Action::Stop | Action::Start | Action::Refused { .. } => false,
    }
}

/// Whether a line is refused for the post's age or the account's standing: as for a linked one, see
/// [`domain::decide`].
fn may_be_refused(action: &Action, refusal: &Outcome) -> bool {
    match action {
        Action::Add { .. }
        | Action::Remove { .. }
        | Action::Wish { .. }
        | Action::Unwish { .. }
        | Action::Refused { .. } => true,
        Action::Help => *refusal == Outcome::Blocked,
        Action::Purchase { .. } | Action::Erase { .. } | Action::Stop | Action::Start => false,
    }
}

fn commands_of(envelope: &Envelope) -> Result<&PostCommands, CartAddError> {
    match &envelope.body {
        Message::PostCommands(commands) => Ok(commands),
        other @ (Message::Post(_) | Message::PostOutcomes(_)) => Err(CartAddError::NotCommands(other.name())),
    }
}

/// One line for each decided line, and a count by outcome.
fn tell(ended: &Ended) {
    let post = ended.outcomes.post.post_ref().to_string();
    let network = ended.outcomes.post.network.as_str();
    for line in &ended.outcomes.lines {
        let outcome = line.outcome.name();
        let replayed = ended.replayed.contains(&line.line);
        let what = if replayed { "decided before" } else { "decided" };
        // The way from a post to its customer's cart, for the operator: an id, random and ours.
        let customer = ended.outcomes.customer.as_ref().map(CustomerId::as_str);
        let step = ended.outcomes.step;
        tracing::info!(post, line = line.line, outcome, step, customer, "{what}: {outcome}");
        if !replayed {
            metrics::DECIDED.add([network, outcome], &[("post", &post)]);
        }
    }
}

impl Consumer for CartAdd {
    type Input = Envelope;
    type Prepared = Prepared;
    type Error = CartAddError;

    /// One request finds the links, blocks and stops of all accounts in the batch.
    async fn prepare(&self, batch: &[Delivery<Envelope>]) -> Result<Prepared, CartAddError> {
        let commands = batch.iter().filter_map(|delivery| commands_of(&delivery.input).ok());
        let accounts = commands.filter_map(|commands| Account::of(&commands.shopper)).collect();
        let wanted = Wanted { accounts, ..Wanted::default() };
        let facts = async { self.facts.read(&wanted).await.map_err(CartAddError::from) };
        let (snapshot, facts) = Box::pin(try_join(self.snapshot(), facts)).await?;
        Ok(Prepared { snapshot, facts })
    }

    async fn handle(
        &self,
        delivery: &Delivery<Envelope>,
        prepared: &Prepared,
    ) -> Result<Vec<Outgoing>, CartAddError> {
        let commands = commands_of(&delivery.input)?;
        // Boxed: the compiler gives up on the layout of futures nested as deep as these.
        let ended = Box::pin(self.decide(commands, prepared)).await?;
        tell(&ended);
        if ended.outcomes.lines.is_empty() {
            return Ok(Vec::new());
        }
        let message = Message::PostOutcomes(Box::new(ended.outcomes));
        Ok(vec![Outgoing::new(Queue::Outcomes, delivery.group.clone(), message)])
    }
}
