//! A service whose documents lie in several places: all are served, swept and audited, and one that
//! isn't configured is named.

use std::path::Path;
use std::time::Duration;

use futures::TryStreamExt;
use queue::JobKind;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::app::{Backend, Mode, TestApp};
use tests::content::pseudo_random;
use tests::objects::{location, old_key, puts};
use tests::poll::wait_until;

const PATIENCE: Duration = Duration::from_mins(1);

fn url(folder: &Path) -> String {
    format!("file://{}/", folder.display())
}

/// A service that keeps new documents in `store`, and has older ones in `more`.
async fn app(folder: TempDir, store: &str, more: &str) -> TestApp {
    TestApp::builder(Mode::Embedded)
        .folder(folder)
        .settings(&[
            ("DOSSIER_STORAGE_URL", store),
            ("DOSSIER_MORE_STORAGE_URLS", more),
        ])
        .start()
        .await
}

#[tokio::test]
async fn documents_of_all_places_are_served_swept_and_audited() {
    let elsewhere = TempDir::new().unwrap();
    let (old, new) = (elsewhere.path().join("old"), elsewhere.path().join("new"));
    let mut app = app(TempDir::new().unwrap(), &url(&old), "").await;
    let alice = app.user("alice").await;
    let first = alice.active("first.txt", "the first").await;
    app.changes(&[
        ("DOSSIER_STORAGE_URL", &url(&new)),
        ("DOSSIER_MORE_STORAGE_URLS", &url(&old)),
    ])
    .await;
    let second = alice.active("second.txt", "the second").await;
    // Content that is known stays where it is.
    let third = alice.active("third.txt", "the first").await;
    for (document, place, content) in [
        (&first, &old, "the first"),
        (&second, &new, "the second"),
        (&third, &old, "the first"),
    ] {
        let found = location(&app, document).await;
        assert!(found.as_str().starts_with(&url(place)), "{found}");
        assert_eq!(alice.downloads(document).await, content);
    }

    let list = app.command(&["storage", "list", "--json"]).await;
    assert_eq!(list.code, 0, "{}", list.printed);
    let list: Value = domain::read_json(list.printed.as_bytes()).unwrap();
    let place = |folder: &Path| {
        let items = list["items"].as_array().unwrap().iter();
        let found = items
            .into_iter()
            .find(|item| item["url"] == url(folder).as_str());
        found.unwrap_or_else(|| panic!("{list}")).clone()
    };
    let old_place = place(&old);
    assert_eq!(
        (&old_place["objects"], &old_place["bytes"]),
        (&1.into(), &9.into())
    );
    assert_eq!(
        (&old_place["role"], &old_place["configured"]),
        (&"more".into(), &true.into())
    );
    assert_eq!(place(&new)["role"], "store");

    // A stray is quarantined in any of them; bytes of a deleted document are removed.
    let places = app.places().await;
    let stray = puts(&**places.more().first().unwrap(), &old_key(), "a stray").await;
    app.works_off(JobKind::SweepStore).await;
    let quarantined = format!("SELECT count(*) FROM quarantine WHERE url = '{stray}'");
    assert_eq!(app.number(&quarantined).await, 1);
    for document in [&first, &third] {
        let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
        alice.delete(&path).await.expecting(204);
    }
    wait_until(PATIENCE, "bytes are removed", async || {
        let listed = places.more()[0].list(None).await.unwrap();
        listed.try_collect::<Vec<_>>().await.unwrap().len() == 1
    })
    .await;
    let audit = app.command(&["audit", "--deep"]).await;
    assert_eq!(audit.code, 0, "{}", audit.printed);
    assert!(
        audit.printed.contains("1 objects in quarantine"),
        "{}",
        audit.printed
    );
}

#[tokio::test]
async fn a_place_that_rows_need_and_that_is_not_configured_is_named() {
    let elsewhere = TempDir::new().unwrap();
    let (old, new) = (elsewhere.path().join("old"), elsewhere.path().join("new"));
    let mut app = app(TempDir::new().unwrap(), &url(&old), "").await;
    let alice = app.user("alice").await;
    alice.active("first.txt", "the first").await;
    app.changes_unready(&[("DOSSIER_STORAGE_URL", &url(&new))])
        .await;
    let ready = app.nobody().get("/health/ready").await;
    assert_eq!(ready.status, 503);
    assert!(ready.text().contains(&url(&old)), "{}", ready.text());
    let list = app.command(&["storage", "list"]).await;
    assert_ne!(list.code, 0);
    assert!(
        list.printed
            .contains(&format!("{}\tunknown\t1 objects", url(&old))),
        "{}",
        list.printed
    );
    let audit = app.command(&["audit"]).await;
    assert_eq!(audit.code, 1);
    assert!(audit.printed.contains(&url(&old)), "{}", audit.printed);
}

#[tokio::test]
async fn a_document_in_a_place_that_is_not_configured_waits_for_it() {
    let elsewhere = TempDir::new().unwrap();
    let (old, new) = (elsewhere.path().join("old"), elsewhere.path().join("new"));
    let mut app = TestApp::builder(Mode::Embedded)
        .settings(&[("DOSSIER_STAGING_URL", &url(&old))])
        .start()
        .await;
    let alice = app.user("alice").await;
    let pause = "/v1/admin/queues/ingest/pause";
    let paused = app.admin().post_json(pause, &json!({})).await;
    paused.expect_status(200).await;
    let bytes = pseudo_random(1, 1 << 20);
    let document = alice.uploads("a.bin", bytes.clone()).await;
    app.changes_unready(&[("DOSSIER_STAGING_URL", &url(&new))])
        .await;
    // One attempt is left.
    let most = JobKind::ProcessVersion.max_attempts();
    let last = format!(
        "UPDATE jobs SET attempts = {} WHERE kind = '{}'",
        most - 1,
        JobKind::ProcessVersion
    );
    assert_eq!(app.tampers(&last).await, 1);
    app.tampers("UPDATE queue_pauses SET is_paused = false")
        .await;
    let tried = "SELECT count(*) FROM jobs WHERE last_error LIKE '%no configured storage%'";
    wait_until(PATIENCE, "it is tried", async || {
        app.number(tried).await == 1
    })
    .await;
    app.changes(&[("DOSSIER_MORE_STORAGE_URLS", &url(&old))])
        .await;
    let active = alice.settled(&document).await;
    assert_eq!(active["status"], "active", "{active}");
    assert!(alice.downloads(&active).await == bytes);
}

#[tokio::test]
async fn files_and_every_object_store_are_served_at_once() {
    let mut urls = Vec::new();
    let mut settings = Vec::new();
    for backend in Backend::ALL {
        urls.push(backend.fresh_storage_url().await);
        settings.extend(backend.environment().await);
    }
    let more = urls.join(" ");
    settings.push(("DOSSIER_MORE_STORAGE_URLS".to_owned(), more));
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let mut app = TestApp::builder(Mode::Embedded)
        .settings(&settings)
        .start()
        .await;
    let alice = app.user("alice").await;
    let all = format!("{} {}", urls.join(" "), files(&app));
    let mut documents = vec![alice.active("in files", "in files").await];
    for (number, store) in urls.iter().enumerate() {
        let name = format!("in store {number}");
        app.changes(&[
            ("DOSSIER_STORAGE_URL", store),
            ("DOSSIER_MORE_STORAGE_URLS", &all),
        ])
        .await;
        documents.push(alice.active(&name, name.clone()).await);
    }
    for document in &documents {
        let name = document["name"].as_str().unwrap();
        assert_eq!(alice.downloads(document).await, name);
    }
    let audit = app.command(&["audit", "--deep"]).await;
    assert_eq!(audit.code, 0, "{}", audit.printed);
}

/// The place of the embedded default.
fn files(app: &TestApp) -> String {
    url(&app.folder().join("data/storage"))
}

#[tokio::test]
async fn a_further_place_that_is_down_stops_nothing_elsewhere() {
    // Nobody listens there.
    let down = "s3://bucket/documents?endpoint=http://127.0.0.1:1";
    let app = TestApp::builder(Mode::Embedded)
        .settings(&[
            ("DOSSIER_MORE_STORAGE_URLS", down),
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ])
        .start()
        .await;
    let ready = app.nobody().get("/health/ready").await.expecting(200);
    assert_eq!(ready["status"], "ready");
    assert_eq!(ready["places_down"], json!(["s3://bucket/documents/"]));
    let alice = app.user("alice").await;
    let document = alice.active("a.txt", "a few words").await;
    // More than are tried in a place that doesn't answer, and due before.
    let strays: Vec<_> = (0..20)
        .map(|number| format!("('s3://bucket/documents/{}', {number})", old_key()))
        .collect();
    let strays = format!(
        "INSERT INTO discards (url, at) VALUES {}",
        strays.join(", ")
    );
    assert_eq!(app.tampers(&strays).await, 20);
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    alice.delete(&path).await.expecting(204);
    let elsewhere = "SELECT count(*) FROM discards WHERE url NOT LIKE 's3:%'";
    wait_until(PATIENCE, "its bytes are removed", async || {
        app.number(elsewhere).await == 0
    })
    .await;
    let listed = app.places().await.store().list(None).await.unwrap();
    assert_eq!(listed.try_collect::<Vec<_>>().await.unwrap(), []);
    assert_eq!(app.number("SELECT count(*) FROM discards").await, 20);
    // The audit names the place, and checks the others.
    let stray = puts(&**app.places().await.store(), &old_key(), "a stray").await;
    let audit = app.command(&["audit"]).await;
    assert_eq!(audit.code, 1, "{}", audit.printed);
    for found in ["unanswered_place", "s3://bucket/documents/", stray.as_str()] {
        assert!(audit.printed.contains(found), "{found}: {}", audit.printed);
    }
}
