//! The queues of a stage and their dead-letter queues, as the operator's tools see them.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use lambda::aws::Aws;

use crate::stage::StageArgs;

/// A queue of the template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub(crate) enum Queue {
    /// Posts that may be for us.
    Posts,
    /// What posts ask for.
    Commands,
    /// How it ended.
    Outcomes,
    /// What SES reports of mails.
    Feedback,
}

impl Queue {
    /// All of them, in the order of a post's way.
    pub(crate) const ALL: [Self; 4] = [Self::Posts, Self::Commands, Self::Outcomes, Self::Feedback];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Posts => "posts",
            Self::Commands => "commands",
            Self::Outcomes => "outcomes",
            Self::Feedback => "feedback",
        }
    }

    /// The function that reads it.
    pub(crate) fn function(self) -> &'static str {
        match self {
            Self::Posts => "classify",
            Self::Commands => "cart-add",
            Self::Outcomes | Self::Feedback => "notify",
        }
    }

    /// The queue of this name.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|queue| queue.name() == name)
    }

    /// The queue's name in SQS, as the template gives it.
    pub(crate) fn physical(self, stage: &str) -> String {
        format!("hashcart-{stage}-{}", self.name())
    }

    /// The name of its dead-letter queue in SQS.
    pub(crate) fn physical_dead(self, stage: &str) -> String {
        format!("{}-dead", self.physical(stage))
    }
}

impl std::fmt::Display for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// What a queue holds, as far as SQS knows it: approximate, and up to a minute old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Messages that can be received.
    pub(crate) waiting: u64,
    /// Messages that somebody received and has not deleted yet.
    pub(crate) in_flight: u64,
    /// Messages that are not to be seen before their delay is over: what a pause holds back.
    pub(crate) delayed: u64,
    /// How long SQS keeps a message.
    pub(crate) retention: Duration,
}

impl Counts {
    /// All messages.
    pub(crate) fn total(self) -> u64 {
        self.waiting.saturating_add(self.in_flight).saturating_add(self.delayed)
    }
}

/// The queues of one stage.
#[derive(Clone, Debug)]
pub(crate) struct Queues {
    sqs: Client,
    stage: String,
    region: String,
}

impl Queues {
    /// The stage's queues, through these clients.
    pub(crate) fn new(aws: &Aws, stage: &str) -> Self {
        let region = aws.config().region().map_or("an unnamed region", |region| region.as_ref()).to_owned();
        Self { sqs: aws.sqs(), stage: stage.to_owned(), region }
    }

    /// The queues of the stage that the command line names.
    ///
    /// # Errors
    /// As [`StageArgs::aws`].
    pub(crate) async fn of(stage: &StageArgs) -> anyhow::Result<Self> {
        Ok(Self::new(&stage.aws().await?, &stage.name))
    }

    /// The client.
    pub(crate) fn sqs(&self) -> &Client {
        &self.sqs
    }

    /// The stage's name.
    pub(crate) fn stage(&self) -> &str {
        &self.stage
    }

    /// The URL of a queue by its name in SQS.
    ///
    /// # Errors
    /// When there is no such queue, or SQS can't be asked.
    pub(crate) async fn url(&self, physical: &str) -> anyhow::Result<String> {
        let answer = match self.sqs.get_queue_url().queue_name(physical).send().await {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(|e| e.is_queue_does_not_exist()) => {
                return Err(anyhow!(
                    "there is no queue {physical} in {} for these credentials: check --stage, AWS_REGION and \
                     AWS_PROFILE, and that the stage `{}` is deployed",
                    self.region,
                    self.stage
                ));
            }
            Err(error) => return Err(error).with_context(|| self.unreachable(physical)),
        };
        answer.queue_url.with_context(|| format!("SQS names no URL of {physical}"))
    }

    /// What a queue holds.
    ///
    /// # Errors
    /// When SQS can't be asked.
    pub(crate) async fn counts(&self, url: &str) -> anyhow::Result<Counts> {
        let request = self.sqs.get_queue_attributes().queue_url(url);
        let request = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
            QueueAttributeName::MessageRetentionPeriod,
        ]
        .into_iter()
        .fold(request, |request, name| request.attribute_names(name));
        let answer = request.send().await.with_context(|| self.unreachable(url))?;
        let attributes = answer.attributes.unwrap_or_default();
        let number = |name| attributes.get(&name).and_then(|text: &String| text.parse().ok()).unwrap_or(0);
        Ok(Counts {
            waiting: number(QueueAttributeName::ApproximateNumberOfMessages),
            in_flight: number(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
            delayed: number(QueueAttributeName::ApproximateNumberOfMessagesDelayed),
            retention: Duration::from_secs(number(QueueAttributeName::MessageRetentionPeriod)),
        })
    }

    fn unreachable(&self, queue: &str) -> String {
        if self.stage == "local" {
            format!(
                "the queue {queue} of the local stack can't be reached: is `hashcart local` still running?"
            )
        } else {
            format!(
                "the queue {queue} can't be reached: check AWS_REGION and your credentials (`aws sts \
                 get-caller-identity`)"
            )
        }
    }
}
