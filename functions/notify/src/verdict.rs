//! Whether a shopper is told at all, and over which channel: pure rules over what was read.

use domain::ids::NetworkId;
use domain::outcome::{Outcome, PostOutcomes};
use messages::{Reply, voices};
use networks::{AnyNetwork, Network as _};
use store::facts::{AccountFacts, CustomerFacts};

/// Why a channel stays silent, in a word for logs, metrics and the claim.
pub(crate) type Silence = &'static str;

/// What is known about a notice besides its outcomes.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) account: Option<&'a AccountFacts>,
    pub(crate) customer: Option<&'a CustomerFacts>,
    pub(crate) is_erased: bool,
    pub(crate) network: Option<&'a AnyNetwork>,
}

/// Why there is no public reply, if there is none.
///
/// First what the post is, then what the shopper wants, then what the network allows.
pub(crate) fn reply_silence(outcomes: &PostOutcomes, known: &Known<'_>) -> Option<Silence> {
    let Some(network) = known.network else { return Some(no_network(&outcomes.post.network)) };
    if !outcomes.lines.iter().any(|line| voices(&line.outcome).reply != Reply::Silent) {
        return Some("nothing_public");
    }
    if known.is_erased {
        return Some("post_erased");
    }
    if outcomes.step >= u16::from(network.reply_rule().replies_per_post) {
        return Some("one_reply_per_post");
    }
    if known.account.is_some_and(|account| account.stopped) {
        return Some("stopped");
    }
    if known.account.is_some_and(|account| account.blocked) {
        return Some("blocked");
    }
    if profile(known).is_some_and(|profile| !profile.replies) {
        return Some("replies_off");
    }
    network.may_reply(&outcomes.post).err().map(|no| no.as_str())
}

/// Why there is no mail, if there is none.
pub(crate) fn mail_silence(outcomes: &PostOutcomes, known: &Known<'_>) -> Option<Silence> {
    if known.network.is_none() {
        return Some(no_network(&outcomes.post.network));
    }
    if outcomes.customer.is_none() {
        return Some("not_linked");
    }
    if !outcomes.lines.iter().any(|line| voices(&line.outcome).mail) {
        return Some("nothing_to_say");
    }
    let Some(profile) = profile(known) else { return Some("no_profile") };
    if known.customer.is_some_and(|customer| customer.suppressed.is_some()) {
        return Some("suppressed");
    }
    if !profile.mails {
        return Some("mails_off");
    }
    // "Stop" ends the mails too; the one that confirms it is the last.
    let confirms_stop = outcomes.lines.iter().any(|line| matches!(line.outcome, Outcome::Stopped));
    if known.account.is_some_and(|account| account.stopped) && !confirms_stop {
        return Some("stopped");
    }
    None
}

fn profile<'a>(known: &Known<'a>) -> Option<&'a store::carts::Profile> {
    known.customer.and_then(|customer| customer.profile.as_ref())
}

/// Edits on our own page show themselves, and shops confirm their own orders.
fn no_network(network: &NetworkId) -> Silence {
    if network.is_page() { "page_edit" } else { "no_such_network" }
}
