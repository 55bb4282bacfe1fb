//! Whether the carts hold what they should after a load: by each shopper's own decisions, one Query each.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::cart::Effect;
use domain::ids::{CustomerId, NetworkId, PostId};
use domain::post::PostRef;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;
use store::carts::{CartRecord, Carts};

use super::mix::Posts;
use super::watch::key;

/// How many carts are read at the same time.
const AT_ONCE: usize = 8;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Verified {
    /// Carts that were read.
    pub(super) carts: u64,
    /// Decisions in them.
    pub(super) decisions: u64,
    /// Posts that the webhook took and that no cart knows.
    pub(super) lost: u64,
    /// Decisions beside a post's one.
    pub(super) doubled: u64,
    /// Carts that hold something else than what was decided.
    pub(super) wrong_carts: u64,
    /// Posts that were told of twice.
    pub(super) notices_doubled: u64,
    /// The decisions by their outcomes.
    #[serde(skip)]
    pub(super) outcomes: BTreeMap<&'static str, u64>,
}

impl Verified {
    /// Whether nothing was lost and nothing doubled.
    pub(super) fn is_right(&self) -> bool {
        (self.lost, self.doubled, self.wrong_carts, self.notices_doubled) == (0, 0, 0, 0)
    }
}

/// Reads the carts of all shoppers and holds them against the posts that the webhook took, by shopper, and
/// those that it may have taken.
///
/// # Errors
/// When a cart can't be read.
pub(super) async fn carts(
    carts: &Carts,
    posts: &Posts,
    network: &NetworkId,
    customers: &[CustomerId],
    taken: &HashMap<u32, Vec<u32>>,
) -> anyhow::Result<Verified> {
    let none = Vec::new();
    let read = stream::iter(customers.iter().zip(0_u32..)).map(async |(customer, shopper)| {
        let record = carts.read(customer).await?;
        anyhow::Ok(cart(&record, posts, network, taken.get(&shopper).unwrap_or(&none)))
    });
    let found = read.buffer_unordered(AT_ONCE);
    found.try_fold(Verified::default(), async |sum, one| Ok(sum.and(one))).await
}

impl Verified {
    fn and(mut self, one: Self) -> Self {
        self.carts += one.carts;
        self.decisions += one.decisions;
        self.lost += one.lost;
        self.doubled += one.doubled;
        self.wrong_carts += one.wrong_carts;
        one.outcomes.into_iter().for_each(|(name, count)| *self.outcomes.entry(name).or_default() += count);
        self
    }
}

/// One cart: each post that was taken is decided once, and what was decided as an add is in it once.
fn cart(record: &CartRecord, posts: &Posts, network: &NetworkId, taken: &[u32]) -> Verified {
    let mut found = Verified { carts: 1, ..Verified::default() };
    let mut expected = BTreeSet::new();
    let mut asked = BTreeSet::new();
    for number in taken {
        let post = posts.post(*number);
        let post_ref = PostRef { network: network.clone(), id: PostId::new(&post.id) };
        match record.entry(&key(&post_ref)) {
            None => found.lost += 1,
            Some(entry) => {
                *found.outcomes.entry(entry.told.outcome.name()).or_default() += 1;
                let wanted = posts.products.get(post.product).map(|wanted| wanted.product.as_str());
                if matches!(entry.effect, Effect::Add { .. }) {
                    expected.extend(wanted);
                }
            }
        }
        asked.insert(post.id);
    }
    found.decisions = u64::try_from(record.entries.len()).unwrap_or(u64::MAX);
    let is_beside = |key: &domain::command::CommandKey| {
        key.line != 1
            || key.step != 0
            || !(asked.contains(key.post.as_str()) || posts.is_ours(key.post.as_str()))
    };
    let beside = record.entries.iter().filter(|entry| is_beside(&entry.key)).count();
    found.doubled = u64::try_from(beside).unwrap_or(u64::MAX);
    let cart = record.cart();
    // A post without an answer may have been taken: what it brought into the cart is no fault.
    let unanswered: BTreeSet<&str> = record
        .entries
        .iter()
        .filter(|entry| !asked.contains(entry.key.post.as_str()))
        .filter_map(|entry| entry.told.product.as_ref().map(|brief| brief.product.product.as_str()))
        .collect();
    let held: BTreeSet<&str> = cart.in_cart().map(|line| line.item.product.as_str()).collect();
    let is_right = held.difference(&unanswered).all(|product| expected.contains(product))
        && expected.iter().all(|product| held.contains(product))
        && cart.in_cart().all(|line| line.quantity == 1);
    found.wrong_carts = u64::from(!is_right);
    found
}
