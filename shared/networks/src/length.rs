//! How long a reply may be, by each network's own count.

use unicode_normalization::UnicodeNormalization as _;
use unicode_properties::UnicodeEmoji as _;
use unicode_segmentation::UnicodeSegmentation as _;

use crate::words;

/// A network's way to count a text, with the most that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LengthRule {
    /// X: 280, weighted by twitter-text's configuration v3: letters of most alphabets count 1, of
    /// others 2, an emoji 2, a link 23, all after NFC.
    Weighted280,
    /// This many graphemes: what a reader takes for one character (Bluesky).
    Graphemes(usize),
    /// This many UTF-16 code units (Telegram).
    Utf16(usize),
}

/// X's limit (twitter-text `config/v3.json`: `maxWeightedTweetLength`).
const WEIGHTED_LIMIT: usize = 280;
/// What any link counts (`transformedURLLength`).
const LINK_WEIGHT: usize = 23;
/// What a character counts outside of the light ranges (`defaultWeight` by `scale`).
const HEAVY: usize = 2;

impl LengthRule {
    /// How long `text` is by this count.
    pub fn count(self, text: &str) -> usize {
        match self {
            Self::Weighted280 => weighted(text),
            Self::Graphemes(_) => text.graphemes(true).count(),
            Self::Utf16(_) => text.encode_utf16().count(),
        }
    }

    /// The most that it may be.
    pub fn limit(self) -> usize {
        match self {
            Self::Weighted280 => WEIGHTED_LIMIT,
            Self::Graphemes(limit) | Self::Utf16(limit) => limit,
        }
    }

    /// Whether `text` is short enough.
    pub fn fits(self, text: &str) -> bool {
        self.count(text) <= self.limit()
    }
}

fn weighted(text: &str) -> usize {
    let text: String = text.nfc().collect();
    let links = words::link_spans(&text);
    let mut count = links.len() * LINK_WEIGHT;
    let mut from = 0;
    for (start, end) in links.into_iter().chain([(text.len(), text.len())]) {
        count += text.get(from..start).map_or(0, weighted_plain);
        from = end;
    }
    count
}

fn weighted_plain(text: &str) -> usize {
    text.graphemes(true).map(weighted_grapheme).sum()
}

/// One emoji counts as one heavy character, however many code points it is made of
/// (`emojiParsingEnabled`); of anything else each code point counts.
fn weighted_grapheme(grapheme: &str) -> usize {
    if is_emoji(grapheme) { HEAVY } else { grapheme.chars().map(weight).sum() }
}

/// The ranges of weight 100 in `config/v3.json`.
fn weight(c: char) -> usize {
    match u32::from(c) {
        0..=4351 | 8192..=8205 | 8208..=8223 | 8242..=8247 => 1,
        _ => HEAVY,
    }
}

/// Asks for an emoji's colourful form (UTS #51).
const EMOJI_STYLE: char = '\u{fe0f}';
/// Asks for its plain form.
const TEXT_STYLE: char = '\u{fe0e}';
/// Makes a keycap of a digit.
const KEYCAP: char = '\u{20e3}';

fn is_emoji(grapheme: &str) -> bool {
    let mut chars = grapheme.chars();
    let (Some(first), second) = (chars.next(), chars.next()) else { return false };
    if grapheme.contains(KEYCAP) {
        return first.is_emoji_char();
    }
    // Digits, `#` and `*` are "emoji" only as part of a keycap.
    first.is_emoji_char()
        && !first.is_ascii()
        && second != Some(TEXT_STYLE)
        && (!matches!(first, '©' | '®' | '™') || second == Some(EMOJI_STYLE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_each_rule() {
        let text = "héllo 👨‍👩‍👧 世界";
        assert_eq!(LengthRule::Weighted280.count(text), 6 + 2 + 1 + 4);
        assert_eq!(LengthRule::Graphemes(300).count(text), 10);
        assert_eq!(LengthRule::Utf16(4096).count(text), 6 + 8 + 1 + 2);
        assert!(LengthRule::Weighted280.fits(&"a".repeat(280)));
        assert!(!LengthRule::Weighted280.fits(&"a".repeat(281)));
        assert!(LengthRule::Weighted280.fits(&"世".repeat(140)));
        assert!(!LengthRule::Weighted280.fits(&"世".repeat(141)));
        assert!(LengthRule::Graphemes(3).fits("e\u{301}e\u{301}e\u{301}"));
    }
}
