//! All metrics of a process. Code that does something measured calls one of these methods; nothing
//! else knows how metrics are stored.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::capacity::CapacityMeters;
use super::disk::DiskLevels;
use super::history::{History, Minute, Totals, Waiting};
use super::labels::{
    Attempt, CALLS, Circuit, Delivered, Held, Hint, OUTCOMES, Refused, Stop, class, method,
};
use super::ledger::Levels;
use super::overdue::Overdue;
use super::register::{Counters, Labels, Times, keep, keep_as};
use domain::{ByteSize, Timestamp};
use ledger::Database;
use queue::{JobKind, Queue};
use storage::DiskReading;

/// The metrics of a process; clones share them.
#[derive(Clone)]
pub struct Meters(Arc<Kept>);

struct Kept {
    registry: Registry,
    requests: Counters<3>,
    request_seconds: Times<2>,
    capacity: CapacityMeters,
    uploads: Counter,
    upload_bytes: Counter,
    uploads_refused: Counters<1>,
    waiting_requests: Gauge,
    hints: Counters<2>,
    jobs: Counters<2>,
    job_seconds: Times<1>,
    deliveries: Counters<1>,
    delivery_seconds: Histogram,
    circuits: Family<Labels<1>, Gauge>,
    cleanups_stopped: Counters<2>,
    storage_calls: Counters<2>,
    storage_seconds: Times<1>,
    disk: DiskLevels,
    ledger: Levels,
    history: History,
}

/// From a millisecond to half a minute.
fn request_times() -> Histogram {
    Histogram::new([
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    ])
}

/// From a millisecond to an hour, the longest attempt.
fn job_times() -> Histogram {
    Histogram::new([
        0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0, 3600.0,
    ])
}

impl Default for Meters {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("dossier");
        let names = &mut registry;
        let kept = Kept {
            requests: keep(
                names,
                "http_requests",
                "Requests, by method, route and status class",
            ),
            request_seconds: keep_as(
                names,
                "http_request_duration_seconds",
                "Time to the response header, by method and route",
                Family::new_with_constructor(request_times),
            ),
            capacity: CapacityMeters::named(names),
            uploads: keep(names, "uploads", "Accepted documents and versions"),
            upload_bytes: keep(
                names,
                "upload_bytes",
                "Bytes of accepted documents and versions",
            ),
            uploads_refused: keep(
                names,
                "uploads_refused",
                "Uploads refused by back-pressure, by reason",
            ),
            waiting_requests: keep(
                names,
                "waiting_requests",
                "Requests that wait for a document to settle",
            ),
            hints: keep(
                names,
                "hints",
                "Notifications of new jobs, by queue and outcome",
            ),
            jobs: keep(names, "job_attempts", "Job attempts, by kind and outcome"),
            job_seconds: keep_as(
                names,
                "job_duration_seconds",
                "Time from the claim of a job to the end of the attempt, by kind",
                Family::new_with_constructor(job_times),
            ),
            deliveries: keep(names, "webhook_attempts", "Webhook attempts, by outcome"),
            delivery_seconds: keep_as(
                names,
                "webhook_attempt_duration_seconds",
                "Time of attempts to deliver to webhooks",
                request_times(),
            ),
            circuits: keep(
                names,
                "circuit_open",
                "Whether the circuit breaker of a dependency is open, by part",
            ),
            cleanups_stopped: keep(
                names,
                "cleanups_stopped",
                "Cleanups that refused to remove anything, by kind and cause",
            ),
            storage_calls: keep(
                names,
                "storage_calls",
                "Calls to storage, by operation and outcome",
            ),
            storage_seconds: keep_as(
                names,
                "storage_call_duration_seconds",
                "Time of calls to storage, by operation",
                Family::new_with_constructor(request_times),
            ),
            disk: DiskLevels::named(names),
            ledger: Levels::named(names),
            history: History::default(),
            registry,
        };
        kept.begin_at_zero();
        Self(Arc::new(kept))
    }
}

fn circuit_label(circuit: Circuit) -> Labels<1> {
    [("part", circuit.as_str().to_owned())]
}

impl Kept {
    /// Initialise all label values, so that rates work from the start.
    fn begin_at_zero(&self) {
        for overdue in Overdue::ALL {
            drop(self.uploads_refused.get_or_create(&reason(overdue)));
        }
        for kind in JobKind::ALL {
            let name = || ("kind", kind.to_string());
            for end in Attempt::ALL {
                drop(
                    self.jobs
                        .get_or_create(&[name(), ("outcome", end.as_str().to_owned())]),
                );
            }
            drop(self.job_seconds.get_or_create(&[name()]));
        }
        for outcome in Delivered::ALL {
            drop(self.deliveries.get_or_create(&delivery_label(outcome)));
        }
        for circuit in Circuit::ALL {
            drop(self.circuits.get_or_create(&circuit_label(circuit)));
        }
        for queue in Queue::ALL {
            let name = || ("queue", queue.to_string());
            for hint in Hint::ALL {
                drop(
                    self.hints
                        .get_or_create(&[name(), ("outcome", hint.as_str().to_owned())]),
                );
            }
        }
        for kind in [
            JobKind::SweepStaging,
            JobKind::SweepStore,
            JobKind::RemoveDiscarded,
        ] {
            for why in Stop::ALL {
                drop(self.cleanups_stopped.get_or_create(&[
                    ("kind", kind.to_string()),
                    ("cause", why.as_str().to_owned()),
                ]));
            }
        }
        for call in CALLS {
            let name = || ("operation", call.to_owned());
            for outcome in OUTCOMES {
                drop(
                    self.storage_calls
                        .get_or_create(&[name(), ("outcome", outcome.to_owned())]),
                );
            }
            drop(self.storage_seconds.get_or_create(&[name()]));
        }
    }
}

fn delivery_label(outcome: Delivered) -> Labels<1> {
    [("outcome", outcome.as_str().to_owned())]
}

fn reason(overdue: Overdue) -> Labels<1> {
    [("reason", overdue.as_str().to_owned())]
}

impl Meters {
    /// Counts an answered request. `route` is a documented pattern; `None` if no route matched.
    pub fn answered(&self, verb: &str, route: Option<&str>, status: u16, took: Duration) {
        let name = || ("method", method(verb).to_owned());
        let route = || ("route", route.unwrap_or("unknown").to_owned());
        let class = ("status", class(status).to_owned());
        self.0
            .requests
            .get_or_create(&[name(), route(), class])
            .inc();
        let seconds = self.0.request_seconds.get_or_create(&[name(), route()]);
        seconds.observe(took.as_secs_f64());
        self.0.history.answered(status);
    }

    /// Ends a minute of the last hour. Call [`Self::look`] before.
    pub fn end_minute(&self, now: Timestamp) {
        let (totals, waiting) = self.totals();
        self.0.history.end_minute(now, totals, waiting);
    }

    /// Returns the minutes of the last hour, the oldest first, and at last the one that goes on.
    #[must_use]
    pub fn last_hour(&self, now: Timestamp) -> Vec<Minute> {
        let (totals, waiting) = self.totals();
        self.0.history.minutes(now, totals, waiting)
    }

    fn totals(&self) -> (Totals, Waiting) {
        let (requests, failed) = self.0.history.requests();
        let totals = Totals {
            requests,
            failed,
            uploads: self.0.uploads.get(),
            upload_bytes: self.0.upload_bytes.get(),
        };
        (totals, self.0.ledger.waiting())
    }

    /// Counts a refused request.
    pub fn refused(&self, reason: Refused) {
        self.0.capacity.refused(reason);
    }

    /// Sets how much all requests hold.
    pub fn held(&self, what: Held, amount: u64) {
        self.0.capacity.held(what, amount);
    }

    /// Counts closed idle connections.
    pub fn closed_idle(&self, connections: usize) {
        self.0.capacity.closed_idle(connections);
    }

    /// Counts an attempt to deliver to a webhook.
    pub fn delivered(&self, outcome: Delivered, took: Duration) {
        let count = self.0.deliveries.get_or_create(&delivery_label(outcome));
        count.inc();
        self.0.delivery_seconds.observe(took.as_secs_f64());
    }

    /// Counts an accepted document or version.
    pub fn took_in(&self, size: ByteSize) {
        self.0.uploads.inc();
        self.0.upload_bytes.inc_by(size.bytes());
    }

    /// Counts an upload refused by back-pressure.
    pub fn turned_away(&self, overdue: Overdue) {
        self.0.uploads_refused.get_or_create(&reason(overdue)).inc();
    }

    /// Sets how many requests wait for a document to settle.
    pub fn waiting(&self, requests: usize) {
        self.0
            .waiting_requests
            .set(i64::try_from(requests).unwrap_or(i64::MAX));
    }

    /// Counts notifications of jobs.
    pub fn hinted(&self, queue: Queue, jobs: usize, hint: Hint) {
        let labels = [
            ("queue", queue.to_string()),
            ("outcome", hint.as_str().to_owned()),
        ];
        self.0.hints.get_or_create(&labels).inc_by(jobs as u64);
    }

    /// Counts a finished attempt.
    pub fn attempted(&self, kind: JobKind, end: Attempt, took: Duration) {
        let name = || ("kind", kind.to_string());
        let end = ("outcome", end.as_str().to_owned());
        self.0.jobs.get_or_create(&[name(), end]).inc();
        self.0
            .job_seconds
            .get_or_create(&[name()])
            .observe(took.as_secs_f64());
    }

    /// Records that a circuit opened or closed.
    pub fn circuit(&self, circuit: Circuit, is_open: bool) {
        let meter = self.0.circuits.get_or_create(&circuit_label(circuit));
        meter.set(i64::from(is_open));
    }

    /// Returns the open circuits of this process.
    #[must_use]
    pub fn open_circuits(&self) -> Vec<Circuit> {
        let is_open = |circuit: &Circuit| {
            let meter = self.0.circuits.get_or_create(&circuit_label(*circuit));
            meter.get() != 0
        };
        Circuit::ALL.into_iter().filter(is_open).collect()
    }

    /// Counts a cleanup that refused to remove anything.
    pub fn stopped(&self, kind: JobKind, why: Stop) {
        let labels = [
            ("kind", kind.to_string()),
            ("cause", why.as_str().to_owned()),
        ];
        self.0.cleanups_stopped.get_or_create(&labels).inc();
    }

    /// Adds bytes of uploads in progress.
    pub fn holds(&self, bytes: u64) {
        self.0.disk.holds(bytes);
    }

    /// Removes bytes of uploads in progress.
    pub fn lets_go(&self, bytes: u64) {
        self.0.disk.lets_go(bytes);
    }

    /// Records a reading of the local disks.
    pub fn sees_disk(&self, reading: DiskReading) {
        self.0.disk.sees_disk(reading);
    }

    /// Reads the ledger. While it is down, the last reading stays.
    pub async fn look(&self, db: &Database, now: Timestamp) {
        self.0.ledger.look(db, now).await;
    }

    /// Counts a finished call to storage.
    pub(super) fn called(&self, call: &'static str, outcome: &'static str, took: Duration) {
        let name = || ("operation", call.to_owned());
        let labels = [name(), ("outcome", outcome.to_owned())];
        self.0.storage_calls.get_or_create(&labels).inc();
        self.0
            .storage_seconds
            .get_or_create(&[name()])
            .observe(took.as_secs_f64());
    }

    /// Encodes all metrics as `OpenMetrics` 1.0.0 text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string never fails.
        let _ = encode(&mut text, &self.0.registry);
        text
    }
}

impl fmt::Debug for Meters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meters")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_a_client_makes_up_adds_no_label() {
        let meters = Meters::default();
        for made_up in ["BREW", "get", "\n", "WHEN"] {
            meters.answered(made_up, None, 404, Duration::ZERO);
        }
        let text = meters.text();
        let expected =
            "dossier_http_requests_total{method=\"other\",route=\"unknown\",status=\"4xx\"} 4";
        assert!(text.contains(expected), "{text}");
        assert_eq!(text.matches("dossier_http_requests_total{").count(), 1);
    }

    #[test]
    fn what_can_be_counted_is_there_from_the_start() {
        let text = Meters::default().text();
        for line in [
            "dossier_job_attempts_total{kind=\"process_version\",outcome=\"dead\"} 0",
            "dossier_queue_depth{queue=\"ingest\"} 0",
            "dossier_storage_calls_total{operation=\"put\",outcome=\"error\"} 0",
            "dossier_upload_bytes_total 0",
        ] {
            assert!(text.contains(line), "{line}");
        }
    }
}
