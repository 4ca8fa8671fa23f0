//! Schedules of recurring jobs: every worker that serves the queue `maintenance` enqueues what is
//! due. The dedupe key of a period makes one job of all; there is no leader.

use std::sync::Arc;

use domain::{Clock, Retention, Timestamp, UserId};
use ledger::{Database, DbError, DueDiscard, NewJob};
use queue::{JobKind, Schedule};
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;
use uuid::Uuid;

/// The service itself as the owner of jobs. Rounds over owners start after the nil id, so it comes
/// first.
const SERVICE: UserId = UserId(Uuid::from_u128(1));

/// Returns the job of the current period.
fn job(schedule: &Schedule, now: Timestamp) -> NewJob {
    let (kind, period) = (schedule.kind, schedule.period(now));
    NewJob {
        dedupe_key: Some(format!("{kind}:{period}")),
        ..NewJob::without_subject(kind, SERVICE, now)
    }
}

/// Enqueues what is due, for ever.
pub async fn keep(db: Database, clock: Arc<dyn Clock>, retention: Retention) {
    let mut ticks = interval(Schedule::TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = enqueue_due(&db, clock.now(), &retention).await {
            warn!(
                error = &error as &dyn std::error::Error,
                "scheduled jobs were not enqueued; the next tick does it"
            );
        }
    }
}

async fn enqueue_due(db: &Database, now: Timestamp, retention: &Retention) -> Result<(), DbError> {
    let discarded = !ledger::discarded(db, &DueDiscard::default(), 1, now)
        .await?
        .is_empty();
    let unfinished = !ledger::unfinished_uploads(db, now).await?.is_empty();
    let wanted = |schedule: &&Schedule| match schedule.kind {
        JobKind::FinishUploads => unfinished,
        JobKind::RemoveDiscarded => discarded,
        JobKind::PruneVersions => retention.versions.is_some(),
        JobKind::PurgeArchived => retention.archived.is_some(),
        _ => true,
    };
    let schedules = Schedule::all(retention);
    let jobs = schedules.iter().filter(wanted);
    let jobs: Vec<_> = jobs.map(|schedule| job(schedule, now)).collect();
    ledger::enqueue(db.writer(), &jobs, now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_kept_until_nobody_enqueues_it_any_more() {
        for schedule in Schedule::all(&Retention::default()) {
            assert!(
                schedule.every * 2 <= Retention::KEYED_JOBS,
                "{}",
                schedule.kind
            );
        }
    }
}
