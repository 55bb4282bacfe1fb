//! Feeds in lines: TSV and CSV.

use std::io::{BufRead, Read};

use csv::{ByteRecord, ReaderBuilder};

use super::fields::{Field, RawRow};
use super::metered::Metered;
use super::rows::RowProblem;
use super::{FeedError, io_error};

const REQUIRED: [Field; 5] = [Field::Id, Field::Title, Field::Link, Field::Price, Field::Availability];

pub(super) struct Delimited<R> {
    reader: csv::Reader<Metered<R>>,
    columns: Vec<Option<Field>>,
    record: ByteRecord,
    /// Lines before the header, which the reader never saw.
    skipped: u64,
    /// Line breaks that a row's end adds to the reader's count at once: none where lines end in CR LF,
    /// because the reader leaves the LF for the next row.
    end_breaks: u64,
}

impl<R: Read> Delimited<R> {
    /// Reads the header line.
    pub(super) fn open(mut reader: Metered<R>) -> Result<Self, FeedError> {
        let skipped = reader.line() - 1;
        let delimiter = delimiter(&mut reader)?;
        let mut reader =
            ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(reader);
        let mut header = ByteRecord::new();
        reader.read_byte_record(&mut header).map_err(|error| csv_error(1, error))?;
        let columns: Vec<_> =
            header.iter().map(|name| std::str::from_utf8(name).ok().and_then(Field::parse)).collect();
        let missing: Vec<_> = REQUIRED.into_iter().filter(|field| !columns.contains(&Some(*field))).collect();
        if !missing.is_empty() {
            return Err(FeedError::MissingColumns { missing });
        }
        let end_breaks = reader.position().line() - 1;
        Ok(Self { reader, columns, record: ByteRecord::new(), skipped, end_breaks })
    }

    pub(super) fn next(&mut self) -> Result<Option<RawRow>, FeedError> {
        loop {
            self.reader.get_mut().row_begins();
            let before = self.reader.position().line();
            let more = self.reader.read_byte_record(&mut self.record);
            if !more.map_err(|error| csv_error(self.skipped + before, error))? {
                return Ok(None);
            }
            if self.record.iter().any(|value| !value.trim_ascii().is_empty()) {
                return Ok(Some(self.row(self.begins(before))));
            }
        }
    }

    /// The line that the record begins on. The reader's own count stands before the empty lines that
    /// it skipped; each line break that was read is one of theirs, one inside the record, or its end.
    fn begins(&self, before: u64) -> u64 {
        let read = self.reader.position().line() - before;
        let inside = self.record.as_slice().iter().filter(|byte| **byte == b'\n').map(|_| 1).sum::<u64>();
        self.skipped + before + read.saturating_sub(inside + self.end_breaks)
    }

    fn row(&self, line: u64) -> RawRow {
        let mut row = RawRow::new(line);
        let surplus = self.record.iter().skip(self.columns.len()).any(|value| !value.trim_ascii().is_empty());
        if surplus {
            row.fault(None, RowProblem::SurplusColumns { columns: self.columns.len() });
        }
        for (value, column) in self.record.iter().zip(&self.columns) {
            let Some(field) = *column else { continue };
            match std::str::from_utf8(value) {
                Ok(text) if field == Field::ProductDetail => row.details.extend(details(text)),
                Ok(text) => row.set(field, text, true),
                Err(_) => row.fault(Some(field), RowProblem::NotUtf8),
            }
        }
        row
    }
}

/// What separates the columns: the first of tab, semicolon and comma that the header line holds,
/// in that order.
fn delimiter<R: Read>(reader: &mut Metered<R>) -> Result<u8, FeedError> {
    let ready = reader.fill_buf().map_err(|source| io_error(1, source))?;
    let header = ready.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok([b'\t', b';'].into_iter().find(|byte| header.contains(byte)).unwrap_or(b','))
}

/// `section:name:value`, several of them separated by commas.
fn details(text: &str) -> Vec<[String; 3]> {
    let detail = |text: &str| {
        let mut parts = text.splitn(3, ':').map(|part| part.trim().trim_matches('"').to_owned());
        Some([parts.next()?, parts.next()?, parts.next()?])
    };
    text.split(',').filter_map(detail).collect()
}

fn csv_error(line: u64, error: csv::Error) -> FeedError {
    // A flexible reader of bytes has only one way to fail.
    match error.into_kind() {
        csv::ErrorKind::Io(source) => io_error(line, source),
        other => FeedError::Io { line, source: std::io::Error::other(format!("{other:?}")) },
    }
}
