//! Sending messages on: to the queue that they came from, as they were.

use std::collections::HashMap;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
};

use super::letter::{Letter, OURS};

/// How a message fared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// The queue accepted it.
    Accepted,
    /// It did not, or nobody knows: why.
    Failed(String),
}

/// Sends messages side by side, each by a request of its own: then none is too long for a batch, and each
/// refusal says its reason. The results stand in the order of the messages.
pub(super) async fn send(sqs: &Client, url: &str, letters: &[Letter]) -> Vec<Sent> {
    futures::future::join_all(letters.iter().map(|letter| send_one(sqs, url, letter))).await
}

/// Sends the message as it was, but for the attributes that say why it was dead.
async fn send_one(sqs: &Client, url: &str, letter: &Letter) -> Sent {
    let attributes = letter.attributes.iter().filter(|(name, _)| !OURS.contains(&name.as_str()));
    let attributes: HashMap<_, _> = attributes.map(|(name, value)| (name.clone(), value.clone())).collect();
    let trace = letter.trace.as_ref().and_then(|trace| {
        MessageSystemAttributeValue::builder().data_type("String").string_value(trace).build().ok()
    });
    let request = sqs
        .send_message()
        .queue_url(url)
        .message_body(&letter.body)
        .set_message_attributes(Some(attributes))
        .set_message_system_attributes(
            trace.map(|trace| [(MessageSystemAttributeNameForSends::AwsTraceHeader, trace)].into()),
        )
        .set_message_group_id(letter.group.clone());
    match request.send().await {
        Ok(_) => Sent::Accepted,
        Err(error) => Sent::Failed(lambda::batch::reason(&error)),
    }
}

/// Deletes messages that are held; how many could not be deleted.
pub(super) async fn delete(sqs: &Client, url: &str, letters: &[&Letter]) -> usize {
    let entry = |(index, letter): (usize, &&Letter)| {
        DeleteMessageBatchRequestEntry::builder()
            .id(index.to_string())
            .receipt_handle(&letter.receipt)
            .build()
            .ok()
    };
    let entries: Vec<_> = letters.iter().enumerate().filter_map(entry).collect();
    if entries.is_empty() {
        return 0;
    }
    let request = sqs.delete_message_batch().queue_url(url).set_entries(Some(entries));
    request.send().await.map_or(letters.len(), |answer| answer.failed.len())
}
