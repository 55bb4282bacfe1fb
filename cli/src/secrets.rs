//! `hashcart secrets`: the keys that a stage signs and is known by.

pub(crate) mod known;
pub(crate) mod shelf;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use console::{Term, style};
use domain::storefront::Storefront;
use lambda::clock::Clock;
use lambda::secrets::Secret;
use serde::Serialize;

use crate::stage::{StageArgs, stage_option};
use crate::storefront;
use crate::table::Table;
use crate::terminal::{complain, confirmed, is_attended, say};
use known::{HASH_KEY, Known, Origin, SIGNING_KEY, find, known};
use shelf::{Kept, Shelf};

/// The longest that is read where a secret is expected, in bytes.
const MAX_INPUT: u64 = 64 * 1024;
/// How long functions keep the secrets that they have read, with a margin, in seconds.
const TAKEN_UP_AFTER_SECONDS: u64 = 120;

/// Shows, sets and exchanges the secrets of a stage. No command shows or takes a value as an argument.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    List(ListArgs),
    Init(InitArgs),
    Set(SetArgs),
    Rotate(RotateArgs),
    Prune(PruneArgs),
}

/// What every action needs.
#[derive(Clone, Debug, clap::Args)]
struct Common {
    /// The storefront whose networks count (default: the stage's, else `storefront.toml` here).
    #[arg(long, value_name = "FILE")]
    storefront: Option<PathBuf>,
    #[command(flatten)]
    stage: StageArgs,
}

/// Shows which secrets are set, how many values each has and when it was changed; never a value.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hashcart secrets list --stage prod
  hashcart secrets list --stage prod --json | jq -r '.[] | select(.values == 0).name'")]
struct ListArgs {
    #[command(flatten)]
    common: Common,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// Makes up every missing secret that is ours to make up, and names those that only a network can give.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hashcart secrets init --stage prod --storefront storefront.toml
  hashcart secrets init --stage prod --key-id alias/hashcart-prod   under a key of yours")]
struct InitArgs {
    #[command(flatten)]
    common: Common,
    /// The KMS key to encrypt under (default: the account's own for parameters, `alias/aws/ssm`).
    #[arg(long, value_name = "KEY")]
    key_id: Option<String>,
    /// Says what would be made up and changes nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Sets a secret for the first time: reads its value without showing it, or from standard input.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hashcart secrets set x/consumer-secret --stage prod                 asks for the value
  pass show acme/x-secret | hashcart secrets set x/consumer-secret --stage prod
  hashcart secrets set hash-key --stage prod < hash-key.backup        when a stage moves house

A value is never an argument: it would stand in the shell's history and in the list of processes.
Use `rotate` where a secret is set already: the old value then stays valid until `prune`.")]
struct SetArgs {
    /// The secret: `x/consumer-secret`. `hashcart secrets list` names them all.
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    common: Common,
    /// The KMS key to encrypt under (default: the account's own for parameters, `alias/aws/ssm`).
    #[arg(long, value_name = "KEY")]
    key_id: Option<String>,
    /// Throws away every value that the secret has now. What they signed is refused from then on.
    #[arg(long)]
    replace: bool,
}

/// Puts a new value before the old ones, which stay valid. Ours are made up, a network's is read.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hashcart secrets rotate signing-key --stage prod
  hashcart secrets rotate forum/webhook-secret --read --stage prod   a value of the forum's own
  hashcart secrets rotate x/consumer-secret --stage prod             asks for X's new value

The functions sign with the new value within a minute and accept all values until `prune`.")]
struct RotateArgs {
    /// The secret.
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    common: Common,
    /// Encrypts under this KMS key from now on (default: the parameter's own).
    #[arg(long, value_name = "KEY")]
    key_id: Option<String>,
    /// Reads the new value, as `set` does, also where it could be made up.
    #[arg(long)]
    read: bool,
}

/// Drops the old values of a secret and keeps the newest.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hashcart secrets prune x/consumer-secret --stage prod
  hashcart secrets prune signing-key --stage prod --yes      in a script
  hashcart secrets prune signing-key --stage prod --now      right after `rotate`, after a leak")]
struct PruneArgs {
    /// The secret.
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    common: Common,
    /// Doesn't ask.
    #[arg(long)]
    yes: bool,
    /// Says what would be dropped and changes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Doesn't wait for functions to take up a value that was just added: for an old value that somebody
    /// else has seen. What comes in the next minute may fail and is tried again.
    #[arg(long)]
    now: bool,
}

/// Runs the action.
///
/// # Errors
/// When the stage can't be reached, the storefront has no such secret, or a value can't be one.
pub async fn run(args: Args) -> anyhow::Result<()> {
    match args.action {
        Action::List(args) => list(&args).await,
        Action::Init(args) => init(&args).await,
        Action::Set(args) => set(&args).await,
        Action::Rotate(args) => rotate(&args).await,
        Action::Prune(args) => prune(&args).await,
    }
}

/// The secrets of a stage: what it could have, and what it has.
struct Secrets {
    storefront: Storefront,
    known: Vec<Known>,
    shelf: Shelf,
    kept: BTreeMap<String, Kept>,
}

impl Secrets {
    async fn open(common: &Common) -> anyhow::Result<Self> {
        let storefront = storefront::of_stage(&common.stage, common.storefront.as_deref()).await?;
        let known = known(&storefront, common.stage.is_local());
        let shelf = Shelf::of(&common.stage).await?;
        let names: Vec<&str> = known.iter().map(|known| known.name.as_str()).collect();
        let kept = shelf.read(&names).await?;
        Ok(Self { storefront, known, shelf, kept })
    }

    /// The values of a secret, the newest first.
    fn values(&self, name: &str) -> &[Secret] {
        self.kept.get(name).map_or(&[], |kept| kept.values.as_slice())
    }

    fn is_set(&self, known: &Known) -> bool {
        !self.values(&known.name).is_empty()
    }

    /// What is needed and not set.
    fn missing(&self) -> impl Iterator<Item = &Known> {
        self.known.iter().filter(|known| known.need.is_some() && !self.is_set(known))
    }

    async fn write(&self, name: &str, values: &[Secret], key_id: Option<&str>) -> anyhow::Result<()> {
        self.shelf.write(name, values, self.kept.get(name), key_id).await
    }

    /// Refuses a value that can't be this secret's, and warns of one that looks odd.
    fn check(&self, known: &Known, value: &str) -> anyhow::Result<()> {
        if let Some(problem) = known.problem(value) {
            bail!("the value for {} {problem}", known.name);
        }
        if self.values(&known.name).iter().any(|kept| kept.expose() == value) {
            bail!("{} has this value already", known.name);
        }
        if let Some(suspicion) = known.suspicion(value, &self.storefront) {
            complain(format!("{} of {}: {suspicion}", style("Look again").yellow(), known.name));
        }
        Ok(())
    }
}

// ---------------------------------------------------------------- list

/// A line of the list, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Listed<'s> {
    name: &'s str,
    /// How many values it has.
    values: usize,
    /// When it was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<String>,
    /// What doesn't work without it; absent where nothing does.
    #[serde(skip_serializing_if = "Option::is_none")]
    needed_for: Option<&'s str>,
    /// Whether this storefront has such a secret.
    known: bool,
}

async fn list(args: &ListArgs) -> anyhow::Result<()> {
    let secrets = Secrets::open(&args.common).await?;
    let listed = listed(&secrets);
    if args.json {
        say(serde_json::to_string_pretty(&listed)?);
        return Ok(());
    }
    let mut table = Table::new(&["secret", ">values", "changed", ""]);
    for secret in &listed {
        let values = if secret.values == 0 { "–".to_owned() } else { secret.values.to_string() };
        table.row([
            secret.name.to_owned(),
            values,
            secret.changed.clone().unwrap_or_default(),
            state(secret),
        ]);
    }
    table.lines().iter().for_each(say);
    tell_missing(&secrets, &args.common.stage);
    Ok(())
}

fn listed(secrets: &Secrets) -> Vec<Listed<'_>> {
    let line = |name, need, known| {
        let kept = secrets.kept.get(name);
        let changed = kept.and_then(|kept| kept.changed).map(|at| minute(&at.to_string()));
        Listed { name, values: secrets.values(name).len(), changed, needed_for: need, known }
    };
    let known = secrets.known.iter().map(|known| line(known.name.as_str(), known.need, true));
    let is_known = |name: &&String| secrets.known.iter().any(|known| known.name == **name);
    let others = secrets.kept.keys().filter(|name| !is_known(name)).map(|name| line(name, None, false));
    known.chain(others).collect()
}

fn state(secret: &Listed<'_>) -> String {
    match (secret.values, secret.known, secret.needed_for) {
        (_, false, _) => style("this storefront needs no such secret").dim().to_string(),
        (0, _, Some(need)) => style(format!("missing: {need}")).red().to_string(),
        (0, _, None) => style("may be absent").dim().to_string(),
        (1, _, _) => style("set").green().to_string(),
        _ => style("set; the old values are accepted until `prune`").green().to_string(),
    }
}

/// `2026-11-22T02:30:00.000Z` → `2026-11-22 02:30Z`.
fn minute(time: &str) -> String {
    time.get(..16).map_or_else(|| time.to_owned(), |minute| minute.replace('T', " ") + "Z")
}

fn tell_missing(secrets: &Secrets, stage: &StageArgs) {
    let (ours, networks): (Vec<&Known>, Vec<&Known>) =
        secrets.missing().partition(|known| known.origin != Origin::Network);
    if !ours.is_empty() {
        say(format!(
            "\n`hashcart secrets init --stage {}` makes up {} of the missing ones.",
            stage.name,
            ours.len()
        ));
    }
    if let Some(first) = networks.first() {
        say(format!(
            "\nOnly the network can give {}: `hashcart secrets set {} --stage {}` takes it.",
            networks.iter().map(|known| known.name.as_str()).collect::<Vec<_>>().join(", "),
            first.name,
            stage.name
        ));
    }
}

// ---------------------------------------------------------------- init, set

async fn init(args: &InitArgs) -> anyhow::Result<()> {
    let mut secrets = Secrets::open(&args.common).await?;
    let mut made = Vec::new();
    for known in secrets.missing() {
        let Some(value) = known.origin.make()? else { continue };
        if !args.dry_run {
            secrets.write(&known.name, &[Secret::new(value)], args.key_id.as_deref()).await?;
        }
        made.push((known.name.clone(), known.origin));
    }
    if made.is_empty() {
        say("Every secret that is ours to make up is set.");
    }
    for (name, origin) in &made {
        say(format!("{name}: {}", if args.dry_run { "would be made up" } else { "made up and set" }));
        if *origin == Origin::Webhook && !args.dry_run {
            say(format!("  give it to the network: {}", secrets.shelf.place(name)));
        }
    }
    if made.iter().any(|(name, _)| name == HASH_KEY) && !args.dry_run {
        say(format!(
            "\nKeep a copy of hash-key where you keep your own secrets: without it no shopper is found again.\n  {}",
            secrets.shelf.place(HASH_KEY)
        ));
    }
    if !args.dry_run {
        let names: Vec<&str> = secrets.known.iter().map(|known| known.name.as_str()).collect();
        secrets.kept = secrets.shelf.read(&names).await?;
        tell_missing(&secrets, &args.common.stage);
    }
    Ok(())
}

async fn set(args: &SetArgs) -> anyhow::Result<()> {
    let secrets = Secrets::open(&args.common).await?;
    let known = find(&secrets.known, &args.name)?;
    if secrets.is_set(known) {
        if known.name == HASH_KEY {
            bail!("{}", fixed());
        }
        if !args.replace {
            bail!(
                "{} is set already: `hashcart secrets rotate {0}{}` puts a new value before it, --replace throws it \
                 away",
                known.name,
                stage_option(&args.common.stage.name)
            );
        }
    }
    let value = value(known).await?;
    secrets.check(known, &value)?;
    secrets.write(&known.name, &[Secret::new(value)], args.key_id.as_deref()).await?;
    say(format!("{} is set; the functions take it up within a minute.", known.name));
    Ok(())
}

/// The value that the person or the program before us gives.
async fn value(known: &Known) -> anyhow::Result<String> {
    let attended = is_attended();
    if attended {
        Term::stderr().write_str(&format!("The value for {} (it isn't shown): ", known.name))?;
    }
    let read = tokio::task::spawn_blocking(move || {
        if attended {
            return Term::stderr().read_secure_line();
        }
        let mut text = String::new();
        std::io::stdin().lock().take(MAX_INPUT).read_to_string(&mut text)?;
        Ok(text)
    });
    // What can't be read is no text: nothing of it is in the message.
    let text = read.await?.with_context(|| format!("the value for {} can't be read", known.name))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

// ---------------------------------------------------------------- rotate, prune

async fn rotate(args: &RotateArgs) -> anyhow::Result<()> {
    let secrets = Secrets::open(&args.common).await?;
    let known = find(&secrets.known, &args.name)?;
    if known.name == HASH_KEY {
        bail!("{}", fixed());
    }
    if !secrets.is_set(known) {
        let option = stage_option(&args.common.stage.name);
        bail!(
            "{} isn't set yet: `hashcart secrets set {0}{option}` or `hashcart secrets init{option}` does that",
            known.name
        );
    }
    let new = match known.origin.make()? {
        Some(made) if !args.read => made,
        _ => value(known).await?,
    };
    secrets.check(known, &new)?;
    let values: Vec<Secret> =
        std::iter::once(Secret::new(new)).chain(secrets.values(&known.name).iter().cloned()).collect();
    secrets.write(&known.name, &values, args.key_id.as_deref()).await?;
    tell_rotated(&secrets, known, values.len(), args);
    Ok(())
}

fn tell_rotated(secrets: &Secrets, known: &Known, values: usize, args: &RotateArgs) {
    let (name, stage) = (&known.name, &args.common.stage.name);
    say(format!(
        "{name} has {values} values now. The functions use the new one within a minute; the old stay valid."
    ));
    let prune = format!("`hashcart secrets prune {name} --stage {stage}`");
    if args.common.stage.is_local() && known.origin == Origin::Webhook {
        say("Start the local stack again: its playground signs with the value that it read at the start.");
        return;
    }
    say(match known.origin {
        Origin::Webhook => format!(
            "Now give the new value to the network: our replies are signed with it. When the network signs with it \
             too, {prune} refuses the old one.{}",
            if args.read { String::new() } else { format!("\n  {}", secrets.shelf.place(name)) }
        ),
        Origin::Random => format!(
            "Links in mails that were signed with the old value work as long as it is kept: {prune} once they \
             may die, some months from now, or at once if somebody else has seen it."
        ),
        Origin::Network => format!(
            "When the network takes the new one (look at `hashcart doctor --stage {stage}` and at the next reply), \
             {prune} drops the old one."
        ),
    });
}

async fn prune(args: &PruneArgs) -> anyhow::Result<()> {
    let secrets = Secrets::open(&args.common).await?;
    let known = find(&secrets.known, &args.name)?;
    let values = secrets.values(&known.name);
    let Some((newest, old)) = values.split_first() else { bail!("{} isn't set", known.name) };
    if old.is_empty() {
        say(format!("{} has one value: nothing to drop.", known.name));
        return Ok(());
    }
    let changed = secrets.kept.get(&known.name).and_then(|kept| kept.changed);
    if let Some(changed) = changed
        && Clock::system().now().since(changed).as_secs() < TAKEN_UP_AFTER_SECONDS
        && !(args.dry_run || args.now)
    {
        bail!(
            "{} was changed less than {} minutes ago: some function may still use the old value. Wait a little, or \
             say --now",
            known.name,
            TAKEN_UP_AFTER_SECONDS / 60
        );
    }
    let count = old.len();
    let dropped = if count == 1 { "the old value".to_owned() } else { format!("{count} old values") };
    if args.dry_run {
        say(format!("{dropped} of {} would be dropped. Dry run: nothing was changed.", known.name));
        return Ok(());
    }
    let loss = match known.origin {
        Origin::Random if known.name == SIGNING_KEY => {
            " Links in mails and sessions that it signed stop working."
        }
        _ => "",
    };
    let question = format!("Drop {dropped} of {} on {}?{loss}", known.name, args.common.stage.name);
    if !args.yes && !confirmed(&question).await? {
        say("Nothing was changed.");
        return Ok(());
    }
    secrets.write(&known.name, std::slice::from_ref(newest), None).await?;
    say(format!("{} has one value now; what another one signed is refused within a minute.", known.name));
    Ok(())
}

/// Why `hash-key` stays as it is.
fn fixed() -> &'static str {
    "hash-key can't be exchanged: shoppers are found by the hash of their address under it, and with another \
     key nobody would be found again"
}
