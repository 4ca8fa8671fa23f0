//! Uploads with a ticket that are sent again.

use reqwest::Method;
use serde_json::json;
use tests::app::{Mode, TestApp};
use tests::content::{PDF, PNG};
use tests::in_both_modes;
use tests::tickets::ticket;

#[in_both_modes]
async fn a_repetition_takes_no_use(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, nobody) = (app.user("alice").await, app.nobody());
    let (path, url) = ticket(&alice, &json!({"uses": 1})).await;
    let send = async |key: &str, bytes: &'static [u8]| {
        let request = nobody.request(Method::POST, &format!("{url}?name=a.pdf"));
        let request = request.header("idempotency-key", key).body(bytes);
        nobody.send(request).await
    };
    let first = send("k", PDF).await;
    let document = first.expecting(202);
    assert_eq!(alice.get(&path).await.expecting(200)["status"], "used");
    let again = send("k", PDF).await;
    assert_eq!(again.expecting(202), document);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.header("location"), first.header("location"));
    send("k", PNG)
        .await
        .expect_problem(422, "idempotency_key_reused");
    send("l", PDF).await.expect_problem(410, "gone");
    // The owner's keys are others, and a refusal took none of them.
    let own = alice.request(Method::POST, "/v1/documents?name=a.pdf");
    let own = own.header("idempotency-key", "k").body(PDF);
    let own = alice.send(own).await;
    assert_eq!(own.header("idempotency-replayed"), "");
    alice.settled(&own.expecting(202)).await;
    let kept = app
        .texts("SELECT CAST(headers AS text) FROM idempotency")
        .await;
    assert_eq!(kept.len(), 2);
    let secret = url.rsplit('/').next().unwrap();
    assert!(kept.iter().all(|kept| !kept.contains(secret)), "{kept:?}");
    app.ends_clean().await;
}
