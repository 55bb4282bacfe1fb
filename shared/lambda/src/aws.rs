//! AWS clients, built lean: rustls with ring, and Amazon's own roots embedded, because parsing a
//! system's bundle of roots costs six times the rest of a function's start.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};

use crate::env::{EnvError, Environment};

/// The roots that AWS endpoints chain to: Amazon Root CA 1 to 4 and Starfield Services Root CA G2
/// (<https://www.amazontrust.com/repository/>).
pub const AMAZON_ROOTS: &str = include_str!("../roots/amazon.pem");

/// Clients of the AWS services that functions use. Making one costs nothing until its first request.
#[derive(Clone, Debug)]
pub struct Aws {
    config: SdkConfig,
}

impl Aws {
    /// Reads region, credentials and endpoint from the environment, as Lambda sets them, and
    /// connects nowhere.
    ///
    /// # Errors
    /// When `AWS_ENDPOINT_URL` is plain http in any stage but `local`, or `AWS_CA_BUNDLE` can't be
    /// read.
    pub async fn from_env(env: &Environment) -> Result<Self, EnvError> {
        let name = "AWS_ENDPOINT_URL";
        if env.var(name).is_some_and(|url| !url.starts_with("https://")) && !env.stage().is_local() {
            let what = "https address (only the stage `local` may use plain http)";
            return Err(EnvError::Invalid { name: name.to_owned(), what });
        }
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(
                aws_smithy_http_client::Builder::new()
                    .tls_provider(Provider::Rustls(CryptoMode::Ring))
                    .tls_context(tls_context(env)?)
                    .build_https(),
            )
            .retry_config(RetryConfig::standard().with_max_attempts(3))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(2))
                    .operation_attempt_timeout(Duration::from_secs(5))
                    .build(),
            )
            .load()
            .await;
        Ok(Self { config })
    }

    /// Uses a configuration made elsewhere: the operator's profile, or a connector that injects
    /// faults.
    pub fn from_config(config: SdkConfig) -> Self {
        Self { config }
    }

    /// The configuration, for a client that isn't here.
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// DynamoDB.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.config)
    }

    /// SQS.
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.config)
    }

    /// SES.
    pub fn ses(&self) -> aws_sdk_ses::Client {
        aws_sdk_ses::Client::new(&self.config)
    }

    /// The parameter store.
    pub fn ssm(&self) -> aws_sdk_ssm::Client {
        aws_sdk_ssm::Client::new(&self.config)
    }
}

fn tls_context(env: &Environment) -> Result<TlsContext, EnvError> {
    let mut roots = TrustStore::empty();
    roots.add_pem_certificate(AMAZON_ROOTS);
    let name = "AWS_CA_BUNDLE"; // the AWS tools' own variable for an endpoint behind a private root
    let invalid = || EnvError::Invalid { name: name.to_owned(), what: "file of PEM certificates" };
    if let Some(path) = env.var(name) {
        roots.add_pem_certificate(std::fs::read(path).map_err(|_| invalid())?);
    }
    TlsContext::builder().with_trust_store(roots).build().map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn plain_http_is_for_local_alone() {
        for (stage, allowed) in [("local", true), ("dev", false), ("prod", false)] {
            let env = Environment::from_fn(move |name| match name {
                "HASHCART_STAGE" => Some(stage.to_owned()),
                "AWS_ENDPOINT_URL" => Some("http://127.0.0.1:4566".to_owned()),
                _ => None,
            });
            assert_eq!(Aws::from_env(&env.unwrap()).await.is_ok(), allowed, "{stage}");
        }
    }

    #[test]
    fn five_roots_are_embedded() {
        assert_eq!(AMAZON_ROOTS.matches("-----BEGIN CERTIFICATE-----").count(), 5);
    }
}
