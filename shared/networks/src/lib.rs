//! The social networks, each behind the one trait [`Network`]: prove who sent a webhook, read it
//! into posts, fetch the post that was answered, say whether and how a reply may be given, and give
//! it. One module per network: [`generic`] (the bring-your-own-network door) and [`x`].
//!
//! Architecture invariants: of ours this crate imports `domain` only. Verification and parsing are
//! pure; only `fetch_post`, `reply` and the sign-ins touch the wire. A payload is never parsed before
//! its sender is proven, and no error quotes what a payload holds.

mod error;
pub mod generic;
pub mod guard;
mod http;
mod length;
mod network;
mod oauth1;
mod parse;
mod secrets;
mod sign_in;
mod signature;
pub mod standard_webhooks;
mod transport;
mod webhook;
mod words;
pub mod x;

pub use error::{Effect, NetworkError};
pub use http::{Http, Reach};
pub use length::LengthRule;
pub use network::{
    AnyNetwork, Network, Networks, NoReply, Reply, ReplyGuarantee, ReplyOutcome, ReplyRule, SecretProblem,
    post_at,
};
pub use parse::{FieldProblem, ParseError};
pub use secrets::{NetworkSecrets, Secret, SecretName};
pub use sign_in::{Account, SignIn};
pub use transport::{Carried, Transport, TransportError, TransportRequest, TransportResponse};
pub use webhook::{HandshakeAnswer, Verified, VerifyError, WebhookRequest};
