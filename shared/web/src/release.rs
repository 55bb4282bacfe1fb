//! What was asked for before an account was linked is done when it is.

use std::sync::Arc;

use domain::command::PostCommands;
use lambda::envelope::Message;
use lambda::queue::{Outgoing, Queue, Sender};
use store::links::Account;

use crate::failure::Failure;
use crate::site::Visit;

/// Sends every parked command of `account` to the queue `commands` as the next step of its post, then
/// unparks it. Called once the link is written, so nothing is parked any more behind our back. After a
/// crash in between it is called again: at worst a command is sent twice, and its key is the same.
///
/// Returns what was released.
///
/// # Errors
/// When the table or the queue doesn't answer: what wasn't sent stays parked.
pub async fn release(
    visit: &Visit,
    sender: &Sender,
    account: &Account,
) -> Result<Vec<PostCommands>, Failure> {
    let links = visit.site.links();
    let parked = links.parked(account, visit.now).await.map_err(Failure::unavailable)?;
    if parked.is_empty() {
        return Ok(parked);
    }
    let group = visit.hash.shopper(account.network.as_str(), account.user.as_str());
    let outgoing = |commands: &PostCommands| {
        let released = Message::PostCommands(Box::new(commands.released()));
        Outgoing::new(Queue::Commands, group.clone(), released)
    };
    let messages: Vec<Outgoing> = parked.iter().map(outgoing).collect();
    let results = sender.send(&messages, |_| visit.trace.as_deref()).await;
    let mut failure = None;
    for (commands, result) in parked.iter().zip(results) {
        match result {
            Ok(()) => {
                let post = commands.post.post_ref().to_string();
                tracing::info!(post, "released what was parked");
                links.unpark(account, commands).await.map_err(Failure::unavailable)?;
            }
            Err(error) => failure = Some(Failure::Unavailable(Arc::new(error))),
        }
    }
    failure.map_or(Ok(parked), Err)
}
