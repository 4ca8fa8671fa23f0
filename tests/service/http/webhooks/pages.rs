//! Pages of the log of deliveries, which are bounded in bytes.

use serde_json::{Value, json};
use tests::app::Mode;
use tests::in_both_modes;
use tests::servers::Receiver;

use super::owners::{accepted, all_are, deliveries, open_to_this_machine, path, text, webhook};

#[in_both_modes]
async fn a_page_of_long_answers_is_short(mode: Mode) {
    let (app, receiver) = (open_to_this_machine(mode).start().await, Receiver::start());
    let alice = app.user("alice").await;
    let hook = webhook(&alice, &receiver, &["document.activated"]).await;
    for _ in 0..5 {
        accepted(&alice, &format!("{}/test", path(&hook)), &json!({})).await;
    }
    let is_done = |all: &[Value]| all.len() == 5 && all_are(all, "delivered");
    let all = deliveries(&alice, &hook, is_done).await;
    let attempts = app.texts("SELECT attempts FROM webhook_deliveries").await;
    let mut long: Value = attempts[0].parse().unwrap();
    long[0]["answer"] = json!("x".repeat(400 << 10));
    app.tampers(&format!(
        "UPDATE webhook_deliveries SET attempts = '{long}'"
    ))
    .await;
    let (mut cursor, mut pages, mut ids) = (String::new(), Vec::new(), Vec::new());
    loop {
        let page = format!("{}/deliveries?limit=200{cursor}", path(&hook));
        let page = alice.get(&page).await.expecting(200);
        let items = page["items"].as_array().unwrap();
        pages.push(items.len());
        ids.extend(items.iter().map(|item| item["id"].clone()));
        if page["next_cursor"].is_null() {
            break;
        }
        cursor = format!("&cursor={}", text(&page["next_cursor"]));
    }
    // Of 400 KiB each, three begin within a MiB.
    assert_eq!(pages, [3, 2]);
    let expected: Vec<_> = all.iter().map(|one| one["id"].clone()).collect();
    assert_eq!(ids, expected);
    app.ends_clean().await;
}
