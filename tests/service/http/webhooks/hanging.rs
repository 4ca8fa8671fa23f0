//! Many endpoints that hang: they delay nobody else, however many they are.

use std::time::Duration;

use domain::{Clock as _, SystemClock, WebhookId};
use ledger::{SecretSealer, Turn, begin_turn};
use serde_json::{Value, json};
use tests::app::{Mode, TestApp};
use tests::poll::wait_until;
use tests::servers::{Receiver, Reply};

use super::owners::{all_are, deliveries, open_to_this_machine, path, text, webhook};

/// How long it may take until all of them hang at once.
const PATIENCE: Duration = Duration::from_mins(3);

#[tokio::test]
async fn endpoints_that_hang_delay_nobody_else_however_many_they_are() {
    let app = open_to_this_machine(Mode::Embedded).start().await;
    let (slow, quick) = (Receiver::start(), Receiver::start());
    slow.replies(Reply::Nothing);
    let mut hooks = Vec::new();
    for name in ["alice", "carol", "dave", "erin"] {
        let owner = app.user(name).await;
        for _ in 0..10 {
            let hook = webhook(&owner, &slow, &["document.activated"]).await;
            hooks.push((owner.clone(), hook));
        }
        owner.active("a.txt", "a").await;
    }
    let bob = app.user("bob").await;
    let his = webhook(&bob, &quick, &["document.activated"]).await;
    // Whatever was given up meanwhile is attempted again, until all forty hang at the same time.
    wait_until(PATIENCE, "forty attempts that hang at once", async || {
        for sql in [
            "UPDATE webhook_deliveries SET next_attempt_at = 1 WHERE status = 'pending'",
            "UPDATE webhooks SET due_at = 1 WHERE status = 'enabled'",
        ] {
            app.tampers(sql).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        slow.hanging() >= hooks.len()
    })
    .await;
    bob.active("b.txt", "b").await;
    let is_done = |all: &[Value]| all.len() == 1 && all_are(all, "delivered");
    deliveries(&bob, &his, is_done).await;
    drop(slow);
    for (owner, hook) in hooks {
        owner.delete(&path(&hook)).await.expecting(204);
    }
    app.ends_clean().await;
}

async fn turn(app: &TestApp, webhook: &Value) -> Turn {
    let id: WebhookId = text(&webhook["id"]).parse().unwrap();
    let (db, sealer) = (app.database().await, SecretSealer::new(None));
    let turn = begin_turn(&db, id, &sealer, SystemClock.now()).await;
    db.close().await.unwrap();
    turn.unwrap().expect("it is enabled")
}

#[tokio::test]
async fn an_endpoint_that_is_new_or_fails_is_attempted_once_at_a_time() {
    let app = open_to_this_machine(Mode::Embedded).start().await;
    let (alice, receiver) = (app.user("alice").await, Receiver::start());
    let admin = app.admin();
    let queue = |what: &str| format!("/v1/admin/queues/deliver/{what}");
    let paused = admin.post_json(&queue("pause"), &json!({})).await;
    paused.expect_status(200).await;
    let hook = webhook(&alice, &receiver, &["document.activated"]).await;
    for name in ["a.txt", "b.txt", "c.txt"] {
        alice.active(name, name).await;
    }
    let recent = SystemClock.now().as_micros();
    let fails = format!("failing_since = 1, last_failure_at = {recent}");
    for (what, due, is_failing) in [
        ("last_success_at = NULL", 1, false),
        ("last_success_at = 1", 3, false),
        (&*fails, 1, true),
    ] {
        app.tampers(&format!("UPDATE webhooks SET {what}")).await;
        let turn = turn(&app, &hook).await;
        assert_eq!(
            (turn.due.len(), turn.is_failing),
            (due, is_failing),
            "{what}"
        );
    }
    alice.delete(&path(&hook)).await.expecting(204);
    let resumed = admin.post_json(&queue("resume"), &json!({})).await;
    resumed.expect_status(200).await;
    app.ends_clean().await;
}
