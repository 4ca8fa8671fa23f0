//! Receivers that answer late, not at all, or die.

use std::time::Duration;

use serde_json::{Value, json};
use tests::app::Mode;
use tests::servers::Reply;

use super::owners::{Subscriber, all_are, text};
use super::receiving::ids;

#[tokio::test]
async fn a_receiver_that_is_late_or_dies_is_told_until_it_answers() {
    let her = Subscriber::to(&["document.activated"], Mode::Embedded).await;
    // The first is answered in time, the other by none of its first two attempts.
    let late = Duration::from_secs(2);
    let replies = [Reply::Late(late, 200), Reply::Nothing, Reply::Dies];
    her.receiver.replies_once(replies);
    her.alice.active("a.txt", "a").await;
    let in_time = her.delivered(1).await;
    let attempts = in_time[0]["attempts"].as_array().unwrap();
    assert_eq!(
        (attempts.len(), &attempts[0]["status_code"]),
        (1, &json!(200))
    );
    assert!(attempts[0]["duration_ms"].as_u64().unwrap() >= 2_000);

    her.alice.active("b.txt", "b").await;
    let is_tried = |all: &[Value]| all.len() == 2 && all[0]["attempts"] != json!([]);
    her.deliveries(is_tried).await;
    let is_done = |all: &[Value]| all_are(all, "delivered");
    let done = her.attempted_until("", is_done).await;
    let attempts = done[0]["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 3, "{attempts:?}");
    for (attempt, error) in attempts
        .iter()
        .zip(["no answer within 20 seconds", "could not exchange HTTP"])
    {
        assert_eq!(attempt["status_code"], json!(null));
        assert!(text(&attempt["error"]).starts_with(error), "{attempt}");
    }
    let ids = ids(&her.receiver.received());
    assert_eq!(ids[1..], vec![text(&done[0]["id"]).to_owned(); 3]);
    her.app.ends_clean().await;
}
