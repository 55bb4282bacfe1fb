//! What may carry requests in place of sockets.

use std::error::Error as StdError;
use std::pin::Pin;

/// A request in its whole.
pub type TransportRequest = ::http::Request<Vec<u8>>;
/// An answer in its whole.
pub type TransportResponse = ::http::Response<Vec<u8>>;

/// Carries requests to servers that aren't reached by sockets: the fault run drives hundreds of
/// thousands of them through one thread, whose clock stands still while it works. Deployed functions have
/// none and use HTTP.
///
/// The rules of which addresses may be reached, the limits of time and length and the redirects stay
/// where they are, before it.
pub trait Transport: Send + Sync + 'static {
    /// Sends one request; no redirect is followed here.
    fn send(&self, request: TransportRequest) -> Carried;
}

/// An answer under way.
pub type Carried = Pin<Box<dyn Future<Output = Result<TransportResponse, TransportError>> + Send>>;

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// No connection: the request never left.
    #[error("no connection")]
    NotConnected,
    /// The connection broke off before an answer.
    #[error("the connection broke off")]
    BrokenOff,
}

/// The cause of a request that failed on its way, whatever carried it.
pub(crate) type Cause = Box<dyn StdError + Send + Sync>;
