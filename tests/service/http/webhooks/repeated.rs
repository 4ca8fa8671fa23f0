//! Deliveries that are made again: by their owner, and after a worker died.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use tests::app::Mode;
use tests::in_both_modes;
use tests::servers::{Down, Receiver, Reply};

use super::owners::{
    Subscriber, accepted, all_are, attempted_until, deliveries, open_to_this_machine, path, text,
    webhook,
};
use super::receiving::ids;

#[in_both_modes]
async fn a_replay_delivers_all_after_a_cursor_under_their_ids(mode: Mode) {
    let (app, receiver) = (open_to_this_machine(mode).start().await, Receiver::start());
    let alice = app.user("alice").await;
    alice.active("before.txt", "0").await;
    let hook = webhook(&alice, &receiver, &["document.activated"]).await;
    for name in ["a.txt", "b.txt"] {
        alice.active(name, name.to_owned()).await;
    }
    deliveries(&alice, &hook, |all| {
        all.len() == 2 && all_are(all, "delivered")
    })
    .await;
    let first = ids(&receiver.received());
    let events = alice.get("/v1/events").await.expecting(200);
    // Behind the event of acceptance of the document before: its activation is told now.
    let after = json!({"after": events["items"][0]["id"]});
    let replay = format!("{}/replay", path(&hook));
    let replayed = accepted(&alice, &replay, &after).await;
    assert_eq!(replayed["id"], hook["id"]);
    let requests = receiver.receives(|all| all.len() == 5).await;
    let again: BTreeSet<_> = ids(&requests[2..]).into_iter().collect();
    assert!(
        first.iter().all(|id| again.contains(id)),
        "{first:?} {again:?}"
    );
    assert_eq!(again.len(), 3);
    deliveries(&alice, &hook, |all| {
        all.len() == 3 && all_are(all, "delivered")
    })
    .await;
    for wrong in [json!({"after": "AAAA"}), json!({"after": 1}), json!({})] {
        let refused = alice.post_json(&replay, &wrong).await;
        refused.answer().expect_problem(422, "invalid");
    }
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_delivery_whose_worker_died_is_delivered_under_the_same_id(mode: Mode) {
    let builder = open_to_this_machine(mode).settings(&[("DOSSIER_LEASE", "2s")]);
    let her = Subscriber::at(builder.start().await, &["document.activated"]).await;
    her.receiver.replies_once([Reply::Nothing]);
    her.alice.active("a.txt", "a").await;
    let first = her.receiver.receives(|all| !all.is_empty()).await;
    for process in her.app.workers() {
        process.kill().await;
    }
    for process in her.app.workers() {
        process.restart().await;
    }
    let done = her.delivered(1).await;
    let requests = her.receiver.receives(|all| all.len() >= 2).await;
    let ids = ids(&requests);
    assert!(ids.iter().all(|id| *id == text(&done[0]["id"])), "{ids:?}");
    assert_eq!(first[0].body, requests[1].body);
    her.app.ends_clean().await;
}

#[in_both_modes]
async fn a_delivery_whose_job_was_given_up_is_made_by_another_one(mode: Mode) {
    let her = Subscriber::to(&["document.activated"], mode).await;
    her.receiver.replies_once([Reply::Nothing]);
    her.alice.active("a.txt", "a").await;
    her.receiver.receives(|all| !all.is_empty()).await;
    for process in her.app.workers() {
        process.kill().await;
    }
    let gave_up = "UPDATE jobs SET state = 'dead', attempts = 8, worker = NULL, \
         finished_at = 1 WHERE kind = 'deliver_webhook'";
    her.app.tampers(gave_up).await;
    for process in her.app.workers() {
        process.restart().await;
    }
    her.delivered(1).await;
    assert_eq!(her.receiver.received().len(), 2);
    // The dead job stays for the operator.
    her.leaves().await;
}

#[tokio::test]
async fn a_worker_that_is_to_end_leaves_deliveries_to_others() {
    /// The first proves the endpoint; then four are attempted at once.
    const ALL: usize = 24;
    let her = Subscriber::to(&["document.activated"], Mode::Distributed).await;
    her.alice.active("first.txt", "0").await;
    her.delivered(1).await;
    her.receiver
        .replies(Reply::Late(Duration::from_millis(700), 200));
    for number in 1..ALL {
        let name = format!("{number}.txt");
        her.alice.active(&name, number.to_string()).await;
    }
    her.receiver.receives(|all| all.len() > 4).await;
    let before = her.receiver.received().len();
    for worker in her.app.workers() {
        worker.terminate().await;
    }
    let after = her.receiver.received().len();
    // Those under way, and those that began as the signal came.
    assert!(after <= before + 8 && after < ALL, "{before} {after}");
    her.receiver.replies(Reply::status(200));
    for worker in her.app.workers() {
        worker.restart().await;
    }
    her.delivered(ALL).await;
    assert_eq!(her.receiver.received().len(), ALL);
    her.app.ends_clean().await;
}

#[in_both_modes]
async fn a_receiver_that_comes_up_gets_what_waited(mode: Mode) {
    let (app, down) = (open_to_this_machine(mode).start().await, Down::new());
    let alice = app.user("alice").await;
    let wanted = json!({"url": down.url("/"), "types": ["document.activated"]});
    let hook = alice.post_json("/v1/webhooks", &wanted).await;
    let hook = hook.expect_status(201).await;
    for number in 0..5 {
        alice
            .active(&format!("{number}.txt"), number.to_string())
            .await;
    }
    let tried = |all: &[serde_json::Value]| {
        let is_tried = |one: &serde_json::Value| one["attempts"] != json!([]);
        all.len() == 5 && all.iter().all(is_tried)
    };
    let failed = deliveries(&alice, &hook, tried).await;
    assert!(failed[0]["attempts"][0]["error"].is_string(), "{failed:?}");
    let up = down.comes_up();
    attempted_until((&app, ""), &alice, &hook, |all| all_are(all, "delivered")).await;
    let requests: BTreeSet<_> = ids(&up.received()).into_iter().collect();
    assert_eq!(requests.len(), 5);
    app.ends_clean().await;
}
