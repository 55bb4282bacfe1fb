//! What a feed says of a product, made safe for a public reply.
//!
//! Titles come from merchants' feeds and handles from strangers. In a reply they must not mention
//! anybody, start a tag (our own tag would make us answer ourselves), hold a link, an e-mail address,
//! a price or a discount, or turn the line around with control characters.

use unicode_segmentation::UnicodeSegmentation;

/// `text` as one line without control, format and bidirectional characters.
pub fn plain_line(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let kept: String = spaced.chars().filter(|c| !is_invisible(*c)).collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Characters that show nothing but change what is shown around them: bidirectional controls
/// (Unicode Standard Annex 9), zero-width spaces, joiners outside emoji, tags, line and paragraph
/// separators. The zero-width joiner and the variation selectors stay: emoji are made of them.
const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00ad}'
        | '\u{034f}'
        | '\u{061c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200c}'
        | '\u{200e}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}'
    )
}

/// A title or option for a public reply: one line, without anything that a network acts on, without
/// amounts of money and discounts. May come out empty; the caller then says "your product".
pub fn public_text(text: &str) -> String {
    // Prices before and after: disarming takes signs away that make a price one, and parts words that
    // then make one.
    without_prices(&plain_line(&disarmed(&without_prices(&plain_line(text)))))
}

/// Without the signs that mention, tag or link: `@a` becomes `a`, `#1` becomes `1`, `acme.com`
/// becomes `acme. com` (no network takes that for a link), `$AAPL` becomes `AAPL`.
fn disarmed(text: &str) -> String {
    // One after the other: what one takes away may bring together what the next looks at.
    let unsigned: String = text
        .chars()
        .filter(|c| !matches!(c, '$' | '＄' | '﹩'))
        .map(|c| if matches!(c, '@' | '＠' | '﹫' | '#' | '＃' | '﹟') { ' ' } else { c })
        .collect();
    let unslashed = unsigned.replace("//", " ").replace(":/", ": ");
    let mut written = String::with_capacity(unslashed.len());
    let mut chars = unslashed.chars().peekable();
    let mut last = ' ';
    while let Some(c) = chars.next() {
        let next = chars.peek().copied().unwrap_or(' ');
        let is_dot = matches!(c, '.' | '．' | '。' | '｡' | '․');
        if is_dot && next.is_alphabetic() && !last.is_whitespace() {
            written.push_str(". ");
        } else {
            written.push(c);
        }
        last = c;
    }
    written
}

/// Without words that name an amount of money or a discount. A title that advertises a price would
/// otherwise say in public what the price policy forbids.
fn without_prices(text: &str) -> String {
    let mut told = without_plain_prices(text);
    // What is taken out may bring an amount and a currency together.
    loop {
        let again = without_plain_prices(&told);
        if again == told {
            return told;
        }
        told = again;
    }
}

/// Takes out the prices of one reading from left to right.
fn without_plain_prices(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    let mut kept: Vec<&str> = Vec::with_capacity(words.len());
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let next = words.get(at + 1).copied().unwrap_or_default();
        if (is_amount(word) && is_currency(next)) || (is_currency(word) && is_amount(next)) {
            at += 2;
        } else if is_price(word) || is_discount(word) {
            at += 1;
        } else {
            kept.push(word);
            at += 1;
        }
    }
    kept.join(" ").trim_matches([' ', '-', '–', '—', '|', ':', ',', '/']).to_owned()
}

/// The word without brackets and punctuation around it.
fn core(word: &str) -> &str {
    word.trim_matches(|c: char| matches!(c, '(' | ')' | '[' | ']' | ',' | '.' | ';' | ':' | '!' | '"' | '*'))
}

fn is_sign(c: char) -> bool {
    // Sc is the block of currency symbols plus the older signs.
    matches!(
        c,
        '$' | '¢' | '£' | '¤' | '¥' | '\u{20a0}'..='\u{20cf}' | '﷼' | '＄' | '￠' | '￡' | '￥' | '￦'
    )
}

fn has_digit(word: &str) -> bool {
    word.chars().any(char::is_numeric)
}

/// `12`, `12.50`, `1.234,50`, `12,-`.
fn is_amount(word: &str) -> bool {
    has_digit(word) && core(word).chars().all(|c| c.is_numeric() || matches!(c, '.' | ',' | '\'' | '-' | '’'))
}

/// `€`, `US$`, `USD`, `eur`.
fn is_currency(word: &str) -> bool {
    // Not every ISO code: `ALL`, `CUP`, `TOP` and `TRY` are words of titles.
    const CODES: [&str; 15] = [
        "AUD", "BRL", "CAD", "CHF", "CNY", "DKK", "EUR", "GBP", "INR", "JPY", "MXN", "NOK", "PLN", "SEK",
        "USD",
    ];
    let word = core(word);
    (word.chars().any(is_sign) && !has_digit(word))
        || CODES.iter().any(|code| word.eq_ignore_ascii_case(code))
}

/// `$12`, `12.50€`, `EUR12`, `12USD`.
fn is_price(word: &str) -> bool {
    let word = core(word);
    let letters: String = word.chars().filter(|c| c.is_alphabetic()).collect();
    has_digit(word) && (word.chars().any(is_sign) || (letters.len() == 3 && is_currency(&letters)))
}

/// `-20%`, `–20%`. A bare `100%` stays: it is as likely cotton.
fn is_discount(word: &str) -> bool {
    let word = core(word);
    word.ends_with(['%', '％', '٪']) && word.starts_with(['-', '–', '−', '—']) && has_digit(word)
}

/// `text` cut to at most `limit` graphemes, an ellipsis in place of what went.
pub fn shortened(text: &str, limit: usize) -> String {
    if text.graphemes(true).count() <= limit {
        return text.to_owned();
    }
    let kept: String = text.graphemes(true).take(limit.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// A handle that can stand in a reply to its own author: letters, digits and `_`, at most 64. Others
/// give `None`: a dot could make a link of it, an at sign an address.
pub fn plain_handle(handle: &str) -> Option<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    ((1..=64).contains(&handle.len()) && handle.chars().all(plain)).then_some(handle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_lose_what_a_network_acts_on() {
        for (title, public) in [
            ("Blue Mug", "Blue Mug"),
            ("  Blue\n\tMug\u{0} ", "Blue Mug"),
            ("Blue \u{202e}guM\u{202c} Mug", "Blue guM Mug"),
            ("Mug by @acme #AcmeCart ＠x ＃y", "Mug by acme AcmeCart x y"),
            ("Write to info@acme.com", "Write to info acme. com"),
            ("See https://acme.com/mug", "See https: acme. com/mug"),
            ("Dr.Martens 2.5 L", "Dr. Martens 2.5 L"),
            ("Family 👨\u{200d}👩\u{200d}👧 mug", "Family 👨\u{200d}👩\u{200d}👧 mug"),
            ("ac\u{200b}me.\u{200b}com", "acme. com"),
            ("acme\u{3002}com", "acme. com"),
            ("$AAPL mug", "AAPL mug"),
            ("$$AAPL A.$com", "AAPL A. com"),
            ("AC/DC shirt", "AC/DC shirt"),
        ] {
            assert_eq!(public_text(title), public);
        }
    }

    #[test]
    fn titles_lose_prices_and_discounts() {
        for (title, public) in [
            ("Lamp - $49.99", "Lamp"),
            ("Lamp only 49,99 € now", "Lamp only now"),
            ("Lamp USD 49", "Lamp"),
            ("Lamp 49.99 usd", "Lamp"),
            ("Lamp (€1.234,50)", "Lamp"),
            ("Lamp -20%", "Lamp"),
            ("Shirt 100% cotton", "Shirt 100% cotton"),
            ("World 2026 CUP", "World 2026 CUP"),
            ("iPhone 15 Pro", "iPhone 15 Pro"),
            ("$5", ""),
        ] {
            assert_eq!(public_text(title), public);
        }
    }

    #[test]
    fn shortening_counts_graphemes() {
        assert_eq!(shortened("Blue Mug", 8), "Blue Mug");
        assert_eq!(shortened("Blue Mug", 6), "Blue…");
        assert_eq!(shortened("👨\u{200d}👩\u{200d}👧👨\u{200d}👩\u{200d}👧x", 2), "👨\u{200d}👩\u{200d}👧…");
    }

    #[test]
    fn only_plain_handles_are_addressed() {
        assert_eq!(plain_handle("al_1"), Some("al_1"));
        for odd in ["", "a b", "a@b.com", "alice.bsky.social", "a#b"] {
            assert_eq!(plain_handle(odd), None);
        }
    }
}
