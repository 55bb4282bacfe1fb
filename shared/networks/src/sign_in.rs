//! How a shopper proves that an account on a network is theirs.

use domain::ids::UserId;

use crate::generic::link::SignedLinks;
use crate::x::sign_in::XSignIn;

/// An account that a shopper has proven to be theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The account: stable.
    pub user: UserId,
    /// The handle without `@`, as it is now.
    pub handle: Option<String>,
}

/// A network's way to sign a shopper in.
#[derive(Clone, Copy, Debug)]
pub enum SignIn<'a> {
    /// The network sends its shopper's browser to us with a signed link.
    SignedLink(SignedLinks<'a>),
    /// OAuth 2.0 with PKCE: we send the browser there, and it comes back with a code.
    OAuth(XSignIn<'a>),
}
