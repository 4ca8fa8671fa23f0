//! Deliveries within TLS: to a receiver whose certificate the service trusts, and to no other.

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::app::{Client, Mode, TestApp};
use tests::servers::{Receiver, TlsFront};

use super::owners::{accepted, all_are, deliveries, path};

/// Creates a webhook, and has it tested.
async fn tested(owner: &Client, url: &str) -> Value {
    let wanted = json!({"url": url, "types": ["ticket.used"]});
    let made = owner.post_json("/v1/webhooks", &wanted).await;
    let hook = made.expect_status(201).await;
    accepted(owner, &format!("{}/test", path(&hook)), &json!({})).await;
    hook
}

#[tokio::test]
async fn only_a_receiver_with_a_trusted_certificate_of_its_name_is_told() {
    let receiver = Receiver::start();
    let [trusted, foreign] = [(); 2].map(|()| TempDir::new().unwrap());
    let (front, other) = tokio::join!(
        TlsFront::before(receiver.port(), trusted.path()),
        TlsFront::before(receiver.port(), foreign.path()),
    );
    let authority = trusted.path().join("ca.pem").display().to_string();
    let app = TestApp::builder(Mode::Embedded)
        .settings(&[
            ("SSL_CERT_FILE", &authority),
            ("DOSSIER_WEBHOOK_ALLOW_NETWORKS", "127.0.0.0/8,::1/128"),
        ])
        .start()
        .await;
    let alice = app.user("alice").await;
    let hook = tested(&alice, &format!("https://127.0.0.1:{}/hook", front.port())).await;
    let done = deliveries(&alice, &hook, |all| {
        all.len() == 1 && all_are(all, "delivered")
    })
    .await;
    assert_eq!(done[0]["attempts"][0]["status_code"], 204);
    assert_eq!(receiver.received()[0].path, "/hook");
    // Of an authority that nobody knows, and for another name.
    for url in [
        format!("https://127.0.0.1:{}/hook", other.port()),
        format!("https://localhost:{}/hook", front.port()),
    ] {
        let hook = tested(&alice, &url).await;
        let tried = |all: &[Value]| all.len() == 1 && all[0]["attempts"] != json!([]);
        let tried = deliveries(&alice, &hook, tried).await;
        let attempt = &tried[0]["attempts"][0];
        assert_eq!(
            (&tried[0]["status"], &attempt["status_code"]),
            (&json!("pending"), &json!(null))
        );
        let error = attempt["error"].as_str().unwrap();
        assert!(error.contains("TLS: invalid peer certificate"), "{error}");
        alice.delete(&path(&hook)).await.expecting(204);
    }
    assert_eq!(receiver.received().len(), 1);
    app.ends_clean().await;
}
