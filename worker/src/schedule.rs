//! Schedules: every worker that serves maintenance ticks and enqueues what is due. The
//! dedupe key of a tick makes one job of all; there is no leader.

use std::sync::Arc;
use std::time::Duration;

use shared::db::{self, Database, DbError, NewJob};
use shared::domain::{Clock, Timestamp, UserId};
use shared::queue::JobKind;
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;
use uuid::Uuid;

/// How often what is due is looked for.
const TICK: Duration = Duration::from_secs(30);

/// The service itself as the owner of jobs. Rounds over owners begin behind the nil id,
/// so it is the next one.
const SERVICE: UserId = UserId(Uuid::from_u128(1));

/// Enqueues what is due, for ever.
pub async fn keep(db: Database, clock: Arc<dyn Clock>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = enqueue_due(&db, clock.now()).await {
            warn!(
                error = &error as &dyn std::error::Error,
                "scheduled jobs were not enqueued; the next tick does it"
            );
        }
    }
}

async fn enqueue_due(db: &Database, now: Timestamp) -> Result<(), DbError> {
    if db::discarded(db, 1).await?.is_empty() {
        return Ok(());
    }
    let mut job = NewJob::without_subject(JobKind::RemoveDiscarded, SERVICE, now);
    let tick = now.since(Timestamp::from_micros(0)).as_secs() / TICK.as_secs();
    job.dedupe_key = Some(format!("{}:{tick}", JobKind::RemoveDiscarded));
    db::enqueue(db.writer(), &[job], now).await
}
