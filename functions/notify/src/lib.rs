//! The function `notify`: tells shoppers what became of their posts, in public where the network's
//! rules allow it and by mail where there is a link and consent, and takes back what SES reports of
//! its mails.
//!
//! It consumes two queues. `outcomes` carries one message for each post and step, answered once by one
//! reply and one mail (see [`Notices`]); `feedback` carries bounces and complaints (see [`Returns`]).
//! `docs/DELIVERY.md` says what each channel guarantees.

mod error;
mod links;
mod notices;
mod returns;
mod verdict;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use lambda::aws::Aws;
use lambda::batch::{BatchError, BatchLoop};
use lambda::clock::Clock;
use lambda::env::Environment;
use lambda::queue::Sender;

pub use error::{NotifyError, SetUpError};
pub use links::MailLinkError;
pub use notices::Notices;
pub use returns::{Report, Returns};

const FUNCTION: &str = "notify";

/// Both consumers and the loops that feed them.
#[derive(Debug)]
pub struct Notify {
    outcomes: BatchLoop,
    notices: Notices,
    feedback: BatchLoop,
    returns: Returns,
    feedback_queue: String,
}

impl Notify {
    /// Wires everything to what the environment names. No network traffic happens.
    ///
    /// # Errors
    /// When something isn't named or is no address.
    pub fn new(env: &Environment, aws: &Aws, clock: &Clock) -> Result<Self, SetUpError> {
        let sender = Sender::new(aws, env, clock.clone());
        let batches = |queue| BatchLoop::new(FUNCTION, queue, env, aws, sender.clone());
        Ok(Self {
            outcomes: batches("outcomes")?,
            notices: Notices::new(env, aws, clock.clone())?,
            feedback: batches("feedback")?,
            returns: Returns::new(env, aws, clock.clone())?,
            feedback_queue: env.queue("feedback")?,
        })
    }

    /// The same with other HTTP: what carries its requests may be given, see [`networks::Transport`].
    #[must_use]
    pub fn with_http(self, http: networks::Http) -> Self {
        Self { notices: self.notices.with_http(http), ..self }
    }

    /// Works through a batch of either queue. Lambda never mixes two queues in one batch.
    ///
    /// # Errors
    /// See [`BatchLoop::run`].
    pub async fn handle(&self, event: SqsEvent) -> Result<SqsBatchResponse, BatchError> {
        // Boxed: the compiler gives up on the layout of futures nested as deep as these.
        if self.is_feedback(&event) {
            Box::pin(self.feedback.run(&self.returns, event)).await
        } else {
            Box::pin(self.outcomes.run(&self.notices, event)).await
        }
    }

    /// Whether the records come from the queue `feedback`: the last part of their source's ARN is the
    /// queue's name, and so is the last part of the queue's URL.
    fn is_feedback(&self, event: &SqsEvent) -> bool {
        let arn = event.records.first().and_then(|record| record.event_source_arn.as_deref());
        let name = arn.and_then(|arn| arn.rsplit(':').next());
        name.is_some() && name == self.feedback_queue.rsplit('/').next()
    }
}
