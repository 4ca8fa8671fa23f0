//! What owners of webhooks do, for all tests of webhooks.

use std::time::Duration;

use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp, TestAppBuilder};
use tests::poll::poll;
use tests::servers::Receiver;

/// How long deliveries may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// A service whose webhooks may lead to this machine.
pub fn open_to_this_machine(mode: Mode) -> TestAppBuilder {
    TestApp::builder(mode).settings(&[
        ("DOSSIER_WEBHOOK_ALLOW_HTTP", "true"),
        ("DOSSIER_WEBHOOK_ALLOW_NETWORKS", "127.0.0.0/8"),
    ])
}

/// Creates a webhook that leads to a receiver.
pub async fn webhook(owner: &Client, receiver: &Receiver, types: &[&str]) -> Value {
    let wanted = json!({"url": receiver.url("/hook"), "types": types});
    let made = owner.post_json("/v1/webhooks", &wanted).await;
    made.expect_status(201).await
}

pub fn path(webhook: &Value) -> String {
    format!("/v1/webhooks/{}", text(&webhook["id"]))
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// The deliveries of a webhook, newest first, once they are as the test expects.
pub async fn deliveries(
    owner: &Client,
    webhook: &Value,
    is_expected: impl Fn(&[Value]) -> bool,
) -> Vec<Value> {
    let path = format!("{}/deliveries?limit=200", path(webhook));
    poll(PATIENCE, async || {
        let page = owner.get(&path).await.expecting(200);
        let items = page["items"].as_array().unwrap().clone();
        if is_expected(&items) {
            Ok(items)
        } else {
            Err(format!("the deliveries are {page:#}"))
        }
    })
    .await
}

pub fn all_are(deliveries: &[Value], status: &str) -> bool {
    deliveries
        .iter()
        .all(|delivery| delivery["status"] == status)
}

/// The same, while everything that is pending is attempted again and again. `also` changes rows before.
pub async fn attempted_until(
    (app, also): (&TestApp, &str),
    owner: &Client,
    webhook: &Value,
    is_expected: impl Fn(&[Value]) -> bool,
) -> Vec<Value> {
    let path = format!("{}/deliveries?limit=200", path(webhook));
    poll(PATIENCE, async || {
        for sql in [
            also,
            "UPDATE webhook_deliveries SET next_attempt_at = 1 WHERE status = 'pending'",
            "UPDATE webhooks SET due_at = 1 WHERE status = 'enabled'",
        ] {
            if !sql.is_empty() {
                app.tampers(sql).await;
            }
        }
        // Rounds are made by a worker, at its own pace.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let page = owner.get(&path).await.expecting(200);
        let items = page["items"].as_array().unwrap().clone();
        if is_expected(&items) {
            Ok(items)
        } else {
            Err(format!("the deliveries are {page:#}"))
        }
    })
    .await
}

/// Asks for something that is done later.
pub async fn accepted(owner: &Client, path: &str, body: &Value) -> Value {
    owner.post_json(path, body).await.expect_status(202).await
}
