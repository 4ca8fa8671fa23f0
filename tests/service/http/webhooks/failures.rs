//! Endpoints that fail, hang, redirect or are gone.

use std::time::Duration;

use queue::JobKind;
use serde_json::{Value, json};
use tests::app::Mode;
use tests::in_both_modes;
use tests::poll::wait_until;
use tests::servers::{Receiver, Reply};

use super::owners::{
    accepted, all_are, attempted_until, deliveries, open_to_this_machine, path, text, webhook,
};
use super::receiving::ids;

/// How long a turn may take to end.
const PATIENCE: Duration = Duration::from_secs(90);

#[in_both_modes]
async fn what_failed_is_attempted_again_under_the_same_id(mode: Mode) {
    let (app, receiver) = (open_to_this_machine(mode).start().await, Receiver::start());
    let alice = app.user("alice").await;
    let hook = webhook(&alice, &receiver, &["document.activated"]).await;
    let refusal = Reply::With(500, None, "x".repeat(5_000));
    receiver.replies(refusal);
    alice.active("a.txt", "a").await;
    receiver.receives(|all| all.len() == 1).await;
    let tried = |count: usize| {
        move |all: &[Value]| {
            let attempts = all
                .first()
                .map(|one| one["attempts"].as_array().unwrap().len());
            attempts.is_some_and(|attempts| attempts >= count)
        }
    };
    let failed = deliveries(&alice, &hook, tried(1)).await;
    let attempt = &failed[0]["attempts"][0];
    assert_eq!(failed[0]["status"], "pending");
    assert_eq!(attempt["status_code"], 500);
    assert_eq!(text(&attempt["answer"]).len(), 1024);
    assert!(failed[0]["next_attempt_at"].is_string(), "{failed:?}");
    let read = alice.get(&path(&hook)).await.expecting(200);
    assert!(
        read["last_failure_at"].is_string() && read["last_success_at"].is_null(),
        "{read}"
    );
    receiver.replies(Reply::status(200));
    let done = attempted_until((&app, ""), &alice, &hook, |all| all_are(all, "delivered")).await;
    let ids = ids(&receiver.received());
    assert!(
        ids.len() >= 2 && ids.iter().all(|id| *id == text(&done[0]["id"])),
        "{ids:?}"
    );
    let read = alice.get(&path(&hook)).await.expecting(200);
    assert!(read["last_success_at"].is_string(), "{read}");
    app.ends_clean().await;
}

#[in_both_modes]
async fn after_ten_attempts_a_delivery_has_failed(mode: Mode) {
    let (app, receiver) = (open_to_this_machine(mode).start().await, Receiver::start());
    let alice = app.user("alice").await;
    let hook = webhook(&alice, &receiver, &["document.activated"]).await;
    receiver.replies(Reply::status(503));
    alice.active("a.txt", "a").await;
    let begun = |all: &[Value]| all.len() == 1 && all[0]["attempts"] != json!([]);
    deliveries(&alice, &hook, begun).await;
    // The ninth attempt has failed.
    let ninth = "UPDATE webhook_deliveries SET tries = 9 WHERE status = 'pending'";
    let is_over = |all: &[Value]| all_are(all, "failed");
    let failed = attempted_until((&app, ninth), &alice, &hook, is_over).await;
    assert_eq!(failed[0]["next_attempt_at"], json!(null));
    // Nothing is pending, so nothing more fails.
    let failing = "SELECT count(*) FROM webhooks WHERE failing_since IS NOT NULL";
    let is_over = async || app.number(failing).await == 0;
    wait_until(PATIENCE, "an end of the failure", is_over).await;
    let of_status = format!("{}/deliveries?status=failed", path(&hook));
    let of_status = alice.get(&of_status).await.expecting(200);
    assert_eq!(of_status["items"], json!(failed));
    let retry = format!(
        "{}/deliveries/{}/retry",
        path(&hook),
        text(&failed[0]["id"])
    );
    receiver.replies(Reply::status(204));
    let pending = accepted(&alice, &retry, &json!({})).await;
    assert_eq!(
        (&pending["status"], &pending["id"]),
        (&json!("pending"), &failed[0]["id"])
    );
    deliveries(&alice, &hook, |all| all_are(all, "delivered")).await;
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_redirect_is_a_failure_and_not_followed(mode: Mode) {
    let app = open_to_this_machine(mode).start().await;
    let (receiver, elsewhere) = (Receiver::start(), Receiver::start());
    let alice = app.user("alice").await;
    let hook = webhook(&alice, &receiver, &["document.activated"]).await;
    receiver.replies(Reply::With(
        308,
        Some(("location", elsewhere.url("/inside"))),
        String::new(),
    ));
    alice.active("a.txt", "a").await;
    let tried = |all: &[Value]| all.len() == 1 && all[0]["attempts"] != json!([]);
    let tried = deliveries(&alice, &hook, tried).await;
    assert_eq!(tried[0]["attempts"][0]["status_code"], 308);
    assert_eq!(tried[0]["status"], "pending");
    assert!(elsewhere.received().is_empty());
    alice.delete(&path(&hook)).await.expecting(204);
    app.ends_clean().await;
}

#[in_both_modes]
async fn an_endpoint_that_is_gone_or_fails_for_days_is_disabled(mode: Mode) {
    let (app, receiver) = (open_to_this_machine(mode).start().await, Receiver::start());
    let alice = app.user("alice").await;
    let hook = webhook(&alice, &receiver, &["document.activated"]).await;
    receiver.replies(Reply::status(410));
    alice.active("a.txt", "a").await;
    let told = |all: &[Value]| {
        let is_told = |one: &&Value| one["type"] == "webhook.disabled";
        all.iter().filter(is_told).count()
    };
    let ended = deliveries(&alice, &hook, |all| told(all) == 1).await;
    assert!(ended.len() == 2 && all_are(&ended, "failed"), "{ended:?}");
    let read = alice.get(&path(&hook)).await.expecting(200);
    assert_eq!(
        (&read["status"], &read["disabled_reason"]),
        (&json!("disabled"), &json!("gone"))
    );
    let test = format!("{}/test", path(&hook));
    let refused = alice.post_json(&test, &json!({})).await;
    refused.answer().expect_problem(409, "illegal_transition");
    // What happens meanwhile isn't told later.
    alice.active("b.txt", "b").await;
    let enabled = json!({"status": "enabled"});
    let enabled = alice
        .patch_json(&path(&hook), &enabled)
        .await
        .expecting(200);
    assert_eq!(enabled["disabled_reason"], json!(null));
    receiver.replies(Reply::status(500));
    accepted(&alice, &test, &json!({})).await;
    let tried = |all: &[Value]| all[0]["type"] == "webhook.test" && all[0]["attempts"] != json!([]);
    assert_eq!(deliveries(&alice, &hook, tried).await.len(), 3);
    // Five days later.
    let days = "UPDATE webhooks SET failing_since = 1";
    attempted_until((&app, days), &alice, &hook, |all| told(all) == 2).await;
    let read = alice.get(&path(&hook)).await.expecting(200);
    assert_eq!(read["disabled_reason"], "failing");
    app.ends_clean().await;
}

#[in_both_modes]
async fn events_that_left_the_feed_before_they_were_followed_are_told_as_a_failure(mode: Mode) {
    let (app, receiver) = (open_to_this_machine(mode).start().await, Receiver::start());
    let alice = app.user("alice").await;
    let hook = webhook(&alice, &receiver, &["document.deleted"]).await;
    alice.active("a.txt", "a").await;
    // They are a year old.
    app.tampers("UPDATE events SET at = at - 31536000000000")
        .await;
    app.works_off(JobKind::TrimEvents).await;
    // As if it had been full all the time.
    app.tampers("UPDATE webhooks SET position = 0").await;
    let is_told = |all: &[Value]| !all.is_empty() && all_are(all, "failed");
    let told = attempted_until((&app, ""), &alice, &hook, is_told).await;
    assert_eq!(told.len(), 1, "once: {told:?}");
    assert_eq!(told[0]["type"], "webhook.events_expired");
    let attempt = &told[0]["attempts"][0];
    assert_eq!(attempt["error"], "the event is not kept any more");
    assert!(receiver.received().is_empty());
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_failure_of_weeks_ago_disables_nothing(mode: Mode) {
    let (app, receiver) = (open_to_this_machine(mode).start().await, Receiver::start());
    let (alice, admin) = (app.user("alice").await, app.admin());
    receiver.replies(Reply::status(500));
    let hook = webhook(&alice, &receiver, &["document.activated"]).await;
    let queue = |what: &str| format!("/v1/admin/queues/deliver/{what}");
    let paused = admin.post_json(&queue("pause"), &json!({})).await;
    paused.expect_status(200).await;
    app.tampers("UPDATE webhooks SET failing_since = 1, last_failure_at = 1")
        .await;
    accepted(&alice, &format!("{}/test", path(&hook)), &json!({})).await;
    let resumed = admin.post_json(&queue("resume"), &json!({})).await;
    resumed.expect_status(200).await;
    let tried = |all: &[Value]| all.iter().any(|one| one["attempts"] != json!([]));
    let tried = deliveries(&alice, &hook, tried).await;
    assert!(tried.len() == 1 && all_are(&tried, "pending"), "{tried:?}");
    let read = alice.get(&path(&hook)).await.expecting(200);
    assert_eq!(read["status"], "enabled");
    alice.delete(&path(&hook)).await.expecting(204);
    app.ends_clean().await;
}

#[in_both_modes]
async fn deliveries_wait_for_a_secret_that_can_be_read(mode: Mode) {
    let (app, receiver) = (open_to_this_machine(mode).start().await, Receiver::start());
    let alice = app.user("alice").await;
    let hook = webhook(&alice, &receiver, &["document.activated"]).await;
    // As if the operator's key were another one.
    app.tampers("UPDATE webhooks SET secret = '00'").await;
    alice.active("a.txt", "a").await;
    let tried = |all: &[Value]| all.len() == 1 && all[0]["attempts"] != json!([]);
    let waiting = deliveries(&alice, &hook, tried).await;
    let error = text(&waiting[0]["attempts"][0]["error"]);
    assert!(error.contains("rotate it"), "{error}");
    assert_eq!(waiting[0]["status"], "pending");
    let read = alice.get(&path(&hook)).await.expecting(200);
    assert_eq!(read["last_failure_at"], json!(null));
    assert_eq!(
        app.number("SELECT max(tries) FROM webhook_deliveries")
            .await,
        0
    );
    assert!(receiver.received().is_empty());
    let rotate = format!("{}/rotate", path(&hook));
    let rotated = alice.post_json(&rotate, &json!({})).await;
    rotated.expect_status(200).await;
    deliveries(&alice, &hook, |all| all_are(all, "delivered")).await;
    app.ends_clean().await;
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
async fn a_pause_that_the_endpoint_asks_for_is_made(mode: Mode) {
    let (app, receiver) = (open_to_this_machine(mode).start().await, Receiver::start());
    let alice = app.user("alice").await;
    let hook = webhook(&alice, &receiver, &["document.activated"]).await;
    let asks = Some(("retry-after", "7200".to_owned()));
    receiver.replies(Reply::With(429, asks, String::new()));
    alice.active("a.txt", "a").await;
    let tried = |all: &[Value]| all.len() == 1 && all[0]["attempts"] != json!([]);
    let tried = deliveries(&alice, &hook, tried).await;
    let time = |value: &Value| domain::Timestamp::parse_rfc3339(text(value)).unwrap();
    let attempt = &tried[0]["attempts"][0];
    let pause = time(&tried[0]["next_attempt_at"]).since(time(&attempt["at"]));
    assert!(pause.as_secs() >= 7_200, "{pause:?}");
    alice.delete(&path(&hook)).await.expecting(204);
    app.ends_clean().await;
}
