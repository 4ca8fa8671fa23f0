//! What owners of webhooks do, for all tests of webhooks.

use std::time::Duration;

use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp, TestAppBuilder};
use tests::poll::poll;
use tests::servers::Receiver;

/// How long deliveries may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// Alice, whose webhook leads to a receiver.
pub struct Subscriber {
    pub app: TestApp,
    pub receiver: Receiver,
    pub alice: Client,
    pub hook: Value,
}

impl Subscriber {
    /// Starts a service and a receiver that answers 204, and creates the webhook.
    pub async fn to(types: &[&str], mode: Mode) -> Self {
        Self::at(open_to_this_machine(mode).start().await, types).await
    }

    /// The same, at a service that was started.
    pub async fn at(app: TestApp, types: &[&str]) -> Self {
        let (alice, receiver) = (app.user("alice").await, Receiver::start());
        let hook = webhook(&alice, &receiver, types).await;
        Self {
            app,
            receiver,
            alice,
            hook,
        }
    }

    /// The path of the webhook, or of what is below it.
    pub fn path(&self, below: &str) -> String {
        format!("{}{below}", path(&self.hook))
    }

    /// The webhook as it is now.
    pub async fn reads(&self) -> Value {
        self.alice.get(&self.path("")).await.expecting(200)
    }

    /// Changes the webhook.
    pub async fn changes(&self, patch: &Value) -> Value {
        let changed = self.alice.patch_json(&self.path(""), patch).await;
        changed.expecting(200)
    }

    /// Has the webhook tested.
    pub async fn tests(&self) -> Value {
        accepted(&self.alice, &self.path("/test"), &json!({})).await
    }

    /// Has the webhook get another secret.
    pub async fn rotates(&self) -> Value {
        let rotated = self
            .alice
            .post_json(&self.path("/rotate"), &json!({}))
            .await;
        rotated.expect_status(200).await
    }

    /// The deliveries, newest first, once they are as the test expects.
    pub async fn deliveries(&self, is_expected: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        deliveries(&self.alice, &self.hook, is_expected).await
    }

    /// The deliveries, once all so many are delivered.
    pub async fn delivered(&self, count: usize) -> Vec<Value> {
        self.deliveries(|all| all.len() == count && all_are(all, "delivered"))
            .await
    }

    /// The one delivery that there is, once it was attempted.
    pub async fn attempted(&self) -> Value {
        let is_tried = |all: &[Value]| all.len() == 1 && all[0]["attempts"] != json!([]);
        self.deliveries(is_tried).await.remove(0)
    }

    /// The deliveries, while everything that is pending is attempted again and again.
    pub async fn attempted_until(
        &self,
        also: &str,
        is_expected: impl Fn(&[Value]) -> bool,
    ) -> Vec<Value> {
        attempted_until((&self.app, also), &self.alice, &self.hook, is_expected).await
    }

    /// Deletes the webhook with what is pending, and asserts that all ends clean.
    pub async fn leaves(self) {
        self.alice.delete(&self.path("")).await.expecting(204);
        self.app.ends_clean().await;
    }
}

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
