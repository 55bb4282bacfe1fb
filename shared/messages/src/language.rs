//! Which of our languages to speak.

use std::fmt;

use domain::ids::Lang;
use domain::storefront::{Marketplace, Storefront};

/// A language that we have every message in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// German.
    De,
    /// Spanish.
    Es,
    /// French.
    Fr,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::En, Self::De, Self::Es, Self::Fr];

    /// The code, as it stands in `lang` attributes and `Content-Language`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Es => "es",
            Self::Fr => "fr",
        }
    }

    /// Our language for a tag, by its primary subtag: `de-at` is German.
    pub fn of(lang: &Lang) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == lang.primary())
    }

    /// The language of an answer: the post's, else the shopper's own, else the marketplace's first,
    /// else the storefront's. A marketplace that lists its languages is answered in one of them.
    pub fn choose(
        post: Option<&Lang>,
        shopper: Option<&Lang>,
        marketplace: Option<&Marketplace>,
        storefront: &Storefront,
    ) -> Self {
        let spoken: Vec<Self> = marketplace.iter().flat_map(|m| &m.languages).filter_map(Self::of).collect();
        [post, shopper]
            .into_iter()
            .flatten()
            .filter_map(Self::of)
            .find(|language| spoken.is_empty() || spoken.contains(language))
            .or_else(|| spoken.first().copied())
            .or_else(|| Self::of(&storefront.default_language))
            .unwrap_or_default()
    }

    /// The first of our languages in an `Accept-Language` header, by its weights (RFC 9110, 12.5.4);
    /// `None` when none of ours is accepted.
    pub fn accepted(header: &str) -> Option<Self> {
        let mut wanted: Vec<(u16, Self)> = header.split(',').filter_map(weighted).collect();
        wanted.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        wanted.first().filter(|(weight, _)| *weight > 0).map(|(_, language)| *language)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl From<Language> for Lang {
    #[expect(clippy::expect_used, reason = "our own codes are language tags; a test parses each")]
    fn from(language: Language) -> Self {
        Self::parse(language.code()).expect("a language tag")
    }
}

/// One range of an `Accept-Language` header with its weight in thousandths.
fn weighted(range: &str) -> Option<(u16, Language)> {
    let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
    let language = Language::of(&Lang::parse(tag)?)?;
    let weight = parameters.trim().strip_prefix("q=").map_or(Some(1000), thousandths)?;
    Some((weight, language))
}

/// `0.8` as 800.
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, fraction) = weight.trim().split_once('.').unwrap_or((weight.trim(), ""));
    let whole: u16 = whole.parse().ok().filter(|whole| *whole <= 1)?;
    let fraction: u16 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    Some((whole * 1000 + fraction).min(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lang(tag: &str) -> Option<Lang> {
        Lang::parse(tag)
    }

    #[test]
    fn every_language_is_a_tag_and_reads_back() {
        for language in Language::ALL {
            assert_eq!(Language::of(&Lang::from(language)), Some(language));
        }
        assert_eq!(Language::of(&lang("de-AT").unwrap()), Some(Language::De));
        assert_eq!(Language::of(&lang("pt").unwrap()), None);
    }

    #[test]
    fn accept_language_is_read_by_weight() {
        assert_eq!(Language::accepted("da, en-gb;q=0.8, de;q=0.9"), Some(Language::De));
        assert_eq!(Language::accepted("fr-CH, fr;q=0.9, en;q=0.8"), Some(Language::Fr));
        assert_eq!(Language::accepted("es;q=0, *;q=0.5"), None);
        assert_eq!(Language::accepted(""), None);
        assert_eq!(Language::accepted("de;q=x, en;q=0.5555"), Some(Language::En));
    }
}
