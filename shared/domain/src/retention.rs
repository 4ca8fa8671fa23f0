//! Retention: how long data is kept, and the bound on uploads derived from it.

use std::num::NonZeroU32;
use std::time::Duration;

use super::Share;

/// The retention policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The number of active versions of a document that are kept; `None` keeps all.
    pub versions: Option<NonZeroU32>,
    /// How long an archived document is kept; `None` keeps it forever.
    pub archived: Option<Duration>,
    /// How long a document in `error`, or a failed version, is kept once its bytes are gone.
    pub failures: Duration,
    /// How long an operation is kept after its end, with its items.
    pub operations: Duration,
    /// How long an event is kept, unless it is among the last ones of its document.
    pub events: Duration,
    /// How long the staged bytes of a failed version are kept, so that its owner can retry.
    pub failed: Duration,
    /// The minimum age of orphaned bytes: younger ones without a row may be an upload in progress.
    pub stray: Duration,
    /// How long orphaned bytes of the store are quarantined.
    pub quarantined: Duration,
    /// How long a dead job is kept.
    pub dead_jobs: Duration,
    /// The largest share of a place that is removed as orphaned without an operator's consent.
    pub swept: Share,
    /// How long an entry of the security log is kept.
    pub audit_log: Duration,
    /// How long an object is kept after it was moved to another place, for those who have begun to
    /// read it.
    pub moved: Duration,
}

impl Retention {
    /// How long a done job is kept.
    pub const DONE_JOBS: Duration = Duration::from_hours(1);

    /// How long a finished job with a dedupe key is kept: longer than the period of any schedule,
    /// so that the key isn't used twice.
    pub const KEYED_JOBS: Duration = Duration::from_hours(48);

    /// The minimum of `stray`.
    pub const SHORTEST_STRAY: Duration = Duration::from_secs(10);

    /// The maximum duration of an upload, from its first byte to the transaction of the intake. The
    /// other half of the time covers that transaction and clock skew.
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
            moved: Duration::from_hours(1),
        }
    }
}
