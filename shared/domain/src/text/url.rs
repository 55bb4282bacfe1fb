//! Links.
//!
//! A link is an optional `http://` or `https://`, a domain that ends in a known top-level domain, an
//! optional port, path and query. twitter-text matches this with one backtracking expression; here
//! each dot of the text is looked at once, as the end of a link's first label.
//!
//! Where twitter-text's own implementations differ, the Ruby one is followed. On purpose unlike it: an
//! accented letter that begins a text belongs to the domain (`ärzte.com`, there `rzte.com`), as it does
//! everywhere else; and a path that follows a longer domain without a protocol is not moved to the
//! shorter one found in it.

use super::chars::{
    is_domain_char, is_invalid, is_label_char, is_latin_accent, is_path_char, is_path_end, is_query_char,
    is_query_end,
};
use super::{Entity, Span, char_at, char_before, skip_while, tlds};

/// The longest link that twitter-text takes, in characters.
const MAX_LENGTH: usize = 4096;
/// The longest label of a domain in its ASCII form (RFC 1035, 2.3.4).
const MAX_LABEL: usize = 63;
/// More labels than any domain can have (RFC 1035: 255 bytes). Bounds the work on hostile texts.
const MAX_LABELS: usize = 127;
/// The longest top-level domain in letters.
const LONGEST_TLD: usize = 18;
/// The longest path of a `t.co` link.
const MAX_TCO_SLUG: usize = 40;

/// Domains kept for tests and documentation (RFC 2606, RFC 6761): nobody can own them, so twitter-text
/// doesn't know them, but the shops of tests and demonstrations live there.
const RESERVED: &[&str] = &["example", "invalid", "localhost", "test"];

/// The links of a text, in order, as twitter-text finds them.
pub fn urls(text: &str) -> Vec<Entity<'_>> {
    Scanner { text, reserved: false, from: 0, found: Vec::new() }.scan()
}

/// The links of a text, in order: twitter-text's, and those to the domains that are reserved for tests
/// and documentation (`https://acme.example/mug`).
pub fn links(text: &str) -> Vec<Entity<'_>> {
    Scanner { text, reserved: true, from: 0, found: Vec::new() }.scan()
}

struct Scanner<'t> {
    text: &'t str,
    /// Whether the reserved domains count.
    reserved: bool,
    /// Behind the last match, accepted or not.
    from: usize,
    found: Vec<Entity<'t>>,
}

/// A domain in the text, and what is in front of it.
#[derive(Clone, Copy)]
struct Domain {
    span: Span,
    /// Where the protocol begins, if one is written.
    protocol: Option<usize>,
}

/// Where a domain ends, its first label being known.
struct Ends {
    /// With that label as the last one before the top-level domain.
    as_name: Option<usize>,
    /// With at least one more label between; the longest.
    as_subdomain: Option<usize>,
    /// From where the next dot may be another link's: a chain of labels without a top-level domain
    /// needs no second look.
    next_dot: usize,
}

impl<'t> Scanner<'t> {
    fn scan(mut self) -> Vec<Entity<'t>> {
        let mut at = 0;
        while let Some(dot) = self.next_dot(at) {
            let ends = self.ends(dot);
            at = ends.next_dot;
            if let Some(domain) = self.domain_around(dot, &ends) {
                self.take(domain);
                at = at.max(self.from);
            }
        }
        self.found
    }

    fn next_dot(&self, at: usize) -> Option<usize> {
        Some(at + memchr::memchr(b'.', self.text.as_bytes().get(at..)?)?)
    }

    /// The leftmost domain whose first label ends at `dot`.
    fn domain_around(&self, dot: usize, ends: &Ends) -> Option<Domain> {
        if !char_before(self.text, dot).is_some_and(is_domain_char) {
            return None;
        }
        let run = self.label_start(dot);
        let best = ends.as_subdomain.or(ends.as_name)?;
        if char_at(self.text, run).is_some_and(is_domain_char)
            && let Some(protocol) = self.protocol_before(run)
        {
            // An underscore may stand in a subdomain only.
            let underscore = self.slice(run, dot).contains('_');
            if let Some(end) = if underscore { ends.as_subdomain } else { Some(best) } {
                return Some(Domain { span: Span { start: run, end }, protocol: Some(protocol) });
            }
        }
        let label = self.slice(run, dot);
        let first = match ends.as_subdomain {
            Some(_) => 0,
            None => label.rfind('_').map_or(0, |underscore| underscore + 1),
        };
        let start = label
            .get(first..)?
            .char_indices()
            .map(|(index, c)| (run + first + index, c))
            .find_map(|(start, c)| (is_domain_char(c) && self.may_begin(start)).then_some(start))?;
        Some(Domain { span: Span { start, end: best }, protocol: None })
    }

    /// Where the run of label characters that ends at `dot` begins, not before what is matched.
    fn label_start(&self, dot: usize) -> usize {
        let label = self.slice(self.from, dot);
        let length = label.chars().rev().take_while(|c| is_label_char(*c)).map(char::len_utf8).sum::<usize>();
        dot - length
    }

    /// Where a domain whose first label ends at `dot` may end.
    fn ends(&self, dot: usize) -> Ends {
        let as_name = self.top_level(dot + 1);
        let mut ends = Ends { as_name, as_subdomain: None, next_dot: dot + 1 };
        let mut any = as_name.is_some();
        let mut at = dot + 1;
        for _ in 0..MAX_LABELS {
            let end = skip_while(self.text, at, is_label_char);
            let label = self.slice(at, end);
            if !self.slice(end, end + 1).starts_with('.')
                || !label.starts_with(is_domain_char)
                || !label.ends_with(is_domain_char)
            {
                break;
            }
            at = end + 1;
            let top_level = self.top_level(at);
            any |= top_level.is_some();
            if !label.contains('_') {
                ends.as_subdomain = top_level.or(ends.as_subdomain);
            }
        }
        if !any {
            ends.next_dot = at;
        }
        ends
    }

    fn top_level(&self, at: usize) -> Option<usize> {
        top_level(self.text, at, self.reserved)
    }

    /// Where `http://` or `https://` begins, if it ends at `at` and may stand there.
    fn protocol_before(&self, at: usize) -> Option<usize> {
        let before = self.slice(self.from, at);
        ["http://", "https://"].into_iter().find_map(|protocol| {
            let split = before.len().checked_sub(protocol.len())?;
            let start = self.from + split;
            (before.get(split..)?.eq_ignore_ascii_case(protocol) && self.may_begin(start)).then_some(start)
        })
    }

    /// Whether a link may begin at `at`: at the start of the text, or behind an unmatched character
    /// that is no letter, digit, `@`, `$` or `#`.
    fn may_begin(&self, at: usize) -> bool {
        if at == 0 {
            return true;
        }
        at > self.from
            && char_before(self.text, at).is_some_and(|before| {
                !before.is_ascii_alphanumeric()
                    && !matches!(before, '@' | '＠' | '$' | '#' | '＃')
                    && !is_invalid(before)
            })
    }

    /// Reads what follows the domain, and keeps the link if it is one.
    fn take(&mut self, domain: Domain) {
        let path = after_port(self.text, domain.span.end);
        let query = after_path(self.text, path);
        let end = after_query(self.text, query);
        match domain.protocol {
            Some(start) => self.take_with_protocol(domain.span, Span { start, end }),
            None => self.take_plain(domain.span, if query > path { end } else { domain.span.end }),
        }
        self.from = end;
    }

    fn take_with_protocol(&mut self, domain: Span, url: Span) {
        let end = match tco(self.slice(url.start, url.end)) {
            Tco::No => url.end,
            Tco::Length(length) => url.start + length,
            Tco::TooLong => return,
        };
        let host = self.slice(domain.start, domain.end);
        if is_valid_host(host) && self.slice(url.start, url.end).chars().count() <= MAX_LENGTH {
            self.found.push(Entity::at(self.text, Span { start: url.start, end }, 0));
        }
    }

    /// Without a protocol, only the ASCII (and accented Latin) domains in it count: in `これはacme.com`
    /// the link is `acme.com`. What follows belongs to the last of them.
    fn take_plain(&mut self, domain: Span, end: usize) {
        if char_before(self.text, domain.start).is_some_and(|c| matches!(c, '-' | '_' | '.' | '/')) {
            return;
        }
        let mut at = domain.start;
        while let Some(span) = self.latin_domain(at, domain.end) {
            at = span.end;
            let end = if span.end == domain.end { end } else { span.end };
            let url = Span { start: span.start, end };
            let host = self.slice(span.start, span.end);
            if is_valid_host(host) && !is_file_name(host) && end - url.start <= MAX_LENGTH {
                self.found.push(Entity::at(self.text, url, 0));
            }
        }
    }

    /// The first domain of Latin labels in `from..end`.
    fn latin_domain(&self, from: usize, end: usize) -> Option<Span> {
        let text = self.text.get(..end)?;
        let latin = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || is_latin_accent(c);
        let mut start = from;
        while start < end {
            start = skip_while(text, start, |c| !latin(c));
            let mut best = None;
            let mut label = start;
            loop {
                let dot = skip_while(text, label, latin);
                if dot == label || !text.get(dot..)?.starts_with('.') {
                    label = dot;
                    break;
                }
                label = dot + 1;
                best = top_level(text, label, self.reserved).or(best);
            }
            if let Some(end) = best {
                return Some(Span { start, end });
            }
            start = label.max(start + char_at(text, start).map_or(1, char::len_utf8));
        }
        None
    }

    fn slice(&self, start: usize, end: usize) -> &'t str {
        self.text.get(start..end).unwrap_or_default()
    }
}

/// Behind the top-level domain that begins at `at`, if one does.
fn top_level(text: &str, at: usize, reserved: bool) -> Option<usize> {
    let rest = text.get(at..)?;
    let bytes = rest.as_bytes();
    let length = if bytes.first()?.is_ascii() {
        match punycode(bytes) {
            Some(length) => return Some(at + length),
            None => ascii_top_level(bytes, reserved)?,
        }
    } else {
        international_top_level(rest)?
    };
    let free = bytes.get(length).is_none_or(|next| !next.is_ascii_alphanumeric() && !b"@+-".contains(next));
    free.then_some(at + length)
}

/// The length of `xn--…` at the start.
fn punycode(bytes: &[u8]) -> Option<usize> {
    let (prefix, rest) = bytes.split_at_checked(4)?;
    let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-').count();
    (prefix.eq_ignore_ascii_case(b"xn--") && length > 0).then_some(4 + length)
}

fn ascii_top_level(bytes: &[u8], reserved: bool) -> Option<usize> {
    let length = bytes.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let mut lower = [0; LONGEST_TLD];
    let lower = lower.get_mut(..length)?;
    lower.copy_from_slice(bytes.get(..length)?);
    lower.make_ascii_lowercase();
    let lower = &*lower;
    let known = |list: &[&str]| list.binary_search_by(|entry| entry.as_bytes().cmp(lower)).is_ok();
    (length > 1 && (known(tlds::ASCII) || (reserved && known(RESERVED)))).then_some(length)
}

fn international_top_level(rest: &str) -> Option<usize> {
    let lower = |c: char| c.to_lowercase().next().unwrap_or(c);
    let first = lower(rest.chars().next()?);
    let length = |tld: &&&str| {
        let mut chars = rest.chars();
        tld.chars()
            .all(|c| chars.next().is_some_and(|other| lower(other) == c))
            .then(|| rest.len() - chars.as_str().len())
    };
    let begin = tlds::INTERNATIONAL.partition_point(|tld| tld.chars().next() < Some(first));
    let candidates = tlds::INTERNATIONAL.get(begin..)?.iter().take_while(|tld| tld.starts_with(first));
    candidates.filter_map(|tld| length(&tld)).max()
}

/// Behind `:` and the digits of a port, if they follow.
fn after_port(text: &str, at: usize) -> usize {
    let Some(rest) = text.get(at..).and_then(|rest| rest.strip_prefix(':')) else { return at };
    match rest.bytes().take_while(u8::is_ascii_digit).count() {
        0 => at,
        digits => at + 1 + digits,
    }
}

/// Behind the path, if one follows: up to the last character that may end it. Brackets belong to it in
/// pairs, nested once.
fn after_path(text: &str, at: usize) -> usize {
    if !text.get(at..).is_some_and(|rest| rest.starts_with('/')) {
        return at;
    }
    let mut end = at + 1;
    let mut next = end;
    while let Some(c) = char_at(text, next) {
        if let Some(behind) = after_brackets(text, next) {
            (next, end) = (behind, behind);
        } else if is_path_char(c) {
            next += c.len_utf8();
            if is_path_end(c) {
                end = next;
            }
        } else {
            break;
        }
    }
    end
}

/// Behind a pair of brackets with something in it, one more pair included, that begins at `at`.
fn after_brackets(text: &str, at: usize) -> Option<usize> {
    let open = |at: usize| text.get(at..).filter(|rest| rest.starts_with('(')).map(|_| at + 1);
    let close = |at: usize| text.get(at..).filter(|rest| rest.starts_with(')')).map(|_| at + 1);
    let start = open(at)?;
    let first = skip_while(text, start, is_path_char);
    if let Some(end) = close(first) {
        return (first > start).then_some(end);
    }
    let inner = open(first)?;
    let inner_end = skip_while(text, inner, is_path_char);
    let behind = close(inner_end).filter(|_| inner_end > inner)?;
    close(skip_while(text, behind, is_path_char))
}

/// Behind the query, if one follows: up to the last character that may end it.
fn after_query(text: &str, at: usize) -> usize {
    let Some(rest) = text.get(at..).and_then(|rest| rest.strip_prefix('?')) else { return at };
    let run = rest.find(|c| !is_query_char(c)).unwrap_or(rest.len());
    match rest.get(..run).and_then(|query| query.rfind(is_query_end)) {
        Some(last) => at + 1 + last + 1,
        None => at,
    }
}

/// What `t.co` allows of a link.
enum Tco {
    /// Not a link of `t.co`.
    No,
    /// So many bytes: the path ends with its first letters and digits, the query stays.
    Length(usize),
    /// The path is too long to be one.
    TooLong,
}

fn tco(url: &str) -> Tco {
    let host = |prefix: &str| {
        url.get(..prefix.len()).filter(|start| start.eq_ignore_ascii_case(prefix)).map(str::len)
    };
    let Some(start) = host("https://t.co/").or_else(|| host("http://t.co/")) else { return Tco::No };
    let slug = url.bytes().skip(start).take_while(u8::is_ascii_alphanumeric).count();
    match slug {
        0 => Tco::No,
        1..=MAX_TCO_SLUG => Tco::Length(after_query(url, start + slug)),
        _ => Tco::TooLong,
    }
}

/// `long.test` is rather a file than a shop, unless `https://` is in front of it.
fn is_file_name(host: &str) -> bool {
    host.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case("test"))
}

/// Whether every label fits into the domain name system in its ASCII form.
fn is_valid_host(host: &str) -> bool {
    host.split('.').all(|label| {
        if label.is_ascii() {
            return (1..=MAX_LABEL).contains(&label.len());
        }
        let encoded_already = label.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("xn--"));
        let encoded = idna::punycode::encode_str(label).map_or(usize::MAX, |code| code.len() + 4);
        !encoded_already && encoded <= MAX_LABEL
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        links(text).into_iter().map(|link| link.text).collect()
    }

    #[test]
    fn tables_are_sorted() {
        assert!(tlds::ASCII.is_sorted() && tlds::INTERNATIONAL.is_sorted() && RESERVED.is_sorted());
        assert!(tlds::INTERNATIONAL.iter().all(|tld| tld.to_lowercase() == *tld));
        assert_eq!(tlds::ASCII.iter().chain(RESERVED).map(|tld| tld.len()).max(), Some(LONGEST_TLD));
    }

    #[test]
    fn reserved_domains_count_as_links_of_ours_only() {
        assert_eq!(texts("Buy https://acme.example/p/mug, now"), ["https://acme.example/p/mug"]);
        assert_eq!(texts("www.acme.example/p?id=1."), ["www.acme.example/p?id=1"]);
        assert!(urls("https://acme.example/p/mug").is_empty());
        assert_eq!(texts("examples.examples long.test"), Vec::<&str>::new());
        assert_eq!(texts("https://shop.test/p"), ["https://shop.test/p"]);
    }

    #[test]
    fn brackets() {
        for (text, link) in [
            ("(acme.com/a)", "acme.com/a"),
            ("acme.com/a_(b_(c)_d)_e.", "acme.com/a_(b_(c)_d)_e"),
            ("acme.com/a(", "acme.com/a"),
            ("acme.com/a()b", "acme.com/a"),
            ("acme.com/a((((b))))", "acme.com/a"),
        ] {
            assert_eq!(texts(text), [link], "{text}");
        }
    }

    #[test]
    fn hostile_texts_take_no_time() {
        for piece in ["a.", "あ", "あ.", "a_.", "-.", "(", "acme.com/(", "http://", "x.com/((a", "＃."] {
            let text = piece.repeat(20_000);
            assert!(links(&text).len() <= 20_000);
            assert!(super::super::hashtags(&text).len() <= 20_000);
            assert!(super::super::mentions(&text).is_empty());
        }
    }
}
