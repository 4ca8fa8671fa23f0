//! A claimed job in this process. Handlers read it; dropping the last reference frees its slot and
//! its lease. It never accesses the database.

use std::sync::{Arc, Mutex, OnceLock};

use crash_points::CrashPoint;
use domain::{Clock, Timestamp};
use ledger::{ClaimedJob, Outcome, PendingWork, Settlement, StepDone};
use tokio::sync::OwnedSemaphorePermit;
use tracing::field::Empty;
use tracing::{Instrument as _, debug_span};

use crate::attempt_error::AttemptError;
use crate::lease::Held;
use crate::shares::Share;

/// A step of the pipeline: its name in the timeline, and the crash points before and after it.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// `verified`, `identified`, …
    pub kind: &'static str,
    /// The crash point before it.
    pub before: CrashPoint,
    /// The crash point after it.
    pub after: CrashPoint,
}

/// A claimed job with the data loaded for it.
#[derive(Debug)]
pub struct Work {
    /// The claim.
    pub claimed: ClaimedJob,
    /// The version to process, if it is still pending.
    pub pending: Option<PendingWork>,
    /// The same version after its bytes were read, if a client wrote them straight into the storage.
    pub received: OnceLock<PendingWork>,
    /// The worker that claimed it.
    pub worker: Arc<str>,
    /// When it was claimed.
    pub started_at: Timestamp,
    /// The completed steps, for the timeline.
    pub steps: Mutex<Vec<StepDone>>,
    /// Keeps its lease renewed.
    pub held: Held,
    /// The permit of a crash suspect, of which one runs at a time.
    pub(crate) _alone: Option<OwnedSemaphorePermit>,
    /// Counts it against its owner's share.
    pub(crate) _share: Share,
    /// Its slot.
    pub(crate) _slot: OwnedSemaphorePermit,
}

impl Work {
    /// Returns the version to process as it is now, if it was pending when it was claimed.
    pub fn pending(&self) -> Option<&PendingWork> {
        self.received.get().or(self.pending.as_ref())
    }

    /// Returns the settlement of this job with `outcome`.
    pub fn settlement(&self, outcome: Outcome) -> Settlement {
        Settlement {
            job: self.claimed.job,
            work: self.pending().cloned(),
            attempt: self.claimed.attempt,
            worker: self.worker.to_string(),
            started_at: self.started_at,
            steps: self
                .steps
                .lock()
                .map(|steps| steps.clone())
                .unwrap_or_default(),
            outcome,
        }
    }

    /// Runs a step, and records it once it is completed.
    pub async fn step<T>(
        &self,
        step: Step,
        clock: &dyn Clock,
        walk: impl Future<Output = Result<T, AttemptError>>,
    ) -> Result<T, AttemptError> {
        self.reach(step.before);
        let begun = clock.now();
        let span = debug_span!("step", step.kind = step.kind, step.outcome = Empty);
        let passed = walk.instrument(span.clone()).await;
        span.record("step.outcome", if passed.is_ok() { "ok" } else { "error" });
        let passed = passed?;
        let at = clock.now();
        if let Ok(mut steps) = self.steps.lock() {
            steps.push(StepDone {
                kind: step.kind,
                at,
                duration: at.since(begun),
            });
        }
        self.reach(step.after);
        Ok(passed)
    }

    /// Reaches a crash point.
    pub fn reach(&self, point: CrashPoint) {
        let pending = self.pending();
        if let Some(upload) = pending.and_then(|pending| pending.upload.as_ref()) {
            crash_points::reach_with(point, upload.name.as_str());
        }
    }

    /// Returns whether this is the last attempt.
    pub const fn is_last_attempt(&self) -> bool {
        self.claimed.attempt >= self.claimed.max_attempts
    }

    /// Returns whether it was started more often than its attempts allow, because earlier attempts
    /// crashed their worker.
    pub const fn is_crash_loop(&self) -> bool {
        self.claimed.attempt > self.claimed.max_attempts
    }
}
