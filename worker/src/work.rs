//! A claimed job on its way through this process. Handlers read it; dropping the last
//! reference frees its slot and its lease. It never speaks to the database.

use std::sync::{Arc, Mutex};

use crash_points::CrashPoint;
use domain::{Clock, Timestamp};
use ledger::{ClaimedJob, Outcome, PendingWork, Settlement, StepDone};
use tokio::sync::OwnedSemaphorePermit;
use tracing::field::Empty;
use tracing::{Instrument as _, debug_span};

use crate::fault::Fault;
use crate::lease::Held;
use crate::shares::Share;

/// A step of the pipeline: what is true once it is passed, for the timeline, and the points
/// before and after it.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// `verified`, `identified`, …
    pub kind: &'static str,
    /// Where it begins.
    pub before: CrashPoint,
    /// Where it is passed.
    pub after: CrashPoint,
}

/// A claimed job with what was loaded for it.
#[derive(Debug)]
pub struct Work {
    /// The claim.
    pub claimed: ClaimedJob,
    /// The pending version that the job is about, if it still is pending.
    pub pending: Option<PendingWork>,
    /// The worker that claimed it.
    pub worker: Arc<str>,
    /// When it was claimed.
    pub started_at: Timestamp,
    /// The steps that were passed, for the timeline.
    pub steps: Mutex<Vec<StepDone>>,
    /// Its place among the leases that are renewed.
    pub held: Held,
    /// What makes it the only one of its kind, if it is a suspect.
    pub(crate) _alone: Option<OwnedSemaphorePermit>,
    /// What it takes of its owner's share.
    pub(crate) _share: Share,
    /// The slot it fills.
    pub(crate) _slot: OwnedSemaphorePermit,
}

impl Work {
    /// What is to be settled when this ends as `outcome`.
    pub fn settlement(&self, outcome: Outcome) -> Settlement {
        Settlement {
            job: self.claimed.job,
            work: self.pending.clone(),
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

    /// Goes through a step and remembers it once it is passed.
    pub async fn step<T>(
        &self,
        step: Step,
        clock: &dyn Clock,
        walk: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
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

    /// Says that the version is at `point`.
    pub fn reach(&self, point: CrashPoint) {
        let pending = self.pending.as_ref();
        if let Some(upload) = pending.and_then(|pending| pending.upload.as_ref()) {
            crash_points::reach_with(point, upload.name.as_str());
        }
    }

    /// Whether no attempt follows this one.
    pub const fn is_last_attempt(&self) -> bool {
        self.claimed.attempt >= self.claimed.max_attempts
    }

    /// Whether it was begun more often than it may be: former attempts took their worker along.
    pub const fn is_crash_loop(&self) -> bool {
        self.claimed.attempt > self.claimed.max_attempts
    }
}
