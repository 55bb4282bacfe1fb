//! The shoppers of a load: linked as `account-link` links real ones, and erased afterwards as a shopper
//! erases themselves.

use anyhow::Context as _;
use domain::ids::{CustomerId, Lang, NetworkId, UserId};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use indicatif::ProgressBar;
use lambda::aws::Aws;
use lambda::clock::Clock;
use lambda::keyed::KeyedHash;
use store::Account;
use store::linking::{Linking, NewLink, Person};
use store::links::Links;

use super::mix::shopper_id;
use super::target::Target;
use crate::stage::StageArgs;

/// How many are linked or erased at the same time.
const AT_ONCE: usize = 16;
/// After so many numbers without a shopper there are no more.
const GAP: u32 = 64;

/// The shoppers of one load.
pub(super) struct Shoppers {
    linking: Linking,
    links: Links,
    network: NetworkId,
    run: String,
}

impl Shoppers {
    pub(super) fn new(stage: &StageArgs, aws: &Aws, network: &NetworkId, run: &str) -> Self {
        let (links, carts) = (stage.table("links"), stage.table("carts"));
        Self {
            linking: Linking::new(aws.dynamodb(), &links, carts),
            links: Links::new(aws.dynamodb(), links),
            network: network.clone(),
            run: run.to_owned(),
        }
    }

    fn account(&self, number: u32) -> Account {
        Account::new(self.network.clone(), UserId::new(shopper_id(&self.run, number)))
    }

    /// Links so many, each to a customer of their own. Gives the customers in the shoppers' order.
    ///
    /// # Errors
    /// When the tables can't be written.
    pub(super) async fn link(
        &self,
        target: &Target,
        count: u32,
        progress: &ProgressBar,
    ) -> anyhow::Result<Vec<CustomerId>> {
        let hash = KeyedHash::new(&target.hash_key);
        let link = async |number: u32| {
            let email = address(&self.run, number);
            let person = Person {
                email_hash: hash.email(&email),
                email,
                lang: Lang::parse("en"),
                candidate: CustomerId::new(lambda::token::random()),
                at: Clock::system().now(),
            };
            let link = NewLink { account: self.account(number), handle: None, person };
            let linked = self.linking.link(&link).await.context("a shopper can't be linked")?;
            progress.inc(1);
            anyhow::Ok(linked.customer)
        };
        stream::iter(0..count).map(link).buffered(AT_ONCE).try_collect().await
    }

    /// Erases all of them with their carts. Gives how many there were.
    ///
    /// # Errors
    /// When the tables can't be read or written.
    pub(super) async fn erase(&self) -> anyhow::Result<u32> {
        let (mut erased, mut from) = (0_u32, 0_u32);
        loop {
            let numbers = stream::iter(from..from.saturating_add(GAP));
            let found: Vec<bool> =
                numbers.map(|number| self.erase_one(number)).buffered(AT_ONCE).try_collect().await?;
            let found = found.into_iter().map(u32::from).sum::<u32>();
            if found == 0 {
                return Ok(erased);
            }
            (erased, from) = (erased.saturating_add(found), from.saturating_add(GAP));
        }
    }

    async fn erase_one(&self, number: u32) -> anyhow::Result<bool> {
        let Some(link) = self.links.link(&self.account(number)).await? else { return Ok(false) };
        self.linking.erase(&link.customer).await.context("a shopper can't be erased")?;
        Ok(true)
    }
}

/// A mailbox that takes every mail and belongs to nobody: SES's own simulator. It costs what a mail costs
/// and counts for no reputation (Amazon SES developer guide, "Using the mailbox simulator").
fn address(run: &str, number: u32) -> String {
    format!("success+{}@simulator.amazonses.com", shopper_id(run, number))
}
