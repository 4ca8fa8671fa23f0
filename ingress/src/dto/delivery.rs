//! Deliveries to webhooks.

use domain::{DeliveryId, DeliveryStatus, UserId};
use ledger::{Delivery, DeliveryAttempt};
use poem_openapi::{Enum, Object};

use super::{FeedCursors, Id, Moment};

/// The status of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "DeliveryStatus", rename_all = "lowercase")]
pub enum DeliveryStatusBody {
    /// It is to be attempted, perhaps again.
    Pending,
    /// An attempt succeeded.
    Delivered,
    /// No more attempts are made.
    Failed,
}

/// An attempt to deliver.
#[derive(Debug, Object)]
#[oai(rename = "DeliveryAttempt")]
pub struct AttemptBody {
    /// When it began.
    pub at: Moment,
    /// The status of the answer; `null` if there was none.
    #[oai(nullable)]
    pub status_code: Option<u16>,
    /// How long it took.
    pub duration_ms: u64,
    /// The first KiB of the answer.
    #[oai(nullable)]
    pub answer: Option<String>,
    /// Why there was no answer.
    #[oai(nullable)]
    pub error: Option<String>,
}

/// A delivery to a webhook.
#[derive(Debug, Object)]
#[oai(rename = "Delivery")]
pub struct DeliveryBody {
    /// Its id: `webhook-id` of all its attempts.
    pub id: Id<DeliveryId>,
    /// The type of its event, `webhook.test`, or, of what isn't sent, `webhook.disabled`, or
    /// `webhook.events_expired` if events left the feed before they were followed.
    pub r#type: String,
    /// The id of its event in the feed.
    #[oai(nullable)]
    pub event_id: Option<String>,
    /// Its status.
    pub status: DeliveryStatusBody,
    /// When it is attempted next.
    #[oai(nullable)]
    pub next_attempt_at: Option<Moment>,
    /// The latest attempts, oldest first.
    pub attempts: Vec<AttemptBody>,
    /// When it was created.
    pub created_at: Moment,
}

/// A page of deliveries.
#[derive(Debug, Object)]
#[oai(rename = "DeliveryPage")]
pub struct DeliveryPageBody {
    /// The deliveries, newest first.
    pub items: Vec<DeliveryBody>,
    /// The `cursor` of the next page, if there is one.
    #[oai(nullable)]
    pub next_cursor: Option<String>,
}

impl From<DeliveryAttempt> for AttemptBody {
    fn from(attempt: DeliveryAttempt) -> Self {
        Self {
            at: Moment(attempt.at),
            status_code: attempt.status,
            duration_ms: attempt.ms,
            answer: attempt.answer,
            error: attempt.error,
        }
    }
}

impl DeliveryBody {
    /// A delivery of an owner's webhook.
    pub fn of(owner: UserId, delivery: Delivery) -> Self {
        let cursors = FeedCursors::of(owner);
        Self {
            id: Id(delivery.id),
            r#type: delivery.kind,
            event_id: delivery.event.map(|event| cursors.write(event)),
            status: match delivery.status {
                DeliveryStatus::Pending => DeliveryStatusBody::Pending,
                DeliveryStatus::Delivered => DeliveryStatusBody::Delivered,
                DeliveryStatus::Failed => DeliveryStatusBody::Failed,
            },
            next_attempt_at: delivery.next_attempt_at.map(Moment),
            attempts: delivery.attempts.into_iter().map(Into::into).collect(),
            created_at: Moment(delivery.created_at),
        }
    }
}

impl From<DeliveryStatusBody> for DeliveryStatus {
    fn from(status: DeliveryStatusBody) -> Self {
        match status {
            DeliveryStatusBody::Pending => Self::Pending,
            DeliveryStatusBody::Delivered => Self::Delivered,
            DeliveryStatusBody::Failed => Self::Failed,
        }
    }
}
