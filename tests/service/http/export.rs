//! Exports: an archive of many documents, which others can read.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::TryStreamExt;
use queue::JobKind;
use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Mode, TestApp, Upload, result_path};
use tests::archives::{entries, manifest, unzips};
use tests::content::{PDF, pseudo_random};
use tests::in_both_modes;
use tests::objects::{key_of, location, puts};
use tests::poll::wait_until;

#[in_both_modes]
async fn an_export_holds_the_bytes_under_safe_names(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let large = pseudo_random(7, 3 << 20);
    let text = b"words, words ".repeat(200_000);
    let documents = [
        alice.active("report.pdf", PDF).await,
        alice.active("Report.PDF", PDF).await,
        alice.active("CON", "device").await,
        alice.active("large.bin", large).await,
        alice.active("text.txt", text).await,
        alice.active("empty.txt", "").await,
    ];
    let body = json!({"action": "export", "select": {"filter": {}}});
    let export = alice.runs(&body).await;
    assert_eq!(export["status"], "completed", "{export}");
    assert_eq!(
        (export["succeeded"].as_u64(), export["total"].as_u64()),
        (Some(6), Some(6))
    );

    let answer = alice.get(&result_path(&export)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/zip");
    assert!(
        answer
            .header("content-disposition")
            .starts_with("attachment; filename=\"export-")
    );
    let mut found = entries(&answer.body);
    let manifest = manifest(&answer.body);
    found.remove("manifest.json").unwrap();
    let digest = |index: usize| documents[index]["sha256"].as_str().unwrap().to_owned();
    let expected = [
        ("report.pdf", 0),
        ("Report (2).PDF", 1),
        ("_CON", 2),
        ("large.bin", 3),
        ("text.txt", 4),
        ("empty.txt", 5),
    ];
    let expected = expected.map(|(path, index)| (path.to_owned(), digest(index)));
    assert_eq!(found, BTreeMap::from(expected));
    assert_eq!(manifest["format"], 1);
    assert_eq!(
        manifest["documents"][1],
        json!({
            "path": "Report (2).PDF", "name": "Report.PDF", "mime_type": "application/pdf",
            "declared_type": "application/octet-stream", "sha256": digest(1),
            "size_bytes": PDF.len(), "metadata": {}, "versions": [],
        })
    );

    let part = alice
        .request(Method::GET, &result_path(&export))
        .header("range", "bytes=0-3");
    let part = alice.send(part).await;
    assert_eq!(
        (part.status.as_u16(), &part.body[..]),
        (206, &b"PK\x03\x04"[..])
    );
    let head = alice
        .send(alice.request(Method::HEAD, &result_path(&export)))
        .await;
    assert_eq!(head.header("content-length"), answer.body.len().to_string());
    app.ends_clean().await;
}

#[in_both_modes]
async fn what_can_not_be_read_is_an_item_and_not_a_broken_archive(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let kept = alice.active("kept.txt", "kept").await;
    let archived = alice.active("archived.txt", "archived").await;
    let path = format!("/v1/documents/{}/archive", archived["id"].as_str().unwrap());
    alice
        .post_json(&path, &json!({}))
        .await
        .expect_status(200)
        .await;
    let foreign = bob.active("foreign.txt", "foreign").await;
    let ids = [&kept, &archived, &foreign].map(|document| document["id"].clone());
    let body = json!({"action": "export", "select": {"ids": ids}});
    let export = alice.runs(&body).await;
    assert_eq!(
        (export["succeeded"].as_u64(), export["failed"].as_u64()),
        (Some(1), Some(2))
    );
    let items = format!("/v1/operations/{}/items", export["id"].as_str().unwrap());
    let items = alice.get(&items).await.expecting(200);
    let codes: Vec<_> = items["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["code"].clone())
        .collect();
    assert_eq!(
        codes,
        [Value::Null, json!("not_active"), json!("not_found")]
    );
    let answer = alice.get(&result_path(&export)).await;
    let names: Vec<_> = entries(&answer.body).into_keys().collect();
    assert_eq!(names, ["kept.txt", "manifest.json"]);
    alice
        .get(&result_path(&json!({"id": kept["id"]})))
        .await
        .expect_problem(404, "not_found");
    bob.get(&result_path(&export))
        .await
        .expect_problem(404, "not_found");
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_dry_run_writes_no_archive(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    alice.active("a.txt", "a").await;
    let body = json!({"action": "export", "select": {"filter": {}}, "dry_run": true});
    let export = alice.runs(&body).await;
    assert_eq!(
        (export["status"].as_str(), export["succeeded"].as_u64()),
        (Some("completed"), Some(1))
    );
    alice
        .get(&result_path(&export))
        .await
        .expect_problem(404, "not_found");
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_result_is_there_once_it_is_whole_and_for_a_day(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    alice.active("a.txt", "a").await;
    let archive = json!({"action": "archive", "select": {"ids": []}});
    let other = alice.runs(&archive).await;
    alice
        .get(&result_path(&other))
        .await
        .expect_problem(404, "not_found");
    let export = alice
        .runs(&json!({"action": "export", "select": {"filter": {}}}))
        .await;
    let path = result_path(&export);
    let kept =
        "SELECT count(*) FROM operations WHERE result_expires_at = finished_at + 86400000000";
    assert_eq!(app.number(kept).await, 1);
    assert_eq!(alice.get(&path).await.status, 200);
    for (status, finished) in [("pending", "NULL"), ("running", "created_at")] {
        app.tampers(&format!(
                "UPDATE operations SET status = '{status}', started_at = {finished}, finished_at = NULL WHERE action = 'export'"
            )).await;
        alice.get(&path).await.expect_problem(409, "not_ready");
    }
    app.tampers(
        "UPDATE operations SET status = 'completed', started_at = created_at, \
            finished_at = result_expires_at - 86400000000 WHERE action = 'export'",
    )
    .await;
    assert_eq!(alice.get(&path).await.status, 200);
    app.works_off(JobKind::ExpireArchives).await;
    assert_eq!(alice.get(&path).await.status, 200);

    app.tampers("UPDATE operations SET created_at = created_at - 86400000000, started_at = started_at - 86400000000, \
            finished_at = finished_at - 86400000000, result_expires_at = result_expires_at - 86400000000 \
            WHERE action = 'export'").await;
    alice.get(&path).await.expect_problem(404, "not_found");
    app.works_off(JobKind::ExpireArchives).await;
    alice.get(&path).await.expect_problem(404, "not_found");
    let left = app
        .number("SELECT count(*) FROM operations WHERE result_url IS NOT NULL")
        .await;
    assert_eq!(left, 0);
    let told = alice
        .get(&format!(
            "/v1/operations/{}",
            export["id"].as_str().unwrap()
        ))
        .await
        .expecting(200);
    assert_eq!(
        (&told["status"], &told["succeeded"]),
        (&json!("completed"), &json!(1))
    );
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_document_whose_bytes_are_gone_or_changed_is_left_out_of_a_whole_archive(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let large = |seed| pseudo_random(seed, 3 << 20);
    let mut documents = vec![alice.active("first.txt", "first").await];
    for (index, name) in ["gone", "changed", "cut"].into_iter().enumerate() {
        let seed = index as u64;
        documents.push(
            alice
                .active(
                    &format!("small {name}.bin"),
                    pseudo_random(10 + seed, 5_000),
                )
                .await,
        );
        documents.push(
            alice
                .active(&format!("large {name}.bin"), large(20 + seed))
                .await,
        );
    }
    documents.push(alice.active("last.bin", large(9)).await);
    let places = app.places().await;
    for document in &documents {
        let url = location(&app, document).await;
        let bytes = places.open(&url, None).await.unwrap();
        let bytes: Vec<bytes::Bytes> = bytes.try_collect().await.unwrap();
        let mut bytes = bytes.concat();
        let middle = bytes.len() / 2;
        let name = document["name"].as_str().unwrap();
        if name.contains("gone") {
            app.loses(&url).await;
        } else if name.contains("changed") {
            bytes[middle] ^= 1;
            puts(&**places.store(), key_of(&places, &url), bytes).await;
        } else if name.contains("cut") {
            puts(
                &**places.store(),
                key_of(&places, &url),
                bytes[..middle].to_vec(),
            )
            .await;
        }
    }
    let ids: Vec<_> = documents
        .iter()
        .map(|document| document["id"].clone())
        .collect();
    let export = alice
        .runs(&json!({"action": "export", "select": {"ids": ids}}))
        .await;
    assert_eq!(export["status"], "completed", "{export}");
    let codes: Vec<_> = alice
        .item_outcomes(&export)
        .await
        .into_iter()
        .map(|(_, _, code)| code)
        .collect();
    let (gone, changed) = ("not_found", "digest_mismatch");
    assert_eq!(
        codes,
        ["", gone, gone, changed, changed, changed, changed, ""]
    );
    let answer = alice.get(&result_path(&export)).await;
    let found: Vec<_> = entries(&answer.body).into_keys().collect();
    assert_eq!(found, ["first.txt", "last.bin", "manifest.json"]);
    unzips(&answer.body);
    let described = manifest(&answer.body)["documents"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(described, 2);
}

#[in_both_modes]
async fn a_document_with_more_versions_than_an_archive_has_room_for_is_left_out(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let many = alice.active("many.txt", "many").await;
    alice.active("one.txt", "one").await;
    let (id, numbers) = match mode {
        Mode::Distributed => (
            "gen_random_uuid()",
            "SELECT CAST(n AS bigint) AS n FROM generate_series(2, 100001) AS n",
        ),
        Mode::Embedded => (
            "randomblob(16)",
            "WITH RECURSIVE counted (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM counted WHERE n < 100001) SELECT n FROM counted",
        ),
    };
    let document = many["id"].as_str().unwrap().parse::<uuid::Uuid>().unwrap();
    let document = match mode {
        Mode::Distributed => format!("'{document}'"),
        Mode::Embedded => format!("unhex('{}')", document.simple()),
    };
    app.tampers(&format!(
            "INSERT INTO versions (id, document_id, owner_id, number, status, name, declared_type, mime_type, \
             type_mismatch, size_bytes, sha256, blob_id, created_at, settled_at) \
             SELECT {id}, document_id, owner_id, n, status, name, declared_type, mime_type, type_mismatch, \
             size_bytes, sha256, blob_id, created_at, settled_at FROM versions, ({numbers}) AS counted \
             WHERE versions.document_id = {document}"
        )).await;
    for dry in [true, false] {
        let body =
            json!({"action": "export", "select": {"filter": {}}, "versions": true, "dry_run": dry});
        let export = alice.runs(&body).await;
        let mut told = alice.item_outcomes(&export).await;
        told.sort();
        let item = |name: &str, result: &str, code: &str| {
            (name.to_owned(), result.to_owned(), code.to_owned())
        };
        assert_eq!(
            told,
            [
                item("many.txt", "failed", "archive_full"),
                item("one.txt", "succeeded", "")
            ]
        );
    }
}

#[in_both_modes]
async fn a_killed_export_begins_again_and_ends_whole(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_LEASE", "2s")])
        .start()
        .await;
    let alice = app.user("alice").await;
    for index in 0..12 {
        let upload = Upload::new(&format!("{index}.bin"), pseudo_random(index, 2 << 20));
        alice.try_upload(upload).await.unwrap().expecting(202);
    }
    let body = json!({"action": "export", "select": {"filter": {"status": "active,pending"}}});
    wait_until(Duration::from_mins(1), "all are settled", async || {
        let pending = alice.get("/v1/documents?status=pending").await;
        pending.expecting(200)["items"] == json!([])
    })
    .await;
    let asked = alice
        .post_json("/v1/operations", &body)
        .await
        .expect_status(202)
        .await;
    for worker in app.workers() {
        worker.kill().await;
        worker.restart().await;
    }
    let export = alice.ended(&asked).await;
    assert_eq!(
        (export["status"].as_str(), export["succeeded"].as_u64()),
        (Some("completed"), Some(12)),
        "{export}"
    );
    let answer = alice.get(&result_path(&export)).await;
    assert_eq!(entries(&answer.body).len(), 13);
}
