//! Memory while archives are read: what is hostile in one takes no more of it than what isn't.

use bytes::Bytes;
use futures::future::join_all;
use serde_json::json;
use tests::app::{Mode, TestApp};
use tests::archives::made_by;
use tests::in_both_modes;

/// What four hostile archives at once may add to the resident memory of a process, at its
/// peak. Each of them unpacks to about 10 MiB of JSON, which as values is many times that.
const ALLOWED_RISE: u64 = 128 << 20;

/// An archive of many small files, so that a long manifest can be believed, with a manifest
/// that `program` writes into `text`, and bytes that can't be packed beside it.
fn archive_with(program: &str) -> Bytes {
    made_by(&format!(
        "
import os
{program}
with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as z:
  for index in range(400): z.writestr(f'{{index}}.txt', 'x')
  z.writestr('filler.bin', os.urandom(1 << 20))
  z.writestr('manifest.json', text)"
    ))
}

fn hostile() -> [Bytes; 8] {
    let document = "'path': '0.txt', 'name': 'a.txt', 'mime_type': 'text/plain', 'sha256': '0', 'size_bytes': 1"
        .replace('\'', "\"");
    let within = |start: &str, repeated: &str, end: &str| {
        archive_with(&format!(
            "text = '{{\"format\":1,\"documents\":[{{{document}{start}' + '{repeated}' * ((10 << 20) // {}) + '{end}}}]}}'",
            repeated.len()
        ))
    };
    [
        within(",\"metadata\":{\"a\":[0", ",0", "]}"),
        within(",\"metadata\":{\"a\":1", ",\"a\":{}", "}"),
        within(
            ",\"versions\":[",
            "{\"number\":1,\"path\":\"\",\"sha256\":\"\"},",
            "]",
        ),
        within("", ",\"x\":[]", ""),
        within(",\"declared_type\":\"", "long ", "\""),
        within(",\"metadata\":", "[", ""),
        archive_with("text = '{\"format\":1,' + '\"x\":{},' * (3 << 19) + '\"documents\":[]}'"),
        archive_with(
            "text = '{\"format\":1,\"documents\":[' + '{\"path\":\"\",\"name\":\"\",\"sha256\":\"\"},' * (1 << 18) + ']}'",
        ),
    ]
}

#[in_both_modes]
async fn hostile_manifests_take_no_more_memory_than_others(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    // The first one warms everything up.
    let small = archive_with("text = '{}'");
    assert_eq!(alice.imports(small, "").await["succeeded"], 402);
    let processes: Vec<_> = std::iter::once(app.ingress())
        .chain(app.workers())
        .collect();
    let before: Vec<_> = processes
        .iter()
        .map(|process| process.resident_memory().0)
        .collect();
    for archives in hostile().chunks(4) {
        let mut users = Vec::new();
        for archive in archives {
            users.push(app.user(&format!("{:p}", archive.as_ptr())).await);
        }
        let begun = users
            .iter()
            .zip(archives)
            .map(|(user, archive)| user.begins_import(archive.clone(), ""));
        let begun = join_all(begun).await;
        for (user, begun) in users.iter().zip(begun) {
            let imported = user.ended(&begun).await;
            assert_eq!(
                (&imported["status"], &imported["total"]),
                (&json!("completed"), &json!(402)),
                "{imported}"
            );
            // A manifest that isn't believed is a file like others.
            assert_eq!(
                imported["failed"],
                0,
                "{:?}",
                user.item_outcomes(&imported).await
            );
        }
    }
    for (process, before) in processes.iter().zip(before) {
        let (_, peak) = process.resident_memory();
        let rise = peak.saturating_sub(before);
        println!(
            "{mode:?}: {} MiB before, {} MiB more at the peak",
            before >> 20,
            rise >> 20
        );
        assert!(
            rise < ALLOWED_RISE,
            "resident memory rose by {} MiB",
            rise >> 20
        );
    }
}

#[in_both_modes]
async fn what_a_manifest_says_of_one_document_does_not_harm_the_others(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let archive = made_by("
import json, hashlib
digest = hashlib.sha256(b'x').hexdigest()
described = lambda path, **more: {'path': path, 'name': path, 'mime_type': 'text/plain', 'sha256': digest, 'size_bytes': 1, **more}
documents = [
  described('fine.txt', metadata={'a': 'ä', 'b': [1, 2]}, unknown=[{}]),
  described('gone.txt'),
  described('metadata.txt', metadata={str(i): i for i in range(65)}),
  described('list.txt', metadata=[1]),
  described('long.txt', metadata={'a': ' ' * 200000}),
  described('digest.txt', sha256='f' * 1000),
  {**described('name.txt'), 'name': 'a/b'},
]
with zipfile.ZipFile(path, 'w') as z:
  for name in ('fine', 'metadata', 'list', 'long', 'digest', 'name', 'plain'): z.writestr(f'{name}.txt', 'x')
  z.writestr('manifest.json', json.dumps({'other': {'format': 2}, 'documents': documents, 'format': 1}, indent=2))");
    let imported = alice.imports(archive, "").await;
    let told = |name: &str, result: &str, code: &str| {
        (name.to_owned(), result.to_owned(), code.to_owned())
    };
    assert_eq!(
        alice.item_outcomes(&imported).await,
        [
            told("fine.txt", "succeeded", ""),
            told("metadata.txt", "failed", "invalid"),
            told("list.txt", "failed", "invalid"),
            told("long.txt", "failed", "invalid"),
            told("digest.txt", "failed", "digest_mismatch"),
            told("a/b", "failed", "unsafe_name"),
            told("plain.txt", "succeeded", ""),
        ]
    );
    let page = alice.get("/v1/documents?name=fine").await.expecting(200);
    assert_eq!(page["items"][0]["metadata"], json!({"a": "ä", "b": [1, 2]}));
    app.ends_clean().await;
}
