//! The function `classify`: takes posts off their queue and turns each that is for us into commands.
//!
//! 1. Is it for us, by the same pure check as at the door? What isn't costs no request.
//! 2. What does it ask, by the grammar of the storefront's languages?
//! 3. Which products do its own links show? Short links are followed, by the shorteners that the
//!    storefront trusts alone.
//! 4. Where they show none: which does the post show that it answers, else the one that it quotes? A
//!    post that its network doesn't show us is an answer (`ParentUnavailable`), not a failure.
//! 5. The commands go to `commands`: one message for the post, one line for each product.
//!
//! A server that is out of reach (the network's, a shortener's) is tried as often as a record may be
//! received. After that the post goes back into the queue as a new message, for a day: nothing is
//! lost to an outage. Then the shopper is told that the post can't be read.

mod cache;
mod error;
mod lookup;
mod related;

use std::sync::Arc;
use std::time::Duration;

use domain::command::{Action, CommandLine, PostCommands, Shopper, Source};
use domain::grammar::{LinkResolution, Reading, TagSet, plan};
use domain::ids::CampaignId;
use domain::post::Post;
use domain::storefront::Storefront;
use domain::text::{eq_folded, fold};
use futures::future::try_join_all;
use lambda::aws::Aws;
use lambda::batch::{Consumer, Delivery};
use lambda::cache::Refreshing;
use lambda::clock::Clock;
use lambda::env::{EnvError, Environment};
use lambda::envelope::{Envelope, Message};
use lambda::metrics;
use lambda::queue::{Outgoing, Queue};
use lambda::secrets::Secrets;
use lambda::token;
use networks::{Http, Networks, Reach};
use shops::links::LinkRules;
use store::catalog::Catalog;
use store::settings::{Settings, Snapshot};

pub use error::ClassifyError;

use crate::lookup::{Lookup, Resolved};
use crate::related::{MOST_LINKS, RelatedPosts, Shown, related};

/// How long a post waits in the queue while its network is paused or out of reach: this and up to
/// twice as much on top, so that what waited together doesn't come back together.
const HOLD: Duration = Duration::from_secs(5 * 60);
/// How long a post is held for a server that is out of reach before the shopper is told so.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// The consumer of the queue `posts`.
#[derive(Debug)]
pub struct Classify {
    settings: Settings,
    configured: Refreshing<Configured>,
    secrets: Secrets,
    networks: Refreshing<Networks>,
    http: Http,
    lookup: Lookup,
    related: RelatedPosts,
    clock: Clock,
}

/// The storefront, and what is made of it for reading posts.
#[derive(Debug)]
pub struct Configured {
    snapshot: Snapshot,
    tags: TagSet,
    links: LinkRules,
}

impl Configured {
    fn new(snapshot: Snapshot) -> Self {
        let storefront = &snapshot.storefront.value;
        Self { tags: TagSet::of(storefront), links: LinkRules::new(storefront), snapshot }
    }

    fn storefront(&self) -> &Storefront {
        &self.snapshot.storefront.value
    }
}

/// What a post came to.
enum Read {
    NotForUs,
    Nothing,
    Paused,
    OutOfReach,
    Commands(Box<PostCommands>, &'static str),
}

impl Classify {
    /// Wires the consumer to the tables, secrets and addresses that the environment names.
    ///
    /// # Errors
    /// When something isn't named.
    pub fn new(env: &Environment, aws: &Aws, clock: Clock) -> Result<Self, EnvError> {
        let client = aws.dynamodb();
        let time = clock.clone();
        let reach = Reach::of_stage(env.stage().as_str(), &env.public_url()?);
        let http = Http::new(reach, move || time.now());
        let catalog = Catalog::new(client.clone(), env.table("catalog")?);
        Ok(Self {
            settings: Settings::new(client, env.table("settings")?),
            configured: Refreshing::default(),
            secrets: Secrets::new(aws, env.secrets_prefix()),
            networks: Refreshing::default(),
            lookup: Lookup::new(catalog, http.clone()),
            http,
            related: RelatedPosts::new(),
            clock,
        })
    }

    /// The same with other HTTP: what carries its requests may be given, see [`networks::Transport`].
    #[must_use]
    pub fn with_http(self, http: Http) -> Self {
        Self { lookup: self.lookup.with_http(http.clone()), http, ..self }
    }

    async fn configured(&self) -> Result<Arc<Configured>, ClassifyError> {
        let fetch = || async {
            let snapshot = self.settings.snapshot().await?.ok_or(ClassifyError::NoStorefront)?;
            Ok::<_, ClassifyError>(Configured::new(snapshot))
        };
        self.configured.get(self.clock.now(), fetch).await
    }

    /// The networks with their secrets: needed, and read, only when a post has to be fetched.
    async fn networks(&self, storefront: &Storefront) -> Result<Arc<Networks>, ClassifyError> {
        let now = self.clock.now();
        let fetch = || async {
            let ids = storefront.networks.iter().map(|network| &network.id);
            let secrets = self.secrets.of_networks(ids).await?;
            let values =
                |name: &str| secrets.values(name).iter().map(|secret| secret.expose().to_owned()).collect();
            Ok::<_, ClassifyError>(Networks::new(&storefront.networks, values, &self.http))
        };
        self.networks.get(now, fetch).await
    }

    async fn read(
        &self,
        delivery: &Delivery<Envelope>,
        post: &Post,
        configured: &Configured,
    ) -> Result<Read, ClassifyError> {
        if !configured.tags.is_for_us(post) {
            return Ok(Read::NotForUs);
        }
        if configured.snapshot.pause(&post.head.network).all {
            return Ok(Read::Paused);
        }
        let reading = configured.tags.read(post);
        let waited = self.clock.now().since(post.head.first_seen);
        let gives_up = delivery.is_last() && waited >= PATIENCE;
        match Box::pin(self.commands(post, &reading, configured, gives_up)).await {
            Err(error) if delivery.is_last() && error.is_out_of_reach() => {
                tracing::warn!(post = %post.head.post_ref(), error = %error, "out of reach for long");
                Ok(Read::OutOfReach)
            }
            read => read,
        }
    }

    /// The commands of a post that is for us.
    async fn commands(
        &self,
        post: &Post,
        reading: &Reading,
        configured: &Configured,
        gives_up: bool,
    ) -> Result<Read, ClassifyError> {
        let own: Vec<&str> = reading.links.iter().map(|link| link.url.as_str()).collect();
        let own = self.resolve(&own, configured, gives_up).await?;
        let shown = if reading.needs_product() && own.iter().all(is_no_product) {
            self.shown(post, configured, gives_up).await?
        } else {
            Shown::default()
        };
        let resolutions: Vec<LinkResolution> = own.iter().map(|link| link.resolution.clone()).collect();
        let lines = plan(reading, &resolutions, &shown.links());
        if lines.is_empty() {
            return Ok(Read::Nothing);
        }
        let whose = match (reading.needs_product(), own.iter().all(is_no_product)) {
            (false, _) => "of no product",
            (true, false) => "of its own link",
            (true, true) => shown.describe(),
        };
        let source = source(post, &own, &shown, configured.storefront());
        Ok(Read::Commands(Box::new(commands_of(post, source, lines)), whose))
    }

    /// What links stand for, in their order.
    async fn resolve(
        &self,
        links: &[&str],
        configured: &Configured,
        gives_up: bool,
    ) -> Result<Vec<Resolved>, ClassifyError> {
        let now = self.clock.now();
        let resolve = async |link: &str| match self.lookup.resolve(&configured.links, link, now).await {
            Err(error) if gives_up && error.is_out_of_reach() => Ok(Resolved::NOT_A_PRODUCT),
            resolved => resolved,
        };
        try_join_all(links.iter().map(|link| resolve(link))).await
    }

    /// What the post shows that this one answers, else the one that it quotes.
    async fn shown(
        &self,
        post: &Post,
        configured: &Configured,
        gives_up: bool,
    ) -> Result<Shown, ClassifyError> {
        let mut shown = Shown::default();
        for related in related(post) {
            if shown.shows_products() {
                break;
            }
            let networks = async || self.networks(configured.storefront()).await;
            let read = self.related.read(&post.head.network, related, networks, self.clock.now()).await;
            let read = match read {
                Err(error) if gives_up && error.is_out_of_reach() => None,
                read => read?,
            };
            let Some(read) = read else {
                shown.is_unavailable();
                continue;
            };
            let links: Vec<&str> = read.links.iter().take(MOST_LINKS).map(String::as_str).collect();
            let resolved = self.resolve(&links, configured, gives_up).await?;
            shown.add(read, resolved);
        }
        Ok(shown)
    }
}

fn is_no_product(link: &Resolved) -> bool {
    link.resolution == LinkResolution::NotAProduct
}

/// Where the shopper found it: the post whose product was taken, and the tags that earn the credit.
fn source(post: &Post, own: &[Resolved], shown: &Shown, storefront: &Storefront) -> Source {
    let campaign = campaign(post, storefront);
    if own.iter().all(is_no_product) {
        let related = shown.source();
        return Source {
            post_url: related.and_then(|post| post.url.clone()),
            post_author: related.and_then(|post| post.author.clone()),
            affiliate: shown.affiliate().map(str::to_owned),
            campaign,
        };
    }
    let affiliate = own.iter().find_map(|link| link.affiliate.clone());
    Source { post_url: post.head.url.clone(), post_author: None, affiliate, campaign }
}

/// The campaign that the post names and that was running when it was written.
fn campaign(post: &Post, storefront: &Storefront) -> Option<CampaignId> {
    let at = post.head.created_at;
    let named = |tag: &str| {
        let tag = fold(tag);
        post.tags.iter().any(|written| eq_folded(written, &tag))
    };
    storefront
        .campaigns
        .iter()
        .filter(|campaign| campaign.from.is_none_or(|from| from <= at))
        .filter(|campaign| campaign.until.is_none_or(|until| at < until))
        .find(|campaign| named(&campaign.tag))
        .map(|campaign| campaign.id.clone())
}

fn commands_of(post: &Post, source: Source, lines: Vec<CommandLine>) -> PostCommands {
    let head = post.head.clone();
    PostCommands {
        shopper: Shopper::Account { network: head.network.clone(), user: head.author.id.clone() },
        as_of: head.created_at,
        post: head,
        step: 0,
        source,
        lines,
    }
}

fn post_of(envelope: &Envelope) -> Result<&Post, ClassifyError> {
    match &envelope.body {
        Message::Post(post) => Ok(post),
        other @ (Message::PostCommands(_) | Message::PostOutcomes(_)) => {
            Err(ClassifyError::NotAPost(other.name()))
        }
    }
}

/// The word for an action in a log.
fn verb(action: &Action) -> &'static str {
    match action {
        Action::Add { .. } => "add",
        Action::Remove { .. } => "remove",
        Action::Wish { .. } => "wish",
        Action::Unwish { .. } => "unwish",
        Action::Purchase { .. } => "purchase",
        Action::Erase { .. } => "erase",
        Action::Help => "help",
        Action::Stop => "stop",
        Action::Start => "start",
        Action::Refused { refusal } => refusal.name(),
    }
}

/// One line and one count for each post.
fn tell(post: &Post, read: &Read) {
    let id = post.head.post_ref().to_string();
    let result = match read {
        Read::NotForUs => {
            tracing::info!(post = id, "not for us");
            "not_for_us"
        }
        Read::Nothing => {
            tracing::info!(post = id, "carries a tag of ours and asks for nothing");
            "nothing"
        }
        Read::Paused => {
            tracing::info!(post = id, "waits: its network is paused");
            "paused"
        }
        Read::OutOfReach => {
            tracing::warn!(post = id, "waits: what it links or answers is out of reach");
            "out_of_reach"
        }
        Read::Commands(commands, whose) => {
            let verbs: Vec<&str> = commands.lines.iter().map(|line| verb(&line.action)).collect();
            let asks = verbs.join(", ");
            tracing::info!(post = id, lines = verbs.len(), "asks for {asks} {whose}");
            "commands"
        }
    };
    let network = post.head.network.as_str();
    metrics::CLASSIFIED.add([network, result], &[("post", &id)]);
    if matches!(read, Read::Paused | Read::OutOfReach) {
        metrics::HELD.add([network, result], &[("post", &id)]);
    }
}

/// The post as a new message for later: failing it would use up its tries.
fn held(delivery: &Delivery<Envelope>) -> Outgoing {
    let hold = u64::try_from(HOLD.as_millis()).unwrap_or(u64::MAX).max(1);
    let delay = HOLD + Duration::from_millis(token::random_u64() % (2 * hold));
    let body = delivery.input.body.clone();
    Outgoing { delay: Some(delay), ..Outgoing::new(Queue::Posts, delivery.group.clone(), body) }
}

impl Consumer for Classify {
    type Input = Envelope;
    type Prepared = Arc<Configured>;
    type Error = ClassifyError;

    async fn prepare(&self, _batch: &[Delivery<Envelope>]) -> Result<Arc<Configured>, ClassifyError> {
        Box::pin(self.configured()).await
    }

    async fn handle(
        &self,
        delivery: &Delivery<Envelope>,
        prepared: &Arc<Configured>,
    ) -> Result<Vec<Outgoing>, ClassifyError> {
        let post = post_of(&delivery.input)?;
        // Boxed: the compiler gives up on the layout of futures nested as deep as these.
        let read = Box::pin(self.read(delivery, post, prepared)).await?;
        tell(post, &read);
        Ok(match read {
            Read::NotForUs | Read::Nothing => Vec::new(),
            Read::Paused | Read::OutOfReach => vec![held(delivery)],
            Read::Commands(commands, _) => {
                let message = Message::PostCommands(commands);
                vec![Outgoing::new(Queue::Commands, delivery.group.clone(), message)]
            }
        })
    }
}
