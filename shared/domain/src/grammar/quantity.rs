//! How many: `x2`, `2x`, `×2`, `2 ×`, `qty 2`, `2 pieces`.

use crate::text::digit;

use super::tokens::{Kind, Token, is_times_sign};
use super::words::{Roles, Words};

/// A quantity in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quantity {
    /// How many; saturated.
    pub(super) value: u32,
    /// Its first token.
    pub(super) start: usize,
    /// Behind its last token.
    pub(super) end: usize,
}

/// The quantities of a text, in order. A bare number is none: `size 10`, `iPhone 15`. Nor is a
/// measure (`2 x 4`), a fraction (`x0.5`), a negative number, or a comparison (`2x faster`).
pub(super) fn quantities(tokens: &[Token<'_>], words: &Words) -> Vec<Quantity> {
    let reader = Reader { tokens, words };
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match reader.at(at) {
            Some(quantity) => {
                at = quantity.end;
                found.push(quantity);
            }
            None => at += 1,
        }
    }
    found
}

struct Reader<'a, 't> {
    tokens: &'a [Token<'t>],
    words: &'a Words,
}

impl Reader<'_, '_> {
    fn word(&self, at: usize) -> Option<&str> {
        self.tokens.get(at)?.word()
    }

    fn roles(&self, at: usize) -> Roles {
        self.tokens.get(at).map(Token::roles).unwrap_or_default()
    }

    fn number(&self, at: usize) -> Option<u32> {
        number(self.word(at)?)
    }

    fn at(&self, at: usize) -> Option<Quantity> {
        let word = self.word(at)?;
        if self.roles(at).any(Roles::LABEL) {
            return self.labelled(at);
        }
        let (value, end, times) = if is_times(word) {
            (self.number(at + 1)?, at + 2, true)
        } else if let Some(value) = number(word) {
            if self.word(at + 1).is_some_and(is_times) {
                (value, at + 2, true)
            } else if self.roles(at + 1).any(Roles::UNIT) {
                (value, at + 2, false)
            } else {
                return None;
            }
        } else {
            self.attached(word).map(|(value, times)| (value, at + 1, times))?
        };
        let measured = times
            && (self.number_before(at) || self.number(end).is_some() || self.word(end).is_some_and(is_times));
        let compared = times && self.roles(end).any(Roles::COMPARE);
        let end = if self.roles(end).any(Roles::UNIT) { end + 1 } else { end };
        (!measured && !compared).then_some(Quantity { value, start: at, end })
    }

    fn number_before(&self, at: usize) -> bool {
        at.checked_sub(1).is_some_and(|before| self.number(before).is_some())
    }

    /// `qty 2`, `qty. 2`, `quantity of 2`, `qty x2`.
    fn labelled(&self, at: usize) -> Option<Quantity> {
        let mut next = at + 1;
        if matches!(self.tokens.get(next).map(|token| (&token.kind, token.text)), Some((Kind::Break, "."))) {
            next += 1;
        }
        if self.roles(next).any(Roles::FROM) {
            next += 1;
        }
        let word = self.word(next)?;
        let value = number(word).or_else(|| self.attached(word).map(|(value, _)| value))?;
        Some(Quantity { value, start: at, end: next + 1 })
    }

    /// `x2`, `2x`, `2stk`: the number, and whether a sign for "times" was with it.
    fn attached(&self, word: &str) -> Option<(u32, bool)> {
        let times = |c: char| c == 'x' || is_times_sign(c);
        if let Some(value) = word.strip_prefix(times).or_else(|| word.strip_suffix(times)).and_then(number) {
            return Some((value, true));
        }
        let unit = word.trim_start_matches(|c| digit(c).is_some());
        let digits = word.strip_suffix(unit).filter(|digits| !digits.is_empty())?;
        if self.words.roles(unit).any(Roles::UNIT) {
            number(digits).map(|value| (value, false))
        } else {
            None
        }
    }
}

fn is_times(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(|c| c == 'x' || is_times_sign(c)) && chars.next().is_none()
}

/// A whole number in the digits of any script, saturated.
fn number(word: &str) -> Option<u32> {
    if word.is_empty() {
        return None;
    }
    word.chars().try_fold(0_u32, |value, c| Some(value.saturating_mul(10).saturating_add(digit(c)?)))
}

#[cfg(test)]
mod tests {
    use super::super::tokens::tokens;
    use super::*;
    use crate::ids::Lang;

    fn values(text: &str) -> Vec<u32> {
        let languages: Vec<Lang> = ["de", "es", "fr"].into_iter().filter_map(Lang::parse).collect();
        let words = Words::of(languages.iter());
        quantities(&tokens(text, &words, |_| None, &[]), &words)
            .into_iter()
            .map(|found| found.value)
            .collect()
    }

    #[test]
    fn every_form() {
        for text in [
            "x2",
            "X2",
            "2x",
            "2X",
            "×2",
            "2×",
            "2 x",
            "x 2",
            "2 ×",
            "× 2",
            "ｘ２",
            "２ｘ",
            "✖2",
            "x٢",
            "qty 2",
            "Qty: 2",
            "QTY=2",
            "qty. 2",
            "quantity 2",
            "quantity of 2",
            "qty x2",
            "2 pieces",
            "2pcs",
            "2 units",
            "Menge 2",
            "Anzahl: 2",
            "2 Stück",
            "2 Stk.",
            "2mal",
            "2 mal",
            "cantidad 2",
            "2 unidades",
            "2 uds",
            "quantité 2",
            "Qté : 2",
            "2 pièces",
            "2 exemplaires",
            "x2 pieces",
            "2 x M",
            "(x2)",
            "x2!",
            "2x, please",
        ] {
            assert_eq!(values(text), [2], "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity() {
        for text in [
            "2",
            "size 10",
            "iPhone 2x4",
            "2 x 4",
            "2x 4",
            "2 x4",
            "2 x 4 x 8",
            "x0.5",
            "0.5x",
            "1/2x",
            "2,5x",
            "-2x",
            "x-2",
            "x -2",
            "−2x",
            "x-ray",
            "2xl",
            "XXL",
            "x",
            "xx",
            "x2x",
            "2x faster",
            "x2 as fast",
            "3x mehr",
            "2x plus",
            "x.2",
            "qty",
            "qty many",
            "pieces 2",
            "Xbox 360",
            "mx2",
            "2xs",
            "10k",
            "2/3x",
        ] {
            assert_eq!(values(text), Vec::<u32>::new(), "{text}");
        }
    }

    #[test]
    fn sizes_of_numbers() {
        assert_eq!(values("x0"), [0]);
        assert_eq!(values("x007"), [7]);
        assert_eq!(values("x999999999999999999999999"), [u32::MAX]);
        assert_eq!(values("x2 or 3x"), [2, 3]);
    }
}
