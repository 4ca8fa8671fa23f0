//! Endpoints that fail, hang, redirect or are gone.

use std::time::Duration;

use queue::JobKind;
use serde_json::{Value, json};
use tests::app::Mode;
use tests::in_both_modes;
use tests::poll::wait_until;
use tests::servers::{Receiver, Reply};

use super::owners::{
    Subscriber, accepted, all_are, deliveries, open_to_this_machine, path, text, webhook,
};
use super::receiving::ids;

/// How long a turn may take to end.
const PATIENCE: Duration = Duration::from_secs(90);

#[in_both_modes]
async fn what_failed_is_attempted_again_under_the_same_id(mode: Mode) {
    let her = Subscriber::to(&["document.activated"], mode).await;
    her.receiver
        .replies(Reply::With(500, None, "x".repeat(5_000)));
    her.alice.active("a.txt", "a").await;
    let failed = her.attempted().await;
    let attempt = &failed["attempts"][0];
    assert_eq!(failed["status"], "pending");
    assert_eq!(attempt["status_code"], 500);
    assert_eq!(text(&attempt["answer"]).len(), 1024);
    assert!(failed["next_attempt_at"].is_string(), "{failed}");
    let read = her.reads().await;
    assert!(
        read["last_failure_at"].is_string() && read["last_success_at"].is_null(),
        "{read}"
    );
    her.receiver.replies(Reply::status(200));
    let is_done = |all: &[Value]| all_are(all, "delivered");
    let done = her.attempted_until("", is_done).await;
    let ids = ids(&her.receiver.received());
    assert!(
        ids.len() >= 2 && ids.iter().all(|id| *id == text(&done[0]["id"])),
        "{ids:?}"
    );
    let read = her.reads().await;
    assert!(read["last_success_at"].is_string(), "{read}");
    her.app.ends_clean().await;
}

#[in_both_modes]
async fn after_ten_attempts_a_delivery_has_failed(mode: Mode) {
    let her = Subscriber::to(&["document.activated"], mode).await;
    her.receiver.replies(Reply::status(503));
    her.alice.active("a.txt", "a").await;
    her.attempted().await;
    // The ninth attempt has failed.
    let ninth = "UPDATE webhook_deliveries SET tries = 9 WHERE status = 'pending'";
    let is_over = |all: &[Value]| all_are(all, "failed");
    let failed = her.attempted_until(ninth, is_over).await;
    assert_eq!(failed[0]["next_attempt_at"], json!(null));
    // Nothing is pending, so nothing more fails.
    let failing = "SELECT count(*) FROM webhooks WHERE failing_since IS NOT NULL";
    let is_over = async || her.app.number(failing).await == 0;
    wait_until(PATIENCE, "an end of the failure", is_over).await;
    let of_status = her.path("/deliveries?status=failed");
    let of_status = her.alice.get(&of_status).await.expecting(200);
    assert_eq!(of_status["items"], json!(failed));
    let retry = her.path(&format!("/deliveries/{}/retry", text(&failed[0]["id"])));
    her.receiver.replies(Reply::status(204));
    let pending = accepted(&her.alice, &retry, &json!({})).await;
    assert_eq!(
        (&pending["status"], &pending["id"]),
        (&json!("pending"), &failed[0]["id"])
    );
    her.delivered(1).await;
    her.app.ends_clean().await;
}

#[in_both_modes]
async fn a_redirect_is_a_failure_and_not_followed(mode: Mode) {
    let her = Subscriber::to(&["document.activated"], mode).await;
    let elsewhere = Receiver::start();
    let location = Some(("location", elsewhere.url("/inside")));
    her.receiver
        .replies(Reply::With(308, location, String::new()));
    her.alice.active("a.txt", "a").await;
    let tried = her.attempted().await;
    assert_eq!(tried["attempts"][0]["status_code"], 308);
    assert_eq!(tried["status"], "pending");
    assert!(elsewhere.received().is_empty());
    her.leaves().await;
}

#[in_both_modes]
async fn an_endpoint_that_is_gone_or_fails_for_days_is_disabled(mode: Mode) {
    let her = Subscriber::to(&["document.activated"], mode).await;
    her.receiver.replies(Reply::status(410));
    her.alice.active("a.txt", "a").await;
    let told = |all: &[Value]| {
        let is_told = |one: &&Value| one["type"] == "webhook.disabled";
        all.iter().filter(is_told).count()
    };
    let ended = her.deliveries(|all| told(all) == 1).await;
    assert!(ended.len() == 2 && all_are(&ended, "failed"), "{ended:?}");
    let read = her.reads().await;
    assert_eq!(
        (&read["status"], &read["disabled_reason"]),
        (&json!("disabled"), &json!("gone"))
    );
    let refused = her.alice.post_json(&her.path("/test"), &json!({})).await;
    refused.answer().expect_problem(409, "illegal_transition");
    // What happens meanwhile isn't told later.
    her.alice.active("b.txt", "b").await;
    let enabled = her.changes(&json!({"status": "enabled"})).await;
    assert_eq!(enabled["disabled_reason"], json!(null));
    her.receiver.replies(Reply::status(500));
    her.tests().await;
    let tried = |all: &[Value]| all[0]["type"] == "webhook.test" && all[0]["attempts"] != json!([]);
    assert_eq!(her.deliveries(tried).await.len(), 3);
    // Five days later.
    let days = "UPDATE webhooks SET failing_since = 1";
    her.attempted_until(days, |all| told(all) == 2).await;
    assert_eq!(her.reads().await["disabled_reason"], "failing");
    her.app.ends_clean().await;
}

#[in_both_modes]
async fn events_that_left_the_feed_before_they_were_followed_are_told_as_a_failure(mode: Mode) {
    let her = Subscriber::to(&["document.deleted"], mode).await;
    her.alice.active("a.txt", "a").await;
    // They are a year old.
    let year = "UPDATE events SET at = at - 31536000000000";
    her.app.tampers(year).await;
    her.app.works_off(JobKind::TrimEvents).await;
    // As if it had been full all the time.
    her.app.tampers("UPDATE webhooks SET position = 0").await;
    let is_told = |all: &[Value]| !all.is_empty() && all_are(all, "failed");
    let told = her.attempted_until("", is_told).await;
    assert_eq!(told.len(), 1, "once: {told:?}");
    assert_eq!(told[0]["type"], "webhook.events_expired");
    let attempt = &told[0]["attempts"][0];
    assert_eq!(attempt["error"], "the event is not kept any more");
    assert!(her.receiver.received().is_empty());
    her.app.ends_clean().await;
}

#[in_both_modes]
async fn a_failure_of_weeks_ago_disables_nothing(mode: Mode) {
    let her = Subscriber::to(&["document.activated"], mode).await;
    let admin = her.app.admin();
    her.receiver.replies(Reply::status(500));
    let queue = |what: &str| format!("/v1/admin/queues/deliver/{what}");
    let paused = admin.post_json(&queue("pause"), &json!({})).await;
    paused.expect_status(200).await;
    let weeks = "UPDATE webhooks SET failing_since = 1, last_failure_at = 1";
    her.app.tampers(weeks).await;
    her.tests().await;
    let resumed = admin.post_json(&queue("resume"), &json!({})).await;
    resumed.expect_status(200).await;
    assert_eq!(her.attempted().await["status"], "pending");
    assert_eq!(her.reads().await["status"], "enabled");
    her.leaves().await;
}

#[in_both_modes]
async fn deliveries_wait_for_a_secret_that_can_be_read(mode: Mode) {
    let her = Subscriber::to(&["document.activated"], mode).await;
    // As if the operator's key were another one.
    her.app.tampers("UPDATE webhooks SET secret = '00'").await;
    her.alice.active("a.txt", "a").await;
    let waiting = her.attempted().await;
    let error = text(&waiting["attempts"][0]["error"]);
    assert!(error.contains("rotate it"), "{error}");
    assert_eq!(waiting["status"], "pending");
    assert_eq!(her.reads().await["last_failure_at"], json!(null));
    let tries = "SELECT max(tries) FROM webhook_deliveries";
    assert_eq!(her.app.number(tries).await, 0);
    assert!(her.receiver.received().is_empty());
    her.rotates().await;
    her.delivered(1).await;
    her.app.ends_clean().await;
}

#[in_both_modes]
async fn an_endpoint_that_hangs_delays_nobody_else(mode: Mode) {
    let app = open_to_this_machine(mode).start().await;
    let (slow, quick) = (Receiver::start(), Receiver::start());
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    slow.replies(Reply::Nothing);
    let mut hooks = Vec::new();
    for _ in 0..10 {
        hooks.push(webhook(&alice, &slow, &["document.activated"]).await);
    }
    let hers = webhook(&alice, &quick, &["document.archived"]).await;
    let his = webhook(&bob, &quick, &["document.activated"]).await;
    alice.active("a.txt", "a").await;
    slow.receives(|all| !all.is_empty()).await;
    bob.active("b.txt", "b").await;
    deliveries(&bob, &his, |all| {
        all.len() == 1 && all_are(all, "delivered")
    })
    .await;
    // None of the slow ones has ended.
    for hook in &hooks {
        let pending = deliveries(&alice, hook, |all| all.len() <= 1).await;
        assert!(all_are(&pending, "pending"), "{pending:?}");
        alice.delete(&path(hook)).await.expecting(204);
    }
    alice.delete(&path(&hers)).await.expecting(204);
    app.ends_clean().await;
}

#[in_both_modes]
async fn an_attempt_under_way_is_recorded_though_its_webhook_was_disabled(mode: Mode) {
    for (status, becomes) in [(200, "delivered"), (500, "failed")] {
        let her = Subscriber::to(&["document.activated"], mode).await;
        her.receiver
            .replies(Reply::Late(Duration::from_secs(2), status));
        her.alice.active("a.txt", "a").await;
        her.receiver.receives(|all| !all.is_empty()).await;
        her.changes(&json!({"status": "disabled"})).await;
        let ended = her.attempted().await;
        assert_eq!(ended["status"], becomes, "{ended}");
        assert_eq!(ended["attempts"][0]["status_code"], status, "{ended}");
        assert_eq!(ended["attempts"].as_array().unwrap().len(), 1);
        assert_eq!(her.receiver.received().len(), 1);
        her.leaves().await;
    }
}

#[in_both_modes]
async fn a_pause_that_the_endpoint_asks_for_is_made(mode: Mode) {
    let her = Subscriber::to(&["document.activated"], mode).await;
    let asks = Some(("retry-after", "7200".to_owned()));
    her.receiver.replies(Reply::With(429, asks, String::new()));
    her.alice.active("a.txt", "a").await;
    let tried = her.attempted().await;
    let time = |value: &Value| domain::Timestamp::parse_rfc3339(text(value)).unwrap();
    let attempt = &tried["attempts"][0];
    let pause = time(&tried["next_attempt_at"]).since(time(&attempt["at"]));
    assert!(pause.as_secs() >= 7_200, "{pause:?}");
    her.leaves().await;
}
