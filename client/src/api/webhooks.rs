//! Webhooks, and what was delivered to them.

use http::Method;
use serde_json::json;
use uuid::Uuid;

use super::Items;
use crate::http::Call;
use crate::types::{Delivery, DeliveryStatus, NewWebhook, Webhook, WebhookChanges};
use crate::{Client, Error};

impl Client {
    /// Makes a webhook. Its secret is told this once.
    pub async fn make_webhook(&self, webhook: &NewWebhook) -> Result<Webhook, Error> {
        self.ask(Call::post(&["v1", "webhooks"]).json(webhook))
            .await
    }

    /// The webhooks, the newest first.
    #[must_use]
    pub fn webhooks(&self) -> Items<Webhook> {
        self.items(Call::get(&["v1", "webhooks"]))
    }

    /// A webhook.
    pub async fn webhook(&self, id: Uuid) -> Result<Webhook, Error> {
        let call = Call::get(&["v1", "webhooks", &id.to_string()]);
        self.ask(call).await
    }

    /// Changes a webhook.
    pub async fn change_webhook(
        &self,
        id: Uuid,
        changes: &WebhookChanges,
    ) -> Result<Webhook, Error> {
        let id = id.to_string();
        let path = ["v1", "webhooks", &id];
        self.ask(Call::new(Method::PATCH, &path).json(changes))
            .await
    }

    /// Deletes a webhook.
    pub async fn delete_webhook(&self, id: Uuid) -> Result<(), Error> {
        let call = Call::delete(&["v1", "webhooks", &id.to_string()]);
        self.send(call).await.map(drop)
    }

    /// Gives a webhook another secret. For a day both sign.
    pub async fn rotate_webhook(&self, id: Uuid) -> Result<Webhook, Error> {
        let call = Call::post(&["v1", "webhooks", &id.to_string(), "rotate"]);
        self.ask(call).await
    }

    /// Delivers a `webhook.test`.
    pub async fn test_webhook(&self, id: Uuid) -> Result<Delivery, Error> {
        let call = Call::post(&["v1", "webhooks", &id.to_string(), "test"]);
        self.ask(call).await
    }

    /// What was delivered to a webhook, the newest first.
    #[must_use]
    pub fn deliveries(&self, id: Uuid, status: Option<DeliveryStatus>) -> Items<Delivery> {
        let call = Call::get(&["v1", "webhooks", &id.to_string(), "deliveries"]);
        self.items(call.queries(&json!({"status": status})))
    }

    /// Delivers something again.
    pub async fn retry_delivery(&self, id: Uuid, delivery: Uuid) -> Result<Delivery, Error> {
        let (id, delivery) = (id.to_string(), delivery.to_string());
        let path = ["v1", "webhooks", &id, "deliveries", &delivery, "retry"];
        self.ask(Call::post(&path)).await
    }

    /// Delivers the events after a cursor again.
    pub async fn replay_webhook(&self, id: Uuid, after: &str) -> Result<Webhook, Error> {
        let call = Call::post(&["v1", "webhooks", &id.to_string(), "replay"]);
        self.ask(call.json(&json!({"after": after}))).await
    }
}
