//! Tags, links and mentions found in a text, for networks that don't give them as entities.

use domain::text::{self, Entity};

/// The hashtags of `text`, without `#`.
pub(crate) fn tags(text: &str) -> Vec<String> {
    own(text::hashtags(text))
}

/// The links of `text`, as written.
pub(crate) fn links(text: &str) -> Vec<String> {
    own(text::links(text))
}

/// The handles that `text` mentions, without `@`.
pub(crate) fn mentions(text: &str) -> Vec<String> {
    own(text::mentions(text))
}

/// Where X finds links in `text`: first byte and the one behind the last.
pub(crate) fn link_spans(text: &str) -> Vec<(usize, usize)> {
    text::urls(text).into_iter().map(|link| (link.span.start, link.span.end)).collect()
}

fn own(found: Vec<Entity<'_>>) -> Vec<String> {
    found.into_iter().map(|entity| entity.text.to_owned()).collect()
}
