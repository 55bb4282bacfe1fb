//! Money in minor units: no floating point anywhere.

use std::fmt;

use iso_currency::Currency;
use serde::{Deserialize, Serialize};

/// An amount of one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// The amount in the currency's minor unit (cents; yen have none).
    pub minor: u64,
    /// The ISO 4217 currency, on the wire its code.
    #[serde(with = "code")]
    pub currency: Currency,
}

/// Why a price could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not `<amount> <currency>`.
    #[error("a price is an amount, a space and a currency code, as in `15.00 USD`")]
    Shape,
    /// The currency is not in ISO 4217.
    #[error("the currency is not an ISO 4217 code")]
    Currency,
    /// The amount has more decimals than the currency has, or is too large.
    #[error("the amount does not fit the currency")]
    Amount,
}

impl Money {
    /// Reads a price as product feeds write it: `15.00 USD`, `1500 JPY` (Google Merchant, `price`).
    ///
    /// # Errors
    /// When the shape, the currency or the number of decimals is off. Trailing zeros beyond the
    /// currency's decimals are accepted (`15.000 USD`).
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let (amount, code) = text.trim().rsplit_once(char::is_whitespace).ok_or(MoneyError::Shape)?;
        let currency = Currency::from_code(&code.to_ascii_uppercase()).ok_or(MoneyError::Currency)?;
        let decimals = usize::from(currency.exponent().unwrap_or(0));
        let (whole, fraction) = amount.trim().split_once('.').unwrap_or((amount.trim(), ""));
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) {
            return Err(MoneyError::Shape);
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > decimals {
            return Err(MoneyError::Amount);
        }
        let minor = format!("{whole}{fraction:0<decimals$}").parse().map_err(|_| MoneyError::Amount)?;
        Ok(Self { minor, currency })
    }

    /// This amount `quantity` times; `None` when it doesn't fit.
    pub fn times(self, quantity: u32) -> Option<Self> {
        Some(Self { minor: self.minor.checked_mul(u64::from(quantity))?, ..self })
    }

    /// The sum of two amounts of one currency; `None` when the currencies differ or it doesn't fit.
    pub fn plus(self, other: Self) -> Option<Self> {
        (self.currency == other.currency)
            .then(|| self.minor.checked_add(other.minor))
            .flatten()
            .map(|minor| Self { minor, ..self })
    }

    /// The amount with the currency's decimals and a `.`: `15.00`.
    pub fn decimal(self) -> String {
        let decimals = usize::from(self.currency.exponent().unwrap_or(0));
        let digits = format!("{:0>width$}", self.minor, width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        if decimals == 0 { whole.to_owned() } else { format!("{whole}.{fraction}") }
    }
}

/// As feeds write it: `15.00 USD`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency.code())
    }
}

mod code {
    use iso_currency::Currency;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(currency: &Currency, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(currency.code())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Currency, D::Error> {
        let code = String::deserialize(d)?;
        Currency::from_code(&code).ok_or_else(|| D::Error::custom("not an ISO 4217 currency code"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_read_and_print() {
        for (text, printed) in [
            ("15.00 USD", "15.00 USD"),
            ("15 usd", "15.00 USD"),
            ("0.5 EUR", "0.50 EUR"),
            ("1500 JPY", "1500 JPY"),
            ("1.234 KWD", "1.234 KWD"),
            ("15.000 USD", "15.00 USD"),
        ] {
            assert_eq!(Money::parse(text).unwrap().to_string(), printed);
        }
        for bad in [
            "15.00",
            "USD",
            "15,00 USD",
            "-1 USD",
            "1.005 USD",
            "15.00 XXQ",
            "99999999999999999999 USD",
            ". USD",
        ] {
            assert!(Money::parse(bad).is_err(), "{bad}");
        }
    }
}
