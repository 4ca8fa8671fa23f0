//! What was exported comes back by its manifest.

use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Mode, TestApp, result_path};
use tests::archives::{archive_of, entries, made_by, manifest};
use tests::content::{PDF, pseudo_random};
use tests::in_both_modes;

use super::files::{item, names};

/// What the manifest of an export says of each document that doesn't depend on paths.
fn described(manifest: &Value) -> Vec<Value> {
    let mut documents = manifest["documents"].as_array().unwrap().clone();
    for document in &mut documents {
        document["path"].take();
        for version in document["versions"].as_array_mut().unwrap() {
            version["path"].take();
        }
    }
    documents.sort_by_key(|document| document["name"].to_string());
    documents
}

#[in_both_modes]
async fn one_document_that_a_manifest_describes_badly_harms_no_other(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let archive = made_by(
        r"
import json, hashlib
digest = lambda text: hashlib.sha256(text.encode()).hexdigest()
def document(path, **changes):
    known = {'path': path, 'name': path + '.txt', 'declared_type': 'text/plain', 'sha256': digest(path.encode('utf-8', 'replace').decode()), 'metadata': {'of': path}}
    return {**known, **changes}
version = {'number': 1, 'path': 'older', 'sha256': digest('older')}
documents = [
    document('first'), document('name', name='a\ud800'), document('type', declared_type='\ud800'), document('listed', name=['x']),
    document('number', versions=[{**version, 'number': 1.0}]), document('negative', versions=[{**version, 'number': -1, 'path': 'x'}]),
    document('object', versions={}), document('data', metadata={'a': '\udfff'}), document('\ud800', name='lost'), 7, None,
    document('extra', **{'\ud800': {'\udfff': 1e308}}), document('last', versions=None),
]
with zipfile.ZipFile(path, 'w') as z:
    for name in ['first', 'name', 'type', 'listed', 'number', 'older', 'negative', 'object', 'data', 'extra', 'last', 'plain']: z.writestr(name, name)
    z.writestr('manifest.json', json.dumps({'documents': documents, 'format': 1}))
",
    );
    let imported = alice.imports(archive, "").await;
    assert_eq!(imported["status"], "completed", "{imported}");
    let mut told = alice.item_outcomes(&imported).await;
    told.sort();
    let failed = [
        "data.txt",
        "listed",
        "lost",
        "name",
        "negative.txt",
        "number.txt",
        "object.txt",
        "type.txt",
    ];
    let mut expected: Vec<_> = failed
        .iter()
        .map(|name| item(name, "failed", "invalid"))
        .collect();
    expected.extend([
        item("manifest.json", "failed", "invalid"),
        item("manifest.json", "failed", "invalid"),
    ]);
    expected.extend(
        ["extra.txt", "first.txt", "last.txt", "plain"].map(|name| item(name, "succeeded", "")),
    );
    expected.sort();
    assert_eq!(told, expected);
    let page = alice.get("/v1/documents?sort=name").await.expecting(200);
    let kept: Vec<_> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|document| {
            (
                &document["name"],
                &document["metadata"],
                &document["declared_type"],
            )
        })
        .collect();
    for (kept, name) in kept.iter().zip(["extra", "first", "last"]) {
        assert_eq!(
            *kept,
            (
                &json!(format!("{name}.txt")),
                &json!({"of": name}),
                &json!("text/plain")
            )
        );
    }
    assert_eq!(kept.len(), 4);
    app.ends_clean().await;
}

#[in_both_modes]
async fn what_was_exported_comes_back_with_its_versions(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let report = alice.active("report.pdf", PDF).await;
    alice.active("Report.PDF", pseudo_random(1, 5000)).await;
    alice
        .active("große Datei.bin", pseudo_random(2, 3 << 20))
        .await;
    alice.active("a\u{3a9}:<b>.txt", "some text").await;
    let path = format!("/v1/documents/{}", report["id"].as_str().unwrap());
    alice
        .patch_json(&path, &json!({"metadata": {"year": 2026, "tags": ["a"]}}))
        .await
        .expecting(200);
    for text in ["second", "third"] {
        let request = alice
            .request(Method::PUT, &format!("{path}/content"))
            .header("content-type", "text/plain")
            .header("prefer", "wait=30")
            .body(text);
        let put = alice.send(request).await;
        assert!(put.status.is_success(), "{}", put.text());
    }
    let body = json!({"action": "export", "select": {"filter": {}}, "versions": true});
    let first = alice.runs(&body).await;
    let archive = alice.get(&result_path(&first)).await.body;
    let imported = bob.imports(archive.clone(), "").await;
    assert_eq!(imported["status"], "completed", "{imported}");
    assert_eq!(
        (imported["total"].as_u64(), imported["succeeded"].as_u64()),
        (Some(4), Some(4)),
        "{imported} {:?}",
        bob.item_outcomes(&imported).await
    );
    assert_eq!(names(&bob).await, names(&alice).await);

    let second = bob.runs(&body).await;
    let again = bob.get(&result_path(&second)).await.body;
    assert_eq!(described(&manifest(&again)), described(&manifest(&archive)));
    let digests = |archive| {
        let mut entries = entries(archive);
        entries.remove("manifest.json");
        let mut digests: Vec<_> = entries.into_values().collect();
        digests.sort();
        digests
    };
    assert_eq!(digests(&again), digests(&archive));
    assert_eq!(digests(&archive).len(), 6);
    app.ends_clean().await;
}

#[in_both_modes]
async fn what_is_very_dense_comes_back_within_the_limits_of_imports(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let zeros = alice.active("zeros.bin", vec![0; 50 << 20]).await;
    let small = alice.active("small.bin", vec![0; 1 << 20]).await;
    let export = alice
        .runs(&json!({"action": "export", "select": {"filter": {}}}))
        .await;
    let archive = alice.get(&result_path(&export)).await.body;
    assert!(archive.len() < 2 << 20, "{}", archive.len());
    let found = entries(&archive);
    assert_eq!(
        (&json!(found["zeros.bin"]), &json!(found["small.bin"])),
        (&zeros["sha256"], &small["sha256"])
    );
    let imported = bob.imports(archive, "").await;
    assert_eq!(
        (&imported["status"], &imported["succeeded"]),
        (&json!("completed"), &json!(2)),
        "{imported}"
    );
    let page = bob.get("/v1/documents?sort=name").await.expecting(200);
    assert_eq!(page["items"][1]["sha256"], zeros["sha256"]);
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_version_that_fails_among_others_fails_its_item(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_BLOCKED_TYPES", "text/html")])
        .start()
        .await;
    let alice = app.user("alice").await;
    let archive = made_by("
import json, hashlib
text, page = b'just some words', b'<!DOCTYPE html><html><body>a page</body></html>'
documents = []
with zipfile.ZipFile(path, 'w') as z:
  for name, contents in (('fine', (text, text)), ('former', (page, text)), ('last', (text, page)), ('all', (page, page))):
    paths = (f'versions/1/{name}.txt', f'{name}.txt')
    versions = []
    for number, (place, content) in enumerate(zip(paths, contents)):
      z.writestr(place, content + str(number).encode())
      digest = hashlib.sha256(content + str(number).encode()).hexdigest()
      versions.append({'number': number + 1, 'path': place, 'mime_type': 'text/plain', 'declared_type': None,
        'sha256': digest, 'size_bytes': len(content) + 1})
    documents.append({**versions[1], 'name': name + '.txt', 'metadata': {}, 'versions': versions})
    del documents[-1]['number']
  z.writestr('manifest.json', json.dumps({'format': 1, 'documents': documents}))");
    let imported = alice.imports(archive, "").await;
    let mut told: Vec<_> = alice
        .items_of(&imported)
        .await
        .into_iter()
        .map(|item| {
            [
                &item["name"],
                &item["result"],
                &item["code"],
                &item["detail"],
            ]
            .map(|text| text.as_str().unwrap_or_default().to_owned())
        })
        .collect();
    told.sort();
    let refused = "type_not_allowed";
    let why = &told[0][3].strip_prefix("Version 2: ").unwrap().to_owned();
    assert_eq!(
        told,
        [
            ["all.txt", "failed", refused, &format!("Version 2: {why}")],
            ["fine.txt", "succeeded", "", ""],
            [
                "former.txt",
                "failed",
                refused,
                &format!("Version 1: {why}")
            ],
            ["last.txt", "failed", refused, &format!("Version 2: {why}")],
        ]
    );
    // What passed is there all the same.
    let page = alice.get("/v1/documents?sort=name").await.expecting(200);
    let documents = page["items"].as_array().unwrap().iter();
    let versions: Vec<_> = documents
        .map(|document| document["version"].as_u64())
        .collect();
    assert_eq!(versions, [None, Some(2), Some(2), Some(1)]);
    app.ends_clean().await;
}

#[in_both_modes]
async fn what_a_deleted_user_exported_is_removed(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    alice.imports(archive_of(&[("a.txt", "a")]), "").await;
    alice
        .runs(&json!({"action": "export", "select": {"filter": {}}}))
        .await;
    let path = format!("/v1/admin/users/{}", alice.user.as_deref().unwrap());
    app.admin().delete(&path).await.expecting(204);
    app.ends_clean().await;
}
