//! Tickets, as their owners make them.

use serde_json::Value;

use crate::app::Client;

/// Makes a ticket, and returns its path and its URL.
pub async fn ticket(owner: &Client, wanted: &Value) -> (String, String) {
    let made = owner.post_json("/v1/tickets", wanted).await;
    let made = made.expect_status(201).await;
    assert_eq!(made["status"], "open", "{made}");
    let text = |member: &str| made[member].as_str().unwrap_or_default().to_owned();
    (format!("/v1/tickets/{}", text("id")), text("url"))
}
