//! AWS clients, built lean: rustls with ring, and Amazon's own roots embedded, because parsing a
//! system's bundle of roots costs six times the rest of a function's start.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Credentials, Region, SharedCredentialsProvider, SharedHttpClient,
};
use aws_types::SdkConfig;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::env::{EnvError, Environment};
use crate::http::OverReqwest;

/// The roots that AWS endpoints chain to: Amazon Root CA 1 to 4 and Starfield Services Root CA G2
/// (<https://www.amazontrust.com/repository/>).
pub const AMAZON_ROOTS: &str = include_str!("../roots/amazon.pem");

/// Clients of the AWS services that functions use. Each is made when it is first asked for, once for
/// all who ask: making one reads the SDK's table of partitions, JSON and regular expressions. Cloning is
/// cheap.
#[derive(Clone, Debug)]
pub struct Aws(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: SdkConfig,
    dynamodb: OnceLock<aws_sdk_dynamodb::Client>,
    sqs: OnceLock<aws_sdk_sqs::Client>,
    ses: OnceLock<aws_sdk_ses::Client>,
    ssm: OnceLock<aws_sdk_ssm::Client>,
}

impl Aws {
    /// Reads region, credentials and endpoint from the environment, as Lambda sets them for as long as
    /// a process lives, and connects nowhere. The SDK's chain of other places for them is the operator's
    /// tools' alone.
    ///
    /// # Errors
    /// When the region or the credentials aren't set, and as for [`endpoint`] and [`http_client`].
    pub fn from_env(env: &Environment) -> Result<Self, EnvError> {
        let region = match env.var("AWS_DEFAULT_REGION") {
            Some(region) if env.var("AWS_REGION").is_none() => region,
            _ => env.required("AWS_REGION")?,
        };
        let credentials = Credentials::new(
            env.required("AWS_ACCESS_KEY_ID")?,
            env.required("AWS_SECRET_ACCESS_KEY")?,
            env.var("AWS_SESSION_TOKEN"),
            None,
            "Environment",
        );
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http_client(env)?)
            .retry_config(retries())
            .timeout_config(timeouts())
            .service_config(Endpoints::from_env(env)?);
        config.set_endpoint_url(endpoint(env, "AWS_ENDPOINT_URL")?);
        Ok(Self::from_config(config.build()))
    }

    /// Uses a configuration made elsewhere: the operator's profile, or a connector that injects
    /// faults.
    pub fn from_config(config: SdkConfig) -> Self {
        Self(Arc::new(Inner {
            config,
            dynamodb: OnceLock::new(),
            sqs: OnceLock::new(),
            ses: OnceLock::new(),
            ssm: OnceLock::new(),
        }))
    }

    /// The configuration, for a client that isn't here.
    pub fn config(&self) -> &SdkConfig {
        &self.0.config
    }

    /// DynamoDB.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        self.0.dynamodb.get_or_init(|| aws_sdk_dynamodb::Client::new(&self.0.config)).clone()
    }

    /// SQS.
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        self.0.sqs.get_or_init(|| aws_sdk_sqs::Client::new(&self.0.config)).clone()
    }

    /// SES.
    pub fn ses(&self) -> aws_sdk_ses::Client {
        self.0.ses.get_or_init(|| aws_sdk_ses::Client::new(&self.0.config)).clone()
    }

    /// The parameter store.
    pub fn ssm(&self) -> aws_sdk_ssm::Client {
        self.0.ssm.get_or_init(|| aws_sdk_ssm::Client::new(&self.0.config)).clone()
    }
}

/// The address that the variable `name` gives in place of AWS, if any: `AWS_ENDPOINT_URL` for all
/// services, `AWS_ENDPOINT_URL_SQS` and the like for one.
///
/// # Errors
/// When it is plain http in any stage but `local`.
pub fn endpoint(env: &Environment, name: &str) -> Result<Option<String>, EnvError> {
    let endpoint = env.var(name);
    if endpoint.as_deref().is_some_and(|url| !url.starts_with("https://")) && !env.stage().is_local() {
        let what = "https address (only the stage `local` may use plain http)";
        return Err(EnvError::Invalid { name: name.to_owned(), what });
    }
    Ok(endpoint)
}

/// The addresses of single services, by the names that their clients ask with.
#[derive(Debug)]
struct Endpoints(BTreeMap<&'static str, String>);

impl Endpoints {
    fn from_env(env: &Environment) -> Result<Self, EnvError> {
        let mut endpoints = BTreeMap::new();
        for (service, name) in [
            ("DynamoDB", "AWS_ENDPOINT_URL_DYNAMODB"),
            ("SQS", "AWS_ENDPOINT_URL_SQS"),
            ("SES", "AWS_ENDPOINT_URL_SES"),
            ("SSM", "AWS_ENDPOINT_URL_SSM"),
        ] {
            if let Some(endpoint) = endpoint(env, name)? {
                endpoints.insert(service, endpoint);
            }
        }
        Ok(Self(endpoints))
    }
}

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        self.0.get(key.service_id()).filter(|_| key.env() == "AWS_ENDPOINT_URL").cloned()
    }
}

/// HTTP for all clients of a process: TLS by ring, to whoever chains to one of [`AMAZON_ROOTS`] or of
/// the file that `AWS_CA_BUNDLE` names.
///
/// # Errors
/// When that file can't be read.
pub fn http_client(env: &Environment) -> Result<SharedHttpClient, EnvError> {
    let name = "AWS_CA_BUNDLE"; // the AWS tools' own variable for an endpoint behind a private root
    let invalid = || EnvError::Invalid { name: name.to_owned(), what: "file of PEM certificates" };
    let mut roots = RootCertStore::empty();
    trust(&mut roots, AMAZON_ROOTS.as_bytes()).ok_or_else(invalid)?;
    if let Some(path) = env.var(name) {
        let bundle = std::fs::read(path).map_err(|_| invalid())?;
        trust(&mut roots, &bundle).ok_or_else(invalid)?;
    }
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls(roots))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .no_proxy()
        .build()
        .map_err(|_| invalid())?;
    Ok(SharedHttpClient::new(OverReqwest(client)))
}

/// Adds the certificates of a PEM file that can be roots; `None` where it is no such file or holds none.
fn trust(roots: &mut RootCertStore, pem: &[u8]) -> Option<()> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let (added, _) = roots.add_parsable_certificates(certificates.ok()?);
    (added > 0).then_some(())
}

fn tls(roots: RootCertStore) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    #[expect(clippy::expect_used, reason = "ring speaks rustls' default versions; the tests build it")]
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3");
    config.with_root_certificates(roots).with_no_client_auth()
}

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Three tries.
pub fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(3)
}

/// 2 s for a connection, 5 s for each try.
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(Duration::from_secs(5))
        .build()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::mpsc;

    use super::*;

    fn env(pairs: &[(&'static str, &'static str)]) -> Environment {
        let pairs = pairs.to_vec();
        Environment::from_fn(move |name| {
            pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
        .unwrap()
    }

    const LAMBDAS: [(&str, &str); 3] =
        [("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret")];

    #[test]
    fn plain_http_is_for_local_alone() {
        for (stage, allowed) in [("local", true), ("dev", false), ("prod", false)] {
            for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_SSM"] {
                let endpoint = [("HASHCART_STAGE", stage), (name, "http://127.0.0.1:4566")];
                let aws = Aws::from_env(&env(&[LAMBDAS.as_slice(), &endpoint].concat()));
                assert_eq!(aws.is_ok(), allowed, "{stage} {name}");
            }
        }
    }

    /// An address where each connection is told of and closed.
    fn told_of() -> (String, mpsc::Receiver<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                tell.send(()).unwrap();
                drop(connection);
            }
        });
        (address, told)
    }

    #[tokio::test]
    async fn one_service_may_have_an_address_of_its_own() {
        let ((all, asked_all), (own, asked_own)) = (told_of(), told_of());
        let own = Environment::from_fn(move |name| match name {
            "HASHCART_STAGE" => Some("local".to_owned()),
            "AWS_ENDPOINT_URL" => Some(all.clone()),
            "AWS_ENDPOINT_URL_SQS" => Some(own.clone()),
            _ => LAMBDAS.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
        });
        let aws = Aws::from_env(&own.unwrap()).unwrap();
        let once = aws_sdk_sqs::config::Builder::new().retry_config(RetryConfig::disabled());
        aws.sqs().list_queues().customize().config_override(once).send().await.unwrap_err();
        assert!(asked_own.try_recv().is_ok() && asked_all.try_recv().is_err());
        let once = aws_sdk_ssm::config::Builder::new().retry_config(RetryConfig::disabled());
        aws.ssm().get_parameters().names("x").customize().config_override(once).send().await.unwrap_err();
        assert!(asked_own.try_recv().is_err() && asked_all.try_recv().is_ok());
    }

    #[test]
    fn what_lambda_sets_is_needed_and_named() {
        let stage = [("HASHCART_STAGE", "prod")];
        let aws = Aws::from_env(&env(&[LAMBDAS.as_slice(), &stage].concat())).unwrap();
        assert_eq!(aws.config().region().unwrap().as_ref(), "eu-west-1");
        assert_eq!(aws.config().endpoint_url(), None);
        for (at, name) in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].iter().enumerate() {
            let mut set = [LAMBDAS.as_slice(), &stage].concat();
            set.remove(at);
            let error = Aws::from_env(&env(&set)).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn five_roots_are_embedded() {
        assert_eq!(AMAZON_ROOTS.matches("-----BEGIN CERTIFICATE-----").count(), 5);
    }
}
