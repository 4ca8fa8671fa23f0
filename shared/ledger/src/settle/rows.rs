//! Maps the outcomes of a group to rows.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::staged::may_be_kept;
use super::{Activation, Outcome, Settlement, StepDone};
use crate::tables::documents::{CurrentVersion, FailedDocument};
use crate::tables::events::{EventData, NewEvent};
use crate::tables::jobs::EndedJob;
use crate::tables::versions::{ActivatedVersion, FailedVersion};
use crate::work::{PendingUpload, PendingWork};
use domain::{EventKind, Failure, Timestamp, check_storable};
use queue::JobState;

/// The new state of a job.
pub fn ended_job(settlement: &Settlement, now: Timestamp) -> EndedJob<'_> {
    let (state, run_at, last_error) = match &settlement.outcome {
        Outcome::Again { run_at, cause, .. } | Outcome::HandedBack { run_at, cause } => {
            (JobState::Ready, *run_at, Some(cause.as_str()))
        }
        Outcome::Failed {
            gave_up: Some(cause),
            ..
        }
        | Outcome::Dead { cause } => (JobState::Dead, now, Some(cause.as_str())),
        Outcome::Activated(_) | Outcome::Failed { gave_up: None, .. } | Outcome::Done => {
            (JobState::Done, now, None)
        }
    };
    EndedJob {
        id: settlement.job.id,
        fence: settlement.job.fence,
        state,
        run_at,
        // It may repeat text from clients.
        last_error: last_error.map(storable),
        finished_at: (state != JobState::Ready).then_some(now),
        uncounted: u32::from(matches!(settlement.outcome, Outcome::HandedBack { .. })),
    }
}

/// The text as the database can store it.
fn storable(text: &str) -> Cow<'_, str> {
    match check_storable(text) {
        Ok(()) => text.into(),
        Err(_) => text.replace('\0', "\u{fffd}").into(),
    }
}

/// A version that becomes active, with the id and URL of its blob.
#[derive(Clone, Copy)]
pub struct Activated<'a> {
    pub work: &'a PendingWork,
    pub upload: &'a PendingUpload,
    pub activation: &'a Activation,
    pub blob: &'a (Uuid, String),
}

impl<'a> Activated<'a> {
    /// The new row of the version.
    pub const fn version(self) -> ActivatedVersion<'a> {
        ActivatedVersion {
            id: self.work.version,
            mime_type: &self.activation.media_type,
            type_mismatch: self.activation.type_mismatch,
            blob_id: self.blob.0,
        }
    }

    /// The new row of its document, unless that shows a newer version.
    pub fn document(self) -> CurrentVersion<'a> {
        CurrentVersion {
            document_id: self.work.document,
            number: self.upload.number,
            mime_type: &self.activation.media_type,
            type_mismatch: self.activation.type_mismatch,
            declared_type: self.upload.declared_type.as_ref(),
            size_bytes: self.work.size,
            sha256: self.upload.sha256,
            storage_url: &self.blob.1,
        }
    }
}

/// The new row of a failed version.
pub fn failed_version<'a>(work: &PendingWork, failure: &'a Failure) -> FailedVersion<'a> {
    FailedVersion {
        id: work.version,
        document_id: work.document,
        error_code: failure.code,
        error_detail: &failure.detail,
        may_be_kept: may_be_kept(failure),
    }
}

/// The new row of its document, if no other version is pending.
pub fn failed_document<'a>(work: &PendingWork, failure: &'a Failure) -> FailedDocument<'a> {
    FailedDocument {
        id: work.document,
        error_code: failure.code,
        error_detail: &failure.detail,
    }
}

/// The event of an attempt.
pub fn event(
    work: &PendingWork,
    settlement: &Settlement,
    kind: EventKind,
    now: Timestamp,
) -> NewEvent {
    let code = match &settlement.outcome {
        Outcome::Failed { failure, .. } => Some(failure.code),
        Outcome::Again { code, .. } => Some(*code),
        _ => None,
    };
    let milliseconds = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let step = |step: &StepDone| json!({"kind": step.kind, "at": step.at.as_micros(), "duration_ms": milliseconds(step.duration)});
    let data = json!({
                "version": work.upload.as_ref().map(|upload| upload.number),
                "attempt": settlement.attempt,
                "duration_ms": milliseconds(now.since(settlement.started_at)),
                "worker": settlement.worker,
                "code": code,
                "steps": settlement.steps.iter().map(step).collect::<Vec<_>>(),
    });
    NewEvent::new(work.owner, kind, EventData::Attempt(data), now).of(work.document)
}
