//! Archives in which names meet: numbers for those that are taken, and names that the manifest
//! gives back.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;
use tests::app::{Mode, TestApp, result_path};
use tests::archives::{archive_of, made_by};
use tests::in_both_modes;

use super::files::{item, names};

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
async fn names_of_full_length_get_a_number(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let long = [
        format!("a.{}", "x".repeat(253)),
        format!("{}.txt", "y".repeat(251)),
        "ä".repeat(255),
        format!("{}.{}", "z".repeat(127), "w".repeat(127)),
    ];
    let files: Vec<_> = long
        .iter()
        .flat_map(|name| ["1", "2", "3"].map(|folder| (format!("{folder}/{name}"), "text")))
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (name.as_str(), *text))
        .collect();
    let imported = alice.imports(archive_of(&files), "").await;
    assert_eq!(
        (&imported["status"], &imported["succeeded"]),
        (&json!("completed"), &json!(12)),
        "{imported}"
    );
    let names: BTreeSet<_> = names(&alice).await.into_iter().collect();
    assert_eq!(names.len(), 12, "{names:?}");
    for name in long {
        assert!(names.contains(&name), "{name}");
    }
    assert_eq!(
        names.iter().filter(|name| name.contains(" (3)")).count(),
        4,
        "{names:?}"
    );
    app.ends_clean().await;
}

#[in_both_modes]
async fn names_that_are_cut_to_the_same_get_numbers(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let long = |index: usize| format!("{}{index:05}", "q".repeat(250));
    let files: Vec<_> = (0..300).map(|index| (long(index), "text")).collect();
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (name.as_str(), *text))
        .collect();
    let archive = archive_of(&files);
    for _ in 0..3 {
        let imported = alice.imports(archive.clone(), "").await;
        assert_eq!(
            (&imported["status"], &imported["succeeded"]),
            (&json!("completed"), &json!(300)),
            "{imported}"
        );
    }
    let names: BTreeSet<_> = names(&alice).await.into_iter().collect();
    assert_eq!(names.len(), 900);
    assert!((0..300).all(|index| names.contains(&long(index))));
    app.ends_clean().await;
}

#[in_both_modes]
async fn many_files_of_one_name_get_the_numbers_in_turn(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    // One is taken, and the numbers after those of the first chunk.
    alice.active("same (4).txt", "there before").await;
    let files: Vec<_> = (0..600)
        .map(|index| (format!("{index}/same.txt"), "text"))
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (name.as_str(), *text))
        .collect();
    let imported = alice.imports(archive_of(&files), "").await;
    assert_eq!(imported["succeeded"], 600, "{imported}");
    let names: BTreeSet<_> = names(&alice).await.into_iter().collect();
    let expected: BTreeSet<_> = (2..=601)
        .map(|number| format!("same ({number}).txt"))
        .chain(["same.txt".to_owned()])
        .collect();
    assert_eq!(names, expected);
    app.ends_clean().await;
}

#[in_both_modes]
async fn equal_names_come_back_from_an_export(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    alice.active("same.pdf", "one").await;
    alice.active("same.pdf", "another").await;
    alice.active("Same.pdf", "a third").await;
    let export = alice
        .runs(&json!({"action": "export", "select": {"filter": {}}}))
        .await;
    let archive = alice.get(&result_path(&export)).await.body;
    for policy in ["", "?on_conflict=fail"] {
        let carol = app.user(&format!("carol{policy}")).await;
        let imported = carol.imports(archive.clone(), policy).await;
        assert_eq!(imported["succeeded"], 3, "{imported}");
        assert_eq!(names(&carol).await, ["Same.pdf", "same.pdf", "same.pdf"]);
    }
    // They do conflict with what was there before.
    bob.active("same.pdf", "of bob").await;
    let skipped = bob.imports(archive.clone(), "?on_conflict=skip").await;
    assert_eq!(
        (&skipped["succeeded"], &skipped["skipped"]),
        (&json!(1), &json!(2)),
        "{skipped}"
    );
    bob.imports(archive, "").await;
    assert_eq!(
        names(&bob).await,
        [
            "Same (2).pdf",
            "Same.pdf",
            "same (2).pdf",
            "same (3).pdf",
            "same.pdf"
        ]
    );
    app.ends_clean().await;
}

#[in_both_modes]
async fn equal_names_come_back_over_the_chunks_of_an_import(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let archive = made_by("
import json, hashlib
documents = []
with zipfile.ZipFile(path, 'w') as z:
  for index in range(300):
    content = f'text {index}'.encode()
    z.writestr(f'{index}.txt', content)
    documents.append({'path': f'{index}.txt', 'name': 'same.txt', 'mime_type': 'text/plain', 'size_bytes': len(content),
      'sha256': hashlib.sha256(content).hexdigest()})
  z.writestr('plain/same.txt', 'plain')
  z.writestr('manifest.json', json.dumps({'documents': documents, 'format': 1}))");
    let imported = alice.imports(archive, "").await;
    assert_eq!(imported["succeeded"], 301, "{imported}");
    let names = names(&alice).await;
    assert_eq!(names.iter().filter(|name| *name == "same.txt").count(), 300);
    assert_eq!(
        names.iter().filter(|name| *name == "same (2).txt").count(),
        1
    );
    assert!(
        alice
            .item_outcomes(&imported)
            .await
            .iter()
            .all(|(_, result, _)| result == "succeeded")
    );
    app.ends_clean().await;
}
