//! The commands of `dsr` on documents and operations, from a user's first to the last.

use std::fs;

use serde_json::Value;
use tests::app::{Dsr, Mode, Run, TestApp};

fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value[member]
        .as_str()
        .unwrap_or_else(|| panic!("no {member} in {value}"))
}

/// Puts files with these names and contents, and returns their documents in the same order.
async fn puts(dsr: &Dsr, files: &[(&str, &str)]) -> Vec<Value> {
    let mut documents = Vec::new();
    for (name, content) in files {
        fs::write(dsr.home().join(name), content).unwrap();
        documents.extend(dsr.does(&["put", name, "--wait"]).await);
    }
    documents
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_is_shown_edited_archived_restored_and_removed() {
    let app = TestApp::start(Mode::Embedded).await;
    let dsr = Dsr::of_admin(&app);
    let put = puts(&dsr, &[("draft.txt", "first")]).await;
    let id = text(&put[0], "id");
    let edited = dsr
        .does(&[
            "edit",
            id,
            "--name",
            "final.txt",
            "--unique-name",
            "my.final",
            "--public",
            "-m",
            "by=me",
        ])
        .await;
    assert_eq!(edited[0]["metadata"]["by"], "me");
    let public = app.nobody().get("/public/my.final/content").await;
    assert_eq!(public.text(), "first");
    fs::write(dsr.home().join("second.txt"), "second").unwrap();
    let version = dsr
        .does(&["put", "second.txt", "--version-of", "my.final", "--wait"])
        .await;
    assert_eq!(version[0]["version"], 2, "{version:?}");
    assert_eq!(dsr.does(&["versions", id]).await.len(), 2);
    assert_eq!(dsr.run(&["cat", "my.final"]).await.out, "second");
    assert_eq!(dsr.run(&["cat", id, "--version", "1"]).await.out, "first");
    let receipt = dsr.does(&["receipt", "my.final"]).await;
    assert_eq!(receipt[0]["claims"]["sub"], id);
    assert_eq!(receipt[0]["claims"]["version"], 2);
    let first = dsr.run(&["receipt", id, "--version", "1"]).await;
    assert_eq!(first.out.trim().split('.').count(), 3, "{first:?}");
    let none = dsr.run(&["receipt", id, "--version", "3"]).await;
    none.fails_with(4, "not_found");
    let shown = dsr.run(&["show", "my.final", "--timeline"]).await;
    for words in ["final.txt", "text/plain", "/public/my.final", "accepted"] {
        assert!(shown.out.contains(words), "{words}: {}", shown.out);
    }
    dsr.does(&["archive", id]).await;
    dsr.run(&["cat", id]).await.fails_with(6, "dsr restore");
    assert!(dsr.does(&["ls"]).await.is_empty());
    assert_eq!(dsr.does(&["ls", "--status", "archived"]).await.len(), 1);
    assert_eq!(dsr.does(&["restore", id]).await[0]["status"], "active");
    dsr.does(&["rm", id]).await;
    dsr.run(&["show", id]).await.fails_with(4, "dsr ls");
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_documents_are_archived_after_a_dry_run_and_back_by_an_undo() {
    let app = TestApp::start(Mode::Embedded).await;
    let dsr = Dsr::of_admin(&app);
    puts(
        &dsr,
        &[
            ("a-draft.txt", "a"),
            ("b-draft.txt", "b"),
            ("other.txt", "o"),
        ],
    )
    .await;
    let told = dsr
        .does(&["archive", "--named", "draft", "--dry-run"])
        .await;
    assert_eq!(
        (&told[0]["succeeded"], &told[0]["dry_run"]),
        (&2.into(), &true.into())
    );
    assert_eq!(dsr.does(&["ls"]).await.len(), 3);
    let archived = dsr.does(&["archive", "--named", "draft"]).await;
    assert_eq!(archived[0]["succeeded"], 2);
    assert_eq!(dsr.does(&["ls"]).await.len(), 1);
    let operation = text(&archived[0], "id");
    dsr.does(&["operation", "undo", operation]).await;
    assert_eq!(dsr.does(&["ls"]).await.len(), 3);
    assert_eq!(dsr.does(&["operation", "items", operation]).await.len(), 2);
    dsr.run(&["archive"]).await.fails_with(2, "--named");
    dsr.run(&["rm", "--named", "draft"])
        .await
        .fails_with(2, "--yes");
    let removed = dsr.does(&["rm", "--named", "draft", "--yes"]).await;
    assert_eq!(removed[0]["succeeded"], 2);
    assert_eq!(dsr.does(&["ls"]).await.len(), 1);
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_imported_by_somebody_else_with_equal_digests() {
    let app = TestApp::start(Mode::Embedded).await;
    let dsr = Dsr::of_admin(&app);
    puts(&dsr, &[("a.txt", "the first"), ("b.txt", "the second")]).await;
    let exported = dsr
        .run(&["export", "-o", "all.zip", "--type", "text/*"])
        .await;
    assert_eq!(exported.code, 0, "{exported:?}");
    let user = app.user("somebody").await;
    let path = format!("/v1/admin/users/{}/keys", user.user.as_deref().unwrap());
    let key = app.admin().post_json(&path, &serde_json::json!({})).await;
    let key = key.expect_status(201).await;
    let other = Dsr::with_key(&app.ingress().api(), text(&key, "key"));
    let archive = dsr.home().join("all.zip");
    let imported = other.does(&["import", archive.to_str().unwrap()]).await;
    assert_eq!(imported[0]["succeeded"], 2, "{imported:?}");
    let digests = async |dsr: &Dsr| -> Vec<Value> {
        let listed = dsr.does(&["ls", "--sort", "name"]).await;
        listed
            .iter()
            .map(|document| document["sha256"].clone())
            .collect()
    };
    assert_eq!(digests(&other).await, digests(&dsr).await);
    assert_eq!(other.does(&["usage"]).await[0]["documents"]["active"], 2);
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_watched_and_tickets_made() {
    let app = TestApp::start(Mode::Embedded).await;
    let dsr = Dsr::of_admin(&app);
    let ticket = dsr.run(&["ticket", "new", "--max-bytes", "1KB"]).await;
    assert_eq!(ticket.code, 0, "{ticket:?}");
    let path = ticket
        .out
        .trim()
        .strip_prefix(&app.ingress().api())
        .unwrap()
        .to_owned();
    let nobody = app.nobody();
    let sent = nobody.request(reqwest::Method::POST, &format!("{path}?name=sent.txt"));
    let sent = nobody
        .send(sent.header("content-type", "text/plain").body("sent"))
        .await;
    sent.expecting(202);
    let watched = dsr
        .does(&[
            "watch",
            "--all",
            "-n",
            "2",
            "--types",
            "ticket.used,document.activated",
        ])
        .await;
    let mut kinds: Vec<_> = watched.iter().map(|event| text(event, "type")).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["document.activated", "ticket.used"]);
    assert_eq!(dsr.does(&["ticket", "ls"]).await[0]["status"], "used");
    let Run { out, .. } = dsr.run(&["watch", "--all", "-n", "1"]).await;
    assert!(out.contains("ticket") || out.contains("document."), "{out}");
    app.ends_clean().await;
}
