//! Which outcomes are told, and where.

use domain::outcome::Outcome;

/// Whether an outcome has a place in the public reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Told in public, where the network's rules allow a reply at all.
    Told,
    /// The prompt to link the account: told in public if the shopper hasn't seen one for a while.
    Prompt,
    /// Not told in public.
    Silent,
}

/// Where an outcome is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voices {
    /// Its place in the public reply.
    pub reply: Reply,
    /// Whether it is worth a mail.
    pub mail: bool,
}

/// Where `outcome` is told, if nothing else stands against it (consent, pause, a bounced address).
///
/// The rule is: who asked for something hears what became of it. The exceptions have their reasons
/// beside them.
pub const fn voices(outcome: &Outcome) -> Voices {
    const TOLD: Voices = Voices { reply: Reply::Told, mail: true };
    const BY_MAIL: Voices = Voices { reply: Reply::Silent, mail: true };
    const SILENT: Voices = Voices { reply: Reply::Silent, mail: false };
    match outcome {
        Outcome::Added { .. }
        | Outcome::QuantityChanged { .. }
        | Outcome::AlreadyInCart { .. }
        | Outcome::Preordered { .. }
        | Outcome::Removed
        | Outcome::NotInCart
        | Outcome::Wished
        | Outcome::Superseded
        | Outcome::OutOfStock
        | Outcome::DealExcluded
        | Outcome::DigitalExcluded
        | Outcome::Restricted
        | Outcome::WrongMarketplace { .. }
        | Outcome::ChooseOption { .. }
        | Outcome::QuantityCapped { .. }
        | Outcome::UnknownProduct
        | Outcome::NoProductLink
        | Outcome::ParentUnavailable
        | Outcome::CartFull
        | Outcome::Helped
        | Outcome::Started => TOLD,
        // There is no address yet.
        Outcome::NotLinked => Voices { reply: Reply::Prompt, mail: false },
        // Who asks for silence gets no public answer to that; the mail confirms it once.
        Outcome::Stopped => BY_MAIL,
        // The post is gone: a reply to it can't be written. The cart has changed, so the mail says so.
        Outcome::Erased => BY_MAIL,
        // An answer months later surprises everybody who reads along.
        Outcome::TooOld => BY_MAIL,
        // One answer for each of a flood of posts would be a flood of ours.
        Outcome::RateLimited | Outcome::Blocked => SILENT,
        // The shop itself confirms its orders, and there is no post to answer.
        Outcome::Purchased { .. } => SILENT,
    }
}
