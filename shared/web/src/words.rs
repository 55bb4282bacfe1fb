//! The words of a page in one language.

use std::borrow::Borrow;

use domain::money::Money;
use domain::time::Timestamp;
use messages::{Arg, Language};

/// Speaks one language. What it says is plain text: templates escape it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words(Language);

impl Words {
    /// Speaks `language`.
    pub const fn new(language: Language) -> Self {
        Self(language)
    }

    /// The language.
    pub const fn language(self) -> Language {
        self.0
    }

    /// The text of this key.
    pub fn t(&self, key: &str) -> String {
        messages::text(self.0, key, &[])
    }

    /// The same with texts put in.
    pub fn tv<V: AsRef<str>>(&self, key: &str, values: &[(&str, V)]) -> String {
        let args: Vec<_> = values.iter().map(|(name, value)| (*name, Arg::from(value.as_ref()))).collect();
        messages::text(self.0, key, &args)
    }

    /// The same with a number, which also chooses the plural form.
    pub fn tn(&self, key: &str, name: &str, number: impl Borrow<u64>) -> String {
        messages::text(self.0, key, &[(name, Arg::from(*number.borrow()))])
    }

    /// An amount.
    pub fn money(&self, amount: Money) -> String {
        messages::money(self.0, amount)
    }

    /// A day.
    pub fn date(&self, at: Timestamp) -> String {
        messages::date(self.0, at)
    }
}

/// A language's name in itself.
pub const fn own_name(language: Language) -> &'static str {
    match language {
        Language::En => "English",
        Language::De => "Deutsch",
        Language::Es => "Español",
        Language::Fr => "Français",
    }
}
