//! What X marks in a post's text, in one form for both of its APIs, and the author's own words cut out
//! by it.
//!
//! All positions count Unicode code points of the text as X sends it, with `&`, `<` and `>` escaped.

use url::Url;

/// A post's text with what X marks in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Marked {
    /// The text as sent.
    pub(super) text: String,
    /// The part that is shown: before it stand the mentions that a reply carries by itself, behind it
    /// the links of media and quotes. Not given for long posts.
    pub(super) shown: Option<(usize, usize)>,
    pub(super) mentions: Vec<Mention>,
    pub(super) tags: Vec<String>,
    pub(super) links: Vec<Link>,
}

/// An account that the text names.
#[derive(Clone, Debug)]
pub(super) struct Mention {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) id: Option<String>,
    pub(super) handle: Option<String>,
}

/// A link in the text: X replaces each by a `t.co` address.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Where it leads, as far as X has followed it.
    pub(super) target: String,
    /// Whether it stands for a picture or a film of the post itself.
    pub(super) media: bool,
}

impl Marked {
    /// The author's own words: without what X puts before and behind them, and without the link that
    /// stands for the quoted post.
    pub(super) fn own_words(&self, quoted: Option<&str>) -> String {
        let (from, to) = self.shown.unwrap_or((0, usize::MAX));
        let cut: Vec<&Link> = self.links.iter().filter(|link| !link.is_own(quoted)).collect();
        let kept = |at: usize| {
            (from..to).contains(&at) && !cut.iter().any(|link| (link.start..link.end).contains(&at))
        };
        let text: String =
            self.text.chars().enumerate().filter(|(at, _)| kept(*at)).map(|(_, c)| c).collect();
        unescape(text.trim())
    }

    /// The author's own links, in the order of the text.
    pub(super) fn own_links(&self, quoted: Option<&str>) -> Vec<String> {
        let mut links: Vec<&Link> = self.links.iter().filter(|link| link.is_own(quoted)).collect();
        links.sort_by_key(|link| link.start);
        links.into_iter().map(|link| link.target.clone()).collect()
    }

    /// Whether the author names this account themselves. A reply carries the mentions of those whom it
    /// answers by itself, before the part that is shown; they don't count. Where X doesn't say what is
    /// shown, the mentions at the very start of an answer to this very account don't count.
    pub(super) fn names(&self, id: &str, handle: &str, answers_them: bool) -> bool {
        let from = match self.shown {
            Some((from, _)) => from,
            None if answers_them => self.end_of_leading_mentions(),
            None => 0,
        };
        let is_them = |mention: &&Mention| match (&mention.id, &mention.handle) {
            (Some(other), _) => other == id,
            (None, Some(other)) => other.eq_ignore_ascii_case(handle),
            (None, None) => false,
        };
        self.mentions.iter().filter(is_them).any(|mention| mention.start >= from)
    }

    fn end_of_leading_mentions(&self) -> usize {
        let chars: Vec<char> = self.text.chars().collect();
        let mut at = 0;
        loop {
            while chars.get(at).is_some_and(|c| c.is_whitespace()) {
                at += 1;
            }
            match self.mentions.iter().find(|mention| mention.start == at && mention.end > at) {
                Some(mention) => at = mention.end,
                None => return at,
            }
        }
    }
}

impl Link {
    /// Whether it is a link of the author's, not one that X put there for media or for the quoted post.
    fn is_own(&self, quoted: Option<&str>) -> bool {
        !self.media && !quoted.is_some_and(|quoted| leads_to_post(&self.target, quoted))
    }
}

/// Whether an address is that of the post `id`: `https://x.com/<handle>/status/<id>`.
fn leads_to_post(address: &str, id: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let host = url.host_str().unwrap_or_default();
    let host = host.strip_prefix("www.").or_else(|| host.strip_prefix("mobile.")).unwrap_or(host);
    let mut parts = url.path_segments().into_iter().flatten().skip_while(|part| *part != "status");
    matches!(host, "x.com" | "twitter.com") && parts.nth(1) == Some(id)
}

/// X escapes these three characters in texts, and only these.
fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str, shown: Option<(usize, usize)>) -> Marked {
        Marked { text: text.to_owned(), shown, ..Marked::default() }
    }

    #[test]
    fn own_words_are_cut_out_by_code_points() {
        let mut post = marked("@acme 👩‍🍳 &lt;3 &amp;amp; #AcmeCart https://t.co/abcdefghij", Some((6, 40)));
        assert_eq!(post.own_words(None), "👩‍🍳 <3 &amp; #AcmeCart http");
        post.shown = Some((6, 35));
        assert_eq!(post.own_words(None), "👩‍🍳 <3 &amp; #AcmeCart");
        post.shown = Some((60, 10));
        assert_eq!(post.own_words(None), "");
    }

    #[test]
    fn links_to_the_quoted_post_and_to_media_are_not_the_authors() {
        let link =
            |start, target: &str, media| Link { start, end: start + 23, target: target.to_owned(), media };
        let post = Marked {
            text: "a https://t.co/1111111111 https://t.co/2222222222 https://t.co/3333333333".to_owned(),
            links: vec![
                link(26, "https://twitter.com/acme/status/77", false),
                link(2, "https://acme.example/p/1", false),
                link(50, "https://x.com/bob/status/5/photo/1", true),
            ],
            ..Marked::default()
        };
        assert_eq!(post.own_links(Some("77")), ["https://acme.example/p/1"]);
        assert_eq!(post.own_words(Some("77")), "a https://t.co/1111111111");
        assert_eq!(post.own_links(Some("7")).len(), 2);
    }

    #[test]
    fn addresses_of_posts() {
        for yes in [
            "https://x.com/a/status/7",
            "https://mobile.twitter.com/a/status/7?s=20",
            "http://x.com/i/web/status/7",
        ] {
            assert!(leads_to_post(yes, "7"), "{yes}");
        }
        for no in [
            "https://x.com/a/status/77",
            "https://x.com.evil.example/a/status/7",
            "nonsense",
            "https://x.com/7",
        ] {
            assert!(!leads_to_post(no, "7"), "{no}");
        }
    }

    #[test]
    fn only_what_the_author_wrote_names_us() {
        let mention =
            |start, end| Mention { start, end, id: Some("1".to_owned()), handle: Some("acme".to_owned()) };
        let mut post = marked("@acme @acme #AcmeCart", Some((6, 21)));
        post.mentions = vec![mention(0, 5)];
        assert!(!post.names("1", "acme", true));
        post.mentions.push(mention(6, 11));
        assert!(post.names("1", "acme", true));
        post.shown = None;
        assert!(!post.names("1", "acme", true), "nobody can tell: no consent");
        assert!(post.names("1", "acme", false), "an answer to somebody else names us by its author's will");
        post.mentions = vec![Mention { id: None, ..mention(6, 11) }];
        post.shown = Some((0, 21));
        assert!(post.names("2", "ACME", false));
        assert!(!post.names("2", "acm", false));
    }
}
