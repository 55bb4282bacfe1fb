//! Plain HTTP to the emulator, for what no SDK is needed for.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use reqwest::{Client, Method, Request, StatusCode};

use crate::account::REGION;

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Why a request to the emulator failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UploadError {
    /// There was no answer.
    #[error("the emulator didn't answer")]
    Http(#[from] reqwest::Error),
    /// The request can't be signed.
    #[error("the request can't be signed")]
    Signing(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer was a refusal.
    #[error("the emulator's object store refused {path}: {status} {answer}")]
    Refused {
        /// The bucket or object.
        path: String,
        /// The HTTP status.
        status: StatusCode,
        /// What the answer's body said.
        answer: String,
    },
}

/// A client for this machine: no proxy, no certificates.
fn client() -> reqwest::Result<Client> {
    // reqwest wants a provider even for plain HTTP; if one is set already, it may stay.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().tls_certs_only([]).timeout(TIMEOUT).build()
}

/// Whether an emulator on this port says that it is up.
pub(crate) async fn is_ready(port: u16) -> bool {
    let Ok(client) = client() else { return false };
    let address = format!("http://127.0.0.1:{port}/_ministack/health");
    matches!(client.get(address).send().await, Ok(answer) if answer.status().is_success())
}

/// Puts objects into a bucket of the emulator's S3.
///
/// S3's own SDK is left out on purpose: two plain PUTs don't earn its compile time.
#[derive(Debug)]
pub(crate) struct Bucket {
    client: Client,
    credentials: Credentials,
    address: String,
    name: String,
}

impl Bucket {
    /// Creates the bucket unless it is there.
    pub(crate) async fn open(account: &crate::Account, name: String) -> Result<Self, UploadError> {
        let bucket = Self {
            client: client()?,
            credentials: account.credentials(),
            address: account.endpoint().to_owned(),
            name,
        };
        match bucket.put_path(&format!("/{}", bucket.name), Vec::new()).await {
            // S3's answer to a second creation by the same owner outside us-east-1; MiniStack's may change.
            Err(UploadError::Refused { status, .. }) if status == StatusCode::CONFLICT => Ok(bucket),
            Err(error) => Err(error),
            Ok(()) => Ok(bucket),
        }
    }

    /// Stores an object and returns its `s3://` address.
    pub(crate) async fn put(&self, key: &str, content: Vec<u8>) -> Result<String, UploadError> {
        self.put_path(&format!("/{}/{key}", self.name), content).await?;
        Ok(format!("s3://{}/{key}", self.name))
    }

    /// The `http://` address of an object.
    pub(crate) fn address_of(&self, key: &str) -> String {
        format!("{}/{}/{key}", self.address, self.name)
    }

    async fn put_path(&self, path: &str, content: Vec<u8>) -> Result<(), UploadError> {
        let url = format!("{}{path}", self.address);
        let mut request = self.client.put(&url).body(content).build()?;
        self.sign(&mut request)?;
        let answer = self.client.execute(request).await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        Err(UploadError::Refused {
            path: path.to_owned(),
            status,
            answer: answer.text().await.unwrap_or_default(),
        })
    }

    /// Signature version 4 the way S3 wants it: the path as it is, the body left out.
    fn sign(&self, request: &mut Request) -> Result<(), UploadError> {
        let signing = |error: Box<dyn std::error::Error + Send + Sync>| UploadError::Signing(error);
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let identity = self.credentials.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name("s3")
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .map_err(|error| signing(error.into()))?;
        let url = request.url().to_string();
        let signable = SignableRequest::new(
            Method::PUT.as_str(),
            &url,
            std::iter::empty(),
            SignableBody::UnsignedPayload,
        )
        .map_err(|error| signing(error.into()))?;
        let (instructions, _) =
            sign(signable, &params.into()).map_err(|error| signing(error.into()))?.into_parts();
        for (name, value) in instructions.headers() {
            let value =
                value.parse().map_err(|error: reqwest::header::InvalidHeaderValue| signing(error.into()))?;
            let name = reqwest::header::HeaderName::from_bytes(name.as_bytes())
                .map_err(|error| signing(error.into()))?;
            request.headers_mut().insert(name, value);
        }
        Ok(())
    }
}
