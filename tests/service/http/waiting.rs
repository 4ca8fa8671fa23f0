//! Those who would rather wait: for a document, for a version, for what comes of an upload.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Mode, TestApp};
use tests::content::{PDF, PNG};
use tests::in_both_modes;

#[in_both_modes]
async fn an_upload_that_is_waited_for_is_answered_with_the_active_document(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let request = alice.request(Method::POST, "/v1/documents?name=report.pdf");
    let request = request
        .header("content-type", "application/pdf")
        .header("prefer", "wait=30");
    let answer = alice.send(request.body(PDF)).await;
    let active = answer.expecting(201);
    let path = format!("/v1/documents/{}", active["id"].as_str().unwrap());
    assert_eq!(
        (&active["status"], &active["version"]),
        (&json!("active"), &json!(1))
    );
    assert_eq!(answer.header("location"), path);
    assert_eq!(answer.header("preference-applied"), "wait=30");
    assert_eq!(
        answer.header("etag"),
        format!("\"r{}\"", active["revision"])
    );

    let request = alice
        .request(Method::PUT, &format!("{path}/content"))
        .header("prefer", "wait=30");
    let answer = alice.send(request.body(PNG)).await;
    let active = answer.expecting(201);
    assert_eq!(
        (&active["version"], &active["mime_type"]),
        (&json!(2), &json!("image/png"))
    );
    assert_eq!(answer.header("location"), format!("{path}/versions/2"));
    app.ends_clean().await;
}

#[in_both_modes]
async fn an_upload_that_fails_while_it_is_waited_for_says_why(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_BLOCKED_TYPES", "image/*")])
        .start()
        .await;
    let alice = app.user("alice").await;
    let request = alice
        .request(Method::POST, "/v1/documents?name=a.png")
        .header("prefer", "wait=30");
    let answer = alice.send(request.body(PNG)).await;
    answer.expect_problem(422, "type_not_allowed");
    let path = format!(
        "/v1/documents/{}",
        answer.json()["document_id"].as_str().unwrap()
    );
    assert_eq!(answer.header("location"), path);
    assert_eq!(answer.header("preference-applied"), "wait=30");
    assert_eq!(alice.get(&path).await.expecting(200)["status"], "error");
    app.ends_clean().await;
}

#[in_both_modes]
async fn an_upload_that_takes_too_long_is_accepted_all_the_same(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let request = alice
        .request(Method::POST, "/v1/documents?name=report.pdf")
        .header("prefer", "wait=0");
    let answer = alice.send(request.body(PDF)).await;
    let document: Value = answer.json();
    // With no time at all it may be settled already, but hardly ever is.
    assert!([201, 202].contains(&answer.status.as_u16()), "{document}");
    assert_eq!(answer.header("preference-applied"), "wait=0");
    alice.settled(&document).await;
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_version_that_is_settled_is_not_waited_for(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let pending = alice.uploads("report.pdf", PDF).await;
    let document = alice.settled(&pending).await;
    let path = format!(
        "/v1/documents/{}/versions/1",
        document["id"].as_str().unwrap()
    );
    let begin = Instant::now();
    assert_eq!(
        alice.get(&format!("{path}?wait=60")).await.expecting(200)["status"],
        "active"
    );
    assert!(
        begin.elapsed() < Duration::from_mins(1),
        "it was waited for"
    );
    alice
        .get(&format!("{path}?wait=61"))
        .await
        .expect_problem(422, "invalid");
}
