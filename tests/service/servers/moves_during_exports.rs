//! Documents that are moved, and removed where they were, while an export reads them.

use std::time::Duration;

use domain::Sha256;
use queue::JobKind;
use serde_json::json;
use tempfile::TempDir;
use tests::app::{Mode, TestApp, result_path};
use tests::archives::entries;
use tests::content::pseudo_random;
use tests::objects::location;
use tests::poll::{poll, wait_until};
use tests::servers::S3;

const PATIENCE: Duration = Duration::from_mins(2);

/// Together more than an export holds in memory.
const DOCUMENTS: u64 = 8;
const SIZE: usize = 8 << 20;

#[tokio::test]
async fn an_export_goes_on_where_its_documents_are_then() {
    let folder = TempDir::new().unwrap();
    let files = format!("file://{}/", folder.path().join("files").display());
    let app = TestApp::builder(Mode::Distributed)
        .settings(&[
            ("DOSSIER_MORE_STORAGE_URLS", files.as_str()),
            ("DOSSIER_KEEP_MOVED_FOR", "1s"),
            // Its worker keeps the export, however long it stands still.
            ("DOSSIER_LEASE", "10m"),
        ])
        .start()
        .await;
    let alice = app.user("alice").await;
    let (mut ids, mut old) = (Vec::new(), Vec::new());
    for number in 0..DOCUMENTS {
        let bytes = pseudo_random(number, SIZE);
        let document = alice.active(&format!("{number}.bin"), bytes).await;
        old.push(location(&app, &document).await);
        ids.push(document["id"].clone());
    }
    let workers = app.workers();
    workers[1].terminate().await;
    let export = json!({"action": "export", "select": {"ids": ids}});
    let export = alice.asks_for(&export).await;
    let places = app.places().await;
    let store = places.store().place().clone();
    let told = format!("/v1/operations/{}", export["id"].as_str().unwrap());
    wait_until(PATIENCE, "it has begun its archive", async || {
        // On a machine that is very busy it may have ended before it is looked at.
        S3::shared().await.unfinished_in(store.as_str()).await > 0
            || alice.get(&told).await.json()["finished_at"].is_string()
    })
    .await;
    workers[0].pause();
    workers[1].restart().await;
    let admin = app.admin();
    let body = json!({"from": store.as_str(), "to": files});
    let moving = admin.post_json("/v1/admin/storage/moves", &body).await;
    let moving = moving.expect_status(202).await;
    let path = format!("/v1/admin/storage/moves/{}", moving["id"].as_str().unwrap());
    let moved = poll(PATIENCE, async || {
        let now = admin.get(&path).await.expecting(200);
        match now["status"].as_str() {
            Some("running") => Err(now.to_string()),
            _ => Ok(now),
        }
    })
    .await;
    assert_eq!(moved["moved"], DOCUMENTS, "{moved}");
    wait_until(PATIENCE, "the old objects are removed", async || {
        app.works_off(JobKind::RemoveDiscarded).await;
        for url in &old {
            if places.stat(url).await.unwrap().is_some() {
                return false;
            }
        }
        true
    })
    .await;
    workers[0].resume();
    let export = alice.ended(&export).await;
    assert_eq!(export["status"], "completed", "{export}");
    assert_eq!(export["succeeded"], DOCUMENTS, "{export}");
    let archive = alice.get(&result_path(&export)).await;
    let entries = entries(&archive.body);
    for number in 0..DOCUMENTS {
        let sha256 = Sha256::of(&pseudo_random(number, SIZE)).to_string();
        assert_eq!(entries[&format!("{number}.bin")], sha256);
    }
    app.ends_clean().await;
}
