//! Metrics of the capacity that requests share, and of refused requests.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::{Held, Refused};
use super::register::{Counters, keep};

/// Gauges that show the last reported values.
pub(super) struct CapacityMeters {
    requests: Gauge,
    answer_bytes: Gauge,
    json_bytes: Gauge,
    connections: Gauge,
    event_readers: Gauge,
    closed: Counter,
    refused: Counters<1>,
}

impl CapacityMeters {
    /// Registers the metrics, each reason at zero.
    pub(super) fn named(names: &mut Registry) -> Self {
        let meters = Self {
            requests: keep(
                names,
                "http_requests_in_flight",
                "Requests in flight, until the last byte of the response is sent",
            ),
            answer_bytes: keep(
                names,
                "http_answer_bytes_held",
                "Bytes of response bodies in memory",
            ),
            json_bytes: keep(
                names,
                "http_json_bytes_held",
                "Bytes of JSON request bodies in memory",
            ),
            connections: keep(names, "http_connections", "Open connections"),
            event_readers: keep(
                names,
                "event_readers",
                "Readers of feeds who wait for events",
            ),
            closed: keep(
                names,
                "http_idle_connections_closed",
                "Idle connections closed to make room for others",
            ),
            refused: keep(
                names,
                "http_requests_refused",
                "Requests refused because a limit in flight was reached, by limit",
            ),
        };
        for reason in Refused::ALL {
            drop(meters.refused.get_or_create(&label(reason)));
        }
        meters
    }

    pub(super) fn refused(&self, reason: Refused) {
        self.refused.get_or_create(&label(reason)).inc();
    }

    pub(super) fn held(&self, what: Held, amount: u64) {
        let gauge = match what {
            Held::Requests => &self.requests,
            Held::AnswerBytes => &self.answer_bytes,
            Held::BodyBytes => &self.json_bytes,
            Held::Connections => &self.connections,
            Held::EventReaders => &self.event_readers,
        };
        gauge.set(i64::try_from(amount).unwrap_or(i64::MAX));
    }

    pub(super) fn closed_idle(&self, connections: usize) {
        self.closed.inc_by(connections as u64);
    }
}

fn label(reason: Refused) -> [(&'static str, String); 1] {
    [("reason", reason.as_str().to_owned())]
}
