//! Lines of the functions' logs about posts: the same requests for the local stack and for AWS.

use anyhow::Context as _;
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::config::retry::RetryConfig;
use aws_sdk_cloudwatchlogs::operation::filter_log_events::FilterLogEventsError;
use domain::time::Timestamp;
use indicatif::{ProgressBar, ProgressStyle};
use lambda::aws::Aws;

use crate::trace::LogLine;

/// The most pages that are read of one function's log. CloudWatch looks through about a megabyte of log for
/// each and gives it even when nothing in it matches.
const PAGES: usize = 400;
/// The most events of one page (CloudWatch Logs API reference, `FilterLogEvents`).
const FULL_PAGE: usize = 10_000;
/// How often a request is repeated: an account may make only a few of these a second (CloudWatch Logs
/// quotas, `FilterLogEvents`).
const TRIES: u32 = 8;

/// A search for the lines in which some text stands: a post, or how the names of some posts begin.
pub(crate) struct Search {
    client: Client,
    stage: String,
    text: String,
    from: Timestamp,
    progress: ProgressBar,
}

impl Search {
    /// A search in the logs of a stage, from a moment on.
    pub(crate) fn new(aws: &Aws, stage: &str, text: &str, from: Timestamp) -> Self {
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
            text: text.to_owned(),
            from,
            progress,
        }
    }

    /// Gives the lines of one function to `take`, in their order; a line may come twice. `false` when
    /// there are too many to be looked at.
    ///
    /// # Errors
    /// When the log can't be read.
    pub(crate) async fn lines(&self, function: &str, mut take: impl FnMut(LogLine)) -> anyhow::Result<bool> {
        self.progress.set_message(format!("searching the log of {function}"));
        let group = format!("/aws/lambda/hashcart-{}-{function}", self.stage);
        let mut from = i64::try_from(self.from.as_millis()).unwrap_or(i64::MAX);
        let mut page = None;
        for _ in 0..PAGES {
            let request = self
                .client
                .filter_log_events()
                .log_group_name(&group)
                .start_time(from)
                .set_filter_pattern(pattern(&self.text))
                .set_next_token(page);
            let answer = match request.send().await {
                Ok(answer) => answer,
                // A function that was never called has no log yet.
                Err(error)
                    if error
                        .as_service_error()
                        .is_some_and(FilterLogEventsError::is_resource_not_found_exception) =>
                {
                    return Ok(true);
                }
                Err(error) => return Err(error).with_context(|| unreadable(&group)),
            };
            self.progress.inc(1);
            answer.events().iter().filter_map(|event| LogLine::parse(event.message()?)).for_each(&mut take);
            page = answer.next_token().map(str::to_owned);
            if page.is_none() {
                // The emulator gives a full page and no token: what follows begins at its last moment.
                let last = answer.events().last().and_then(|event| event.timestamp());
                match last.filter(|last| answer.events().len() >= FULL_PAGE && *last > from) {
                    Some(last) => from = last,
                    None => return Ok(true),
                }
            }
        }
        Ok(false)
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        self.progress.finish_and_clear();
    }
}

/// The filter that leaves out most other lines: the text in quotes, where nothing in it means anything to a
/// filter (Amazon CloudWatch Logs user guide, "Filter pattern syntax").
fn pattern(text: &str) -> Option<String> {
    let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "#-_.:/@".contains(c));
    is_plain.then(|| format!("\"{text}\""))
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
