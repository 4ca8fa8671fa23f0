//! Where nothing is sent.

use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Mode, TestApp};
use tests::in_both_modes;
use tests::servers::Receiver;

use super::owners::{Subscriber, path, text, webhook};

#[in_both_modes]
async fn a_url_that_leads_inside_is_refused(mode: Mode) {
    let (app, receiver) = (TestApp::start(mode).await, Receiver::start());
    let alice = app.user("alice").await;
    let port = receiver.port();
    for url in [
        "http://example.com/".to_owned(),
        "ftp://example.com/".to_owned(),
        "https://user:password@8.8.8.8/".to_owned(),
        format!("https://127.0.0.1:{port}/"),
        format!("https://127.1:{port}/"),
        format!("https://2130706433:{port}/"),
        format!("https://0x7f.1:{port}/"),
        format!("https://localhost:{port}/"),
        format!("https://[::1]:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        "https://[64:ff9b::7f00:1]/".to_owned(),
        "https://0.0.0.0/".to_owned(),
        "https://10.0.0.1/".to_owned(),
        "https://100.64.0.1/".to_owned(),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "https://[fd00:ec2::254]/".to_owned(),
        "https://224.0.0.1/".to_owned(),
        "https://name.invalid/".to_owned(),
        "not a URL".to_owned(),
    ] {
        let refused = alice.post_json("/v1/webhooks", &json!({"url": url})).await;
        let refused = refused.answer();
        refused.expect_problem(422, "invalid");
        assert_eq!(refused.json()["errors"][0]["pointer"], "/url", "{url}");
    }
    // A public address needs no look at names.
    let created = json!({"url": "https://8.8.8.8/hook", "types": ["upload.expired"]});
    let created = alice
        .post_json("/v1/webhooks", &created)
        .await
        .expect_status(201)
        .await;
    let inside = json!({"url": receiver.url("/")});
    let refused = alice.patch_json(&path(&created), &inside).await;
    refused.expect_problem(422, "invalid");
    assert!(receiver.received().is_empty());
    alice.delete(&path(&created)).await.expecting(204);
    app.ends_clean().await;
}

#[in_both_modes]
async fn the_address_is_checked_at_each_connection(mode: Mode) {
    let her = Subscriber::to(&["document.activated"], mode).await;
    // As if the name led elsewhere now.
    let inside = format!("http://127.0.0.2.nip.invalid:{}/", her.receiver.port());
    let elsewhere = format!("UPDATE webhooks SET url = '{inside}'");
    her.app.tampers(&elsewhere).await;
    her.alice.active("a.txt", "a").await;
    let tried = her.attempted().await;
    let error = text(&tried["attempts"][0]["error"]);
    assert!(error.contains("refused"), "{error}");
    let private = "UPDATE webhooks SET url = 'http://10.0.0.1/'";
    let is_refused = |all: &[Value]| {
        let latest = all[0]["attempts"].as_array().unwrap().last();
        latest.is_some_and(|latest| text(&latest["error"]).contains("public"))
    };
    her.attempted_until(private, is_refused).await;
    assert!(her.receiver.received().is_empty());
    her.leaves().await;
}

#[in_both_modes]
async fn wrong_bodies_are_refused_by_name(mode: Mode) {
    let Subscriber {
        app,
        receiver,
        alice,
        hook,
    } = Subscriber::to(&["ticket.used"], mode).await;
    let url = receiver.url("/");
    for (body, pointer) in [
        (json!({}), "/url"),
        (json!({"url": null}), "/url"),
        (json!({"url": url, "types": []}), "/types"),
        (json!({"url": url, "types": ["document.read"]}), "/types"),
        (json!({"url": url, "types": null}), "/types"),
        (
            json!({"url": url, "description": "x".repeat(256)}),
            "/description",
        ),
        (json!({"url": url, "secret": "whsec_mine"}), "/secret"),
    ] {
        let refused = alice.post_json("/v1/webhooks", &body).await.answer();
        refused.expect_problem(422, "invalid");
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer, "{body}");
    }
    for _ in 1..20 {
        webhook(&alice, &receiver, &["ticket.used"]).await;
    }
    let one_more = alice.post_json("/v1/webhooks", &json!({"url": url})).await;
    one_more.answer().expect_problem(429, "rate_limited");
    let wrong = alice
        .patch_json(&path(&hook), &json!({"status": "paused"}))
        .await;
    wrong.expect_problem(422, "invalid");
    let listed = alice.get("/v1/webhooks?limit=7").await.expecting(200);
    let cursor = listed["next_cursor"].as_str().unwrap();
    let rest = alice
        .get(&format!("/v1/webhooks?limit=200&cursor={cursor}"))
        .await;
    assert_eq!(rest.expecting(200)["items"].as_array().unwrap().len(), 13);
    let bob = app.user("bob").await;
    let test = bob.request(Method::POST, &format!("{}/test", path(&hook)));
    bob.send(test).await.expect_problem(404, "not_found");
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_delivery_to_a_ticket_of_the_service_uploads_nothing(mode: Mode) {
    let her = Subscriber::to(&["upload.expired"], mode).await;
    let ticket = json!({"name": "event.json", "uses": 100});
    let ticket = her.alice.post_json("/v1/tickets", &ticket).await;
    let ticket = ticket.expect_status(201).await;
    let url = format!("{}{}", her.app.ingress().api(), text(&ticket["url"]));
    her.changes(&json!({"url": url, "types": ["*"]})).await;
    her.tests().await;
    let tried = her.attempted().await;
    assert_eq!(tried["attempts"][0]["status_code"], 403, "{tried}");
    let documents = her.alice.get("/v1/documents").await.expecting(200);
    assert_eq!(documents["items"], json!([]));
    her.leaves().await;
}
