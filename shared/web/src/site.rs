//! What all pages of one function share, and what one request of a shopper brings along.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse as _, Redirect, Response};
use domain::ids::{CustomerId, Lang};
use domain::storefront::Storefront;
use domain::time::Timestamp;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use lambda::cache::Refreshing;
use lambda::clock::Clock;
use lambda::env::{EnvError, Environment};
use lambda::keyed::KeyedHash;
use lambda::secrets::{SecretSet, Secrets};
use lambda::token::{self, Signer};
use messages::Language;
use store::links::{Links, Session};
use store::settings::Settings;
use url::Url;

use crate::boundary::trace_of;
use crate::cookie::Cookie;
use crate::failure::Failure;
use crate::fields::Fields;
use crate::words::Words;

/// How long a browser stays signed in.
pub const SESSION_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// There is no storefront yet.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("no storefront is configured: push one with `hashcart config push`")]
pub struct NoStorefront;

/// What every page of a function needs. Nothing is read before the first request.
#[derive(Debug)]
pub struct Site {
    clock: Clock,
    local: bool,
    public_url: Url,
    secrets: Secrets,
    settings: Settings,
    storefront: Refreshing<Storefront>,
    links: Links,
}

impl Site {
    /// A site in this environment over these tables.
    ///
    /// # Errors
    /// When the public address is missing or may not be used in this stage.
    pub fn new(
        env: &Environment,
        clock: Clock,
        secrets: Secrets,
        settings: Settings,
        links: Links,
    ) -> Result<Self, EnvError> {
        Ok(Self {
            clock,
            local: env.stage().is_local(),
            public_url: env.public_url()?,
            secrets,
            settings,
            storefront: Refreshing::default(),
            links,
        })
    }

    /// Whether this is the stage `local`.
    pub fn is_local(&self) -> bool {
        self.local
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The table of links, sessions and one-time links.
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// The address that shoppers use for `path` (`/cart?x=1`).
    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.public_url.as_str().trim_end_matches('/'))
    }

    async fn storefront(&self, now: Timestamp) -> Result<Arc<Storefront>, Failure> {
        let read = || async {
            match self.settings.current().await {
                Ok(Some(current)) => Ok(current.value),
                Ok(None) => Err(Failure::unavailable(NoStorefront)),
                Err(error) => Err(Failure::unavailable(error)),
            }
        };
        self.storefront.get(now, read).await
    }

    async fn secret_set(&self, now: Timestamp) -> Result<Arc<SecretSet>, Failure> {
        self.secrets.get(now).await.map_err(Failure::unavailable)
    }
}

/// What holds a [`Site`]: the state of a function's router.
pub trait HasSite {
    /// The site.
    fn site(&self) -> &Arc<Site>;
}

impl<T: HasSite> HasSite for Arc<T> {
    fn site(&self) -> &Arc<Site> {
        T::site(self)
    }
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The customer.
    pub customer: CustomerId,
}

/// One request: who, in which browser and language, at what time, under which configuration.
#[derive(Debug)]
pub struct Visit {
    /// The site.
    pub site: Arc<Site>,
    /// When the request came.
    pub now: Timestamp,
    /// The configuration.
    pub storefront: Arc<Storefront>,
    /// The secrets.
    pub secrets: Arc<SecretSet>,
    /// Signs and reads tokens.
    pub signer: Signer,
    /// Names personal data.
    pub hash: KeyedHash,
    /// Speaks to the shopper.
    pub words: Words,
    /// The query's fields.
    pub query: Fields,
    /// The X-Ray header that messages go on with, where there is one.
    pub trace: Option<String>,
    pub(crate) uri: Uri,
    pub(crate) method: Method,
    chosen: bool,
    session: Option<String>,
    browser: Option<String>,
    cookies: Vec<HeaderValue>,
}

impl Visit {
    /// Reads a request, with configuration and secrets side by side.
    ///
    /// # Errors
    /// When either isn't there: the shopper is asked to try again.
    pub async fn open(
        site: &Arc<Site>,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Self, Failure> {
        let now = site.now();
        let (storefront, secrets) =
            futures::future::try_join(site.storefront(now), site.secret_set(now)).await?;
        let hash = KeyedHash::new(secrets.newest("hash-key").map_err(Failure::unavailable)?);
        let signer = Signer::new(secrets.values("signing-key"));
        let query = Fields::parse(uri.query().unwrap_or_default());
        let (language, chosen) = wanted_language(&query, headers, site.local, &storefront.default_language);
        let mut cookies = Vec::new();
        if query.get("lang").is_some() {
            cookies.extend(Cookie::Language.set(language.code(), None, site.local));
        }
        Ok(Self {
            site: Arc::clone(site),
            now,
            storefront,
            secrets,
            signer,
            hash,
            words: Words::new(language),
            query,
            trace: trace_of(headers).map(str::to_owned),
            uri: uri.clone(),
            method: method.clone(),
            chosen,
            session: Cookie::Session.read(headers, site.local),
            browser: Cookie::Browser.read(headers, site.local),
            cookies,
        })
    }

    /// Speaks the customer's own language from here on, unless another was chosen in this browser.
    pub fn prefer(&mut self, lang: Option<&Lang>) {
        if let Some(language) = lang.and_then(Language::of).filter(|_| !self.chosen) {
            self.words = Words::new(language);
        }
    }

    /// Speaks `language` in this browser from here on.
    pub fn choose_language(&mut self, language: Language) {
        self.chosen = true;
        self.words = Words::new(language);
        self.cookies.extend(Cookie::Language.set(language.code(), None, self.site.local));
    }

    /// The name of this browser: a random token in a cookie, set with the answer where there was
    /// none.
    pub fn browser(&mut self) -> String {
        if let Some(browser) = &self.browser {
            return browser.clone();
        }
        let browser = token::random();
        self.cookies.extend(Cookie::Browser.set(&browser, None, self.site.local));
        self.browser = Some(browser.clone());
        browser
    }

    /// The browser's name in what we store or sign.
    pub fn browser_hash(&mut self) -> String {
        let browser = self.browser();
        self.hash.hex("browser", &[&browser])
    }

    /// Whether the browser says that somebody is signed in; not yet proven.
    pub fn seems_signed_in(&self) -> bool {
        self.session.is_some()
    }

    /// The token that forms on this page carry: only a page that we gave to this browser, in this
    /// session, holds it.
    pub fn csrf(&mut self) -> String {
        match &self.session {
            Some(session) => self.hash.hex("csrf", &["session", session]),
            None => self.browser_csrf(),
        }
    }

    /// The same for a form that signs somebody in: it stays right when the session begins, so that
    /// the form may be sent again.
    pub fn browser_csrf(&mut self) -> String {
        let browser = self.browser();
        self.hash.hex("csrf", &["browser", &browser])
    }

    /// Checks a form's token.
    ///
    /// # Errors
    /// When the form doesn't come from a page that this browser was given.
    pub fn check_csrf(&self, form: &Fields) -> Result<(), Failure> {
        let given = form.get("csrf").unwrap_or_default();
        let bound = [("session", &self.session), ("browser", &self.browser)];
        // What is compared is a keyed hash of 256 bits; timing tells nothing that could be used.
        let right = |(kind, cookie): (&str, &Option<String>)| {
            cookie.as_ref().is_some_and(|cookie| given == self.hash.hex("csrf", &[kind, cookie]))
        };
        if bound.into_iter().any(right) { Ok(()) } else { Err(Failure::StaleForm("token")) }
    }

    fn session_hash(&self, session: &str) -> String {
        self.hash.hex("session", &[session])
    }

    /// What a one-time link's token is stored under.
    pub fn once_hash(&self, token: &str) -> String {
        self.hash.hex("once", &[token])
    }

    /// Who is signed in.
    ///
    /// # Errors
    /// When the table doesn't answer.
    pub async fn signed_in(&self) -> Result<Option<SignedIn>, Failure> {
        let Some(session) = &self.session else { return Ok(None) };
        let found = self.site.links.session(&self.session_hash(session), self.now).await;
        let found = found.map_err(Failure::unavailable)?;
        Ok(found.map(|session| SignedIn { customer: session.customer }))
    }

    /// Signs the customer in: a new session, the browser's earlier one closed.
    ///
    /// # Errors
    /// When the table doesn't answer.
    pub async fn sign_in(&mut self, customer: &CustomerId) -> Result<(), Failure> {
        self.close_session().await?;
        let session = token::random();
        let stored = Session {
            customer: customer.clone(),
            csrf: self.hash.hex("csrf", &["session", &session]),
            expires_at: self.now.plus(SESSION_KEPT),
        };
        let hash = self.session_hash(&session);
        self.site.links.open_session(&hash, &stored).await.map_err(Failure::unavailable)?;
        self.cookies.extend(Cookie::Session.set(&session, Some(SESSION_KEPT), self.site.local));
        self.session = Some(session);
        Ok(())
    }

    /// Signs out: the session is deleted and the cookie taken away.
    ///
    /// # Errors
    /// When the table doesn't answer.
    pub async fn sign_out(&mut self) -> Result<(), Failure> {
        self.close_session().await?;
        self.session = None;
        self.cookies.extend(Cookie::Session.clear(self.site.local));
        Ok(())
    }

    async fn close_session(&self) -> Result<(), Failure> {
        let Some(session) = &self.session else { return Ok(()) };
        let hash = self.session_hash(session);
        self.site.links.close_session(&hash).await.map_err(Failure::unavailable)
    }

    /// The query as it was sent, without `?`.
    pub fn raw_query(&self) -> &str {
        self.uri.query().unwrap_or_default()
    }

    /// Leads on to `to` by a GET (303), with the cookies of this request.
    pub fn lead_on(&self, to: &str) -> Response {
        self.finish(Redirect::to(to).into_response())
    }

    /// Adds the cookies and the headers of a private page.
    pub fn finish(&self, mut response: Response) -> Response {
        let allowed = crate::headers::Allowed { plain_http: self.site.local, ..Default::default() };
        if !response.headers().contains_key(header::CONTENT_SECURITY_POLICY) {
            crate::headers::protect(response.headers_mut(), &allowed);
        }
        for cookie in &self.cookies {
            response.headers_mut().append(header::SET_COOKIE, cookie.clone());
        }
        response
    }
}

/// `?lang=`, then the language chosen before in this browser, then what the browser asks for, then
/// the storefront's. Says too whether it was chosen.
fn wanted_language(query: &Fields, headers: &HeaderMap, local: bool, default: &Lang) -> (Language, bool) {
    let named = |text: Option<String>| text.and_then(|text| Language::of(&Lang::parse(&text)?));
    let chosen =
        named(query.get("lang").map(str::to_owned)).or_else(|| named(Cookie::Language.read(headers, local)));
    if let Some(language) = chosen {
        return (language, true);
    }
    let header = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let accepted = header.and_then(Language::accepted).or_else(|| Language::of(default));
    (accepted.unwrap_or_default(), false)
}

impl<S: HasSite + Sync> FromRequestParts<S> for Visit {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        Self::open(state.site(), &parts.method, &parts.uri, &parts.headers).await
    }
}
