//! Exports: an archive of many documents, which others can read.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Mode, TestApp, Upload};
use tests::content::{PDF, pseudo_random};
use tests::in_both_modes;

use crate::archives::{active, ended, entries, manifest, operation, result_path};

in_both_modes! {
    async fn an_export_holds_the_bytes_under_safe_names(mode: Mode) {
        let app = TestApp::start(mode).await;
        let alice = app.user("alice").await;
        let large = pseudo_random(7, 3 << 20);
        let text = b"words, words ".repeat(200_000);
        let documents = [
            active(&alice, "report.pdf", PDF).await,
            active(&alice, "Report.PDF", PDF).await,
            active(&alice, "CON", "device").await,
            active(&alice, "large.bin", large).await,
            active(&alice, "text.txt", text).await,
            active(&alice, "empty.txt", "").await,
        ];
        let body = json!({"action": "export", "select": {"filter": {}}});
        let export = operation(&alice, &body).await;
        assert_eq!(export["status"], "completed", "{export}");
        assert_eq!((export["succeeded"].as_u64(), export["total"].as_u64()), (Some(6), Some(6)));

        let answer = alice.get(&result_path(&export)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("content-type"), "application/zip");
        assert!(answer.header("content-disposition").starts_with("attachment; filename=\"export-"));
        let mut found = entries(&answer.body);
        let manifest = manifest(&answer.body);
        found.remove("manifest.json").unwrap();
        let digest = |index: usize| documents[index]["sha256"].as_str().unwrap().to_owned();
        let expected = [
            ("report.pdf", 0), ("Report (2).PDF", 1), ("_CON", 2),
            ("large.bin", 3), ("text.txt", 4), ("empty.txt", 5),
        ];
        let expected = expected.map(|(path, index)| (path.to_owned(), digest(index)));
        assert_eq!(found, BTreeMap::from(expected));
        assert_eq!(manifest["format"], 1);
        assert_eq!(manifest["documents"][1], json!({
            "path": "Report (2).PDF", "name": "Report.PDF", "mime_type": "application/pdf",
            "declared_type": "application/octet-stream", "sha256": digest(1),
            "size_bytes": PDF.len(), "metadata": {}, "versions": [],
        }));

        let part = alice.request(Method::GET, &result_path(&export)).header("range", "bytes=0-3");
        let part = alice.send(part).await;
        assert_eq!((part.status.as_u16(), &part.body[..]), (206, &b"PK\x03\x04"[..]));
        let head = alice.send(alice.request(Method::HEAD, &result_path(&export))).await;
        assert_eq!(head.header("content-length"), answer.body.len().to_string());
        app.ends_clean().await;
    }

    async fn what_can_not_be_read_is_an_item_and_not_a_broken_archive(mode: Mode) {
        let app = TestApp::start(mode).await;
        let (alice, bob) = (app.user("alice").await, app.user("bob").await);
        let kept = active(&alice, "kept.txt", "kept").await;
        let archived = active(&alice, "archived.txt", "archived").await;
        let path = format!("/v1/documents/{}/archive", archived["id"].as_str().unwrap());
        alice.post_json(&path, &json!({})).await.expect_status(200).await;
        let foreign = active(&bob, "foreign.txt", "foreign").await;
        let ids = [&kept, &archived, &foreign].map(|document| document["id"].clone());
        let body = json!({"action": "export", "select": {"ids": ids}});
        let export = operation(&alice, &body).await;
        assert_eq!((export["succeeded"].as_u64(), export["failed"].as_u64()), (Some(1), Some(2)));
        let items = format!("/v1/operations/{}/items", export["id"].as_str().unwrap());
        let items = alice.get(&items).await.expecting(200);
        let codes: Vec<_> = items["items"].as_array().unwrap().iter().map(|item| item["code"].clone()).collect();
        assert_eq!(codes, [Value::Null, json!("not_active"), json!("not_found")]);
        let answer = alice.get(&result_path(&export)).await;
        let names: Vec<_> = entries(&answer.body).into_keys().collect();
        assert_eq!(names, ["kept.txt", "manifest.json"]);
        alice.get(&result_path(&json!({"id": kept["id"]}))).await.expect_problem(404, "not_found");
        bob.get(&result_path(&export)).await.expect_problem(404, "not_found");
        app.ends_clean().await;
    }

    async fn a_dry_run_writes_no_archive(mode: Mode) {
        let app = TestApp::start(mode).await;
        let alice = app.user("alice").await;
        active(&alice, "a.txt", "a").await;
        let body = json!({"action": "export", "select": {"filter": {}}, "dry_run": true});
        let export = operation(&alice, &body).await;
        assert_eq!((export["status"].as_str(), export["succeeded"].as_u64()), (Some("completed"), Some(1)));
        alice.get(&result_path(&export)).await.expect_problem(404, "not_found");
        app.ends_clean().await;
    }

    async fn a_killed_export_begins_again_and_ends_whole(mode: Mode) {
        let app = TestApp::start_with(mode, &[("DOSSIER_LEASE", "2s")]).await;
        let alice = app.user("alice").await;
        for index in 0..12 {
            let upload = Upload::new(&format!("{index}.bin"), pseudo_random(index, 2 << 20));
            alice.try_upload(upload).await.unwrap().expecting(202);
        }
        let body = json!({"action": "export", "select": {"filter": {"status": "active,pending"}}});
        while alice.get("/v1/documents?status=pending").await.expecting(200)["items"] != json!([]) {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let asked = alice.post_json("/v1/operations", &body).await.expect_status(202).await;
        for worker in app.workers() {
            worker.kill().await;
            worker.restart().await;
        }
        let export = ended(&alice, &asked).await;
        assert_eq!((export["status"].as_str(), export["succeeded"].as_u64()), (Some("completed"), Some(12)), "{export}");
        let answer = alice.get(&result_path(&export)).await;
        assert_eq!(entries(&answer.body).len(), 13);
    }
}
