//! `hashcart doctor`: looks for what is missing, and says how to mend it.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::bail;
use console::style;
use domain::storefront::Storefront;
use emulator::Venv;
use lambda::aws::Aws;
use lambda::env::Environment;
use lambda::secrets::{SecretSet, Secrets};
use networks::{Http, Network as _, Networks, Reach};
use reqwest::StatusCode;
use store::settings::Settings;
use tokio::net::TcpListener;
use url::Url;

use crate::checkout::Checkout;
use crate::local::secrets as local_secrets;
use crate::playground::now;
use crate::terminal::say;

/// Finds out what is wrong with an installation: its configuration, its secrets, what it reaches.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hashcart doctor                                   looks at the local stack, running or not
  hashcart doctor --storefront shop/storefront.toml checks a configuration before it is pushed
  hashcart doctor --stage prod --url https://cart.acme.example
                                                    looks at what is deployed, with your AWS credentials

It changes nothing. It ends with status 1 if something is wrong; each finding says its remedy.")]
pub struct Args {
    /// The stage to look at.
    #[arg(long, default_value = "local", value_name = "STAGE")]
    pub stage: String,
    /// Where the installation is reached (for the stage `local`: port 8787 of this machine).
    #[arg(long, value_name = "URL")]
    pub url: Option<Url>,
    /// The configuration to check (default: `storefront.toml` here, else the demonstration's).
    #[arg(long, value_name = "FILE")]
    pub storefront: Option<PathBuf>,
    /// Where the local stack keeps its data (default: `.hashcart/local` in the checkout).
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// What was found, line by line.
#[derive(Debug, Default)]
struct Findings {
    wrong: usize,
}

impl Findings {
    fn fine(&self, what: impl std::fmt::Display) {
        say(format!("  {} {what}", style("✓").green()));
    }

    /// Something that may be on purpose.
    fn note(&self, what: impl std::fmt::Display) {
        say(format!("  {} {what}", style("·").yellow()));
    }

    fn wrong(&mut self, what: impl std::fmt::Display, remedy: impl std::fmt::Display) {
        self.wrong += 1;
        say(format!("  {} {what}\n    {} {remedy}", style("✗").red(), style("→").cyan()));
    }
}

/// Looks at everything and says what it finds.
///
/// # Errors
/// When something is wrong, so that the exit status says it.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let mut findings = Findings::default();
    say(style("Configuration").bold());
    let storefront = check_storefront(&args, &mut findings);
    if args.stage == "local" {
        check_local(&args, storefront.as_ref(), &mut findings).await;
    } else {
        check_deployed(&args, storefront.as_ref(), &mut findings).await;
    }
    match findings.wrong {
        0 => {
            say(format!("\n{}", style("Nothing is wrong.").green()));
            Ok(())
        }
        1 => bail!("one thing is wrong"),
        many => bail!("{many} things are wrong"),
    }
}

fn check_storefront(args: &Args, findings: &mut Findings) -> Option<Storefront> {
    let default = PathBuf::from("storefront.toml");
    let file = match (&args.storefront, Checkout::find()) {
        (Some(file), _) => file.clone(),
        (None, _) if default.is_file() => default,
        (None, Ok(checkout)) => checkout.demo_storefront(),
        (None, Err(_)) => {
            findings.wrong("there is no storefront.toml here", "name it with --storefront FILE");
            return None;
        }
    };
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) => {
            findings.wrong(
                format!("{} can't be read: {error}", file.display()),
                "name another one with --storefront",
            );
            return None;
        }
    };
    match Storefront::from_toml(&text, args.stage == "local") {
        Ok(storefront) => {
            let (shops, networks) = (storefront.marketplaces.len(), storefront.networks.len());
            findings.fine(format!("{}: {shops} marketplaces, {networks} networks", file.display()));
            Some(storefront)
        }
        Err(errors) => {
            for problem in errors.problems() {
                findings.wrong(format!("{}: {problem}", file.display()), "mend that key");
            }
            None
        }
    }
}

// ---------------------------------------------------------------- the local stack

async fn check_local(args: &Args, storefront: Option<&Storefront>, findings: &mut Findings) {
    let Ok(checkout) = Checkout::find() else {
        findings.note("this is no checkout: the local stack needs one");
        return;
    };
    say(style("Local stack").bold());
    check_python(checkout.root(), findings);
    check_local_secrets(args, &checkout, storefront, findings);
    let url = args.url.clone().or_else(|| Url::parse("http://localhost:8787").ok());
    if let Some(url) = url {
        check_local_url(&url, storefront, findings).await;
    }
}

fn check_python(root: &Path, findings: &mut Findings) {
    let venv = Venv::of_checkout(root);
    if venv.is_ready() {
        findings.fine("the AWS emulator is set up");
        return;
    }
    match Venv::suitable_python() {
        Ok(python) => findings.fine(format!("{python}; the AWS emulator is set up at the first start")),
        Err(error) => findings.wrong(error, "install Python 3.11 or newer with its venv module"),
    }
}

fn check_local_secrets(
    args: &Args,
    checkout: &Checkout,
    storefront: Option<&Storefront>,
    findings: &mut Findings,
) {
    let data = args.data.clone().unwrap_or_else(|| checkout.default_data());
    let Some(storefront) = storefront else { return };
    if !data.is_dir() {
        findings.fine("secrets: made up at the first start");
        return;
    }
    match local_secrets::missing(storefront, checkout.root(), &data) {
        Ok(missing) if missing.is_empty() => findings.fine("secrets: all there"),
        Ok(missing) => {
            let names: Vec<String> = missing.iter().map(|name| local_secrets::variable(name)).collect();
            findings.note(format!(
                "secrets not given: {}. The networks that need them aren't answered; put them into .env",
                names.join(", ")
            ));
        }
        Err(error) => findings.wrong(format!("{error:#}"), "mend that line"),
    }
}

async fn check_local_url(url: &Url, storefront: Option<&Storefront>, findings: &mut Findings) {
    let port = url.port_or_known_default().unwrap_or(80);
    if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.is_ok() {
        findings.fine(format!("port {port} is free: `cargo run` starts the stack"));
        return;
    }
    match get(url, "/api/ready").await {
        Some(StatusCode::OK) => {
            findings.fine(format!("a local stack is up at {url}"));
            check_reach(url, storefront, findings).await;
        }
        Some(StatusCode::SERVICE_UNAVAILABLE) => findings.note(format!("a local stack is starting at {url}")),
        _ => findings.wrong(
            format!("something else listens on port {port}"),
            "stop it, or start the stack with --port",
        ),
    }
}

// ---------------------------------------------------------------- what is deployed

async fn check_deployed(args: &Args, storefront: Option<&Storefront>, findings: &mut Findings) {
    say(style(format!("Stage {} on AWS", args.stage)).bold());
    let stage = args.stage.clone();
    let env = Environment::from_fn(move |name| match name {
        "HASHCART_STAGE" => Some(stage.clone()),
        other => std::env::var(other).ok(),
    });
    let aws = match env {
        Ok(env) => Aws::from_env(&env).await.map(|aws| (env, aws)),
        Err(error) => Err(error),
    };
    let (env, aws) = match aws {
        Ok(both) => both,
        Err(error) => return findings.wrong(error, "name the stage that you deployed, as in --stage prod"),
    };
    let secrets = check_secrets(&aws, &env, findings).await;
    let pushed = check_pushed(&aws, &args.stage, storefront, findings).await;
    if let (Some(secrets), Some(storefront)) = (secrets, pushed.as_ref().or(storefront)) {
        check_network_secrets(&secrets, storefront, &args.stage, findings);
    }
    match &args.url {
        Some(url) => check_reach(url, pushed.as_ref().or(storefront), findings).await,
        None => findings.note("say --url to have the API looked at: the stack's output PublicUrl"),
    }
}

async fn check_secrets(aws: &Aws, env: &Environment, findings: &mut Findings) -> Option<SecretSet> {
    let prefix = env.secrets_prefix();
    match Secrets::new(aws.ssm(), prefix.clone()).get(now()).await {
        Ok(set) => {
            for name in ["hash-key", "signing-key"] {
                if set.values(name).is_empty() {
                    findings.wrong(format!("the secret {prefix}{name} is not set"), put(&prefix, name));
                }
            }
            Some(SecretSet::clone(&set))
        }
        Err(error) => {
            findings.wrong(
                format!("the secrets under {prefix} can't be read: {}", lambda::batch::reason(&error)),
                "check AWS_REGION and your credentials (`aws sts get-caller-identity`) and that you may use ssm:GetParametersByPath",
            );
            None
        }
    }
}

fn put(prefix: &str, name: &str) -> String {
    format!("aws ssm put-parameter --type SecureString --name {prefix}{name} --value …")
}

async fn check_pushed(
    aws: &Aws,
    stage: &str,
    storefront: Option<&Storefront>,
    findings: &mut Findings,
) -> Option<Storefront> {
    let table = format!("hashcart-{stage}-settings");
    match Settings::new(aws.dynamodb(), &table).current().await {
        Ok(Some(current)) => {
            findings.fine(format!("configuration version {} is in use", current.version));
            if storefront.is_some_and(|local| *local != current.value) {
                findings.note("it differs from the file here: push the file if that is the newer one");
            }
            Some(current.value)
        }
        Ok(None) => {
            findings.wrong("no configuration has been pushed", "push your storefront.toml");
            None
        }
        Err(error) => {
            findings.wrong(
                format!("the table {table} can't be read: {}", lambda::batch::reason(&error)),
                "check the stage's name, AWS_REGION and your credentials",
            );
            None
        }
    }
}

fn check_network_secrets(secrets: &SecretSet, storefront: &Storefront, stage: &str, findings: &mut Findings) {
    let values = |name: &str| secrets.values(name).iter().map(|secret| secret.expose().to_owned()).collect();
    // Nothing is sent: the clients are only asked what they miss.
    let http = Http::new(Reach::Public, now);
    let mut fine = true;
    for network in Networks::new(&storefront.networks, values, &http).iter() {
        for problem in network.secret_problems() {
            fine = false;
            let name = format!("{}/{}", network.id(), problem.name);
            findings.wrong(
                format!("the secret {name}: {}", problem.problem),
                put(&format!("/hashcart/{stage}/"), &name),
            );
        }
    }
    if fine {
        findings.fine("the networks' secrets are there and of the right form");
    }
}

// ---------------------------------------------------------------- what answers

/// Asks the API what it says to a page request and to webhooks that nobody signed.
async fn check_reach(url: &Url, storefront: Option<&Storefront>, findings: &mut Findings) {
    for path in ["/link", "/cart"] {
        match get(url, path).await {
            Some(status) if status.is_success() || status.is_redirection() => {
                findings.fine(format!("{path} answers {status}"))
            }
            Some(status) => {
                findings.wrong(format!("{path} answers {status}"), "look at the function's log group")
            }
            None => findings
                .wrong(format!("{path} can't be reached"), format!("check that {url} leads to the API")),
        }
    }
    for network in storefront.map(|storefront| storefront.networks.as_slice()).unwrap_or_default() {
        let path = format!("/webhooks/{}", network.id);
        match post_unsigned(url, &path).await {
            Some(StatusCode::UNAUTHORIZED) => findings.fine(format!("{path} refuses what isn't signed")),
            Some(StatusCode::SERVICE_UNAVAILABLE) => findings.wrong(
                format!("{path} is not ready: the function can't read its configuration or secrets"),
                "look at the log group of webhook-ingest for the reason",
            ),
            Some(status) => findings.wrong(
                format!("{path} answers {status} to what isn't signed"),
                "it must answer 401: check that the URL leads to webhook-ingest",
            ),
            None => findings
                .wrong(format!("{path} can't be reached"), format!("check that {url} leads to the API")),
        }
    }
}

fn client() -> Option<reqwest::Client> {
    crate::install_tls();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(10))
        .build()
        .ok()
}

async fn get(url: &Url, path: &str) -> Option<StatusCode> {
    Some(client()?.get(url.join(path).ok()?).send().await.ok()?.status())
}

async fn post_unsigned(url: &Url, path: &str) -> Option<StatusCode> {
    let request = client()?.post(url.join(path).ok()?).header("content-type", "application/json").body("{}");
    Some(request.send().await.ok()?.status())
}
