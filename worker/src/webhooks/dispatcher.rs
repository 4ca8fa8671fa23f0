//! Follows the log for all webhooks of the service: those that have something to deliver get a job. Every
//! worker does it; whoever is first gives the job.

use std::sync::Arc;
use std::time::Duration;

use beat::until_next;
use domain::Clock;
use ledger::{Database, DbError, FeedPosition, enqueue_turns, has_enabled_webhooks, newest_event};
use queue::Queue;
use tokio::time::{Instant, sleep};
use tracing::warn;

use crate::notifier::Notifier;

/// The interval between looks at the newest event, if there are webhooks.
const GLANCE: Duration = Duration::from_millis(250);

/// How long after an event all webhooks are looked at: events of others may become visible later under
/// earlier numbers.
const UNSETTLED: Duration = Duration::from_secs(5);

/// The interval between looks at all webhooks while there are no events, and at whether there are any.
const QUIET: Duration = Duration::from_secs(1);

/// Enqueues jobs, for ever.
pub async fn dispatch(db: Database, clock: Arc<dyn Clock>, notifier: Notifier) {
    let mut state = State {
        newest: FeedPosition::default(),
        changed: Instant::now(),
        looked: None,
    };
    loop {
        let pause = match state.turn(&db, &*clock, &notifier).await {
            Ok(Found::More) => continue,
            Ok(Found::All) => GLANCE,
            Ok(Found::NoWebhooks) => QUIET,
            Err(error) => {
                warn!(
                    error = &error as &dyn std::error::Error,
                    "webhooks were not looked at; will retry"
                );
                GLANCE
            }
        };
        sleep(until_next(pause)).await;
    }
}

/// What a look found.
enum Found {
    /// There may be more webhooks with something to deliver.
    More,
    /// All that have something to deliver have a job.
    All,
    /// Nobody has enabled a webhook.
    NoWebhooks,
}

struct State {
    newest: FeedPosition,
    /// When the newest event was another one.
    changed: Instant,
    /// When all webhooks were looked at, if there were any.
    looked: Option<Instant>,
}

impl State {
    /// Looks once.
    async fn turn(
        &mut self,
        db: &Database,
        clock: &dyn Clock,
        notifier: &Notifier,
    ) -> Result<Found, DbError> {
        if self.looked.is_none_or(|looked| looked.elapsed() >= QUIET) {
            self.looked = None;
            if !has_enabled_webhooks(db).await? {
                return Ok(Found::NoWebhooks);
            }
        }
        let newest = newest_event(db).await?;
        if newest != self.newest {
            self.changed = Instant::now();
            self.newest = newest;
        }
        if self.changed.elapsed() > UNSETTLED && self.looked.is_some() {
            return Ok(Found::All);
        }
        self.looked = Some(Instant::now());
        let (jobs, more) = enqueue_turns(db, clock.now()).await?;
        let is_new = !jobs.is_empty();
        notifier.jobs_enqueued(Queue::Deliver, jobs);
        // Jobs that others gave meanwhile aren't found again.
        Ok(if more && is_new {
            Found::More
        } else {
            Found::All
        })
    }
}
