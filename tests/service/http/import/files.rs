//! Files of an archive become documents, and hostile archives don't.

use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp};
use tests::archives::{archive_of, made_by};
use tests::in_both_modes;

/// The name of each document, with repetitions.
pub async fn names(client: &Client) -> Vec<String> {
    let all = client.all("/v1/documents?sort=name&limit=200").await;
    let name = |document: &Value| document["name"].as_str().unwrap().to_owned();
    all.iter().map(name).collect()
}

pub fn item(name: &str, result: &str, code: &str) -> (String, String, String) {
    (name.to_owned(), result.to_owned(), code.to_owned())
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
