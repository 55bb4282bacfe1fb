//! Character classes of twitter-text (`rb/lib/twitter-text/regex.rb`).

use unicode_normalization::char::is_combining_mark;

/// A letter or mark by Unicode's general category, as a hashtag needs at least one.
pub(super) fn is_letter_or_mark(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphabetic();
    }
    is_common_letter(c)
        || (!is_common_sign(c)
            && (is_combining_mark(c)
                || (c.is_alphabetic() && !c.is_numeric() && !is_enclosed_letter(c))
                || is_private_letter(c)))
}

/// Letters of long blocks without anything else in them, told without a table: accented Latin, Greek,
/// and those of [`is_far_letter`].
fn is_common_letter(c: char) -> bool {
    matches!(
        c,
        '\u{C0}'..='\u{D6}'
            | '\u{D8}'..='\u{F6}'
            | '\u{F8}'..='\u{24F}'
            | '\u{38E}'..='\u{3A1}'
            | '\u{3A3}'..='\u{3CE}'
            | '\u{400}'..='\u{481}'
            | '\u{671}'..='\u{6D3}'
            | '\u{1E00}'..='\u{1EFF}'
            | '\u{3131}'..='\u{3163}'
            | '\u{3400}'..='\u{4DBF}'
            | '\u{FF21}'..='\u{FF3A}'
            | '\u{FF41}'..='\u{FF5A}'
            | '\u{FF66}'..='\u{FF9D}'
            | '\u{20000}'..='\u{2A6DF}'
    ) || is_far_letter(c)
}

/// Letters that no word of a Latin script folds to or from: Greek, Cyrillic, Hebrew, Arabic, Devanagari,
/// Thai, kana, Chinese, Hangul. What is common of them, and sure.
pub(crate) fn is_far_letter(c: char) -> bool {
    matches!(
        c,
        '\u{3B1}'..='\u{3C9}'
            | '\u{410}'..='\u{44F}'
            | '\u{5D0}'..='\u{5EA}'
            | '\u{620}'..='\u{64A}'
            | '\u{904}'..='\u{939}'
            | '\u{E01}'..='\u{E30}'
            | '\u{3041}'..='\u{3096}'
            | '\u{30A1}'..='\u{30FA}'
            | '\u{30FC}'..='\u{30FE}'
            | '\u{4E00}'..='\u{9FFF}'
            | '\u{AC00}'..='\u{D7A3}'
    )
}

/// Signs of long blocks without any letter in them, told without a table: punctuation, arrows, pictures.
fn is_common_sign(c: char) -> bool {
    matches!(c, '\u{2010}'..='\u{2070}' | '\u{2190}'..='\u{245F}' | '\u{2500}'..='\u{2BFF}' | '\u{3000}'..='\u{3004}' | '\u{FF01}'..='\u{FF0F}' | '\u{1F200}'..='\u{1FAFF}')
}

/// `Alphabetic` to Unicode, but symbols by category: Ⓐ, 🄰, 🅐, 🅰.
fn is_enclosed_letter(c: char) -> bool {
    matches!(c, '\u{24B6}'..='\u{24E9}' | '\u{1F130}'..='\u{1F149}' | '\u{1F150}'..='\u{1F169}' | '\u{1F170}'..='\u{1F189}')
}

/// Characters of a private area that twitter-text takes for letters (Apple's transcoding hints).
fn is_private_letter(c: char) -> bool {
    matches!(
        c,
        '\u{F870}'..='\u{F87F}'
            | '\u{F882}'
            | '\u{F884}'..='\u{F89F}'
            | '\u{F8B8}'
            | '\u{F8C1}'..='\u{F8D6}'
    )
}

/// What may stand in a hashtag.
pub(super) fn is_tag_char(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    is_letter_or_mark(c) || is_tag_sign(c)
}

/// What may stand in a hashtag and is no letter, of all but ASCII.
pub(super) fn is_tag_sign(c: char) -> bool {
    !is_common_sign(c) && digit(c).is_some() || is_tag_special(c)
}

fn is_tag_special(c: char) -> bool {
    matches!(
        c,
        '\u{200C}'
            | '\u{200D}'
            | '\u{A67E}'
            | '\u{05BE}'
            | '\u{05F3}'
            | '\u{05F4}'
            | '\u{FF5E}'
            | '\u{301C}'
            | '\u{309B}'
            | '\u{309C}'
            | '\u{30A0}'
            | '\u{30FB}'
            | '\u{3003}'
            | '\u{0F0B}'
            | '\u{0F0C}'
            | '\u{00B7}'
    )
}

/// The zero of every decimal digit system, sorted (Unicode 17, general category `Nd`). Each is
/// followed by its one to nine.
const ZEROS: &[u32] = &[
    0x0030, 0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66,
    0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50,
    0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x10D30,
    0x10D40, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x116D0,
    0x116DA, 0x11730, 0x118E0, 0x11950, 0x11BF0, 0x11C50, 0x11D50, 0x11DA0, 0x11DE0, 0x11F50, 0x16130,
    0x16A60, 0x16AC0, 0x16B50, 0x16D70, 0x1CCF0, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140,
    0x1E2F0, 0x1E4F0, 0x1E5F1, 0x1E950, 0x1FBF0,
];

/// The value of a decimal digit of any script: 2 for `2`, `２` and `٢`.
pub fn digit(c: char) -> Option<u32> {
    let code = u32::from(c);
    let index = ZEROS.partition_point(|zero| *zero <= code).checked_sub(1)?;
    let value = code - ZEROS.get(index)?;
    (value < 10).then_some(value)
}

/// Characters that twitter-text allows in no text.
pub(super) fn is_invalid(c: char) -> bool {
    matches!(c, '\u{FFFE}' | '\u{FEFF}' | '\u{FFFF}')
}

/// Marks that only say in which direction a text runs.
pub(super) fn is_directional(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// White space, by twitter-text's own list.
pub(super) fn is_space(c: char) -> bool {
    matches!(
        c,
        '\u{0009}'..='\u{000D}'
            | ' '
            | '\u{0085}'
            | '\u{00A0}'
            | '\u{1680}'
            | '\u{180E}'
            | '\u{2000}'..='\u{200A}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{202F}'
            | '\u{205F}'
            | '\u{3000}'
    )
}

/// Latin letters with accents, and combining accents. Without × and ÷, which look like `x` and `+`.
pub(super) fn is_latin_accent(c: char) -> bool {
    matches!(
        c,
        '\u{00C0}'..='\u{00D6}'
            | '\u{00D8}'..='\u{00F6}'
            | '\u{00F8}'..='\u{024F}'
            | '\u{0253}'
            | '\u{0254}'
            | '\u{0256}'
            | '\u{0257}'
            | '\u{0259}'
            | '\u{025B}'
            | '\u{0263}'
            | '\u{0268}'
            | '\u{026F}'
            | '\u{0272}'
            | '\u{0289}'
            | '\u{028B}'
            | '\u{02BB}'
            | '\u{0300}'..='\u{036F}'
            | '\u{1E00}'..='\u{1EFF}'
    )
}

/// What a label of a domain may begin and end with.
pub(super) fn is_domain_char(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    !is_space(c) && !is_invalid(c) && !is_directional(c)
}

/// What may stand within a label of a domain.
pub(super) fn is_label_char(c: char) -> bool {
    matches!(c, '-' | '_') || is_domain_char(c)
}

fn is_cyrillic(c: char) -> bool {
    matches!(c, '\u{0400}'..='\u{04FF}')
}

/// What may stand in a link's path, brackets aside.
pub(super) fn is_path_char(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric()
            || matches!(
                c,
                '!' | '*'
                    | '\''
                    | ';'
                    | ':'
                    | '='
                    | '+'
                    | ','
                    | '.'
                    | '$'
                    | '/'
                    | '%'
                    | '#'
                    | '['
                    | ']'
                    | '-'
                    | '_'
                    | '~'
                    | '&'
                    | '|'
                    | '@'
            );
    }
    c == '\u{2013}' || is_cyrillic(c) || is_latin_accent(c)
}

/// What a link's path may end with: a full stop behind it is the sentence's.
pub(super) fn is_path_end(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || matches!(c, '=' | '_' | '#' | '/' | '+' | '-');
    }
    is_cyrillic(c) || is_latin_accent(c)
}

/// What may stand in a link's query.
pub(super) fn is_query_char(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(
            c,
            '!' | '?'
                | '*'
                | '\''
                | '('
                | ')'
                | ';'
                | ':'
                | '&'
                | '='
                | '+'
                | '$'
                | '/'
                | '%'
                | '#'
                | '['
                | ']'
                | '-'
                | '_'
                | '.'
                | ','
                | '~'
                | '|'
                | '@'
        )
}

/// What a link's query may end with.
pub(super) fn is_query_end(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '&' | '=' | '#' | '/' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_every_script() {
        assert_eq!(digit('7'), Some(7));
        assert_eq!(digit('２'), Some(2));
        assert_eq!(digit('٢'), Some(2));
        assert_eq!(digit('९'), Some(9));
        for other in ['a', '½', 'Ⅷ', '²', '/', ':', '〇'] {
            assert_eq!(digit(other), None, "{other}");
        }
        assert!(ZEROS.windows(2).all(|pair| pair[0] < pair[1]));
        for zero in ZEROS.iter().filter_map(|zero| char::from_u32(*zero)) {
            assert!(zero.is_numeric(), "{zero:?}");
        }
    }

    #[test]
    fn letters_are_not_numbers_or_symbols() {
        for letter in ['a', 'é', 'ß', '字', '한', 'ğ', '\u{0301}', '\u{20021}'] {
            assert!(is_letter_or_mark(letter), "{letter:?}");
        }
        for c in '\0'..=char::MAX {
            assert!(!is_common_letter(c) || (c.is_alphabetic() && !c.is_numeric()), "{c:?}");
            let is_sign = !c.is_alphabetic() && !is_combining_mark(c) && !is_private_letter(c);
            assert!(!is_common_sign(c) || is_sign || is_enclosed_letter(c), "{c:?}");
        }
        for other in ['1', '_', 'Ⅷ', 'Ⓐ', '🅰', '〇', '✌', '🦋', '#', '·'] {
            assert!(!is_letter_or_mark(other), "{other:?}");
        }
    }
}
