//! Product feeds as Google Merchant Center takes them: TSV, CSV, RSS 2.0 and Atom.
//!
//! [`Feed::open`] looks at the first bytes to tell the format, then gives row after row: a
//! [`Listing`], or a [`RejectedRow`] that says which line, which field and why. One row is held at a
//! time, and none may be longer than [`LONGEST_ROW`], so the size of the feed doesn't matter; only
//! the ids of the rows are kept, to find the ones that come twice.
//!
//! The attributes and their limits are those of the product data specification
//! (<https://support.google.com/merchants/answer/7052112>), with the columns of our own that
//! [`Field`] names. A name may be written with spaces or underscores, in any case, with or without
//! `g:` before it.

mod delimited;
mod fields;
mod metered;
mod rows;
mod xml;

use std::collections::HashSet;
use std::io::{self, BufRead, Read};

use domain::product::{Listing, PriceExposure};
use domain::storefront::Marketplace;

pub use fields::Field;
pub use rows::RowProblem;

use self::delimited::Delimited;
use self::fields::RawRow;
use self::metered::Metered;
use self::rows::Terms;
use self::xml::Xml;

/// The longest row that is read, in bytes. A row is longer only when a quote is never closed or an
/// element never ends.
pub const LONGEST_ROW: u64 = 1024 * 1024;

/// A row of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A product that can be sold.
    Accepted(Box<Listing>),
    /// One that can't be imported; the rows behind it are not harmed.
    Rejected(RejectedRow),
}

/// Why a row was not imported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, {}{}{problem}", display_id(.id.as_deref()), display_field(*.field))]
pub struct RejectedRow {
    /// The line of the file that the row begins on, from 1.
    pub line: u64,
    /// The row's id, as far as it has one.
    pub id: Option<String>,
    /// The field at fault; `None` when it is the row as a whole.
    pub field: Option<Field>,
    /// What is wrong.
    pub problem: RowProblem,
}

fn display_id(id: Option<&str>) -> String {
    id.map_or_else(|| "no id, ".to_owned(), |id| format!("id {}, ", rows::quoted(id)))
}

fn display_field(field: Option<Field>) -> String {
    field.map_or_else(String::new, |field| format!("{field}: "))
}

/// Why a feed can't be read, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// There is nothing in it.
    #[error("the feed is empty")]
    Empty,
    /// Its first bytes are those of a compressed file.
    #[error("the feed is compressed: unpack it first")]
    Compressed,
    /// Its first bytes or its XML declaration name another encoding.
    #[error("the feed is not in UTF-8: save it as UTF-8")]
    Encoding,
    /// XML, but neither RSS nor Atom.
    #[error("the feed is neither RSS nor Atom: its outermost element is {}", rows::quoted(root))]
    NotAFeed {
        /// The outermost element.
        root: String,
    },
    /// The header line lacks columns that every product needs.
    #[error("the first line must name the columns; missing: {}", .missing.iter().map(Field::to_string).collect::<Vec<_>>().join(", "))]
    MissingColumns {
        /// The columns that are missing.
        missing: Vec<Field>,
    },
    /// A row that never ends.
    #[error("the row that begins on line {line} is longer than 1 MiB: a quote or an element is never closed")]
    EndlessRow {
        /// The line that the row begins on.
        line: u64,
    },
    /// The end is missing.
    #[error("the feed breaks off on line {line}: the outermost element is not closed")]
    CutOff {
        /// The last line.
        line: u64,
    },
    /// Not well-formed: what follows can't be told apart.
    #[error("the feed is not well-formed XML near line {line}")]
    Xml {
        /// The line.
        line: u64,
        /// What the reader says.
        #[source]
        source: quick_xml::Error,
    },
    /// Reading it failed.
    #[error("the feed can't be read on from line {line}")]
    Io {
        /// The line reached.
        line: u64,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// A feed that is being read: an iterator of rows. After an error it ends.
pub struct Feed<R> {
    source: Source<R>,
    terms: Terms,
    seen: HashSet<Box<str>>,
    ended: bool,
}

enum Source<R> {
    Delimited(Box<Delimited<R>>),
    Xml(Box<Xml<R>>),
}

impl<R: Read> Feed<R> {
    /// Opens the feed of `marketplace`; rows without a price policy of their own get
    /// `default_exposure`.
    ///
    /// # Errors
    /// When it is empty, compressed, not in UTF-8, no feed, or lacks a column that each row needs.
    pub fn open(
        reader: R,
        marketplace: &Marketplace,
        default_exposure: PriceExposure,
    ) -> Result<Self, FeedError> {
        let mut reader = Metered::new(reader).map_err(|source| io_error(1, source))?;
        let source = match first_byte(&mut reader)? {
            b'<' => Source::Xml(Box::new(Xml::open(reader)?)),
            _ => Source::Delimited(Box::new(Delimited::open(reader)?)),
        };
        let terms = Terms::new(marketplace, default_exposure);
        Ok(Self { source, terms, seen: HashSet::new(), ended: false })
    }

    fn raw(&mut self) -> Result<Option<RawRow>, FeedError> {
        match &mut self.source {
            Source::Delimited(delimited) => delimited.next(),
            Source::Xml(xml) => xml.next(),
        }
    }

    fn check(&mut self, row: &RawRow) -> Row {
        let rejected = |(field, problem)| {
            let id = row.get(Field::Id).map(str::to_owned);
            Row::Rejected(RejectedRow { line: row.line, id, field, problem })
        };
        match self.terms.listing(row) {
            Err(fault) => rejected(fault),
            Ok(listing) if !self.seen.insert(listing.variant.variant.as_str().into()) => {
                rejected((Some(Field::Id), RowProblem::Duplicate))
            }
            Ok(listing) => Row::Accepted(Box::new(listing)),
        }
    }
}

impl<R: Read> Iterator for Feed<R> {
    type Item = Result<Row, FeedError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        match self.raw() {
            Ok(Some(row)) => Some(Ok(self.check(&row))),
            Ok(None) => {
                self.ended = true;
                None
            }
            Err(error) => {
                self.ended = true;
                Some(Err(error))
            }
        }
    }
}

/// The first byte that says something, the byte order mark and white space skipped.
fn first_byte<R: Read>(reader: &mut Metered<R>) -> Result<u8, FeedError> {
    let failed = |source| FeedError::Io { line: 1, source };
    match reader.fill_buf().map_err(failed)? {
        [0xEF, 0xBB, 0xBF, ..] => reader.consume(3),
        [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] => return Err(FeedError::Encoding),
        [0x1F, 0x8B, ..] | [b'P', b'K', 3, 4, ..] => return Err(FeedError::Compressed),
        _ => {}
    }
    loop {
        let byte = *reader.fill_buf().map_err(failed)?.first().ok_or(FeedError::Empty)?;
        // A tab is a separator: the first column's name may be missing.
        if !matches!(byte, b' ' | b'\r' | b'\n') {
            return Ok(byte);
        }
        reader.consume(1);
    }
}

/// An I/O error at a line: a row that is too long, or a real one.
fn io_error(line: u64, source: io::Error) -> FeedError {
    if metered::is_endless(&source) { FeedError::EndlessRow { line } } else { FeedError::Io { line, source } }
}

#[cfg(test)]
mod tests;
