//! Which secrets a storefront has, where each comes from and what it looks like.

use anyhow::bail;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::storefront::{NetworkConfig, NetworkKind, Storefront};
use lambda::clock::Clock;
use networks::{AnyNetwork, Http, Network as _, NetworkSecrets, Reach, SecretName};
use ring::rand::{SecureRandom as _, SystemRandom};
use url::Url;

/// Names what is personal in the database; it can't be exchanged.
pub(crate) const HASH_KEY: &str = "hash-key";
/// Signs links and sessions.
pub(crate) const SIGNING_KEY: &str = "signing-key";

/// The shortest key of ours, in characters: 32 hexadecimal digits are 128 bits, as NIST SP 800-131A asks
/// at least (112) of an HMAC's key.
const KEY_LENGTH: usize = 32;
/// The longest value of any secret, in characters; X's bearer tokens have about 116.
const MAX_LENGTH: usize = 1024;

/// A secret that a storefront's stage has or may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// Its name: `hash-key`, `x/consumer-secret`.
    pub(crate) name: String,
    /// Where it comes from.
    pub(crate) origin: Origin,
    /// What doesn't work without it; `None` where it may be absent.
    pub(crate) need: Option<&'static str>,
    /// What a value of it has to look like.
    shape: Shape,
}

/// Where a secret comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// We make it up: random text.
    Random,
    /// We make it up: a Standard Webhooks secret.
    Webhook,
    /// Only the network can give it.
    Network,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// A key of ours.
    Key,
    /// `whsec_` and a key in base64.
    Webhook,
    /// What a network's console gave: at least so many characters, fewer than any that it has ever given.
    AtLeast(usize),
}

/// Every secret of a storefront's stage. On the stage `is_local` what only X could give is made up too,
/// where saved payloads or a stand-in of X on this machine take anything.
pub(crate) fn known(storefront: &Storefront, is_local: bool) -> Vec<Known> {
    let ours = |name: &str, need| Known {
        name: name.to_owned(),
        origin: Origin::Random,
        need: Some(need),
        shape: Shape::Key,
    };
    let mut known = vec![
        ours(HASH_KEY, "it finds shoppers by their address"),
        ours(SIGNING_KEY, "it signs links in mails and sessions"),
    ];
    for network in &storefront.networks {
        let needs = needs(network);
        let need = |name: SecretName| needs.iter().find(|(needed, _)| *needed == name).map(|(_, why)| *why);
        known.extend(of_network(network, is_local).into_iter().map(|(name, origin)| Known {
            name: format!("{}/{name}", network.id),
            origin,
            need: need(name),
            shape: shape(name),
        }));
    }
    known
}

/// The secrets of a network by where they come from.
fn of_network(network: &NetworkConfig, is_local: bool) -> Vec<(SecretName, Origin)> {
    use SecretName as N;
    match &network.kind {
        NetworkKind::Generic { .. } => vec![(N::WebhookSecret, Origin::Webhook)],
        NetworkKind::X { api_url, .. } => {
            let given_unless = |made_up: bool| if made_up { Origin::Random } else { Origin::Network };
            // X signs its webhooks with the consumer secret: made up, it lets saved payloads be replayed.
            // The rest opens X's API.
            let (webhooks, api) =
                (given_unless(is_local), given_unless(is_local && is_this_machine(api_url)));
            let rest = [
                N::ConsumerKey,
                N::AccessToken,
                N::AccessTokenSecret,
                N::BearerToken,
                N::ClientId,
                N::ClientSecret,
            ];
            std::iter::once((N::ConsumerSecret, webhooks)).chain(rest.map(|name| (name, api))).collect()
        }
    }
}

/// What a network says it misses without any secret.
fn needs(network: &NetworkConfig) -> Vec<(SecretName, &'static str)> {
    crate::install_tls();
    // Nothing is sent: the client is only asked what it misses.
    let http = Http::new(Reach::Public, || Clock::system().now());
    let network = AnyNetwork::new(network.clone(), NetworkSecrets::default(), http);
    let why = |problem: &'static str| problem.strip_prefix("not set: ").unwrap_or(problem);
    network.secret_problems().into_iter().map(|problem| (problem.name, why(problem.problem))).collect()
}

/// X's have had 25 characters (API key, client id aside) to 116 (bearer tokens) since 2012: what is
/// shorter than these was cut off.
fn shape(name: SecretName) -> Shape {
    match name {
        SecretName::WebhookSecret => Shape::Webhook,
        SecretName::ConsumerKey | SecretName::ClientId => Shape::AtLeast(12),
        SecretName::ConsumerSecret
        | SecretName::AccessToken
        | SecretName::AccessTokenSecret
        | SecretName::BearerToken
        | SecretName::ClientSecret => Shape::AtLeast(24),
    }
}

/// Whether an address is of this machine.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

impl Origin {
    /// A new value, where it is for us to make one up.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub(crate) fn make(self) -> anyhow::Result<Option<String>> {
        Ok(match self {
            Self::Random => Some(lambda::token::random()),
            Self::Webhook => {
                let mut bytes = [0; 32];
                if SystemRandom::new().fill(&mut bytes).is_err() {
                    bail!("the system gives no random numbers");
                }
                Some(format!("whsec_{}", STANDARD.encode(bytes)))
            }
            Self::Network => None,
        })
    }
}

impl Known {
    /// What is wrong with `value`, if anything; says nothing of it but its length.
    pub(crate) fn problem(&self, value: &str) -> Option<String> {
        let length = value.chars().count();
        if value.is_empty() {
            return Some("is empty".to_owned());
        }
        if value.contains(['\n', '\r']) {
            return Some(
                "holds more than one line: give one value, `rotate` puts it before the others".into(),
            );
        }
        if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Some("holds blanks or characters beyond ASCII: it was not copied as it is".to_owned());
        }
        if value.starts_with(['"', '\'', '<']) || value.ends_with(['"', '\'', '>']) {
            return Some("has quotation marks or brackets around it: leave them out".to_owned());
        }
        if length > MAX_LENGTH {
            return Some(format!("has {length} characters, more than any secret of ours ({MAX_LENGTH})"));
        }
        match self.shape {
            Shape::Key if length < KEY_LENGTH => {
                Some(format!("has {length} characters; a key has at least {KEY_LENGTH} random ones"))
            }
            Shape::Webhook if networks::standard_webhooks::key(&networks::Secret::new(value)).is_none() => {
                Some("is not of the form `whsec_` and 24 to 64 random bytes in base64".to_owned())
            }
            Shape::AtLeast(least) if length < least => {
                Some(format!("has {length} characters, fewer than the network's: it is cut off"))
            }
            Shape::Key | Shape::Webhook | Shape::AtLeast(_) => None,
        }
    }

    /// What a storefront makes suspicious about a value that is valid by itself.
    pub(crate) fn suspicion(&self, value: &str, storefront: &Storefront) -> Option<String> {
        let network = self.name.strip_suffix("/access-token")?;
        let network = storefront.networks.iter().find(|of| of.id.as_str() == network)?;
        // An access token of X's OAuth 1.0a begins with the id of the account that it acts for.
        let bot = network.bot_id.as_str();
        let is_ours = value.split_once('-').is_some_and(|(account, _)| account == bot);
        (matches!(network.kind, NetworkKind::X { .. }) && !is_ours).then(|| {
            format!(
                "it doesn't begin with the bot's id {bot} and `-`: replies would come from another account"
            )
        })
    }
}

/// The secret of this name.
///
/// # Errors
/// When the storefront has none: the nearest name is in the message.
pub(crate) fn find<'k>(known: &'k [Known], name: &str) -> anyhow::Result<&'k Known> {
    if let Some(found) = known.iter().find(|known| known.name == name) {
        return Ok(found);
    }
    let nearest = known.iter().map(|known| (strsim::jaro_winkler(&known.name, name), known.name.as_str()));
    match nearest.max_by(|(a, _), (b, _)| a.total_cmp(b)) {
        Some((likeness, nearest)) if likeness > 0.75 => {
            bail!("this storefront has no secret `{name}`: did you mean `{nearest}`?")
        }
        _ => bail!(
            "this storefront has no secret `{name}`, only {}",
            known.iter().map(|known| known.name.as_str()).collect::<Vec<_>>().join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storefront() -> Storefront {
        let text = concat!(env!("CARGO_MANIFEST_DIR"), "/../demo/storefront.toml");
        toml::from_str(&std::fs::read_to_string(text).unwrap()).unwrap()
    }

    #[test]
    fn what_we_make_up_is_of_the_right_form() {
        for known in known(&storefront(), true) {
            if let Some(value) = known.origin.make().unwrap() {
                assert_eq!(known.problem(&value), None, "{}", known.name);
            }
        }
    }

    #[test]
    fn wrong_values_are_refused_without_being_quoted() {
        let known = known(&storefront(), false);
        let good = "2244994945-abcdefghijklmnopqrstuvwxyz";
        let whsec = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        for (name, value, problem) in [
            ("x/access-token", good, None),
            ("x/access-token", "", Some("is empty")),
            ("x/access-token", "abcdefghijk", Some("cut off")),
            ("x/access-token", "abcdefghijklmnop qrstuvwxyz", Some("blanks")),
            ("x/access-token", "abcdefghijklmnop\nqrstuvwxyz", Some("more than one line")),
            ("x/access-token", "\"abcdefghijklmnopqrstuvwxyz\"", Some("quotation marks")),
            ("x/access-token", "abcdefghijklmnopqrstuvwxyzä", Some("ASCII")),
            ("generic/webhook-secret", whsec, None),
            ("generic/webhook-secret", "whsec_c2hvcnQ=", Some("24 to 64")),
            ("generic/webhook-secret", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", Some("whsec_")),
            ("hash-key", "short-but-not-empty", Some("at least 32")),
        ] {
            let found = find(&known, name).unwrap().problem(value);
            match (&found, problem) {
                (None, None) => {}
                (Some(found), Some(problem)) => {
                    assert!(found.contains(problem), "{name}: {found}");
                    assert!(value.is_empty() || !found.contains(value), "{found}");
                }
                _ => panic!("{name}, {problem:?}: {found:?}"),
            }
        }
        let token = find(&known, "x/access-token").unwrap();
        assert_eq!(token.suspicion(good, &storefront()), None);
        assert!(token.suspicion("99-abcdefghijklmnopqrstuvwxyz", &storefront()).is_some());
    }

    #[test]
    fn a_mistyped_name_finds_the_nearest() {
        let known = known(&storefront(), false);
        let error = find(&known, "x/consumer-secrets").unwrap_err().to_string();
        assert!(error.ends_with("did you mean `x/consumer-secret`?"), "{error}");
        let error = find(&known, "42").unwrap_err().to_string();
        assert!(error.contains("only hash-key, signing-key, generic/webhook-secret"), "{error}");
    }

    #[test]
    fn each_says_what_it_is_needed_for() {
        let known = known(&storefront(), false);
        let optional: Vec<&str> =
            known.iter().filter(|known| known.need.is_none()).map(|known| known.name.as_str()).collect();
        assert_eq!(optional, ["x/bearer-token", "x/client-secret"]);
        assert!(known.iter().all(|known| known.need.is_none_or(|need| !need.contains("not set"))));
    }
}
