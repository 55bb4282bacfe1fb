//! Mentions.

use super::chars::is_latin_accent;
use super::{Entity, Span, char_at, char_before};

/// The longest screen name.
const NAME_LENGTH: usize = 20;
/// The longest rest of a list's name behind its first letter.
const LIST_LENGTH: usize = 24;

/// The accounts that a text mentions, in order; lists (`@acme/shops`) are none.
pub fn mentions(text: &str) -> Vec<Entity<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    let mut matched = 0;
    while let Some(sign) = next_sign(text, from) {
        from = sign.end;
        let end = run(text, sign.end, NAME_LENGTH, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if end == sign.end || !may_begin(text, sign.start, matched) {
            continue;
        }
        let list_end = list_end(text, end);
        matched = list_end.unwrap_or(end);
        from = matched;
        if list_end.is_none() && may_end(text, end) {
            let span = Span { start: sign.start, end };
            found.push(Entity::at(text, span, sign.end - sign.start));
        }
    }
    found
}

/// The next `@` or `＠`.
fn next_sign(text: &str, from: usize) -> Option<Span> {
    let rest = text.get(from..)?;
    let start = from + rest.find(['@', '＠'])?;
    Some(Span { start, end: start + char_at(text, start)?.len_utf8() })
}

/// Behind at most `most` of the bytes from `at` on that all are `wanted`.
fn run(text: &str, at: usize, most: usize, wanted: impl Fn(u8) -> bool) -> usize {
    let bytes = text.as_bytes().get(at..).unwrap_or_default();
    at + bytes.iter().take(most).take_while(|byte| wanted(**byte)).count()
}

/// Behind the `/name` of a list, if one follows.
fn list_end(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let slash = bytes.get(at) == Some(&b'/');
    let letter = bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic);
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (slash && letter).then(|| run(text, at + 2, LIST_LENGTH, rest))
}

/// Whether a mention may begin at `at`, the match before it having ended at `matched`.
fn may_begin(text: &str, at: usize, matched: usize) -> bool {
    if at == 0 {
        return true;
    }
    let free = |before: char| {
        !before.is_ascii_alphanumeric()
            && !matches!(before, '_' | '!' | '#' | '$' | '%' | '&' | '*' | '@' | '＠')
    };
    (at > matched && char_before(text, at).is_some_and(free)) || follows_rt(text, at, matched)
}

/// Whether `RT` or `RT:`, the old mark of a repost, stands right before `at`.
fn follows_rt(text: &str, at: usize, matched: usize) -> bool {
    let before = text.get(matched..at).unwrap_or_default();
    let before = before.strip_suffix(':').unwrap_or(before);
    let Some(split) = before.len().checked_sub(2) else { return false };
    if !before.get(split..).is_some_and(|rt| rt.eq_ignore_ascii_case("rt")) {
        return false;
    }
    match char_before(before, split) {
        Some(c) => !c.is_ascii_alphanumeric() && !matches!(c, '_' | '+' | '~' | '.' | '-'),
        None => matched == 0,
    }
}

/// Whether a mention may end at `at`: not before another `@` (an address), an accent or `://`.
fn may_end(text: &str, at: usize) -> bool {
    let rest = text.get(at..).unwrap_or_default();
    !rest.starts_with("://") && !rest.starts_with(|c| matches!(c, '@' | '＠') || is_latin_accent(c))
}
