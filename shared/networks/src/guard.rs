//! The one client for whatever a post can name: a short link, or a post on a network that an operator
//! runs. It must never become a way into somebody's private network.
//!
//! https only, default ports only, no user names in addresses; the host's addresses are checked after
//! DNS and each redirect is checked anew; at most [`MAX_REDIRECTS`] redirects, [`TIME`] in all and
//! [`BODY_LIMIT`] bytes; no cookies, no proxy. Only the stage `local` may, beside that, use plain http
//! to its own port on this machine.

use std::error::Error as StdError;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ::http::header::{ACCEPT, LOCATION};
use domain::Retryable;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::http::{Reach, USER_AGENT, is_this_machine, read_at_most, tls, uri};
use crate::transport::{Cause, Transport, TransportResponse};

/// The most redirects that are followed.
pub const MAX_REDIRECTS: usize = 5;
/// The time that a request may take with all its redirects.
pub const TIME: Duration = Duration::from_secs(3);
/// The most that is read of an answer, in bytes.
pub const BODY_LIMIT: usize = 256 * 1024;

/// Why a guarded request was not made or failed.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The address itself is not allowed.
    #[error("the address is not allowed: {0}")]
    Refused(Refusal),
    /// More than [`MAX_REDIRECTS`] redirects.
    #[error("too many redirects")]
    TooManyRedirects,
    /// A redirect without an address that can be read.
    #[error("a redirect leads nowhere")]
    BadRedirect,
    /// A short link that does not redirect.
    #[error("the short link does not redirect (status {status})")]
    NoRedirect {
        /// The HTTP status.
        status: u16,
    },
    /// Longer than [`BODY_LIMIT`].
    #[error("the answer is too long")]
    TooLong,
    /// Not done within [`TIME`].
    #[error("no answer in time")]
    TimedOut,
    /// The server can't be reached or broke off.
    #[error("no answer")]
    Unanswered(#[source] Cause),
    /// The server failed or throttles.
    #[error("the server failed with status {status}")]
    Failed {
        /// The HTTP status.
        status: u16,
    },
    /// The HTTP client could not be made.
    #[error("the HTTP client can't be made")]
    Client(#[source] reqwest::Error),
}

/// Why an address is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not https.
    Scheme,
    /// A port of its own.
    Port,
    /// A user name or a password in it.
    UserInfo,
    /// A host that is not on the list.
    Host,
    /// An address that is not public: this machine, a private network, a reserved block.
    NotPublic,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "not https",
            Self::Port => "not the default port",
            Self::UserInfo => "it names a user",
            Self::Host => "the host is not on the list",
            Self::NotPublic => "not a public address",
        })
    }
}

impl Retryable for GuardError {
    fn retryable(&self) -> bool {
        match self {
            Self::TimedOut | Self::Unanswered(_) | Self::Failed { .. } | Self::Client(_) => true,
            Self::Refused(_)
            | Self::TooManyRedirects
            | Self::BadRedirect
            | Self::NoRedirect { .. }
            | Self::TooLong => false,
        }
    }
}

/// What a guarded request brought.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Where it came from in the end.
    pub url: Url,
    /// The HTTP status; never a redirect.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Which hosts a guarded request may reach.
#[derive(Clone, Copy, Debug)]
pub enum Hosts<'a> {
    /// Any host with a public address.
    Public,
    /// Only these hosts (exact names, lower case), and still only at public addresses.
    Only(&'a [String]),
}

/// The guarded client; made with the first request.
pub struct Guard {
    reach: Reach,
    resolver: Arc<dyn Resolve>,
    client: OnceLock<reqwest::Client>,
    transport: Option<Arc<dyn Transport>>,
}

/// What one request of a chain of redirects brought.
enum Hop {
    Sockets(reqwest::Response),
    Whole(TransportResponse),
}

impl Hop {
    fn status(&self) -> u16 {
        match self {
            Self::Sockets(response) => response.status().as_u16(),
            Self::Whole(response) => response.status().as_u16(),
        }
    }

    fn headers(&self) -> &::http::HeaderMap {
        match self {
            Self::Sockets(response) => response.headers(),
            Self::Whole(response) => response.headers(),
        }
    }

    async fn body(self) -> Result<Vec<u8>, GuardError> {
        match self {
            Self::Sockets(response) => read_at_most(response, BODY_LIMIT)
                .await
                .map_err(|error| GuardError::Unanswered(error.into()))?
                .ok_or(GuardError::TooLong),
            Self::Whole(response) if response.body().len() > BODY_LIMIT => Err(GuardError::TooLong),
            Self::Whole(response) => Ok(response.into_body()),
        }
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("reach", &self.reach).finish_non_exhaustive()
    }
}

impl Guard {
    /// A guard with the system's DNS.
    pub fn new(reach: Reach) -> Self {
        Self::with_resolver(reach, Arc::new(SystemDns))
    }

    /// A guard that asks `resolver` for addresses; what it answers is checked like any other answer.
    pub fn with_resolver(reach: Reach, resolver: Arc<dyn Resolve>) -> Self {
        Self { reach, resolver, client: OnceLock::new(), transport: None }
    }

    /// A guard whose requests `transport` carries: what DNS would say is never asked.
    pub fn with_transport(reach: Reach, transport: Arc<dyn Transport>) -> Self {
        Self { transport: Some(transport), ..Self::new(reach) }
    }

    /// Whether `url` may be requested, as far as can be said before DNS.
    ///
    /// # Errors
    /// [`GuardError::Refused`] with the reason.
    pub fn check(&self, url: &Url, hosts: Hosts<'_>) -> Result<(), GuardError> {
        self.refusal(url, hosts).map_or(Ok(()), |refusal| Err(GuardError::Refused(refusal)))
    }

    fn refusal(&self, url: &Url, hosts: Hosts<'_>) -> Option<Refusal> {
        if !url.username().is_empty() || url.password().is_some() {
            return Some(Refusal::UserInfo);
        }
        if let Hosts::Only(list) = hosts
            && !url
                .host_str()
                .is_some_and(|host| list.iter().any(|allowed| allowed.eq_ignore_ascii_case(host)))
        {
            return Some(Refusal::Host);
        }
        if self.is_own_port(url) {
            return None;
        }
        if url.scheme() != "https" {
            return Some(Refusal::Scheme);
        }
        if url.port().is_some() {
            return Some(Refusal::Port);
        }
        // Literal addresses never reach the resolver. `url` has turned decimal, octal and hexadecimal
        // forms of IPv4 into the plain one by now (WHATWG URL, "host parsing").
        match url.host() {
            Some(Host::Ipv4(address)) if !is_public_v4(address) => Some(Refusal::NotPublic),
            Some(Host::Ipv6(address)) if !is_public_v6(address) => Some(Refusal::NotPublic),
            Some(_) => None,
            None => Some(Refusal::Host),
        }
    }

    fn is_own_port(&self, url: &Url) -> bool {
        match self.reach {
            Reach::Public => false,
            Reach::Local { own_port } => {
                url.scheme() == "http"
                    && is_this_machine(url)
                    && url.port_or_known_default() == Some(own_port)
            }
        }
    }

    /// Gets `url`, following redirects, and reads the answer whatever its status.
    ///
    /// # Errors
    /// See [`GuardError`]; a status of 4xx or 5xx is not an error here.
    pub async fn get(&self, url: &Url, hosts: Hosts<'_>, accept: &str) -> Result<Fetched, GuardError> {
        in_time(async {
            let mut url = url.clone();
            for _ in 0..=MAX_REDIRECTS {
                let response = self.hop(&url, hosts, accept).await?;
                match redirect(&url, &response)? {
                    Some(next) => url = next,
                    None => {
                        let status = response.status();
                        return Ok(Fetched { url, status, body: response.body().await? });
                    }
                }
            }
            Err(GuardError::TooManyRedirects)
        })
        .await
    }

    /// Follows the short link `url` while its host is one of `shorteners`, and answers the first
    /// address beyond them. That one is never requested, so only the shorteners are ever spoken to.
    ///
    /// # Errors
    /// See [`GuardError`]. A host outside of `shorteners` at the start is refused.
    pub async fn resolve_short_link(&self, url: &Url, shorteners: &[String]) -> Result<Url, GuardError> {
        let is_shortener = |url: &Url| {
            url.host_str().is_some_and(|host| shorteners.iter().any(|short| short.eq_ignore_ascii_case(host)))
        };
        in_time(async {
            let mut url = upgraded(url.clone());
            for _ in 0..MAX_REDIRECTS {
                let response = self.hop(&url, Hosts::Only(shorteners), "*/*").await?;
                let status = response.status();
                match redirect(&url, &response)? {
                    Some(next) if is_shortener(&next) => url = upgraded(next),
                    Some(next) => return Ok(next),
                    None if status == 429 || status >= 500 => return Err(GuardError::Failed { status }),
                    None => return Err(GuardError::NoRedirect { status }),
                }
            }
            Err(GuardError::TooManyRedirects)
        })
        .await
    }

    async fn hop(&self, url: &Url, hosts: Hosts<'_>, accept: &str) -> Result<Hop, GuardError> {
        self.check(url, hosts)?;
        if let Some(transport) = &self.transport {
            let mut request = ::http::Request::new(Vec::new());
            *request.uri_mut() = uri(url);
            if let Ok(accept) = ::http::HeaderValue::from_str(accept) {
                request.headers_mut().insert(ACCEPT, accept);
            }
            let carried = transport.send(request).await;
            return carried.map(Hop::Whole).map_err(|error| GuardError::Unanswered(error.into()));
        }
        let request = self.client()?.get(url.clone()).header(ACCEPT, accept);
        request.send().await.map(Hop::Sockets).map_err(|error| {
            let error = error.without_url();
            if is_not_public(&error) {
                GuardError::Refused(Refusal::NotPublic)
            } else {
                GuardError::Unanswered(error.into())
            }
        })
    }

    fn client(&self) -> Result<&reqwest::Client, GuardError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls())
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .user_agent(USER_AGENT)
            // A connection that stays open would skip the check of a later answer by DNS.
            .pool_max_idle_per_host(0)
            .dns_resolver(Arc::new(PublicOnly {
                local: matches!(self.reach, Reach::Local { .. }),
                resolver: Arc::clone(&self.resolver),
            }))
            .build()
            .map_err(GuardError::Client)?;
        Ok(self.client.get_or_init(|| client))
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, GuardError>>) -> Result<T, GuardError> {
    tokio::time::timeout(TIME, work).await.unwrap_or(Err(GuardError::TimedOut))
}

/// Shorteners print their links with `http` still; all of them answer on https.
fn upgraded(mut url: Url) -> Url {
    if url.scheme() == "http" && url.port().is_none() && !is_this_machine(&url) {
        // Between special schemes this can't fail; if it did, the check would refuse plain http.
        let _ = url.set_scheme("https");
    }
    url
}

fn redirect(from: &Url, response: &Hop) -> Result<Option<Url>, GuardError> {
    if !matches!(response.status(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location =
        response.headers().get(LOCATION).and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
    let next = location.and_then(|location| from.join(location).ok()).ok_or(GuardError::BadRedirect)?;
    Ok(Some(next))
}

/// DNS that lets public addresses through only. A name with one private address among public ones is
/// refused whole: which of them is used would be chance.
struct PublicOnly {
    local: bool,
    resolver: Arc<dyn Resolve>,
}

#[derive(Debug, thiserror::Error)]
#[error("the name leads to an address that is not public")]
struct NotPublic;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let own = self.local && name.as_str() == "localhost";
        let answer = self.resolver.resolve(name);
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = answer.await?.collect();
            if !own && !addresses.iter().all(|address| is_public(address.ip())) {
                return Err(NotPublic.into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

fn is_not_public(error: &(dyn StdError + 'static)) -> bool {
    let mut source = Some(error);
    while let Some(error) = source {
        if error.is::<NotPublic>() {
            return true;
        }
        source = error.source();
    }
    false
}

/// The system's DNS.
struct SystemDns;

impl Resolve for SystemDns {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is on the public internet (IANA's special-purpose address registries).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// The blocks of the IPv4 special-purpose registry that are not globally reachable, with multicast
/// and the reserved class E: network and length of the prefix.
const RESERVED_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let within = |&(network, length): &(Ipv4Addr, u32)| {
        let mask = u32::MAX << (32 - length);
        address.to_bits() & mask == network.to_bits()
    };
    !RESERVED_V4.iter().any(within)
}

/// The blocks inside of `2000::/3` that are not for us: IETF protocol assignments with Teredo, 6to4
/// (both hold an IPv4 address), and documentation.
const RESERVED_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Only global unicast, `2000::/3`. That leaves out mapped and compatible IPv4 addresses, NAT64, unique
/// local, link-local and multicast addresses.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let within = |&(network, length): &(Ipv6Addr, u32)| {
        let mask = u128::MAX << (128 - length);
        address.to_bits() & mask == network.to_bits()
    };
    address.to_bits() >> 125 == 1 && !RESERVED_V6.iter().any(within)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        let public = ["1.1.1.1", "8.8.8.8", "100.63.0.1", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"];
        for address in public {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        let private = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "::8.8.8.8",
            "64:ff9b::8.8.8.8",
            "fc00::1",
            "fe80::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fec0::1",
        ];
        for address in private {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }
}
