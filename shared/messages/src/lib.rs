//! Everything Hashcart says: public replies, mails, and the texts of its pages.
//!
//! The words live in Fluent files under `locales/`, one folder per language, and are put into a few
//! layouts under `templates/`. What may be said where is decided in two places: [`voices()`] says for
//! each outcome whether it has a reply and a mail, [`public`] turns what a feed says of a product
//! into words that are safe in public.
//!
//! Architecture invariant: this crate imports `domain` only. Who the shopper is, whether the network
//! allows an answer and how it counts the length of a post come in as values.

mod account;
mod address;
mod format;
mod language;
mod lines;
pub mod mailer;
mod mime;
mod notice;
pub mod public;
mod reply;
mod text;
mod voices;

pub use account::{confirm_mail, sign_in_mail};
pub use address::{Address, AddressError};
pub use format::{date, money, price};
pub use language::Language;
pub use mime::{MailId, MailMessage, MimeError};
pub use notice::{MailLinks, Recipient, mail};
pub use reply::{ReplyRules, reply};
pub use text::{Arg, text};
pub use voices::{Reply, Voices, voices};
