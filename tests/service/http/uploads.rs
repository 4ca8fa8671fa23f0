//! Uploads: from the first byte to active, in every form and in numbers.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use domain::Sha256;
use futures::StreamExt;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tests::app::{Mode, TestApp, Upload};
use tests::content::{PDF, PNG, pseudo_random};
use tests::in_both_modes;

#[in_both_modes]
async fn a_raw_body_becomes_active_and_comes_back(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let upload = Upload {
        content_type: Some("application/pdf".to_owned()),
        ..Upload::new("report.pdf", PDF)
    };
    let accepted = alice.try_upload(upload).await.unwrap();
    let pending = accepted.expecting(202);
    assert_eq!(
        accepted.header("location"),
        format!("/v1/documents/{}", pending["id"].as_str().unwrap())
    );
    assert_eq!(accepted.header("retry-after"), "1");
    assert_eq!(pending["mime_type"], Value::Null);
    assert_eq!(pending["version"], Value::Null);
    assert_eq!(pending["size_bytes"], PDF.len());
    assert_eq!(pending["sha256"], Sha256::of(PDF).to_string());

    let active = alice.settled(&pending).await;
    assert_eq!(active["status"], "active", "{active}");
    assert_eq!(active["mime_type"], "application/pdf");
    assert_eq!(active["declared_type"], "application/pdf");
    assert_eq!(active["type_mismatch"], false);
    assert_eq!(
        (&active["version"], &active["latest_version"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(active["error"], Value::Null);
    assert_eq!(alice.downloads(&active).await, PDF);
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_form_takes_its_fields_in_any_order(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let file = Part::bytes(PNG)
        .file_name("picture.png")
        .mime_str("image/png")
        .unwrap();
    let form = Form::new()
        .text("unique_name", "my-picture")
        .part("file", file)
        .text("metadata", r#"{"year":2026}"#)
        .text("name", "renamed.png")
        .text("is_public", "true");
    let answer = alice
        .send(alice.request(Method::POST, "/v1/documents").multipart(form))
        .await;
    let active = alice.settled(&answer.expecting(202)).await;
    assert_eq!(active["status"], "active", "{active}");
    assert_eq!(active["name"], "renamed.png");
    assert_eq!(active["unique_name"], "my-picture");
    assert_eq!(active["is_public"], true);
    assert_eq!(active["metadata"], json!({"year": 2026}));
    assert_eq!(active["mime_type"], "image/png");
    assert_eq!(alice.downloads(&active).await, PNG);

    let again = Upload::new("other.png", PNG);
    let request = alice.request(Method::POST, "/v1/documents?name=x&unique_name=my-picture");
    alice
        .send(
            request
                .header("content-type", "image/png")
                .body(again.bytes),
        )
        .await
        .expect_problem(409, "unique_name_taken");
    app.ends_clean().await;
}

#[in_both_modes]
async fn nothing_at_all_is_a_document_too(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let pending = alice.uploads("empty.txt", Bytes::new()).await;
    let active = alice.settled(&pending).await;
    assert_eq!(
        (&active["status"], &active["mime_type"]),
        (&json!("active"), &json!("application/x-empty"))
    );
    assert!(alice.downloads(&active).await.is_empty());
    app.ends_clean().await;
}

#[in_both_modes]
async fn two_hundred_at_once_all_become_active(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let sizes = [0, 1, 700, 16 << 10, 300 << 10, 3 << 20];
    let documents = futures::stream::iter(0..200_usize)
        .map(|index| {
            let (alice, size) = (alice.clone(), sizes[index % sizes.len()]);
            async move {
                let bytes = pseudo_random(index as u64 / 2, size);
                let pending = alice
                    .uploads(&format!("document {index}.bin"), bytes.clone())
                    .await;
                let active = alice.settled(&pending).await;
                assert_eq!(active["status"], "active", "{active}");
                assert_eq!(alice.downloads(&active).await, bytes);
                active["id"].as_str().unwrap().to_owned()
            }
        })
        .buffer_unordered(32)
        .collect::<HashSet<_>>()
        .await;
    assert_eq!(documents.len(), 200);

    let listed = alice.all("/v1/documents?limit=75").await;
    assert_eq!(listed.len(), 200);
    let id = |document: &Value| document["id"].as_str().unwrap().to_owned();
    assert_eq!(listed.iter().map(id).collect::<HashSet<_>>(), documents);
    app.ends_clean().await;
}

#[in_both_modes]
async fn the_same_bytes_are_kept_once(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let bytes = pseudo_random(7, 100_000);
    let mut documents = Vec::new();
    for client in [&alice, &alice, &bob] {
        let pending = client.uploads("same.bin", bytes.clone()).await;
        documents.push((client, client.settled(&pending).await));
    }
    for (client, document) in documents {
        assert_eq!(client.downloads(&document).await, bytes);
    }
    // One blob and three versions: the check for bytes without a row says so.
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_client_that_hangs_up_leaves_nothing(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    let body = futures::stream::unfold(receiver, async |mut receiver| {
        Some((receiver.recv().await?, receiver))
    });
    let request = alice
        .request(Method::POST, "/v1/documents?name=half.bin")
        .header("content-type", "application/octet-stream")
        .body(reqwest::Body::wrap_stream(body));
    let upload = tokio::spawn({
        let alice = alice.clone();
        async move { alice.try_send(request).await }
    });
    for part in 0..4 {
        sender
            .send(Ok(pseudo_random(part, 512 << 10)))
            .await
            .unwrap();
    }
    upload.abort();
    assert!(upload.await.unwrap_err().is_cancelled());
    // The next upload is taken in after the end of the former has been noticed.
    let pending = alice.uploads("whole.bin", pseudo_random(9, 1000)).await;
    alice.settled(&pending).await;
    assert_eq!(
        alice.get("/v1/documents").await.expecting(200)["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    app.staging_holds_nothing(Duration::from_secs(20)).await;
    app.ends_clean().await;
}
