//! The proven account on its way to the form that asks for the address.

use std::time::Duration;

use axum::response::Response;
use domain::ids::{NetworkId, UserId};
use lambda::token::TokenError;
use networks::Account;
use serde::{Deserialize, Serialize};
use url::form_urlencoded;
use web::{Failure, Visit, Who};

use crate::StartOver;

/// What tokens of this kind are for.
const PURPOSE: &str = "link-proof";
/// How long somebody may take to type an address.
const LIFETIME: Duration = Duration::from_secs(15 * 60);

/// An account that somebody in this browser has just proven to be theirs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Proof {
    /// The network.
    pub(crate) network: NetworkId,
    /// The account there.
    pub(crate) user: UserId,
    /// Its handle without `@`.
    pub(crate) handle: Option<String>,
    browser: String,
}

impl Proof {
    /// Reads a proof that belongs to this network and this browser.
    pub(crate) fn read(visit: &mut Visit, network: &str, token: &str) -> Result<Self, StartOver> {
        let proof: Self = visit.signer.read(PURPOSE, token, visit.now).map_err(|error| match error {
            TokenError::Expired => StartOver::Expired,
            TokenError::Invalid => StartOver::Broken,
        })?;
        if proof.network.as_str() != network {
            return Err(StartOver::Broken);
        }
        if proof.browser != visit.browser_hash() {
            return Err(StartOver::OtherBrowser);
        }
        Ok(proof)
    }

    /// The account as a page shows it.
    pub(crate) fn who(&self, visit: &Visit) -> Who {
        who(visit, &self.network, &self.user, self.handle.as_deref())
    }
}

/// An account as a page shows it: its handle, else its id; the network's name.
pub(crate) fn who(visit: &Visit, network: &NetworkId, user: &UserId, handle: Option<&str>) -> Who {
    let name = handle.map_or_else(|| user.as_str().to_owned(), |handle| format!("@{handle}"));
    let place = visit.storefront.network(network).map_or(network.as_str(), |n| n.display_name());
    Who { name: messages::public::plain_line(&name), place: place.to_owned() }
}

/// Leads on to the form, the proof in its address: good for this browser only.
pub(crate) fn lead_on(
    visit: &mut Visit,
    network: &NetworkId,
    account: &Account,
) -> Result<Response, Failure> {
    let proof = Proof {
        network: network.clone(),
        user: account.user.clone(),
        handle: account.handle.clone(),
        browser: visit.browser_hash(),
    };
    let expires_at = visit.now.plus(LIFETIME);
    let token = visit.signer.sign(PURPOSE, &proof, Some(expires_at)).map_err(Failure::unavailable)?;
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("proof", &token).finish();
    Ok(visit.lead_on(&format!("/link/{network}/email?{query}")))
}
