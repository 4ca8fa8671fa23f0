//! What a receiver gets.

use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tests::app::{Client, Mode};
use tests::in_both_modes;
use tests::servers::{Received, Receiver};

use super::owners::{Subscriber, all_are, deliveries, open_to_this_machine, path, text, webhook};

/// Whether the library of the specification accepts a message.
fn is_signed_with(secret: &str, message: &Received) -> bool {
    let verifier = Webhook::new(secret).unwrap();
    verifier.verify(&message.body, &message.headers).is_ok()
}

async fn feed(client: &Client) -> Vec<Value> {
    let page = client.get("/v1/events?limit=1000").await.expecting(200);
    page["items"].as_array().unwrap().clone()
}

#[in_both_modes]
async fn events_are_delivered_signed_and_as_the_feed_tells_them(mode: Mode) {
    let (app, receiver) = (open_to_this_machine(mode).start().await, Receiver::start());
    let alice = app.user("alice").await;
    // Of what was before nothing is told.
    alice.active("before.txt", "before").await;
    let hook = webhook(&alice, &receiver, &["*"]).await;
    let secret = text(&hook["secret"]);
    assert!(secret.starts_with("whsec_"), "{hook}");
    let document = alice.active("after.txt", "after").await;
    let of_document = format!("/v1/documents/{}", text(&document["id"]));
    let change = json!({"metadata": {"n": 12_345_678_901_234_567_890_u64, "text": "ü"}});
    alice.patch_json(&of_document, &change).await.expecting(200);
    alice
        .runs(&json!({"action": "archive", "select": {"ids": [document["id"]]}}))
        .await;
    alice.delete(&of_document).await.expecting(204);
    let ticket = alice.post_json("/v1/tickets", &json!({})).await;
    let ticket = ticket.expect_status(201).await;
    let door = format!("{}?name=b.txt", text(&ticket["url"]));
    let nobody = app.nobody();
    let upload = nobody.request(reqwest::Method::POST, &door).body("b");
    let sent = nobody.send(upload).await.expecting(202);
    alice.settled(&sent).await;

    let told = feed(&alice).await.split_off(2);
    let count = told.len();
    assert!(count >= 10, "{told:#?}");
    let requests = receiver.receives(|all| all.len() >= count).await;
    assert_eq!(requests.len(), count);
    for event in &told {
        let same = requests.iter().map(Received::json).find(|message| {
            message["type"] == event["type"] && message["timestamp"] == event["at"]
        });
        let same = same.unwrap_or_else(|| panic!("not delivered: {event}"));
        assert_eq!(same["data"], event["data"]);
        assert_eq!(same.as_object().unwrap().len(), 3, "{same}");
    }
    for message in &requests {
        assert!(is_signed_with(secret, message), "{message:?}");
        assert!(!is_signed_with(
            "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            message
        ));
        assert_eq!(message.path, "/hook");
        assert_eq!(message.header("content-type"), "application/json");
    }
    let done = deliveries(&alice, &hook, |all| {
        all.len() == count && all_are(all, "delivered")
    })
    .await;
    for delivery in &done {
        let event = told
            .iter()
            .find(|event| event["id"] == delivery["event_id"]);
        assert_eq!(event.unwrap()["type"], delivery["type"]);
        assert_eq!(delivery["attempts"].as_array().unwrap().len(), 1);
        assert_eq!(delivery["attempts"][0]["status_code"], 204);
        let id = text(&delivery["id"]);
        let sent = |message: &&Received| message.header("webhook-id") == id;
        assert_eq!(requests.iter().filter(sent).count(), 1, "{id}");
    }
    app.ends_clean().await;
}

#[in_both_modes]
async fn only_events_of_the_owner_and_the_types_are_delivered(mode: Mode) {
    let her = Subscriber::to(&["document.activated"], mode).await;
    let bob = her.app.user("bob").await;
    bob.active("b.txt", "of bob").await;
    let document = her.alice.active("a.txt", "of alice").await;
    let is_done = |all: &[Value]| !all.is_empty() && all_are(all, "delivered");
    let done = her.deliveries(is_done).await;
    let requests = her.receiver.received();
    assert_eq!((done.len(), requests.len()), (1, 1), "{requests:?}");
    assert_eq!(requests[0].json()["data"]["document"], document);
    her.app.ends_clean().await;
}

#[in_both_modes]
async fn a_new_secret_signs_beside_the_old_one(mode: Mode) {
    let her = Subscriber::to(&["*"], mode).await;
    let rotated = her.rotates().await;
    let (old, new) = (text(&her.hook["secret"]), text(&rotated["secret"]));
    assert_ne!(old, new);
    let test = async |count: usize| {
        assert_eq!(her.tests().await["type"], "webhook.test");
        let requests = her.receiver.receives(|all| all.len() == count).await;
        requests[count - 1].clone()
    };
    let message = test(1).await;
    assert!(is_signed_with(old, &message) && is_signed_with(new, &message));
    assert_eq!(message.json()["type"], "webhook.test");
    // A day later.
    let later = "UPDATE webhooks SET old_secret_until = 1";
    her.app.tampers(later).await;
    let message = test(2).await;
    assert!(!is_signed_with(old, &message) && is_signed_with(new, &message));
    her.app.ends_clean().await;
}

#[in_both_modes]
async fn a_secret_is_shown_once_and_nowhere_else(mode: Mode) {
    let app = open_to_this_machine(mode).start().await;
    let receiver = Receiver::start();
    let alice = app.user("alice").await;
    let hook = webhook(&alice, &receiver, &["ticket.used"]).await;
    let own = path(&hook);
    let read = alice.get(&own).await.expecting(200);
    assert_eq!(read["secret"], json!(null));
    assert_eq!(
        (&read["status"], &read["types"]),
        (&json!("enabled"), &json!(["ticket.used"]))
    );
    let listed = alice.get("/v1/webhooks").await.expecting(200);
    assert_eq!(listed["items"], json!([read]));
    let change = json!({"types": ["*"], "description": "mine", "url": receiver.url("/other")});
    let edited = alice.patch_json(&own, &change).await.expecting(200);
    assert_eq!(edited["secret"], json!(null));
    assert_eq!(
        (&edited["types"], &edited["description"]),
        (&json!(["*"]), &json!("mine"))
    );
    let secret = text(&hook["secret"]).trim_start_matches("whsec_");
    let kept = app.texts("SELECT secret FROM webhooks").await;
    assert!(kept.iter().all(|text| !text.contains(secret)), "{kept:?}");
    alice.delete(&own).await.expecting(204);
    alice.get(&own).await.expect_problem(404, "not_found");
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_key_of_the_operator_seals_secrets(mode: Mode) {
    const KEY: &str = "a-key-of-the-operator-0123456789-abcdef";
    let builder = open_to_this_machine(mode).settings(&[("DOSSIER_SECRETS_KEY", KEY)]);
    let her = Subscriber::at(builder.start().await, &["*"]).await;
    her.tests().await;
    let requests = her.receiver.receives(|all| all.len() == 1).await;
    assert!(is_signed_with(text(&her.hook["secret"]), &requests[0]));
    her.app.ends_clean().await;
}

/// The ids of messages.
pub(super) fn ids(requests: &[Received]) -> Vec<String> {
    let ids = requests.iter().map(|message| message.header("webhook-id"));
    ids.map(str::to_owned).collect()
}
