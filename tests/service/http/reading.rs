//! Reading: documents with their `ETags`, lists page by page, and what does not exist.

use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Mode, TestApp};
use tests::content::{PDF, pseudo_random};
use tests::in_both_modes;

#[in_both_modes]
async fn an_unchanged_document_is_not_sent_again(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let pending = alice.uploads("report.pdf", PDF).await;
    let document = alice.settled(&pending).await;
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    let answer = alice.get(&path).await;
    let etag = answer.header("etag").to_owned();
    assert_eq!(etag, format!("\"r{}\"", document["revision"]));
    let again = alice
        .send(
            alice
                .request(Method::GET, &path)
                .header("if-none-match", &etag),
        )
        .await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
    alice
        .get(&format!("{path}?wait=61"))
        .await
        .expect_problem(422, "invalid");
    alice
        .get(&format!("{path}?wait=soon"))
        .await
        .expect_problem(422, "invalid");
    alice
        .get(&format!("{path}?colour=red"))
        .await
        .expect_problem(422, "invalid");
}

#[in_both_modes]
async fn a_list_shows_every_document_once_while_others_come(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    for index in 0..7 {
        alice
            .uploads(&format!("{index}.bin"), pseudo_random(index, 10))
            .await;
    }
    bob.uploads("of bob.bin", "x").await;
    let mut names = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = alice
            .get(&format!("/v1/documents?limit=2{cursor}"))
            .await
            .expecting(200);
        names.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["name"].as_str().unwrap().to_owned()),
        );
        alice.uploads("newer.bin", "y").await;
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    let expected: Vec<_> = (0..7).rev().map(|index| format!("{index}.bin")).collect();
    assert_eq!(names, expected);

    let page = alice.get("/v1/documents?limit=2").await.expecting(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    bob.get(&format!("/v1/documents?limit=2&cursor={cursor}"))
        .await
        .expect_problem(422, "invalid");
    for query in [
        "limit=0",
        "limit=201",
        "limit=x",
        "cursor=nonsense",
        "colour=red",
    ] {
        alice
            .get(&format!("/v1/documents?{query}"))
            .await
            .expect_problem(422, "invalid");
    }
}

#[in_both_modes]
async fn what_does_not_exist_is_a_problem_too(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    alice.get("/nowhere").await.expect_problem(404, "not_found");
    let answer = alice
        .send(alice.request(Method::PUT, "/v1/documents"))
        .await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.json()["status"], 405);
    let allowed: Vec<_> = answer.header("allow").split(", ").collect();
    assert!(
        allowed.contains(&"GET") && allowed.contains(&"POST"),
        "{allowed:?}"
    );
    let admin = app.admin();
    let request = admin
        .request(Method::POST, "/v1/admin/users")
        .header("content-type", "application/json");
    admin
        .send(request.body("{"))
        .await
        .expect_problem(400, "bad_json");
    let request = admin
        .request(Method::POST, "/v1/admin/users")
        .header("content-type", "text/plain");
    admin
        .send(request.body("{}"))
        .await
        .expect_problem(415, "unsupported_media_type");
    let request = alice
        .request(Method::POST, "/v1/documents?name=x")
        .header("content-encoding", "gzip");
    alice
        .send(request.body("x"))
        .await
        .expect_problem(415, "unsupported_media_type");
}

#[in_both_modes]
async fn the_service_describes_itself(mode: Mode) {
    let app = TestApp::start(mode).await;
    let nobody = app.nobody();
    let document: Value = nobody.get("/openapi.json").await.expecting(200);
    assert_eq!(document["openapi"], "3.0.0");
    let page = nobody.get("/docs").await;
    assert_eq!(page.status, 200);
    assert!(
        !page.text().contains("https://unpkg.com") && !page.text().contains("cdn."),
        "the page works offline"
    );
    assert_eq!(nobody.get("/health/live").await.status, 200);
    let ready = nobody.get("/health/ready").await;
    assert_eq!(ready.status, 200, "{}", ready.text());
    assert_ne!(ready.json(), json!({}));
}
