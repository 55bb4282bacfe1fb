//! HTTP to the addresses that the configuration names: the networks' APIs.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use domain::Retryable as _;
use domain::time::Timestamp;
use url::{Host, Url};

use crate::error::NetworkError;
use crate::guard::Guard;
use crate::transport::{Transport, TransportError, TransportResponse};

/// The whole time that one request to an API may take.
const TIMEOUT: Duration = Duration::from_secs(8);
/// The part of it that the connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The most that is read of an API's answer, in bytes.
const ANSWER_LIMIT: usize = 1024 * 1024;
/// The pauses before a request that surely had no effect is sent again.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];
/// The longest that a throttled request waits here; for longer it goes back to its queue.
const PATIENCE: Duration = Duration::from_secs(1);

/// Which addresses may be reached at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every stage but `local`: https only, and of what a post names public addresses only.
    Public,
    /// The stack on one machine: beside that, plain http to this machine. Configured addresses may
    /// use any port of it, what a post names only `own_port`.
    Local {
        /// The port that the stack itself is reached at.
        own_port: u16,
    },
}

impl Reach {
    /// The reach of a stage: `local`, with the port of `public_url`, or any other.
    pub fn of_stage(stage: &str, public_url: &Url) -> Self {
        match (stage, public_url.port_or_known_default()) {
            ("local", Some(own_port)) => Self::Local { own_port },
            _ => Self::Public,
        }
    }

    /// Whether a configured address may be used.
    fn allows_configured(&self, url: &Url) -> bool {
        match (self, url.scheme()) {
            (_, "https") => true,
            (Self::Local { .. }, "http") => is_this_machine(url),
            _ => false,
        }
    }
}

/// Whether the host of `url` is this machine itself.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// HTTP clients, made with the first request and shared by all networks, and the clock that signed
/// requests carry the time of. Cloning is cheap.
#[derive(Clone)]
pub struct Http(Arc<Inner>);

struct Inner {
    reach: Reach,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    client: OnceLock<reqwest::Client>,
    transport: Option<Arc<dyn Transport>>,
    guard: Guard,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("reach", &self.0.reach).finish_non_exhaustive()
    }
}

impl Http {
    /// HTTP within `reach`, with the time as `clock` says it.
    pub fn new(reach: Reach, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self::made(reach, clock, None)
    }

    /// The same with `transport` in place of sockets.
    pub fn with_transport(
        reach: Reach,
        transport: Arc<dyn Transport>,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        Self::made(reach, clock, Some(transport))
    }

    fn made(
        reach: Reach,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
        transport: Option<Arc<dyn Transport>>,
    ) -> Self {
        let guard = match &transport {
            None => Guard::new(reach.clone()),
            Some(transport) => Guard::with_transport(reach.clone(), Arc::clone(transport)),
        };
        Self(Arc::new(Inner { reach, clock: Box::new(clock), client: OnceLock::new(), transport, guard }))
    }

    /// The client for whatever a post can name.
    pub fn guard(&self) -> &Guard {
        &self.0.guard
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.0.clock)()
    }

    fn client(&self) -> Result<&reqwest::Client, NetworkError> {
        if let Some(client) = self.0.client.get() {
            return Ok(client);
        }
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls())
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .user_agent(USER_AGENT)
            .no_proxy()
            .build()
            .map_err(NetworkError::Client)?;
        Ok(self.0.client.get_or_init(|| client))
    }

    /// Sends one request to a configured address and reads the whole answer.
    pub(crate) async fn send(&self, call: &Call<'_>) -> Result<Answer, NetworkError> {
        if !self.0.reach.allows_configured(call.url) {
            return Err(NetworkError::Address(call.setting));
        }
        match &self.0.transport {
            None => self.send_by_sockets(call).await,
            Some(transport) => {
                let carried = transport.send(call.whole());
                match tokio::time::timeout(TIMEOUT, carried).await {
                    Ok(Ok(answered)) => Answer::of(answered),
                    Ok(Err(error @ TransportError::NotConnected)) => Err(NetworkError::NotSent(error.into())),
                    Ok(Err(error @ TransportError::BrokenOff)) => Err(NetworkError::Unanswered(error.into())),
                    Err(late) => Err(NetworkError::Unanswered(late.into())),
                }
            }
        }
    }

    async fn send_by_sockets(&self, call: &Call<'_>) -> Result<Answer, NetworkError> {
        let mut request = self.client()?.request(call.method.clone(), call.url.clone());
        for (name, value) in call.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = call.body {
            request = request.body(body.to_vec());
        }
        let response = request.send().await.map_err(|error| {
            let error = error.without_url();
            if error.is_connect() {
                NetworkError::NotSent(error.into())
            } else {
                NetworkError::Unanswered(error.into())
            }
        })?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = read_at_most(response, ANSWER_LIMIT)
            .await
            .map_err(|error| NetworkError::Unanswered(error.into()))?
            .ok_or_else(too_long)?;
        Ok(Answer { status, headers, body })
    }
}

/// How we introduce ourselves.
pub(crate) const USER_AGENT: &str = concat!("Hashcart/", env!("CARGO_PKG_VERSION"));

/// A request to a configured address.
pub(crate) struct Call<'a> {
    pub(crate) method: ::http::Method,
    pub(crate) url: &'a Url,
    /// The setting that the address comes from, for the error.
    pub(crate) setting: &'static str,
    pub(crate) headers: &'a [(&'static str, String)],
    pub(crate) body: Option<&'a [u8]>,
}

impl Call<'_> {
    /// The request as a transport takes it.
    fn whole(&self) -> ::http::Request<Vec<u8>> {
        let mut request = ::http::Request::new(self.body.unwrap_or_default().to_vec());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri(self.url);
        for (name, value) in self.headers {
            if let Ok(value) = ::http::HeaderValue::from_str(value) {
                request.headers_mut().insert(*name, value);
            }
        }
        request
    }
}

/// An address as the request of a transport carries it. What `url` has read, `http` reads too.
pub(crate) fn uri(url: &Url) -> ::http::Uri {
    url.as_str().parse().unwrap_or_default()
}

fn too_long() -> NetworkError {
    NetworkError::Unreadable(crate::ParseError::invalid(".", "answer too long"))
}

/// An API's answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: ::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn of(answered: TransportResponse) -> Result<Self, NetworkError> {
        let (parts, body) = answered.into_parts();
        if body.len() > ANSWER_LIMIT {
            return Err(too_long());
        }
        Ok(Self { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    /// The error that the status stands for where networks agree; each network looks at the statuses
    /// that mean something of their own to it first.
    pub(crate) fn error(&self, now: Timestamp) -> Option<NetworkError> {
        match self.status {
            200..=299 => None,
            401 => Some(NetworkError::Unauthorized { status: self.status }),
            408 => Some(NetworkError::Failed { status: self.status }),
            429 => Some(NetworkError::Throttled { retry_after: self.retry_after(now) }),
            300..=499 => Some(NetworkError::Refused { status: self.status }),
            _ => Some(NetworkError::Failed { status: self.status }),
        }
    }

    /// `Retry-After` in seconds (RFC 9110 §10.2.3), or X's `x-rate-limit-reset`, a Unix time.
    pub(crate) fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        let number = |name| self.headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        number("retry-after")
            .map(Duration::from_secs)
            .or_else(|| number("x-rate-limit-reset").map(|at| Timestamp::from_seconds(at).since(now)))
    }
}

/// Runs `request` again after a pause while `again` says that its failure allows it; a throttled
/// request only if the network asks for a short pause.
pub(crate) async fn with_retries<T, F>(
    again: impl Fn(&NetworkError) -> bool,
    request: impl Fn() -> F,
) -> Result<T, NetworkError>
where
    F: Future<Output = Result<T, NetworkError>>,
{
    for pause in PAUSES {
        let error = match request().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let pause = match &error {
            NetworkError::Throttled { retry_after } => retry_after.unwrap_or(PATIENCE),
            _ => pause,
        };
        if !again(&error) || pause > PATIENCE {
            return Err(error);
        }
        tokio::time::sleep(pause).await;
    }
    request().await
}

/// Whether the request surely never took effect and may do so soon: no connection, or throttled.
pub(crate) fn never_sent(error: &NetworkError) -> bool {
    matches!(error, NetworkError::NotSent(_) | NetworkError::Throttled { .. })
}

/// Whether the failure may be over in a moment: not one that an operator has to mend. For requests that
/// may be repeated whatever became of them.
pub(crate) fn may_pass(error: &NetworkError) -> bool {
    let for_an_operator = matches!(error, NetworkError::Unconfigured(_) | NetworkError::Unauthorized { .. });
    error.retryable() && !for_an_operator
}

/// The body of `response`, or `None` when it is longer than `limit` bytes. No more than that is read.
pub(crate) async fn read_at_most(
    mut response: reqwest::Response,
    limit: usize,
) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
        if body.len() + chunk.len() > limit {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// TLS by ring with Mozilla's roots, which are compiled in.
pub(crate) fn tls() -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    #[expect(clippy::expect_used, reason = "ring speaks rustls' default versions; the test below builds it")]
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3");
    config.with_root_certificates(roots).with_no_client_auth()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn tls_can_be_set_up() {
        assert!(tls().alpn_protocols.is_empty());
    }

    #[test]
    fn only_the_stage_local_may_use_plain_http() {
        let public_url = url("http://localhost:8787");
        for stage in ["dev", "prod", "staging", "local2", "Local", ""] {
            let reach = Reach::of_stage(stage, &public_url);
            assert_eq!(reach, Reach::Public, "{stage}");
            assert!(!reach.allows_configured(&url("http://127.0.0.1:9000/")), "{stage}");
            assert!(reach.allows_configured(&url("https://api.x.com/")), "{stage}");
        }
        let local = Reach::of_stage("local", &public_url);
        assert_eq!(local, Reach::Local { own_port: 8787 });
        assert!(local.allows_configured(&url("http://127.0.0.1:9000/")));
        assert!(local.allows_configured(&url("http://[::1]:9000/")));
        assert!(!local.allows_configured(&url("http://api.x.com/")));
    }
}
