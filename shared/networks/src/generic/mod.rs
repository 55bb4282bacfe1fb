//! The bring-your-own-network door: Standard Webhooks in and out. Any network, forum or app that can
//! sign a webhook can send us its posts; the local playground does. `docs/networks/generic.md` holds
//! its JSON.

pub mod link;
mod payload;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ids::{NetworkId, PostId};
use domain::post::{NetworkEvent, PostHead, RelatedPost};
use domain::storefront::NetworkConfig;
use domain::time::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ring::digest;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::error::NetworkError;
use crate::guard::{GuardError, Hosts};
use crate::http::{Answer, Call, Http, may_pass, with_retries};
use crate::length::LengthRule;
use crate::network::{
    Network, NoReply, Reply, ReplyGuarantee, ReplyOutcome, ReplyRule, SecretProblem, may_reply_at_all,
};
use crate::parse::{self, ParseError};
use crate::secrets::{NetworkSecrets, SecretName};
use crate::sign_in::SignIn;
use crate::standard_webhooks;
use crate::webhook::{HandshakeAnswer, Verified, VerifyError, WebhookRequest};
use link::SignedLinks;

/// A network that speaks our own JSON.
#[derive(Debug)]
pub struct Generic {
    config: NetworkConfig,
    secrets: NetworkSecrets,
    http: Http,
    callback_url: Url,
    post_url: Option<String>,
    link_url: Option<Url>,
    reply_length: usize,
}

impl Generic {
    pub(crate) fn new(
        config: NetworkConfig,
        secrets: NetworkSecrets,
        http: Http,
        callback_url: Url,
        post_url: Option<String>,
        link_url: Option<Url>,
        reply_length: u32,
    ) -> Self {
        let reply_length = usize::try_from(reply_length).unwrap_or(usize::MAX);
        Self { config, secrets, http, callback_url, post_url, link_url, reply_length }
    }

    /// Where a post can be read: the template with the id in it, encoded as one part of a path.
    fn address_of(&self, id: &PostId) -> Option<Result<Url, NetworkError>> {
        let id = utf8_percent_encode(id.as_str(), NON_ALPHANUMERIC).to_string();
        let address = self.post_url.as_deref()?.replace("{id}", &id);
        Some(Url::parse(&address).map_err(|_| NetworkError::Address("post_url")))
    }

    async fn post_callback(&self, id: &str, body: &[u8]) -> Result<ReplyOutcome, NetworkError> {
        let newest = self.secrets.newest(SecretName::WebhookSecret).and_then(standard_webhooks::key);
        let key = newest.ok_or(NetworkError::Unconfigured(SecretName::WebhookSecret))?;
        // The id stays the same over attempts, the time of signing doesn't.
        let [name, time, signature] = standard_webhooks::sign(&key, id, self.http.now(), body);
        let content_type = ("content-type", "application/json".to_owned());
        let call = Call {
            method: ::http::Method::POST,
            url: &self.callback_url,
            setting: "callback_url",
            headers: &[content_type, name, time, signature],
            body: Some(body),
        };
        let answer = self.http.send(&call).await?;
        match failure(&answer, self.http.now()) {
            Some(error) => Err(error),
            None => Ok(ReplyOutcome::Posted { id: reply_id(&answer.body) }),
        }
    }
}

/// What a status of the callback means (Standard Webhooks 1.0.0, "Webhook delivery"; 404 and 410 as
/// `docs/networks/generic.md` says).
fn failure(answer: &Answer, now: Timestamp) -> Option<NetworkError> {
    match answer.status {
        404 | 410 => Some(NetworkError::Gone),
        502 | 504 => Some(NetworkError::Throttled { retry_after: answer.retry_after(now) }),
        _ => answer.error(now),
    }
}

/// The id that the network gave our reply, where it says so. A 2xx is a success whatever its body.
fn reply_id(body: &[u8]) -> Option<PostId> {
    #[derive(Deserialize)]
    struct Created {
        id: String,
    }
    parse::read::<Created>(body).ok().map(|created| PostId::new(created.id))
}

/// The `webhook-id` of a reply: made of its idempotency key, so the same over attempts; without `.`,
/// which the specification keeps for itself.
fn callback_id(network: &NetworkId, idempotency: &str) -> String {
    let hash = digest::digest(&digest::SHA256, format!("{network}\n{idempotency}").as_bytes());
    let short: String = URL_SAFE_NO_PAD.encode(hash).chars().take(32).collect();
    format!("reply_{short}")
}

#[derive(Serialize)]
struct Callback<'a> {
    r#type: &'static str,
    timestamp: String,
    data: CallbackData<'a>,
}

#[derive(Serialize)]
struct CallbackData<'a> {
    id: &'a str,
    in_reply_to: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    author: CallbackAuthor<'a>,
}

#[derive(Serialize)]
struct CallbackAuthor<'a> {
    id: &'a str,
    handle: &'a str,
}

impl Network for Generic {
    fn id(&self) -> &NetworkId {
        &self.config.id
    }

    fn handshake(&self, _: &WebhookRequest<'_>) -> Result<Option<HandshakeAnswer>, VerifyError> {
        Ok(None)
    }

    fn verify(&self, request: &WebhookRequest<'_>, now: Timestamp) -> Result<Verified, VerifyError> {
        standard_webhooks::verify(request, self.secrets.values(SecretName::WebhookSecret), now)
    }

    fn parse(&self, body: &[u8], received: Timestamp) -> Result<Vec<NetworkEvent>, ParseError> {
        Ok(vec![payload::event(&self.config, body, received)?])
    }

    async fn fetch_post(&self, id: &PostId) -> Result<Option<RelatedPost>, NetworkError> {
        let Some(url) = self.address_of(id).transpose()? else { return Ok(None) };
        let host = [url.host_str().unwrap_or_default().to_owned()];
        with_retries(may_pass, || async {
            let fetched = self.http.guard().get(&url, Hosts::Only(&host), "application/json").await?;
            match fetched.status {
                200..=299 => Ok(Some(payload::related(&fetched.body)?)),
                401 | 403 | 404 | 410 => Ok(None),
                status => Err(GuardError::Failed { status }.into()),
            }
        })
        .await
    }

    fn reply_rule(&self) -> ReplyRule {
        ReplyRule {
            length: LengthRule::Graphemes(self.reply_length),
            urls_allowed: true,
            replies_per_post: 1,
            guarantee: ReplyGuarantee::ById,
        }
    }

    fn may_reply(&self, to: &PostHead) -> Result<(), NoReply> {
        may_reply_at_all(&self.config, to)
    }

    async fn reply(&self, reply: &Reply<'_>) -> Result<ReplyOutcome, NetworkError> {
        let id = callback_id(&self.config.id, reply.idempotency);
        let callback = Callback {
            r#type: "reply.created",
            timestamp: self.http.now().to_string(),
            data: CallbackData {
                id: &id,
                in_reply_to: reply.to.id.as_str(),
                text: reply.text,
                language: reply.lang.map(domain::ids::Lang::as_str),
                author: CallbackAuthor { id: self.config.bot_id.as_str(), handle: &self.config.bot_handle },
            },
        };
        let body = serde_json::to_vec(&callback)
            .map_err(|_| ParseError::invalid("callback", "can't be written as JSON"))?;
        // The receiver knows a repetition by its `webhook-id`, so any passing failure may be repeated.
        with_retries(may_pass, || self.post_callback(&id, &body)).await
    }

    fn sign_in(&self) -> SignIn<'_> {
        SignIn::SignedLink(SignedLinks::new(
            &self.config.id,
            self.secrets.values(SecretName::WebhookSecret),
            self.link_url.as_ref(),
        ))
    }

    fn secret_problems(&self) -> Vec<SecretProblem> {
        let values = self.secrets.values(SecretName::WebhookSecret);
        let problem = |problem| vec![SecretProblem { name: SecretName::WebhookSecret, problem }];
        if values.is_empty() {
            problem("not set: it signs what the network sends and what we answer")
        } else if values.iter().any(|secret| standard_webhooks::key(secret).is_none()) {
            problem("not of the form `whsec_` and 24 to 64 random bytes in base64")
        } else {
            Vec::new()
        }
    }
}
