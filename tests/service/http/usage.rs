//! Usage: what a user keeps, in documents and bytes.

use reqwest::Method;
use serde_json::json;
use tests::app::{Mode, TestApp};
use tests::content::{PDF, PNG};
use tests::in_both_modes;

#[in_both_modes]
async fn usage_counts_what_is_kept(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_BLOCKED_TYPES", "text/*")])
        .start()
        .await;
    let alice = app
        .user_with(json!({"name": "alice", "quota_bytes": 100_000, "quota_documents": 7}))
        .await;
    let mut documents = Vec::new();
    for (name, bytes) in [
        ("a.pdf", PDF),
        ("b.pdf", PDF),
        ("c.png", PNG),
        ("d.txt", b"just some words\n"),
    ] {
        let pending = alice.uploads(name, bytes).await;
        documents.push(alice.settled(&pending).await);
    }
    let archive = format!(
        "/v1/documents/{}/archive",
        documents[2]["id"].as_str().unwrap()
    );
    alice
        .send(alice.request(Method::POST, &archive))
        .await
        .expecting(200);
    let usage = json!({
        "documents": {"total": 4, "pending": 0, "active": 2, "archived": 1, "error": 1},
        "bytes": {"used": 2 * PDF.len() + PNG.len(), "reserved": 0, "limit": 100_000},
        "document_limit": 7,
        "by_type": [
            {"mime_type": "application/pdf", "documents": 2, "bytes": 2 * PDF.len()},
            {"mime_type": "image/png", "documents": 1, "bytes": PNG.len()},
        ],
    });
    assert_eq!(alice.get("/v1/usage").await.expecting(200), usage);
    let of_alice = format!("/v1/usage?owner={}", alice.user.as_deref().unwrap());
    assert_eq!(app.admin().get(&of_alice).await.expecting(200), usage);
    app.user("bob")
        .await
        .get(&of_alice)
        .await
        .expect_problem(404, "not_found");
    let unknown = "/v1/usage?owner=0192aaaa-0000-7000-8000-000000000000";
    app.admin()
        .get(unknown)
        .await
        .expect_problem(404, "not_found");
    app.ends_clean().await;
}
