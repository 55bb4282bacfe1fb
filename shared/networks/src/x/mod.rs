//! X: the X Activity API and the older Account Activity API in, `POST /2/tweets` out.
//! `docs/networks/x.md` says what of it is read and why.

mod account_activity;
mod activity;
mod entities;
pub mod sign_in;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ids::{Lang, NetworkId, PostId, UserId};
use domain::post::{NetworkEvent, PostHead, RelatedPost};
use domain::storefront::NetworkConfig;
use domain::time::Timestamp;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use url::Url;

use crate::error::NetworkError;
use crate::http::{Answer, Call, Http, may_pass, never_sent, with_retries};
use crate::length::LengthRule;
use crate::network::{
    Network, NoReply, Reply, ReplyGuarantee, ReplyOutcome, ReplyRule, SecretProblem, may_reply_at_all,
};
use crate::oauth1;
use crate::parse::{self, ParseError};
use crate::secrets::{NetworkSecrets, Secret, SecretName};
use crate::sign_in::SignIn;
use crate::signature::{any_sha256, from_base64, sha256_base64};
use crate::webhook::{HandshakeAnswer, Verified, VerifyError, WebhookRequest};
use sign_in::XSignIn;

/// Carries the signature of a delivery.
pub const SIGNATURE: &str = "x-twitter-webhooks-signature";
/// Stands before every signature.
const PREFIX: &str = "sha256=";
/// The query parameter of a challenge-response check.
const CRC_TOKEN: &str = "crc_token";
/// The longest challenge that we sign.
const CRC_LENGTH: usize = 1024;

/// Whether we sign this challenge. Anybody may ask for it, and deliveries are signed with the same key: so it
/// must never be the body of one, which is a JSON object. X asks with letters, digits and a few signs.
fn is_challenge(token: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    (1..=CRC_LENGTH).contains(&token.len()) && token.bytes().all(plain)
}

/// The value of [`SIGNATURE`] for `body`, signed with the app's consumer secret.
pub fn sign(consumer_secret: &Secret, body: &[u8]) -> String {
    format!("{PREFIX}{}", sha256_base64(consumer_secret.expose().as_bytes(), body))
}

/// X with our account there.
#[derive(Debug)]
pub struct X {
    config: NetworkConfig,
    secrets: NetworkSecrets,
    http: Http,
    api_url: Url,
    web_url: Url,
    /// Whether the API turned out to know fields by their newer names only.
    newer_names: AtomicBool,
}

impl X {
    pub(crate) fn new(
        config: NetworkConfig,
        secrets: NetworkSecrets,
        http: Http,
        api_url: Url,
        web_url: Url,
    ) -> Self {
        Self { config, secrets, http, api_url, web_url, newer_names: AtomicBool::new(false) }
    }

    fn consumer_secrets(&self) -> Result<&[Secret], VerifyError> {
        match self.secrets.values(SecretName::ConsumerSecret) {
            [] => Err(VerifyError::Unconfigured(SecretName::ConsumerSecret)),
            secrets => Ok(secrets),
        }
    }

    fn secret(&self, name: SecretName) -> Result<&str, NetworkError> {
        self.secrets.newest(name).map(Secret::expose).ok_or(NetworkError::Unconfigured(name))
    }

    /// The header that makes a request act as the bot's account.
    fn as_bot(&self, method: &str, url: &Url) -> Result<String, NetworkError> {
        let keys = oauth1::Keys {
            consumer_key: self.secret(SecretName::ConsumerKey)?,
            consumer_secret: self.secret(SecretName::ConsumerSecret)?,
            token: self.secret(SecretName::AccessToken)?,
            token_secret: self.secret(SecretName::AccessTokenSecret)?,
        };
        let mut random = [0_u8; 24];
        // ring's generator fails only where the system has no randomness at all; the nonce then
        // repeats and X refuses the request.
        let _ = SystemRandom::new().fill(&mut random);
        let nonce = URL_SAFE_NO_PAD.encode(random);
        let once = oauth1::Once { nonce: &nonce, timestamp: self.http.now().as_seconds() };
        Ok(oauth1::authorization(keys, &once, method, url))
    }

    /// The header that reads: the app's own token where there is one, else the bot's account.
    fn as_reader(&self, url: &Url) -> Result<String, NetworkError> {
        match self.secrets.newest(SecretName::BearerToken) {
            Some(token) => Ok(format!("Bearer {}", token.expose())),
            None => self.as_bot("GET", url),
        }
    }

    async fn read_post(&self, id: &PostId, newer_names: bool) -> Result<Answer, NetworkError> {
        let mut url = below(&self.api_url, &["2", "tweets", id.as_str()]);
        let (parameter, fields) = if newer_names {
            ("post.fields", "author_id,created_at,entities,note_post,referenced_posts")
        } else {
            ("tweet.fields", "author_id,created_at,entities,note_tweet,referenced_tweets")
        };
        url.query_pairs_mut().append_pair(parameter, fields);
        let authorization = ("authorization", self.as_reader(&url)?);
        let call = Call {
            method: ::http::Method::GET,
            url: &url,
            setting: "api_url",
            headers: &[authorization],
            body: None,
        };
        self.http.send(&call).await
    }

    /// Asks by the names that the documentation's prose uses, and once more by those of the API's
    /// schema when X doesn't know the first (it is renaming `tweet` to `post`).
    async fn read_post_by_either_name(&self, id: &PostId) -> Result<Answer, NetworkError> {
        let newer = self.newer_names.load(Ordering::Relaxed);
        let answer = self.read_post(id, newer).await?;
        if answer.status != 400 {
            return Ok(answer);
        }
        let other = self.read_post(id, !newer).await?;
        if other.status != 400 {
            self.newer_names.store(!newer, Ordering::Relaxed);
        }
        Ok(other)
    }

    async fn post_reply(&self, body: &[u8]) -> Result<ReplyOutcome, NetworkError> {
        let url = below(&self.api_url, &["2", "tweets"]);
        let headers =
            [("authorization", self.as_bot("POST", &url)?), ("content-type", "application/json".to_owned())];
        let method = ::http::Method::POST;
        let call = Call { method, url: &url, setting: "api_url", headers: &headers, body: Some(body) };
        let answer = self.http.send(&call).await?;
        match (answer.status, answer.error(self.http.now())) {
            (400 | 403, Some(refused)) => match Problem::of(&answer) {
                Problem::Duplicate => Ok(ReplyOutcome::AlreadyPosted),
                Problem::Gone => Err(NetworkError::Gone),
                Problem::Other => Err(refused),
            },
            (404, _) => Err(NetworkError::Gone),
            (_, Some(error)) => Err(error),
            (_, None) => Ok(ReplyOutcome::Posted { id: created_id(&answer.body) }),
        }
    }
}

/// What a refusal of X's says (problem details, RFC 9457). X has no codes for these: its sentences are
/// all there is.
enum Problem {
    /// "You are not allowed to create a Tweet with duplicate content."
    Duplicate,
    /// "You attempted to reply to a Tweet that is deleted or not visible to you."
    Gone,
    Other,
}

impl Problem {
    fn of(answer: &Answer) -> Self {
        #[derive(Deserialize)]
        struct Details {
            detail: Option<String>,
        }
        let details = parse::read::<Details>(&answer.body).ok().and_then(|details| details.detail);
        match details.map(|text| text.to_ascii_lowercase()) {
            Some(text) if text.contains("duplicate content") => Self::Duplicate,
            Some(text) if text.contains("deleted or not visible") => Self::Gone,
            _ => Self::Other,
        }
    }
}

/// The id of a new post. It is out, whether or not X says so in a form that we can read.
fn created_id(body: &[u8]) -> Option<PostId> {
    #[derive(Deserialize)]
    struct Created {
        data: Data,
    }
    #[derive(Deserialize)]
    struct Data {
        id: String,
    }
    parse::read::<Created>(body).ok().map(|created| PostId::new(created.data.id))
}

#[derive(Serialize)]
struct NewPost<'a> {
    text: &'a str,
    reply: InReplyTo<'a>,
}

#[derive(Serialize)]
struct InReplyTo<'a> {
    in_reply_to_tweet_id: &'a str,
}

/// `base` with `parts` behind its path, each encoded.
fn below(base: &Url, parts: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(parts);
    }
    url
}

impl Network for X {
    fn id(&self) -> &NetworkId {
        &self.config.id
    }

    /// The challenge-response check: `GET ?crc_token=…`, answered with the token signed by the consumer
    /// secret (X API documentation, "Webhooks: securing webhooks").
    fn handshake(&self, request: &WebhookRequest<'_>) -> Result<Option<HandshakeAnswer>, VerifyError> {
        if request.method != ::http::Method::GET {
            return Ok(None);
        }
        let token = request.parameter(CRC_TOKEN).filter(|token| is_challenge(token));
        let token = token.ok_or(VerifyError::Parameter(CRC_TOKEN))?;
        let [newest, ..] = self.consumer_secrets()? else {
            return Err(VerifyError::Unconfigured(SecretName::ConsumerSecret));
        };
        let body = serde_json::json!({ "response_token": sign(newest, token.as_bytes()) }).to_string();
        Ok(Some(HandshakeAnswer { content_type: "application/json", body }))
    }

    /// The signature is over the body alone, without a time: a replay is harmless because what is done
    /// with a post is keyed by the post's id.
    fn verify(&self, request: &WebhookRequest<'_>, _: Timestamp) -> Result<Verified, VerifyError> {
        let secrets = self.consumer_secrets()?;
        let header = request.header(SIGNATURE)?;
        let tag = header.strip_prefix(PREFIX).and_then(from_base64);
        let tag = tag.ok_or(VerifyError::MalformedHeader(SIGNATURE))?;
        let keys: Vec<&[u8]> = secrets.iter().map(|secret| secret.expose().as_bytes()).collect();
        if any_sha256(&keys, request.body, &tag) {
            Ok(Verified { delivery_id: None })
        } else {
            Err(VerifyError::WrongSignature)
        }
    }

    fn parse(&self, body: &[u8], received: Timestamp) -> Result<Vec<NetworkEvent>, ParseError> {
        let parts: BTreeMap<String, Box<RawValue>> = parse::read(body)?;
        let reader = Reader { config: &self.config, web_url: &self.web_url, received };
        let mut events = Vec::new();
        for (name, part) in &parts {
            let read = |error: ParseError| error.below(name);
            match name.as_str() {
                "data" => events.push(activity::event(&reader, part).map_err(read)?),
                "tweet_create_events" => {
                    let blocked =
                        account_activity::has_blocked(parts.get("user_has_blocked").map(AsRef::as_ref));
                    events.extend(account_activity::created(&reader, part, blocked).map_err(read)?);
                }
                "tweet_delete_events" => {
                    events.extend(account_activity::deleted(&reader, part).map_err(read)?);
                }
                "user_event" => events.push(account_activity::user_event(part).map_err(read)?),
                "for_user_id" | "user_has_blocked" | "users" | "apps" => {}
                other => events.push(NetworkEvent::Ignored(parse::event_name(other))),
            }
        }
        if parts.is_empty() {
            events.push(NetworkEvent::Ignored("empty".to_owned()));
        }
        Ok(events)
    }

    async fn fetch_post(&self, id: &PostId) -> Result<Option<RelatedPost>, NetworkError> {
        // Ids of X are numbers; anything else would only be refused.
        if !is_number(id.as_str()) {
            return Ok(None);
        }
        with_retries(may_pass, || async {
            let answer = self.read_post_by_either_name(id).await?;
            match (answer.status, answer.error(self.http.now())) {
                (404 | 410, _) => Ok(None),
                (_, Some(error)) => Err(error),
                (_, None) => Ok(activity::fetched(&answer.body, &self.web_url)?),
            }
        })
        .await
    }

    fn reply_rule(&self) -> ReplyRule {
        ReplyRule {
            length: LengthRule::Weighted280,
            urls_allowed: false,
            replies_per_post: 1,
            guarantee: ReplyGuarantee::ByText,
        }
    }

    /// Only who @mentions or quotes us may be answered (X developer guidelines and the rule for
    /// self-serve apps of 23 February 2026).
    fn may_reply(&self, to: &PostHead) -> Result<(), NoReply> {
        may_reply_at_all(&self.config, to)?;
        if to.mentions_us { Ok(()) } else { Err(NoReply::NoConsent) }
    }

    async fn reply(&self, reply: &Reply<'_>) -> Result<ReplyOutcome, NetworkError> {
        let post =
            NewPost { text: reply.text, reply: InReplyTo { in_reply_to_tweet_id: reply.to.id.as_str() } };
        let body = serde_json::to_vec(&post)
            .map_err(|_| ParseError::invalid("reply", "can't be written as JSON"))?;
        with_retries(never_sent, || self.post_reply(&body)).await
    }

    fn sign_in(&self) -> SignIn<'_> {
        SignIn::OAuth(XSignIn::new(&self.secrets, &self.http, &self.api_url, &self.web_url))
    }

    fn secret_problems(&self) -> Vec<SecretProblem> {
        const NEEDED: [(SecretName, &str); 5] = [
            (SecretName::ConsumerSecret, "not set: it proves webhooks (the app's API key secret)"),
            (SecretName::ConsumerKey, "not set: replies need it (the app's API key)"),
            (SecretName::AccessToken, "not set: replies need it (the bot account's access token)"),
            (SecretName::AccessTokenSecret, "not set: replies need it (the access token's secret)"),
            (SecretName::ClientId, "not set: shoppers can't link their accounts (OAuth 2.0 client id)"),
        ];
        let missing = NEEDED.into_iter().filter(|(name, _)| self.secrets.newest(*name).is_none());
        missing.map(|(name, problem)| SecretProblem { name, problem }).collect()
    }
}

/// What reading needs to know beside the payload.
struct Reader<'a> {
    config: &'a NetworkConfig,
    web_url: &'a Url,
    received: Timestamp,
}

impl Reader<'_> {
    /// Whether this is our own account.
    fn is_us(&self, user: &str) -> bool {
        user == self.config.bot_id.as_str()
    }
}

/// Where a post is shown. X finds it by the id; the handle only makes it readable.
fn post_url(web_url: &Url, handle: Option<&str>, id: &str) -> String {
    match handle {
        Some(handle) => below(web_url, &[handle, "status", id]).into(),
        None => below(web_url, &["i", "status", id]).into(),
    }
}

/// The hosts on which X has shown posts beside the configured one.
const HOSTS: [&str; 2] = ["x.com", "twitter.com"];

/// The id in a post's address: `/<handle>/status/<id>`, `/i/status/<id>` or `/i/web/status/<id>`, with
/// whatever follows (`/photo/1`).
pub(crate) fn post_id_at(web_url: &Url, address: &Url) -> Option<PostId> {
    let host = address.host_str()?;
    let bare = ["www.", "mobile."].into_iter().find_map(|prefix| host.strip_prefix(prefix)).unwrap_or(host);
    if web_url.host_str() != Some(host) && !HOSTS.contains(&bare) {
        return None;
    }
    let parts: Vec<&str> = address.path_segments()?.collect();
    let id = match parts.as_slice() {
        ["i", "web", "status", id, ..] | [_, "status", id, ..] => *id,
        _ => return None,
    };
    is_number(id).then(|| PostId::new(id))
}

/// Ids are decimal numbers beyond 2^53, so they are text and stay text.
fn is_number(id: &str) -> bool {
    (1..=20).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit())
}

/// An id, checked.
fn id(path: &str, id: String) -> Result<String, ParseError> {
    if is_number(&id) { Ok(id) } else { Err(ParseError::invalid(path, "not an id (digits)")) }
}

fn user(path: &str, user: String) -> Result<UserId, ParseError> {
    id(path, user).map(UserId::new)
}

/// 2010-11-04T01:42:54.657Z: the first millisecond of snowflake ids.
const SNOWFLAKE_EPOCH_MS: u64 = 1_288_834_974_657;
/// Ids below this were counted, not made from the time; the first snowflakes are far above.
const FIRST_SNOWFLAKE: u64 = 1 << 35;

/// When a post was made, by its id: X's servers put the time into its upper bits. Never later than
/// when we saw it. `None` for ids from before November 2010.
fn created_at(id: &str, received: Timestamp) -> Option<Timestamp> {
    let id: u64 = id.parse().ok()?;
    let at = Timestamp::from_millis((id >> 22) + SNOWFLAKE_EPOCH_MS);
    (id >= FIRST_SNOWFLAKE).then(|| at.min(received))
}

/// X's language of a post; `und`, `zxx` and the private codes (`qme`, `qht`, `art`…) say that it has
/// none.
fn lang(code: Option<&str>) -> Option<Lang> {
    match code? {
        "und" | "zxx" | "art" => None,
        "in" => Lang::parse("id"),
        "iw" => Lang::parse("he"),
        code if code.len() == 3 && code.starts_with('q') => None,
        code => Lang::parse(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_tell_the_time() {
        let late = Timestamp::from_seconds(4_000_000_000);
        // The first post of the documentation's own examples: 2026-07-24T21:05:48.000Z there.
        let at = created_at("2080761390344937796", late).unwrap();
        assert_eq!(at.as_seconds(), Timestamp::parse_rfc3339("2026-07-24T21:05:48Z").unwrap().as_seconds());
        let early = Timestamp::from_seconds(1_300_000_000);
        assert_eq!(created_at("2080761390344937796", early), Some(early));
        for none in ["20", "", "x", "99999999999999999999999"] {
            assert_eq!(created_at(none, late), None, "{none}");
        }
    }

    #[test]
    fn addresses_of_posts_are_read() {
        let web_url = Url::parse("https://x.com").unwrap();
        let read = |address: &str| post_id_at(&web_url, &Url::parse(address).unwrap());
        for good in [
            "https://x.com/acme/status/2080761390344937796",
            "https://x.com/i/status/2080761390344937796",
            "https://x.com/i/web/status/2080761390344937796?s=20",
            "https://mobile.twitter.com/acme/status/2080761390344937796/photo/1",
        ] {
            assert_eq!(read(good), Some(PostId::new("2080761390344937796")), "{good}");
            assert_eq!(read(&post_url(&web_url, Some("acme"), "20")), Some(PostId::new("20")));
        }
        for bad in [
            "https://x.com.evil.example/acme/status/20",
            "https://x.com/acme/status/abc",
            "https://x.com/acme",
            "https://x.com/acme/status/",
            "mailto:a@x.com",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn languages_that_are_none() {
        for none in ["und", "zxx", "qme", "qht", "art", ""] {
            assert_eq!(lang(Some(none)), None, "{none}");
        }
        assert_eq!(lang(Some("in")).unwrap().as_str(), "id");
        assert_eq!(lang(Some("pt")).unwrap().as_str(), "pt");
        assert_eq!(lang(None), None);
    }
}
