//! Accounts: what a user keeps, and what happened to a document.

use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Mode, TestApp};
use tests::content::{PDF, PNG};
use tests::in_both_modes;

#[in_both_modes]
async fn usage_counts_what_is_kept(mode: Mode) {
    let app = TestApp::start_with(mode, &[("DOSSIER_BLOCKED_TYPES", "text/*")]).await;
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

#[in_both_modes]
async fn a_timeline_tells_what_happened_in_order(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let pending = alice.uploads("report.pdf", PDF).await;
    let document = alice.settled(&pending).await;
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    alice
        .patch_json(&path, &json!({"name": "final.pdf"}))
        .await
        .expecting(200);
    alice
        .send(alice.request(Method::POST, &format!("{path}/archive")))
        .await
        .expecting(200);
    let timeline = alice.get(&format!("{path}/timeline")).await.expecting(200);
    let items = timeline["items"].as_array().unwrap();
    let kinds: Vec<_> = items
        .iter()
        .map(|item| item["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds.first(), Some(&"accepted"), "{kinds:?}");
    assert_eq!(
        &kinds[kinds.len() - 2..],
        ["edited", "archived"],
        "{kinds:?}"
    );
    assert_eq!(items[0]["version"], 1);
    let worked = items.iter().find(|item| item["attempt"] == 1).unwrap();
    assert!(
        worked["worker"].is_string() && worked["duration_ms"].is_u64(),
        "{worked}"
    );
    for item in items {
        let members: Vec<_> = item
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(
            members,
            [
                "at",
                "attempt",
                "code",
                "duration_ms",
                "kind",
                "version",
                "worker"
            ]
        );
    }

    let mut paged: Vec<Value> = Vec::new();
    let mut page = format!("{path}/timeline?limit=1");
    loop {
        let list = alice.get(&page).await.expecting(200);
        paged.extend(list["items"].as_array().unwrap().iter().cloned());
        let Some(cursor) = list["next_cursor"].as_str() else {
            break;
        };
        page = format!("{path}/timeline?limit=1&cursor={cursor}");
    }
    assert_eq!(&paged, items);
    let bob = app.user("bob").await;
    bob.get(&format!("{path}/timeline"))
        .await
        .expect_problem(404, "not_found");
    let owned = format!("{path}/timeline?owner={}", alice.user.as_deref().unwrap());
    assert_eq!(app.admin().get(&owned).await.expecting(200), timeline);
}
