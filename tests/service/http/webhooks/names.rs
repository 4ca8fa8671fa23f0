//! A name that is resolved differently later: each attempt goes where the name leads now, if that is
//! allowed.

use std::net::{Ipv4Addr, TcpListener};

use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp};
use tests::servers::Receiver;

use super::owners::{accepted, attempted_until, deliveries, path};

/// A test of the webhook, once its first attempt was made.
async fn attempted(owner: &Client, hook: &Value, number: usize) -> Value {
    accepted(owner, &format!("{}/test", path(hook)), &json!({})).await;
    let tried = |all: &[Value]| all.len() == number && all[0]["attempts"] != json!([]);
    deliveries(owner, hook, tried).await.remove(0)
}

#[tokio::test]
async fn a_name_that_leads_inside_later_is_not_followed() {
    let receiver = Receiver::start();
    let app = TestApp::builder(Mode::Embedded)
        .settings(&[
            ("DOSSIER_WEBHOOK_ALLOW_HTTP", "true"),
            ("DOSSIER_WEBHOOK_ALLOW_NETWORKS", "127.0.0.1/32"),
        ])
        .start()
        .await;
    let hosts = app.folder().join("hosts");
    let leads_to = |addresses: &[&str]| {
        let lines = addresses
            .iter()
            .map(|address| format!("{address} moving.test\n"));
        std::fs::write(&hosts, lines.collect::<String>()).unwrap();
    };
    leads_to(&["127.0.0.1"]);
    app.ingress().terminate().await;
    app.ingress().restart_with_hosts(&hosts).await;
    let alice = app.user("alice").await;
    let url = format!("http://moving.test:{}/hook", receiver.port());
    let wanted = json!({"url": url, "types": ["ticket.used"]});
    let made = alice.post_json("/v1/webhooks", &wanted).await;
    let hook = made.expect_status(201).await;
    let first = attempted(&alice, &hook, 1).await;
    assert_eq!(first["status"], "delivered", "{first}");
    // Whoever listens inside, on the same port.
    let inside = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), receiver.port())).unwrap();
    inside.set_nonblocking(true).unwrap();
    leads_to(&["127.0.0.2"]);
    let second = attempted(&alice, &hook, 2).await;
    let error = second["attempts"][0]["error"].as_str().unwrap();
    assert!(error.contains("must lead to a public address"), "{error}");
    let refused = alice.post_json("/v1/webhooks", &wanted).await.answer();
    refused.expect_problem(422, "invalid");
    assert!(inside.accept().is_err(), "nobody has connected");
    assert_eq!(receiver.received().len(), 1);
    leads_to(&["127.0.0.1"]);
    let is_done = |all: &[Value]| all[0]["status"] == "delivered";
    attempted_until((&app, ""), &alice, &hook, is_done).await;
    app.ends_clean().await;
}
