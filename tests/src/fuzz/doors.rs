//! What comes with a request: signatures, tokens, cookies, forms.

use std::sync::LazyLock;
use std::time::Duration;

use domain::ids::{Lang, NetworkId};
use domain::time::Timestamp;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use lambda::secrets::Secret as Key;
use lambda::token::{Signer, TokenError};
use messages::Language;
use networks::standard_webhooks::{self, ID, SIGNATURE, TIMESTAMP, TOLERANCE};
use networks::{
    AnyNetwork, Http, Network as _, Reach, Secret, SignIn, VerifyError, WebhookRequest, generic, x,
};
use web::cookie::Cookie;
use web::fields::Fields;

use super::{NOW, STOREFRONT};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn network(id: &str) -> AnyNetwork {
    let config = STOREFRONT.network(&NetworkId::new(id));
    let config = config.unwrap_or_else(|| panic!("the storefront has no network {id}"));
    AnyNetwork::with_secrets_from(config, |_| vec![SECRET.to_owned()], &Http::new(Reach::Public, || NOW))
}

static GENERIC: LazyLock<AnyNetwork> = LazyLock::new(|| network("generic"));
static X: LazyLock<AnyNetwork> = LazyLock::new(|| network("x"));

/// The parts between NULs; the last one may hold anything, as bodies do.
fn parts<const N: usize>(data: &[u8]) -> Option<([&str; N], &[u8])> {
    let mut rest = data;
    let mut parts = [""; N];
    for part in &mut parts {
        let end = rest.iter().position(|byte| *byte == 0)?;
        *part = std::str::from_utf8(rest.get(..end)?).ok()?;
        rest = rest.get(end + 1..)?;
    }
    Some((parts, rest))
}

fn headers(pairs: &[(&'static str, &str)]) -> Option<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(HeaderName::from_static(name), HeaderValue::from_str(value).ok()?);
    }
    Some(map)
}

fn verified(
    network: &AnyNetwork,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<(), VerifyError> {
    let request = WebhookRequest { method: &Method::POST, headers, query: "", body };
    network.verify(&request, now).map(|_| ())
}

/// The three headers of Standard Webhooks, or a query, and a body.
pub(super) fn webhook(data: &[u8]) {
    let Some(([id, timestamp, signature, query], body)) = parts(data) else { return };
    standard(id, timestamp, signature, body);
    of_x(signature, query, body);
    signed_link(id, timestamp, query);
}

fn standard(id: &str, timestamp: &str, signature: &str, body: &[u8]) {
    let Some(key) = standard_webhooks::key(&Secret::new(SECRET)) else { panic!("our own secret") };
    if let Some(map) = headers(&[(ID, id), (TIMESTAMP, timestamp), (SIGNATURE, signature)])
        && verified(&GENERIC, &map, body, NOW).is_ok()
    {
        let at = Timestamp::from_seconds(timestamp.parse().unwrap_or(0));
        let [.., (_, genuine)] = standard_webhooks::sign(&key, id, at, body);
        assert!(timestamp == at.as_seconds().to_string() || timestamp.starts_with('0'));
        assert!(timestamp.starts_with('0') || signature.split(' ').any(|one| one == genuine), "forged");
    }
    let signed = standard_webhooks::sign(&key, id, NOW, body);
    let pairs: Vec<(&'static str, &str)> =
        signed.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let Some(map) = headers(&pairs) else { return };
    let usable =
        (1..=256).contains(&id.len()) && !id.contains('.') && id.bytes().all(|b| (32..127).contains(&b));
    let id_is_refused = Err(VerifyError::MalformedHeader(ID));
    let expected = |result| if usable { result } else { id_is_refused };
    assert_eq!(verified(&GENERIC, &map, body, NOW), expected(Ok(())));
    let late = NOW.plus(TOLERANCE).plus(Duration::from_secs(1));
    assert_eq!(verified(&GENERIC, &map, body, late), expected(Err(VerifyError::TooOld)));
    let early = NOW.minus(TOLERANCE).minus(Duration::from_secs(1));
    assert_eq!(verified(&GENERIC, &map, body, early), expected(Err(VerifyError::TooNew)));
    let longer = [body, b" "].concat();
    assert_eq!(verified(&GENERIC, &map, &longer, NOW), expected(Err(VerifyError::WrongSignature)));
}

/// What X signs is taken, and what its challenge makes us sign is never a delivery.
fn of_x(signature: &str, query: &str, body: &[u8]) {
    let genuine = x::sign(&Secret::new(SECRET), body);
    if let Some(map) = headers(&[(x::SIGNATURE, signature)]) {
        assert!(verified(&X, &map, body, NOW).is_err() || signature == genuine, "forged");
    }
    let Some(map) = headers(&[(x::SIGNATURE, &genuine)]) else { panic!("our own header") };
    assert_eq!(verified(&X, &map, body, NOW), Ok(()));
    let longer = [body, b" "].concat();
    assert_eq!(verified(&X, &map, &longer, NOW), Err(VerifyError::WrongSignature));
    let none = HeaderMap::new();
    let request = WebhookRequest { method: &Method::GET, headers: &none, query, body: b"" };
    if let Ok(Some(answer)) = X.handshake(&request) {
        let fields = Fields::parse(query);
        let token = fields.get("crc_token").unwrap_or_default();
        assert!(X.parse(token.as_bytes(), NOW).is_err(), "we sign a delivery for whoever asks: {token}");
        assert!(answer.body.is_ascii());
    }
}

/// A link that the network signed is good for who it names, and for nobody else.
fn signed_link(user: &str, handle: &str, query: &str) {
    let SignIn::SignedLink(links) = GENERIC.sign_in() else { panic!("the generic network signs links") };
    let secret = Secret::new(SECRET);
    let soon = NOW.plus(Duration::from_secs(600));
    if let Ok(account) = links.verify(query, NOW) {
        let until = Fields::parse(query).get("expires").and_then(|text| text.parse().ok()).unwrap_or(0);
        let until = Timestamp::from_seconds(until);
        let again = generic::link::sign(
            &secret,
            GENERIC.id(),
            account.user.as_str(),
            account.handle.as_deref().unwrap_or(""),
            until,
        );
        let tag = |query: &str| Fields::parse(query).get("signature").map(str::to_owned);
        assert_eq!(again.as_deref().and_then(tag), tag(query), "forged");
    }
    let Some(made) = generic::link::sign(&secret, GENERIC.id(), user, handle, soon) else {
        panic!("our secret")
    };
    let usable = |text: &str| text.len() <= 256 && !text.chars().any(char::is_control);
    match links.verify(&made, NOW) {
        Ok(account) => {
            assert!(account.user.as_str() == user && account.handle.as_deref().unwrap_or("") == handle);
        }
        Err(error) => assert!(user.is_empty() || !usable(user) || !usable(handle), "{error}"),
    }
    let another = generic::link::sign(&secret, &NetworkId::new("another"), user, handle, soon);
    assert!(links.verify(&another.unwrap_or_default(), NOW).is_err(), "a link of another network");
    assert!(links.verify(&made, soon.plus(TOLERANCE).plus(Duration::from_secs(1))).is_err(), "for ever");
}

/// A token, and what one of ours says.
pub(super) fn token(data: &[u8]) {
    let Some(([given, purpose], said)) = parts(data) else { return };
    let signer = Signer::new(&[Key::new("new key"), Key::new("old key")]);
    let stranger = Signer::new(&[Key::new("another key")]);
    let said = String::from_utf8_lossy(said).into_owned();
    if let Ok(read) = signer.read::<String>("cart", given, NOW) {
        // Corpora hold a token that was signed once.
        assert_eq!(signer.sign("cart", &read, None).as_deref(), Ok(given), "two tokens say the same");
    }
    let later = NOW.plus(Duration::from_secs(1));
    let Ok(token) = signer.sign(purpose, &said, Some(later)) else { panic!("can't sign {said:?}") };
    assert_eq!(signer.read(purpose, &token, NOW).as_ref(), Ok(&said));
    assert_eq!(signer.read::<String>(purpose, &token, later), Err(TokenError::Expired));
    assert_eq!(stranger.read::<String>(purpose, &token, NOW), Err(TokenError::Invalid));
    let other = format!("{purpose}2");
    assert_eq!(signer.read::<String>(&other, &token, NOW), Err(TokenError::Invalid));
    // One character changed, which one the input says.
    let at = data.iter().map(|byte| usize::from(*byte)).sum::<usize>() % token.len();
    let mut changed = token.clone().into_bytes();
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(signer.read::<String>(purpose, &changed, NOW), Err(TokenError::Invalid), "changed at {at}");
    // And it passes through a form and a cookie as it is.
    let form = format!("a=1&token={token}&token=2");
    assert_eq!(Fields::parse(&form).get("token"), Some(token.as_str()));
    if token.len() < 4000 {
        cookie_holds(&token);
    }
}

fn cookie_holds(value: &str) {
    let Some(set) = Cookie::Session.set(value, None, false) else { panic!("no cookie may hold {value:?}") };
    let pair = set.to_str().ok().and_then(|set| set.split(';').next()).unwrap_or_default();
    let Some(map) = headers(&[("cookie", pair)]) else { panic!("{pair:?}") };
    assert_eq!(Cookie::Session.read(&map, false).as_deref(), Some(value));
}

/// A cookie header, an `Accept-Language` and a form.
pub(super) fn request(data: &[u8]) {
    let Some(([cookies, languages], form)) = parts(data) else { return };
    if let Some(map) = headers(&[(header::COOKIE.as_str(), "a=1"), ("cookie", cookies)]) {
        for (cookie, local) in [(Cookie::Session, false), (Cookie::Browser, true), (Cookie::Language, false)]
        {
            if let Some(value) = cookie.read(&map, local) {
                assert!(!value.is_empty() && !value.contains(';'));
                if let Some(set) = cookie.set(&value, Some(Duration::from_secs(60)), local) {
                    let set = set.to_str().unwrap_or_else(|error| panic!("{error}"));
                    assert_eq!(set.matches(';').count(), if local { 4 } else { 5 }, "{set}");
                }
            }
        }
    }
    if let Some(language) = Language::accepted(languages) {
        let lang = Lang::from(language);
        assert!(languages.to_ascii_lowercase().contains(lang.primary()), "{languages:?} asks for no {lang}");
    }
    if let Some(lang) = Lang::parse(languages) {
        assert_eq!(Lang::parse(lang.as_str()).as_ref(), Some(&lang));
    }
    let form = String::from_utf8_lossy(form);
    let fields = Fields::parse(&form);
    let written = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields.iter()).finish();
    assert_eq!(Fields::parse(&written), fields);
}
