//! What every network has to offer, and the registry of the configured ones.

use std::fmt;

use domain::ids::{Lang, NetworkId, PostId};
use domain::post::{NetworkEvent, PostHead, PostRef, RelatedPost};
use domain::storefront::{NetworkConfig, NetworkKind};
use domain::time::Timestamp;
use url::Url;

use crate::error::NetworkError;
use crate::generic::Generic;
use crate::http::Http;
use crate::length::LengthRule;
use crate::parse::ParseError;
use crate::secrets::{NetworkSecrets, SecretName};
use crate::sign_in::SignIn;
use crate::webhook::{HandshakeAnswer, Verified, VerifyError, WebhookRequest};
use crate::x::X;

/// One social network with our account there. Every network module implements this and nothing else;
/// what a network can't do it says by its types (`None`, [`NoReply`]), not by failing.
pub trait Network {
    /// The network's id.
    fn id(&self) -> &NetworkId;

    /// Answers the network's question whether the webhook is ours, where the request is one.
    ///
    /// # Errors
    /// When the request is a handshake that can't or must not be answered.
    fn handshake(&self, request: &WebhookRequest<'_>) -> Result<Option<HandshakeAnswer>, VerifyError>;

    /// Proves over the raw bytes that the network sent the request. Comparisons take constant time;
    /// each configured secret is tried.
    ///
    /// # Errors
    /// See [`VerifyError`]; [`VerifyError::is_ours`] tells a missing secret from a wrong signature.
    fn verify(&self, request: &WebhookRequest<'_>, now: Timestamp) -> Result<Verified, VerifyError>;

    /// Reads a verified body. Pure. What we don't act on is [`NetworkEvent::Ignored`].
    ///
    /// # Errors
    /// When the body is not of the network's form; names the field, never quotes it.
    fn parse(&self, body: &[u8], received: Timestamp) -> Result<Vec<NetworkEvent>, ParseError>;

    /// Reads a post from the network: the one that was answered or quoted. `None` when it is gone,
    /// hidden from us, or the network has no way to ask.
    ///
    /// # Errors
    /// See [`NetworkError`]; a read may always be tried again.
    fn fetch_post(
        &self,
        id: &PostId,
    ) -> impl Future<Output = Result<Option<RelatedPost>, NetworkError>> + Send;

    /// The rules that a reply's text has to keep.
    fn reply_rule(&self) -> ReplyRule;

    /// Whether the network's rules, and the shopper's consent by them, allow us to answer this post.
    ///
    /// # Errors
    /// Why not.
    fn may_reply(&self, to: &PostHead) -> Result<(), NoReply>;

    /// Answers a post in public. Tries again by itself only what surely had no effect, or what the
    /// network makes harmless to repeat.
    ///
    /// # Errors
    /// See [`NetworkError`]; [`NetworkError::effect`] tells whether the reply may be out all the same.
    fn reply(&self, reply: &Reply<'_>) -> impl Future<Output = Result<ReplyOutcome, NetworkError>> + Send;

    /// How a shopper proves that an account on this network is theirs.
    fn sign_in(&self) -> SignIn<'_>;

    /// The secrets without which the network can't work, each with what is wrong with it; empty when
    /// all is well. For the operator's tools.
    fn secret_problems(&self) -> Vec<SecretProblem>;
}

/// A reply to be given.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// The post that is answered.
    pub to: &'a PostHead,
    /// The text, within [`ReplyRule::length`].
    pub text: &'a str,
    /// Its language.
    pub lang: Option<&'a Lang>,
    /// Names this reply: the same over every attempt, another for every other reply. Networks that
    /// can use it to recognise a repetition get it.
    pub idempotency: &'a str,
}

/// What came of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyOutcome {
    /// It is out.
    Posted {
        /// Its id, where the network tells it.
        id: Option<PostId>,
    },
    /// An earlier attempt had put it out already.
    AlreadyPosted,
}

/// The rules for a reply on one network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyRule {
    /// How long it may be, by the network's own count.
    pub length: LengthRule,
    /// Whether it may hold a link (on X one costs twenty times the price of the post).
    pub urls_allowed: bool,
    /// How many replies one post may get.
    pub replies_per_post: u8,
    /// What a second attempt at the same reply does.
    pub guarantee: ReplyGuarantee,
}

/// What a second attempt at the same reply does on a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyGuarantee {
    /// The network recognises the repetition by an id of ours: one reply at most.
    ById,
    /// The network refuses a text that it has just got from us: one reply at most, as far as that goes.
    ByText,
}

/// Why a post must not be answered in public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoReply {
    /// The operator has switched replies off for this network.
    SwitchedOff,
    /// The post neither mentions nor quotes us, and the network asks for that.
    NoConsent,
    /// The post is our own.
    OwnPost,
}

impl NoReply {
    /// For logs and metrics: `no_consent`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SwitchedOff => "switched_off",
            Self::NoConsent => "no_consent",
            Self::OwnPost => "own_post",
        }
    }
}

impl fmt::Display for NoReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is wrong with a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretProblem {
    /// The secret.
    pub name: SecretName,
    /// What is wrong and what it should be.
    pub problem: &'static str,
}

/// What is true of every network's replies, before its own rule: the switch, and never to ourselves.
pub(crate) fn may_reply_at_all(config: &NetworkConfig, to: &PostHead) -> Result<(), NoReply> {
    if !config.replies {
        Err(NoReply::SwitchedOff)
    } else if to.author.id == config.bot_id {
        Err(NoReply::OwnPost)
    } else {
        Ok(())
    }
}

/// A network of any kind.
#[derive(Debug)]
pub enum AnyNetwork {
    /// The bring-your-own-network door.
    Generic(Generic),
    /// X.
    X(X),
}

impl AnyNetwork {
    /// The network that `config` describes.
    pub fn new(config: NetworkConfig, secrets: NetworkSecrets, http: Http) -> Self {
        match config.kind.clone() {
            NetworkKind::Generic { callback_url, post_url, link_url, reply_length } => Self::Generic(
                Generic::new(config, secrets, http, callback_url, post_url, link_url, reply_length),
            ),
            NetworkKind::X { api_url, web_url } => Self::X(X::new(config, secrets, http, api_url, web_url)),
        }
    }

    /// The network that `config` describes, with `secrets` as [`Networks::new`] takes them.
    pub fn with_secrets_from(
        config: &NetworkConfig,
        secrets: impl Fn(&str) -> Vec<String>,
        http: &Http,
    ) -> Self {
        let read = NetworkSecrets::read(|name| secrets(&format!("{}/{name}", config.id)));
        Self::new(config.clone(), read, http.clone())
    }
}

/// The post that an address shows on this network; `None` where the address isn't one of its posts. The
/// generic network's addresses are its own affair and can't be read.
pub fn post_at(config: &NetworkConfig, address: &Url) -> Option<PostRef> {
    match &config.kind {
        NetworkKind::Generic { .. } => None,
        NetworkKind::X { web_url, .. } => {
            let id = crate::x::post_id_at(web_url, address)?;
            Some(PostRef { network: config.id.clone(), id })
        }
    }
}

/// Calls the network that it is.
macro_rules! each {
    ($network:expr, $n:ident => $call:expr) => {
        match $network {
            AnyNetwork::Generic($n) => $call,
            AnyNetwork::X($n) => $call,
        }
    };
}

impl Network for AnyNetwork {
    fn id(&self) -> &NetworkId {
        each!(self, n => n.id())
    }

    fn handshake(&self, request: &WebhookRequest<'_>) -> Result<Option<HandshakeAnswer>, VerifyError> {
        each!(self, n => n.handshake(request))
    }

    fn verify(&self, request: &WebhookRequest<'_>, now: Timestamp) -> Result<Verified, VerifyError> {
        each!(self, n => n.verify(request, now))
    }

    fn parse(&self, body: &[u8], received: Timestamp) -> Result<Vec<NetworkEvent>, ParseError> {
        each!(self, n => n.parse(body, received))
    }

    async fn fetch_post(&self, id: &PostId) -> Result<Option<RelatedPost>, NetworkError> {
        each!(self, n => n.fetch_post(id).await)
    }

    fn reply_rule(&self) -> ReplyRule {
        each!(self, n => n.reply_rule())
    }

    fn may_reply(&self, to: &PostHead) -> Result<(), NoReply> {
        each!(self, n => n.may_reply(to))
    }

    async fn reply(&self, reply: &Reply<'_>) -> Result<ReplyOutcome, NetworkError> {
        each!(self, n => n.reply(reply).await)
    }

    fn sign_in(&self) -> SignIn<'_> {
        each!(self, n => n.sign_in())
    }

    fn secret_problems(&self) -> Vec<SecretProblem> {
        each!(self, n => n.secret_problems())
    }
}

/// The configured networks.
#[derive(Debug, Default)]
pub struct Networks(Vec<AnyNetwork>);

impl Networks {
    /// The networks of a storefront. `secrets` answers with all values of a secret, newest first, by
    /// its full name (`x/consumer-secret`); none where it isn't set. A network without its secrets is
    /// there all the same and says so when it is used.
    pub fn new(configs: &[NetworkConfig], secrets: impl Fn(&str) -> Vec<String>, http: &Http) -> Self {
        Self(configs.iter().map(|config| AnyNetwork::with_secrets_from(config, &secrets, http)).collect())
    }

    /// The network of this id.
    pub fn get(&self, id: &NetworkId) -> Option<&AnyNetwork> {
        self.0.iter().find(|network| network.id() == id)
    }

    /// All of them, in the order of the configuration.
    pub fn iter(&self) -> impl Iterator<Item = &AnyNetwork> {
        self.0.iter()
    }
}
