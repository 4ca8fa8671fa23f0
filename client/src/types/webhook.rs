//! Webhooks, and what was delivered to them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;

/// A webhook to make.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewWebhook {
    /// Where events are delivered.
    pub url: String,
    /// The types of events; by default all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<String>>,
    /// The owner's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Changes to a webhook; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookChanges {
    /// Where events are delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The types of events; `*` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<String>>,
    /// The owner's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether events are delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<WebhookStatus>,
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Webhook {
    /// Its id.
    pub id: Uuid,
    /// Where events are delivered.
    pub url: String,
    /// The types of events; `*` for all.
    pub types: Vec<String>,
    /// The owner's words.
    pub description: Option<String>,
    /// Its status.
    pub status: WebhookStatus,
    /// What signs deliveries; told when it is made.
    pub secret: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Why it is disabled.
    pub disabled_reason: Option<String>,
    /// When a delivery succeeded last.
    pub last_success_at: Option<Timestamp>,
    /// When an attempt failed last.
    pub last_failure_at: Option<Timestamp>,
}

/// The status of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WebhookStatus {
    /// Events are delivered.
    Enabled,
    /// Nothing is delivered.
    Disabled,
}

/// A delivery to a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Delivery {
    /// Its id: `webhook-id` of all its attempts.
    pub id: Uuid,
    /// The type of its event.
    #[serde(rename = "type")]
    pub kind: String,
    /// The id of its event.
    pub event_id: Option<String>,
    /// Its status.
    pub status: DeliveryStatus,
    /// When it is attempted next.
    pub next_attempt_at: Option<Timestamp>,
    /// The latest attempts, the oldest first.
    pub attempts: Vec<DeliveryAttempt>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// The status of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryStatus {
    /// It is to be attempted, perhaps again.
    Pending,
    /// An attempt succeeded.
    Delivered,
    /// No more attempts are made.
    Failed,
}

/// An attempt to deliver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeliveryAttempt {
    /// When it began.
    pub at: Timestamp,
    /// The status of the answer, if there was one.
    pub status_code: Option<u16>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The first KiB of the answer.
    pub answer: Option<String>,
    /// Why there was no answer.
    pub error: Option<String>,
}
