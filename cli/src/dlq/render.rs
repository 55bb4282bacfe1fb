//! What the operator reads: tables, one message in full, what to do next.

use std::collections::BTreeMap;
use std::time::Duration;

use console::style;
use domain::time::Timestamp;
use indicatif::HumanDuration;
use serde::Serialize;
use serde_json::Value;

use super::hold::{DeadLetters, Held};
use super::letter::{Content, Kind, Letter, OURS};
use crate::queues::Counts;
use crate::stage::stage_option;
use crate::table::{Table, fitted, plain};
use crate::terminal::say;

/// How much of a message's id is shown in lists; enough to name it.
const SHORT_ID: usize = 8;
/// How long before SQS deletes a message for its age the operator is warned.
const SOON: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// Messages that are here for one and the same reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Reason {
    count: usize,
    function: String,
    kind: Kind,
    reason: String,
}

/// One dead-letter queue in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Overview {
    queue: &'static str,
    waiting: u64,
    in_flight: u64,
    seen: usize,
    complete: bool,
    #[serde(rename = "oldest_sent_at_ms")]
    oldest_sent_at: Option<Timestamp>,
    #[serde(rename = "expires_at_ms")]
    expires_at: Option<Timestamp>,
    reasons: Vec<Reason>,
}

impl Overview {
    pub(super) fn of(letters: &DeadLetters, held: &Held) -> Self {
        let oldest = held.letters.iter().map(|letter| letter.sent_at).min();
        Self {
            queue: letters.queue.name(),
            waiting: held.counts.waiting,
            in_flight: held.counts.in_flight,
            seen: held.letters.len(),
            complete: held.is_complete,
            oldest_sent_at: oldest,
            expires_at: oldest.map(|oldest| oldest.plus(held.counts.retention)),
            reasons: reasons(letters, &held.letters),
        }
    }

    /// Whether nothing is there, seen or unseen.
    fn is_empty(&self) -> bool {
        self.complete && self.seen == 0 && self.waiting == 0 && self.in_flight == 0
    }
}

/// The reasons with their counts, the most frequent first.
pub(super) fn reasons(of: &DeadLetters, letters: &[Letter]) -> Vec<Reason> {
    let mut counts: BTreeMap<(&str, Kind, &str), usize> = BTreeMap::new();
    for letter in letters {
        *counts.entry((letter.function(of.queue), letter.kind(), letter.reason())).or_default() += 1;
    }
    let reason = |((function, kind, reason), count): ((&str, Kind, &str), usize)| Reason {
        count,
        function: function.to_owned(),
        kind,
        reason: reason.to_owned(),
    };
    let mut reasons: Vec<Reason> = counts.into_iter().map(reason).collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.count));
    reasons
}

/// All dead-letter queues: a table, then the reasons of each.
pub(super) fn overview(stage: &str, queues: &[Overview], now: Timestamp) {
    say(format!("Dead letters of the stage {}\n", style(stage).bold()));
    let mut table = Table::new(&["queue", ">waiting", ">in flight", ">oldest", ">lost in"]);
    for queue in queues {
        let age = |at: Option<Timestamp>| at.map_or("–".to_owned(), |at| short(now.since(at)));
        table.row([
            queue.queue.to_owned(),
            count(queue.waiting),
            queue.in_flight.to_string(),
            age(queue.oldest_sent_at),
            queue.expires_at.map_or("–".to_owned(), |at| remaining(at.since(now))),
        ]);
    }
    table.lines().iter().for_each(say);
    for queue in queues.iter().filter(|queue| queue.seen > 0) {
        say(format!("\n{}: {}", style(queue.queue).bold(), seen(queue.seen, queue.complete, queue.waiting)));
        reason_lines(&queue.reasons);
    }
    if queues.iter().any(|queue| queue.in_flight > 0) {
        say("\nIn flight: somebody looks at them at this moment; they are visible again within a minute.");
    }
    match queues.iter().find(|queue| queue.seen > 0) {
        Some(queue) => say(format!("\nNext: hashcart dlq list {}{}", queue.queue, stage_option(stage))),
        None if queues.iter().all(Overview::is_empty) => say("\nNothing is stuck."),
        None => say("\nWhat SQS counts could not be looked at: ask again in a minute."),
    }
}

/// The lines of a list of reasons.
pub(super) fn reason_lines(reasons: &[Reason]) {
    for reason in reasons {
        let head = format!("  {:>5}  {:<9}  {:<9}  ", reason.count, reason.function, reason.kind.name());
        say(format!("{head}{}", fitted(&plain(&reason.reason), head.len())));
    }
}

/// One dead-letter queue, message by message, the oldest first.
pub(super) fn list(of: &DeadLetters, held: &Held, limit: usize, now: Timestamp) {
    let (queue, stage) = (of.queue, of.queues.stage());
    if held.letters.is_empty() {
        let Counts { waiting, in_flight, .. } = held.counts;
        say(format!(
            "No dead letters of {queue} were found ({waiting} waiting, {in_flight} in flight, says SQS)."
        ));
        return;
    }
    let mut letters: Vec<&Letter> = held.letters.iter().collect();
    letters.sort_by_key(|letter| letter.sent_at);
    for letter in letters.iter().take(limit) {
        let id: String = letter.id.chars().take(SHORT_ID).collect();
        let age = short(letter.age(now));
        let looks = if letter.receives == 1 {
            "1 receive".to_owned()
        } else {
            format!("{} receives", letter.receives)
        };
        say(format!(
            "{}  {}",
            style(id).bold(),
            fitted(&format!("{age:>4}  {looks:<11}  {}", plain(&letter.subject())), SHORT_ID + 2)
        ));
        let why = format!("{} {}: {}", letter.function(queue), letter.kind().name(), plain(letter.reason()));
        say(format!("          {}", style(fitted(&why, SHORT_ID + 2)).dim()));
    }
    if letters.len() > limit {
        say(format!("… and {} more: --limit {} shows them", letters.len() - limit, letters.len()));
    }
    let option = stage_option(stage);
    say(format!("\n{queue}: {}", seen(held.letters.len(), held.is_complete, held.counts.waiting)));
    say(format!("Next: hashcart dlq show {queue} ID{option}, hashcart dlq redrive {queue} --id ID{option}"));
}

/// Honest about what was not seen.
pub(super) fn seen(seen: usize, complete: bool, counted: u64) -> String {
    if complete && u64::try_from(seen).is_ok_and(|seen| seen >= counted) {
        return format!("{seen} seen, all of them");
    }
    format!("at least {seen} seen of approximately {}", counted.max(u64::try_from(seen).unwrap_or(u64::MAX)))
}

/// A message as `list --json` gives it: nothing that a person wrote or is known by.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    id: &'a str,
    post: Option<String>,
    function: &'a str,
    kind: Kind,
    reason: &'a str,
    #[serde(rename = "sent_at_ms")]
    sent_at: Timestamp,
    receives: u32,
    decodable: bool,
}

/// One dead-letter queue as JSON.
pub(super) fn list_json(of: &DeadLetters, held: &Held) -> Value {
    let mut letters: Vec<&Letter> = held.letters.iter().collect();
    letters.sort_by_key(|letter| letter.sent_at);
    let entry = |letter: &&Letter| {
        serde_json::json!(Entry {
            id: &letter.id,
            post: letter.post(),
            function: letter.function(of.queue),
            kind: letter.kind(),
            reason: letter.reason(),
            sent_at: letter.sent_at,
            receives: letter.receives,
            decodable: letter.is_readable(),
        })
    };
    serde_json::json!({
        "stage": of.queues.stage(),
        "overview": Overview::of(of, held),
        "messages": letters.iter().map(entry).collect::<Vec<Value>>(),
    })
}

// ---------------------------------------------------------------- one message

/// One message in full. `text` shows what a person wrote or is known by, too.
pub(super) fn show(of: &DeadLetters, letter: &Letter, counts: Counts, text: bool, now: Timestamp) {
    let fact =
        |name: &str, value: &str| say(format!("  {}  {}", style(format!("{name:<10}")).dim(), plain(value)));
    say(format!("{} of {}, stage {}", style(plain(&letter.id)).bold(), of.queue, of.queues.stage()));
    fact("about", &letter.subject());
    fact("function", letter.function(of.queue));
    fact("kind", letter.kind().name());
    fact("reason", letter.reason());
    let (age, left) = (letter.age(now), counts.retention.saturating_sub(letter.age(now)));
    let lost = HumanDuration(left);
    fact("here since", &format!("{} ({} ago; SQS deletes it in {lost})", letter.sent_at, HumanDuration(age)));
    fact("receives", &format!("{}, looks by this command included", letter.receives));
    fact("trace", letter.trace.as_deref().or_else(|| trace(letter)).unwrap_or("–"));
    fact("group", letter.group.as_deref().unwrap_or("–"));
    for (name, value) in letter.attributes.iter().filter(|(name, _)| !OURS.contains(&name.as_str())) {
        let value = value.string_value().filter(|_| text).unwrap_or("(hidden: --text shows it)");
        fact("attribute", &format!("{name}: {value}"));
    }
    body(letter, text);
    say(format!("\n{}", style("What to do").bold()));
    what_to_do(of, letter).iter().for_each(|line| say(format!("  {line}")));
}

fn trace(letter: &Letter) -> Option<&str> {
    match &letter.content {
        Content::Envelope(envelope) => Some(&envelope.trace),
        Content::Report(_) | Content::Unreadable(_) => None,
    }
}

fn body(letter: &Letter, text: bool) {
    let bytes = letter.body.len();
    let hidden = if text { "" } else { "; what a person wrote or is known by is hidden: --text shows it" };
    say(format!("\n{} ({bytes} bytes{hidden})", style("Body").bold()));
    if let Content::Unreadable(why) = &letter.content {
        say(format!("  {}", plain(why)));
    }
    match serde_json::from_str::<Value>(&letter.body) {
        Ok(value) if text => say(indented(&pretty(&value))),
        Ok(value) if letter.is_readable() => say(indented(&pretty(&redacted(&value)))),
        // Nobody knows what stands where in a body of unknown form.
        Ok(_) => say("  --text shows it"),
        Err(_) if text => say(indented(&letter.body)),
        Err(_) => say("  no JSON; --text shows it as it is"),
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {}", plain(line))).collect::<Vec<_>>().join("\n")
}

/// Texts whose values are ours, the shop's or a public name: everything else that is a text may be personal
/// and is hidden, so that a field that a later version adds is hidden too.
const PUBLIC: [&str; 18] = [
    "type",
    "trace",
    "network",
    "id",
    "ref",
    "bot",
    "lang",
    "visibility",
    "marketplace",
    "action",
    "product",
    "variant",
    "outcome",
    "right",
    "campaign",
    "eventType",
    "notificationType",
    "bounceType",
];
/// Parts in which even those are hidden: who somebody is, and other people's posts.
const PERSONAL: [&str; 5] = ["author", "shopper", "customer", "parent", "quoted"];

/// The value without what a person wrote or is known by. Numbers and yes or no say nothing of anybody.
pub(super) fn redacted(value: &Value) -> Value {
    redact(value, false)
}

fn redact(value: &Value, shown: bool) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| {
                let is_open = PUBLIC.contains(&name.as_str());
                let value =
                    if PERSONAL.contains(&name.as_str()) { hide(value) } else { redact(value, is_open) };
                (name.clone(), value)
            })
            .collect(),
        Value::Array(values) => values.iter().map(|value| redact(value, shown)).collect(),
        Value::String(_) if !shown => hide(value),
        other => other.clone(),
    }
}

fn hide(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        Value::String(text) if text.is_empty() => value.clone(),
        _ => Value::from("(hidden)"),
    }
}

/// Advice for this message.
pub(super) fn what_to_do(of: &DeadLetters, letter: &Letter) -> Vec<String> {
    let (queue, stage) = (of.queue, of.queues.stage());
    let option = stage_option(stage);
    let id: String = letter.id.chars().take(SHORT_ID).collect();
    let function = letter.function(queue);
    let mut lines = Vec::new();
    if !letter.is_readable() {
        lines.push(
            "This version can't read it, so sending it on brings it straight back. Is it from a newer"
                .to_owned(),
        );
        lines.push("version? Deploy that one first. Else keep it in a file:".to_owned());
        lines.push(format!("  hashcart dlq drop {queue} --id {id}{option}"));
        return lines;
    }
    match (letter.is_moved_by_sqs(), letter.kind()) {
        (true, _) => {
            lines.push(format!(
                "{function} said nothing: it crashed or ran out of time. Its log group says more, around"
            ));
            lines.push(format!("the last try: /aws/lambda/hashcart-{stage}-{function}"));
        }
        (false, Kind::Permanent) => {
            lines.push("It fails again as long as its reason holds: mend that first (configuration, catalogue, code).".to_owned());
        }
        (false, Kind::Exhausted) => {
            lines.push(
                "Something that it needs did not answer for about 20 minutes. When that is back, send it on."
                    .to_owned(),
            );
        }
    }
    if let Some(post) = letter.post() {
        lines.push(format!("What happened to the post:  hashcart trace '{}'{option}", plain(&post)));
    }
    lines.push(format!("Send it on:                 hashcart dlq redrive {queue} --id {id}{option}"));
    lines.push(format!("Take it out, into a file:   hashcart dlq drop {queue} --id {id}{option}"));
    lines
}

// ---------------------------------------------------------------- small things

fn count(number: u64) -> String {
    if number > 0 { style(number).red().to_string() } else { number.to_string() }
}

/// `5s`, `2h`, `13d`.
fn short(duration: Duration) -> String {
    format!("{:#}", HumanDuration(duration))
}

fn remaining(duration: Duration) -> String {
    let text = short(duration);
    if duration < SOON { style(text).red().to_string() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_say_nothing_of_a_person_unless_asked() {
        let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/wire/v1");
        for entry in std::fs::read_dir(fixtures).unwrap() {
            let path = entry.unwrap().path();
            if !path.file_name().unwrap().to_string_lossy().starts_with("post") {
                continue;
            }
            let value: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            let shown = redacted(&value).to_string();
            for personal in
                ["alice", "\"42\"", "size M", "＃ＡｃｍｅＣａｒｔ", "https://", "customer-1", "1001"]
            {
                assert!(!shown.contains(personal), "{}: {personal} in {shown}", path.display());
            }
            for ours in ["\"type\":", "\"network\":\"", "\"created_at\":1763719200123"] {
                assert!(shown.contains(ours), "{}: no {ours} in {shown}", path.display());
            }
        }
    }

    #[test]
    fn what_was_not_seen_is_said() {
        assert_eq!(seen(3, true, 3), "3 seen, all of them");
        assert_eq!(seen(3, true, 7), "at least 3 seen of approximately 7");
        assert_eq!(seen(3, false, 3), "at least 3 seen of approximately 3");
        assert_eq!(seen(3, false, 0), "at least 3 seen of approximately 3");
    }
}
