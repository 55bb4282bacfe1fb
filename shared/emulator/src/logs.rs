//! What the deployed functions say, as it appears.

use std::collections::BTreeMap;

use aws_sdk_cloudwatchlogs::{
    Client,
    error::{BuildError, SdkError},
    operation::filter_log_events::FilterLogEventsError,
    types::FilteredLogEvent,
};

use crate::Account;

/// What Lambda itself writes around each invocation.
const PLATFORM: [&str; 4] = ["START RequestId", "END RequestId", "REPORT RequestId", "INIT_START"];

/// How much later than its own time an invocation's log may appear, in milliseconds: the emulator takes
/// the time first and appends then.
const LATENESS_MS: i64 = 2000;

/// The most events of one answer. The emulator gives no token for what follows a full one.
const FULL_PAGE: usize = 10_000;

/// Why logs can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogsError {
    /// The emulator refused the request.
    #[error("the logs of {function} can't be read")]
    Refused {
        /// The function.
        function: String,
        /// Why.
        #[source]
        source: Box<SdkError<FilterLogEventsError>>,
    },
    /// The request can't be made.
    #[error("the request for logs can't be made")]
    Request(#[from] BuildError),
}

/// One line that a function wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The function, by the name of its directory under `functions/`.
    pub function: String,
    /// The end of the invocation that wrote the line, in milliseconds since 1970. All lines of an invocation
    /// have the same one; the finer order is their order here.
    pub at_ms: i64,
    /// The line, a JSON object for our functions.
    pub text: String,
}

/// Reads the functions' logs from where it stopped the last time.
///
/// A function's lines appear when the invocation that wrote them is over.
#[derive(Debug)]
pub struct Logs {
    client: Client,
    groups: Vec<Group>,
}

/// How far one function's log has been read.
///
/// The emulator gives its events no ids, but it writes each invocation into a stream of its own, all lines
/// at once: the streams that were read are what is known.
#[derive(Debug)]
struct Group {
    function: String,
    name: String,
    from_ms: i64,
    /// Streams that were read, with their time, as far back as the next request will reach.
    read: BTreeMap<String, i64>,
}

impl Logs {
    /// The logs of these functions (by directory name) of one stage, from a moment on, in milliseconds
    /// since 1970.
    pub fn new<'a>(
        account: &Account,
        stage: &str,
        functions: impl IntoIterator<Item = &'a str>,
        from_ms: i64,
    ) -> Self {
        let group = |function: &str| Group {
            function: function.to_owned(),
            name: format!("/aws/lambda/hashcart-{stage}-{function}"),
            from_ms,
            read: BTreeMap::new(),
        };
        Self {
            client: Client::new(&account.sdk_config()),
            groups: functions.into_iter().map(group).collect(),
        }
    }

    /// The lines that have appeared since the last call, oldest first; none if there is nothing new. A
    /// function that hasn't been deployed has none.
    ///
    /// # Errors
    /// When the emulator doesn't answer or refuses.
    pub async fn next(&mut self) -> Result<Vec<Line>, LogsError> {
        let mut lines = Vec::new();
        for group in &mut self.groups {
            lines.extend(group.next(&self.client).await?);
        }
        // A stable sort keeps each function's own order.
        lines.sort_by_key(|line| line.at_ms);
        Ok(lines)
    }
}

impl Group {
    async fn next(&mut self, client: &Client) -> Result<Vec<Line>, LogsError> {
        let mut found = BTreeMap::new();
        let mut lines: Vec<Line> = Vec::new();
        let mut page = None;
        let mut from_ms = self.from_ms;
        loop {
            let request = client
                .filter_log_events()
                .log_group_name(&self.name)
                .start_time(from_ms)
                .set_next_token(page);
            let answer = match request.send().await {
                Ok(answer) => answer,
                Err(error) if is_missing(&error) => break,
                Err(source) => {
                    return Err(LogsError::Refused {
                        function: self.function.clone(),
                        source: Box::new(source),
                    });
                }
            };
            for event in answer.events() {
                lines.extend(self.line(event, &mut found));
            }
            page = answer.next_token().map(str::to_owned);
            if page.is_some() {
                continue;
            }
            // Events come in the order of their times: what of the last one stands behind a full answer is
            // read again with all of its moment.
            let last_ms = answer.events().last().and_then(FilteredLogEvent::timestamp);
            match last_ms.filter(|last_ms| answer.events().len() >= FULL_PAGE && *last_ms > from_ms) {
                None => break,
                Some(last_ms) => {
                    lines.retain(|line| line.at_ms < last_ms);
                    found.retain(|_, at_ms| *at_ms < last_ms);
                    from_ms = last_ms;
                }
            }
        }
        self.remember(found);
        Ok(lines)
    }

    /// The event as a line, unless it was read before or isn't the function's own.
    fn line(&self, event: &FilteredLogEvent, found: &mut BTreeMap<String, i64>) -> Option<Line> {
        let (stream, at_ms, text) = (event.log_stream_name()?, event.timestamp()?, event.message()?);
        if self.read.contains_key(stream) {
            return None;
        }
        found.insert(stream.to_owned(), at_ms);
        let own = !PLATFORM.iter().any(|start| text.starts_with(start));
        own.then(|| Line { function: self.function.clone(), at_ms, text: text.trim_end().to_owned() })
    }

    fn remember(&mut self, found: BTreeMap<String, i64>) {
        let Some(newest) = found.values().max() else { return };
        self.from_ms = self.from_ms.max(newest - LATENESS_MS);
        self.read.extend(found);
        self.read.retain(|_, at_ms| *at_ms >= self.from_ms);
    }
}

fn is_missing(error: &SdkError<FilterLogEventsError>) -> bool {
    error.as_service_error().is_some_and(FilterLogEventsError::is_resource_not_found_exception)
}
