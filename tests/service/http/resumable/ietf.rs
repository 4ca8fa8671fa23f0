//! Resumable Uploads for HTTP of the IETF, interop version 8.

use bytes::Bytes;
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use tests::app::{Answer, Client, Mode, TestApp};
use tests::content::{PDF, pseudo_random};
use tests::in_both_modes;
use tests::tus::{self, number};

fn incomplete(client: &Client, method: Method, path: &str, bytes: Bytes) -> RequestBuilder {
    client
        .request(method, path)
        .header("upload-draft-interop-version", "8")
        .header("upload-complete", "?0")
        .body(bytes)
}

async fn append(
    client: &Client,
    path: &str,
    offset: usize,
    bytes: Bytes,
    complete: &str,
) -> Answer {
    client
        .send(piece(client, path, offset, complete).body(bytes))
        .await
}

fn piece(client: &Client, path: &str, offset: usize, complete: &str) -> RequestBuilder {
    client
        .request(Method::PATCH, path)
        .header("content-type", "application/partial-upload")
        .header("upload-offset", offset)
        .header("upload-complete", complete.to_owned())
}

async fn head(client: &Client, path: &str) -> Answer {
    let answer = client.send(client.request(Method::HEAD, path)).await;
    assert!(answer.status.is_success(), "{answer:?}");
    answer
}

#[in_both_modes]
async fn an_incomplete_upload_of_a_document_goes_on_elsewhere(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let bytes = pseudo_random(40, 9 << 20);
    let path = "/v1/documents?name=noise.bin";
    let create = incomplete(&alice, Method::POST, path, bytes.slice(..100))
        .header("upload-length", bytes.len());
    let created = alice.send(create).await;
    created.expecting(201);
    assert_eq!(created.header("upload-complete"), "?0");
    assert!(
        created.header("upload-limit").contains("max-size="),
        "{created:?}"
    );
    let upload = created.header("location").to_owned();
    let asked = head(&alice, &upload).await;
    assert_eq!(number(&asked, "upload-offset"), 100);
    assert_eq!(number(&asked, "upload-length"), bytes.len());
    assert_eq!(asked.header("upload-complete"), "?0");
    assert_eq!(asked.header("cache-control"), "no-store");
    let wrong = append(&alice, &upload, 50, bytes.slice(50..60), "?0").await;
    wrong.expect_problem(409, "offset_mismatch");
    assert_eq!(number(&wrong, "upload-offset"), 100);
    let answer = append(&alice, &upload, 100, bytes.slice(100..6 << 20), "?0").await;
    answer.expecting(204);
    assert_eq!(answer.header("upload-complete"), "?0");
    let last = append(&alice, &upload, 6 << 20, bytes.slice(6 << 20..), "?1").await;
    let document = last.expecting(202);
    assert_eq!(last.header("upload-complete"), "?1");
    let id = upload.rsplit('/').next().unwrap();
    assert_eq!(last.header("location"), format!("/v1/documents/{id}"));
    let document = alice.settled(&document).await;
    assert_eq!(document["name"], "noise.bin");
    assert!(alice.downloads(&document).await == bytes);
    let asked = head(&alice, &upload).await;
    assert_eq!(asked.header("upload-complete"), "?1");
    app.ends_clean().await;
}

#[in_both_modes]
async fn who_sends_the_last_piece_may_wait_for_the_document(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_BLOCKED_TYPES", "application/pdf")])
        .start()
        .await;
    let alice = app.user("alice").await;
    let send = async |bytes: Bytes| {
        let path = "/v1/documents?name=a.txt";
        let created = alice
            .send(incomplete(&alice, Method::POST, path, Bytes::new()))
            .await;
        let upload = created.header("location").to_owned();
        let last = piece(&alice, &upload, 0, "?1").header("prefer", "wait=60");
        alice.send(last.body(bytes)).await
    };
    let active = send("text".into()).await;
    let document = active.expecting(201);
    assert_eq!(document["status"], "active");
    let location = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    let failed = send(Bytes::from_static(PDF)).await;
    failed.expect_problem(422, "type_not_allowed");
    assert!(failed.json()["document_id"].is_string(), "{failed:?}");
    for (answer, location) in [(&active, location.as_str()), (&failed, "")] {
        assert!(
            answer.header("location").starts_with(location),
            "{answer:?}"
        );
        assert_eq!(answer.header("preference-applied"), "wait=60");
        assert_eq!(answer.header("upload-complete"), "?1");
    }
    app.ends_clean().await;
}

#[in_both_modes]
async fn an_upload_isn_t_complete_before_its_client_says_so(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let bytes = pseudo_random(41, 1_000);
    let path = "/v1/documents";
    let create = incomplete(&alice, Method::POST, path, bytes.clone())
        .header("upload-length", bytes.len())
        .header("content-disposition", "inline; filename=\"noise.bin\"");
    let created = alice.send(create).await;
    created.expecting(201);
    let upload = created.header("location").to_owned();
    let asked = head(&alice, &upload).await;
    assert_eq!(number(&asked, "upload-offset"), 1_000);
    assert_eq!(asked.header("upload-complete"), "?0");
    let last = append(&alice, &upload, 1_000, Bytes::new(), "?1").await;
    let document = alice.settled(&last.expecting(202)).await;
    assert_eq!(document["name"], "noise.bin");
    assert!(alice.downloads(&document).await == bytes);
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_version_is_uploaded_in_pieces_of_unknown_number(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let document = alice.active("a.bin", "one").await;
    let id = document["id"].as_str().unwrap();
    let path = format!("/v1/documents/{id}/content");
    let create = incomplete(&alice, Method::PUT, &path, "tw".into());
    let created = alice.send(create).await;
    created.expecting(201);
    let upload = created.header("location").to_owned();
    let last = append(&alice, &upload, 2, "o".into(), "?1").await;
    last.expecting(202);
    assert_eq!(
        last.header("location"),
        format!("/v1/documents/{id}/versions/2")
    );
    let version = format!("/v1/documents/{id}/versions/2?wait=20");
    assert_eq!(alice.get(&version).await.expecting(200)["status"], "active");
    assert_eq!(alice.downloads(&document).await, "two");
    let create = |tag: &str| {
        let create = incomplete(&alice, Method::PUT, &path, "x".into());
        create.header("if-match", tag.to_owned())
    };
    let stale = alice.send(create("\"r1\"")).await;
    stale.expect_problem(412, "revision_mismatch");
    // Changed by somebody else since.
    let whole = format!("/v1/documents/{id}");
    let current = alice.get(&whole).await.header("etag").to_owned();
    let created = alice.send(create(&current)).await;
    let upload = created.header("location").to_owned();
    let change = alice.request(Method::PATCH, &whole);
    let change = change.json(&serde_json::json!({"name": "b.bin"}));
    alice.send(change).await.expecting(200);
    let refused = append(&alice, &upload, 1, Bytes::new(), "?1").await;
    refused.expect_problem(412, "revision_mismatch");
    assert_eq!(refused.header("upload-complete"), "?1");
    app.ends_clean().await;
}

#[in_both_modes]
async fn digests_and_lengths_are_kept_to(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    // Of "hello".
    let sha256 = "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:";
    let create = async || {
        let path = "/v1/documents?name=a.txt";
        let create = incomplete(&alice, Method::POST, path, "he".into());
        let created = alice.send(create.header("repr-digest", sha256)).await;
        created.expecting(201);
        created.header("location").to_owned()
    };
    let upload = create().await;
    let wrong = append(&alice, &upload, 2, "xxx".into(), "?1").await;
    wrong.expect_problem(422, "digest_mismatch");
    let gone = alice.send(alice.request(Method::HEAD, &upload)).await;
    assert_eq!(gone.status.as_u16(), 404);
    let upload = create().await;
    let right = append(&alice, &upload, 2, "llo".into(), "?1").await;
    let document = alice.settled(&right.expecting(202)).await;
    assert_eq!(document["size_bytes"], 5);
    // A piece has a digest of its own.
    let upload = create().await;
    let piece = alice
        .request(Method::PATCH, &upload)
        .header("content-type", "application/partial-upload")
        .header("upload-offset", 2)
        .header("upload-complete", "?0")
        .header("content-digest", sha256)
        .body("jello");
    alice
        .send(piece)
        .await
        .expect_problem(460, "checksum_mismatch");
    assert_eq!(number(&head(&alice, &upload).await, "upload-offset"), 2);
    let contradiction = alice
        .request(Method::PATCH, &upload)
        .header("content-type", "application/partial-upload")
        .header("upload-offset", 2)
        .header("upload-complete", "?1")
        .header("upload-length", 9)
        .body("llo");
    alice
        .send(contradiction)
        .await
        .expect_problem(400, "bad_request");
    let cancelled = alice.send(alice.request(Method::DELETE, &upload)).await;
    cancelled.expecting(204);
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_complete_request_is_an_upload_like_any_other(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let request = alice
        .request(Method::POST, "/v1/documents?name=a.txt")
        .header("upload-complete", "?1")
        .body("hello");
    let answer = alice.send(request).await;
    assert_eq!(answer.header("upload-complete"), "?1");
    alice.settled(&answer.expecting(202)).await;
    let uploads = alice.get("/v1/uploads").await.expecting(200);
    assert_eq!(uploads["items"], json!([]));
    for path in ["/v1/documents", "/v1/uploads"] {
        let told = alice.send(alice.request(Method::OPTIONS, path)).await;
        assert!(
            told.header("accept-patch")
                .contains("application/partial-upload"),
            "{path}"
        );
        assert!(told.header("upload-limit").contains("max-size="), "{path}");
    }
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_last_piece_that_is_cut_at_any_byte_completes_nothing(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let bytes = pseudo_random(42, 20);
    let path = "/v1/documents?name=noise.bin";
    let create = incomplete(&alice, Method::POST, path, Bytes::new());
    let created = alice.send(create).await;
    created.expecting(201);
    let upload = created.header("location").to_owned();
    for offset in 0..bytes.len() - 1 {
        let last = alice
            .request(Method::PATCH, &upload)
            .header("content-type", "application/partial-upload")
            .header("upload-offset", offset)
            .header("upload-complete", "?1");
        tus::breaks_off(last, bytes.len() - offset, &bytes[offset..=offset]).await;
        let asked = head(&alice, &upload).await;
        assert_eq!(number(&asked, "upload-offset"), offset + 1);
        assert_eq!(asked.header("upload-complete"), "?0");
    }
    let last = append(&alice, &upload, 19, bytes.slice(19..), "?1").await;
    let document = alice.settled(&last.expecting(202)).await;
    assert!(alice.downloads(&document).await == bytes);
    app.ends_clean().await;
}

#[in_both_modes]
async fn what_contradicts_itself_or_comes_too_late_is_refused(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_MAX_DOCUMENT_BYTES", "1000")])
        .start()
        .await;
    let alice = app.user("alice").await;
    let path = "/v1/documents?name=a.txt";
    let complete = |bytes: Bytes| {
        let request = alice.request(Method::POST, path);
        request.header("upload-complete", "?1").body(bytes)
    };
    let sized = |bytes: &'static str| complete(bytes.into()).header("upload-length", 5);
    let other = alice.send(sized("hell")).await;
    other.expect_problem(400, "upload_incomplete");
    alice
        .settled(&alice.send(sized("hello")).await.expecting(202))
        .await;
    let large = alice.send(complete(pseudo_random(1, 1_001))).await;
    large.expect_problem(413, "too_large");
    assert_eq!(large.header("upload-limit"), "max-size=1000");

    let create = incomplete(&alice, Method::POST, path, "hel".into());
    let upload = alice.send(create).await.header("location").to_owned();
    let typed = alice.request(Method::PATCH, &upload).body("lo");
    let typed = typed.header("content-type", "text/plain");
    let typed = alice.send(typed.header("upload-offset", 3)).await;
    typed.expect_problem(415, "unsupported_media_type");
    let last = append(&alice, &upload, 3, "lo".into(), "?1").await;
    alice.settled(&last.expecting(202)).await;
    for (bytes, said) in [("!", "?0"), ("!", "?1"), ("", "?1")] {
        let late = append(&alice, &upload, 5, bytes.into(), said).await;
        late.expect_problem(400, "bad_request");
        assert_eq!(number(&head(&alice, &upload).await, "upload-offset"), 5);
    }
    app.ends_clean().await;
}
