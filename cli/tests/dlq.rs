//! `hashcart dlq` as an operator calls it: the program, and the queues of a stage in the emulator.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops where something is not as expected"
)]

mod support;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeName, MessageSystemAttributeNameForSends,
    MessageSystemAttributeValue,
};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use support::{Fate, Proxy, World, post, said, text};

const PERSONAL: [&str; 4] = ["secret wish", "alice", "who=", "a@shopper.example"];

#[tokio::test]
async fn looking_tells_what_is_stuck_and_why_and_hides_nothing() {
    let world = World::new().await;
    for index in 0..25 {
        let reason = if index < 20 { "the product table is throttled" } else { "no marketplace `fr`" };
        let kind = if index < 20 { "exhausted" } else { "permanent" };
        world.dead_letter("posts", &post(&index.to_string()), reason, kind).await;
    }
    world
        .dead_letter(
            "posts",
            r#"{"v":9,"secret wish":1}"#,
            "version 9 of the wire format is unknown",
            "permanent",
        )
        .await;
    world.dead_letter("posts", "alice said no JSON", "cannot be decoded at `.` (syntax)", "permanent").await;
    let report = r#"{"notificationType":"Complaint","complaint":{"complainedRecipients":[{"emailAddress":"a@shopper.example"}]}}"#;
    world.dead_letter("feedback", report, "the table can't be read", "exhausted").await;
    let crashed = crash(&world, "commands").await;

    let all = world.call(&["dlq", "list"]).await.ok();
    all.says("27 seen, all of them").says("20  classify   exhausted  the product table is throttled");
    all.says("5  classify   permanent  no marketplace `fr`").says("2w").says("hashcart dlq list posts");
    all.says("1  cart-add   exhausted  no reason: SQS moved it after its last receive");

    let posts = world.call(&["dlq", "list", "posts"]).await.ok();
    posts
        .says("generic#24")
        .says("can't be decoded")
        .says("2 receives")
        .says("classify permanent: no marketplace `fr`");
    let few = world.call(&["dlq", "list", "posts", "--limit", "3"]).await.ok();
    few.says("… and 24 more: --limit 27");
    let json = world.call(&["dlq", "list", "posts", "--json"]).await.ok();
    let listed: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(listed["messages"].as_array().unwrap().len(), 27);
    assert_eq!(listed["overview"]["reasons"][0]["count"], 20);
    assert_eq!(listed["overview"]["complete"], true);
    let feedback = world.call(&["dlq", "list", "feedback"]).await.ok();
    feedback.says("SES Complaint");

    let id = listed["messages"][0]["id"].as_str().unwrap();
    let one = world.call(&["dlq", "show", "posts", &id[..8]]).await.ok();
    one.says("Root=1-5759e988").says("\"network\": \"generic\"").says("group-1").says("(hidden)");
    one.says("hashcart trace 'generic#").says("hashcart dlq redrive posts --id");
    let shown = world.call(&["dlq", "show", "commands", &crashed]).await.ok();
    shown.says("it crashed or ran out of time").says("/aws/lambda/hashcart-local-cart-add");
    for said in [&all, &posts, &json, &feedback, &one, &shown] {
        for personal in PERSONAL {
            said.hides(personal);
        }
    }
    world.call(&["dlq", "show", "posts", id, "--text"]).await.ok().says("secret wish").says("alice");
    let entries = listed["messages"].as_array().unwrap();
    let bad = entries.iter().find(|entry| entry["reason"].as_str().unwrap().contains("syntax")).unwrap();
    let bad = bad["id"].as_str().unwrap();
    world.call(&["dlq", "show", "posts", bad]).await.ok().says("drop posts --id").hides("alice");
    world.call(&["dlq", "show", "posts", bad, "--text"]).await.ok().says("alice said no JSON");

    assert_eq!(world.counts("posts-dead").await, (27, 0));
    assert_eq!(world.counts("commands-dead").await, (1, 0));
    assert_eq!(world.counts("feedback-dead").await, (1, 0));
}

#[tokio::test]
async fn what_somebody_else_looks_at_is_not_taken_for_nothing() {
    let world = World::new().await;
    world.call(&["dlq", "list"]).await.ok().says("Nothing is stuck.");
    let id = world.dead_letter("outcomes", &post("1"), "why", "permanent").await;
    let url = world.url("outcomes-dead").await;
    let seen = world.sqs.receive_message().queue_url(&url).visibility_timeout(60).send().await.unwrap();
    assert_eq!(seen.messages.unwrap().len(), 1);
    world
        .call(&["dlq", "list"])
        .await
        .ok()
        .says("could not be looked at: ask again in a minute")
        .hides("Nothing is stuck");
    world.call(&["dlq", "list", "outcomes"]).await.ok().says("(0 waiting, 1 in flight, says SQS)");
    let shown = world.call(&["dlq", "show", "outcomes", &id]).await;
    assert_eq!(shown.code, Some(1));
    shown.says("is hidden for a minute at most");
}

/// Lets a message of a queue fail as a crashing function does: received five times, never deleted.
async fn crash(world: &World, queue: &str) -> String {
    let url = world.url(queue).await;
    let body = post("crashed");
    let id = world
        .sqs
        .send_message()
        .queue_url(&url)
        .message_body(&body)
        .send()
        .await
        .unwrap()
        .message_id
        .unwrap();
    for _ in 0..6 {
        world.sqs.receive_message().queue_url(&url).visibility_timeout(0).send().await.unwrap();
    }
    id
}

#[tokio::test]
async fn an_interrupted_look_gives_everything_back() {
    let world = World::new().await;
    for index in 0..15 {
        world.dead_letter("outcomes", &post(&index.to_string()), "why", "permanent").await;
    }
    // The second answer comes when the signal has been heard.
    let proxy = Proxy::new(&world, |action, number| match (action, number) {
        ("ReceiveMessage", 2) => Fate::Wait,
        _ => Fate::Pass,
    });
    let proxy = proxy.await;
    let mut child = world.start(&proxy.endpoint, &["dlq", "list", "outcomes"]);
    proxy.wait_for("ReceiveMessage", 2).await;
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().unwrap().to_string()]).status();
    assert!(kill.unwrap().success());
    let mut complaints = BufReader::new(child.stderr.take().unwrap()).lines();
    let heard = complaints.next_line().await.unwrap();
    assert_eq!(heard.as_deref(), Some("Stopping in order; once more stops at once."));
    proxy.open();
    let said = said(child.wait_with_output().await.unwrap());
    assert_eq!(said.code, Some(130), "{said:?}");
    assert_eq!(world.counts("outcomes-dead").await, (15, 0));
}

#[tokio::test]
async fn a_message_travels_on_as_it_was() {
    let world = World::new().await;
    let body = post("1");
    let trace = MessageSystemAttributeValue::builder()
        .data_type("String")
        .string_value("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1");
    let binary =
        MessageAttributeValue::builder().data_type("Binary.raw").binary_value(Blob::new([0, 255, 7]));
    let sent = world
        .sqs
        .send_message()
        .queue_url(world.url("commands-dead").await)
        .message_body(&body)
        .message_group_id("keyed-hash")
        .message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, trace.build().unwrap())
        .message_attributes("reason", text("no such table"))
        .message_attributes("function", text("cart-add"))
        .message_attributes("kind", text("permanent"))
        .message_attributes("tenant", text("acme"))
        .message_attributes("raw", binary.build().unwrap());
    let id = sent.send().await.unwrap().message_id.unwrap();
    world.dead_letter("commands", &post("2"), "no such table", "permanent").await;

    let said = world.call(&["dlq", "redrive", "commands", "--id", &id[..8], "--yes"]).await.ok();
    said.says("1 message sent to commands of the stage local")
        .says("Still in the dead-letter queue: about 1 message.");
    let arrived = world.drain("commands").await;
    assert_eq!(arrived.len(), 1);
    let arrived = &arrived[0];
    assert_eq!(arrived.body.as_deref(), Some(body.as_str()));
    let system = arrived.attributes.as_ref().unwrap();
    assert_eq!(system[&MessageSystemAttributeName::MessageGroupId], "keyed-hash");
    assert_eq!(
        system[&MessageSystemAttributeName::AwsTraceHeader],
        "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
    );
    let attributes = arrived.message_attributes.as_ref().unwrap();
    assert_eq!(
        attributes.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        BTreeSet::from(["raw", "tenant"])
    );
    assert_eq!(attributes["tenant"].string_value(), Some("acme"));
    assert_eq!(attributes["raw"].binary_value().map(Blob::as_ref), Some(&[0, 255, 7][..]));
    assert_eq!(attributes["raw"].data_type(), "Binary.raw");
    assert_eq!(world.counts("commands-dead").await, (1, 0));
}

#[tokio::test]
async fn only_what_is_chosen_goes() {
    let world = World::new().await;
    world.dead_letter("posts", &post("1"), "The table is throttled", "exhausted").await;
    world.dead_letter("posts", &post("2"), "no marketplace `fr`", "permanent").await;
    world.dead_letter("posts", &post("3"), "no marketplace `es`", "permanent").await;
    let bad = world.dead_letter("posts", "{", "cannot be decoded at `.` (eof)", "permanent").await;

    // Refused before anything is looked at or done.
    for (args, message) in [
        (vec!["redrive", "posts"], "which messages? Say --id, --reason"),
        (vec!["redrive", "post", "--all"], "posts, commands, outcomes, feedback"),
        (vec!["list", "mails"], "posts, commands, outcomes, feedback"),
        (vec!["redrive", "posts", "--id", "abc", "--yes"], "too short"),
        (vec!["redrive", "posts", "--id", "zzzzzzzz", "--yes"], "no message whose id starts with `zzzzzzzz`"),
        (vec!["redrive", "posts", "--all", "--rate", "0"], "from 1 to 10000"),
        (vec!["redrive", "posts", "--all"], "nobody is there to ask: say --yes"),
        (vec!["drop", "posts", "--all", "--no-save", "--yes"], "cannot be used with"),
        (vec!["drop", "posts", "--reason", "e", "--save", "/nowhere/x", "--yes"], "nothing was dropped"),
    ] {
        let said = world.call(&[&["dlq"], &args[..]].concat()).await;
        assert_ne!(said.code, Some(0), "{args:?}");
        said.says(message);
    }
    let nowhere = world.call(&["dlq", "list", "posts", "--stage", "nowhere"]).await;
    nowhere.says("https");

    let dry = world.call(&["dlq", "redrive", "posts", "--all", "--dry-run"]).await.ok();
    dry.says("3 messages chosen, to go to posts")
        .says("1 that can't be decoded left there")
        .says("Dry run: nothing was changed");
    let dry = world.call(&["dlq", "drop", "posts", "--kind", "permanent", "--dry-run"]).await.ok();
    dry.says("3 messages chosen, to go out of the dead-letter queue");
    assert_eq!(world.counts("posts-dead").await, (4, 0));
    assert_eq!(world.counts("posts").await, (0, 0));
    assert_eq!(std::fs::read_dir(world.folder.path()).unwrap().count(), 0, "a dry run wrote a file");

    world
        .call(&["dlq", "redrive", "posts", "--reason", "THROTTLED", "--yes"])
        .await
        .ok()
        .says("1 message sent");
    assert_eq!(world.bodies("posts").await, [post("1")]);
    let both = ["dlq", "redrive", "posts", "--kind", "permanent", "--post", "generic#3", "--yes"];
    world.call(&both).await.ok().says("1 message sent");
    assert_eq!(world.bodies("posts").await, [post("3")]);
    world
        .call(&["dlq", "redrive", "posts", "--kind", "permanent", "--yes"])
        .await
        .ok()
        .says("1 message sent");
    assert_eq!(world.bodies("posts").await, [post("2")]);
    world.call(&["dlq", "redrive", "posts", "--all", "--yes"]).await.ok().says("0 messages sent");
    world.call(&["dlq", "redrive", "posts", "--id", &bad, "--yes"]).await.ok().says("1 message sent");
    assert_eq!(world.bodies("posts").await, ["{"]);
    world.dead_letter("posts", "[", "cannot be decoded", "permanent").await;
    world.call(&["dlq", "redrive", "posts", "--undecodable", "--yes"]).await.ok().says("1 message sent");
    assert_eq!(world.counts("posts-dead").await, (0, 0));
}

#[tokio::test]
async fn a_rate_is_kept() {
    let world = World::new().await;
    for index in 0..30 {
        world.dead_letter("commands", &post(&index.to_string()), "why", "permanent").await;
    }
    let begun = Instant::now();
    let said = world.call(&["dlq", "redrive", "commands", "--all", "--yes", "--rate", "10/s"]).await.ok();
    assert!(begun.elapsed() >= Duration::from_secs(3), "30 messages took {:?}", begun.elapsed());
    said.says("30 messages sent");
    assert_eq!(world.counts("commands-dead").await, (0, 0));
    assert_eq!(world.bodies("commands").await.into_iter().collect::<BTreeSet<_>>().len(), 30);
}

#[tokio::test]
async fn what_can_not_be_sent_or_deleted_stays() {
    let world = World::new().await;
    for index in 0..25 {
        world.dead_letter("commands", &post(&index.to_string()), "why", "permanent").await;
    }
    let redrive = ["dlq", "redrive", "commands", "--all", "--yes", "--rate", "1000"];
    let unsent = Proxy::new(&world, |action, number| match (action, number) {
        ("SendMessage", 11..=20) => Fate::Refuse,
        _ => Fate::Pass,
    });
    let said = world.call_through(&unsent.await.endpoint, &redrive).await;
    assert_eq!(said.code, Some(1));
    said.says("15 messages sent").says("10 messages left there: ").says("not allowed");
    said.says("10 messages could not be sent");
    assert_eq!(world.counts("commands-dead").await, (10, 0));
    assert_eq!(world.counts("commands").await.0, 15);

    let undeleted = Proxy::new(&world, |action, _| match action {
        "DeleteMessageBatch" => Fate::Refuse,
        _ => Fate::Pass,
    });
    let said = world.call_through(&undeleted.await.endpoint, &redrive).await;
    assert_eq!(said.code, Some(1));
    said.says("10 messages sent").says("the next redrive sends them again");
    assert_eq!(world.counts("commands-dead").await, (10, 0));

    world.call(&redrive).await.ok().says("10 messages sent");
    assert_eq!(world.counts("commands-dead").await, (0, 0));
    let bodies = world.bodies("commands").await;
    assert_eq!(bodies.len(), 35, "ten of them twice");
    assert_eq!(bodies.into_iter().collect::<BTreeSet<_>>().len(), 25);
}

#[tokio::test]
async fn a_crash_between_sending_and_deleting_loses_nothing() {
    let world = World::new().await;
    for index in 0..25 {
        world.dead_letter("outcomes", &post(&index.to_string()), "why", "permanent").await;
    }
    let redrive = ["dlq", "redrive", "outcomes", "--all", "--yes", "--rate", "1000"];
    // The first batch is deleted; the second is sent, and then the program dies.
    let proxy = Proxy::new(&world, |action, number| match (action, number) {
        ("SendMessage", 11..=20) => Fate::Hang,
        _ => Fate::Pass,
    });
    let proxy = proxy.await;
    let mut child = world.start(&proxy.endpoint, &redrive);
    support::eventually(async || world.counts("outcomes").await.0 == 20).await;
    child.kill().await.unwrap();
    let (visible, hidden) = world.counts("outcomes-dead").await;
    assert_eq!(visible + hidden, 15);

    // What the dead program held is visible again after a minute; the test doesn't wait for that.
    let url = world.url("outcomes-dead").await;
    let receipts: Vec<String> = proxy.receipts.lock().unwrap().values().cloned().collect();
    for receipt in receipts {
        let request = world.sqs.change_message_visibility().queue_url(&url).receipt_handle(receipt);
        let _ = request.visibility_timeout(0).send().await;
    }
    world.call(&redrive).await.ok().says("15 messages sent");
    assert_eq!(world.counts("outcomes-dead").await, (0, 0));
    let bodies = world.bodies("outcomes").await;
    assert_eq!(bodies.len(), 35, "ten of them twice");
    assert_eq!(bodies.into_iter().collect::<BTreeSet<_>>().len(), 25);
}

#[tokio::test]
async fn what_is_dropped_is_in_a_file_first_and_can_be_sent_again() {
    let world = World::new().await;
    for index in 0..12 {
        world.dead_letter("posts", &post(&index.to_string()), "no marketplace `fr`", "permanent").await;
    }
    world.dead_letter("posts", "not JSON", "cannot be decoded", "permanent").await;
    world.dead_letter("posts", &post("keep"), "throttled", "exhausted").await;
    let drop = ["dlq", "drop", "posts", "--kind", "permanent", "--save", "dropped.jsonl", "--yes"];
    // Deleting fails: the file holds everything, and nothing is gone.
    let proxy = Proxy::new(&world, |action, _| match action {
        "DeleteMessageBatch" => Fate::Refuse,
        _ => Fate::Pass,
    });
    let said = world.call_through(&proxy.await.endpoint, &drop).await;
    assert_eq!(said.code, Some(1));
    said.says("0 messages taken out").says("13 messages could not be taken out");
    assert_eq!(world.counts("posts-dead").await, (14, 0));
    let file = world.folder.path().join("dropped.jsonl");
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 13);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::remove_file(&file).unwrap();

    world.call(&drop).await.ok().says("13 messages taken out, and saved to dropped.jsonl").hides("alice");
    assert_eq!(world.counts("posts-dead").await, (1, 0));
    let again = ["dlq", "redrive", "--from-file", "dropped.jsonl", "--yes"];
    let other = world.call(&[&again[..], &["--stage", "prod"]].concat()).await;
    assert_ne!(other.code, Some(0));
    other.says("say --stage local");
    world.call(&[&again[..4], &["--dry-run"]].concat()).await.ok().says("12 messages would be sent to posts");
    assert_eq!(world.counts("posts").await, (0, 0));
    world
        .call(&again)
        .await
        .ok()
        .says("12 messages sent to posts")
        .says("1 message of dropped.jsonl left out");
    let arrived = world.drain("posts").await;
    assert!(arrived.iter().all(|message| message.message_attributes.is_none()), "{arrived:?}");
    let groups = arrived
        .iter()
        .map(|m| m.attributes.as_ref().unwrap()[&MessageSystemAttributeName::MessageGroupId].clone());
    assert_eq!(groups.collect::<BTreeSet<_>>(), BTreeSet::from(["group-1".to_owned()]));
    let bodies: BTreeSet<String> = arrived.into_iter().map(|message| message.body.unwrap()).collect();
    assert_eq!(bodies, (0..12).map(|index| post(&index.to_string())).collect());

    std::fs::write(world.folder.path().join("bad.jsonl"), "{\"alice\":1}\n").unwrap();
    let bad = world.call(&["dlq", "redrive", "--from-file", "bad.jsonl", "--yes"]).await;
    assert_eq!(bad.code, Some(1));
    bad.says("line 1 of bad.jsonl is no message").hides("alice");

    world.call(&["dlq", "drop", "posts", "--post", "generic#keep", "--no-save", "--yes"]).await.ok();
    assert_eq!(world.counts("posts-dead").await, (0, 0));
    assert_eq!(std::fs::read_dir(world.folder.path()).unwrap().count(), 2);
}
