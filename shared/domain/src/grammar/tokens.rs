//! A post's text as the grammar sees it: words, tags, links, mentions and pauses.

use std::borrow::Cow;

use crate::text::{self, Entity, Span};

use super::words::{Roles, Words};

/// A piece of a text.
#[derive(Clone, Debug)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind<'t>,
    /// As written.
    pub(super) text: &'t str,
}

#[derive(Clone, Debug)]
pub(super) enum Kind<'t> {
    /// A word or number, folded.
    Word(Cow<'t, str>, Roles),
    /// A tag of ours: its place in the tag set.
    Tag(usize),
    /// Another hashtag.
    ForeignTag,
    /// A link: its place among the post's links, if the network gave it one.
    Link(Option<usize>),
    /// An account.
    Mention,
    /// The end of a sentence.
    Break,
    /// A shorter pause.
    Comma,
}

impl Token<'_> {
    /// What the word may do; nothing for what is no word.
    pub(super) fn roles(&self) -> Roles {
        match self.kind {
            Kind::Word(_, roles) => roles,
            _ => Roles::default(),
        }
    }

    /// The folded word.
    pub(super) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(folded, _) => Some(folded),
            _ => None,
        }
    }
}

/// Splits `text`. `tag` says which of our tags a hashtag is; `links` are the post's.
pub(super) fn tokens<'t>(
    text: &'t str,
    words: &Words,
    tag: impl Fn(&str) -> Option<usize>,
    links: &[String],
) -> Vec<Token<'t>> {
    let found = text::links(text);
    let places = link_places(&found, links);
    let mut entities: Vec<(Span, Kind<'t>)> =
        found.iter().zip(places).map(|(link, place)| (link.span, Kind::Link(place))).collect();
    let tags = text::hashtags_beside(text, &found);
    entities
        .extend(tags.iter().map(|found| (found.span, tag(found.text).map_or(Kind::ForeignTag, Kind::Tag))));
    entities.sort_unstable_by_key(|(span, _)| *span);
    let mut splitter = Splitter { text, words, tokens: Vec::with_capacity(text.len() / 5) };
    let mut from = 0;
    for (span, kind) in entities {
        splitter.split(from, span.start);
        splitter.push(span, kind);
        from = span.end;
    }
    splitter.split(from, text.len());
    splitter.tokens
}

/// Which of the links that the network gives for a post each link `found` in its text is: the same
/// address where there is one, the others in order (networks shorten what they show: `t.co/…`,
/// `acme.example/mu…`).
pub fn link_places(found: &[Entity<'_>], links: &[String]) -> Vec<Option<usize>> {
    let mut free: Vec<bool> = links.iter().map(|_| true).collect();
    let mut take = |wanted: &dyn Fn(&str) -> bool| {
        let (index, slot) = free
            .iter_mut()
            .enumerate()
            .find(|(index, free)| **free && links.get(*index).is_some_and(|link| wanted(link)))?;
        *slot = false;
        Some(index)
    };
    let mut places: Vec<Option<usize>> = found
        .iter()
        .map(|entity| take(&|link| link == entity.text || bare(link) == bare(entity.text)))
        .collect();
    for place in places.iter_mut().filter(|place| place.is_none()) {
        *place = take(&|_| true);
    }
    places
}

/// A link without its protocol.
fn bare(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest)
}

struct Splitter<'t, 'w> {
    text: &'t str,
    words: &'w Words,
    tokens: Vec<Token<'t>>,
}

impl<'t> Splitter<'t, '_> {
    fn push(&mut self, span: Span, kind: Kind<'t>) {
        let text = self.text.get(span.start..span.end).unwrap_or_default();
        self.tokens.push(Token { kind, text });
    }

    /// Splits what lies between two entities.
    fn split(&mut self, from: usize, to: usize) {
        let mut at = self.behind_possessive(from);
        while let Some(c) = self.text.get(at..to).and_then(|rest| rest.chars().next()) {
            let end = match c {
                '@' | '＠' => self.mention(at, to),
                _ if is_word_char(c) || self.is_sign(at, to, c) => self.word(at, to),
                _ => self.pause(at, c),
            };
            at = end.max(at + c.len_utf8());
        }
    }

    /// `'s` right behind a tag or a link is no size S.
    fn behind_possessive(&self, from: usize) -> usize {
        let rest = self.text.get(from..).unwrap_or_default();
        match rest.strip_prefix(['\'', '’']) {
            Some(after) if from > 0 => {
                let letters = after.find(|c: char| !c.is_alphanumeric()).unwrap_or(after.len());
                self.text.len() - after.len() + letters
            }
            _ => from,
        }
    }

    fn mention(&mut self, at: usize, to: usize) -> usize {
        let rest = self.text.get(at..to).unwrap_or_default();
        let sign = rest.chars().next().map_or(0, char::len_utf8);
        let name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '@');
        let length = rest.get(sign..).map_or(0, |rest| {
            let run = rest.find(|c| !name(c)).unwrap_or(rest.len());
            rest.get(..run).unwrap_or_default().trim_end_matches(['.', '-', '@']).len()
        });
        if length > 0 {
            self.push(Span { start: at, end: at + sign + length }, Kind::Mention);
        }
        at + sign + length
    }

    /// Whether a minus at `at` belongs to a number behind it: `-2x` is no quantity.
    fn is_sign(&self, at: usize, to: usize, c: char) -> bool {
        let mut behind = self.text.get(at..to).unwrap_or_default().chars().skip(1);
        matches!(c, '-' | '−' | '–')
            && match behind.next() {
                Some('x' | 'X' | '×') => behind.next().is_some_and(|c| text::digit(c).is_some()),
                Some(c) => text::digit(c).is_some(),
                None => false,
            }
    }

    fn word(&mut self, at: usize, to: usize) -> usize {
        let rest = self.text.get(at..to).unwrap_or_default();
        let mut length = 0;
        let mut before = None;
        let mut chars = rest.char_indices().peekable();
        while let Some((index, c)) = chars.next() {
            let next = chars.peek().map(|(_, next)| *next);
            if index > 0 && !is_word_char(c) && !joins(before, c, next) {
                break;
            }
            length = index + c.len_utf8();
            if matches!(c, '\'' | '’') && is_elision(rest.get(..index).unwrap_or_default()) {
                break;
            }
            before = Some(c);
        }
        let span = Span { start: at, end: at + length };
        let folded = folded(rest.get(..length).unwrap_or_default());
        let roles = self.words.roles(&folded);
        self.push(span, Kind::Word(folded, roles));
        span.end
    }

    fn pause(&mut self, at: usize, c: char) -> usize {
        let end = at + c.len_utf8();
        let kind = match c {
            '.' | '!' | '?' | '…' | '\n' | '\r' | '。' | '！' | '？' | '¿' | '¡' | '‼' | '⁉' => {
                Kind::Break
            }
            ',' | ';' | '(' | ')' | '，' | '、' | '—' => Kind::Comma,
            _ => return end,
        };
        self.push(Span { start: at, end }, kind);
        end
    }
}

/// What a word is made of: letters, marks, digits and the signs for "times".
fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || is_times_sign(c) || unicode_normalization::char::is_combining_mark(c)
}

/// × and its look-alikes.
pub(super) fn is_times_sign(c: char) -> bool {
    matches!(c, '×' | '✕' | '✖' | '⨯')
}

/// Whether `c` keeps a word together: an apostrophe or hyphen between letters, a stop or slash between
/// digits.
fn joins(before: Option<char>, c: char, next: Option<char>) -> bool {
    let (Some(before), Some(next)) = (before, next) else { return false };
    match c {
        '\'' | '’' | '-' | '‐' | '&' | '\u{AD}' | '\u{200C}' | '\u{200D}' => {
            before.is_alphanumeric() && next.is_alphanumeric()
        }
        '.' | ',' | '/' | ':' => text::digit(before).is_some() && text::digit(next).is_some(),
        _ => false,
    }
}

/// The short words of French that lose their vowel before another: `n'enlève` is two words.
fn is_elision(start: &str) -> bool {
    ["l", "d", "n", "j", "m", "t", "s", "c", "qu"].iter().any(|word| start.eq_ignore_ascii_case(word))
}

fn folded(word: &str) -> Cow<'_, str> {
    if text::is_folded(word) {
        return Cow::Borrowed(word);
    }
    let folded = text::fold(word);
    Cow::Owned(if folded.contains('’') { folded.replace('’', "'") } else { folded })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Lang;

    fn split(text: &str) -> Vec<String> {
        let languages = [Lang::parse("fr").unwrap()];
        let words = Words::of(languages.iter());
        tokens(text, &words, |tag| (tag == "AcmeCart").then_some(0), &[])
            .into_iter()
            .map(|token| match token.kind {
                Kind::Word(folded, _) => folded.into_owned(),
                Kind::Tag(_) => "TAG".to_owned(),
                Kind::ForeignTag => "FOREIGN".to_owned(),
                Kind::Link(_) => "LINK".to_owned(),
                Kind::Mention => "MENTION".to_owned(),
                Kind::Break => ".".to_owned(),
                Kind::Comma => ",".to_owned(),
            })
            .collect()
    }

    #[test]
    fn words_and_what_is_none() {
        for (text, expected) in [
            ("Don’t! X-Ray's h&m", "don't . x-ray's h&m"),
            ("#AcmeCart's M", "TAG m"),
            ("n'enlève l’article", "n' enlève l' article"),
            ("-2x x-2 x0.5 1/2x 2,5x 2x.", "-2x x-2 x0.5 1/2x 2,5x 2x ."),
            ("@acme @a@b.example. ＠c #x", "MENTION MENTION . MENTION FOREIGN"),
            ("qty:2 (ｘ２)", "qty 2 , x2 ,"),
            ("https://acme.example/a's #AcmeCart👍", "LINK TAG"),
            ("e\u{301}t\u{e9} ×2", "été ×2"),
        ] {
            assert_eq!(split(text).join(" "), expected, "{text}");
        }
    }

    #[test]
    fn links_find_their_place() {
        let links = |links: &[&str]| links.iter().map(|link| (*link).to_owned()).collect::<Vec<_>>();
        let text = "t.co/a acme.example/b https://acme.example/c";
        let found = text::links(text);
        let given = links(&["https://acme.example/a", "https://acme.example/c", "https://acme.example/b"]);
        assert_eq!(link_places(&found, &given), [Some(0), Some(2), Some(1)]);
        assert_eq!(link_places(&found, &links(&["https://x.example/1"])), [Some(0), None, None]);
    }
}
