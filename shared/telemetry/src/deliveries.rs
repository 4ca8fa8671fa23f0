//! Gauges of deliveries to webhooks that are pending in the ledger.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::register::keep;
use domain::Timestamp;
use ledger::DeliveryLevel;

/// Gauges that show the last reading.
pub(super) struct DeliveryLevels {
    pending: Gauge,
    oldest_due: Gauge<f64, AtomicU64>,
}

impl DeliveryLevels {
    /// Registers the metrics.
    pub(super) fn named(names: &mut Registry) -> Self {
        Self {
            pending: keep(
                names,
                "webhook_deliveries_pending",
                "Deliveries to webhooks that are to be attempted, up to ten thousand",
            ),
            oldest_due: keep(
                names,
                "webhook_oldest_due_seconds",
                "How long the delivery that is due for longest has been due",
            ),
        }
    }

    /// Shows a reading.
    pub(super) fn show(&self, level: &DeliveryLevel, now: Timestamp) {
        self.pending
            .set(i64::try_from(level.pending).unwrap_or(i64::MAX));
        let waits = level.first_due_at.map(|due| now.since(due));
        self.oldest_due.set(waits.unwrap_or_default().as_secs_f64());
    }
}
