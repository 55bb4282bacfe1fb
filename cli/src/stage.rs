//! A stage and the way to its tables.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use lambda::aws::Aws;
use lambda::env::Environment;
use store::settings::Settings;

use crate::checkout::Checkout;

/// Which stage a command works on.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct StageArgs {
    /// The stage to work on.
    #[arg(long = "stage", default_value = "local", value_name = "STAGE")]
    pub(crate) name: String,
    /// Another address for AWS; for the stage `local` the running stack's is found by itself.
    #[arg(long, value_name = "URL", env = "AWS_ENDPOINT_URL")]
    endpoint_url: Option<String>,
    /// Where the local stack keeps its data (default: `.hashcart/local` in the checkout).
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
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

    /// Clients for the stage: the running local stack's, else the ones that region and credentials of
    /// the environment name.
    ///
    /// # Errors
    /// When no local stack runs, or the stage's name or address is not valid.
    pub(crate) async fn aws(&self) -> anyhow::Result<Aws> {
        if self.is_local() {
            let endpoint =
                self.endpoint_url.clone().map_or_else(|| local_endpoint(self.data.as_deref()), Ok)?;
            return Ok(Aws::from_config(emulator::Account::front_door(endpoint).sdk_config()));
        }
        let (stage, endpoint) = (self.name.clone(), self.endpoint_url.clone());
        let env = Environment::from_fn(move |name| match name {
            "HASHCART_STAGE" => Some(stage.clone()),
            "AWS_ENDPOINT_URL" => endpoint.clone(),
            other => std::env::var(other).ok(),
        })?;
        Ok(Aws::from_env(&env).await?)
    }

    /// The stage's settings.
    ///
    /// # Errors
    /// As [`StageArgs::aws`].
    pub(crate) async fn settings(&self) -> anyhow::Result<Settings> {
        Ok(Settings::new(self.aws().await?.dynamodb(), self.table("settings")))
    }
}

/// Where the emulator of the local stack listens: the stack writes it into its data.
fn local_endpoint(data: Option<&Path>) -> anyhow::Result<String> {
    let data = data.map_or_else(
        || Checkout::find().map(|checkout| checkout.default_data()),
        |data| Ok(data.to_owned()),
    )?;
    let endpoint = std::fs::read_to_string(data.join("endpoint")).with_context(|| {
        format!("no local stack runs on {}: start it with `hashcart local`, or say --stage", data.display())
    })?;
    Ok(endpoint.trim().to_owned())
}
