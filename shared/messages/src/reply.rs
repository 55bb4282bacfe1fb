//! The public reply: one text that sums up what became of a post.

use domain::outcome::{LineOutcome, Outcome, PostOutcomes};
use domain::storefront::Storefront;

use crate::language::Language;
use crate::lines::Words;
use crate::public::plain_handle;
use crate::voices::{Reply, voices};

/// What a network and the moment allow.
#[derive(Clone, Copy)]
pub struct ReplyRules<'a> {
    /// The language to answer in.
    pub language: Language,
    /// Whether the network takes a text of this length, by its own count.
    pub fits: &'a dyn Fn(&str) -> bool,
    /// The address of the page where an account is linked; `None` where a reply may hold no address.
    pub link_page: Option<&'a str>,
    /// Whether a prompt to link the account may be shown to this shopper now.
    pub prompt_due: bool,
    /// Whether the reply begins with its receiver's `@handle`. It makes the texts for two shoppers
    /// differ on networks that refuse a text which was posted before.
    pub address: bool,
}

/// Titles are cut to so many graphemes, the first that fits with the words of welcome in front.
const GENEROUS: [usize; 4] = [150, 100, 70, 50];
/// The same for a text that is too long even so, now without those words.
const TIGHT: [usize; 5] = [100, 70, 50, 30, 16];

/// The reply to a post, `None` when there is nothing to say in public.
///
/// The same outcomes give the same text, however often they are delivered. The text always fits, is
/// never empty, and holds no price, no code, no e-mail address, no name of a sensitive product, no
/// mention of anybody but its receiver and no hashtag; an address only if the rules bring one.
pub fn reply(outcomes: &PostOutcomes, storefront: &Storefront, rules: &ReplyRules<'_>) -> Option<String> {
    let lines: Vec<&LineOutcome> = outcomes.lines.iter().filter(|line| is_told(line, rules)).collect();
    if lines.is_empty() {
        return None;
    }
    let words = Words { language: rules.language, storefront };
    let receiver = outcomes.post.author.handle.as_deref().filter(|_| rules.address).and_then(plain_handle);
    let addressed = |body: String| match receiver {
        Some(handle) => format!("@{handle} {body}"),
        None => body,
    };
    candidates(&words, &lines, rules, outcomes)
        .map(addressed)
        .find(|text| (rules.fits)(text))
        .or_else(|| Some(cut(&summary(&words, lines.len()), rules.fits)))
}

fn is_told(line: &LineOutcome, rules: &ReplyRules<'_>) -> bool {
    match voices(&line.outcome).reply {
        Reply::Told => true,
        Reply::Prompt => rules.prompt_due,
        Reply::Silent => false,
    }
}

/// The texts that may be posted, the fullest first.
fn candidates<'a>(
    words: &'a Words<'_>,
    lines: &'a [&'a LineOutcome],
    rules: &'a ReplyRules<'_>,
    outcomes: &'a PostOutcomes,
) -> impl Iterator<Item = String> + 'a {
    let all = |limit: usize| joined(&sentences(words, lines, limit, rules.link_page));
    let generous = GENEROUS.into_iter().map(move |limit| {
        let opener = opener(words, lines, outcomes);
        opener.map_or_else(|| all(limit), |opener| format!("{opener} {}", all(limit)))
    });
    let tight = TIGHT.into_iter().map(all);
    let fewer = (1..lines.len()).rev().map(move |count| {
        let some = sentences(words, lines.get(..count).unwrap_or_default(), 16, rules.link_page);
        let more = words.say("reply-more", &[("count", (lines.len() - count).into())]);
        format!("{} {more}", joined(&some))
    });
    let without_address = std::iter::once_with(move || joined(&sentences(words, lines, 16, None)));
    generous
        .chain(tight)
        .chain(without_address)
        .chain(fewer)
        .chain(std::iter::once_with(|| summary(words, lines.len())))
}

/// One sentence a line; what two lines have in common is said once.
fn sentences(
    words: &Words<'_>,
    lines: &[&LineOutcome],
    limit: usize,
    link_page: Option<&str>,
) -> Vec<String> {
    let mut said: Vec<String> = Vec::with_capacity(lines.len());
    for line in lines {
        let sentence = words.in_public(line, limit, link_page);
        if !said.contains(&sentence) {
            said.push(sentence);
        }
    }
    said
}

fn joined(sentences: &[String]) -> String {
    sentences.join("\n")
}

fn summary(words: &Words<'_>, count: usize) -> String {
    words.say("reply-summary", &[("count", count.into())])
}

/// Words of welcome, if something went as the shopper wished. They vary with the post, so that the
/// same order on another day is another text.
fn opener(words: &Words<'_>, lines: &[&LineOutcome], outcomes: &PostOutcomes) -> Option<String> {
    let done = |outcome: &Outcome| {
        matches!(
            outcome,
            Outcome::Added { .. }
                | Outcome::QuantityChanged { .. }
                | Outcome::Preordered { .. }
                | Outcome::Removed
                | Outcome::Wished
        )
    };
    let variant =
        outcomes.post.id.as_str().bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte)) % 4;
    lines
        .iter()
        .any(|line| done(&line.outcome))
        .then(|| words.say("reply-opener", &[("variant", variant.into())]))
}

/// The longest beginning of `text` that fits: for a network that takes less than a sentence.
fn cut(text: &str, fits: &dyn Fn(&str) -> bool) -> String {
    use unicode_segmentation::UnicodeSegmentation;
    let ends: Vec<usize> = text.grapheme_indices(true).map(|(at, _)| at).chain([text.len()]).collect();
    let longest = ends.into_iter().rev().filter_map(|end| text.get(..end)).find(|start| fits(start));
    longest.unwrap_or_default().trim_end().to_owned()
}
