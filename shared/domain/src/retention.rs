//! Retention: how long data is kept, and the bound on uploads derived from it.

use std::num::NonZeroU32;
use std::time::Duration;

use super::Share;

/// The retention policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The newest active versions of a document that are kept; `None` keeps all.
    pub versions: Option<NonZeroU32>,
    /// How long an archived document is kept; `None` keeps it for good.
    pub archived: Option<Duration>,
    /// How long a document in `error`, or a failed version, is kept when its bytes are gone.
    pub failures: Duration,
    /// How long an operation that has ended is kept with its items.
    pub operations: Duration,
    /// How long an event is kept, unless it is one of the last ones of its document.
    pub events: Duration,
    /// How long the staged bytes of a failed version are kept, so that its owner can retry.
    pub failed: Duration,
    /// How old bytes are at least that are taken for left behind when no row refers to them.
    pub stray: Duration,
    /// How long left-behind bytes of the store are kept in quarantine.
    pub quarantined: Duration,
    /// How long a job that failed for good is kept for operators to see.
    pub dead_jobs: Duration,
    /// The most of a place that is taken for left behind without anybody being asked.
    pub swept: Share,
    /// How long a line of the security log is kept.
    pub audit_log: Duration,
}

impl Retention {
    /// How long a job that did what it was for is kept.
    pub const DONE_JOBS: Duration = Duration::from_hours(1);

    /// How long a finished job with a dedupe key is kept: the key must outlast the
    /// period of whatever schedule may enqueue it once more.
    pub const KEYED_JOBS: Duration = Duration::from_hours(48);

    /// The shortest legal `stray`.
    pub const SHORTEST_STRAY: Duration = Duration::from_secs(10);

    /// The longest that an upload may take from its first byte to the transaction that takes
    /// it in. The other half of the time is for that transaction, and for clocks that differ.
    #[must_use]
    pub fn longest_upload(&self) -> Duration {
        self.stray / 2
    }
}

/// The defaults of the settings.
impl Default for Retention {
    fn default() -> Self {
        Self {
            versions: None,
            archived: None,
            failures: Duration::from_hours(30 * 24),
            operations: Duration::from_hours(30 * 24),
            events: Duration::from_hours(30 * 24),
            failed: Duration::from_hours(24),
            stray: Duration::from_hours(24),
            quarantined: Duration::from_hours(7 * 24),
            dead_jobs: Duration::from_hours(30 * 24),
            swept: Share::percent(10),
            audit_log: Duration::from_hours(365 * 24),
        }
    }
}
