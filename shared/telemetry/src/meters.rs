//! Every meter of a process, under its name. Whoever does something that is metered calls one of
//! these verbs; nobody else knows how meters are kept.

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
use super::labels::{Attempt, CALLS, Circuit, Held, Hint, OUTCOMES, Refused, Stop, class, method};
use super::ledger::Levels;
use super::overdue::Overdue;
use super::register::{Counters, Labels, Times, keep, keep_as};
use domain::{ByteSize, Timestamp};
use ledger::Database;
use queue::{JobKind, Queue};
use storage::DiskReading;

/// The meters of a process; clones share them.
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
    circuits: Family<Labels<1>, Gauge>,
    cleanups_stopped: Counters<2>,
    storage_calls: Counters<2>,
    storage_seconds: Times<1>,
    disk: DiskLevels,
    ledger: Levels,
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
                "Requests by method, route and class of status",
            ),
            request_seconds: keep_as(
                names,
                "http_request_duration_seconds",
                "Time until the header of the answer, by method and route",
                Family::new_with_constructor(request_times),
            ),
            capacity: CapacityMeters::named(names),
            uploads: keep(names, "uploads", "Documents and versions taken in"),
            upload_bytes: keep(
                names,
                "upload_bytes",
                "Bytes of documents and versions taken in",
            ),
            uploads_refused: keep(
                names,
                "uploads_refused",
                "Uploads that were turned away because work waits for too long, by reason",
            ),
            waiting_requests: keep(
                names,
                "waiting_requests",
                "Requests that wait for a document to settle",
            ),
            hints: keep(
                names,
                "hints",
                "Word of new jobs, by queue and what became of it",
            ),
            jobs: keep(
                names,
                "job_attempts",
                "Attempts at jobs, by kind and how they ended",
            ),
            job_seconds: keep_as(
                names,
                "job_duration_seconds",
                "Time from the claim of a job to the end of the attempt, by kind",
                Family::new_with_constructor(job_times),
            ),
            circuits: keep(
                names,
                "circuit_open",
                "Whether jobs wait for a part that is away, by part",
            ),
            cleanups_stopped: keep(
                names,
                "cleanups_stopped",
                "Cleanups that destroyed nothing and want somebody to look, by kind and cause",
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
    /// What can be counted is there from the start: a rate over nothing would be nothing.
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

fn reason(overdue: Overdue) -> Labels<1> {
    [("reason", overdue.as_str().to_owned())]
}

impl Meters {
    /// A request was answered. `route` is a documented pattern, or nothing if none was meant.
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
    }

    /// A request was turned away for what is in flight.
    pub fn refused(&self, reason: Refused) {
        self.0.capacity.refused(reason);
    }

    /// So much is held by all requests.
    pub fn held(&self, what: Held, amount: u64) {
        self.0.capacity.held(what, amount);
    }

    /// So many idle connections had to make room.
    pub fn closed_idle(&self, connections: usize) {
        self.0.capacity.closed_idle(connections);
    }

    /// A document or a version of so many bytes was taken in.
    pub fn took_in(&self, size: ByteSize) {
        self.0.uploads.inc();
        self.0.upload_bytes.inc_by(size.bytes());
    }

    /// An upload was turned away.
    pub fn turned_away(&self, overdue: Overdue) {
        self.0.uploads_refused.get_or_create(&reason(overdue)).inc();
    }

    /// So many requests wait for a document to settle.
    pub fn waiting(&self, requests: usize) {
        self.0
            .waiting_requests
            .set(i64::try_from(requests).unwrap_or(i64::MAX));
    }

    /// What became of word of so many jobs.
    pub fn hinted(&self, queue: Queue, jobs: usize, hint: Hint) {
        let labels = [
            ("queue", queue.to_string()),
            ("outcome", hint.as_str().to_owned()),
        ];
        self.0.hints.get_or_create(&labels).inc_by(jobs as u64);
    }

    /// An attempt at a job ended.
    pub fn attempted(&self, kind: JobKind, end: Attempt, took: Duration) {
        let name = || ("kind", kind.to_string());
        let end = ("outcome", end.as_str().to_owned());
        self.0.jobs.get_or_create(&[name(), end]).inc();
        self.0
            .job_seconds
            .get_or_create(&[name()])
            .observe(took.as_secs_f64());
    }

    /// Jobs begin or cease to wait for a part.
    pub fn circuit(&self, circuit: Circuit, is_open: bool) {
        let meter = self.0.circuits.get_or_create(&circuit_label(circuit));
        meter.set(i64::from(is_open));
    }

    /// The parts that jobs of this process wait for.
    #[must_use]
    pub fn open_circuits(&self) -> Vec<Circuit> {
        let is_open = |circuit: &Circuit| {
            let meter = self.0.circuits.get_or_create(&circuit_label(*circuit));
            meter.get() != 0
        };
        Circuit::ALL.into_iter().filter(is_open).collect()
    }

    /// A cleanup destroyed nothing of what it would have.
    pub fn stopped(&self, kind: JobKind, why: Stop) {
        let labels = [
            ("kind", kind.to_string()),
            ("cause", why.as_str().to_owned()),
        ];
        self.0.cleanups_stopped.get_or_create(&labels).inc();
    }

    /// So many more bytes of uploads are on their way.
    pub fn holds(&self, bytes: u64) {
        self.0.disk.holds(bytes);
    }

    /// So many bytes of uploads are not on their way any more.
    pub fn lets_go(&self, bytes: u64) {
        self.0.disk.lets_go(bytes);
    }

    /// A look at the local disks found this.
    pub fn sees_disk(&self, reading: DiskReading) {
        self.0.disk.sees_disk(reading);
    }

    /// Looks into the ledger. While it is away, what was seen last stays.
    pub async fn look(&self, db: &Database, now: Timestamp) {
        self.0.ledger.look(db, now).await;
    }

    /// A call to storage ended.
    pub(super) fn called(&self, call: &'static str, outcome: &'static str, took: Duration) {
        let name = || ("operation", call.to_owned());
        let labels = [name(), ("outcome", outcome.to_owned())];
        self.0.storage_calls.get_or_create(&labels).inc();
        self.0
            .storage_seconds
            .get_or_create(&[name()])
            .observe(took.as_secs_f64());
    }

    /// All of them as text in the form of `OpenMetrics` 1.0.0, which Prometheus reads.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // A string takes whatever is written to it.
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
