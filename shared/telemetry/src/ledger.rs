//! Reads metrics from the ledger: queues, and the use of connections.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::deliveries::DeliveryLevels;
use super::history::Waiting;
use super::register::{Labels, keep};
use domain::Timestamp;
use ledger::{
    Database, DbError, DeliveryLevel, DiscardLevel, QueueState, UploadLevel, WorkerPage,
    delivery_level, discard_level, list_workers, oldest_pending, queue_states, upload_level,
};
use queue::Queue;

/// How long a reading is cached: anybody on the operators' port may ask.
const FRESH: Duration = Duration::from_secs(2);

/// The timeout of a reading.
const PATIENCE: Duration = Duration::from_secs(3);

/// The most workers counted.
const MOST_WORKERS: u32 = 10_000;

type Seconds = Gauge<f64, AtomicU64>;

/// Gauges that show the last reading.
pub(super) struct Levels {
    queue_depth: Family<Labels<1>, Gauge>,
    queue_running: Family<Labels<1>, Gauge>,
    queue_dead: Family<Labels<1>, Gauge>,
    queue_oldest: Family<Labels<1>, Seconds>,
    queue_paused: Family<Labels<1>, Gauge>,
    oldest_pending: Seconds,
    workers: Gauge,
    discarded_objects: Gauge,
    discarded_bytes: Gauge,
    open_uploads: Gauge,
    reserved_bytes: Gauge,
    deliveries: DeliveryLevels,
    up: Gauge,
    connections: Family<Labels<2>, Gauge>,
    last_look: Mutex<Option<Instant>>,
}

impl Levels {
    /// Registers the metrics, each queue at zero.
    pub(super) fn named(names: &mut Registry) -> Self {
        let levels = Self {
            queue_depth: keep(names, "queue_depth", "Waiting jobs, by queue"),
            queue_running: keep(names, "queue_running", "Running jobs, by queue"),
            queue_dead: keep(names, "queue_dead", "Dead jobs, by queue"),
            queue_oldest: keep(
                names,
                "queue_oldest_seconds",
                "Age of the oldest due job, by queue",
            ),
            queue_paused: keep(
                names,
                "queue_paused",
                "Whether an operator has paused the queue",
            ),
            oldest_pending: keep(
                names,
                "oldest_pending_seconds",
                "Age of the oldest pending version",
            ),
            workers: keep(names, "workers", "Live workers"),
            discarded_objects: keep(
                names,
                "discarded_objects",
                "Discarded objects that wait to be removed, up to a million",
            ),
            discarded_bytes: keep(
                names,
                "discarded_bytes",
                "Bytes charged to users for discarded objects",
            ),
            open_uploads: keep(
                names,
                "open_uploads",
                "Resumable uploads that are open or wait to be joined, up to a million",
            ),
            reserved_bytes: keep(
                names,
                "open_uploads_reserved_bytes",
                "Bytes that they reserve of their owners' quotas",
            ),
            deliveries: DeliveryLevels::named(names),
            up: keep(
                names,
                "ledger_up",
                "Whether the last reading of the ledger succeeded",
            ),
            connections: keep(
                names,
                "database_connections",
                "Database connections, by pool and state",
            ),
            last_look: Mutex::default(),
        };
        for queue in Queue::ALL {
            let name = [("queue", queue.to_string())];
            for level in [
                &levels.queue_depth,
                &levels.queue_running,
                &levels.queue_dead,
                &levels.queue_paused,
            ] {
                drop(level.get_or_create(&name));
            }
            drop(levels.queue_oldest.get_or_create(&name));
        }
        levels
    }
}

/// A reading.
struct Look {
    queues: Vec<QueueState>,
    pending_since: Option<Timestamp>,
    workers: usize,
    discarded: DiscardLevel,
    uploads: UploadLevel,
    deliveries: DeliveryLevel,
}

impl Levels {
    /// Reads the ledger. While it is down, the last reading stays.
    pub(super) async fn look(&self, db: &Database, now: Timestamp) {
        for pool in db.pools() {
            let used = pool.open.saturating_sub(pool.idle);
            for (state, count) in [("used", used), ("idle", pool.idle), ("most", pool.most)] {
                let labels = [("pool", pool.name.to_owned()), ("state", state.to_owned())];
                self.connections.get_or_create(&labels).set(count.into());
            }
        }
        let mut last = self.last_look.lock().await;
        if last.is_some_and(|at| at.elapsed() < FRESH) {
            return;
        }
        let look = timeout(PATIENCE, look(db, now)).await;
        *last = Some(Instant::now());
        self.up.set(i64::from(matches!(look, Ok(Ok(_)))));
        match look {
            Ok(Ok(look)) => self.show(&look, now),
            Ok(Err(error)) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "failed to read metrics from the ledger"
                );
            }
            Err(_) => tracing::debug!("timed out reading metrics from the ledger"),
        }
    }

    /// Returns what waited at the last reading.
    pub(super) fn waiting(&self) -> Waiting {
        let depth = |queue: Queue| {
            let name = [("queue", queue.to_string())];
            let depth = self.queue_depth.get_or_create(&name).get();
            u64::try_from(depth).unwrap_or_default()
        };
        Waiting {
            jobs: Queue::ALL.into_iter().map(depth).sum(),
            oldest_pending: self.oldest_pending.get(),
        }
    }

    fn show(&self, look: &Look, now: Timestamp) {
        let level = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        for state in &look.queues {
            let name = [("queue", state.queue.to_string())];
            self.queue_depth
                .get_or_create(&name)
                .set(level(state.depth));
            self.queue_running
                .get_or_create(&name)
                .set(level(state.running));
            self.queue_dead.get_or_create(&name).set(level(state.dead));
            let paused = i64::from(state.paused_at.is_some());
            self.queue_paused.get_or_create(&name).set(paused);
            let oldest = state.oldest.unwrap_or_default().as_secs_f64();
            self.queue_oldest.get_or_create(&name).set(oldest);
        }
        let pending = look.pending_since.map(|since| now.since(since));
        self.oldest_pending
            .set(pending.unwrap_or_default().as_secs_f64());
        self.workers.set(level(look.workers as u64));
        self.discarded_objects.set(level(look.discarded.objects));
        self.discarded_bytes.set(level(look.discarded.bytes));
        self.open_uploads.set(level(look.uploads.uploads));
        self.reserved_bytes.set(level(look.uploads.reserved));
        self.deliveries.show(&look.deliveries, now);
    }
}

async fn look(db: &Database, now: Timestamp) -> Result<Look, DbError> {
    let page = WorkerPage {
        now,
        after: None,
        limit: MOST_WORKERS,
    };
    Ok(Look {
        queues: queue_states(db, now).await?,
        pending_since: oldest_pending(db).await?,
        workers: list_workers(db, page).await?.len(),
        discarded: discard_level(db).await?,
        uploads: upload_level(db).await?,
        deliveries: delivery_level(db).await?,
    })
}
