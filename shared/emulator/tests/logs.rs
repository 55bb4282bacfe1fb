//! Reading logs that are longer than an answer.

use std::collections::BTreeSet;

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use emulator::Logs;

const GROUP: &str = "/aws/lambda/hashcart-local-classify";
/// More than two answers hold.
const LINES: usize = 24_000;
/// As many lines as an invocation writes: they share a stream and a moment.
const INVOCATION: usize = 7;

#[tokio::test]
async fn every_line_is_read_once_however_many_there_are() {
    let account = emulator::shared().await.unwrap().test_account().unwrap();
    let client = Client::new(&account.sdk_config());
    client.create_log_group().log_group_name(GROUP).send().await.unwrap();
    let lines: Vec<usize> = (0..LINES).collect();
    // Some hundred streams hold what the emulator would spread over thousands: that is as good and quicker.
    for (stream, lines) in lines.chunks(INVOCATION * 40).enumerate() {
        let stream = format!("stream-{stream}");
        client.create_log_stream().log_group_name(GROUP).log_stream_name(&stream).send().await.unwrap();
        let at_ms = 1_000_000 + i64::try_from(lines[0]).unwrap();
        let event =
            |line: &usize| InputLogEvent::builder().timestamp(at_ms).message(line.to_string()).build();
        let events = lines.iter().map(|line| event(line).unwrap()).collect();
        let request = client.put_log_events().log_group_name(GROUP).log_stream_name(&stream);
        request.set_log_events(Some(events)).send().await.unwrap();
    }
    let mut logs = Logs::new(&account, "local", ["classify"], 0);
    let read: Vec<usize> = logs.next().await.unwrap().iter().map(|line| line.text.parse().unwrap()).collect();
    assert_eq!(read.len(), LINES, "lines are missing or came twice");
    assert_eq!(read.into_iter().collect::<BTreeSet<_>>(), lines.into_iter().collect());
    assert_eq!(logs.next().await.unwrap(), [], "nothing new");
}
