//! What one user causes to lie on disk: bounded by the quota and two allowances beside it, whatever
//! is uploaded, imported, refused or exported; and new bytes wait while a disk has too little room.

use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::{Allowances, ByteSize, Limits, Timestamp, UserId};
use futures::StreamExt;
use futures::future::join_all;
use ledger::{Database, GrantRequest, draw_grant, give_up_grants, renew_grants, upload_room};
use reqwest::{Body, Method};
use serde_json::{Value, json};
use tests::app::{Answer, Client, Mode, TestApp, result_path};
use tests::archives::made_by;
use tests::content::{PDF, pseudo_random};
use tests::ledger::{LEASE, NOW, limits, user};
use tests::poll::poll;
use tests::{in_both_modes, on_each_database};
use uuid::Uuid;

const MIB: usize = 1 << 20;

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

async fn comes_below(app: &TestApp, most: usize) {
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

async fn imports(client: &Client, archive: Body) -> Option<Answer> {
    let request = client.request(Method::POST, "/v1/operations/import");
    let request = request
        .header("content-type", "application/zip")
        .body(archive);
    client.try_send(request).await.ok()
}

/// An archive with one file, which can't be packed.
fn archive_of_random(bytes: usize) -> Bytes {
    made_by(&format!(
        "import random\nwith zipfile.ZipFile(path, 'w') as z: z.writestr('a.bin', random.Random(7).randbytes({bytes}))"
    ))
}

/// A PDF of so many bytes, and no other that is the same.
fn pdf(seed: u64, length: usize) -> Bytes {
    [PDF, &pseudo_random(seed, length - PDF.len())]
        .concat()
        .into()
}

fn result_of(answer: &Value) -> (&str, &str) {
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
        assert!(detail.contains("under way"), "{detail}");
    }
    bob.active("bob.bin", pseudo_random(1, MIB)).await;
    comes_below(&app, 0).await;
    alice.active("alice.bin", pseudo_random(2, MIB)).await;
    app.ends_clean().await;
}

#[in_both_modes]
async fn archives_of_imports_keep_to_the_staging_allowance(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_STAGING_ALLOWANCE", "2MiB")])
        .start()
        .await;
    // Nobody imports them meanwhile.
    for worker in app.workers() {
        worker.terminate().await;
        worker
            .restart_with(&[("DOSSIER_QUEUES", "ingest,maintenance")])
            .await;
    }
    let alice = app.user("alice").await;
    let archive = archive_of_random(3 * MIB / 2);
    let first = alice.begins_import(archive.clone(), "").await;
    for _ in 0..2 {
        if let Some(answer) = imports(&alice, archive.clone().into()).await {
            answer.expect_problem(403, "quota_exceeded");
        }
        let chunks = futures::stream::iter(vec![Ok::<_, std::io::Error>(archive.clone())]);
        if let Some(answer) = imports(&alice, Body::wrap_stream(chunks)).await {
            answer.expect_problem(403, "quota_exceeded");
        }
    }
    comes_below(&app, archive.len()).await;
    for worker in app.workers() {
        worker.terminate().await;
        worker.restart().await;
    }
    assert_eq!(alice.ended(&first).await["succeeded"], 1);
    // It was given back with the archive.
    assert_eq!(alice.imports(archive, "").await["succeeded"], 1);
    app.ends_clean().await;
}

#[in_both_modes]
async fn entries_without_quota_are_not_staged(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app
        .user_with(json!({"name": "alice", "quota_bytes": MIB}))
        .await;
    // Each file has 300 KiB, and one has more than the quota.
    let archive = made_by(
        "with zipfile.ZipFile(path, 'w') as z:\n  \
             for n in range(10): z.writestr(f'{n}.txt', (f'{n} and a few words\\n' * 30000)[:307200])\n  \
             z.writestr('large.txt', 'words ' * 700000)",
    );
    let imported = alice.imports(archive.clone(), "").await;
    assert_eq!(
        (imported["status"].as_str(), imported["succeeded"].as_u64()),
        (Some("completed"), Some(3)),
        "{imported}"
    );
    let failed = alice.item_outcomes(&imported).await;
    let failed = failed
        .iter()
        .filter(|(_, result, code)| result == "failed" && code == "quota_exceeded");
    assert_eq!(failed.count(), 8);
    let used = alice.get("/v1/usage").await.expecting(200)["bytes"].clone();
    assert_eq!(
        (used["used"].as_u64(), used["reserved"].as_u64()),
        (Some(3 * 307_200), Some(0))
    );
    // What is there already is skipped though there is no room for it.
    let again = alice.imports(archive, "?on_conflict=skip").await;
    assert_eq!(
        (again["skipped"].as_u64(), again["failed"].as_u64()),
        (Some(3), Some(8)),
        "{again}"
    );
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

#[in_both_modes]
async fn results_keep_to_their_allowance_and_can_be_deleted(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_RESULT_ALLOWANCE", "1MiB")])
        .start()
        .await;
    let alice = app.user("alice").await;
    for seed in 0..2 {
        alice
            .active("part.bin", pseudo_random(seed, 400 << 10))
            .await;
    }
    let export = json!({"action": "export", "select": {"filter": {}}});
    let first = alice.runs(&export).await;
    assert_eq!(result_of(&first), ("completed", ""));
    for _ in 0..3 {
        let another = alice.runs(&export).await;
        assert_eq!(result_of(&another), ("error", "quota_exceeded"));
        let items = alice.item_outcomes(&another).await;
        assert!(
            items
                .iter()
                .all(|(_, result, code)| (result.as_str(), code.as_str())
                    == ("skipped", "interrupted")),
            "{items:?}"
        );
        alice
            .get(&result_path(&another))
            .await
            .expect_problem(404, "not_found");
    }
    comes_below(&app, MIB).await;
    // A dry run writes nothing.
    let dry = json!({"action": "export", "select": {"filter": {}}, "dry_run": true});
    assert_eq!(result_of(&alice.runs(&dry).await), ("completed", ""));

    let result = result_path(&first);
    app.user("bob")
        .await
        .delete(&result)
        .await
        .expect_problem(404, "not_found");
    let deleting = || {
        alice
            .request(Method::DELETE, &result)
            .header("idempotency-key", "once")
    };
    alice.send(deleting()).await.expecting(204);
    alice.send(deleting()).await.expecting(204);
    alice.delete(&result).await.expect_problem(404, "not_found");
    alice.get(&result).await.expect_problem(404, "not_found");
    assert_eq!(result_of(&alice.runs(&export).await), ("completed", ""));
    app.ends_clean().await;
}

#[in_both_modes]
async fn what_an_archive_has_beside_its_documents_counts_too(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_RESULT_ALLOWANCE", "512KiB")])
        .start()
        .await;
    let alice = app.user("alice").await;
    for seed in 0..60 {
        let noise = STANDARD.encode(pseudo_random(seed, 10_000));
        let document = alice.uploads("tiny.txt", "tiny\n").await;
        let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
        alice
            .patch_json(&path, &json!({"metadata": {"noise": noise}}))
            .await
            .expecting(200);
        alice.settled(&document).await;
    }
    let export = json!({"action": "export", "select": {"filter": {}}});
    assert_eq!(
        result_of(&alice.runs(&export).await),
        ("error", "quota_exceeded")
    );
    let one = alice.get("/v1/documents?limit=1").await.json()["items"][0]["id"].clone();
    let few = json!({"action": "export", "select": {"ids": [one]}});
    assert_eq!(result_of(&alice.runs(&few).await), ("completed", ""));
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

fn allowing(bytes: u64) -> Limits {
    Limits {
        allowances: Allowances {
            staging: Some(ByteSize::new(bytes)),
            results: None,
        },
        ..limits()
    }
}

async fn draws(
    db: &Database,
    owner: UserId,
    holder: u128,
    needed: u64,
    now: Timestamp,
) -> Option<u64> {
    let request = GrantRequest {
        owner,
        holder: Uuid::from_u128(holder),
        needed,
        wanted: needed + 30,
        until: now.plus(LEASE),
        now,
    };
    draw_grant(db, &request, &allowing(100)).await.unwrap()
}

#[on_each_database]
async fn all_processes_together_are_granted_no_more_than_the_allowance(db: &Database) {
    let owner = user(db, "alice").await;
    assert_eq!(draws(db, owner, 1, 20, NOW).await, Some(50));
    assert_eq!(draws(db, owner, 2, 30, NOW).await, Some(50));
    assert_eq!(draws(db, owner, 3, 1, NOW).await, None);
    // One that needs more has it in place of what it had.
    assert_eq!(draws(db, owner, 1, 50, NOW).await, Some(50));
    assert_eq!(draws(db, owner, 1, 51, NOW).await, None);
    let room = upload_room(db, (owner, Uuid::from_u128(1)), &allowing(100), NOW)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (room.staging, room.bytes, room.documents, room.may_fail),
        (50, 1_000, 100, true)
    );
    give_up_grants(db, Uuid::from_u128(2), &[owner])
        .await
        .unwrap();
    assert_eq!(draws(db, owner, 3, 50, NOW).await, Some(50));
}

#[on_each_database]
async fn grants_of_a_process_that_is_gone_come_to_an_end(db: &Database) {
    let owner = user(db, "alice").await;
    assert_eq!(draws(db, owner, 1, 90, NOW).await, Some(100));
    assert_eq!(draws(db, owner, 2, 20, NOW).await, None);
    let later = NOW.plus(LEASE);
    renew_grants(db, Uuid::from_u128(1), later.plus(LEASE), later)
        .await
        .unwrap();
    assert_eq!(draws(db, owner, 2, 20, later).await, None, "it lives");
    assert_eq!(draws(db, owner, 2, 20, later.plus(LEASE)).await, Some(50));
}

#[on_each_database]
async fn many_who_draw_at_once_pass_nothing(db: &Database) {
    let owner = user(db, "alice").await;
    let granted = join_all((0..20).map(|holder| draws(db, owner, holder, 10, NOW))).await;
    let sum: u64 = granted.into_iter().flatten().sum();
    assert_eq!(sum, 100);
}
