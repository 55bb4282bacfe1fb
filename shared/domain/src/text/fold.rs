//! Folding: when two tags or words are the same to a reader.

use unicode_normalization::UnicodeNormalization;

use super::chars::is_far_letter;

/// The folded form of a text: compatibility forms made plain (full-width letters, ligatures), case
/// removed (`ß` as `ss`), invisible characters dropped (joiners, variation selectors). Two texts that
/// fold alike are the same tag or word. Close to Unicode's `NFKC_Casefold`; folding twice changes
/// nothing.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    if is_folded(text) {
        return text.to_owned();
    }
    folded_chars(text).collect()
}

/// Whether folding surely changes nothing, as can be seen letter by letter: small letters of Latin-1,
/// and scripts without case or compatibility forms. Most words of most languages, so that they need no
/// tables.
pub fn is_folded(text: &str) -> bool {
    text.chars().all(|c| match c {
        '\0'..='\x7F' => !c.is_ascii_uppercase(),
        'à'..='ö' | 'ø'..='ÿ' => true,
        // The final sigma folds to the other one; capitals to small letters.
        'α'..='ρ' | 'σ'..='ω' | 'а'..='я' => true,
        'ς' | 'А'..='Я' => false,
        _ => is_far_letter(c),
    })
}

/// Whether `text` folds to `folded`, which has been folded already. Allocates nothing and stops at the
/// first difference.
pub fn eq_folded(text: &str, folded: &str) -> bool {
    if text.is_ascii() {
        return text.eq_ignore_ascii_case(folded);
    }
    if let (Some(first), Some(wanted)) = (text.chars().next(), folded.bytes().next()) {
        // Most tags differ in the first letter; two cases need no folding to see that.
        let alone = first.is_ascii() && !is_mark_next(text);
        if (alone && first.to_ascii_lowercase() != char::from(wanted)) || (wanted.is_ascii() && is_far(first))
        {
            return false;
        }
    }
    folded_chars(text).eq(folded.chars())
}

/// Letters of scripts nothing of which folds to ASCII: Greek to Thai, kana, Chinese, Hangul. Only what is
/// common and sure; the rest is folded.
fn is_far(c: char) -> bool {
    matches!(
        c,
        '\u{0388}'..='\u{061B}'
            | '\u{0620}'..='\u{10FF}'
            | '\u{3041}'..='\u{3096}'
            | '\u{30A1}'..='\u{30FA}'
            | '\u{3400}'..='\u{9FFF}'
            | '\u{AC00}'..='\u{D7A3}'
    )
}

/// Whether the second character may join the first one into another letter.
fn is_mark_next(text: &str) -> bool {
    text.chars().nth(1).is_some_and(|c| !c.is_ascii())
}

/// Twice over: composing after the first pass may make a letter that folds further.
fn folded_chars(text: &str) -> impl Iterator<Item = char> {
    pass(pass(text.chars()))
}

/// Compatibility decomposition and composition, full upper and lower case, composition.
fn pass(chars: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    chars.nfkc().flat_map(upper).flat_map(char::to_lowercase).filter(|c| !is_invisible(*c)).nfkc()
}

/// The full upper case, but for the Turkish `ı`: it is another letter than `i`, though both have the
/// upper case `I` (Unicode's `CaseFolding.txt` keeps it too).
fn upper(c: char) -> impl Iterator<Item = char> {
    let kept = c == 'ı';
    kept.then_some(c).into_iter().chain((!kept).then(|| c.to_uppercase()).into_iter().flatten())
}

/// Unicode's default-ignorable code points: they show nothing.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{00AD}'
            | '\u{034F}'
            | '\u{061C}'
            | '\u{115F}'
            | '\u{1160}'
            | '\u{17B4}'
            | '\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFF8}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_reader_takes_for_the_same_folds_alike() {
        for (a, b) in [
            ("AcmeCart", "acmecart"),
            ("ＡｃｍｅＣａｒｔ", "acmecart"),
            ("Acme\u{200D}Cart", "acmecart"),
            ("STRASSE", "straße"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("Cafe\u{0301}", "CAFÉ"),
            ("ﬁt", "FIT"),
            ("\u{212A}auf", "kauf"),
            ("ﾊﾞｯｸﾞ", "バッグ"),
        ] {
            assert_eq!(fold(a), fold(b));
            assert!(eq_folded(a, &fold(b)) && eq_folded(b, &fold(a)));
        }
        for (a, b) in [("AcmeCart", "acmecarts"), ("café", "cafe"), ("ı", "i"), ("", "a"), ("é", "e")] {
            assert_ne!(fold(a), fold(b));
            assert!(!eq_folded(a, &fold(b)));
        }
    }

    #[test]
    fn folding_twice_changes_no_character() {
        let unchanged = |c: &char| matches!(c, '\u{3400}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}' | '\u{E000}'..='\u{F8FF}');
        for c in ('\0'..='\u{2FFFF}').filter(|c| !unchanged(c)) {
            for text in [c.to_string(), format!("a{c}"), format!("{c}\u{301}"), format!("\u{3b1}{c}")] {
                let once = fold(&text);
                assert_eq!(fold(&once), once, "{text:?}");
            }
        }
    }

    #[test]
    fn far_letters_never_fold_to_ascii() {
        for c in ('\0'..='\u{FFFF}').filter(|c| is_far(*c)) {
            assert!(!fold(&c.to_string()).starts_with(|folded: char| folded.is_ascii()), "{c:?}");
            assert!(!fold(&c.to_string()).is_empty(), "{c:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn folding_twice_changes_nothing(text in ".*") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once.clone());
            prop_assert!(eq_folded(&text, &once));
        }

        #[test]
        fn comparing_is_folding(a in "[aAkKİßéE\u{301}\u{200d}ＡｋſK]{0,4}", b in "[aAkKİßéE\u{301}\u{200d}ＡｋſK]{0,4}") {
            prop_assert_eq!(eq_folded(&a, &fold(&b)), fold(&a) == fold(&b));
        }
    }
}

#[cfg(test)]
mod glances {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_letter_that_is_called_folded_is() {
        let alone: String = ('\0'..=char::MAX).filter(|c| is_folded(&c.to_string())).collect();
        for c in alone.chars() {
            assert!(folded_chars(&c.to_string()).eq([c]), "{c:?}");
        }
        assert!(folded_chars(&alone).eq(alone.chars()), "nothing joins its neighbour");
        assert!(is_folded("für @2") && is_folded("今日は") && is_folded("привет"));
        assert!(!is_folded("Für") && !is_folded("ς") && !is_folded("ß") && !is_folded("e\u{301}"));
    }

    proptest! {
        #[test]
        fn what_is_called_folded_stays(text in "[a-z0-9 àéöÿαωςабя今日はอब한اﷺß\u{301}\u{93C}]{0,8}") {
            prop_assert!(!is_folded(&text) || folded_chars(&text).eq(text.chars()));
        }
    }
}
