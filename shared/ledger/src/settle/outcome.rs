//! What workers hand in to be settled, and what they are told.

use std::time::Duration;

use url::Url;

use crate::JobRef;
use crate::work::PendingWork;
use domain::{BlobId, ErrorCode, Failure, MediaType, Timestamp};

/// Whether the bytes of an activation were written for it or were there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobOrigin {
    /// Written or adopted by this job.
    Stored,
    /// Found in storage under the same digest and size.
    Shared,
    /// Known under the same digest and size, but lost by storage, and written anew in its place.
    PutBack,
}

/// A version that passed the pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// What its bytes are.
    pub media_type: MediaType,
    /// Whether its name or declared type said something else.
    pub type_mismatch: bool,
    /// The id of the blob, should it be a new one.
    pub blob: BlobId,
    /// Where its bytes are.
    pub location: Url,
    /// How they got there.
    pub origin: BlobOrigin,
    /// Copies of the bytes that are not needed once it is active.
    pub leftovers: Vec<Url>,
}

/// What became of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The version is readable.
    Activated(Activation),
    /// The version failed for good.
    Failed {
        /// What its owner is told.
        failure: Failure,
        /// The cause, for operators, if attempts ran out: the job is then dead.
        gave_up: Option<String>,
        /// Where the staged bytes may lie, should they not be kept.
        leftovers: Vec<Url>,
    },
    /// The attempt failed; another one follows.
    Again {
        /// When it is due.
        run_at: Timestamp,
        /// What it would be if it were the last attempt.
        code: ErrorCode,
        /// The cause, for operators.
        cause: String,
    },
    /// The attempt met a fault of the infrastructure, and doesn't count; another one follows once
    /// that is over.
    HandedBack {
        /// When it is due.
        run_at: Timestamp,
        /// The cause, for operators.
        cause: String,
    },
    /// The job did what it was for, or found nothing to do.
    Done,
    /// The job, which has no version, failed on its last attempt.
    Dead {
        /// The cause, for operators.
        cause: String,
    },
}

/// A step of the pipeline that an attempt has passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepDone {
    /// What is true since: `verified`, `identified`, …
    pub kind: &'static str,
    /// Since when.
    pub at: Timestamp,
    /// How long the step took.
    pub duration: Duration,
}

/// What is to be settled.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The claim it was done under.
    pub job: JobRef,
    /// What was worked on, if there was anything.
    pub work: Option<PendingWork>,
    /// Which attempt it was.
    pub attempt: u32,
    /// Who did it.
    pub worker: String,
    /// When it was begun.
    pub started_at: Timestamp,
    /// The steps it went through.
    pub steps: Vec<StepDone>,
    /// What became of it.
    pub outcome: Outcome,
}

/// Whether a settlement came true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is committed.
    Committed {
        /// Bytes that no row refers to any more; written down as discarded.
        removable: Vec<Url>,
    },
    /// Somebody else holds the claim: nothing that was done under it counts, and
    /// nothing may be removed.
    LeaseLost,
}

impl Settled {
    /// Bytes that no row refers to any more.
    pub(super) fn removable(&self) -> &[Url] {
        match self {
            Self::Committed { removable } => removable,
            Self::LeaseLost => &[],
        }
    }
}
