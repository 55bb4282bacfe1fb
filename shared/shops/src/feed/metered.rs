//! A reader that counts lines and stops a row that never ends.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

use super::LONGEST_ROW;

#[derive(Debug, thiserror::Error)]
#[error("a row is too long")]
struct Endless;

/// Whether the error is the one that an endless row makes.
pub(super) fn is_endless(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Endless>())
}

/// What is read ahead, so that the format can be told, in bytes.
const AHEAD: usize = 64 * 1024;

/// Counts the lines that were read, and refuses to read more than [`LONGEST_ROW`] bytes for one row.
pub(super) struct Metered<R> {
    inner: BufReader<Chain<Cursor<Vec<u8>>, R>>,
    line: u64,
    left: u64,
}

impl<R: Read> Metered<R> {
    /// Reads ahead. The first [`BufRead::fill_buf`] then holds the feed's beginning whole, however few bytes
    /// the reader gives at a time: a pipe or a connection may give one.
    pub(super) fn new(mut reader: R) -> io::Result<Self> {
        let mut beginning = Vec::new();
        reader.by_ref().take(u64::try_from(AHEAD).unwrap_or(u64::MAX)).read_to_end(&mut beginning)?;
        let inner = BufReader::with_capacity(AHEAD, Cursor::new(beginning).chain(reader));
        Ok(Self { inner, line: 1, left: LONGEST_ROW })
    }

    /// The line that is read next, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Says that a new row begins.
    pub(super) fn row_begins(&mut self) {
        self.left = LONGEST_ROW;
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut ready = self.fill_buf()?;
        let read = ready.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: Read> BufRead for Metered<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(io::Error::other(Endless));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        let consumed = self.inner.buffer().iter().take(amount);
        self.line += consumed.filter(|byte| **byte == b'\n').map(|_| 1).sum::<u64>();
        self.left = self.left.saturating_sub(u64::try_from(amount).unwrap_or(u64::MAX));
        self.inner.consume(amount);
    }
}
