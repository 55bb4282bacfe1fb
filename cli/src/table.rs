//! Tables on the terminal: columns that stand below each other, whatever colours are in them.

use console::{Alignment, Term, measure_text_width, pad_str};

/// A table under construction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    alignments: Vec<Alignment>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns: the heading, starting with `>` where the column's cells are set to the
    /// right, as numbers are.
    pub(crate) fn new(headings: &[&str]) -> Self {
        let alignment = |heading: &&str| match heading.starts_with('>') {
            true => Alignment::Right,
            false => Alignment::Left,
        };
        let heading =
            |heading: &&str| console::style(heading.trim_start_matches('>')).dim().underlined().to_string();
        Self {
            alignments: headings.iter().map(alignment).collect(),
            rows: vec![headings.iter().map(heading).collect()],
        }
    }

    /// Adds a row, one cell for each column.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table's lines, two blanks between columns and none at the ends.
    pub(crate) fn lines(&self) -> Vec<String> {
        let width = |column: usize| {
            let widths =
                self.rows.iter().filter_map(|row| row.get(column)).map(|cell| measure_text_width(cell));
            widths.max().unwrap_or(0)
        };
        let columns: Vec<(usize, Alignment)> = self
            .alignments
            .iter()
            .enumerate()
            .map(|(column, alignment)| (width(column), *alignment))
            .collect();
        let line = |row: &Vec<String>| {
            let cells =
                row.iter().zip(&columns).map(|(cell, (width, align))| pad_str(cell, *width, *align, None));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        self.rows.iter().map(line).collect()
    }
}

/// A text cut to what is left of the terminal's width after `indent` columns; whole where no terminal
/// shows it.
pub(crate) fn fitted(text: &str, indent: usize) -> String {
    match Term::stdout().size_checked() {
        Some((_, width)) => {
            console::truncate_str(text, usize::from(width).saturating_sub(indent).max(20), "…").into_owned()
        }
        None => text.to_owned(),
    }
}

/// What a stranger may have written, made harmless for a terminal: control and direction characters are
/// written as their codes.
pub(crate) fn plain(text: &str) -> String {
    let harmless = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().fold(String::with_capacity(text.len()), |mut plain, c| {
        if harmless(c) {
            plain.push(c);
        } else {
            plain.extend(c.escape_unicode());
        }
        plain
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let mut table = Table::new(&["queue", ">waiting", "oldest"]);
        table.row(["posts".to_owned(), "7".to_owned(), String::new()]);
        table.row(["commands".to_owned(), "1234567890".to_owned(), "2h".to_owned()]);
        let plain: Vec<String> =
            table.lines().iter().map(|line| console::strip_ansi_codes(line).into_owned()).collect();
        assert_eq!(
            plain,
            ["queue        waiting  oldest", "posts              7", "commands  1234567890  2h"]
        );
    }

    #[test]
    fn nothing_that_moves_a_terminals_cursor_is_shown() {
        assert_eq!(plain("a\u{1b}[2Jb\u{202e}c\u{9b}é👍"), r"a\u{1b}[2Jb\u{202e}c\u{9b}é👍");
    }
}
