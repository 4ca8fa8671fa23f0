//! The recurring jobs, and when each is due. Workers enqueue them; the API shows them.

use std::time::Duration;

use super::JobKind;
use domain::{Retention, Timestamp};

/// A recurring kind of job. Its periods begin at multiples of their length since the Unix epoch, so
/// that all processes agree on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The kind.
    pub kind: JobKind,
    /// The period: at most one job is enqueued in each. Shorter than the time for which the dedupe
    /// key of a finished job is kept.
    pub every: Duration,
}

impl Schedule {
    /// The interval between checks for due schedules.
    pub const TICK: Duration = Duration::from_secs(30);

    /// A job that ends the time for which something is kept comes so often in that time.
    const TIMES: u32 = 10;

    /// All recurring jobs, with their longest periods.
    const LONGEST: [Self; 16] = [
        Self::of(JobKind::RemoveDiscarded, Self::TICK),
        Self::of(JobKind::ForgetRequests, Duration::from_mins(10)),
        Self::of(JobKind::ExpireFailed, Duration::from_mins(10)),
        Self::of(JobKind::PruneVersions, Duration::from_mins(10)),
        Self::of(JobKind::ForgetJobs, Duration::from_mins(10)),
        Self::of(JobKind::CheckLedger, Duration::from_hours(1)),
        Self::of(JobKind::SweepStaging, Duration::from_hours(1)),
        Self::of(JobKind::SweepStore, Duration::from_hours(24)),
        Self::of(JobKind::ExpireArchives, Duration::from_mins(10)),
        Self::of(JobKind::PurgeArchived, Duration::from_hours(1)),
        Self::of(JobKind::ForgetOperations, Duration::from_mins(10)),
        Self::of(JobKind::TrimEvents, Duration::from_mins(10)),
        Self::of(JobKind::ForgetFailures, Duration::from_hours(1)),
        Self::of(JobKind::ForgetAuditLog, Duration::from_hours(1)),
        Self::of(JobKind::FinishUploads, Self::TICK),
        Self::of(JobKind::ExpireUploads, Duration::from_mins(1)),
    ];

    const fn of(kind: JobKind, every: Duration) -> Self {
        Self { kind, every }
    }

    /// Returns all recurring jobs. What is kept for a short time is looked for more often.
    #[must_use]
    pub fn all(retention: &Retention) -> [Self; 16] {
        Self::LONGEST.map(|schedule| schedule.within(retention))
    }

    fn within(self, retention: &Retention) -> Self {
        let kept = match self.kind {
            JobKind::ExpireFailed => Some(retention.failed),
            JobKind::ForgetAuditLog => Some(retention.audit_log),
            JobKind::ForgetFailures => Some(retention.failures),
            JobKind::ForgetJobs => Some(retention.dead_jobs),
            JobKind::ForgetOperations => Some(retention.operations),
            JobKind::PurgeArchived => retention.archived,
            JobKind::TrimEvents => Some(retention.events),
            // What the others end has a fixed time, or, as for sweeps, is found by listing whole places.
            _ => None,
        };
        let every = kept.map_or(self.every, |kept| {
            let often = Duration::from_secs((kept / Self::TIMES).as_secs());
            self.every.min(often.max(Self::TICK))
        });
        Self { every, ..self }
    }

    /// Returns the number of the period that `now` is in.
    #[must_use]
    pub fn period(&self, now: Timestamp) -> u64 {
        now.since(Timestamp::from_micros(0)).as_secs() / self.every.as_secs()
    }

    /// Returns the start of the next period. A worker enqueues its job within [`Self::TICK`].
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Timestamp {
        let start = (self.period(now) + 1).saturating_mul(self.every.as_secs());
        Timestamp::from_micros(0).plus(Duration::from_secs(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_period_begins_where_this_one_ends() {
        let schedule = Schedule::of(JobKind::ForgetJobs, Duration::from_mins(10));
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        assert_eq!(schedule.period(at(600)), schedule.period(at(1_199)));
        assert_ne!(schedule.period(at(600)), schedule.period(at(1_200)));
        assert_eq!(schedule.next(at(600)), at(1_200));
        assert_eq!(schedule.next(at(1_199)), at(1_200));
    }
    #[test]
    fn what_is_kept_for_a_short_time_is_looked_for_more_often() {
        let every = |kind, retention: &Retention| {
            let all = Schedule::all(retention).into_iter();
            let mut found = all.filter(|schedule| schedule.kind == kind);
            found.next().unwrap().every
        };
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (kept, purge) in [
            (None, 3_600),
            (seconds(30 * 86_400), 3_600),
            (seconds(3_605), 360),
            (seconds(2), 30),
        ] {
            let retention = Retention {
                archived: kept,
                ..Retention::default()
            };
            let purge = Duration::from_secs(purge);
            assert_eq!(every(JobKind::PurgeArchived, &retention), purge, "{kept:?}");
            assert_eq!(
                every(JobKind::SweepStore, &retention),
                Duration::from_hours(24)
            );
        }
        let default = Retention::default();
        assert_eq!(Schedule::all(&default), Schedule::LONGEST);
        let short = Retention {
            events: Schedule::TICK,
            ..default
        };
        assert_eq!(every(JobKind::TrimEvents, &short), Schedule::TICK);
    }
}
