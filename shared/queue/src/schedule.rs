//! The recurring jobs, and when each is due. Workers enqueue them; the API shows them.

use std::time::Duration;

use super::JobKind;
use domain::Timestamp;

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

    /// All recurring jobs.
    pub const ALL: [Self; 16] = [
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
}
