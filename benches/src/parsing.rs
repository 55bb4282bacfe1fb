//! How fast posts are read: turned down, understood, and taken apart in comparison with the crate
//! `twitter-text`.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use domain::grammar::TagSet;
use domain::post::Post;
use domain::storefront::Storefront;
use domain::text;
use twitter_text::extractor::Extractor;

use crate::corpus;
use crate::table::Measure;

/// How long a round takes at least: shorter than what a scheduler gives a process at a time.
const ROUND: Duration = Duration::from_millis(3);
/// How often it is repeated; the best counts, since what else the machine does only takes away.
const ROUNDS: usize = 300;

/// What reading works on.
pub struct Bench {
    /// The demonstration's tags and words, in four languages.
    pub tags: TagSet,
    /// Posts that aren't for us.
    pub chatter: Vec<Post>,
    /// Posts that are.
    pub asks: Vec<Post>,
    /// The texts of both, and those of twitter-text's conformance suite.
    pub texts: Vec<String>,
    /// The peer, with the quicker of its parsers.
    pub peer: Extractor,
}

impl Bench {
    /// Reads the posts and the demonstration's storefront.
    ///
    /// # Errors
    /// When a file isn't in its place.
    pub fn new() -> anyhow::Result<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo/storefront.toml");
        let storefront = std::fs::read_to_string(&path).with_context(|| format!("no {}", path.display()))?;
        let storefront =
            Storefront::from_toml(&storefront, true).context("the demonstration's storefront")?;
        let own = corpus::chatter().into_iter().chain(corpus::asks()).map(str::to_owned);
        Ok(Self {
            tags: TagSet::of(&storefront),
            chatter: corpus::chatter().into_iter().map(corpus::post).collect(),
            asks: corpus::asks().into_iter().map(corpus::post).collect(),
            texts: own.chain(corpus::conformance()?).collect(),
            peer: Extractor::new(),
        })
    }

    /// Turns the posts down that aren't for us.
    pub fn reject(&self) -> usize {
        self.chatter.iter().filter(|post| !self.tags.is_for_us(black_box(post))).count()
    }

    /// Reads those that are: what they ask, how many, which option, which links.
    pub fn read(&self) -> usize {
        self.asks.iter().map(|post| self.tags.read(black_box(post)).requests.len()).sum()
    }

    /// Hashtags and links of all texts, ours.
    pub fn extract(&self) -> usize {
        let of = |text: &String| {
            let links = text::urls(black_box(text));
            text::hashtags_beside(text, &links).len() + links.len()
        };
        self.texts.iter().map(of).sum()
    }

    /// Hashtags and links of all texts, the peer's.
    pub fn peer_extract(&self) -> usize {
        let of = |text: &String| {
            self.peer.extract_hashtags(black_box(text)).len() + self.peer.extract_urls(text).len()
        };
        self.texts.iter().map(of).sum()
    }
}

/// Posts a second of the best round.
fn rate(posts: usize, mut work: impl FnMut() -> usize) -> f64 {
    let posts = f64::from(u32::try_from(posts).unwrap_or(u32::MAX));
    let mut best = 0.0_f64;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let mut done = 0.0;
        while start.elapsed() < ROUND {
            black_box(work());
            done += posts;
        }
        best = best.max(done / start.elapsed().as_secs_f64());
    }
    best
}

/// The rows of the table.
///
/// # Errors
/// When a file isn't in its place, or this program isn't optimised.
pub fn measure() -> anyhow::Result<Vec<Measure>> {
    ensure!(
        !cfg!(debug_assertions),
        "reading is measured optimised: `cargo run --release -p benches -- parsing`"
    );
    let bench = Bench::new()?;
    let row = |name: &str, value: f64| Measure::new("parsing", name, value, "posts/s");
    let ours = rate(bench.texts.len(), || bench.extract());
    let theirs = rate(bench.texts.len(), || bench.peer_extract());
    Ok(vec![
        row("turned down: not for us", rate(bench.chatter.len(), || bench.reject())).at_least(2_000_000.0),
        row("understood: for us", rate(bench.asks.len(), || bench.read())).at_least(300_000.0),
        row("hashtags and links", ours),
        row("hashtags and links, by the crate twitter-text", theirs),
        Measure::new("parsing", "hashtags and links, against twitter-text", ours / theirs, "×")
            .at_least(10.0),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_post_is_where_it_belongs() {
        let bench = Bench::new().unwrap();
        for post in &bench.chatter {
            assert!(!bench.tags.is_for_us(post), "{}", post.text);
        }
        for post in &bench.asks {
            assert!(bench.tags.is_for_us(post), "{}", post.text);
        }
    }

    /// Where the peer finds something else, and why that is allowed.
    const DIFFERENCES: [(&str, &str); 1] = [(
        "下雨天配热可可，完美。#下雨天#热可可",
        "a tag that another one follows without a space is none (twitter-text's own `#double#rainbow`)",
    )];

    #[test]
    fn the_peer_finds_the_same() {
        let bench = Bench::new().unwrap();
        let mut different = Vec::new();
        for text in &bench.texts {
            let names = |found: Vec<text::Entity<'_>>| -> Vec<String> {
                found.iter().map(|found| found.text.to_owned()).collect()
            };
            let links = text::urls(text);
            let ours = (names(text::hashtags_beside(text, &links)), names(links));
            let theirs = (bench.peer.extract_hashtags(text), bench.peer.extract_urls(text));
            if ours != theirs {
                different.push(text.as_str());
            }
        }
        assert_eq!(different, DIFFERENCES.map(|(text, _)| text));
    }
}
