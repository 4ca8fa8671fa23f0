//! The last hour of a process, minute by minute, for people who look without a collector of metrics.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::Timestamp;

/// The minutes that are kept.
const MINUTES: usize = 60;

/// What happened in a minute, and what was waiting at its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Minute {
    /// When it ended, or now.
    pub ended_at: Timestamp,
    /// Requests that were answered.
    pub requests: u64,
    /// Those that were answered 5xx.
    pub failed: u64,
    /// Accepted documents and versions.
    pub uploads: u64,
    /// Their bytes.
    pub upload_bytes: u64,
    /// Jobs that waited in all queues.
    pub waiting_jobs: u64,
    /// The age of the oldest pending version in seconds.
    pub oldest_pending: f64,
}

/// What was counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) requests: u64,
    pub(super) failed: u64,
    pub(super) uploads: u64,
    pub(super) upload_bytes: u64,
}

/// What waits now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Waiting {
    pub(super) jobs: u64,
    pub(super) oldest_pending: f64,
}

/// The minutes, and the counts that only they need.
#[derive(Default)]
pub(super) struct History {
    requests: AtomicU64,
    failed: AtomicU64,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    minutes: VecDeque<Minute>,
    /// At the end of the last minute.
    totals: Totals,
}

impl History {
    /// Counts a request that was answered with `status`.
    pub(super) fn answered(&self, status: u16) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if status >= 500 {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns the requests and failed ones since the start.
    pub(super) fn requests(&self) -> (u64, u64) {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (count(&self.requests), count(&self.failed))
    }

    /// Ends a minute. The oldest one beyond the hour is dropped.
    pub(super) fn end_minute(&self, now: Timestamp, totals: Totals, waiting: Waiting) {
        let mut kept = self.lock();
        let minute = kept.minute(now, totals, waiting);
        kept.totals = totals;
        kept.minutes.push_back(minute);
        if kept.minutes.len() > MINUTES {
            kept.minutes.pop_front();
        }
    }

    /// Returns the minutes, the oldest first, and at last the one that goes on.
    pub(super) fn minutes(&self, now: Timestamp, totals: Totals, waiting: Waiting) -> Vec<Minute> {
        let kept = self.lock();
        let current = kept.minute(now, totals, waiting);
        kept.minutes.iter().copied().chain([current]).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn minute(&self, now: Timestamp, totals: Totals, waiting: Waiting) -> Minute {
        let before = self.totals;
        Minute {
            ended_at: now,
            requests: totals.requests.saturating_sub(before.requests),
            failed: totals.failed.saturating_sub(before.failed),
            uploads: totals.uploads.saturating_sub(before.uploads),
            upload_bytes: totals.upload_bytes.saturating_sub(before.upload_bytes),
            waiting_jobs: waiting.jobs,
            oldest_pending: waiting.oldest_pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_hold_what_came_in_them_and_an_hour_is_kept() {
        let history = History::default();
        let at = |minute: i64| Timestamp::from_micros(minute * 60_000_000);
        let totals = |uploads| Totals {
            uploads,
            ..Totals::default()
        };
        let waiting = Waiting {
            jobs: 3,
            oldest_pending: 0.5,
        };
        for minute in 1..=100_u32 {
            let uploads = u64::from(minute) * 7;
            history.end_minute(at(minute.into()), totals(uploads), waiting);
        }
        let minutes = history.minutes(at(101), totals(702), waiting);
        assert_eq!(minutes.len(), MINUTES + 1);
        assert_eq!((minutes[0].ended_at, minutes[0].uploads), (at(41), 7));
        let last = minutes[MINUTES];
        assert_eq!((last.uploads, last.waiting_jobs), (2, 3));
    }

    #[test]
    fn failures_are_requests_too() {
        let history = History::default();
        for status in [200, 404, 500, 503] {
            history.answered(status);
        }
        assert_eq!(history.requests(), (4, 2));
    }
}
