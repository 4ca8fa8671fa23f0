//! What the uploads of one user take of the disk: bounded by the quota and the staging allowance,
//! whatever is uploaded or refused; and new bytes wait while a disk has too little room.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::future::join_all;
use reqwest::{Body, Method};
use serde_json::{Value, json};
use tests::app::{Answer, Client, Mode, TestApp};
use tests::content::{PDF, pseudo_random};
use tests::in_both_modes;
use tests::poll::poll;

pub const MIB: usize = 1 << 20;

/// How long bytes that nobody needs may lie.
const REMOVAL: Duration = Duration::from_secs(30);

/// Bytes of all files below a folder, save the mark that says whose place it is.
fn bytes_below(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let users = entries
        .flatten()
        .filter(|entry| entry.file_name() != ".dossier");
    let sizes = users.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

/// Bytes in staging, on the disk of the embedded service.
fn staged(app: &TestApp) -> u64 {
    bytes_below(&app.folder().join("data/staging"))
}

pub async fn comes_below(app: &TestApp, most: usize) {
    if app.mode() == Mode::Distributed {
        return;
    }
    poll(REMOVAL, async || match staged(app) {
        bytes if bytes <= most as u64 => Ok(()),
        bytes => Err(format!("{bytes} bytes lie in staging")),
    })
    .await;
}

/// A body of so many chunks of 256 KiB that then stays open.
fn unfinished(seed: u64, chunks: u64) -> Body {
    let chunk = move |number| Ok::<_, std::io::Error>(pseudo_random(seed + number, MIB / 4));
    let sent = futures::stream::iter((0..chunks).map(chunk));
    Body::wrap_stream(sent.chain(futures::stream::pending()))
}

async fn uploads(client: &Client, body: Body) -> Option<Answer> {
    let request = client
        .request(Method::POST, "/v1/documents?name=part.bin")
        .body(body);
    client.try_send(request).await.ok()
}

pub async fn imports(client: &Client, archive: Body) -> Option<Answer> {
    let request = client.request(Method::POST, "/v1/operations/import");
    let request = request
        .header("content-type", "application/zip")
        .body(archive);
    client.try_send(request).await.ok()
}

/// A PDF of so many bytes, and no other that is the same.
fn pdf(seed: u64, length: usize) -> Bytes {
    [PDF, &pseudo_random(seed, length - PDF.len())]
        .concat()
        .into()
}

pub fn result_of(answer: &Value) -> (&str, &str) {
    let code = answer["error"]["code"].as_str().unwrap_or_default();
    (answer["status"].as_str().unwrap(), code)
}

#[in_both_modes]
async fn an_upload_is_cut_off_where_the_quota_ends(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app
        .user_with(json!({"name": "alice", "quota_bytes": MIB}))
        .await;
    // 6 bodies of 16 MiB each, whose length nobody knows, and whose end never comes.
    let answers = join_all((0..6).map(|seed| uploads(&alice, unfinished(seed * 100, 64)))).await;
    for answer in answers.iter().flatten() {
        answer.expect_problem(403, "quota_exceeded");
    }
    assert!(answers.iter().any(Option::is_some), "somebody was told so");
    comes_below(&app, 0).await;
    // One that says how long it is isn't read at all.
    let request = alice
        .request(Method::POST, "/v1/documents?name=large.bin")
        .header("content-length", 100 * MIB)
        .body(unfinished(1, 1));
    alice
        .send(request)
        .await
        .expect_problem(403, "quota_exceeded");
    let fits = alice.active("fits.bin", pseudo_random(9, MIB)).await;
    assert_eq!(fits["size_bytes"], MIB);
    app.ends_clean().await;
}

#[in_both_modes]
async fn uploads_under_way_keep_to_the_staging_allowance(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_STAGING_ALLOWANCE", "2MiB")])
        .start()
        .await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    // 12 bodies of 512 KiB that stay open: a third of them fits.
    let answers = join_all((0..12).map(|seed| {
        let open = uploads(&alice, unfinished(seed * 100, 2));
        async move { tokio::time::timeout(Duration::from_secs(3), open).await }
    }));
    let most = async {
        let mut most = 0;
        for _ in 0..50 {
            most = most.max(staged(&app));
            // A sample for each moment of the uploads.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        most
    };
    let (answers, most) = tokio::join!(answers, most);
    // What is refused is removed a moment later.
    assert!(most <= 3 * MIB as u64, "{most} bytes lay in staging");
    let ended: Vec<_> = answers.into_iter().filter_map(Result::ok).collect();
    assert!(ended.len() >= 8, "{}", ended.len());
    for answer in ended.into_iter().flatten() {
        answer.expect_problem(403, "quota_exceeded");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("in progress"), "{detail}");
    }
    bob.active("bob.bin", pseudo_random(1, MIB)).await;
    comes_below(&app, 0).await;
    alice.active("alice.bin", pseudo_random(2, MIB)).await;
    app.ends_clean().await;
}

#[in_both_modes]
async fn refused_uploads_leave_next_to_nothing(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_BLOCKED_TYPES", "application/pdf")])
        .start()
        .await;
    let alice = app
        .user_with(json!({"name": "alice", "quota_bytes": MIB}))
        .await;
    let mut documents = Vec::new();
    for seed in 0..20 {
        let pending = alice.uploads("refused.pdf", pdf(seed, 200 << 10)).await;
        documents.push(alice.settled(&pending).await);
    }
    assert!(
        documents
            .iter()
            .all(|document| result_of(document) == ("error", "type_not_allowed"))
    );
    comes_below(&app, MIB).await;
    assert!(
        app.number("SELECT CAST(sum(staging_bytes) AS bigint) FROM users")
            .await
            <= 1 << 20
    );
    // Who comes first can be tried again, who comes late can't.
    let retry = |document: &Value| {
        let path = format!("/v1/documents/{}/retry", document["id"].as_str().unwrap());
        alice.send(alice.request(Method::POST, &path))
    };
    retry(&documents[0]).await.expecting(202);
    assert_eq!(alice.settled(&documents[0]).await["status"], "error");
    retry(&documents[19])
        .await
        .expect_problem(409, "not_retryable");
    for document in &documents {
        let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
        alice.delete(&path).await.expecting(204);
    }
    comes_below(&app, 0).await;
    assert_eq!(
        app.number("SELECT CAST(sum(staging_bytes + failed_versions) AS bigint) FROM users")
            .await,
        0
    );
    app.ends_clean().await;
}

#[in_both_modes]
async fn so_many_uploads_may_fail_and_no_more(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_BLOCKED_TYPES", "application/pdf")])
        .start()
        .await;
    let alice = app
        .user_with(json!({"name": "alice", "quota_documents": 2}))
        .await;
    let document = alice.uploads("refused.pdf", PDF).await;
    assert_eq!(alice.settled(&document).await["status"], "error");
    app.tampers("UPDATE users SET failed_versions = failed_versions + 999 WHERE name = 'alice'")
        .await;
    let refused = uploads(&alice, PDF.into()).await.unwrap();
    refused.expect_problem(403, "quota_exceeded");
    assert!(
        refused.json()["detail"]
            .as_str()
            .unwrap()
            .contains("failed")
    );
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    alice.delete(&path).await.expecting(204);
    alice.active("words.txt", "some words\n").await;
    app.tampers("UPDATE users SET failed_versions = failed_versions - 999 WHERE name = 'alice'")
        .await;
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_new_is_taken_in_while_a_disk_has_too_little_room() {
    let app = TestApp::start(Mode::Embedded).await;
    let alice = app.user("alice").await;
    let document = alice.active("report.pdf", PDF).await;
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    app.ingress().terminate().await;
    app.ingress()
        .restart_with(&[("DOSSIER_MIN_FREE_BYTES", "1000TiB")])
        .await;

    // Before the body is read: it never ends.
    let upload = uploads(&alice, unfinished(1, 0)).await.unwrap();
    upload.expect_problem(503, "storage_full");
    assert!(upload.header("retry-after").parse::<u32>().is_ok());
    let version = alice
        .request(Method::PUT, &format!("{path}/content"))
        .body(PDF);
    alice
        .send(version)
        .await
        .expect_problem(503, "storage_full");
    let archive = imports(&alice, unfinished(1, 0)).await.unwrap();
    archive.expect_problem(503, "storage_full");
    let export = json!({"action": "export", "select": {"ids": [document["id"]]}});
    let export = alice.post_json("/v1/operations", &export).await.answer();
    export.expect_problem(503, "storage_full");

    // Everything else goes on.
    assert_eq!(alice.downloads(&document).await, PDF);
    alice
        .patch_json(&path, &json!({"name": "renamed.pdf"}))
        .await
        .expecting(200);
    let archived = json!({"action": "archive", "select": {"ids": [document["id"]]}});
    assert_eq!(alice.runs(&archived).await["succeeded"], 1);
    assert_eq!(app.nobody().get("/health/ready").await.status, 200);
    let meters = reqwest::get(format!("{}/metrics", app.ingress().ops()))
        .await
        .unwrap();
    let meters = meters.text().await.unwrap();
    assert!(meters.contains("dossier_storage_full 1"), "{meters}");
    alice.delete(&path).await.expecting(204);
    app.ends_clean().await;

    app.ingress().terminate().await;
    app.ingress().restart().await;
    alice.active("again.pdf", PDF).await;
}
