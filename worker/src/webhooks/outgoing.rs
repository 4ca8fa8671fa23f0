//! Deliveries as they wait to be sent: with their bodies instead of their events, whose values take many
//! times as much memory. Hundreds of jobs wait for endpoints at the same time.

use bytes::Bytes;
use ledger::{DueDelivery, Turn, WebhookSecret};

use super::body::{message_of_event, message_of_test};

/// What is to be delivered now.
pub struct Round {
    /// The URL.
    pub url: String,
    /// The secrets that sign, the newest first; none if they can't be opened.
    pub secrets: Vec<WebhookSecret>,
    /// The deliveries.
    pub due: Vec<Outgoing>,
    /// Whether there may be more events.
    pub more: bool,
    /// Whether the endpoint has failed since its latest success.
    pub is_failing: bool,
}

/// A delivery with its body.
pub struct Outgoing {
    /// The delivery, without its event.
    pub delivery: DueDelivery,
    /// The body; none if the event isn't kept any more.
    pub body: Option<Bytes>,
}

impl From<Turn> for Round {
    fn from(turn: Turn) -> Self {
        Self {
            url: turn.url,
            secrets: turn.secrets,
            due: turn.due.into_iter().map(Outgoing::from).collect(),
            more: turn.more,
            is_failing: turn.is_failing,
        }
    }
}

impl From<DueDelivery> for Outgoing {
    fn from(mut delivery: DueDelivery) -> Self {
        let body = match delivery.event.take() {
            Some(event) => Some(message_of_event(&event)),
            None if delivery.is_test => Some(message_of_test(delivery.created_at)),
            None => None,
        };
        Self { delivery, body }
    }
}
