//! Imports: files of an archive become documents, and hostile archives don't.

use std::time::Duration;

use futures::StreamExt;
use reqwest::Method;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp, result_path};
use tests::archives::{archive_of, entries, made_by, manifest};
use tests::content::{PDF, pseudo_random};
use tests::in_both_modes;
use tests::poll::wait_until;

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

async fn names(client: &Client) -> Vec<String> {
    let page = client
        .get("/v1/documents?sort=name&limit=200")
        .await
        .expecting(200);
    let documents = page["items"].as_array().unwrap().iter();
    documents
        .map(|document| document["name"].as_str().unwrap().to_owned())
        .collect()
}

fn item(name: &str, result: &str, code: &str) -> (String, String, String) {
    (name.to_owned(), result.to_owned(), code.to_owned())
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
async fn each_file_is_a_document_and_bad_ones_are_told(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let archive = made_by(
        "
link = zipfile.ZipInfo('link')
link.external_attr = 0o120777 << 16
with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as z:
  z.writestr('folder/', '')
  z.writestr('folder/a.txt', 'good')
  z.writestr('../../evil.txt', 'evil')
  z.writestr('/etc/passwd', 'evil')
  z.writestr(link, '/etc/passwd')
  z.writestr('Twin.txt', 'one')
  z.writestr('twin.TXT', 'two')
  z.writestr('Twin.txt', 'three')
  z.writestr('broken.txt', 'this content is changed afterwards', zipfile.ZIP_STORED)
  z.writestr('secret.txt', 'secret')
  z.writestr('last.txt', 'last')
data = bytearray(open(path, 'rb').read())
at = data.index(b'this content'); data[at] = 0
for mark, flags in ((b'PK\\x01\\x02', 8), (b'PK\\x03\\x04', 6)):
  name = 46 if flags == 8 else 30
  at = 0
  while (at := data.find(mark, at)) >= 0:
    if data[at + name:at + name + 10] == b'secret.txt': data[at + flags] |= 1
    at += 4
open(path, 'wb').write(data)",
    );
    let imported = alice.imports(archive, "").await;
    assert_eq!(imported["status"], "completed", "{imported}");
    assert_eq!(
        alice.item_outcomes(&imported).await,
        [
            item("a.txt", "succeeded", ""),
            item("../../evil.txt", "failed", "unsafe_name"),
            item("/etc/passwd", "failed", "unsafe_name"),
            item("link", "failed", "not_a_file"),
            item("Twin.txt", "succeeded", ""),
            item("twin.TXT", "failed", "duplicate_entry"),
            item("Twin.txt", "failed", "duplicate_entry"),
            item("broken.txt", "failed", "broken_entry"),
            item("secret.txt", "failed", "encrypted"),
            item("last.txt", "succeeded", ""),
        ]
    );
    assert_eq!(
        (imported["succeeded"].as_u64(), imported["failed"].as_u64()),
        (Some(3), Some(7))
    );
    assert_eq!(names(&alice).await, ["Twin.txt", "a.txt", "last.txt"]);
    app.ends_clean().await;
}

#[in_both_modes]
async fn files_are_judged_by_what_they_are_as_uploads_are(mode: Mode) {
    let settings = [
        ("DOSSIER_BLOCKED_TYPES", "text/html"),
        ("DOSSIER_TYPE_MISMATCH", "reject"),
    ];
    let app = TestApp::builder(mode).settings(&settings).start().await;
    let alice = app.user("alice").await;
    let page = "<!DOCTYPE html><html><body><script>alert(1)</script></body></html>";
    let archive = archive_of(&[
        ("words.txt", "just some words\n"),
        ("page.html", page),
        (
            "picture.png",
            "%PDF-1.4\n1 0 obj\n<</Type/Catalog>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n",
        ),
    ]);
    let imported = alice.imports(archive, "").await;
    assert_eq!(
        alice.item_outcomes(&imported).await,
        [
            item("words.txt", "succeeded", ""),
            item("page.html", "failed", "type_not_allowed"),
            item("picture.png", "failed", "type_mismatch"),
        ]
    );
}

#[in_both_modes]
async fn an_archive_that_attacks_is_refused_as_a_whole(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[
            ("DOSSIER_IMPORT_MAX_ENTRIES", "10"),
            ("DOSSIER_IMPORT_MAX_BYTES", "1MiB"),
        ])
        .start()
        .await;
    let alice = app.user("alice").await;
    let bomb = made_by(
        "
with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as z: z.writestr('bomb', b'0' * 1000000)",
    );
    let large = made_by(
        "
with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as z:
  for i in range(3): z.writestr(str(i), b'0123456789' * 50000)",
    );
    let overlap = made_by(
        "
with zipfile.ZipFile(path, 'w') as z:
  z.writestr('a', b'the same bytes'); z.writestr('b', b'the same bytes')
data = bytearray(open(path, 'rb').read())
second = data.rindex(b'PK\\x01\\x02')
data[second + 42:second + 46] = bytes(4)
open(path, 'wb').write(data)",
    );
    let lying = made_by(
        "
with zipfile.ZipFile(path, 'w') as z: z.writestr('a', b'x'); z.writestr('b', b'y')
data = bytearray(open(path, 'rb').read())
data[-12] = 1; data[-14] = 1
open(path, 'wb').write(data)",
    );
    let split = made_by(
        "
with zipfile.ZipFile(path, 'w') as z: z.writestr('a', b'x')
data = bytearray(open(path, 'rb').read())
data[-18] = 1
open(path, 'wb').write(data)",
    );
    let many: Vec<_> = (0..11).map(|index| (format!("{index}.txt"), "x")).collect();
    let many: Vec<_> = many
        .iter()
        .map(|(name, text)| (name.as_str(), *text))
        .collect();
    for (archive, code) in [
        (bomb, "ratio_exceeded"),
        (large, "too_large"),
        (overlap, "overlapping_entries"),
        (lying, "broken_archive"),
        (split, "split_archive"),
        (archive_of(&many), "too_many_entries"),
        ("not an archive".into(), "not_an_archive"),
        ("".into(), "not_an_archive"),
    ] {
        let imported = alice.imports(archive, "").await;
        assert_eq!(imported["status"], "error", "{imported}");
        assert_eq!(imported["error"]["code"], code, "{imported}");
        assert_eq!(imported["total"], 0);
    }
    assert_eq!(names(&alice).await, Vec::<String>::new());
    app.ends_clean().await;
}

#[in_both_modes]
async fn names_that_are_taken_are_treated_as_was_asked(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let there = alice.active("a.txt", "first").await;
    let archive = archive_of(&[("a.txt", "second"), ("x/b.txt", "b"), ("y/b.txt", "b too")]);
    let skip = alice.imports(archive.clone(), "?on_conflict=skip").await;
    assert_eq!(
        alice.item_outcomes(&skip).await,
        [
            item("a.txt", "skipped", "name_taken"),
            item("b.txt", "succeeded", ""),
            item("b.txt", "skipped", "name_taken"),
        ]
    );
    let fail = alice.imports(archive.clone(), "?on_conflict=fail").await;
    assert_eq!(
        (fail["failed"].as_u64(), fail["status"].as_str()),
        (Some(3), Some("completed"))
    );
    let rename = alice.imports(archive.clone(), "").await;
    assert_eq!(
        alice.item_outcomes(&rename).await,
        [
            item("a (2).txt", "succeeded", ""),
            item("b (2).txt", "succeeded", ""),
            item("b (3).txt", "succeeded", ""),
        ]
    );
    let version = alice
        .imports(archive.clone(), "?on_conflict=new_version")
        .await;
    assert_eq!(version["succeeded"], 3, "{version}");
    let path = format!("/v1/documents/{}", there["id"].as_str().unwrap());
    let there = alice.get(&path).await.expecting(200);
    assert_eq!(
        (there["version"].as_u64(), there["latest_version"].as_u64()),
        (Some(2), Some(2))
    );
    assert_eq!(alice.downloads(&there).await, "second");
    assert_eq!(
        names(&alice).await,
        ["a (2).txt", "a.txt", "b (2).txt", "b (3).txt", "b.txt"]
    );
    let wrong = alice
        .request(Method::POST, "/v1/operations/import?on_conflict=burn")
        .body("x");
    alice.send(wrong).await.expect_problem(422, "invalid");
    app.ends_clean().await;
}

#[in_both_modes]
async fn what_does_not_fit_into_the_quota_fails_alone(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app
        .user_with(json!({"name": "alice", "quota_documents": 2}))
        .await;
    let archive = archive_of(&[("a.txt", "a"), ("b.txt", "b"), ("c.txt", "c")]);
    let imported = alice.imports(archive, "").await;
    assert_eq!(
        alice.item_outcomes(&imported).await,
        [
            item("a.txt", "succeeded", ""),
            item("b.txt", "succeeded", ""),
            item("c.txt", "failed", "quota_exceeded"),
        ]
    );
    app.ends_clean().await;
}

#[in_both_modes]
async fn an_import_that_is_sent_again_is_answered_again(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let archive = archive_of(&[("a.txt", "a")]);
    let send = |archive: bytes::Bytes| {
        let request = alice
            .request(Method::POST, "/v1/operations/import")
            .header("idempotency-key", "one")
            .header("content-type", "application/zip")
            .body(archive);
        alice.send(request)
    };
    let first = send(archive.clone()).await.expecting(202);
    let again = send(archive).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.expecting(202)["id"], first["id"]);
    send(archive_of(&[("b.txt", "b")]))
        .await
        .expect_problem(422, "idempotency_key_reused");
    alice.ended(&first).await;
    assert_eq!(names(&alice).await, ["a.txt"]);
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_killed_import_goes_on_and_takes_each_file_in_once(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_LEASE", "2s")])
        .start()
        .await;
    let alice = app.user("alice").await;
    let files: Vec<_> = (0..700)
        .map(|index| (format!("{index:03}.txt"), format!("text {index}")))
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let begun = alice
        .begins_import(archive_of(&files), "?on_conflict=fail")
        .await;
    for round in 0..3 {
        // The kill comes at another moment of the work each time.
        tokio::time::sleep(Duration::from_millis(150 * (round + 1))).await;
        for worker in app.workers() {
            worker.kill().await;
            worker.restart().await;
        }
    }
    let imported = alice.ended(&begun).await;
    assert_eq!(
        (imported["status"].as_str(), imported["succeeded"].as_u64()),
        (Some("completed"), Some(700)),
        "{imported}"
    );
}

#[in_both_modes]
async fn a_cancelled_import_leaves_the_rest_out(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let files: Vec<_> = (0..600)
        .map(|index| (format!("{index:03}.txt"), format!("text {index}")))
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let begun = alice.begins_import(archive_of(&files), "").await;
    let path = format!("/v1/operations/{}/cancel", begun["id"].as_str().unwrap());
    alice
        .post_json(&path, &json!({}))
        .await
        .expect_status(202)
        .await;
    let imported = alice.ended(&begun).await;
    assert_eq!(imported["status"], "cancelled", "{imported}");
    let count = |name: &str| imported[name].as_u64().unwrap();
    assert_eq!(count("succeeded") + count("skipped"), count("total"));
    assert_eq!(
        names(&alice).await.len() as u64,
        count("succeeded").min(200)
    );
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_large_import_does_not_hold_up_others(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let files: Vec<_> = (0..3000)
        .map(|index| (format!("{index:04}.txt"), format!("text {index}")))
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let begun = alice.begins_import(archive_of(&files), "").await;
    let path = format!("/v1/operations/{}", begun["id"].as_str().unwrap());
    while alice.get("/v1/documents?limit=1").await.expecting(200)["items"] == json!([]) {
        tokio::task::yield_now().await;
    }
    bob.active("single.txt", "single").await;
    let operation = alice.get(&path).await.expecting(200);
    assert_eq!(
        operation["status"], "running",
        "the import was over before: {operation}"
    );
    let imported = alice.ended(&begun).await;
    assert_eq!(imported["succeeded"], 3000, "{imported}");
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

/// So many objects are in storage.
async fn kept(app: &TestApp) -> usize {
    let objects = app.places().await.store().list(None).await.unwrap();
    objects.count().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_have_been_taken_in_is_not_removed_when_an_import_is_cut_off() {
    let settings = [("DOSSIER_GRACE", "1s"), ("DOSSIER_LEASE", "2s")];
    let app = Box::pin(
        TestApp::builder(Mode::Distributed)
            .settings(&settings)
            .start(),
    )
    .await;
    let alice = app.user("alice").await;
    let db = app.database().await;
    // Documents can be read, but not added: the transaction that takes the files in stands still.
    let others = db.begin().await.unwrap();
    let hold = "LOCK TABLE documents IN SHARE MODE";
    others.execute_unprepared(hold).await.unwrap();
    let archive = archive_of(&[("a.txt", "one text"), ("b.txt", "another text")]);
    let begun = alice.begins_import(archive, "").await;
    let waiting = "SELECT count(*) FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let waits = async || app.number(waiting).await > 0;
    wait_until(Duration::from_mins(1), "the transaction waits", waits).await;
    assert_eq!(kept(&app).await, 3, "the archive and two files");
    for worker in app.workers() {
        worker.terminate().await;
    }
    assert_eq!(kept(&app).await, 3, "rows may refer to the files");
    others.rollback().await.unwrap();
    for worker in app.workers() {
        worker.restart().await;
    }
    let imported = alice.ended(&begun).await;
    assert_eq!(imported["succeeded"], 2, "{imported}");
    assert_eq!(names(&alice).await, ["a.txt", "b.txt"]);
    // Those of the first attempt are strays now, for the cleanup.
    app.ends_whole(2).await;
}
