//! Hashtags.

use super::chars::{is_letter_or_mark, is_tag_char, is_tag_sign};
use super::{Entity, Span, char_at, char_before, url};

/// The hashtags of a text, in order. What lies in a link is none: `acme.example/#top`.
pub fn hashtags(text: &str) -> Vec<Entity<'_>> {
    let tags: Vec<_> = Hashtags::new(text).collect();
    if tags.is_empty() { tags } else { outside(tags, &url::links(text)) }
}

/// The hashtags of a text whose `links` are known already.
pub fn hashtags_beside<'t>(text: &'t str, links: &[Entity<'_>]) -> Vec<Entity<'t>> {
    outside(Hashtags::new(text).collect(), links)
}

/// The tags that don't overlap a link which begins before them.
fn outside<'t>(tags: Vec<Entity<'t>>, links: &[Entity<'_>]) -> Vec<Entity<'t>> {
    let mut links = links.iter().peekable();
    let mut end = 0;
    tags.into_iter()
        .filter(|tag| {
            while let Some(link) = links.next_if(|link| link.span.start < tag.span.start) {
                if link.span.start >= end {
                    end = link.span.end;
                }
            }
            let free = tag.span.start >= end;
            if free {
                end = tag.span.end;
            }
            free
        })
        .collect()
}

/// Whether `tag`, without its `#`, is a hashtag as a whole.
pub fn is_hashtag(tag: &str) -> bool {
    !tag.starts_with(['\u{FE0F}', '\u{20E3}'])
        && tag.chars().all(is_tag_char)
        && tag.chars().any(is_letter_or_mark)
}

/// The hashtags of a text one by one, links not looked at: what lies in a link comes too. Allocates
/// nothing.
#[derive(Clone, Debug)]
pub struct Hashtags<'t> {
    text: &'t str,
    /// Where to look for the next sign.
    from: usize,
    /// Behind the last match, accepted or not. A tag needs a character between it and that.
    matched: usize,
}

impl<'t> Hashtags<'t> {
    /// The hashtags of `text`.
    pub fn new(text: &'t str) -> Self {
        Self { text, from: 0, matched: 0 }
    }

    /// Where the next `#` or `＃` from `from` on begins and ends.
    fn sign(&self) -> Option<Span> {
        let bytes = self.text.as_bytes();
        let mut from = self.from;
        loop {
            let at = from + memchr::memchr2(b'#', FULL_WIDTH_LEAD, bytes.get(from..)?)?;
            let rest = bytes.get(at..)?;
            if rest.starts_with(b"#") {
                return Some(Span { start: at, end: at + 1 });
            }
            if rest.starts_with("＃".as_bytes()) {
                return Some(Span { start: at, end: at + '＃'.len_utf8() });
            }
            from = at + 1;
        }
    }

    /// Whether a tag may begin at `at`: at the start of the text, behind a variation selector, or
    /// behind anything that is no part of a tag itself. Not behind `&`: that is an HTML entity.
    fn may_begin(&self, at: usize) -> bool {
        if at == 0 {
            return true;
        }
        at > self.matched
            && char_before(self.text, at).is_some_and(|before| {
                matches!(before, '\u{FE0E}' | '\u{FE0F}') || (before != '&' && !is_tag_char(before))
            })
    }
}

/// Behind the characters of a tag from `at` on, and whether a letter is among them. ASCII is told byte by
/// byte.
fn run(text: &str, at: usize) -> (usize, bool) {
    let mut end = at;
    let mut has_letter = false;
    loop {
        let bytes = text.as_bytes().get(end..).unwrap_or_default();
        let ascii = bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        has_letter = has_letter || bytes.iter().take(ascii).any(u8::is_ascii_alphabetic);
        end += ascii;
        match char_at(text, end) {
            Some(c) if !c.is_ascii() && is_letter_or_mark(c) => {
                (end, has_letter) = (end + c.len_utf8(), true)
            }
            Some(c) if !c.is_ascii() && is_tag_sign(c) => end += c.len_utf8(),
            _ => return (end, has_letter),
        }
    }
}

/// The first byte of `＃` (U+FF03) in UTF-8.
const FULL_WIDTH_LEAD: u8 = 0xEF;

impl<'t> Iterator for Hashtags<'t> {
    type Item = Entity<'t>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let sign = self.sign()?;
            self.from = sign.end;
            if !self.may_begin(sign.start)
                || matches!(char_at(self.text, sign.end), Some('\u{FE0F}' | '\u{20E3}'))
            {
                continue;
            }
            let (end, has_letter) = run(self.text, sign.end);
            if !has_letter {
                continue;
            }
            let tag = self.text.get(sign.end..end)?;
            (self.from, self.matched) = (end, end);
            let rest = self.text.get(end..)?;
            if !rest.starts_with(['#', '＃']) && !rest.starts_with("://") {
                return Some(Entity { text: tag, span: Span { start: sign.start, end } });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        hashtags(text).into_iter().map(|tag| tag.text).collect()
    }

    #[test]
    fn no_tag_in_links_and_html_entities() {
        assert_eq!(
            texts("see https://acme.example/#AcmeCart and acme.example/a#AcmeCart"),
            Vec::<&str>::new()
        );
        assert_eq!(texts("x&#AcmeCart &#39;"), Vec::<&str>::new());
        assert_eq!(texts("https://acme.example/p #AcmeCart"), ["AcmeCart"]);
        assert_eq!(texts("#あfoo.com"), ["あfoo"], "the tag begins first");
    }

    #[test]
    fn neighbours() {
        assert_eq!(texts("(#AcmeCart)"), ["AcmeCart"]);
        assert_eq!(texts("#AcmeCart's"), ["AcmeCart"]);
        assert_eq!(texts("##AcmeCart"), ["AcmeCart"]);
        assert_eq!(texts("#double#rainbow"), Vec::<&str>::new());
        assert_eq!(texts("👨‍👩‍👧#AcmeCart🦋"), ["AcmeCart"]);
        assert_eq!(texts("#️⃣AcmeCart #⃣"), Vec::<&str>::new());
        assert_eq!(texts("e\u{301}#AcmeCart"), Vec::<&str>::new(), "a mark belongs to its letter");
        assert_eq!(texts("ＵＳ ＃ＡｃｍｅＣａｒｔ"), ["ＡｃｍｅＣａｒｔ"]);
    }

    #[test]
    fn whole_tags() {
        for tag in ["AcmeCart", "1st", "カート", "été_2026", "ＡｃｍｅＣａｒｔ"] {
            assert!(is_hashtag(tag), "{tag}");
        }
        for tag in ["", "2026", "_", "Acme Cart", "Acme-Cart", "#Acme", "🦋", "a.b"] {
            assert!(!is_hashtag(tag), "{tag}");
        }
    }
}
