//! One answer for each post and step: a public reply and a mail, each at most once as far as its
//! channel can tell a repetition.
//!
//! The way of a message:
//! 1. One request reads, for the whole batch, who is linked, who wants no answers, which posts are
//!    deleted and who gets no mail.
//! 2. Rules decide which channels speak ([`crate::verdict`]). Where none does, nothing is written.
//! 3. A paused channel's message comes back as a new one after 5 to 15 minutes. It is not failed:
//!    that would use up its tries and end in the dead-letter queue.
//! 4. The notice is claimed for the length of a lease, then both channels speak side by side, then
//!    what became of each is recorded. A try that dies in between leaves its lease to lapse; the next
//!    one does what is still pending.
//! 5. A channel that failed stays pending and the record fails: the next try finds the other channel
//!    done and repeats only what is missing.

use std::sync::Arc;
use std::time::Duration;

use domain::Retryable as _;
use domain::ids::Lang;
use domain::outcome::{Outcome, PostOutcomes};
use domain::post::PostRef;
use domain::storefront::Storefront;
use domain::time::Timestamp;
use futures::future::{join, try_join3};
use lambda::aws::Aws;
use lambda::batch::{Consumer, Delivery};
use lambda::cache::Refreshing;
use lambda::clock::Clock;
use lambda::env::Environment;
use lambda::envelope::{Envelope, Message};
use lambda::metrics;
use lambda::queue::{Outgoing, Queue};
use lambda::secrets::{Secret, Secrets};
use lambda::token::{self, Signer};
use messages::mailer::{MailError, Mailer};
use messages::{Address, Language, MailId, Recipient, ReplyRules};
use networks::{AnyNetwork, Http, Network as _, NetworkError, Networks, Reach, ReplyOutcome};
use store::Account;
use store::deliveries::{ChannelState, Claim, Deliveries, Finished, NextAction};
use store::facts::{FactReader, Facts, Tables, Wanted};
use store::links::Links;
use store::settings::{Pause, Settings, Snapshot};
use url::Url;

use crate::error::{NotifyError, SetUpError};
use crate::links::{link_page, mail_links};
use crate::verdict::{Known, Silence, mail_silence, reply_silence};

/// How long a try may be at a notice before another may take over: longer than the function's
/// timeout (30 s), so that only a dead one loses its claim.
const LEASE: Duration = Duration::from_secs(45);
/// How long a message waits while its network is paused: this and up to twice as much on top, so that
/// what waited together doesn't come back together.
const HOLD: Duration = Duration::from_secs(5 * 60);
/// How long a message is held back for a channel that wants to be left alone before it counts as
/// failed: an answer after a day helps nobody.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// The consumer of the queue `outcomes`.
#[derive(Debug)]
pub struct Notices {
    settings: Settings,
    snapshot: Refreshing<Snapshot>,
    secrets: Secrets,
    facts: FactReader,
    links: Links,
    deliveries: Deliveries,
    mailer: Mailer,
    http: Http,
    public_url: Url,
    clock: Clock,
}

/// What a batch needs in common.
#[derive(Debug)]
pub struct Prepared {
    snapshot: Arc<Snapshot>,
    facts: Facts,
    networks: Networks,
    signer: Signer,
}

/// One message with what is known about it.
struct Notice<'a> {
    outcomes: &'a PostOutcomes,
    storefront: &'a Storefront,
    known: Known<'a>,
    signer: &'a Signer,
    post: PostRef,
    language: Language,
}

/// Which channels are to speak: `Err` says why one isn't.
#[derive(Clone, Copy)]
struct Wishes {
    reply: Result<(), Silence>,
    mail: Result<(), Silence>,
    pause: Pause,
}

impl Wishes {
    fn is_reply_held(&self) -> bool {
        self.reply.is_ok() && (self.pause.all || self.pause.reply)
    }

    fn is_mail_held(&self) -> bool {
        self.mail.is_ok() && (self.pause.all || self.pause.mail)
    }

    fn is_any_held(&self) -> bool {
        self.is_reply_held() || self.is_mail_held()
    }

    /// Whether there is a channel that speaks now.
    fn speaks_now(&self) -> bool {
        (self.reply.is_ok() && !self.is_reply_held()) || (self.mail.is_ok() && !self.is_mail_held())
    }
}

impl Notices {
    /// Wires the consumer to the tables, secrets and addresses that the environment names.
    ///
    /// # Errors
    /// When something isn't named, or the sender's address is none.
    pub fn new(env: &Environment, aws: &Aws, clock: Clock) -> Result<Self, SetUpError> {
        let from = Address::parse(&env.required("HASHCART_MAIL_FROM")?).map_err(SetUpError::MailFrom)?;
        let public_url = env.public_url()?;
        let (dynamodb, for_mails) = (aws.dynamodb(), aws.clone());
        let tables = Tables {
            links: env.table("links")?,
            carts: env.table("carts")?,
            deliveries: env.table("deliveries")?,
            settings: env.table("settings")?,
        };
        let reach = Reach::of_stage(env.stage().as_str(), &public_url);
        let time = clock.clone();
        Ok(Self {
            settings: Settings::new(dynamodb.clone(), &tables.settings),
            snapshot: Refreshing::default(),
            secrets: Secrets::new(aws, env.secrets_prefix()),
            links: Links::new(dynamodb.clone(), &tables.links),
            deliveries: Deliveries::new(dynamodb.clone(), &tables.deliveries),
            facts: FactReader::new(dynamodb, tables),
            mailer: Mailer::new(move || for_mails.ses(), from, env.var("HASHCART_SES_CONFIGURATION_SET")),
            http: Http::new(reach, move || time.now()),
            public_url,
            clock,
        })
    }

    /// The same with other HTTP: what carries its requests may be given, see [`networks::Transport`].
    #[must_use]
    pub fn with_http(self, http: Http) -> Self {
        Self { http, ..self }
    }

    async fn snapshot(&self) -> Result<Arc<Snapshot>, NotifyError> {
        let fetch = || async { self.settings.snapshot().await?.ok_or(NotifyError::NoStorefront) };
        self.snapshot.get(self.clock.now(), fetch).await
    }

    /// Tells one shopper, or says when to try again.
    async fn tell(
        &self,
        notice: &Notice<'_>,
        wishes: Wishes,
        group: &str,
    ) -> Result<Vec<Outgoing>, NotifyError> {
        notice.log_silence("reply", wishes.reply);
        notice.log_silence("mail", wishes.mail);
        if !wishes.speaks_now() {
            return Ok(if wishes.is_any_held() { vec![notice.held("paused", group)] } else { Vec::new() });
        }
        let now = self.clock.now();
        let claim = match self
            .deliveries
            .begin(&notice.post, notice.outcomes.step, &token::random(), now, LEASE)
            .await?
        {
            NextAction::Proceed(claim) => claim,
            NextAction::Busy { until } => return Err(NotifyError::Busy(until.since(now))),
            NextAction::AlreadyDone { .. } => {
                tracing::info!(post = %notice.post, step = notice.outcomes.step, "told before");
                return Ok(Vec::new());
            }
        };
        let (reply, mail) =
            join(self.speak_reply(notice, &claim, &wishes), self.speak_mail(notice, &claim, &wishes)).await;
        self.record(notice, &claim, &reply, &mail).await?;
        match failure(reply.err(), mail.err()) {
            // A failure for good waits while the other channel is held: dead letters aren't sent back by themselves.
            Some(error) if error.retryable() || !wishes.is_any_held() => Err(error),
            _ if wishes.is_any_held() => Ok(vec![notice.held("paused", group)]),
            _ => Ok(Vec::new()),
        }
    }

    /// Records what became of both channels.
    async fn record(
        &self,
        notice: &Notice<'_>,
        claim: &Claim,
        reply: &Result<ChannelState, NotifyError>,
        mail: &Result<ChannelState, NotifyError>,
    ) -> Result<(), NotifyError> {
        let pending = ChannelState::Pending;
        let (reply, mail) = (reply.as_ref().unwrap_or(&pending), mail.as_ref().unwrap_or(&pending));
        if self.deliveries.finish(claim, reply, mail, self.clock.now()).await? == Finished::Lost {
            tracing::warn!(post = %notice.post, step = claim.step, "another try took over the notice meanwhile");
        }
        if is_told(reply, mail) {
            notice.measure(self.clock.now());
        }
        Ok(())
    }

    /// The public reply, if it is wanted, not held and not out yet.
    async fn speak_reply(
        &self,
        notice: &Notice<'_>,
        claim: &Claim,
        wishes: &Wishes,
    ) -> Result<ChannelState, NotifyError> {
        if let Some(state) = settled(&claim.reply, wishes.reply, wishes.is_reply_held()) {
            return Ok(state);
        }
        let Some(network) = notice.known.network else { return Ok(refused("no_such_network")) };
        let Some(text) = self.reply_text(notice, network).await? else {
            notice.log_silence("reply", Err("prompt_not_due"));
            return Ok(refused("prompt_not_due"));
        };
        let idempotency = format!("{}#{}", notice.post, notice.outcomes.step);
        let lang = Lang::from(notice.language);
        let reply = networks::Reply {
            to: &notice.outcomes.post,
            text: &text,
            lang: Some(&lang),
            idempotency: &idempotency,
        };
        let answered = network.reply(&reply).await;
        let (result, why) = answered.as_ref().map_or_else(reply_failure, |_| ("sent", None));
        notice.count_with("reply", result, why);
        match answered {
            Ok(ReplyOutcome::Posted { id }) => {
                tracing::info!(post = %notice.post, step = claim.step, "reply sent");
                Ok(ChannelState::Done { id: id.map(|id| id.to_string()) })
            }
            Ok(ReplyOutcome::AlreadyPosted) => {
                tracing::info!(post = %notice.post, step = claim.step, "reply was sent before");
                Ok(ChannelState::Done { id: None })
            }
            // The network's last word: nothing is wrong with the message, so it isn't dead-lettered.
            Err(error @ (NetworkError::Refused { .. } | NetworkError::Gone)) => {
                tracing::warn!(post = %notice.post, step = claim.step, reason = %error, "reply not allowed: {error}");
                Ok(refused(if matches!(error, NetworkError::Gone) { "post_gone" } else { "network_refused" }))
            }
            Err(error) => {
                tracing::warn!(post = %notice.post, step = claim.step, reason = %error, "reply failed: {error}");
                Err(NotifyError::Reply(error))
            }
        }
    }

    /// The words of the reply. Whether it may carry the prompt to link is asked only if it would.
    async fn reply_text(
        &self,
        notice: &Notice<'_>,
        network: &AnyNetwork,
    ) -> Result<Option<String>, NotifyError> {
        let rule = network.reply_rule();
        let page = link_page(&self.public_url).filter(|_| rule.urls_allowed);
        let prompt_due = notice.asks_to_link() && self.is_prompt_due(notice).await?;
        let rules = ReplyRules {
            language: notice.language,
            fits: &|text| rule.length.fits(text),
            link_page: page.as_deref(),
            prompt_due,
            address: true,
        };
        Ok(messages::reply(notice.outcomes, notice.storefront, &rules))
    }

    async fn is_prompt_due(&self, notice: &Notice<'_>) -> Result<bool, NotifyError> {
        let every = Duration::from_secs(24 * 3600) * u32::from(notice.storefront.limits.prompt_days);
        let due = self.links.claim_prompt(&notice.account(), &notice.post, self.clock.now(), every).await?;
        Ok(due)
    }

    /// The mail, if it is wanted, not held and not out yet.
    async fn speak_mail(
        &self,
        notice: &Notice<'_>,
        claim: &Claim,
        wishes: &Wishes,
    ) -> Result<ChannelState, NotifyError> {
        if let Some(state) = settled(&claim.mail, wishes.mail, wishes.is_mail_held()) {
            return Ok(state);
        }
        let now = self.clock.now();
        let Some((customer, profile)) = notice.customer() else { return Ok(refused("no_profile")) };
        let Ok(address) = Address::parse(&profile.email) else {
            notice.log_silence("mail", Err("no_valid_address"));
            return Ok(refused("no_valid_address"));
        };
        let links = mail_links(&self.public_url, notice.signer, customer, now)?;
        let recipient = Recipient { address, language: notice.language };
        let Some(mail) = messages::mail(notice.outcomes, notice.storefront, &recipient, &links) else {
            return Ok(refused("nothing_to_say"));
        };
        let id = MailId::new(&format!("{}-{}", notice.post, claim.step));
        let sent = self.mailer.send(&mail, &id, now).await;
        notice.count("mail", sent.as_ref().map_or_else(MailError::kind, |_| "sent"));
        match sent {
            Ok(id) => {
                tracing::info!(post = %notice.post, step = claim.step, "mail sent");
                Ok(ChannelState::Done { id: Some(id) })
            }
            Err(error) => {
                tracing::warn!(post = %notice.post, step = claim.step, reason = error.kind(), "mail failed: {error}");
                Err(NotifyError::Mail(error))
            }
        }
    }
}

/// What needs no doing: the channel ended in an earlier try, is not to speak, or is held.
fn settled(so_far: &ChannelState, wish: Result<(), Silence>, held: bool) -> Option<ChannelState> {
    if so_far.is_final() {
        return Some(so_far.clone());
    }
    match wish {
        Err(silence) => Some(refused(silence)),
        Ok(()) => held.then_some(ChannelState::Pending),
    }
}

/// Whether the shopper has now heard of it over every channel that speaks.
fn is_told(reply: &ChannelState, mail: &ChannelState) -> bool {
    let is_done = |state: &ChannelState| matches!(state, ChannelState::Done { .. });
    reply.is_final() && mail.is_final() && (is_done(reply) || is_done(mail))
}

/// Why a reply isn't out, in a word for the metric and one for its property `reason`. What an operator
/// has to look at (`refused`: a rule of the network's or our credentials) is told apart from what passes.
fn reply_failure(error: &NetworkError) -> (&'static str, Option<&'static str>) {
    match error {
        NetworkError::Refused { .. } => ("refused", Some("rule")),
        NetworkError::Unauthorized { .. } | NetworkError::Unconfigured(_) => ("refused", Some("credentials")),
        NetworkError::Gone => ("gone", None),
        NetworkError::Throttled { .. } => ("throttled", None),
        NetworkError::Client(_)
        | NetworkError::Address(_)
        | NetworkError::NotSent(_)
        | NetworkError::Unanswered(_)
        | NetworkError::Failed { .. }
        | NetworkError::Unreadable(_)
        | NetworkError::Guarded(_) => ("failed", None),
    }
}

fn refused(reason: Silence) -> ChannelState {
    ChannelState::Refused { reason: reason.to_owned() }
}

/// The failure that decides what becomes of the record: one that may pass before one that won't, so
/// that the dead-letter queue waits until nothing more can be done.
fn failure(reply: Option<NotifyError>, mail: Option<NotifyError>) -> Option<NotifyError> {
    match (reply, mail) {
        (Some(reply), Some(mail)) => Some(if mail.retryable() && !reply.retryable() { mail } else { reply }),
        (reply, mail) => reply.or(mail),
    }
}

impl<'a> Notice<'a> {
    fn new(outcomes: &'a PostOutcomes, prepared: &'a Prepared) -> Self {
        let post = outcomes.post.post_ref();
        let facts = &prepared.facts;
        let customer = outcomes.customer.as_ref().and_then(|customer| facts.customers.get(customer));
        let storefront = &prepared.snapshot.storefront.value;
        let known = Known {
            account: facts.accounts.get(&account_of(outcomes)),
            customer,
            is_erased: facts.erased.contains(&post),
            network: prepared.networks.get(&post.network),
        };
        let marketplace = outcomes.lines.first().and_then(|line| storefront.marketplace(&line.marketplace));
        let shopper = customer.and_then(|customer| customer.profile.as_ref()?.lang.as_ref());
        let language = Language::choose(outcomes.post.lang.as_ref(), shopper, marketplace, storefront);
        Self { outcomes, storefront, known, signer: &prepared.signer, post, language }
    }

    fn wishes(&self, pause: Pause) -> Wishes {
        let wish = |silence: Option<Silence>| silence.map_or(Ok(()), Err);
        Wishes {
            reply: wish(reply_silence(self.outcomes, &self.known)),
            mail: wish(mail_silence(self.outcomes, &self.known)),
            pause,
        }
    }

    fn account(&self) -> Account {
        account_of(self.outcomes)
    }

    fn asks_to_link(&self) -> bool {
        self.outcomes.lines.iter().any(|line| matches!(line.outcome, Outcome::NotLinked))
    }

    fn customer(&self) -> Option<(&domain::ids::CustomerId, &store::carts::Profile)> {
        Some((self.outcomes.customer.as_ref()?, self.known.customer?.profile.as_ref()?))
    }

    /// Whether it is worth holding back any longer.
    fn is_fresh(&self, now: Timestamp) -> bool {
        now.since(self.outcomes.decided_at) < PATIENCE
    }

    /// The same message once more, for later.
    fn held(&self, why: &'static str, group: &str) -> Outgoing {
        let jitter = token::random_u64() % (HOLD.as_secs() * 2);
        let delay = HOLD + Duration::from_secs(jitter);
        tracing::info!(post = %self.post, step = self.outcomes.step, delay_s = delay.as_secs(), "held back: {why}");
        metrics::HELD.add([self.post.network.as_str(), why], &[("post", &self.post.to_string())]);
        Outgoing {
            queue: Queue::Outcomes,
            group: group.to_owned(),
            message: Message::PostOutcomes(Box::new(self.outcomes.clone())),
            delay: Some(delay),
        }
    }

    fn log_silence(&self, channel: &'static str, wish: Result<(), Silence>) {
        if let Err(reason) = wish {
            tracing::info!(post = %self.post, step = self.outcomes.step, reason, "{channel} not allowed: {reason}");
            self.count(channel, reason);
        }
    }

    fn count(&self, channel: &str, result: &str) {
        self.count_with(channel, result, None);
    }

    fn count_with(&self, channel: &str, result: &str, reason: Option<&str>) {
        let post = self.post.to_string();
        let mut properties = vec![("post", post.as_str())];
        properties.extend(reason.map(|reason| ("reason", reason)));
        metrics::NOTICES.add([self.post.network.as_str(), channel, result], &properties);
    }

    /// Measures how long the shopper waited. A further step is caused by something else than the post:
    /// its linking, its deletion.
    fn measure(&self, now: Timestamp) {
        if self.outcomes.step == 0 {
            let waited = now.since(self.outcomes.post.first_seen);
            metrics::NOTICE_LATENCY.record(
                u64::try_from(waited.as_millis()).unwrap_or(u64::MAX),
                [self.post.network.as_str()],
                &[("post", &self.post.to_string())],
            );
        }
    }
}

/// The account whose post is answered. On our own page that is the customer, who has no account row.
fn account_of(outcomes: &PostOutcomes) -> Account {
    Account::new(outcomes.post.network.clone(), outcomes.post.author.id.clone())
}

fn outcomes_of(envelope: &Envelope) -> Result<&PostOutcomes, NotifyError> {
    match &envelope.body {
        Message::PostOutcomes(outcomes) => Ok(outcomes),
        other @ (Message::Post(_) | Message::PostCommands(_)) => Err(NotifyError::NotOutcomes(other.name())),
    }
}

impl Consumer for Notices {
    type Input = Envelope;
    type Prepared = Prepared;
    type Error = NotifyError;

    /// One request reads what is known of all shoppers and posts in the batch, beside configuration
    /// and secrets, which are kept for a minute.
    async fn prepare(&self, batch: &[Delivery<Envelope>]) -> Result<Prepared, NotifyError> {
        let notices = || batch.iter().filter_map(|delivery| outcomes_of(&delivery.input).ok());
        let told = || notices().filter(|outcomes| !outcomes.post.network.is_page());
        let wanted = Wanted {
            accounts: told().map(account_of).collect(),
            customers: told().filter_map(|outcomes| outcomes.customer.clone()).collect(),
            erased: told().map(|outcomes| outcomes.post.post_ref()).collect(),
        };
        let facts = async { self.facts.read(&wanted).await.map_err(NotifyError::from) };
        let secrets = async { self.secrets.get(self.clock.now()).await.map_err(NotifyError::from) };
        let (snapshot, secrets, facts) = Box::pin(try_join3(self.snapshot(), secrets, facts)).await?;
        let values = |name: &str| {
            secrets.values(name).iter().map(|secret: &Secret| secret.expose().to_owned()).collect()
        };
        Ok(Prepared {
            networks: Networks::new(&snapshot.storefront.value.networks, values, &self.http),
            signer: Signer::new(secrets.values("signing-key")),
            snapshot,
            facts,
        })
    }

    async fn handle(
        &self,
        delivery: &Delivery<Envelope>,
        prepared: &Prepared,
    ) -> Result<Vec<Outgoing>, NotifyError> {
        let notice = Notice::new(outcomes_of(&delivery.input)?, prepared);
        let wishes = notice.wishes(prepared.snapshot.pause(&notice.post.network));
        // Boxed: the compiler gives up on the layout of futures nested as deep as these.
        match Box::pin(self.tell(&notice, wishes, &delivery.group)).await {
            // The tries of this message are up, but nothing is wrong with it: it goes on as a new one.
            Err(error)
                if error.wants_patience() && delivery.is_last() && notice.is_fresh(self.clock.now()) =>
            {
                Ok(vec![notice.held("waits", &delivery.group)])
            }
            told => told,
        }
    }
}
