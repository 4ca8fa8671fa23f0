//! Whether workers hear of uploads at once, and whether uploads turn active even if they don't.

use std::time::Duration;

use serde_json::Value;
use tests::app::{Client, TestApp, Upload};
use tests::content::PDF;
use tests::poll::wait_until;

/// Longer than anything takes here.
pub const LONG: Duration = Duration::from_mins(2);

/// The hints of uploads that workers have heard.
async fn heard(app: &TestApp) -> u64 {
    let mut sum = 0_u64;
    for worker in app.workers() {
        let url = format!("{}/metrics", worker.ops());
        let metrics = reqwest::get(url).await.unwrap().text().await.unwrap();
        let name = "dossier_hints_total{queue=\"ingest\",outcome=\"heard\"} ";
        let mut values = metrics.lines().filter_map(|line| line.strip_prefix(name));
        sum += values.next().map_or(0, |value| value.parse().unwrap());
    }
    sum
}

/// Uploads until a worker hears of it. After the database was away, some are refused.
pub async fn uploads_until_heard(app: &TestApp, alice: &Client) {
    let before = heard(app).await;
    wait_until(LONG, "a worker hears of an upload", async || {
        let upload = Upload::new("heard.pdf", PDF);
        let status = alice.try_upload(upload).await.unwrap().status.as_u16();
        assert!([202, 503].contains(&status), "{status}");
        heard(app).await > before
    })
    .await;
}

/// Waits until the document is active, while the database may be away.
pub async fn becomes_active(client: &Client, document: &Value) {
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    wait_until(LONG, "the document is active", async || {
        let answer = client.get(&path).await;
        answer.status == 200 && answer.json()["status"] == "active"
    })
    .await;
}
