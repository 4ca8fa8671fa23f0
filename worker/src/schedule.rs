//! Schedules of recurring jobs: every worker that serves the queue `maintenance` enqueues what is
//! due. The dedupe key of a period makes one job of all; there is no leader.

use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, Retention, Timestamp, UserId};
use ledger::{Database, DbError, DueDiscard, NewJob};
use queue::JobKind;
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;
use uuid::Uuid;

/// The interval between checks for due schedules.
const TICK: Duration = Duration::from_secs(30);

/// The service itself as the owner of jobs. Rounds over owners start after the nil id, so it comes
/// first.
const SERVICE: UserId = UserId(Uuid::from_u128(1));

/// A recurring kind of job.
struct Schedule {
    kind: JobKind,
    /// The period: at most one job is enqueued in each. Shorter than the time for which the dedupe
    /// key of a finished job is kept.
    every: Duration,
}

/// All recurring jobs.
const SCHEDULES: &[Schedule] = &[
    Schedule::of(JobKind::RemoveDiscarded, TICK),
    Schedule::of(JobKind::ForgetRequests, Duration::from_mins(10)),
    Schedule::of(JobKind::ExpireFailed, Duration::from_mins(10)),
    Schedule::of(JobKind::PruneVersions, Duration::from_mins(10)),
    Schedule::of(JobKind::ForgetJobs, Duration::from_mins(10)),
    Schedule::of(JobKind::CheckLedger, Duration::from_hours(1)),
    Schedule::of(JobKind::SweepStaging, Duration::from_hours(1)),
    Schedule::of(JobKind::SweepStore, Duration::from_hours(24)),
    Schedule::of(JobKind::ExpireArchives, Duration::from_mins(10)),
    Schedule::of(JobKind::PurgeArchived, Duration::from_hours(1)),
    Schedule::of(JobKind::ForgetOperations, Duration::from_mins(10)),
    Schedule::of(JobKind::TrimEvents, Duration::from_mins(10)),
    Schedule::of(JobKind::ForgetFailures, Duration::from_hours(1)),
    Schedule::of(JobKind::ForgetAuditLog, Duration::from_hours(1)),
    Schedule::of(JobKind::FinishUploads, TICK),
    Schedule::of(JobKind::ExpireUploads, Duration::from_mins(1)),
];

impl Schedule {
    const fn of(kind: JobKind, every: Duration) -> Self {
        Self { kind, every }
    }

    /// Returns the job of the current period.
    fn job(&self, now: Timestamp) -> NewJob {
        let span = now.since(Timestamp::from_micros(0)).as_secs() / self.every.as_secs();
        NewJob {
            dedupe_key: Some(format!("{}:{span}", self.kind)),
            ..NewJob::without_subject(self.kind, SERVICE, now)
        }
    }
}

/// Enqueues what is due, for ever.
pub async fn keep(db: Database, clock: Arc<dyn Clock>, retention: Retention) {
    let mut ticks = interval(TICK);
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
    let jobs = SCHEDULES.iter().filter(wanted);
    let jobs: Vec<_> = jobs.map(|schedule| schedule.job(now)).collect();
    ledger::enqueue(db.writer(), &jobs, now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_kept_until_nobody_enqueues_it_any_more() {
        for schedule in SCHEDULES {
            assert!(
                schedule.every * 2 <= Retention::KEYED_JOBS,
                "{}",
                schedule.kind
            );
        }
    }

    #[test]
    fn one_span_of_time_has_one_key() {
        let schedule = Schedule::of(JobKind::ForgetJobs, Duration::from_mins(10));
        let key = |seconds: i64| {
            schedule
                .job(Timestamp::from_micros(seconds * 1_000_000))
                .dedupe_key
        };
        assert_eq!(key(600), key(1_199));
        assert_ne!(key(600), key(1_200));
    }
}
