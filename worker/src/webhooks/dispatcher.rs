//! Follows the log for all webhooks of the service: those that have something to deliver get a job. Every
//! worker does it; whoever is first gives the job.

use std::sync::Arc;
use std::time::Duration;

use domain::Clock;
use ledger::{Database, DbError, FeedPosition, enqueue_turns, newest_event};
use queue::Queue;
use tokio::time::{Instant, sleep};
use tracing::warn;

use crate::notifier::Notifier;

/// The interval between looks at the newest event.
const GLANCE: Duration = Duration::from_millis(250);

/// How long after an event all webhooks are looked at: events of others may become visible later under
/// earlier numbers.
const UNSETTLED: Duration = Duration::from_secs(5);

/// The interval between looks at all webhooks while there are no events.
const QUIET: Duration = Duration::from_secs(1);

/// Enqueues jobs, for ever.
pub async fn dispatch(db: Database, clock: Arc<dyn Clock>, notifier: Notifier) {
    let mut state = State {
        newest: FeedPosition::default(),
        changed: Instant::now(),
        looked: None,
    };
    loop {
        match state.turn(&db, &*clock, &notifier).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => warn!(
                error = &error as &dyn std::error::Error,
                "webhooks were not looked at; will retry"
            ),
        }
        sleep(GLANCE).await;
    }
}

struct State {
    newest: FeedPosition,
    /// When the newest event was another one.
    changed: Instant,
    /// When all webhooks were looked at.
    looked: Option<Instant>,
}

impl State {
    /// Looks once. Returns whether there may be more webhooks with something to deliver.
    async fn turn(
        &mut self,
        db: &Database,
        clock: &dyn Clock,
        notifier: &Notifier,
    ) -> Result<bool, DbError> {
        let newest = newest_event(db).await?;
        if newest != self.newest {
            self.changed = Instant::now();
            self.newest = newest;
        }
        let is_settled = self.changed.elapsed() > UNSETTLED;
        let was_recent = |looked: Instant| looked.elapsed() < QUIET;
        if is_settled && self.looked.is_some_and(was_recent) {
            return Ok(false);
        }
        self.looked = Some(Instant::now());
        let (jobs, more) = enqueue_turns(db, clock.now()).await?;
        let is_new = !jobs.is_empty();
        notifier.jobs_enqueued(Queue::Deliver, jobs);
        // Jobs that others gave meanwhile aren't found again.
        Ok(more && is_new)
    }
}
