//! Logs: one JSON object a line on standard output, its fields flat, so that a query finds them by
//! name.
//!
//! A message reads by itself; fields are dotted or plain names with their unit (`pause_s`). A line
//! that concerns a post carries `post` = `<network>#<post id>`, one that decides carries `outcome` and
//! `line`. Never in a log: bodies, tokens, query strings, e-mail addresses, a post's text, or a
//! parser's message that quotes its input.

use std::fmt;
use std::io::Write as _;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::clock::Clock;
use crate::env::Environment;

/// Starts logs and metrics of `function`. The level is `AWS_LAMBDA_LOG_LEVEL` (`DEBUG`, `INFO`, …),
/// `INFO` without it; libraries are heard from `WARN` on.
pub fn start(function: &'static str, env: &Environment) {
    let level =
        env.var("AWS_LAMBDA_LOG_LEVEL").and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    crate::metrics::set_stage(env.stage().as_str());
    let ours =
        ["lambda", "store", "networks", "shops", "messages", "web", "domain"].map(|target| (target, level));
    let targets = Targets::new()
        .with_default(LevelFilter::WARN.min(level))
        .with_targets(ours)
        .with_target(function.replace('-', "_"), level);
    // A second start in one process (tests) keeps the first.
    let _ = tracing_subscriber::registry().with(Lines { function }.with_filter(targets)).try_init();
}

struct Lines {
    function: &'static str,
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let line = line(self.function, &Clock::system().now().to_string(), event);
        // A line that can't be written must not fail the work that it tells of.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }
}

fn line(function: &str, at: &str, event: &Event<'_>) -> Value {
    let mut fields = Fields(Map::new());
    fields.0.insert("timestamp".to_owned(), at.into());
    fields.0.insert("level".to_owned(), event.metadata().level().as_str().into());
    fields.0.insert("function".to_owned(), function.into());
    event.record(&mut fields);
    Value::Object(fields.0)
}

struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, crate::batch::reason(value).into());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    struct Kept(Arc<Mutex<Vec<Value>>>);

    impl<S: Subscriber> Layer<S> for Kept {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            self.0.lock().unwrap().push(line("classify", "then", event));
        }
    }

    #[test]
    fn lines_are_flat_and_name_the_function() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let subscriber = tracing_subscriber::registry().with(Kept(Arc::clone(&lines)));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(post = "x#1", line = 2_u16, outcome = "Added", "decided");
        });
        let expected = serde_json::json!({
            "timestamp": "then", "level": "INFO", "function": "classify",
            "post": "x#1", "line": 2, "outcome": "Added", "message": "decided",
        });
        assert_eq!(*lines.lock().unwrap(), [expected]);
    }
}
