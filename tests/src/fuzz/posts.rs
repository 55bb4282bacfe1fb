//! What a post can hold: words, tags, links, addresses.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use domain::grammar::{LinkResolution, ParentLink, ParentLinks, Reading, TagSet, link_places, plan};
use domain::post::{Author, Post, PostHead, Visibility};
use domain::product::ProductRef;
use domain::text::{CodePoints, Entity, eq_folded, fold, hashtags, is_hashtag, links, mentions, urls};
use networks::Reach;
use networks::guard::{Guard, Hosts};
use shops::links::{LinkRules, LinkTarget, ProductLink};
use url::{Host, Url};

use super::payloads::TAGS;
use super::{NOW, STOREFRONT};

/// A text; behind NULs, in turn, links and tags that the network names.
pub(super) fn grammar(data: &[u8]) {
    let Ok(input) = std::str::from_utf8(data) else { return };
    let mut parts = input.split('\0').map(str::to_owned);
    let text = parts.next().unwrap_or_default();
    entities(&text);
    let (tags, given): (Vec<String>, Vec<String>) = parts.partition(|part| part.starts_with('#'));
    let tags: Vec<String> = tags.iter().map(|tag| tag.trim_start_matches('#').to_owned()).collect();
    for mentions_us in [false, true] {
        let found: Vec<String> = links(&text).iter().map(|link| link.text.to_owned()).collect();
        let links = if given.is_empty() { found } else { given.clone() };
        reads_the_same(&TAGS, &post(&text, tags.clone(), links, mentions_us));
    }
}

fn post(text: &str, tags: Vec<String>, links: Vec<String>, mentions_us: bool) -> Post {
    let head = PostHead {
        network: "generic".into(),
        bot: "acme".into(),
        id: "1".into(),
        url: None,
        author: Author { id: "2".into(), handle: None },
        mentions_us,
        created_at: NOW,
        first_seen: NOW,
        lang: None,
        visibility: Visibility::Public,
    };
    Post { head, text: text.to_owned(), tags, links, parent: None, quoted: None }
}

/// What is found in a text stands there, in order, and is found again alone.
fn entities(text: &str) {
    for (found, sigil) in [(hashtags(text), 1), (mentions(text), 1), (links(text), 0), (urls(text), 0)] {
        let mut points = CodePoints::new(text);
        let mut end = 0;
        for Entity { text: word, span } in found {
            assert!(span.start >= end, "entities overlap");
            end = span.end;
            let whole = &text[span.start..span.end];
            assert!(whole.ends_with(word), "{whole:?} is not {word:?}");
            let before = whole.strip_suffix(word).map_or(0, |before| before.chars().count());
            assert_eq!(before, sigil, "{whole:?}");
            assert_eq!(points.at(span.start), text[..span.start].chars().count());
            if sigil == 1 && whole.starts_with(['#', '＃']) {
                assert!(is_hashtag(word), "{word:?}");
            }
        }
    }
    let folded = fold(text);
    assert!(eq_folded(text, &folded), "a text differs from itself folded");
    assert_eq!(fold(&folded), folded, "folding twice differs");
}

/// The fast check says yes exactly where the grammar finds a request, and the lines keep the limits.
pub(super) fn reads_the_same(tags: &TagSet, post: &Post) {
    let reading = tags.read(post);
    assert_eq!(tags.is_for_us(post), !reading.requests.is_empty(), "the fast check and the grammar differ");
    assert_eq!(tags.read(post), reading);
    let limit = usize::from(STOREFRONT.limits.lines_per_post);
    assert!(reading.links.len() <= limit && (reading.needs_product() || reading.links.is_empty()));
    for link in &reading.links {
        assert!(post.links.contains(&link.url) && link.request < reading.requests.len());
    }
    let places = link_places(&links(&post.text), &post.links);
    let mut given: Vec<usize> = places.into_iter().flatten().collect();
    given.sort_unstable();
    assert!(given.iter().all(|place| *place < post.links.len()), "a link that the network didn't give");
    assert!(given.windows(2).all(|pair| pair.first() != pair.last()), "two places for one link");
    lines(&reading, limit);
}

fn lines(reading: &Reading, limit: usize) {
    let marketplaces = &STOREFRONT.marketplaces;
    let stands_for = |at: usize| match at % 4 {
        0 => LinkResolution::NotAProduct,
        1 => LinkResolution::Unknown,
        _ => LinkResolution::Product(ProductRef {
            marketplace: marketplaces[at % marketplaces.len()].id.clone(),
            product: format!("p{at}").as_str().into(),
            variant: None,
        }),
    };
    let parent = |at: usize| ParentLink { resolution: stands_for(at), title: format!("Product {at}") };
    for shift in 0..4 {
        let own: Vec<LinkResolution> = (0..reading.links.len()).map(|at| stands_for(at + shift)).collect();
        for parent in [
            ParentLinks::None,
            ParentLinks::Unavailable,
            ParentLinks::Links((0..shift).map(|at| parent(at + shift)).collect()),
        ] {
            let lines = plan(reading, &own, &parent);
            // Each link, each tag, and one for what was over the limit.
            assert!(lines.len() <= limit + reading.requests.len() + 1, "{} lines", lines.len());
            for (number, line) in (1..).zip(&lines) {
                assert_eq!(line.line, number);
                assert!(reading.marketplaces().any(|marketplace| *marketplace == line.marketplace));
            }
            assert_eq!(lines.is_empty(), reading.requests.is_empty(), "a request without a line");
        }
    }
}

static RULES: LazyLock<LinkRules> = LazyLock::new(|| LinkRules::new(&STOREFRONT));

/// A link in a post: its canonical form is that of the same product, for ever.
pub(super) fn link(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match RULES.read(text) {
        LinkTarget::NotOurs => {}
        LinkTarget::ShortLink(url) => {
            let host = url.host_str().unwrap_or_default().trim_end_matches('.').to_owned();
            assert!(RULES.short_hosts().contains(&host), "followed to {host:?}");
            assert_eq!(RULES.read(url.as_str()), LinkTarget::ShortLink(url));
        }
        LinkTarget::Product(product) => canonical(&product),
    }
    if let Ok(url) = Url::parse(text) {
        for config in &STOREFRONT.networks {
            if let Some(post) = networks::post_at(config, &url) {
                assert!(!post.id.as_str().is_empty() && post.id.as_str().bytes().all(|b| b.is_ascii_digit()));
            }
        }
    }
}

pub(super) fn canonical(product: &ProductLink) {
    let url = Url::parse(&product.url).unwrap_or_else(|error| panic!("{}: {error}", product.url));
    assert_eq!(url.scheme(), "https");
    assert!(product.url.is_ascii() && url.fragment().is_none() && url.username().is_empty());
    let bare = ProductLink { choice: None, affiliate: None, ..product.clone() };
    assert_eq!(RULES.read(&product.url), LinkTarget::Product(bare));
    if let Some(choice) = &product.choice {
        let joint = if product.url.contains('?') { '&' } else { '?' };
        let with_choice = ProductLink { affiliate: None, ..product.clone() };
        let link = format!("{}{joint}{choice}", product.url);
        assert_eq!(RULES.read(&link), LinkTarget::Product(with_choice), "{link}");
    }
}

/// Where the guarded client may go, held against what the standard library says of addresses.
pub(super) fn address(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(url) = Url::parse(text) else { return };
    let public = Guard::new(Reach::Public);
    let may = public.check(&url, Hosts::Public).is_ok();
    if may {
        assert!(url.scheme() == "https" && url.port().is_none(), "{url}");
        assert!(url.username().is_empty() && url.password().is_none(), "{url}");
        match url.host() {
            Some(Host::Domain(_)) => {}
            Some(Host::Ipv4(address)) => assert!(!is_inside_v4(address), "{url}"),
            Some(Host::Ipv6(address)) => assert!(!is_inside_v6(address), "{url}"),
            None => panic!("no host: {url}"),
        }
    }
    let only = ["acme.example".to_owned()];
    if public.check(&url, Hosts::Only(&only)).is_ok() {
        assert!(may && url.host_str() == Some("acme.example"), "{url}");
    }
    if Guard::new(Reach::Local { own_port: 4000 }).check(&url, Hosts::Public).is_ok() && !may {
        assert!(url.scheme() == "http" && url.port() == Some(4000), "{url}");
        assert!(matches!(url.host_str(), Some("localhost" | "[::1]")) || is_loopback(&url), "{url}");
    }
}

fn is_loopback(url: &Url) -> bool {
    matches!(url.host(), Some(Host::Ipv4(address)) if address.is_loopback())
}

fn is_inside_v4(address: Ipv4Addr) -> bool {
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || address.is_unspecified()
}

fn is_inside_v6(address: Ipv6Addr) -> bool {
    address.is_loopback()
        || address.is_multicast()
        || address.is_unspecified()
        || address.is_unique_local()
        || address.is_unicast_link_local()
        || address.to_ipv4().is_some()
}
