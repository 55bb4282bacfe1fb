//! Product codes with their check digits: GTIN, ISBN-10 and ASIN.

/// A GTIN-8, -12 (UPC), -13 (EAN, ISBN-13) or -14 without its separators (spaces and hyphens);
/// `None` when the length or the check digit is wrong (GS1 General Specifications, section 7.9).
pub fn gtin(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    if !matches!(digits.len(), 8 | 12 | 13 | 14) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // From the right: the check digit counts once, its neighbour three times, and so on.
    let sum: u32 = digits
        .bytes()
        .rev()
        .zip([1, 3].into_iter().cycle())
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    sum.is_multiple_of(10).then_some(digits)
}

/// Whether `text` is an ISBN-10 without separators, its check digit right (ISO 2108:2005, annex C).
pub fn is_isbn10(text: &str) -> bool {
    let mut sum = 0;
    for (place, byte) in text.bytes().enumerate() {
        let digit = match byte {
            b'0'..=b'9' => u32::from(byte - b'0'),
            b'X' if place == 9 => 10,
            _ => return false,
        };
        let Ok(weight) = u32::try_from(10_usize.saturating_sub(place)) else { return false };
        sum += weight * digit;
    }
    text.len() == 10 && sum % 11 == 0
}

/// An ASIN in upper case; `None` when the text can't be one.
///
/// An ASIN is ten letters and digits. A book's is its ISBN-10 and has a check digit; any other
/// begins with a letter and has none.
pub fn asin(text: &str) -> Option<String> {
    if text.len() != 10 || !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let asin = text.to_ascii_uppercase();
    (asin.starts_with(|c: char| c.is_ascii_alphabetic()) || is_isbn10(&asin)).then_some(asin)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn gtins_of_every_length_are_checked() {
        for good in ["4006381333931", "9780306406157", "036000291452", "96385074", "00012345600012"] {
            assert_eq!(gtin(good).as_deref(), Some(good));
        }
        assert_eq!(gtin("978-0-306-40615-7").as_deref(), Some("9780306406157"));
        for bad in
            ["4006381333932", "", "1", "12345678901", "40063813339３1", "400638133393a", "123456789012345"]
        {
            assert_eq!(gtin(bad), None, "{bad}");
        }
    }

    #[test]
    fn asins_are_letters_first_or_isbns() {
        for good in ["0306406152", "080442957X", "0316769487", "B0C1234567", "B000TESTAB"] {
            assert_eq!(asin(good).as_deref(), Some(good));
        }
        assert_eq!(asin("080442957x").as_deref(), Some("080442957X"));
        assert_eq!(asin("b0c1234567").as_deref(), Some("B0C1234567"));
        for bad in ["0306406153", "08044X9570", "B0C123456", "B0C12345678", "B0C-123456", "9780306406", ""] {
            assert_eq!(asin(bad), None, "{bad}");
        }
    }

    proptest! {
        /// One wrong digit is always found: what a check digit is for.
        #[test]
        fn a_wrong_digit_is_found(body in "[0-9]{12}", place in 0_usize..13, by in 1_u8..10) {
            let whole = (0..10).map(|check| format!("{body}{check}")).find(|c| gtin(c).is_some()).unwrap();
            let mut wrong = whole.into_bytes();
            wrong[place] = (wrong[place] - b'0' + by) % 10 + b'0';
            prop_assert_eq!(gtin(&String::from_utf8(wrong).unwrap()), None);
        }
    }
}
