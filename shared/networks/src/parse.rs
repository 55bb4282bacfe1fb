//! Reading JSON so that an error names the field and never quotes the input.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::error::Category;

/// A payload that is signed but can't be read: names the field and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct ParseError {
    /// The field, dotted, with indexes from 0: `data.payload.entities.urls[0].url`; `.` for the whole.
    pub path: String,
    /// What is wrong with it.
    pub problem: FieldProblem,
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldProblem {
    /// Not JSON at all, or cut off.
    NotJson,
    /// The field is missing.
    Missing,
    /// Another type than expected (text where a list should be).
    WrongType,
    /// Of the right type, but not a value that it may have; says which rule it breaks.
    Invalid(&'static str),
}

impl fmt::Display for FieldProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotJson => "not JSON",
            Self::Missing => "missing",
            Self::WrongType => "wrong type",
            Self::Invalid(rule) => rule,
        })
    }
}

impl ParseError {
    /// The field `path` breaks `rule`.
    pub(crate) fn invalid(path: impl Into<String>, rule: &'static str) -> Self {
        Self { path: path.into(), problem: FieldProblem::Invalid(rule) }
    }

    /// The field `path` is missing.
    pub(crate) fn missing(path: impl Into<String>) -> Self {
        Self { path: path.into(), problem: FieldProblem::Missing }
    }

    /// The same error with the path of the part that was read before its own path.
    pub(crate) fn below(mut self, parent: &str) -> Self {
        self.path = match self.path.as_str() {
            "." => parent.to_owned(),
            path if path.starts_with('[') => format!("{parent}{path}"),
            path => format!("{parent}.{path}"),
        };
        self
    }
}

/// Reads `bytes` as JSON.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ParseError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|e| problem_of(&e))?;
    json.end().map_err(|_| ParseError { path: ".".to_owned(), problem: FieldProblem::NotJson })?;
    Ok(value)
}

/// Turns serde's error into ours. Its text is looked at, never kept: it may quote the input. Only
/// the name of a missing field is taken from it: that comes from our own types.
fn problem_of(error: &serde_path_to_error::Error<serde_json::Error>) -> ParseError {
    let path = error.path().to_string();
    match error.inner().classify() {
        // The path may end in a key of the payload's own here.
        Category::Io | Category::Syntax | Category::Eof => {
            ParseError { path: ".".to_owned(), problem: FieldProblem::NotJson }
        }
        Category::Data => {
            let text = error.inner().to_string();
            match text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
                Some(field) => ParseError::missing(field).below_unless_root(&path),
                None if text.starts_with("invalid type") => {
                    ParseError { path, problem: FieldProblem::WrongType }
                }
                None => ParseError { path, problem: FieldProblem::Invalid("not an accepted value") },
            }
        }
    }
}

impl ParseError {
    fn below_unless_root(self, parent: &str) -> Self {
        if parent == "." { self } else { self.below(parent) }
    }
}

/// The name of an event that we don't act on, fit for a log and a metric: what could be anything but
/// a plain name is not taken over.
pub(crate) fn event_name(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let fits = (1..=64).contains(&name.len()) && name.bytes().all(plain);
    if fits { name.to_owned() } else { "unnamed".to_owned() }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Outer {
        #[expect(dead_code, reason = "read only to be read")]
        list: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[expect(dead_code, reason = "read only to be read")]
        name: String,
    }

    #[test]
    fn errors_name_the_field_and_quote_nothing() {
        let cases = [
            (r#"{"list":[{"name":"a"},{"name":7777}]}"#, "list[1].name: wrong type"),
            (r#"{"list":[{}]}"#, "list[0].name: missing"),
            (r#"{}"#, "list: missing"),
            (r#"{"list":"secret"}"#, "list: wrong type"),
            (r#"{"list":[{"name":"a"}"#, ".: not JSON"),
            ("", ".: not JSON"),
            (r#"{"list":[]} secret"#, ".: not JSON"),
        ];
        for (json, expected) in cases {
            assert_eq!(read::<Outer>(json.as_bytes()).unwrap_err().to_string(), expected, "{json}");
        }
    }
}
