//! The core of tus 1.0.0, request by request, and what is beside it: versions, lists, idempotency.

use bytes::Bytes;
use reqwest::Method;
use serde_json::json;
use tests::app::{Answer, Mode, TestApp};
use tests::content::{PDF, pseudo_random};
use tests::in_both_modes;
use tests::tickets::ticket;
use tests::tus::{self, OFFSET_STREAM, creation, metadata, number, request};

#[in_both_modes]
async fn pieces_become_a_document_with_the_upload_s_id(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let bytes = pseudo_random(1, 100_000);
    let path = tus::create(&alice, "noise.bin", bytes.len()).await;
    let mut offset = 0;
    for end in [1, 1, 40_000, 99_999] {
        let answer = tus::patch(&alice, &path, offset, bytes.slice(offset..end)).await;
        answer.expecting(204);
        assert_eq!(number(&answer, "upload-offset"), end);
        assert_eq!(answer.header("tus-resumable"), "1.0.0");
        assert!(!answer.header("upload-expires").is_empty());
        assert_eq!(answer.header("dossier-document"), "");
        offset = end;
    }
    let head = tus::head(&alice, &path).await;
    assert_eq!(number(&head, "upload-offset"), 99_999);
    assert_eq!(number(&head, "upload-length"), 100_000);
    assert_eq!(head.header("cache-control"), "no-store");
    assert_eq!(
        head.header("upload-metadata"),
        metadata(&[("filename", "noise.bin")])
    );
    let last = tus::patch(&alice, &path, offset, bytes.slice(offset..)).await;
    last.expecting(204);
    assert_eq!(last.header("upload-expires"), "");
    assert_eq!(last.header("dossier-version"), "");
    let id = path.rsplit('/').next().unwrap();
    assert_eq!(last.header("dossier-document"), id);
    let document = tus::document(&alice, &last).await;
    assert_eq!(document["status"], "active", "{document}");
    assert_eq!(document["name"], "noise.bin");
    assert!(alice.downloads(&document).await == bytes);
    // The client whose last answer was lost.
    let again = tus::head(&alice, &path).await;
    assert_eq!(number(&again, "upload-offset"), 100_000);
    assert_eq!(again.header("dossier-document"), id);
    let last = tus::patch(&alice, &path, 100_000, Bytes::new()).await;
    last.expecting(204);
    assert_eq!(last.header("dossier-document"), id);
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_description_is_kept_and_checked(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let described = metadata(&[
        ("name", "given.pdf"),
        ("filename", "file.pdf"),
        ("filetype", "application/pdf"),
        ("unique_name", "the-report"),
        ("is_public", "true"),
        ("metadata", r#"{"year":1E5}"#),
        ("relativePath", "null"),
    ]);
    let create = request(&alice, Method::POST, "/v1/uploads")
        .header("upload-length", PDF.len())
        .header("upload-metadata", &described);
    let created = alice.send(create).await;
    created.expecting(201);
    let path = created.header("location").to_owned();
    let head = tus::head(&alice, &path).await;
    assert_eq!(head.header("upload-metadata"), described);
    let last = tus::patch(&alice, &path, 0, Bytes::from_static(PDF)).await;
    let document = tus::document(&alice, &last).await;
    assert_eq!(document["name"], "given.pdf");
    assert_eq!(document["declared_type"], "application/pdf");
    assert_eq!(document["unique_name"], "the-report");
    assert_eq!(document["is_public"], true);
    for (pairs, pointer) in [
        (&[][..], "name"),
        (&[("name", "a/b")], "name"),
        (&[("name", "a"), ("is_public", "yes")], "is_public"),
        (&[("name", "a"), ("metadata", "[]")], "metadata"),
        (&[("name", "a"), ("unique_name", "X")], "unique_name"),
    ] {
        let create = request(&alice, Method::POST, "/v1/uploads").header("upload-length", 1);
        let refused = alice
            .send(create.header("upload-metadata", metadata(pairs)))
            .await;
        refused.expect_problem(422, "invalid");
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer);
    }
    app.ends_clean().await;
}

#[in_both_modes]
async fn an_upload_may_become_a_version(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let document = alice.active("noise.bin", pseudo_random(1, 100)).await;
    let id = document["id"].as_str().unwrap();
    let create = |client| {
        request(client, Method::POST, "/v1/uploads")
            .header("upload-length", 50)
            .header("upload-metadata", metadata(&[("document_id", id)]))
    };
    bob.send(create(&bob))
        .await
        .expect_problem(404, "not_found");
    let stale = create(&alice).header("if-match", "\"r1\"");
    let stale = alice.send(stale).await;
    stale.expect_problem(412, "revision_mismatch");
    let current = alice.get(&format!("/v1/documents/{id}")).await;
    let current = create(&alice).header("if-match", current.header("etag"));
    let created = alice.send(current).await;
    created.expecting(201);
    let path = created.header("location").to_owned();
    let bytes = pseudo_random(2, 50);
    let last = tus::patch(&alice, &path, 0, bytes.clone()).await;
    assert_eq!(last.header("dossier-document"), id);
    let beyond = tus::patch(&alice, &path, 50, "x".into()).await;
    beyond.expect_problem(413, "too_large");
    tus::patch(&alice, &path, 50, "".into())
        .await
        .expecting(204);
    assert_eq!(last.header("dossier-version"), "2");
    let version = format!("/v1/documents/{id}/versions/2?wait=20");
    assert_eq!(alice.get(&version).await.expecting(200)["status"], "active");
    assert!(alice.downloads(&document).await == bytes);
    app.ends_clean().await;
}

#[in_both_modes]
async fn what_is_malformed_is_refused_and_changes_nothing(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let path = tus::create(&alice, "a.bin", 10).await;
    // Another version, or none.
    for version in [Some("0.2.2"), Some("2.0.0"), None] {
        let request = alice
            .request(Method::PATCH, &path)
            .header("upload-offset", 0);
        let request = match version {
            Some(version) => request.header("tus-resumable", version),
            None => request,
        };
        let request = request.header("content-type", OFFSET_STREAM).body("x");
        let refused = alice.send(request).await;
        refused.expect_problem(412, "unsupported_version");
        assert_eq!(refused.header("tus-version"), "1.0.0");
        assert_eq!(refused.header("tus-resumable"), "1.0.0");
    }
    let continued = || request(&alice, Method::PATCH, &path);
    let media = alice
        .send(continued().header("upload-offset", 0).body("x"))
        .await;
    media.expect_problem(415, "unsupported_media_type");
    let typed = || continued().header("content-type", OFFSET_STREAM);
    alice
        .send(typed().body("x"))
        .await
        .expect_problem(400, "bad_request");
    for offset in ["-1", "x", "1.5", ""] {
        let refused = alice
            .send(typed().header("upload-offset", offset).body("x"))
            .await;
        refused.expect_problem(400, "bad_request");
    }
    tus::patch(&alice, &path, 5, "x".into())
        .await
        .expect_problem(409, "offset_mismatch");
    tus::patch(&alice, &path, 0, "01234567890".into())
        .await
        .expect_problem(413, "too_large");
    assert_eq!(tus::offset(&alice, &path).await, 0);
    // Creations.
    let create = || {
        let create = request(&alice, Method::POST, "/v1/uploads");
        create.header("upload-metadata", metadata(&[("filename", "a")]))
    };
    alice
        .send(create())
        .await
        .expect_problem(400, "bad_request");
    for length in ["-1", "x", ""] {
        let refused = alice.send(create().header("upload-length", length)).await;
        refused.expect_problem(400, "bad_request");
    }
    let deferred = create().header("upload-defer-length", "2");
    alice
        .send(deferred)
        .await
        .expect_problem(400, "bad_request");
    for length in ["9000000000000000", "99999999999999999999"] {
        let large = alice.send(create().header("upload-length", length)).await;
        large.expect_problem(413, "too_large");
    }
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_method_may_be_named_in_a_field(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let path = tus::create(&alice, "a.txt", 2).await;
    let named = |method: &str| {
        request(&alice, Method::POST, &path).header("x-http-method-override", method.to_owned())
    };
    let patched = named("PATCH")
        .header("upload-offset", 0)
        .header("content-type", "Application/Offset+Octet-Stream; charset=x");
    let patched = alice.send(patched.body("a")).await;
    patched.expecting(204);
    assert_eq!(number(&alice.send(named("HEAD")).await, "upload-offset"), 1);
    alice.send(named("DELETE")).await.expecting(204);
    let unnamed = alice.send(request(&alice, Method::POST, &path)).await;
    unnamed.expect_problem(405, "method_not_allowed");
}

#[in_both_modes]
async fn uploads_are_listed_and_told_as_json(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let mut paths = Vec::new();
    for number in 0..3 {
        paths.push(tus::create(&alice, &format!("{number}.bin"), 10).await);
    }
    tus::patch(&alice, &paths[0], 0, pseudo_random(1, 10))
        .await
        .expecting(204);
    tus::patch(&alice, &paths[1], 0, pseudo_random(1, 4))
        .await
        .expecting(204);
    let first = alice.get("/v1/uploads?limit=2").await.expecting(200);
    let names = |page: &serde_json::Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap().iter();
        items
            .map(|item| item["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&first), ["2.bin", "1.bin"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = alice
        .get(&format!("/v1/uploads?limit=2&cursor={cursor}"))
        .await;
    let second = second.expecting(200);
    assert_eq!(names(&second), ["0.bin"]);
    assert_eq!(second["next_cursor"], json!(null));
    let done = &second["items"][0];
    assert_eq!(
        (&done["status"], &done["document_id"]),
        (&json!("complete"), &done["id"])
    );
    let open = alice.get(&paths[1]).await.expecting(200);
    assert_eq!(open["status"], "open");
    assert_eq!((&open["offset"], &open["length"]), (&json!(4), &json!(10)));
    assert_eq!(open["document_id"], json!(null));
    bob.get(&paths[1]).await.expect_problem(404, "not_found");
    assert_eq!(tus::head(&bob, &paths[1]).await.status.as_u16(), 404);
    assert_eq!(
        bob.get("/v1/uploads").await.expecting(200)["items"],
        json!([])
    );
    app.ends_clean().await;
}

#[in_both_modes]
async fn an_idempotent_creation_creates_once(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let create = || creation(&alice, "a.bin", 10).header("idempotency-key", "one");
    let (first, second) = (alice.send(create()).await, alice.send(create()).await);
    first.expecting(201);
    second.expecting(201);
    assert_eq!(first.header("location"), second.header("location"));
    assert_eq!(second.header("idempotency-replayed"), "true");
    let other = creation(&alice, "b.bin", 10).header("idempotency-key", "one");
    alice
        .send(other)
        .await
        .expect_problem(422, "idempotency_key_reused");
    let listed = alice.get("/v1/uploads").await.expecting(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

#[in_both_modes]
async fn an_append_that_is_sent_again_is_answered_again(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, nobody) = (app.user("alice").await, app.nobody());
    let path = tus::create(&alice, "a.bin", 6).await;
    let (ticket, url) = ticket(&alice, &json!({"uses": 3})).await;
    let create = || {
        tus::request(&nobody, Method::POST, &format!("{url}/uploads"))
            .header("upload-length", 6)
            .header("upload-metadata", metadata(&[("filename", "b.bin")]))
            .header("idempotency-key", "create")
    };
    let (first, second) = (nobody.send(create()).await, nobody.send(create()).await);
    first.expecting(201);
    assert_eq!(second.header("idempotency-replayed"), "true");
    assert_eq!(first.header("location"), second.header("location"));
    assert_eq!(alice.get(&ticket).await.expecting(200)["uses_left"], 2);
    for (client, path) in [(&alice, path.as_str()), (&nobody, first.header("location"))] {
        let send = async |offset: usize, bytes: &'static str| {
            let append = tus::append(client, path, offset, bytes);
            let key = format!("at {offset}");
            client.send(append.header("idempotency-key", key)).await
        };
        for (offset, bytes, end) in [(0, "abc", "3"), (3, "def", "6")] {
            let first = send(offset, bytes).await;
            let again = send(offset, bytes).await;
            for answer in [&first, &again] {
                answer.expecting(204);
                assert_eq!(answer.header("upload-offset"), end);
            }
            assert_eq!(again.header("idempotency-replayed"), "true");
            let document = |answer: &Answer| answer.header("dossier-document").to_owned();
            assert_eq!(document(&first), document(&again));
            send(offset, "xyz")
                .await
                .expect_problem(422, "idempotency_key_reused");
        }
    }
    app.ends_clean().await;
}
