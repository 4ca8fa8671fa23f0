//! Back-pressure: refuses uploads that would wait too long.
//!
//! An upload waits behind those of its owner, and for the owner's turn. A few queries per second,
//! whose cost is independent of the backlog, cover all requests of the process; none while nobody
//! uploads or waits.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use beat::ticks;
use domain::{Clock, Timestamp, UserId};
use ledger::{
    Database, DbError, OwnerHead, OwnerPage, QueuePause, owner_heads, owners_served, queue_pause,
};
use queue::Queue;
use telemetry::Overdue;
use uuid::Uuid;

use super::queue_turns::Turns;

/// How often waiting owners are polled.
const LOOK: Duration = Duration::from_secs(1);

/// Owners in one poll. If there are more, the next one continues behind them.
const OWNERS: u32 = 1_000;

/// Which uploads are accepted; clones share the state.
#[derive(Clone, Debug)]
pub struct Pressure {
    /// The longest wait accepted; zero accepts everything.
    bound: Duration,
    shut_out: Arc<RwLock<ShutOut>>,
    /// Whether an upload has been judged since the last poll.
    is_asked: Arc<AtomicBool>,
}

/// Which uploads are refused.
#[derive(Debug, Default)]
struct ShutOut {
    /// Whether all are.
    everybody: bool,
    /// Owners whose own uploads wait too long.
    owners: HashSet<UserId>,
}

impl Pressure {
    /// Creates back-pressure with this bound; zero accepts everything.
    #[must_use]
    pub fn bounded_by(bound: Duration) -> Self {
        Self {
            bound,
            shut_out: Arc::default(),
            is_asked: Arc::default(),
        }
    }

    /// Checks whether an upload of `owner` is accepted.
    pub(crate) fn judge(&self, owner: UserId) -> Result<(), Overdue> {
        self.is_asked.store(true, Ordering::Relaxed);
        let shut_out = self.shut_out.read().unwrap_or_else(PoisonError::into_inner);
        if shut_out.everybody {
            Err(Overdue::Queue)
        } else if shut_out.owners.contains(&owner) {
            Err(Overdue::Owner)
        } else {
            Ok(())
        }
    }

    /// Polls forever.
    pub(crate) async fn watch(&self, db: &Database, clock: &dyn Clock) {
        if self.bound.is_zero() {
            return std::future::pending().await;
        }
        let mut turns = Turns::default();
        let mut after = UserId(Uuid::nil());
        let mut nobody_waits = false;
        let mut ticks = ticks(LOOK);
        loop {
            ticks.tick().await;
            let is_asked = self.is_asked.swap(false, Ordering::Relaxed);
            if nobody_waits && !is_asked {
                // What happens meanwhile isn't known later.
                turns = Turns::default();
                continue;
            }
            let now = clock.now();
            let page = OwnerPage {
                queue: Queue::Ingest,
                after,
                limit: OWNERS,
                now,
            };
            let Ok((pause, mut found, served)) = look(db, page).await else {
                // Uploads fail anyway while the database is down.
                self.shut_out(ShutOut::default());
                continue;
            };
            if pause.is_paused {
                // An operator wants them to wait.
                turns = Turns::default();
                after = UserId(Uuid::nil());
                self.shut_out(ShutOut::default());
                continue;
            }
            if let Some(resumed_at) = pause.changed_at {
                // Nobody waited for workers before.
                let most = now.since(resumed_at);
                for head in found.iter_mut().filter_map(|(_, head)| head.as_mut()) {
                    head.waited = head.waited.min(most);
                }
            }
            let last = found.last().map(|(owner, _)| *owner);
            let last = last.filter(|_| found.len() >= OWNERS as usize);
            turns.see(after, last, &found, now);
            turns.serve(&served);
            after = last.unwrap_or(UserId(Uuid::nil()));
            nobody_waits = last.is_none() && turns.are_none();
            self.shut_out(ShutOut {
                everybody: turns.longest(now) > self.bound,
                owners: turns.owners_behind(self.bound, now).collect(),
            });
        }
    }

    fn shut_out(&self, now: ShutOut) {
        let mut shut_out = self
            .shut_out
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        match (shut_out.everybody, now.everybody) {
            (false, true) => tracing::warn!("jobs wait too long; refusing uploads"),
            (true, false) => tracing::info!("accepting uploads again"),
            _ => {}
        }
        match (shut_out.owners.len(), now.owners.len()) {
            (0, 0) => {}
            (0, owners) => tracing::info!(
                owners,
                "jobs of some owners wait too long; refusing their uploads"
            ),
            (_, 0) => tracing::info!("accepting uploads of every owner again"),
            _ => {}
        }
        *shut_out = now;
    }
}

/// What a poll found: whether the queue is paused, and its owners.
type Look = (
    QueuePause,
    Vec<(UserId, Option<OwnerHead>)>,
    Vec<(UserId, Timestamp)>,
);

async fn look(db: &Database, page: OwnerPage) -> Result<Look, DbError> {
    Ok((
        queue_pause(db, page.queue).await?,
        owner_heads(db, page).await?,
        owners_served(db, page.queue).await?,
    ))
}

/// Accepts everything.
impl Default for Pressure {
    fn default() -> Self {
        Self::bounded_by(Duration::ZERO)
    }
}
