//! Receivers that answer late, not at all, or die.

use std::time::Duration;

use serde_json::{Value, json};
use tests::app::Mode;
use tests::servers::{Receiver, Reply};

use super::owners::{all_are, attempted_until, deliveries, open_to_this_machine, text, webhook};
use super::receiving::ids;

#[tokio::test]
async fn a_receiver_that_is_late_or_dies_is_told_until_it_answers() {
    let app = open_to_this_machine(Mode::Embedded).start().await;
    let receiver = Receiver::start();
    let alice = app.user("alice").await;
    // The first is answered in time, the other by none of its first two attempts.
    let late = Duration::from_secs(2);
    receiver.replies_once([Reply::Late(late, 200), Reply::Nothing, Reply::Dies]);
    let hook = webhook(&alice, &receiver, &["document.activated"]).await;
    alice.active("a.txt", "a").await;
    let in_time = deliveries(&alice, &hook, |all| {
        all.len() == 1 && all_are(all, "delivered")
    })
    .await;
    let attempts = in_time[0]["attempts"].as_array().unwrap();
    assert_eq!(
        (attempts.len(), &attempts[0]["status_code"]),
        (1, &json!(200))
    );
    assert!(attempts[0]["duration_ms"].as_u64().unwrap() >= 2_000);

    alice.active("b.txt", "b").await;
    let attempts = |all: &[Value]| all[0]["attempts"].as_array().unwrap().len();
    deliveries(&alice, &hook, |all| all.len() == 2 && attempts(all) > 0).await;
    let done = attempted_until((&app, ""), &alice, &hook, |all| all_are(all, "delivered")).await;
    let attempts = done[0]["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 3, "{attempts:?}");
    for (attempt, error) in attempts
        .iter()
        .zip(["no answer within 20 seconds", "could not exchange HTTP"])
    {
        assert_eq!(attempt["status_code"], json!(null));
        assert!(text(&attempt["error"]).starts_with(error), "{attempt}");
    }
    let ids = ids(&receiver.received());
    assert_eq!(ids[1..], vec![text(&done[0]["id"]).to_owned(); 3]);
    app.ends_clean().await;
}
