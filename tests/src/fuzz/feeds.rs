//! Product feeds.

use std::collections::HashSet;
use std::io::{self, Read};

use domain::product::{PriceExposure, Variant};
use domain::storefront::Marketplace;
use shops::feed::{Feed, Row};
use shops::links::{LinkRules, LinkTarget};

use super::STOREFRONT;

/// A feed in TSV or CSV.
pub(super) fn columns(data: &[u8]) {
    if !starts_as_xml(data) {
        feed(data);
    }
}

/// A feed in RSS or Atom.
pub(super) fn xml(data: &[u8]) {
    if starts_as_xml(data) {
        feed(data);
    }
}

fn starts_as_xml(data: &[u8]) -> bool {
    let behind_mark = data.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(data);
    behind_mark.iter().find(|byte| !matches!(byte, b' ' | b'\r' | b'\n')) == Some(&b'<')
}

/// Gives `at_most` bytes at a time, as a network does.
struct Dripping<'d> {
    left: &'d [u8],
    at_most: usize,
}

impl Read for Dripping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.at_most.min(buffer.len());
        let read = self.left.take(u64::try_from(length).unwrap_or(u64::MAX)).read(buffer)?;
        self.left = &self.left[read..];
        Ok(read)
    }
}

/// What a feed was read as: its rows, and the error at its end.
fn read(marketplace: &Marketplace, reader: impl Read) -> (Vec<Row>, Option<String>) {
    let feed = match Feed::open(reader, marketplace, PriceExposure::Cart) {
        Ok(feed) => feed,
        Err(error) => return (Vec::new(), Some(error.to_string())),
    };
    let mut rows = Vec::new();
    for row in feed {
        match row {
            Ok(row) => rows.push(row),
            Err(error) => return (rows, Some(error.to_string())),
        }
    }
    (rows, None)
}

fn feed(data: &[u8]) {
    for marketplace in &STOREFRONT.marketplaces {
        let (rows, error) = read(marketplace, data);
        holds(marketplace, data, &rows);
        if let Some(error) = &error {
            is_one_line(error);
        }
        let at_most = data.len() % 5 + 1;
        let dripped = read(marketplace, Dripping { left: data, at_most });
        assert_eq!(dripped, (rows, error), "{at_most} bytes at a time");
    }
}

fn holds(marketplace: &Marketplace, data: &[u8], rows: &[Row]) {
    let rules = LinkRules::of(marketplace);
    let last = 1 + data.iter().filter(|byte| **byte == b'\n').map(|_| 1).sum::<u64>();
    let mut ids = HashSet::new();
    let mut line = 0;
    for row in rows {
        match row {
            Row::Rejected(rejected) => {
                assert!((line..=last).contains(&rejected.line), "{rejected} of {last} lines");
                line = rejected.line;
                is_one_line(&rejected.to_string());
            }
            Row::Accepted(listing) => {
                let variant = &listing.variant;
                assert!(ids.insert(variant.variant.clone()), "{} twice", variant.variant);
                assert_eq!(variant.marketplace, marketplace.id);
                assert!(!variant.title.trim().is_empty() && !variant.variant.as_str().is_empty());
                let LinkTarget::Product(link) = rules.read(&listing.url) else {
                    panic!("{} is a product's link no more", listing.url)
                };
                assert_eq!((link.url, link.choice), (listing.url.clone(), None));
                let json = serde_json::to_string(variant).unwrap_or_else(|error| panic!("{error}"));
                let kept: Variant = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}"));
                assert_eq!(kept, *variant, "stored otherwise");
            }
        }
    }
}

/// What the operator is told is a line of a terminal: it can't hold the terminal's own commands.
fn is_one_line(said: &str) {
    assert!(!said.chars().any(char::is_control), "{said:?}");
    assert!(said.len() < 1000, "{} bytes", said.len());
}
