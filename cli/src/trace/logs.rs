//! A post's lines in the functions' logs: the same requests for the local stack and for AWS.

use anyhow::Context as _;
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::config::retry::RetryConfig;
use aws_sdk_cloudwatchlogs::operation::filter_log_events::FilterLogEventsError;
use domain::post::PostRef;
use domain::time::Timestamp;
use indicatif::{ProgressBar, ProgressStyle};
use lambda::aws::Aws;

use super::way::LogLine;

/// The functions that touch posts, in the order of a post's way.
const FUNCTIONS: [&str; 6] =
    ["webhook-ingest", "classify", "cart-add", "notify", "account-link", "cart-page"];
/// The most pages that are read of one function's log. CloudWatch looks through about a megabyte of log for
/// each and gives it even when nothing in it matches.
const PAGES: usize = 400;
/// How often a request is repeated: an account may make only a few of these a second (CloudWatch Logs
/// quotas, `FilterLogEvents`).
const TRIES: u32 = 8;

/// The search for a post's lines.
pub(super) struct Search {
    client: Client,
    stage: String,
    post: String,
    from: Timestamp,
    progress: ProgressBar,
}

/// What a search found.
pub(super) struct Found {
    /// The post's lines, each function's in its order.
    pub(super) lines: Vec<LogLine>,
    /// Whether all lines since the beginning were looked at.
    pub(super) is_complete: bool,
}

impl Search {
    pub(super) fn new(aws: &Aws, stage: &str, post: &PostRef, from: Timestamp) -> Self {
        let config = aws_sdk_cloudwatchlogs::config::Builder::from(aws.config())
            .retry_config(RetryConfig::standard().with_max_attempts(TRIES))
            .build();
        // Shown on a terminal only, and gone when the search is over.
        let progress = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}, {pos} pages") {
            progress.set_style(style);
        }
        Self {
            client: Client::from_conf(config),
            stage: stage.to_owned(),
            post: post.to_string(),
            from,
            progress,
        }
    }

    /// Looks through the logs of all functions, one after another.
    ///
    /// # Errors
    /// When they can't be read.
    pub(super) async fn run(&self) -> anyhow::Result<Found> {
        let mut found = Found { lines: Vec::new(), is_complete: true };
        for function in FUNCTIONS {
            self.progress.set_message(format!("searching the log of {function}"));
            self.search(function, &mut found).await?;
        }
        self.progress.finish_and_clear();
        Ok(found)
    }

    async fn search(&self, function: &str, found: &mut Found) -> anyhow::Result<()> {
        let group = format!("/aws/lambda/hashcart-{}-{function}", self.stage);
        let mut page = None;
        for _ in 0..PAGES {
            let request = self
                .client
                .filter_log_events()
                .log_group_name(&group)
                .start_time(i64::try_from(self.from.as_millis()).unwrap_or(i64::MAX))
                .set_filter_pattern(pattern(&self.post))
                .set_next_token(page);
            let answer = match request.send().await {
                Ok(answer) => answer,
                // A function that was never called has no log yet.
                Err(error)
                    if error
                        .as_service_error()
                        .is_some_and(FilterLogEventsError::is_resource_not_found_exception) =>
                {
                    return Ok(());
                }
                Err(error) => return Err(error).with_context(|| unreadable(&group)),
            };
            self.progress.inc(1);
            let lines = answer.events().iter().filter_map(|event| LogLine::parse(event.message()?));
            found.lines.extend(lines.filter(|line| line.post.as_deref() == Some(&self.post)));
            page = answer.next_token().map(str::to_owned);
            if page.is_none() {
                return Ok(());
            }
        }
        found.is_complete = false;
        Ok(())
    }
}

/// The filter that leaves out most other lines: the post in quotes, where nothing in it means anything to a
/// filter (Amazon CloudWatch Logs user guide, "Filter pattern syntax").
fn pattern(post: &str) -> Option<String> {
    let is_plain = post.chars().all(|c| c.is_ascii_alphanumeric() || "#-_.:/@".contains(c));
    is_plain.then(|| format!("\"{post}\""))
}

fn unreadable(group: &str) -> String {
    format!("the log {group} can't be read: check AWS_REGION and that you may do logs:FilterLogEvents on it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_means_nothing_to_a_filter_becomes_one() {
        assert_eq!(pattern("x#2080761390344937796").as_deref(), Some("\"x#2080761390344937796\""));
        for odd in ["generic#a\"b", "generic#a*", "generic#a b", "generic#\\", "generic#é"] {
            assert_eq!(pattern(odd), None, "{odd}");
        }
    }
}
