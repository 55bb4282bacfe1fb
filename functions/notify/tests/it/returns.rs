//! Bounces and complaints end the mails.

use serde_json::json;
use store::carts::SuppressionReason;

use crate::world::{Ended, World, added};

fn bounce(address: &str) -> String {
    json!({
        "eventType": "Bounce",
        "bounce": {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": address}]},
    })
    .to_string()
}

#[tokio::test]
async fn a_bounce_ends_the_mails_and_not_the_replies() {
    let world = World::new().await;
    let customer = world.link("alice@example.com").await;
    for unknown in
        [bounce("nobody@example.com"), bounce("alice@example.com").replace("Permanent", "Transient")]
    {
        assert_eq!(world.deliver_body("Feedback", &unknown, 1).await, Ended::Done);
    }
    world.deliver(&added("1", &customer)).await;
    assert_eq!(world.mailroom.count(), 1);

    assert_eq!(world.deliver_body("Feedback", &bounce("Alice@Example.com"), 1).await, Ended::Done);
    let suppressed = world.carts.read(&customer).await.unwrap().suppressed.unwrap();
    assert_eq!(suppressed.reason, SuppressionReason::Bounce);
    world.deliver(&added("2", &customer)).await;
    assert_eq!((world.network.received().len(), world.mailroom.count()), (2, 1));
}

#[tokio::test]
async fn a_complaint_in_an_sns_notification_ends_the_mails() {
    let world = World::new().await;
    let customer = world.link("alice@example.com").await;
    let complaint = json!({
        "notificationType": "Complaint",
        "complaint": {"complainedRecipients": [{"emailAddress": "alice@example.com"}]},
    });
    let wrapped = json!({"Type": "Notification", "Message": complaint.to_string()}).to_string();
    assert_eq!(world.deliver_body("Feedback", &wrapped, 1).await, Ended::Done);
    let suppressed = world.carts.read(&customer).await.unwrap().suppressed.unwrap();
    assert_eq!(suppressed.reason, SuppressionReason::Complaint);
}

#[tokio::test]
async fn a_broken_report_is_dead_lettered_without_its_address_in_the_reason() {
    let world = World::new().await;
    let broken = bounce("alice@example.com").replace("bounceType", "type");
    assert_eq!(world.deliver_body("Feedback", &broken, 1).await, Ended::Done);
    let dead = world.dead_letters("Feedback").await;
    assert!(dead[0]["reason"].contains("bounce") && !dead[0]["reason"].contains("alice"), "{dead:?}");
}
