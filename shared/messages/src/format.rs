//! Amounts and days as each language writes them.

use domain::money::Money;
use domain::product::PriceExposure;
use domain::time::Timestamp;
use iso_currency::Currency;

use crate::language::Language;
use crate::text::text;

/// An amount with its currency: `$1,234.50`, `1.234,50 €`, `1234,50 €` (Spanish groups from five
/// digits), `CHF 20.00`. Forms of the Unicode CLDR; a currency without an unambiguous sign is written
/// by its ISO 4217 code.
pub fn money(language: Language, money: Money) -> String {
    let decimal = money.decimal();
    let (whole, fraction) = decimal.split_once('.').unwrap_or((&decimal, ""));
    let (group, point, least) = match language {
        Language::En => (",", ".", 4),
        Language::De => (".", ",", 4),
        Language::Es => (".", ",", 5),
        Language::Fr => ("\u{202f}", ",", 4),
    };
    let mut amount = if whole.len() < least { whole.to_owned() } else { grouped(whole, group) };
    if !fraction.is_empty() {
        amount.push_str(point);
        amount.push_str(fraction);
    }
    match (language, sign(money.currency)) {
        (Language::En, Some(sign)) => format!("{sign}{amount}"),
        (Language::En, None) => format!("{}\u{a0}{amount}", money.currency.code()),
        (_, Some(sign)) => format!("{amount}\u{a0}{sign}"),
        (_, None) => format!("{amount}\u{a0}{}", money.currency.code()),
    }
}

/// The sign of a currency that shares it with no other one (the dollar sign is the US dollar's).
const fn sign(currency: Currency) -> Option<&'static str> {
    match currency {
        Currency::EUR => Some("€"),
        Currency::GBP => Some("£"),
        Currency::INR => Some("₹"),
        Currency::JPY => Some("¥"),
        Currency::KRW => Some("₩"),
        Currency::USD => Some("$"),
        _ => None,
    }
}

/// Digits in groups of three from the right.
fn grouped(digits: &str, separator: &str) -> String {
    let mut written = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            written.push_str(separator);
        }
        written.push(digit);
    }
    written
}

/// A price in a mail: the amount where it may be shown anywhere, else where it can be seen. On our
/// cart page `Cart` may show the amount too; the page decides that itself.
pub fn price(language: Language, exposure: PriceExposure, amount: Money) -> String {
    match exposure {
        PriceExposure::Anywhere => money(language, amount),
        PriceExposure::Cart => text(language, "price-in-cart", &[]),
        PriceExposure::Checkout => text(language, "price-at-checkout", &[]),
    }
}

/// A day in UTC: `November 21, 2026`, `21. November 2026`. Empty for a time that no calendar holds.
pub fn date(language: Language, at: Timestamp) -> String {
    let ms = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
    let Ok(at) = jiff::Timestamp::from_millisecond(ms) else { return String::new() };
    let day = at.to_zoned(jiff::tz::TimeZone::UTC).date();
    let month = text(language, "date-month", &[("month", day.month().into())]);
    // As text: Fluent would be free to group the digits of a year.
    let (of_month, year) = (day.day().to_string(), day.year().to_string());
    text(language, "date-day", &[("month", month.into()), ("day", of_month.into()), ("year", year.into())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_follows_the_language() {
        let cases = [
            ("1234.50 USD", ["$1,234.50", "1.234,50 $", "1234,50 $", "1\u{202f}234,50 $"]),
            ("12345.50 EUR", ["€12,345.50", "12.345,50 €", "12.345,50 €", "12\u{202f}345,50 €"]),
            ("1500 JPY", ["¥1,500", "1.500 ¥", "1500 ¥", "1\u{202f}500 ¥"]),
            ("0.99 GBP", ["£0.99", "0,99 £", "0,99 £", "0,99 £"]),
            ("20 CHF", ["CHF 20.00", "20,00 CHF", "20,00 CHF", "20,00 CHF"]),
            (
                "1234567.891 KWD",
                [
                    "KWD 1,234,567.891",
                    "1.234.567,891 KWD",
                    "1.234.567,891 KWD",
                    "1\u{202f}234\u{202f}567,891 KWD",
                ],
            ),
        ];
        for (amount, written) in cases {
            let amount = Money::parse(amount).unwrap();
            for (language, written) in Language::ALL.into_iter().zip(written) {
                assert_eq!(money(language, amount).replace('\u{a0}', " "), written);
            }
        }
    }

    #[test]
    fn days_follow_the_language() {
        let at = Timestamp::parse_rfc3339("2026-03-01T10:00:00Z").unwrap();
        let days = Language::ALL.map(|language| date(language, at));
        assert_eq!(days, ["March 1, 2026", "1. März 2026", "1 de marzo de 2026", "1 mars 2026"]);
        assert_eq!(date(Language::En, Timestamp::from_millis(u64::MAX)), "");
    }

    #[test]
    fn a_price_shows_only_where_it_may() {
        let amount = Money::parse("19.99 USD").unwrap();
        assert_eq!(price(Language::En, PriceExposure::Anywhere, amount), "$19.99");
        for exposure in [PriceExposure::Cart, PriceExposure::Checkout] {
            for language in Language::ALL {
                assert!(!price(language, exposure, amount).contains("19"));
            }
        }
    }
}
