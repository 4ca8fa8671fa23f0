//! What archives of imports and exports take of the disk: bounded by two allowances.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::{Body, Method};
use serde_json::json;
use tests::app::{Mode, TestApp, result_path};
use tests::archives::made_by;
use tests::content::pseudo_random;
use tests::in_both_modes;

use super::disk_use::{MIB, comes_below, imports, result_of};

/// An archive with one file, which can't be packed.
fn archive_of_random(bytes: usize) -> Bytes {
    made_by(&format!(
        "import random\nwith zipfile.ZipFile(path, 'w') as z: z.writestr('a.bin', random.Random(7).randbytes({bytes}))"
    ))
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
