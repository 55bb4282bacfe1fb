//! Decides the commands of a known customer and writes the decisions: the one way into a cart, for
//! posts and for our own page alike.

use std::collections::HashMap;
use std::sync::Arc;

use domain::cart::{Effect, Entry};
use domain::command::{Action, CommandLine, PostCommands, Shopper, Source, Stamp};
use domain::decide::{Context, decide, horizon};
use domain::ids::{CustomerId, MarketplaceId, ProductId};
use domain::outcome::{Outcome, PostOutcomes};
use domain::product::Product;
use domain::storefront::Limits;
use domain::time::Timestamp;
use futures::TryFutureExt as _;
use futures::future::{try_join, try_join_all};

use crate::account::Account;
use crate::carts::{CartRecord, Carts, Decided};
use crate::error::StoreError;
use crate::ledger::{Event, Ledger, Row};
use crate::links::{Links, StopSet};
use crate::products::Products;

/// A cart's old entries are folded into its base when there are so many of them.
const COMPACT_FROM: usize = 50;

/// Decides and writes.
#[derive(Debug)]
pub struct Decider {
    carts: Carts,
    links: Links,
    products: Arc<Products>,
    ledger: Ledger,
}

/// What a decision depends on beside the commands and the tables.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The moment.
    pub now: Timestamp,
    /// The storefront's limits.
    pub limits: &'a Limits,
    /// Whether the account is on the block list.
    pub blocked: bool,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// How each line ended. The same again when the commands come again.
    pub outcomes: PostOutcomes,
    /// The customer's record with the new entries: [`CartRecord::cart`] is the cart afterwards.
    pub record: CartRecord,
    /// The lines that had been decided before.
    pub replayed: Vec<u16>,
}

/// The products that a message's lines name.
type Named = HashMap<(MarketplaceId, ProductId), Arc<Product>>;

impl Decider {
    /// Decides over these tables.
    pub fn new(carts: Carts, links: Links, products: Arc<Products>, ledger: Ledger) -> Self {
        Self { carts, links, products, ledger }
    }

    /// Decides the lines of `commands` in order for `customer`, each once: a line that was decided
    /// before ends as it did then. The lines of one message see each other. `None`, and nothing is
    /// written, for a customer without a profile: they had their data deleted, which is to stay so.
    ///
    /// # Errors
    /// When a table can't be read or written. What was decided until then stands, and is found again
    /// when the commands come again.
    pub async fn decide(
        &self,
        customer: &CustomerId,
        commands: &PostCommands,
        circumstances: Circumstances<'_>,
    ) -> Result<Option<Decision>, StoreError> {
        let reads = try_join(self.carts.read(customer), self.products(commands, circumstances.now));
        let (mut record, products) = reads.await?;
        if record.profile.is_none() {
            return Ok(None);
        }
        let (mut lines, mut replayed) = (Vec::new(), Vec::new());
        let mut decided_at = Timestamp::default();
        for line in &commands.lines {
            let (entry, is_replay) = self.line(&record, &products, commands, line, circumstances).await?;
            if is_replay {
                replayed.push(line.line);
            }
            decided_at = decided_at.max(entry.decided_at);
            lines.push(entry.told.clone());
            if record.entry(&entry.key).is_none() {
                record.entries.push(entry);
            }
        }
        self.compact(&mut record, circumstances).await?;
        let outcomes = PostOutcomes {
            post: commands.post.clone(),
            customer: Some(customer.clone()),
            step: commands.step,
            decided_at,
            lines,
        };
        Ok(Some(Decision { outcomes, record, replayed }))
    }

    /// The decision on one line, and whether it had been made before.
    async fn line(
        &self,
        record: &CartRecord,
        products: &Named,
        commands: &PostCommands,
        line: &CommandLine,
        circumstances: Circumstances<'_>,
    ) -> Result<(Entry, bool), StoreError> {
        if let Some(entry) = record.entry(&commands.key(line.line)) {
            return Ok((entry.clone(), true));
        }
        let named = line.action.product().map(|named| (named.marketplace.clone(), named.product.clone()));
        let context = Context {
            now: circumstances.now,
            limits: circumstances.limits,
            product: named.and_then(|named| products.get(&named)).map(Arc::as_ref),
            base: record.base.as_ref(),
            entries: &record.entries,
            blocked: circumstances.blocked,
        };
        let mut entry = decide(commands, line, &context);
        if let Some(stopped) = stop_or_start(&line.action) {
            self.set_stop(record, commands, stopped, &mut entry).await?;
        }
        let credit = credit(record, &entry);
        let credit = credit.as_ref().map(|row| (&self.ledger, row));
        match self.carts.put_entry(&record.customer, &entry, credit).await? {
            Decided::First => Ok((entry, false)),
            Decided::Earlier(earlier) => Ok((*earlier, true)),
        }
    }

    /// `stop` and `start` from a network are about that account; on our own page, about all of them.
    async fn set_stop(
        &self,
        record: &CartRecord,
        commands: &PostCommands,
        stopped: bool,
        entry: &mut Entry,
    ) -> Result<(), StoreError> {
        let accounts = match &commands.shopper {
            Shopper::Account { network, user } => vec![Account::new(network.clone(), user.clone())],
            Shopper::Customer(_) => record.accounts.iter().map(|linked| linked.account.clone()).collect(),
        };
        for account in accounts {
            if self.links.set_stop(&account, stopped, &entry.stamp).await? == StopSet::Later {
                entry.told.outcome = Outcome::Superseded;
            }
        }
        Ok(())
    }

    async fn products(&self, commands: &PostCommands, now: Timestamp) -> Result<Named, StoreError> {
        let mut named: Vec<(MarketplaceId, ProductId)> = commands
            .lines
            .iter()
            .filter_map(|line| line.action.product())
            .map(|named| (named.marketplace.clone(), named.product.clone()))
            .collect();
        named.sort();
        named.dedup();
        let reads = named.into_iter().map(|(marketplace, product)| async move {
            let found = self.products.get(&marketplace, &product, now).await?;
            Ok::<_, StoreError>(found.map(|found| ((marketplace, product), found)))
        });
        try_join_all(reads).map_ok(|found| found.into_iter().flatten().collect()).await
    }

    /// Folds what is too old to matter, once enough of it has gathered. The cart is the same before and
    /// after, so it doesn't matter who does it or whether it succeeds.
    async fn compact(
        &self,
        record: &mut CartRecord,
        circumstances: Circumstances<'_>,
    ) -> Result<(), StoreError> {
        let horizon = horizon(circumstances.limits, circumstances.now);
        let old = record.entries.iter().filter(|entry| entry.stamp <= horizon).count();
        if old >= COMPACT_FROM && self.carts.compact(record, horizon).await? {
            *record = self.carts.read(&record.customer).await?;
        }
        Ok(())
    }
}

/// Whether an action silences us (`true`), wakes us (`false`) or has nothing to do with it.
pub fn stop_or_start(action: &Action) -> Option<bool> {
    match action {
        Action::Stop => Some(true),
        Action::Start => Some(false),
        Action::Add { .. }
        | Action::Remove { .. }
        | Action::Wish { .. }
        | Action::Unwish { .. }
        | Action::Purchase { .. }
        | Action::Erase { .. }
        | Action::Help
        | Action::Refused { .. } => None,
    }
}

/// The stamp of a line of commands that aren't written into a cart.
pub fn stamp_of(commands: &PostCommands, line: &CommandLine, now: Timestamp) -> Stamp {
    Stamp::new(commands.ordered_at(now), &commands.key(line.line))
}

/// The ledger's row for an entry, where somebody gets the credit: for an add whoever showed the
/// product, for a purchase whoever had brought it into the cart.
fn credit(record: &CartRecord, entry: &Entry) -> Option<Row> {
    let (item, event, source, quantity) = match &entry.effect {
        Effect::Add { item, quantity } => (item, Event::Added, entry.source.clone(), *quantity),
        Effect::Purchase { item, quantity, .. } => {
            let brought_by = record
                .cart()
                .of_product(&item.marketplace, &item.product)
                .find_map(|line| (line.item.variant == item.variant).then(|| line.source.clone()));
            let source = if gives_credit(&entry.source) { Some(entry.source.clone()) } else { brought_by };
            (item, Event::Purchased, source.unwrap_or_default(), Some(*quantity))
        }
        Effect::None
        | Effect::Remove { .. }
        | Effect::Wish { .. }
        | Effect::Unwish { .. }
        | Effect::Erase { .. } => return None,
    };
    gives_credit(&source).then(|| Row {
        marketplace: item.marketplace.clone(),
        event,
        key: entry.key.clone(),
        at: entry.decided_at,
        product: Some(item.product.clone()),
        source,
        quantity,
    })
}

fn gives_credit(source: &Source) -> bool {
    source.post_author.is_some() || source.affiliate.is_some() || source.campaign.is_some()
}
