//! Limits: sizes, quotas, types, and what they say to whom.

use futures::future::join_all;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;
use tests::app::{Mode, TestApp, Upload};
use tests::content::{PDF, PNG, pseudo_random};
use tests::in_both_modes;

#[in_both_modes]
async fn fifty_uploads_race_for_a_quota_of_ten(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app
        .user_with(json!({"name": "alice", "quota_bytes": 10_500}))
        .await;
    let answers = join_all((0..50).map(|index| {
        let upload = Upload::new("part.bin", pseudo_random(index, 1_000));
        alice.try_upload(upload)
    }))
    .await;
    let mut active = 0;
    for answer in answers {
        let answer = answer.unwrap();
        match answer.status.as_u16() {
            202 => {
                let document = alice.settled(&answer.json()).await;
                match document["status"].as_str() {
                    Some("active") => active += 1,
                    _ => assert_eq!(document["error"]["code"], "quota_exceeded"),
                }
            }
            _ => answer.expect_problem(403, "quota_exceeded"),
        }
    }
    assert_eq!(active, 10);
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_quota_of_documents_is_kept_too(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app
        .user_with(json!({"name": "alice", "quota_documents": 2}))
        .await;
    for index in 0..2 {
        alice.uploads("one.bin", pseudo_random(index, 10)).await;
    }
    let third = alice
        .try_upload(Upload::new("three.bin", pseudo_random(3, 10)))
        .await
        .unwrap();
    third.expect_problem(403, "quota_exceeded");
    app.ends_clean().await;
}

#[in_both_modes]
async fn too_large_is_refused_before_and_while_it_streams(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_MAX_DOCUMENT_BYTES", "100KiB")])
        .start()
        .await;
    let alice = app.user("alice").await;
    let declared = alice
        .try_upload(Upload::new("large.bin", pseudo_random(1, 200 << 10)))
        .await;
    if let Ok(answer) = declared {
        answer.expect_problem(413, "too_large");
    }
    // Chunked: nobody knows the length before it is there.
    let parts = (0..8).map(|seed| Ok::<_, std::io::Error>(pseudo_random(seed, 32 << 10)));
    let request = alice
        .request(Method::POST, "/v1/documents?name=large.bin")
        .body(reqwest::Body::wrap_stream(futures::stream::iter(parts)));
    if let Ok(answer) = alice.try_send(request).await {
        answer.expect_problem(413, "too_large");
    }
    assert_eq!(
        alice.get("/v1/documents").await.expecting(200)["items"],
        json!([])
    );
    let fits = alice.uploads("fits.bin", pseudo_random(2, 100 << 10)).await;
    assert_eq!(alice.settled(&fits).await["status"], "active");
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_type_that_is_not_taken_ends_in_error(mode: Mode) {
    let settings = [
        ("DOSSIER_ALLOWED_TYPES", "application/pdf,image/*"),
        ("DOSSIER_BLOCKED_TYPES", "image/svg+xml"),
    ];
    let app = TestApp::builder(mode).settings(&settings).start().await;
    let alice = app.user("alice").await;
    for (name, bytes, status) in [
        ("a.pdf", PDF, "active"),
        ("a.png", PNG, "active"),
        ("a.txt", &b"just some words\n"[..], "error"),
        (
            "a.svg",
            &b"<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>"[..],
            "error",
        ),
    ] {
        let pending = alice.uploads(name, bytes).await;
        let document = alice.settled(&pending).await;
        assert_eq!(document["status"], status, "{document}");
        if status == "error" {
            assert_eq!(document["error"]["code"], "type_not_allowed");
            assert_eq!(document["error"]["retryable"], false);
            let id = document["id"].as_str().unwrap();
            alice
                .get(&format!("/v1/documents/{id}/content"))
                .await
                .expect_problem(409, "not_active");
        }
    }
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_name_that_contradicts_the_content_is_recorded_or_rejected(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let pending = alice.uploads("picture.png", PDF).await;
    let document = alice.settled(&pending).await;
    assert_eq!(
        (&document["status"], &document["type_mismatch"]),
        (&json!("active"), &json!(true))
    );
    assert_eq!(document["mime_type"], "application/pdf");

    let strict = TestApp::builder(mode)
        .settings(&[("DOSSIER_TYPE_MISMATCH", "reject")])
        .start()
        .await;
    let alice = strict.user("alice").await;
    let pending = alice.uploads("picture.png", PDF).await;
    let document = alice.settled(&pending).await;
    assert_eq!(document["error"]["code"], "type_mismatch");
}

#[in_both_modes]
async fn whatever_an_extension_means_is_no_mismatch(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_TYPE_MISMATCH", "reject")])
        .start()
        .await;
    let alice = app.user("alice").await;
    let module = "module example.com/m\n\ngo 1.22\n".as_bytes();
    let gzip = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0".as_slice();
    for (name, declared, bytes, status) in [
        ("go.mod", "audio/x-mod", module, 201),
        ("go.mod", "application/octet-stream", module, 201),
        ("data.csv.gz", "text/csv", gzip, 201),
        ("notes.log", "unknown", module, 201),
        ("data.csv", "text/csv", gzip, 422),
        ("go.mod", "audio/x-mod", PDF, 422),
        ("go.mod", "application/pdf", module, 422),
    ] {
        let request = alice.request(Method::POST, &format!("/v1/documents?name={name}"));
        let request = request
            .header("content-type", declared)
            .header("prefer", "wait=30");
        let answer = alice.send(request.body(bytes)).await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{name} as {declared}: {}",
            answer.text()
        );
    }
}

#[in_both_modes]
async fn bad_fields_are_named(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    for (query, pointer) in [
        ("name=a%2Fb", "name"),
        ("name=x&unique_name=AB", "unique_name"),
        ("name=x&is_public=true", "is_public"),
        ("name=x&metadata=[]", "metadata"),
        ("name=x&colour=red", "colour"),
        ("", "name"),
    ] {
        let request = alice.request(Method::POST, &format!("/v1/documents?{query}"));
        let answer = alice
            .send(request.header("content-type", "application/pdf").body(PDF))
            .await;
        answer.expect_problem(422, "invalid");
        let problem = answer.json();
        assert_eq!(
            problem["errors"][0]["pointer"], pointer,
            "{query}: {problem}"
        );
    }
    for (field, value) in [
        ("name", "a/b"),
        ("unique_name", "AB"),
        ("metadata", "[]"),
        ("colour", "red"),
    ] {
        let file = Part::bytes(PDF).file_name("report.pdf");
        let form = Form::new().part("file", file).text(field, value);
        let answer = alice
            .send(alice.request(Method::POST, "/v1/documents").multipart(form))
            .await;
        answer.expect_problem(422, "invalid");
        let problem = answer.json();
        assert_eq!(
            problem["errors"][0]["pointer"],
            format!("/{field}"),
            "{problem}"
        );
    }
    assert_eq!(
        alice.get("/v1/documents").await.expecting(200)["items"],
        json!([])
    );
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_digest_that_differs_keeps_nothing(mode: Mode) {
    use base64::Engine as _;

    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let encode = |bytes: &[u8]| {
        let digest = domain::Sha256::of(bytes);
        base64::engine::general_purpose::STANDARD.encode(digest.as_bytes())
    };
    for header in ["content-digest", "repr-digest"] {
        let send = |value: String| {
            let request = alice
                .request(Method::POST, "/v1/documents?name=report.pdf")
                .header(header, value);
            alice.send(request.header("content-type", "application/pdf").body(PDF))
        };
        send(format!("sha-256=:{}:", encode(PDF)))
            .await
            .expecting(202);
        send(format!("sha-256=:{}:", encode(PNG)))
            .await
            .expect_problem(422, "digest_mismatch");
        send("sha-256=:short:".to_owned())
            .await
            .expect_problem(400, "bad_digest");
        send("md5=:AAAA:".to_owned()).await.expecting(202);
    }
    assert_eq!(
        alice.get("/v1/documents").await.expecting(200)["items"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
    app.ends_clean().await;
}
