//! `hashcart local`: the whole of Hashcart on one machine, from one command.

mod build;
mod follow;
pub(crate) mod secrets;
mod seed;
mod steps;

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use console::style;
use domain::storefront::{NetworkKind, Storefront};
use emulator::{Deployment, Emulator, Options, Venv};
use networks::Secret;
use store::carts::Carts;
use store::links::Links;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::checkout::Checkout;
use crate::playground::{self, App, Playground, Stack};
use crate::signals::{INTERRUPTED, Signals};
use crate::terminal::say;
use secrets::Secrets;
use steps::Step;

/// The sender of the demonstration's mail.
const MAIL_FROM: &str = "cart@acme.example";
/// The stack's name in the emulator.
const STACK: &str = "hashcart-local";
/// The address that the demonstration's storefront gives for the playground.
const PLAYGROUND: &str = "https://playground.example";

/// Starts everything on this machine: emulator, functions, tables, demonstration shop and playground.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  cargo run                                   start it and open the playground
  hashcart local --port 9000 --no-browser     for scripts: ask /api/ready until it says 200
  hashcart local --port 0 --data /tmp/second  a second one beside it, on any free port

It needs Rust, Python 3.11 or newer and, the first time, the Python package index.
Nothing leaves this machine. Ctrl-C stops it and keeps its data; `rm -r .hashcart/local`
forgets them.")]
pub struct Args {
    /// The playground's port; 0 takes a free one. All other ports are found without asking.
    #[arg(long, default_value_t = 8787, value_name = "PORT")]
    pub port: u16,
    /// Doesn't open a browser.
    #[arg(long)]
    pub no_browser: bool,
    /// Where posts, mails, tables and secrets are kept (default: `.hashcart/local` in the checkout).
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Another storefront than the demonstration's (`demo/storefront.toml`). Feeds that are files
    /// beside it are imported.
    #[arg(long, value_name = "FILE")]
    pub storefront: Option<PathBuf>,
}

impl Default for Args {
    fn default() -> Self {
        Self { port: 8787, no_browser: false, data: None, storefront: None }
    }
}

/// Runs the local stack until it is told to stop.
///
/// # Errors
/// When something it needs is missing or a step fails; the message is for the person at the terminal.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let checkout = Checkout::find()?;
    let mut signals = Signals::new()?;
    crate::install_tls();
    let started = Instant::now();
    let stack = tokio::select! {
        () = signals.next() => None,
        stack = start(&args, &checkout) => Some(stack),
    };
    // Dropping what was being started has stopped cargo and the emulator. Returning would wait for
    // more: for pip, where it is still fetching packages.
    let Some(stack) = stack else { std::process::exit(INTERRUPTED) };
    let running = stack?;
    running.welcome(&args, started);
    running.follow_until(signals).await
}

/// A stack that is up.
struct Running {
    app: App,
    emulator: Emulator,
    functions: Vec<String>,
    tasks: JoinSet<()>,
    _endpoint: Endpoint,
    /// Held as long as we work on the data.
    _lock: File,
}

/// The file `endpoint` in the data: where the emulator listens, for the other commands. It is there as
/// long as the stack is up.
struct Endpoint(PathBuf);

impl Endpoint {
    fn publish(data: &Path, endpoint: &str) -> anyhow::Result<Self> {
        let file = data.join("endpoint");
        fs::write(&file, endpoint).with_context(|| format!("{} can't be written", file.display()))?;
        Ok(Self(file))
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        // One that is left behind names a port that nobody answers at.
        let _ = fs::remove_file(&self.0);
    }
}

async fn start(args: &Args, checkout: &Checkout) -> anyhow::Result<Running> {
    let listeners = listen(args.port).await?;
    let port = listeners.first().context("no listener")?.local_addr()?.port();
    let public_url = format!("http://localhost:{port}");
    let data = args.data.clone().unwrap_or_else(|| checkout.default_data());
    let lock = lock(&data)?;
    let data = data.canonicalize().with_context(|| format!("{} can't be reached", data.display()))?;
    let file = args.storefront.clone().unwrap_or_else(|| checkout.demo_storefront());
    let feeds = file.parent().unwrap_or(Path::new("")).to_owned();
    let storefront = read_storefront(&file, &public_url)?;
    let secrets = secrets::prepare(&storefront, checkout.root(), &data)?;
    let storefront = answering_only_where_possible(storefront, &secrets);
    let app: App = Arc::new(Playground::open(storefront, &public_url, &checkout.demo(), &feeds, &data)?);
    app.seed_timeline()?;

    say(format!(
        "\n{} on {}\n",
        style("Hashcart, all of it on this machine,").bold(),
        style(&public_url).cyan()
    ));
    let mut tasks = JoinSet::new();
    tasks.spawn(playground::serve(Arc::clone(&app), listeners));
    let sink =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no port is free for the mail sink")?;
    let smtp = sink.local_addr()?;
    tasks.spawn(playground::serve_mail(sink, Arc::clone(&app.inbox)));

    let functions = build::functions(checkout.root())?;
    let venv = Venv::of_checkout(checkout.root());
    let options = Options::new(venv, data.join("emulator")).keep_state().enforce_iam().smtp(smtp);
    app.set_doing("building the functions");
    let (binaries, emulator) =
        tokio::try_join!(build_functions(checkout.root(), &functions), start_emulator(options))?;
    let account = emulator.account();
    app.set_doing("deploying the template");
    let deployed = deploy(checkout, &account, &public_url, &binaries).await?;
    app.set_doing("filling tables");
    seed::all(&app, &account, &deployed, &secrets, &feeds).await?;

    let stack = way_in(&app, &account, &deployed, &secrets)?;
    app.set_doing("warming the functions up");
    warm_up(&stack, &account, &functions).await;
    app.set_stack(stack);
    tasks.spawn(playground::deliver_all(Arc::clone(&app)));
    let endpoint = Endpoint::publish(&data, &emulator.endpoint())?;
    Ok(Running { app, emulator, functions, tasks, _endpoint: endpoint, _lock: lock })
}

/// The playground's way into what was deployed.
fn way_in(
    app: &App,
    account: &emulator::Account,
    deployed: &emulator::Stack,
    secrets: &Secrets,
) -> anyhow::Result<Stack> {
    let dynamodb = aws_sdk_dynamodb::Client::new(&account.sdk_config());
    let webhook_secrets = secrets.get(&format!("{}/webhook-secret", app.network));
    Ok(Stack {
        api_url: deployed.api_url()?,
        http: plain_client()?,
        webhook_secrets: webhook_secrets
            .map(|values| values.lines().map(Secret::new).collect())
            .unwrap_or_default(),
        network: app.network.clone(),
        links: Links::new(dynamodb.clone(), deployed.output("LinksTable")?),
        carts: Carts::new(dynamodb, deployed.output("CartsTable")?),
    })
}

impl Running {
    fn welcome(&self, args: &Args, started: Instant) {
        let url = &self.app.public_url;
        say(format!("\n{} after {:.1} s.\n", style("Up").green().bold(), started.elapsed().as_secs_f64()));
        for (what, path) in
            [("playground", "/"), ("cart page", "/cart"), ("link page", "/link"), ("JSON API", "/api/posts")]
        {
            say(format!("  {what:<11} {}", style(format!("{url}{path}")).cyan()));
        }
        say(format!("  {:<11} {}, account 000000000000", "AWS", style(self.emulator.endpoint()).cyan()));
        say(format!("\n{}\n", style("Ctrl-C stops it and keeps its data. What the functions say:").dim()));
        if !args.no_browser && open::that_detached(url).is_err() {
            say(format!("No browser could be opened: go to {url} yourself."));
        }
    }

    /// Shows what the functions say until a signal comes, then stops cleanly; a second signal ends us
    /// at once, and the emulator saves and stops by itself.
    async fn follow_until(mut self, mut signals: Signals) -> anyhow::Result<()> {
        let account = self.emulator.account();
        tokio::select! {
            () = signals.next() => {}
            () = follow::follow(&self.app, &account, &self.functions) => {}
        }
        say(format!("\n{}", style("Stopping and saving…").dim()));
        self.tasks.abort_all();
        tokio::select! {
            stopped = self.emulator.stop() => stopped.context("the data of this run may be incomplete"),
            () = signals.next() => {
                say("Not waiting: the emulator saves by itself.");
                // Returning would wait for the thread that waits for the emulator.
                std::process::exit(INTERRUPTED)
            }
        }
    }
}

/// Listens on both of this machine's own addresses: `localhost` may mean either.
async fn listen(port: u16) -> anyhow::Result<Vec<TcpListener>> {
    let first = match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Ok(listener) => listener,
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            bail!("port {port} is taken: choose another one with --port")
        }
        Err(error) => return Err(error).with_context(|| format!("port {port} can't be used")),
    };
    let port = first.local_addr()?.port();
    // A machine without IPv6, or somebody else on that side, is no obstacle.
    let second = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok();
    Ok(std::iter::once(first).chain(second).collect())
}

/// Makes the data directory ours until the file is dropped.
fn lock(data: &Path) -> anyhow::Result<File> {
    let context = || format!("{} can't be used for the data", data.display());
    fs::create_dir_all(data).with_context(context)?;
    let file = File::create(data.join("lock")).with_context(context)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("another local stack uses {}: stop it or choose another --data", data.display())
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(context),
    }
}

/// The storefront with the playground's address in it.
fn read_storefront(file: &Path, public_url: &str) -> anyhow::Result<Storefront> {
    let text = fs::read_to_string(file).with_context(|| format!("{} can't be read", file.display()))?;
    crate::storefront::parse(&file.display().to_string(), &text.replace(PLAYGROUND, public_url))
}

/// Without credentials for X nothing can be answered there: mails tell instead, and nothing is tried
/// in vain.
fn answering_only_where_possible(mut storefront: Storefront, secrets: &Secrets) -> Storefront {
    for network in &mut storefront.networks {
        let has_token = secrets.contains_key(&format!("{}/access-token", network.id));
        if matches!(network.kind, NetworkKind::X { .. }) && !has_token {
            network.replies = false;
        }
    }
    storefront
}

async fn build_functions(root: &Path, functions: &[String]) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let step = Step::begin("functions built");
    let binaries = build::build(root, functions, &step).await?;
    step.done(&functions.len().to_string());
    Ok(binaries)
}

async fn start_emulator(options: Options) -> anyhow::Result<Emulator> {
    let step = Step::begin("AWS emulator started");
    let emulator = Emulator::start(options).await?;
    step.done(&format!("port {}", emulator.port()));
    Ok(emulator)
}

async fn deploy(
    checkout: &Checkout,
    account: &emulator::Account,
    public_url: &str,
    binaries: &BTreeMap<String, PathBuf>,
) -> anyhow::Result<emulator::Stack> {
    let step = Step::begin("template deployed");
    let deployment = Deployment::new(STACK)
        .template(checkout.template())
        .parameter("PublicUrl", public_url)
        .parameter("MailFrom", MAIL_FROM);
    let deployment =
        binaries.iter().fold(deployment, |deployment, (name, binary)| deployment.function(name, binary));
    let deployed = deployment.deploy(account).await?;
    emulator::verify_sender(account, MAIL_FROM, deployed.output("FeedbackTopic")?).await?;
    step.done("");
    Ok(deployed)
}

/// A client for this machine: no proxy, no redirects, no TLS.
fn plain_client() -> anyhow::Result<reqwest::Client> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(60))
        .build()
        .context("the HTTP client can't be made")
}

/// Starts each function's process by an event without records or a request, so that the first post
/// doesn't wait for it. A function that can't be warmed is slower once, nothing else.
async fn warm_up(stack: &Stack, account: &emulator::Account, functions: &[String]) {
    let step = Step::begin("functions warmed up");
    let calls = functions.iter().map(|function| async move {
        let page = match function.as_str() {
            "webhook-ingest" => format!("/webhooks/{}", stack.network),
            "account-link" => "/link".to_owned(),
            "cart-page" => "/cart".to_owned(),
            other => {
                let name = format!("hashcart-local-{other}");
                return emulator::invoke(account, &name, r#"{"Records":[]}"#).await.is_ok();
            }
        };
        stack.http.get(format!("{}{page}", stack.api_url)).send().await.is_ok()
    });
    let warm = futures::future::join_all(calls).await.into_iter().filter(|warm| *warm).count();
    step.done(&warm.to_string());
}
