//! Hashtags, links and mentions in raw text, by the rules of twitter-text.
//!
//! The rules are those of twitter-text 3.1 (`rb/lib/twitter-text/regex.rb`, Apache-2.0), written by
//! hand without regular expressions: scanning for hashtags allocates nothing. The conformance suite
//! of twitter-text runs against this module.

/// Where something stands in a text, in bytes: from the first byte to behind the last one, both on
/// character boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
}

/// A hashtag, link or mention in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entity<'t> {
    /// A hashtag without its `#`, a mention without its `@`, a link as written.
    pub text: &'t str,
    /// Where it stands, the `#` or `@` included.
    pub span: Span,
}
