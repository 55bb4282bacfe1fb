//! Our own pages: what `account-link` and `cart-page` share. The [frame](page) of every page with its
//! style and [headers], [cookies](cookie) and the [session](site), [forms](fields) whose origin is
//! proven, the [boundary] that turns failures into pages, and the [release] of what was asked for
//! before an account was linked.
//!
//! Pages are rendered here and work without script. What changes anything is a POST of a form that
//! this browser was given; what a mail links to is a GET that changes nothing.
//!
//! Architecture invariant: of ours this crate imports `domain`, `lambda`, `store` and `messages`.

pub mod boundary;
pub mod cookie;
pub mod failure;
pub mod fields;
pub mod headers;
pub mod mail;
pub mod page;
pub mod release;
pub mod site;
pub mod words;

pub use cookie::Cookie;
pub use failure::Failure;
pub use fields::{Fields, Form};
pub use page::{Aside, Ask, AskAddress, Notice, Place, Way, Who};
pub use site::{HasSite, SESSION_KEPT, SignedIn, Site, Visit};
pub use words::Words;
