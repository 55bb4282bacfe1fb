//! One post, one reply, one mail: under repetition, crashes, faults, pauses and wishes for silence.

use std::time::Duration;

use axum::http::StatusCode;
use domain::command::{CommandKey, Stamp};
use domain::outcome::Outcome;
use mail_parser::MessageParser;
use store::carts::{Preferences, SuppressionReason};
use store::settings::Pause;

use crate::wire::Fault;
use crate::world::{Ended, World, added, alice, outcomes};

const LEASE: Duration = Duration::from_secs(45);

#[tokio::test]
async fn a_post_is_answered_by_one_reply_and_one_mail_however_often_it_comes() {
    let world = World::new().await;
    let customer = world.link("alice@example.com").await;
    let post = added("1", &customer);
    assert_eq!(world.deliver(&post).await, Ended::Done);
    assert_eq!(world.deliver(&post).await, Ended::Done);
    let received = world.network.received();
    assert_eq!(received.len(), 1);
    assert!(received[0].text.starts_with("@alice ") && received[0].text.contains("Blue Mug"), "{received:?}");
    assert!(!received[0].text.contains("19"), "{received:?}");

    let sent = world.mailroom.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].to, "alice@example.com");
    let mail = MessageParser::default().parse(&sent[0].raw).unwrap();
    assert!(mail.subject().unwrap().contains("Blue Mug"));
    assert!(mail.body_text(0).unwrap().contains("$19.99"));
    let unsubscribe = world.mail_header(0, "List-Unsubscribe");
    let token = unsubscribe.trim_end_matches('>').rsplit_once("token=").unwrap().1.to_owned();
    assert!(unsubscribe.starts_with("<http://127.0.0.1:8787/cart/unsubscribe?token="), "{unsubscribe}");
    assert_eq!(world.signer().read::<String>("unsubscribe", &token, world.now()).unwrap(), customer.as_str());
}

#[tokio::test]
async fn two_deliveries_at_once_answer_once() {
    let world = World::new().await;
    let customer = world.link("alice@example.com").await;
    let post = added("1", &customer);
    let (one, other) = futures::future::join(world.deliver(&post), world.deliver(&post)).await;
    assert!(one == Ended::Done || other == Ended::Done);
    world.wait(LEASE);
    assert_eq!(world.deliver(&post).await, Ended::Done);
    assert_eq!((world.network.received().len(), world.mailroom.count()), (1, 1));
}

#[tokio::test]
async fn a_try_that_dies_is_taken_over_when_its_lease_lapses() {
    let world = World::new().await;
    let customer = world.link("alice@example.com").await;
    let post = added("1", &customer);
    world.network.hangs(true);
    // The reply is out, its answer never comes, and the process dies.
    tokio::select! {
        ended = world.deliver(&post) => panic!("{ended:?}"),
        () = world.network.arrival() => {}
    }
    world.network.hangs(false);
    assert_eq!(world.deliver(&post).await, Ended::Again(1), "the dead try still holds the claim");
    assert_eq!(world.network.received().len(), 1);

    world.wait(LEASE);
    assert_eq!(world.deliver(&post).await, Ended::Done);
    let received = world.network.received();
    assert_eq!((received.len(), world.network.replies()), (2, 1), "one reply by its id");
    assert_eq!(received[0], received[1], "the same text under the same id");
    assert!(world.mailroom.count() >= 1, "mail is at least once");

    world.wait(LEASE);
    assert_eq!(world.deliver(&post).await, Ended::Done);
    assert_eq!(world.network.received().len(), 2);
}

#[tokio::test]
async fn a_throttled_mail_is_repeated_alone() {
    let world = World::new().await;
    let customer = world.link("alice@example.com").await;
    let post = added("1", &customer);
    world.mailroom.fails_with([Fault::Throttled]);
    assert_eq!(world.deliver(&post).await, Ended::Again(1));
    assert_eq!((world.network.received().len(), world.mailroom.count()), (1, 0));
    assert_eq!(world.deliver_again(&post, 2).await, Ended::Done);
    assert_eq!((world.network.received().len(), world.mailroom.count()), (1, 1));
}

#[tokio::test]
async fn a_mail_whose_answer_is_lost_may_come_twice_and_the_reply_does_not() {
    let world = World::new().await;
    let customer = world.link("alice@example.com").await;
    let post = added("1", &customer);
    world.mailroom.fails_with([Fault::AnswerLost]);
    assert_eq!(world.deliver(&post).await, Ended::Again(1));
    assert_eq!(world.mailroom.count(), 1, "the SDK must not repeat it by itself");
    assert_eq!(world.deliver_again(&post, 2).await, Ended::Done);
    assert_eq!((world.network.received().len(), world.mailroom.count()), (1, 2));
    assert_eq!(world.mail_header(0, "Message-ID"), world.mail_header(1, "Message-ID"));
}

#[tokio::test]
async fn a_mail_refused_for_good_is_dead_lettered_and_can_be_sent_later() {
    let world = World::new().await;
    let customer = world.link("alice@example.com").await;
    let post = added("1", &customer);
    world.mailroom.fails_with([Fault::Rejected]);
    assert_eq!(world.deliver(&post).await, Ended::Done);
    let dead = world.dead_letters("Outcomes").await;
    assert_eq!(dead[0]["function"], "notify");
    assert!(dead[0]["reason"].contains("mail") && !dead[0]["reason"].contains("alice"), "{dead:?}");
    // The operator has mended it and sends the message again.
    assert_eq!(world.deliver(&post).await, Ended::Done);
    assert_eq!((world.network.received().len(), world.mailroom.count()), (1, 1));
}

#[tokio::test]
async fn a_network_that_fails_gets_the_same_reply_again_and_the_mail_goes_once() {
    let world = World::new().await;
    let customer = world.link("alice@example.com").await;
    let post = added("1", &customer);
    world.network.answers(Some(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(world.deliver(&post).await, Ended::Again(1));
    world.network.answers(None);
    assert_eq!(world.deliver_again(&post, 2).await, Ended::Done);
    assert_eq!((world.network.replies(), world.mailroom.count()), (1, 1));
}

#[tokio::test]
async fn a_reply_to_a_post_that_is_gone_is_given_up_and_the_mail_still_goes() {
    let world = World::new().await;
    let customer = world.link("alice@example.com").await;
    let post = added("1", &customer);
    world.network.answers(Some(StatusCode::GONE));
    assert_eq!(world.deliver(&post).await, Ended::Done);
    world.network.answers(None);
    assert_eq!(world.deliver(&post).await, Ended::Done);
    assert_eq!((world.network.received().len(), world.mailroom.count()), (1, 1));
    assert_eq!(world.dead_letters("Outcomes").await.len(), 0);
}

#[tokio::test]
async fn a_throttle_that_outlasts_the_tries_waits_instead_of_dying() {
    let world = World::new().await;
    let customer = world.link("alice@example.com").await;
    let post = added("1", &customer);
    world.mailroom.fails_with([Fault::Throttled, Fault::Throttled]);
    assert_eq!(world.deliver_again(&post, 4).await, Ended::Again(1));
    assert_eq!(world.deliver_again(&post, 5).await, Ended::Done);
    assert_eq!((world.held().await, world.dead_letters("Outcomes").await.len()), (1, 0));
    assert_eq!(world.deliver(&post).await, Ended::Done);
    assert_eq!((world.network.received().len(), world.mailroom.count()), (1, 1));
}

#[tokio::test]
async fn a_paused_network_holds_everything_back_and_loses_nothing() {
    let world = World::new().await;
    let customer = world.link("alice@example.com").await;
    let post = added("1", &customer);
    world.pause(Pause { all: true, ..Pause::default() }).await;
    assert_eq!(world.deliver_again(&post, 5).await, Ended::Done);
    assert_eq!((world.network.received().len(), world.mailroom.count(), world.held().await), (0, 0, 1));
    world.pause(Pause::default()).await;
    assert_eq!(world.deliver(&post).await, Ended::Done);
    assert_eq!((world.network.received().len(), world.mailroom.count(), world.held().await), (1, 1, 1));
}

#[tokio::test]
async fn a_paused_channel_holds_back_itself_alone() {
    let world = World::new().await;
    let customer = world.link("alice@example.com").await;
    let post = added("1", &customer);
    world.pause(Pause { reply: true, ..Pause::default() }).await;
    assert_eq!(world.deliver(&post).await, Ended::Done);
    assert_eq!((world.network.received().len(), world.mailroom.count(), world.held().await), (0, 1, 1));
    world.pause(Pause { mail: true, ..Pause::default() }).await;
    assert_eq!(world.deliver(&post).await, Ended::Done);
    assert_eq!((world.network.received().len(), world.mailroom.count()), (1, 1));
}

#[tokio::test]
async fn what_is_held_back_outlasts_a_mail_refused_for_good() {
    let world = World::new().await;
    let customer = world.link("alice@example.com").await;
    let post = added("1", &customer);
    world.pause(Pause { reply: true, ..Pause::default() }).await;
    world.mailroom.fails_with([Fault::Rejected]);
    assert_eq!(world.deliver(&post).await, Ended::Done);
    assert_eq!((world.held().await, world.dead_letters("Outcomes").await.len()), (1, 0));
    world.pause(Pause::default()).await;
    world.mailroom.fails_with([Fault::Rejected]);
    assert_eq!(world.deliver(&post).await, Ended::Done);
    assert_eq!((world.network.received().len(), world.dead_letters("Outcomes").await.len()), (1, 1));
}

fn stamp(world: &World) -> Stamp {
    let key = CommandKey { network: "square".into(), post: "stop".into(), line: 1, step: 0 };
    Stamp::new(world.now(), &key)
}

#[tokio::test]
async fn stop_silences_who_never_linked() {
    let world = World::new().await;
    world.links.set_stop(&alice(), true, &stamp(&world)).await.unwrap();
    for outcome in [Outcome::Stopped, Outcome::Helped, Outcome::NotLinked, Outcome::UnknownProduct] {
        let name = outcome.name();
        assert_eq!(world.deliver(&outcomes(name, None, outcome)).await, Ended::Done);
    }
    assert_eq!((world.network.received().len(), world.mailroom.count()), (0, 0));
}

#[tokio::test]
async fn stop_of_a_linked_shopper_is_confirmed_by_one_last_mail() {
    let world = World::new().await;
    let customer = world.link("alice@example.com").await;
    world.links.set_stop(&alice(), true, &stamp(&world)).await.unwrap();
    assert_eq!(world.deliver(&outcomes("1", Some(&customer), Outcome::Stopped)).await, Ended::Done);
    assert_eq!(world.deliver(&added("2", &customer)).await, Ended::Done);
    assert_eq!((world.network.received().len(), world.mailroom.count()), (0, 1));
}

#[tokio::test]
async fn the_prompt_to_link_comes_once_a_week() {
    let world = World::new().await;
    for (post, replies) in [("1", 1), ("1", 1), ("2", 1)] {
        assert_eq!(world.deliver(&outcomes(post, None, Outcome::NotLinked)).await, Ended::Done);
        assert_eq!(world.network.received().len(), replies);
    }
    assert!(world.network.received()[0].text.contains("http://127.0.0.1:8787/link"));
    world.wait(Duration::from_secs(7 * 24 * 3600));
    assert_eq!(world.deliver(&outcomes("3", None, Outcome::NotLinked)).await, Ended::Done);
    assert_eq!(world.network.received().len(), 2);
    assert_eq!(world.mailroom.count(), 0);
}

#[tokio::test]
async fn wishes_of_the_shopper_are_kept() {
    let world = World::new().await;
    let customer = world.link("alice@example.com").await;
    let set = |replies, mails| Preferences { replies: Some(replies), mails: Some(mails), lang: None };
    world.carts.set_preferences(&customer, &set(false, true)).await.unwrap();
    world.deliver(&added("1", &customer)).await;
    assert_eq!((world.network.received().len(), world.mailroom.count()), (0, 1));
    world.carts.set_preferences(&customer, &set(true, false)).await.unwrap();
    world.deliver(&added("2", &customer)).await;
    assert_eq!((world.network.received().len(), world.mailroom.count()), (1, 1));
    world.carts.set_preferences(&customer, &set(true, true)).await.unwrap();
    world.carts.suppress(&customer, SuppressionReason::Unsubscribed, world.now()).await.unwrap();
    world.deliver(&added("3", &customer)).await;
    assert_eq!((world.network.received().len(), world.mailroom.count()), (2, 1));
}

#[tokio::test]
async fn a_later_step_of_a_post_is_told_by_mail_alone() {
    let world = World::new().await;
    let customer = world.link("alice@example.com").await;
    let mut post = added("1", &customer);
    post.step = 1;
    assert_eq!(world.deliver(&post).await, Ended::Done);
    assert_eq!((world.network.received().len(), world.mailroom.count()), (0, 1));
}

#[tokio::test]
async fn on_x_a_reply_needs_a_mention_and_holds_no_address() {
    let world = World::new().await;
    let customer = world.link("alice@example.com").await;
    let mut post = added("1001", &customer);
    post.post.network = "x".into();
    post.post.mentions_us = false;
    assert_eq!(world.deliver(&post).await, Ended::Done);
    assert_eq!((world.network.received().len(), world.mailroom.count()), (0, 1));

    let mut stranger = outcomes("1002", None, Outcome::NotLinked);
    stranger.post.network = "x".into();
    assert_eq!(world.deliver(&stranger).await, Ended::Done);
    let received = world.network.received();
    assert_eq!(received.len(), 1);
    assert!(!received[0].text.contains("://") && received[0].text.contains("profile"), "{received:?}");
}

#[tokio::test]
async fn our_own_page_and_shops_are_told_nothing() {
    let world = World::new().await;
    let customer = world.link("alice@example.com").await;
    for network in ["page", "shop"] {
        let mut edit = added("1", &customer);
        edit.post.network = network.into();
        assert_eq!(world.deliver(&edit).await, Ended::Done);
    }
    assert_eq!((world.network.received().len(), world.mailroom.count()), (0, 0));
}

#[tokio::test]
async fn a_foreign_message_is_dead_lettered() {
    let world = World::new().await;
    assert_eq!(world.deliver_body("Outcomes", "{\"v\":1}", 1).await, Ended::Done);
    let dead = world.dead_letters("Outcomes").await;
    assert_eq!((dead.len(), dead[0]["kind"].as_str()), (1, "permanent"));
}
