//! Documents as their owners change them: names, visibility, metadata, archiving, deleting, retrying.

use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Answer, Client, Mode, TestApp};
use tests::content::{PDF, pseudo_random};
use tests::in_both_modes;

fn path(document: &Value) -> String {
    format!("/v1/documents/{}", document["id"].as_str().unwrap())
}

async fn active(client: &Client, name: &str) -> Value {
    let pending = client.uploads(name, PDF).await;
    client.settled(&pending).await
}

async fn post(client: &Client, path: &str) -> Answer {
    client.send(client.request(Method::POST, path)).await
}

/// Edits if the document is as `tags` demand.
async fn edit_if(client: &Client, path: &str, tags: &str, changes: &Value) -> Answer {
    let request = client.request(Method::PATCH, path).header("if-match", tags);
    client.send(request.json(changes)).await
}

#[in_both_modes]
async fn an_edit_changes_what_it_names(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let document = active(&alice, "report.pdf").await;
    let path = path(&document);
    let changes = json!({"name": " final.pdf ", "unique_name": "the-report", "is_public": true,
            "metadata": {"year": 2026, "author": {"first": "A", "last": "B"}}});
    let answer = alice.patch_json(&path, &changes).await;
    let edited = answer.expecting(200);
    assert_eq!(edited["name"], "final.pdf");
    assert_eq!(
        (&edited["unique_name"], &edited["is_public"]),
        (&json!("the-report"), &json!(true))
    );
    assert_eq!(
        edited["revision"],
        document["revision"].as_u64().unwrap() + 1
    );
    assert_eq!(
        answer.header("etag"),
        format!("\"r{}\"", edited["revision"])
    );
    assert!(edited["updated_at"].as_str() > document["updated_at"].as_str());

    let request = alice
        .request(Method::PATCH, &path)
        .header("content-type", "application/merge-patch+json");
    let change = json!({"metadata": {"author": {"first": null, "middle": "C"}}}).to_string();
    let merged = alice.send(request.body(change)).await.expecting(200);
    assert_eq!(
        merged["metadata"],
        json!({"year": 2026, "author": {"last": "B", "middle": "C"}})
    );
    assert_eq!(merged["name"], "final.pdf");

    for changes in [
        json!({}),
        json!({"name": "final.pdf", "metadata": {"nothing": null}}),
    ] {
        assert_eq!(
            alice.patch_json(&path, &changes).await.expecting(200),
            merged,
            "{changes}"
        );
    }
    assert_eq!(alice.get(&path).await.expecting(200), merged);
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_bad_edit_names_each_bad_field(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let document = active(&alice, "report.pdf").await;
    let path = path(&document);
    let many: serde_json::Map<_, _> = (0..65).map(|key| (key.to_string(), json!(1))).collect();
    for (changes, pointer) in [
        (json!({"name": null}), "/name"),
        (json!({"name": "a/b"}), "/name"),
        (json!({"name": "\u{202e}x"}), "/name"),
        (json!({"unique_name": "AB"}), "/unique_name"),
        (json!({"is_public": true}), "/is_public"),
        (json!({"is_public": "yes"}), "/is_public"),
        (json!({"metadata": []}), "/metadata"),
        (json!({"metadata": many}), "/metadata"),
        (
            json!({"metadata": {"long": "x".repeat(17 << 10)}}),
            "/metadata",
        ),
        (json!({"status": "active"}), "/status"),
    ] {
        let answer = alice.patch_json(&path, &changes).await;
        answer.expect_problem(422, "invalid");
        assert_eq!(
            answer.json()["errors"][0]["pointer"],
            pointer,
            "{}",
            answer.text()
        );
    }
    let request = alice
        .request(Method::PATCH, &path)
        .header("content-type", "text/plain");
    alice
        .send(request.body("{}"))
        .await
        .expect_problem(415, "unsupported_media_type");
    let request = alice
        .request(Method::PATCH, &path)
        .header("content-type", "application/json");
    alice
        .send(request.body("{"))
        .await
        .expect_problem(400, "bad_json");
    assert_eq!(alice.get(&path).await.expecting(200), document);
}

#[in_both_modes]
async fn a_unique_name_is_one_documents_alone(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let (of_alice, of_bob) = (active(&alice, "a.pdf").await, active(&bob, "b.pdf").await);
    let name = json!({"unique_name": "the-name"});
    let named = alice
        .patch_json(&path(&of_alice), &name)
        .await
        .expecting(200);
    bob.patch_json(&path(&of_bob), &name)
        .await
        .expect_problem(409, "unique_name_taken");
    let found = alice.get("/v1/documents/by-name/the-name").await;
    assert_eq!(found.expecting(200), named);
    assert_eq!(found.header("etag"), format!("\"r{}\"", named["revision"]));
    bob.get("/v1/documents/by-name/the-name")
        .await
        .expect_problem(404, "not_found");
    alice
        .get("/v1/documents/by-name/THE-NAME")
        .await
        .expect_problem(404, "not_found");
    let owner = alice.user.as_deref().unwrap();
    let admins = format!("/v1/documents/by-name/the-name?owner={owner}");
    assert_eq!(
        app.admin().get(&admins).await.expecting(200)["id"],
        of_alice["id"]
    );
    bob.get(&admins).await.expect_problem(404, "not_found");
    alice
        .patch_json(&path(&of_alice), &json!({"unique_name": null}))
        .await
        .expecting(200);
    bob.patch_json(&path(&of_bob), &name).await.expecting(200);
}

#[in_both_modes]
async fn what_is_archived_is_not_read_until_it_is_restored(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let document = active(&alice, "report.pdf").await;
    let path = path(&document);
    post(&alice, &format!("{path}/restore"))
        .await
        .expect_problem(409, "illegal_transition");
    let archived = post(&alice, &format!("{path}/archive"))
        .await
        .expecting(200);
    assert_eq!(archived["status"], "archived");
    assert!(archived["archived_at"].is_string());
    alice
        .get(&format!("{path}/content"))
        .await
        .expect_problem(409, "not_active");
    post(&alice, &format!("{path}/archive"))
        .await
        .expect_problem(409, "illegal_transition");
    post(&alice, &format!("{path}/retry"))
        .await
        .expect_problem(409, "illegal_transition");
    assert_eq!(
        alice
            .patch_json(&path, &json!({"name": "put away"}))
            .await
            .expecting(200)["name"],
        "put away"
    );
    let restored = post(&alice, &format!("{path}/restore"))
        .await
        .expecting(200);
    assert_eq!(
        (&restored["status"], &restored["archived_at"]),
        (&json!("active"), &Value::Null)
    );
    assert_eq!(alice.downloads(&restored).await, PDF);
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_change_is_made_only_to_the_revision_that_was_seen(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let document = active(&alice, "report.pdf").await;
    let path = path(&document);
    let seen = alice.get(&path).await.header("etag").to_owned();
    let changes = json!({"name": "first.pdf"});
    let first = edit_if(&alice, &path, &format!("\"r0\", {seen}"), &changes).await;
    let weakened = format!("W/{}", first.header("etag"));
    first.expecting(200);
    for stale in [seen.as_str(), &format!("W/{seen}"), "\"other\"", "nonsense"] {
        edit_if(&alice, &path, stale, &changes)
            .await
            .expect_problem(412, "revision_mismatch");
        for (method, action) in [
            (Method::POST, "/archive"),
            (Method::POST, "/restore"),
            (Method::POST, "/retry"),
            (Method::DELETE, ""),
        ] {
            let request = alice
                .request(method, &format!("{path}{action}"))
                .header("if-match", stale);
            alice
                .send(request)
                .await
                .expect_problem(412, "revision_mismatch");
        }
    }
    edit_if(&alice, &path, &weakened, &json!({"name": "by a proxy.pdf"}))
        .await
        .expecting(200);
    let unknown = "/v1/documents/0192aaaa-0000-7000-8000-000000000000";
    for tags in ["*", "\"r1\""] {
        edit_if(&alice, unknown, tags, &changes)
            .await
            .expect_problem(404, "not_found");
    }
    edit_if(&alice, &path, "*", &json!({"name": "any.pdf"}))
        .await
        .expecting(200);

    // Of many who have seen the same, one wins.
    let seen = alice.get(&path).await.header("etag").to_owned();
    let changes: Vec<_> = (0..8)
        .map(|number| json!({"name": format!("{number}.pdf")}))
        .collect();
    let answers = changes
        .iter()
        .map(|changes| edit_if(&alice, &path, &seen, changes));
    let mut statuses: Vec<_> = futures::future::join_all(answers)
        .await
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
}

#[in_both_modes]
async fn what_is_deleted_is_gone_at_once_in_every_status(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_BLOCKED_TYPES", "image/*")])
        .start()
        .await;
    let alice = app.user("alice").await;
    let archived = active(&alice, "archived.pdf").await;
    post(&alice, &format!("{}/archive", path(&archived)))
        .await
        .expecting(200);
    let failed = alice
        .uploads("failed.gif", &b"GIF89a\x01\0\x01\0\0\0\0;"[..])
        .await;
    assert_eq!(alice.settled(&failed).await["status"], "error");
    let pending = alice
        .uploads("pending.bin", pseudo_random(1, 2 << 20))
        .await;
    for document in [
        active(&alice, "active.pdf").await,
        archived,
        failed,
        pending,
    ] {
        let answer = alice.delete(&path(&document)).await;
        assert_eq!((answer.expecting(204), answer.body.len()), (Value::Null, 0));
        alice
            .get(&path(&document))
            .await
            .expect_problem(404, "not_found");
        alice
            .delete(&path(&document))
            .await
            .expect_problem(404, "not_found");
    }
    app.ends_clean().await;
}

#[in_both_modes]
async fn what_failed_is_tried_again_with_the_bytes_that_are_kept(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_BLOCKED_TYPES", "application/pdf")])
        .start()
        .await;
    let alice = app.user("alice").await;
    let pending = alice.uploads("report.pdf", PDF).await;
    let failed = alice.settled(&pending).await;
    assert_eq!(failed["error"]["code"], "type_not_allowed");
    let answer = post(&alice, &format!("{}/retry", path(&failed))).await;
    let again = answer.expecting(202);
    assert_eq!(
        (&again["status"], &again["error"]),
        (&json!("pending"), &Value::Null)
    );
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(
        alice.settled(&again).await["error"]["code"],
        "type_not_allowed"
    );
    let passed = alice.uploads("words.txt", "just some words\n").await;
    let passed = alice.settled(&passed).await;
    post(&alice, &format!("{}/retry", path(&passed)))
        .await
        .expect_problem(409, "not_retryable");
    app.ends_clean().await;
}
