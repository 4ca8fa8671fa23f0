//! Webhooks: an owner's events, delivered to a URL.

mod audit;
mod change;
mod deliver;
mod delivery;
mod find;
mod level;
mod redeliver;
mod secret;
mod turns;
mod webhook;

pub use audit::ChangedWebhook;
pub use change::{
    NewWebhook, WebhookChanges, create_webhook, delete_webhook, edit_webhook, rotate_webhook,
};
pub use deliver::{
    AttemptEnd, AttemptResult, DueDelivery, Turn, begin_turn, end_turn, record_attempts,
};
pub use delivery::{Delivery, DeliveryAttempt};
pub use find::{DeliveryPage, find_webhook, forget_deliveries, list_deliveries, list_webhooks};
pub use level::{DeliveryLevel, delivery_level};
pub use redeliver::{replay_webhook, retry_delivery, test_webhook};
pub use secret::{SecretError, SecretSealer, WebhookSecret};
pub use turns::{enqueue_turns, has_enabled_webhooks};
pub use webhook::{Webhook, WebhookError};
