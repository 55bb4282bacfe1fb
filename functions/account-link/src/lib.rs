//! `account-link`: proves that one person holds a network account and an e-mail address, and releases
//! what they asked for before.
//!
//! The way through it, each step bound to the browser by a cookie:
//!
//! 1. `/link` explains the service and names the networks.
//! 2. `/link/{network}` proves the account: X by OAuth 2.0 with PKCE, the generic network by a link
//!    that it signs for its signed-in user.
//! 3. `/link/{network}/email` asks for the address; a mail with a one-time link goes there.
//! 4. `/link/confirm` shows a button, so that programs which open links in mails change nothing. The
//!    POST takes the link, writes the link of account and customer, releases what is parked and signs
//!    the shopper in.
//!
//! What the proven account is travels between 2 and 3 in a signed token that is good for this browser
//! and for 15 minutes; nothing is stored before the mail is sent.

mod address;
mod confirm;
mod proof;
mod start;
mod x;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::get;
use domain::ids::NetworkId;
use domain::storefront::NetworkConfig;
use http::StatusCode;
use lambda::aws::Aws;
use lambda::clock::Clock;
use lambda::env::{EnvError, Environment};
use lambda::queue::Sender;
use lambda::secrets::Secrets;
use messages::mailer::Mailer;
use networks::{Http, Network as _, Networks, Reach, SignIn, VerifyError};
use store::catalog::Catalog;
use store::linking::Linking;
use store::links::Links;
use store::settings::Settings;
use web::boundary::boundary;
use web::{Failure, HasSite, Site, Visit, Way};

/// What all requests share. Nothing is read before the first one.
#[derive(Debug)]
pub struct App {
    site: Arc<Site>,
    http: Http,
    linking: Linking,
    catalog: Catalog,
    sender: Sender,
    mailer: Mailer,
}

impl App {
    /// The function in this environment.
    ///
    /// # Errors
    /// When a variable that the template sets is missing or wrong.
    pub fn new(env: &Environment, aws: &Aws, clock: Clock) -> Result<Self, EnvError> {
        let secrets = Secrets::new(aws, env.secrets_prefix());
        Self::with_secrets(env, aws, clock, secrets)
    }

    /// The same with secrets from elsewhere.
    ///
    /// # Errors
    /// When a variable that the template sets is missing or wrong.
    pub fn with_secrets(
        env: &Environment,
        aws: &Aws,
        clock: Clock,
        secrets: Secrets,
    ) -> Result<Self, EnvError> {
        let dynamodb = aws.dynamodb();
        let (links, carts) = (env.table("links")?, env.table("carts")?);
        let reach = Reach::of_stage(env.stage().as_str(), &env.public_url()?);
        let http = Http::new(reach, {
            let clock = clock.clone();
            move || clock.now()
        });
        Ok(Self {
            http,
            linking: Linking::new(dynamodb.clone(), links.clone(), carts),
            catalog: Catalog::new(dynamodb.clone(), env.table("catalog")?),
            sender: Sender::new(aws, env, clock.clone()),
            mailer: web::mail::mailer(env, aws)?,
            site: Arc::new(Site::new(
                env,
                clock,
                secrets,
                Settings::new(dynamodb.clone(), env.table("settings")?),
                Links::new(dynamodb, links),
            )?),
        })
    }

    fn networks(&self, visit: &Visit) -> Networks {
        let secrets = &visit.secrets;
        let values = |name: &str| secrets.values(name).iter().map(|s| s.expose().to_owned()).collect();
        Networks::new(&visit.storefront.networks, values, &self.http)
    }
}

impl HasSite for App {
    fn site(&self) -> &Arc<Site> {
        &self.site
    }
}

/// All routes of the function.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/link", get(start::start))
        .route("/link/sent", get(address::sent))
        .route("/link/confirm", get(confirm::ask).post(confirm::confirm))
        .route("/link/{network}", get(prove))
        .route("/link/{network}/callback", get(x::callback))
        .route("/link/{network}/email", get(address::ask).post(address::send))
        .layer(from_fn_with_state(Arc::clone(&app.site), boundary))
        .with_state(app)
}

/// The network of this id, if it is configured.
fn network<'v>(visit: &'v Visit, id: &str) -> Result<&'v NetworkConfig, Failure> {
    visit.storefront.network(&NetworkId::new(id)).ok_or(Failure::NotFound)
}

/// `GET /link/{network}`: begins with what the network has to prove an account by.
async fn prove(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    mut visit: Visit,
) -> Result<Response, Failure> {
    let config = network(&visit, &id)?;
    let (id, name) = (config.id.clone(), config.display_name().to_owned());
    let networks = app.networks(&visit);
    let network = networks.get(&id).ok_or(Failure::NotFound)?;
    match network.sign_in() {
        SignIn::OAuth(oauth) => x::begin(&oauth, &id, &mut visit),
        SignIn::SignedLink(links) => {
            if visit.query.get("signature").is_none() {
                return Ok(visit.lead_on(links.start().map_or("/link", url::Url::as_str)));
            }
            match links.verify(visit.raw_query(), visit.now) {
                Ok(account) if came_first(&mut visit).await? => proof::lead_on(&mut visit, &id, &account),
                Ok(_) | Err(VerifyError::TooOld) => start_over(&visit, &name, StartOver::Expired),
                Err(error) if error.is_ours() => Err(Failure::unavailable(error)),
                Err(error) => {
                    tracing::info!(network = id.as_str(), error = %error, "a signed link was refused");
                    start_over(&visit, &name, StartOver::Broken)
                }
            }
        }
    }
}

/// Whether this browser is the first to come with this signed link. Addresses end up in histories and
/// logs; whoever finds one there must not become the account's holder by it.
async fn came_first(visit: &mut Visit) -> Result<bool, Failure> {
    let browser = visit.browser_hash();
    let link = visit.hash.hex("signed-link", &[visit.query.get("signature").unwrap_or_default()]);
    // Longer than any link is good for, clocks that differ included.
    let until = visit.now.plus(2 * networks::generic::link::LIFETIME);
    visit.site.links().come_first(&link, &browser, until, visit.now).await.map_err(Failure::unavailable)
}

/// Why a shopper has to begin again.
#[derive(Clone, Copy, Debug)]
enum StartOver {
    /// The link or the step has run out, or was used.
    Expired,
    /// It isn't what we or the network made.
    Broken,
    /// It began in another browser, or cookies are off.
    OtherBrowser,
    /// The shopper refused at the network.
    Refused,
}

fn start_over(visit: &Visit, network: &str, why: StartOver) -> Result<Response, Failure> {
    let words = &visit.words;
    let (status, title, lead) = match why {
        StartOver::Expired => (StatusCode::GONE, "page-link-expired-title", "page-link-expired-lead"),
        StartOver::Broken => (StatusCode::BAD_REQUEST, "page-link-broken-title", "page-link-broken-lead"),
        StartOver::OtherBrowser => {
            (StatusCode::FORBIDDEN, "page-link-browser-title", "page-link-browser-lead")
        }
        StartOver::Refused => (StatusCode::OK, "page-refused-title", "page-refused-lead"),
    };
    let mut actions = vec![Way::new("/link", words.t("page-button-start-over"))];
    if matches!(why, StartOver::Expired) {
        actions.push(Way::new("/cart", words.t("page-error-cart")));
    }
    let lead = words.tv(lead, &[("network", network)]);
    let notice = web::Notice { title: words.t(title), lead, more: Vec::new(), actions };
    visit.page(words.t(title)).status(status).show(&notice)
}
