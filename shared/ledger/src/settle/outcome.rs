//! The outcomes that workers settle, and the results of that.

use std::time::Duration;

use url::Url;

use crate::JobRef;
use crate::work::PendingWork;
use domain::{BlobId, ErrorCode, Failure, MediaType, Timestamp};

/// Whether the bytes of an activation were written for it or existed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobOrigin {
    /// Written by this job, or adopted from staging.
    Stored,
    /// Found in storage under the same digest and size.
    Shared,
    /// Known under the same digest and size, but missing in storage, and rewritten in place.
    PutBack,
}

/// A version that passed the pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// The detected media type.
    pub media_type: MediaType,
    /// Whether its name or declared type contradicts it.
    pub type_mismatch: bool,
    /// The id of the blob, if a new one is created.
    pub blob: BlobId,
    /// The URL of its bytes.
    pub location: Url,
    /// Where the bytes come from.
    pub origin: BlobOrigin,
    /// Copies of the bytes that are not needed once it is active.
    pub leftovers: Vec<Url>,
}

/// The outcome of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The version is active.
    Activated(Activation),
    /// The version failed permanently.
    Failed {
        /// The reason, for the owner.
        failure: Failure,
        /// The cause, for operators, if all attempts failed: the job is then dead.
        gave_up: Option<String>,
        /// The possible URLs of the staged bytes, if they are not kept.
        leftovers: Vec<Url>,
    },
    /// The attempt failed and is retried.
    Again {
        /// When it is due.
        run_at: Timestamp,
        /// The code if it were the last attempt.
        code: ErrorCode,
        /// The cause, for operators.
        cause: String,
    },
    /// The attempt failed because of an outage, and doesn't count; the job is retried after it.
    HandedBack {
        /// When it is due.
        run_at: Timestamp,
        /// The cause, for operators.
        cause: String,
    },
    /// The job is done, or found nothing to do.
    Done,
    /// A job without a version failed on its last attempt.
    Dead {
        /// The cause, for operators.
        cause: String,
    },
}

/// A step of the pipeline that an attempt has completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepDone {
    /// The kind of the step: `verified`, `identified`, …
    pub kind: &'static str,
    /// When it was completed.
    pub at: Timestamp,
    /// The duration of the step.
    pub duration: Duration,
}

/// An outcome to be settled.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The claim of the attempt.
    pub job: JobRef,
    /// The version that was processed, if any.
    pub work: Option<PendingWork>,
    /// The number of the attempt.
    pub attempt: u32,
    /// The worker.
    pub worker: String,
    /// When the attempt started.
    pub started_at: Timestamp,
    /// The completed steps.
    pub steps: Vec<StepDone>,
    /// The outcome.
    pub outcome: Outcome,
}

/// Whether an outcome was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is committed.
    Committed {
        /// Bytes that no row refers to any more; recorded in `discards`.
        removable: Vec<Url>,
    },
    /// Another worker holds the claim: the outcome is void, and nothing may be removed.
    LeaseLost,
}

impl Settled {
    /// The bytes that no row refers to any more.
    pub(super) fn removable(&self) -> &[Url] {
        match self {
            Self::Committed { removable } => removable,
            Self::LeaseLost => &[],
        }
    }
}
