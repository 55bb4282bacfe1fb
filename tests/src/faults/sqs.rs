//! SQS as far as our requests go, and the queue side of Lambda's event source mapping: what is visible
//! when, how often it was received, and where it goes after the last receive.
//!
//! Messages are named by what they are about (`outcomes generic#p1/0 c2`: the second message on
//! `outcomes` about step 0 of post p1), so that names stay the same when a schedule changes elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use lambda::envelope::{Envelope, Message as Body};
use serde_json::{Map, Value as Json, json};

/// How often a message is received before SQS moves it (the template's `maxReceiveCount`).
pub const MAX_RECEIVES: u32 = 5;
/// How long a received message stays invisible, in milliseconds (the template's `VisibilityTimeout`).
pub const VISIBILITY_MS: u64 = 180_000;
/// The pauses that the functions ask for are jittered at random; they last until the next of these, in
/// seconds, so that a run can be repeated. A queue may always deliver later than asked.
const PAUSES: [u64; 5] = [5, 30, 50, 180, 900];

/// A message in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its name, which is its id too.
    pub name: String,
    /// Its body.
    pub body: String,
    /// Its `MessageGroupId`.
    pub group: Option<String>,
    /// Its attributes by name: the reason, function and kind of a dead letter.
    pub attributes: BTreeMap<String, String>,
    /// How often it has been received.
    pub receives: u32,
    /// From when it can be received, in milliseconds.
    pub visible_at: u64,
    /// The handle of the latest receive.
    pub receipt: String,
}

/// The queues by the last part of their URL.
#[derive(Clone, Debug, Default)]
pub struct Queues {
    queues: BTreeMap<String, BTreeMap<String, Message>>,
    counts: BTreeMap<String, u32>,
}

/// A request that SQS refuses.
#[derive(Clone, Debug)]
pub struct Refusal(pub &'static str);

/// What a message is about: the post and the step, or a fingerprint of what can't be read.
pub fn subject(body: &str) -> String {
    match Envelope::decode(body).map(|envelope| envelope.body) {
        Ok(Body::Post(post)) => post.head.post_ref().to_string(),
        Ok(Body::PostCommands(commands)) => format!("{}/{}", commands.post.post_ref(), commands.step),
        Ok(Body::PostOutcomes(outcomes)) => format!("{}/{}", outcomes.post.post_ref(), outcomes.step),
        Err(_) => format!("?{:016x}", super::dice::Dice::new(0).roll("body", body)),
    }
}

/// The dead-letter queue of a queue.
pub fn dead_letters_of(queue: &str) -> String {
    format!("{queue}-dead-letters")
}

fn text<'a>(request: &'a Json, name: &str) -> &'a str {
    request[name].as_str().unwrap_or_else(|| panic!("no {name} in a request to SQS"))
}

fn check(request: &Json, known: &[&str]) {
    for name in request.as_object().into_iter().flat_map(Map::keys) {
        assert!(known.contains(&name.as_str()), "the model knows no parameter {name} of SQS");
    }
}

fn queue_of(request: &Json) -> &str {
    text(request, "QueueUrl").rsplit('/').next().unwrap_or_default()
}

/// The pause that a function asks for, see [`PAUSES`].
fn whole_pause(seconds: u64) -> u64 {
    PAUSES.iter().copied().find(|pause| seconds <= *pause).unwrap_or(seconds)
}

impl Queues {
    /// These queues with a dead-letter queue each.
    pub fn new(names: &[&str]) -> Self {
        let all = names.iter().flat_map(|name| [(*name).to_owned(), dead_letters_of(name)]);
        Self { queues: all.map(|name| (name, BTreeMap::new())).collect(), counts: BTreeMap::new() }
    }

    /// The messages of a queue.
    pub fn messages(&self, queue: &str) -> &BTreeMap<String, Message> {
        self.queues.get(queue).unwrap_or_else(|| panic!("QueueDoesNotExist: {queue}"))
    }

    fn messages_mut(&mut self, queue: &str) -> &mut BTreeMap<String, Message> {
        self.queues.get_mut(queue).unwrap_or_else(|| panic!("QueueDoesNotExist: {queue}"))
    }

    /// Puts a message into a queue and gives its name.
    pub fn put(
        &mut self,
        queue: &str,
        body: &str,
        group: Option<String>,
        attributes: BTreeMap<String, String>,
        visible_at: u64,
    ) -> String {
        let about = format!("{queue} {}", subject(body));
        let count = self.counts.entry(about.clone()).or_default();
        *count += 1;
        let name = format!("{about} c{count}");
        let message = Message {
            name: name.clone(),
            body: body.to_owned(),
            group,
            attributes,
            receives: 0,
            visible_at,
            receipt: String::new(),
        };
        self.messages_mut(queue).insert(name.clone(), message);
        name
    }

    /// Does what a request asks. The names of what was put into a queue stand beside the answer.
    ///
    /// # Errors
    /// What SQS refuses.
    ///
    /// # Panics
    /// For a request that the model doesn't know, or that SQS would call invalid.
    pub fn answer(
        &mut self,
        operation: &str,
        request: &Json,
        now: u64,
        refuses: impl Fn(usize) -> bool,
    ) -> (Result<Json, Refusal>, Vec<(String, String)>) {
        match operation {
            "SendMessageBatch" => self.send_batch(request, now, refuses),
            "SendMessage" => {
                let known = [
                    "QueueUrl",
                    "MessageBody",
                    "MessageGroupId",
                    "MessageAttributes",
                    "MessageSystemAttributes",
                ];
                check(request, &known);
                let queue = queue_of(request).to_owned();
                let name = self.send(&queue, request, now);
                let answer = json!({"MessageId": name, "MD5OfMessageBody": ""});
                (Ok(answer), vec![(queue, name)])
            }
            "ChangeMessageVisibility" => (self.change_visibility(request, now), Vec::new()),
            other => panic!("the model knows no operation {other} of SQS"),
        }
    }

    fn send_batch(
        &mut self,
        request: &Json,
        now: u64,
        refuses: impl Fn(usize) -> bool,
    ) -> (Result<Json, Refusal>, Vec<(String, String)>) {
        check(request, &["QueueUrl", "Entries"]);
        let queue = queue_of(request).to_owned();
        let entries = request["Entries"].as_array().cloned().unwrap_or_default();
        assert!((1..=10).contains(&entries.len()), "a batch of {} entries", entries.len());
        let ids: BTreeSet<&str> = entries.iter().map(|entry| text(entry, "Id")).collect();
        assert_eq!(ids.len(), entries.len(), "BatchEntryIdsNotDistinct");
        let (mut successful, mut failed, mut sent) = (Vec::new(), Vec::new(), Vec::new());
        for (index, entry) in entries.iter().enumerate() {
            let id = text(entry, "Id");
            if refuses(index) {
                failed.push(json!({"Id": id, "Code": "InternalError", "SenderFault": false}));
                continue;
            }
            let known = ["Id", "MessageBody", "MessageGroupId", "DelaySeconds", "MessageSystemAttributes"];
            check(entry, &known);
            let name = self.send(&queue, entry, now);
            successful.push(json!({"Id": id, "MessageId": name, "MD5OfMessageBody": ""}));
            sent.push((queue.clone(), name));
        }
        (Ok(json!({"Successful": successful, "Failed": failed})), sent)
    }

    fn send(&mut self, queue: &str, entry: &Json, now: u64) -> String {
        let body = text(entry, "MessageBody");
        assert!(!body.is_empty() && body.len() <= 1024 * 1024, "a body of {} bytes", body.len());
        let delay = entry["DelaySeconds"].as_u64().unwrap_or(0);
        assert!(delay <= 900, "a delay of {delay} s");
        let delay = if delay == 0 { 0 } else { whole_pause(delay) };
        let attributes = entry["MessageAttributes"].as_object().into_iter().flatten();
        let attributes =
            attributes.map(|(name, value)| (name.clone(), text(value, "StringValue").to_owned())).collect();
        let group = entry["MessageGroupId"].as_str().map(str::to_owned);
        self.put(queue, body, group, attributes, now + delay * 1000)
    }

    fn change_visibility(&mut self, request: &Json, now: u64) -> Result<Json, Refusal> {
        check(request, &["QueueUrl", "ReceiptHandle", "VisibilityTimeout"]);
        let seconds = request["VisibilityTimeout"].as_u64().unwrap_or(u64::MAX);
        assert!(seconds <= 43_200, "a visibility timeout of {seconds} s");
        let receipt = text(request, "ReceiptHandle");
        let queue = self.messages_mut(queue_of(request));
        // The handle of an earlier receive, or of a message that has been deleted since.
        let Some(message) = queue.values_mut().find(|message| message.receipt == receipt) else {
            return Err(Refusal("com.amazonaws.sqs#InvalidParameterValue"));
        };
        message.visible_at = now + whole_pause(seconds) * 1000;
        Ok(json!({}))
    }

    /// When the next message of a queue becomes visible.
    pub fn next_visible(&self, queue: &str) -> Option<u64> {
        self.messages(queue).values().map(|message| message.visible_at).min()
    }

    /// Receives up to `most` visible messages, in the order that `rank` gives them. What has been
    /// received too often goes to the dead-letter queue, without a reason.
    pub fn receive(
        &mut self,
        queue: &str,
        most: usize,
        now: u64,
        rank: impl Fn(&Message) -> u64,
    ) -> Vec<Message> {
        let mut visible: Vec<(u64, String)> = self
            .messages(queue)
            .values()
            .filter(|message| message.visible_at <= now)
            .map(|message| (rank(message), message.name.clone()))
            .collect();
        visible.sort();
        let mut received = Vec::new();
        for (_, name) in visible.into_iter().take(most) {
            let messages = self.messages_mut(queue);
            let Some(message) = messages.get_mut(&name) else { continue };
            message.receives += 1;
            if message.receives > MAX_RECEIVES {
                if let Some(message) = messages.remove(&name) {
                    self.messages_mut(&dead_letters_of(queue)).insert(name, message);
                }
                continue;
            }
            message.visible_at = now + VISIBILITY_MS;
            message.receipt = format!("{name} r{}", message.receives);
            received.push(message.clone());
        }
        received
    }

    /// Makes a message visible again from `at` on.
    pub fn show(&mut self, queue: &str, name: &str, at: u64) {
        if let Some(message) = self.messages_mut(queue).get_mut(name) {
            message.visible_at = at;
        }
    }

    /// Deletes a message that was worked on.
    pub fn delete(&mut self, queue: &str, name: &str) {
        self.messages_mut(queue).remove(name);
    }

    /// The operator sends back what ran out of tries; gives how many.
    pub fn redrive(&mut self, queue: &str, now: u64) -> usize {
        let dead = self.messages_mut(&dead_letters_of(queue));
        let again = |message: &Message| message.attributes.get("kind").is_none_or(|kind| kind == "exhausted");
        let names: Vec<String> =
            dead.values().filter(|message| again(message)).map(|message| message.name.clone()).collect();
        let messages: Vec<Message> = names.iter().filter_map(|name| dead.remove(name)).collect();
        for message in &messages {
            self.put(queue, &message.body, message.group.clone(), BTreeMap::new(), now);
        }
        messages.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queues() -> Queues {
        let mut queues = Queues::new(&["posts"]);
        queues.put("posts", "one", None, BTreeMap::new(), 0);
        queues
    }

    fn receive(queues: &mut Queues, now: u64) -> Vec<Message> {
        queues.receive("posts", 10, now, |_| 0)
    }

    #[test]
    fn what_is_received_is_invisible_until_its_pause_is_over() {
        let mut queues = queues();
        let first = receive(&mut queues, 0);
        assert_eq!((first.len(), first[0].receives), (1, 1));
        assert!(receive(&mut queues, VISIBILITY_MS - 1).is_empty());
        let pause = json!({"QueueUrl": "https://sqs/1/posts", "ReceiptHandle": first[0].receipt, "VisibilityTimeout": 4});
        assert!(queues.answer("ChangeMessageVisibility", &pause, 0, |_| false).0.is_ok());
        assert!(receive(&mut queues, 4_999).is_empty());
        assert_eq!(receive(&mut queues, 5_000)[0].receives, 2);
        assert!(queues.answer("ChangeMessageVisibility", &pause, 0, |_| false).0.is_err(), "an old handle");
    }

    #[test]
    fn what_is_received_too_often_is_a_dead_letter_until_it_is_redriven() {
        let mut queues = queues();
        for round in 0..u64::from(MAX_RECEIVES) {
            assert_eq!(receive(&mut queues, round * VISIBILITY_MS).len(), 1);
        }
        assert!(receive(&mut queues, 10 * VISIBILITY_MS).is_empty());
        assert_eq!(queues.messages("posts-dead-letters").len(), 1);
        assert_eq!(queues.redrive("posts", 0), 1);
        assert_eq!(receive(&mut queues, 0)[0].receives, 1);
    }
}
