//! Hashtags, links and mentions in raw text, by the rules of twitter-text.
//!
//! The rules are those of twitter-text 3.1 (`rb/lib/twitter-text/regex.rb` and `extractor.rb`,
//! Apache-2.0), written by hand: each text is scanned a fixed number of times, whatever is in it, and
//! looking for hashtags allocates nothing. twitter-text's own conformance suite runs against this
//! module.
//!
//! Networks that give their own entities (X, Bluesky) are the judges of what a hashtag or a link is
//! there; this module is for texts that come alone, and for finding where in a text a tag stands.

mod chars;
mod fold;
mod hashtag;
mod mention;
mod tlds;
mod url;

pub use chars::digit;
pub(crate) use chars::is_far_letter;
pub use fold::{eq_folded, fold, is_folded};
pub use hashtag::{Hashtags, hashtags, hashtags_beside, is_hashtag};
pub use mention::mentions;
pub use url::{links, urls};

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

impl<'t> Entity<'t> {
    /// What stands at `span` of `text`, less the first `sigil` bytes.
    fn at(text: &'t str, span: Span, sigil: usize) -> Self {
        Self { text: text.get(span.start + sigil..span.end).unwrap_or_default(), span }
    }
}

/// Turns byte offsets of a text into offsets in Unicode code points, as people and other programs
/// count. Cheap when asked in ascending order.
#[derive(Clone, Debug)]
pub struct CodePoints<'t> {
    text: &'t str,
    byte: usize,
    count: usize,
}

impl<'t> CodePoints<'t> {
    /// Offsets in `text`.
    pub fn new(text: &'t str) -> Self {
        Self { text, byte: 0, count: 0 }
    }

    /// How many code points begin before the byte `at`.
    pub fn at(&mut self, at: usize) -> usize {
        if at < self.byte {
            (self.byte, self.count) = (0, 0);
        }
        let bytes = self.text.as_bytes().get(self.byte..at.min(self.text.len())).unwrap_or_default();
        self.count += bytes.iter().filter(|byte| !is_continuation(**byte)).count();
        self.byte += bytes.len();
        self.count
    }
}

fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

/// The character that ends right before the byte `at`.
fn char_before(text: &str, at: usize) -> Option<char> {
    text.get(..at)?.chars().next_back()
}

/// The character that begins at the byte `at`.
fn char_at(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

/// Behind the last of the characters from `at` on that all are `wanted`.
fn skip_while(text: &str, at: usize, wanted: impl Fn(char) -> bool) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.find(|c| !wanted(c)).map_or(text.len(), |length| at + length)
}
