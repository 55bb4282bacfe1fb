//! Logs: one JSON object a line on standard output, its fields flat, so that a query finds them by
//! name.
//!
//! A message reads by itself; fields are dotted or plain names with their unit (`pause_s`). A line
//! that concerns a post carries `post` = `<network>#<post id>` and `trace`, one that decides carries
//! `outcome` and `line`. What is worked on is said once, by a span ([`about`]), and stands in every line
//! within, those of shared crates included. Never in a log: bodies, tokens, query strings, e-mail
//! addresses, a post's text, or a parser's message that quotes its input.

use std::fmt;
use std::io::Write as _;

use serde_json::{Map, Value};
use tracing::field::{Empty, Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Span, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::clock::Clock;
use crate::env::Environment;

/// Starts logs and metrics of `function`. The level is `AWS_LAMBDA_LOG_LEVEL` (`INFO`, `WARN`, …), `INFO`
/// without it, and lower ones aren't compiled into release builds; libraries are heard from `WARN` on.
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

/// What a stretch of work is about: lines within carry `post` (unless it is empty) and `trace`, the id
/// by which X-Ray finds the trace that `trace` continues. The batch loop adds `sent_ms`, when the message
/// was sent (Unix time), and `waited_ms`, how long it was in its queue before the batch began: from these
/// two the time of every stage follows.
///
/// Instrument futures with it; an entered span must not be held over an `await`.
pub fn about(post: &str, trace: Option<&str>) -> Span {
    // Of the highest level, so that no filter leaves it out while it lets a line within pass.
    let span = tracing::error_span!("work", post = Empty, trace = Empty, sent_ms = Empty, waited_ms = Empty);
    if !post.is_empty() {
        span.record("post", post);
    }
    if let Some(trace) = trace {
        span.record("trace", trace_id(trace));
    }
    span
}

/// The trace's id in an X-Ray header (`Root=1-…;Parent=…;Sampled=1`), or all of what isn't one.
pub fn trace_id(header: &str) -> &str {
    let root = header.split(';').find_map(|part| part.trim().strip_prefix("Root="));
    root.unwrap_or(header)
}

struct Lines {
    function: &'static str,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields(Map::new());
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let line = line(self.function, &Clock::system().now().to_string(), event, &context);
        // A line that can't be written must not fail the work that it tells of.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }
}

fn line<S: Subscriber + for<'a> LookupSpan<'a>>(
    function: &str,
    at: &str,
    event: &Event<'_>,
    context: &Context<'_, S>,
) -> Value {
    let mut fields = Fields(Map::new());
    fields.0.insert("timestamp".to_owned(), at.into());
    fields.0.insert("level".to_owned(), event.metadata().level().as_str().into());
    fields.0.insert("function".to_owned(), function.into());
    for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
        if let Some(around) = span.extensions().get::<Fields>() {
            fields.0.extend(around.0.clone());
        }
    }
    event.record(&mut fields);
    Value::Object(fields.0)
}

/// What a span or an event says, by name.
struct Fields(Map<String, Value>);

/// What the Runtime API's client calls the trace of an invocation: the whole header.
const OF_INVOCATION: &str = "xrayTraceId";

impl Fields {
    /// The trace goes by one name: the message's, or else the invocation's, whose span is around it.
    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), &value) {
            (OF_INVOCATION, Value::String(header)) => {
                self.0.insert("trace".to_owned(), trace_id(header).into())
            }
            (name, _) => self.0.insert(name.to_owned(), value),
        };
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

    use serde_json::json;

    use super::*;

    /// The lines that [`Lines`] would write, kept; its spans are its own.
    struct Kept {
        lines: Lines,
        kept: Arc<Mutex<Vec<Value>>>,
    }

    impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Kept {
        fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
            self.lines.on_new_span(attributes, id, context);
        }

        fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
            self.lines.on_record(id, values, context);
        }

        fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
            self.kept.lock().unwrap().push(line(self.lines.function, "then", event, &context));
        }
    }

    fn lines_of(work: impl FnOnce()) -> Vec<Value> {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let layer = Kept { lines: Lines { function: "classify" }, kept: Arc::clone(&kept) };
        let only_warnings = Targets::new().with_default(LevelFilter::WARN);
        let subscriber = tracing_subscriber::registry().with(layer.with_filter(only_warnings));
        tracing::subscriber::with_default(subscriber, work);
        std::mem::take(&mut *kept.lock().unwrap())
    }

    const HEADER: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

    #[test]
    fn lines_are_flat_and_name_the_function() {
        let lines = lines_of(|| tracing::warn!(post = "x#1", line = 2_u16, outcome = "Added", "decided"));
        let expected = json!({
            "timestamp": "then", "level": "WARN", "function": "classify",
            "post": "x#1", "line": 2, "outcome": "Added", "message": "decided",
        });
        assert_eq!(lines, [expected]);
    }

    #[test]
    fn lines_say_what_the_work_around_them_is_about() {
        let lines = lines_of(|| {
            let request = about("", Some(HEADER)).entered();
            tracing::warn!("refused");
            about("x#1", Some("01JD")).in_scope(|| tracing::warn!("slow"));
            drop(request);
            tracing::warn!("idle");
        });
        let said = |line: &Value| (line["post"].clone(), line["trace"].clone());
        let lines: Vec<_> = lines.iter().map(said).collect();
        assert_eq!(
            lines,
            [
                (Value::Null, json!("1-5759e988-bd862e3fe1be46a994272793")),
                (json!("x#1"), json!("01JD")),
                (Value::Null, Value::Null),
            ]
        );
    }

    #[test]
    fn an_invocations_trace_stands_where_the_message_has_none() {
        let lines = lines_of(|| {
            let _invoked = tracing::error_span!("Lambda runtime invoke", xrayTraceId = HEADER).entered();
            tracing::warn!("the batch is late");
            about("x#1", Some("01JD")).in_scope(|| tracing::warn!("slow"));
        });
        let said = |line: &Value| (line["trace"].clone(), line.get("xrayTraceId").cloned());
        let lines: Vec<_> = lines.iter().map(said).collect();
        assert_eq!(lines, [(json!("1-5759e988-bd862e3fe1be46a994272793"), None), (json!("01JD"), None)]);
    }
}
