//! A stage and the way to its AWS account.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, bail};
use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider};
use lambda::aws::{self, Aws};
use lambda::env::Environment;
use store::settings::Settings;
use tokio::sync::OnceCell;

use crate::checkout::Checkout;

/// Which stage a command works on.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct StageArgs {
    /// The stage to work on.
    #[arg(long = "stage", id = "stage", default_value = "local", value_name = "STAGE")]
    pub(crate) name: String,
    /// Another address for AWS; for the stage `local` the running stack's is found by itself.
    #[arg(long, value_name = "URL", env = "AWS_ENDPOINT_URL", hide_env_values = true)]
    endpoint_url: Option<String>,
    /// Where the local stack keeps its data (default: `.hashcart/local` in the checkout).
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Made once: a program that prints credentials may ask a person each time it runs.
    #[arg(skip)]
    aws: Arc<OnceCell<Aws>>,
}

impl StageArgs {
    /// Whether this is the stack on this machine.
    pub(crate) fn is_local(&self) -> bool {
        self.name == "local"
    }

    /// The stage's table of this name.
    pub(crate) fn table(&self, name: &str) -> String {
        format!("hashcart-{}-{name}", self.name)
    }

    /// The path that the stage's secrets are kept under, with a slash at the end.
    pub(crate) fn secrets_prefix(&self) -> String {
        format!("/hashcart/{}/", self.name)
    }

    /// Where the local stack keeps its data.
    ///
    /// # Errors
    /// When this is no checkout and no directory was named.
    pub(crate) fn data(&self) -> anyhow::Result<PathBuf> {
        match &self.data {
            Some(data) => Ok(data.clone()),
            None => Ok(Checkout::find()
                .context("there is no local stack here: say --stage for a deployed one")?
                .default_data()),
        }
    }

    /// Clients for the stage: the running local stack's, else the ones that region and credentials of the
    /// environment or of the profile in `AWS_PROFILE` open.
    ///
    /// # Errors
    /// When no local stack runs, the stage's name or address is not valid, or there is no region or no
    /// credentials.
    pub(crate) async fn aws(&self) -> anyhow::Result<Aws> {
        self.aws.get_or_try_init(|| self.connect()).await.cloned()
    }

    async fn connect(&self) -> anyhow::Result<Aws> {
        if self.is_local() {
            let endpoint = match &self.endpoint_url {
                Some(endpoint) => endpoint.clone(),
                None => local_endpoint(&self.data()?)?,
            };
            return Ok(Aws::from_config(emulator::Account::front_door(endpoint).sdk_config()));
        }
        let (stage, endpoint) = (self.name.clone(), self.endpoint_url.clone());
        let env = Environment::from_fn(move |name| match name {
            "HASHCART_STAGE" => Some(stage.clone()),
            "AWS_ENDPOINT_URL" => endpoint.clone(),
            other => std::env::var(other).ok(),
        })?;
        // Checked before anything is asked of it: the credentials go there.
        aws::endpoint(&env, "AWS_ENDPOINT_URL")?;
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(aws::http_client(&env)?)
            .retry_config(aws::retries())
            .timeout_config(aws::timeouts())
            .load()
            .await;
        if config.region().is_none() {
            bail!("there is no AWS region: set AWS_REGION, or `region` in {}", profile());
        }
        let config = match &self.endpoint_url {
            Some(endpoint) => config.to_builder().endpoint_url(endpoint).build(),
            None => config,
        };
        let credentials = FoundCredentials::find(config.credentials_provider()).await?;
        let credentials = SharedCredentialsProvider::new(credentials);
        Ok(Aws::from_config(config.to_builder().credentials_provider(credentials).build()))
    }

    /// That the stage has no storefront yet, and how it gets one.
    pub(crate) fn no_storefront(&self) -> String {
        let option = stage_option(&self.name);
        format!(
            "no storefront has been pushed to the stage {} yet: `hashcart config push FILE{option}`",
            self.name
        )
    }

    /// The stage's settings.
    ///
    /// # Errors
    /// As [`StageArgs::aws`].
    pub(crate) async fn settings(&self) -> anyhow::Result<Settings> {
        Ok(Settings::new(self.aws().await?.dynamodb(), self.table("settings")))
    }
}

/// Credentials that were found before the first request, so that what is wrong with them is said at once
/// and by its name; later ones come from where they came from.
#[derive(Debug)]
struct FoundCredentials {
    /// Given out once.
    first: Mutex<Option<Credentials>>,
    source: SharedCredentialsProvider,
}

impl FoundCredentials {
    async fn find(source: Option<SharedCredentialsProvider>) -> anyhow::Result<Self> {
        let source = source.context("there are no AWS credentials")?;
        let found = source.provide_credentials().await.with_context(|| {
            format!(
                "there are no AWS credentials that could be used: set AWS_PROFILE (or AWS_ACCESS_KEY_ID and \
                 AWS_SECRET_ACCESS_KEY), and where {} is one of SSO, run `aws sso login`",
                profile()
            )
        })?;
        Ok(Self { first: Mutex::new(Some(found)), source })
    }
}

impl ProvideCredentials for FoundCredentials {
    fn provide_credentials<'a>(&'a self) -> provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let first = self.first.lock().map_or(None, |mut first| first.take());
        match first {
            Some(found) => provider::future::ProvideCredentials::ready(Ok(found)),
            None => self.source.provide_credentials(),
        }
    }
}

/// `--stage` as it stands behind a command that somebody is told to call; empty where it is the default.
pub(crate) fn stage_option(stage: &str) -> String {
    if stage == "local" { String::new() } else { format!(" --stage {stage}") }
}

/// The profile that region and credentials are read from, as a person knows it.
fn profile() -> String {
    let name = std::env::var("AWS_PROFILE").unwrap_or_else(|_| "default".to_owned());
    format!("the profile `{name}` of ~/.aws/config")
}

/// Where the emulator of the local stack listens: the stack writes it into its data.
///
/// # Errors
/// When no stack runs on these data.
pub(crate) fn local_endpoint(data: &Path) -> anyhow::Result<String> {
    let endpoint = std::fs::read_to_string(data.join("endpoint")).with_context(|| {
        format!("no local stack runs on {}: start it with `hashcart local`, or say --stage", data.display())
    })?;
    Ok(endpoint.trim().to_owned())
}
