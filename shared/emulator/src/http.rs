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
pub enum RequestError {
    /// There was no answer.
    #[error("the emulator didn't answer")]
    Http(#[from] reqwest::Error),
    /// The request can't be signed.
    #[error("the request can't be signed")]
    Signing(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer was a refusal.
    #[error("the emulator refused {path}: {status} {answer}")]
    Refused {
        /// What was asked for.
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

/// Signed requests to one account of an emulator.
#[derive(Debug)]
pub(crate) struct Signed {
    client: Client,
    credentials: Credentials,
    address: String,
}

/// A request that is to be signed.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// The service by its name in signatures: `s3`.
    pub(crate) service: &'static str,
    pub(crate) method: Method,
    /// The path with its query, beginning with a slash.
    pub(crate) path: &'a str,
    pub(crate) content_type: Option<&'static str>,
    /// What is asked for, where a service wants that in a header.
    pub(crate) target: Option<&'static str>,
    pub(crate) body: Vec<u8>,
}

impl Signed {
    pub(crate) fn new(account: &crate::Account) -> Result<Self, RequestError> {
        Ok(Self {
            client: client()?,
            credentials: account.credentials(),
            address: account.endpoint().to_owned(),
        })
    }

    /// Sends it and gives the answer's body.
    pub(crate) async fn send(&self, call: Call<'_>) -> Result<Vec<u8>, RequestError> {
        let url = format!("{}{}", self.address, call.path);
        let mut request = self.client.request(call.method, &url).body(call.body.clone()).build()?;
        for (name, value) in [("content-type", call.content_type), ("x-amz-target", call.target)] {
            if let Some(value) = value {
                request.headers_mut().insert(name, reqwest::header::HeaderValue::from_static(value));
            }
        }
        self.sign(&mut request, call.service, &call.body)?;
        let answer = self.client.execute(request).await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer.bytes().await?.into());
        }
        Err(RequestError::Refused {
            path: call.path.to_owned(),
            status,
            answer: answer.text().await.unwrap_or_default(),
        })
    }

    /// Signature version 4; for S3 as S3 wants it: the path as it is, the body left out.
    fn sign(&self, request: &mut Request, service: &'static str, body: &[u8]) -> Result<(), RequestError> {
        let signing = |error: Box<dyn std::error::Error + Send + Sync>| RequestError::Signing(error);
        let mut settings = SigningSettings::default();
        let mut signed_body = SignableBody::Bytes(body);
        if service == "s3" {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
            signed_body = SignableBody::UnsignedPayload;
        }
        let identity = self.credentials.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name(service)
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .map_err(|error| signing(error.into()))?;
        let url = request.url().to_string();
        let method = request.method().clone();
        let signable = SignableRequest::new(method.as_str(), &url, std::iter::empty(), signed_body)
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

/// Calls a function by its full name (`hashcart-local-notify`) with an event and returns its answer, or the
/// error that it ended with (`errorMessage`).
///
/// # Errors
/// When the emulator refuses or knows no such function.
pub async fn invoke(account: &crate::Account, function: &str, event: &str) -> Result<Vec<u8>, RequestError> {
    let path = format!("/2015-03-31/functions/{function}/invocations");
    let body = event.as_bytes().to_vec();
    let call =
        Call { service: "lambda", method: Method::POST, path: &path, content_type: None, target: None, body };
    Signed::new(account)?.send(call).await
}

/// Asks CloudWatch by its JSON protocol, `target` being such as `GraniteServiceVersion20100801.DescribeAlarms`.
/// The SDK's protocol is CBOR, for which MiniStack lacks a package unless it is installed beside it.
///
/// # Errors
/// When the emulator refuses, or doesn't answer.
pub async fn ask_cloudwatch(
    account: &crate::Account,
    target: &'static str,
    question: &str,
) -> Result<Vec<u8>, RequestError> {
    let call = Call {
        service: "monitoring",
        method: Method::POST,
        path: "/",
        content_type: Some("application/x-amz-json-1.0"),
        target: Some(target),
        body: question.as_bytes().to_vec(),
    };
    Signed::new(account)?.send(call).await
}

/// Puts objects into a bucket of the emulator's S3.
///
/// S3's own SDK is left out on purpose: two plain PUTs don't earn its compile time.
#[derive(Debug)]
pub(crate) struct Bucket {
    signed: Signed,
    name: String,
}

impl Bucket {
    /// Creates the bucket unless it is there.
    pub(crate) async fn open(account: &crate::Account, name: String) -> Result<Self, RequestError> {
        let bucket = Self { signed: Signed::new(account)?, name };
        match bucket.put_path(&format!("/{}", bucket.name), Vec::new()).await {
            // S3's answer to a second creation by the same owner outside us-east-1; MiniStack's may change.
            Err(RequestError::Refused { status, .. }) if status == StatusCode::CONFLICT => Ok(bucket),
            Err(error) => Err(error),
            Ok(()) => Ok(bucket),
        }
    }

    /// Stores an object and returns its `s3://` address.
    pub(crate) async fn put(&self, key: &str, content: Vec<u8>) -> Result<String, RequestError> {
        self.put_path(&format!("/{}/{key}", self.name), content).await?;
        Ok(format!("s3://{}/{key}", self.name))
    }

    /// The `http://` address of an object.
    pub(crate) fn address_of(&self, key: &str) -> String {
        format!("{}/{}/{key}", self.signed.address, self.name)
    }

    async fn put_path(&self, path: &str, body: Vec<u8>) -> Result<(), RequestError> {
        let call = Call { service: "s3", method: Method::PUT, path, content_type: None, target: None, body };
        self.signed.send(call).await.map(drop)
    }
}
