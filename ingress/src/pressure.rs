//! Back-pressure: while work waits for too long, no further uploads are let in.
//!
//! One cheap question a second answers for all requests of the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use shared::db::{Database, oldest_waiting};
use shared::domain::Clock;
use shared::queue::Queue;
use tokio::time::{MissedTickBehavior, interval};

use crate::problem::{Code, Problem};

/// How often the oldest waiting job is looked for.
const LOOK: Duration = Duration::from_secs(1);

/// Whether uploads are let in; clones share the answer.
#[derive(Clone, Debug)]
pub struct Pressure {
    /// The longest that a job may wait; zero lets everything in.
    bound: Duration,
    too_high: Arc<AtomicBool>,
}

impl Pressure {
    /// Lets uploads in while no job has waited for longer than `bound`; always, if that is zero.
    #[must_use]
    pub fn bounded_by(bound: Duration) -> Self {
        Self {
            bound,
            too_high: Arc::default(),
        }
    }

    /// Turns an upload away, or lets it in. To be asked before its body is read.
    pub(crate) fn admit(&self) -> Result<(), Problem> {
        if self.too_high.load(Ordering::Relaxed) {
            Err(Code::Overloaded.into())
        } else {
            Ok(())
        }
    }

    /// Keeps looking, for ever.
    pub(crate) async fn watch(&self, db: &Database, clock: &dyn Clock) {
        if self.bound.is_zero() {
            return std::future::pending().await;
        }
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let too_high = match oldest_waiting(db, Queue::Ingest).await {
                Ok(oldest) => oldest.is_some_and(|run_at| clock.now().since(run_at) > self.bound),
                // Uploads are told so by whoever needs the database.
                Err(_) => false,
            };
            let before = self.too_high.swap(too_high, Ordering::Relaxed);
            match (before, too_high) {
                (false, true) => tracing::warn!("jobs wait for too long: uploads are turned away"),
                (true, false) => tracing::info!("uploads are let in again"),
                _ => {}
            }
        }
    }
}

/// Everything is let in.
impl Default for Pressure {
    fn default() -> Self {
        Self::bounded_by(Duration::ZERO)
    }
}
