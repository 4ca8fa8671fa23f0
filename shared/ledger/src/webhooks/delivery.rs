//! A delivery as its row describes it, with its attempts.

use serde::{Deserialize, Serialize};

use crate::DbError;
use crate::FeedPosition;
use crate::tables::webhook_deliveries::Model;
use domain::{DeliveryId, DeliveryStatus, Timestamp, WebhookId, read_json};

/// The attempts of a delivery that are kept.
const KEPT: usize = 20;

/// A delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its id, which stays the same over attempts.
    pub id: DeliveryId,
    /// Its webhook.
    pub webhook: WebhookId,
    /// The place of its event; a test has none.
    pub event: Option<FeedPosition>,
    /// The type of its event.
    pub kind: String,
    /// Its status.
    pub status: DeliveryStatus,
    /// When it is attempted next.
    pub next_attempt_at: Option<Timestamp>,
    /// The latest attempts, oldest first.
    pub attempts: Vec<DeliveryAttempt>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// An attempt to deliver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAttempt {
    /// When it began.
    pub at: Timestamp,
    /// The status of the answer; none if there was no answer.
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// The first KiB of the answer.
    pub answer: Option<String>,
    /// Why there was no answer.
    pub error: Option<String>,
}

/// Attempts as they are in a row, with one more.
pub(super) fn with_attempt(text: &str, attempt: &DeliveryAttempt) -> String {
    let mut attempts: Vec<DeliveryAttempt> = read_json(text.as_bytes()).unwrap_or_default();
    attempts.push(attempt.clone());
    let surplus = attempts.len().saturating_sub(KEPT);
    attempts.drain(..surplus);
    // Numbers and texts can always be written.
    serde_json::to_string(&attempts).unwrap_or_default()
}

impl TryFrom<Model> for Delivery {
    type Error = DbError;

    fn try_from(row: Model) -> Result<Self, DbError> {
        let corrupt = |column| DbError::corrupt("webhook_deliveries", column, row.id);
        Ok(Self {
            id: DeliveryId(row.id),
            webhook: WebhookId(row.webhook_id),
            event: row.sequence.map(FeedPosition),
            status: row.status.parse().map_err(|_| corrupt("status"))?,
            next_attempt_at: row.next_attempt_at.map(Timestamp::from_micros),
            attempts: read_json(row.attempts.as_bytes()).map_err(|_| corrupt("attempts"))?,
            created_at: Timestamp::from_micros(row.created_at),
            kind: row.kind,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_attempts_are_kept() {
        let mut text = "[]".to_owned();
        for number in 0..30 {
            let attempt = DeliveryAttempt {
                at: Timestamp::from_micros(number),
                status: Some(500),
                ms: 7,
                answer: Some("\u{0}no".to_owned()),
                error: None,
            };
            text = with_attempt(&text, &attempt);
        }
        assert!(!text.contains('\u{0}'));
        let kept: Vec<DeliveryAttempt> = read_json(text.as_bytes()).unwrap();
        assert_eq!((kept.len(), kept[0].at), (KEPT, Timestamp::from_micros(10)));
        assert_eq!(kept[19].answer.as_deref(), Some("\u{0}no"));
    }
}
