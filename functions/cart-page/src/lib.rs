//! `cart-page`: the signed-in shopper sees and edits carts, the wish list and settings, and goes to the
//! shop's checkout.
//!
//! What is in the cart is folded from decided commands, here as everywhere: an edit is a command of
//! the network `page`, decided at once by the code that decides posts. Prices and availability are the
//! catalogue's of now; a product that has left it is shown from the last decision and can be removed.
//!
//! Nothing changes by a GET. What mails link to shows a button first; the one exception is the
//! one-click unsubscription, a POST without a cookie, as mail programs send it (RFC 8058).

mod api;
mod cart;
mod checkout;
mod edit;
mod enter;
mod model;
mod settings;
mod unsubscribe;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use domain::ids::CustomerId;
use lambda::aws::Aws;
use lambda::clock::Clock;
use lambda::env::{EnvError, Environment};
use lambda::queue::Sender;
use lambda::secrets::Secrets;
use messages::mailer::Mailer;
use store::carts::{CartRecord, Carts};
use store::catalog::Catalog;
use store::decider::Decider;
use store::ledger::Ledger;
use store::linking::Linking;
use store::links::Links;
use store::products::Products;
use store::settings::Settings;
use web::boundary::boundary;
use web::{Failure, HasSite, Site, Visit};

/// How long a product of the catalogue is shown without asking again.
const PRODUCTS_KEPT: Duration = Duration::from_secs(30);
/// How many products are kept.
const PRODUCTS: usize = 500;

/// The secrets that these pages need; those of networks are none of them.
const SECRETS: [&str; 2] = ["hash-key", "signing-key"];

/// What all requests share. Nothing is read before the first one.
#[derive(Debug)]
pub struct App {
    site: Arc<Site>,
    carts: Carts,
    linking: Linking,
    products: Arc<Products>,
    decider: Decider,
    ledger: Ledger,
    sender: Sender,
    mailer: Mailer,
}

impl App {
    /// The function in this environment.
    ///
    /// # Errors
    /// When a variable that the template sets is missing or wrong.
    pub fn new(env: &Environment, aws: &Aws, clock: Clock) -> Result<Self, EnvError> {
        let secrets = Secrets::named(aws, env.secrets_prefix(), &SECRETS);
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
        let names = (env.table("links")?, env.table("carts")?, env.table("ledger")?);
        let links = Links::new(dynamodb.clone(), &*names.0);
        let carts = Carts::new(dynamodb.clone(), &*names.1);
        let catalog = Catalog::new(dynamodb.clone(), env.table("catalog")?);
        let products = Arc::new(Products::new(catalog, PRODUCTS_KEPT, PRODUCTS));
        let ledger = Ledger::new(dynamodb.clone(), &*names.2);
        let settings = Settings::new(dynamodb.clone(), env.table("settings")?);
        Ok(Self {
            decider: Decider::new(carts.clone(), links.clone(), Arc::clone(&products), ledger.clone()),
            products,
            linking: Linking::new(dynamodb, &*names.0, &*names.1),
            ledger,
            sender: Sender::new(aws, env, clock.clone()),
            mailer: web::mail::mailer(env, aws)?,
            carts,
            site: Arc::new(Site::new(env, clock, secrets, settings, links)?),
        })
    }

    /// Who is signed in, with all that is theirs. Speaks their language from here on.
    ///
    /// # Errors
    /// When nobody is, or a table doesn't answer.
    async fn customer(&self, visit: &mut Visit) -> Result<CartRecord, Failure> {
        let signed_in = visit.signed_in().await?.ok_or(Failure::SignedOut)?;
        let record = self.carts.read(&signed_in.customer).await.map_err(Failure::unavailable)?;
        // Whoever had all their data deleted is signed in nowhere any more.
        let profile = record.profile.as_ref().ok_or(Failure::SignedOut)?;
        visit.prefer(profile.lang.as_ref());
        Ok(record)
    }

    /// Who is signed in, for a form that needs no more.
    async fn customer_id(&self, visit: &Visit) -> Result<CustomerId, Failure> {
        let customer = visit.signed_in().await?.ok_or(Failure::SignedOut)?.customer;
        let profile = self.carts.profile(&customer).await.map_err(Failure::unavailable)?;
        profile.map(|_| customer).ok_or(Failure::SignedOut)
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
        .route("/cart", get(cart::show))
        .route("/cart/api", get(api::show))
        .route("/cart/edit", post(edit::edit))
        .route("/cart/choose", post(edit::choose))
        .route("/cart/checkout/{marketplace}", post(checkout::hand_over))
        .route("/cart/enter", get(enter::ask).post(enter::enter))
        .route("/cart/sign-in", get(enter::form).post(enter::send))
        .route("/cart/sign-in/sent", get(enter::sent))
        .route("/cart/sign-out", post(enter::sign_out))
        .route("/cart/settings", get(settings::show).post(settings::change))
        .route("/cart/unlink", post(settings::unlink))
        .route("/cart/delete", get(settings::ask_to_delete).post(settings::delete))
        .route("/cart/unsubscribe", get(unsubscribe::ask).post(unsubscribe::unsubscribe))
        .layer(from_fn_with_state(Arc::clone(&app.site), boundary))
        .with_state(app)
}
