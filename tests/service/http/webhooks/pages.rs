//! Pages of the log of deliveries, which are bounded in bytes.

use serde_json::{Value, json};
use tests::app::Mode;
use tests::in_both_modes;

use super::owners::{Subscriber, text};

#[in_both_modes]
async fn a_page_of_long_answers_is_short(mode: Mode) {
    let her = Subscriber::to(&["document.activated"], mode).await;
    for _ in 0..5 {
        her.tests().await;
    }
    let all = her.delivered(5).await;
    let attempts = "SELECT attempts FROM webhook_deliveries";
    let mut long: Value = her.app.texts(attempts).await[0].parse().unwrap();
    long[0]["answer"] = json!("x".repeat(400 << 10));
    let long = format!("UPDATE webhook_deliveries SET attempts = '{long}'");
    her.app.tampers(&long).await;
    let (mut cursor, mut pages, mut ids) = (String::new(), Vec::new(), Vec::new());
    loop {
        let page = her.path(&format!("/deliveries?limit=200{cursor}"));
        let page = her.alice.get(&page).await.expecting(200);
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
    her.app.ends_clean().await;
}
