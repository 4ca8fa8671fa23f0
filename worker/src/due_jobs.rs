//! Whether a poll of a queue is worth a claim: one look at the ledger answers the polls of all queues of
//! a worker, which are due together. Never claims.

use std::sync::Arc;
use std::time::Duration;

use domain::Clock;
use ledger::{Database, queues_with_due_jobs};
use queue::Queue;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How old an answer may be: longer than polls that are due together are apart.
const FRESH: Duration = Duration::from_millis(100);

/// The queues of a worker, and the latest look at them.
#[derive(Debug)]
pub struct DueJobs {
    db: Database,
    clock: Arc<dyn Clock>,
    queues: Vec<Queue>,
    latest: Mutex<Option<Look>>,
}

#[derive(Debug)]
struct Look {
    begun: Instant,
    due: Vec<Queue>,
}

impl DueJobs {
    /// Of these queues.
    pub fn new(db: Database, clock: Arc<dyn Clock>, queues: Vec<Queue>) -> Self {
        Self {
            db,
            clock,
            queues,
            latest: Mutex::default(),
        }
    }

    /// Whether there may be due jobs in `queue`. If the database fails there may be: the claim tells why.
    pub async fn may_be_in(&self, queue: Queue) -> bool {
        let asked = Instant::now();
        let mut latest = self.latest.lock().await;
        if let Some(look) = &*latest
            && asked < look.begun + FRESH
        {
            return look.due.contains(&queue);
        }
        let begun = Instant::now();
        let found = queues_with_due_jobs(&self.db, &self.queues, self.clock.now()).await;
        *latest = found.ok().map(|due| Look { begun, due });
        latest.as_ref().is_none_or(|look| look.due.contains(&queue))
    }
}
