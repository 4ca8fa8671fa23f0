//! Moves of documents' bytes from one place to another and back: by command and by API, cancelled,
//! damaged, and with old objects that stay for a while.

use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::{Clock as _, InstallationId, SystemClock};
use queue::JobKind;
use reqwest::Method;
use serde_json::{Value, json};
use storage::Marking;
use tempfile::TempDir;
use tests::app::{Client, Mode, TestApp};
use tests::content::pseudo_random;
use tests::objects::location;
use tests::poll::{poll, wait_until};

const PATIENCE: Duration = Duration::from_mins(1);

/// A service with two places in folders.
struct Moving {
    app: TestApp,
    alice: Client,
    old: PathBuf,
    new: PathBuf,
    _elsewhere: TempDir,
}

fn url(folder: &Path) -> String {
    format!("file://{}/", folder.display())
}

/// The files of a place, without its mark.
fn files(folder: &Path) -> usize {
    let folders = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = folders.filter(|entry| entry.file_name().len() == 2);
    let inside = folders.map(|entry| {
        std::fs::read_dir(entry.path())
            .into_iter()
            .flatten()
            .count()
    });
    inside.sum()
}

impl Moving {
    async fn start(kept: &str) -> Self {
        let elsewhere = TempDir::new().unwrap();
        let (old, new) = (elsewhere.path().join("old"), elsewhere.path().join("new"));
        let app = TestApp::builder(Mode::Embedded)
            .settings(&[
                ("DOSSIER_STORAGE_URL", url(&old).as_str()),
                ("DOSSIER_MORE_STORAGE_URLS", url(&new).as_str()),
                ("DOSSIER_KEEP_MOVED_FOR", kept),
            ])
            .start()
            .await;
        let alice = app.user("alice").await;
        Self {
            app,
            alice,
            old,
            new,
            _elsewhere: elsewhere,
        }
    }

    async fn documents(&self, count: usize) -> Vec<Value> {
        let mut documents = Vec::new();
        for number in 0..count {
            let text = format!("text {number}");
            documents.push(self.alice.active(&text, text.clone()).await);
        }
        documents
    }

    async fn are_readable(&self, documents: &[Value]) {
        for document in documents {
            let name = document["name"].as_str().unwrap();
            assert_eq!(self.alice.downloads(document).await, name);
        }
    }

    async fn begins(&self, from: &Path, to: &Path, rate: Option<u64>) -> tests::app::Answer {
        let mut body = json!({"from": url(from), "to": url(to)});
        if let Some(rate) = rate {
            body["rate_bytes"] = rate.into();
        }
        let moves = "/v1/admin/storage/moves";
        self.app.admin().post_json(moves, &body).await.answer()
    }

    async fn ended(&self, moving: &Value) -> Value {
        let path = format!("/v1/admin/storage/moves/{}", moving["id"].as_str().unwrap());
        poll(PATIENCE, async || {
            let now = self.app.admin().get(&path).await.expecting(200);
            if now["status"] == "running" {
                return Err(now.to_string());
            }
            Ok(now)
        })
        .await
    }

    async fn moves(&self, from: &Path, to: &Path) -> Value {
        let begun = self.begins(from, to, None).await;
        let moving = begun.expecting(202);
        let path = format!("/v1/admin/storage/moves/{}", moving["id"].as_str().unwrap());
        assert_eq!(begun.header("location"), path);
        self.ended(&moving).await
    }
}

#[tokio::test]
async fn documents_move_and_the_old_objects_go_later() {
    let test = Moving::start("1s").await;
    let documents = test.documents(20).await;
    // The same content twice is one object.
    let twin = test.alice.active("twin", "text 0").await;
    let moved = test.moves(&test.old, &test.new).await;
    let created_at = moved["created_at"].clone();
    assert_eq!(
        moved,
        json!({
            "id": moved["id"], "from": url(&test.old), "to": url(&test.new),
            "status": "completed", "objects": 20, "moved": 20, "bytes": 130, "moved_bytes": 130,
            "failed": 0, "created_at": created_at, "finished_at": moved["finished_at"],
        })
    );
    for document in documents.iter().chain([&twin]) {
        let found = location(&test.app, document).await;
        assert!(found.as_str().starts_with(&url(&test.new)), "{found}");
    }
    test.are_readable(&documents).await;
    assert_eq!(test.alice.downloads(&twin).await, "text 0");
    wait_until(PATIENCE, "old objects are removed", async || {
        test.app.works_off(JobKind::RemoveDiscarded).await;
        files(&test.old) == 0
    })
    .await;
    let audit = test.app.command(&["audit", "--deep"]).await;
    assert_eq!(audit.code, 0, "{}", audit.printed);
    test.app.ends_clean().await;
}

#[tokio::test]
async fn the_opposite_move_brings_everything_back_under_fresh_keys() {
    let test = Moving::start("1h").await;
    let documents = test.documents(10).await;
    let twin = test.alice.active("twin", "text 0").await;
    let first = location(&test.app, &documents[0]).await;
    for turn in 1..=2 {
        test.moves(&test.old, &test.new).await;
        test.are_readable(&documents).await;
        let back = test.moves(&test.new, &test.old).await;
        assert_eq!((&back["moved"], &back["failed"]), (&10.into(), &0.into()));
        test.app.works_off(JobKind::RemoveDiscarded).await;
        // The old ones stay for an hour.
        let kept = (files(&test.old), files(&test.new));
        assert_eq!(kept, (10 + 10 * turn, 10 * turn));
        test.are_readable(&documents).await;
    }
    // The list says so to whoever wants to give a place up.
    let places = "/v1/admin/storage/places";
    let listed = test.app.admin().get(places).await.expecting(200);
    for (folder, discarded) in [(&test.old, 20), (&test.new, 20)] {
        let items = listed["items"].as_array().unwrap();
        let place = items
            .iter()
            .find(|item| item["url"] == url(folder).as_str());
        assert_eq!(place.unwrap()["discarded"], discarded, "{listed}");
        let list = test.app.command(&["storage", "list"]).await;
        let line = list
            .printed
            .lines()
            .find(|line| line.starts_with(&url(folder)));
        let line = line.unwrap();
        let end = format!("\t{discarded} objects to be removed");
        assert!(line.ends_with(&end), "{line}");
    }
    // A removal that comes late, of an object that was here, meets none in use.
    let now = location(&test.app, &documents[0]).await;
    assert_ne!(now, first);
    assert_eq!(location(&test.app, &twin).await, now);
    std::fs::remove_file(first.to_file_path().unwrap()).unwrap();
    test.are_readable(&documents).await;
    assert_eq!(test.alice.downloads(&twin).await, "text 0");
    let lost = "SELECT count(*) FROM discards d WHERE EXISTS \
         (SELECT 1 FROM blobs b WHERE b.storage_url = d.url)";
    assert_eq!(test.app.number(lost).await, 0, "objects in use");
}

#[tokio::test]
async fn what_is_missing_or_damaged_is_counted_and_stays() {
    let test = Moving::start("1s").await;
    let documents = test.documents(5).await;
    let file = async |document| location(&test.app, document).await.to_file_path().unwrap();
    std::fs::remove_file(file(&documents[0]).await).unwrap();
    std::fs::write(file(&documents[1]).await, "TEXT 1").unwrap();
    let command = [
        "storage",
        "move",
        "--from",
        &url(&test.old),
        "--to",
        &url(&test.new),
    ];
    let dry = [&command[..], &["--dry-run"]].concat();
    let dry = test.app.command(&dry).await;
    assert_eq!(
        (dry.code, dry.printed.trim()),
        (0, "would move 5 objects, 30 bytes")
    );
    let moved = test.app.command(&command).await;
    assert_eq!(moved.code, 1, "{}", moved.printed);
    assert!(
        moved
            .printed
            .contains("completed: moved 3 objects, 18 bytes; 2 failed"),
        "{}",
        moved.printed
    );
    test.are_readable(&documents[2..]).await;
    let found = location(&test.app, &documents[1]).await;
    assert!(found.as_str().starts_with(&url(&test.old)), "{found}");
}

#[tokio::test]
async fn a_move_is_paced_and_can_be_cancelled() {
    let test = Moving::start("1s").await;
    let mut documents = Vec::new();
    for number in 0..8 {
        let bytes = pseudo_random(number, 4 << 20);
        documents.push((test.alice.active("large", bytes.clone()).await, bytes));
    }
    let moving = test
        .begins(&test.old, &test.new, Some(1 << 20))
        .await
        .expecting(202);
    test.begins(&test.old, &test.new, None)
        .await
        .expect_problem(422, "invalid");
    let path = format!(
        "/v1/admin/storage/moves/{}/cancel",
        moving["id"].as_str().unwrap()
    );
    let cancelled = test.app.admin().post_json(&path, &json!({})).await;
    let cancelled = cancelled.expect_status(202).await;
    assert_eq!(cancelled["status"], "cancelled");
    // 32 MiB would take half a minute.
    assert!(cancelled["moved"].as_u64().unwrap() < 8, "{cancelled}");
    let again = test.app.admin().post_json(&path, &json!({})).await;
    again.answer().expect_problem(409, "finished");
    for (document, bytes) in &documents {
        assert!(test.alice.downloads(document).await == *bytes);
    }
    // The next one takes up the rest.
    let rest = test.moves(&test.old, &test.new).await;
    assert_eq!(
        (&rest["status"], &rest["failed"]),
        (&"completed".into(), &0.into())
    );
    for (document, bytes) in &documents {
        let found = location(&test.app, document).await;
        assert!(found.as_str().starts_with(&url(&test.new)), "{found}");
        assert!(test.alice.downloads(document).await == *bytes);
    }
}

#[tokio::test]
async fn a_slow_move_goes_on_object_by_object() {
    let test = Moving::start("1s").await;
    for number in 0..3 {
        let bytes = pseudo_random(number, 1_000);
        test.alice.active("small", bytes).await;
    }
    // Each takes a quarter of an hour.
    let begun = test.begins(&test.old, &test.new, Some(1)).await;
    let moving = begun.expecting(202);
    let path = format!("/v1/admin/storage/moves/{}", moving["id"].as_str().unwrap());
    let admin = test.app.admin();
    wait_until(PATIENCE, "the first one is moved", async || {
        admin.get(&path).await.expecting(200)["moved"] == 1
    })
    .await;
    let cancel = admin.post_json(&format!("{path}/cancel"), &json!({})).await;
    let cancelled = cancel.expect_status(202).await;
    assert_eq!(
        (&cancelled["moved"], &cancelled["objects"]),
        (&json!(1), &json!(3))
    );
    let body = json!({"from": url(&test.old), "to": url(&test.new), "rate_bytes": null});
    let rest = admin.post_json("/v1/admin/storage/moves", &body).await;
    let rest = test.ended(&rest.expect_status(202).await).await;
    assert_eq!(
        (&rest["status"], &rest["moved"]),
        (&json!("completed"), &json!(2))
    );
}

#[tokio::test]
async fn only_places_of_the_service_are_moved_between() {
    let test = Moving::start("1s").await;
    let (old, new) = (url(&test.old), url(&test.new));
    for (from, to, pointer) in [
        ("file:///elsewhere/", new.as_str(), "/from"),
        (&old, "s3://bucket/x", "/to"),
        (&old, &old, "/to"),
        ("no URL", &new, "/from"),
    ] {
        let body = json!({"from": from, "to": to});
        let admin = test.app.admin();
        let answer = admin
            .post_json("/v1/admin/storage/moves", &body)
            .await
            .answer();
        answer.expect_problem(422, "invalid");
        assert_eq!(
            answer.json()["errors"][0]["pointer"],
            pointer,
            "{from} {to}"
        );
    }
    let slow = test.begins(&test.old, &test.new, Some(0)).await;
    slow.expect_problem(422, "invalid");
    let unknown = "/v1/admin/storage/moves/0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a";
    test.app
        .admin()
        .get(unknown)
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_place_that_another_ledger_has_taken_over_gets_nothing() {
    let test = Moving::start("1s").await;
    let documents = test.documents(3).await;
    let admin = test.app.admin();
    let queue = "/v1/admin/queues/maintenance";
    let paused = admin.post_json(&format!("{queue}/pause"), &json!({})).await;
    paused.expect_status(200).await;
    let moving = test.begins(&test.old, &test.new, None).await.expecting(202);
    let places = test.app.places().await;
    let new = places.more().first().unwrap();
    let another = InstallationId::new(SystemClock.now());
    new.set_mark(another, Marking::Over).await.unwrap();
    let resumed = admin
        .post_json(&format!("{queue}/resume"), &json!({}))
        .await;
    resumed.expect_status(200).await;
    let ended = test.ended(&moving).await;
    assert_eq!(
        (&ended["status"], &ended["moved"]),
        (&json!("error"), &json!(0))
    );
    test.are_readable(&documents).await;

    // Nor does one begin, in either direction.
    for (from, to, pointer) in [
        (&test.old, &test.new, "/to"),
        (&test.new, &test.old, "/from"),
    ] {
        let refused = test.begins(from, to, None).await;
        refused.expect_problem(422, "invalid");
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer);
    }
    let (from, to) = (url(&test.old), url(&test.new));
    let command = ["storage", "move", "--from", &from, "--to", &to];
    let refused = test.app.command(&command).await;
    assert_eq!(refused.code, 1, "{}", refused.printed);
    assert_eq!(files(&test.new), 0);
}

#[tokio::test]
async fn a_read_that_takes_longer_than_the_grace_goes_on_in_the_new_place() {
    const RANGE: usize = 24 << 20;
    let test = Moving::start("1s").await;
    let bytes = pseudo_random(9, 3 * RANGE);
    let document = test.alice.active("large", bytes.clone()).await;
    let path = format!("/v1/documents/{}/content", document["id"].as_str().unwrap());
    // The second range is opened once the first one is sent, which is more than sockets hold.
    let ranges = format!("bytes=0-{},{}-{}", RANGE - 1, 2 * RANGE, 3 * RANGE - 1);
    let request = test.alice.request(Method::GET, &path);
    let mut answer = request.header("range", ranges).send().await.unwrap();
    assert_eq!(answer.status(), 206);
    let mut body = answer.chunk().await.unwrap().unwrap().to_vec();
    test.moves(&test.old, &test.new).await;
    wait_until(PATIENCE, "the old object is removed", async || {
        test.app.works_off(JobKind::RemoveDiscarded).await;
        files(&test.old) == 0
    })
    .await;
    while let Some(chunk) = answer.chunk().await.unwrap() {
        body.extend_from_slice(&chunk);
    }
    let contains = |range: std::ops::Range<usize>| {
        let part = &bytes[range];
        let begin = body.windows(64).position(|some| some == &part[..64]);
        let begin = begin.expect("its beginning");
        assert!(body[begin..begin + part.len()] == *part);
    };
    contains(0..RANGE);
    contains(2 * RANGE..3 * RANGE);
}
