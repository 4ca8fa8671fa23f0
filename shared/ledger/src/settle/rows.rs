//! The rows that the statements of an outcome transaction travel with.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::staged::may_be_kept;
use super::{Activation, Outcome, Settlement, StepDone};
use crate::batch::{Columns, Kind};
use crate::work::{PendingUpload, PendingWork};
use domain::{Failure, MediaType, Timestamp, check_storable};

pub const JOBS: &Columns = &[
    ("id", Kind::Uuid),
    ("fence", Kind::Integer),
    ("state", Kind::Text),
    ("run_at", Kind::Integer),
    ("last_error", Kind::Text),
    ("finished_at", Kind::Integer),
    ("uncounted", Kind::Integer),
];

#[derive(Serialize)]
pub struct JobRow<'a> {
    id: Uuid,
    fence: i64,
    state: &'static str,
    run_at: i64,
    last_error: Option<Cow<'a, str>>,
    finished_at: Option<i64>,
    /// How many attempts don't count.
    uncounted: u32,
}

impl<'a> JobRow<'a> {
    pub fn new(settlement: &'a Settlement, now: Timestamp) -> Self {
        let (state, run_at, last_error) = match &settlement.outcome {
            Outcome::Again { run_at, cause, .. } | Outcome::HandedBack { run_at, cause } => {
                ("ready", *run_at, Some(cause.as_str()))
            }
            Outcome::Failed {
                gave_up: Some(cause),
                ..
            }
            | Outcome::Dead { cause } => ("dead", now, Some(cause.as_str())),
            Outcome::Activated(_) | Outcome::Failed { gave_up: None, .. } | Outcome::Done => {
                ("done", now, None)
            }
        };
        Self {
            id: settlement.job.id.0,
            fence: settlement.job.fence,
            state,
            run_at: run_at.as_micros(),
            // It may repeat what others sent.
            last_error: last_error.map(storable),
            finished_at: (state != "ready").then_some(now.as_micros()),
            uncounted: u32::from(matches!(settlement.outcome, Outcome::HandedBack { .. })),
        }
    }
}

/// The text as the database can hold it.
fn storable(text: &str) -> Cow<'_, str> {
    match check_storable(text) {
        Ok(()) => text.into(),
        Err(_) => text.replace('\0', "\u{fffd}").into(),
    }
}

pub const ACTIVATIONS: &Columns = &[
    ("version_id", Kind::Uuid),
    ("document_id", Kind::Uuid),
    ("number", Kind::Integer),
    ("mime_type", Kind::Text),
    ("type_mismatch", Kind::Boolean),
    ("declared_type", Kind::Text),
    ("size_bytes", Kind::Integer),
    ("sha256", Kind::Text),
    ("blob_id", Kind::Uuid),
    ("storage_url", Kind::Text),
];

#[derive(Serialize)]
pub struct ActivationRow<'a> {
    version_id: Uuid,
    pub document_id: Uuid,
    pub number: u32,
    mime_type: &'a str,
    type_mismatch: bool,
    declared_type: Option<&'a str>,
    size_bytes: i64,
    sha256: String,
    blob_id: Uuid,
    storage_url: &'a str,
}

impl<'a> ActivationRow<'a> {
    pub fn new(
        work: &'a PendingWork,
        upload: &'a PendingUpload,
        activation: &'a Activation,
        (blob_id, url): &'a (Uuid, String),
    ) -> Self {
        Self {
            version_id: work.version.0,
            document_id: work.document.0,
            number: upload.number,
            mime_type: activation.media_type.as_str(),
            type_mismatch: activation.type_mismatch,
            declared_type: upload.declared_type.as_ref().map(MediaType::as_str),
            size_bytes: work.size.as_i64(),
            sha256: upload.sha256.to_string(),
            blob_id: *blob_id,
            storage_url: url,
        }
    }
}

pub const FAILURES: &Columns = &[
    ("version_id", Kind::Uuid),
    ("document_id", Kind::Uuid),
    ("error_code", Kind::Text),
    ("error_detail", Kind::Text),
    ("may_be_kept", Kind::Boolean),
];

#[derive(Serialize)]
pub struct FailureRow<'a> {
    version_id: Uuid,
    document_id: Uuid,
    error_code: &'static str,
    error_detail: &'a str,
    may_be_kept: bool,
}

impl<'a> FailureRow<'a> {
    pub fn new(work: &PendingWork, failure: &'a Failure) -> Self {
        Self {
            version_id: work.version.0,
            document_id: work.document.0,
            error_code: failure.code.as_str(),
            error_detail: &failure.detail,
            may_be_kept: may_be_kept(failure),
        }
    }
}

pub const EVENTS: &Columns = &[
    ("owner_id", Kind::Uuid),
    ("document_id", Kind::Uuid),
    ("kind", Kind::Text),
    ("data", Kind::Json),
];

#[derive(Serialize)]
pub struct EventRow {
    owner_id: Uuid,
    document_id: Uuid,
    kind: &'static str,
    data: Value,
}

impl EventRow {
    pub fn new(work: &PendingWork, settlement: &Settlement, now: Timestamp) -> Option<Self> {
        let (kind, code) = match &settlement.outcome {
            Outcome::Activated(_) => ("activated", None),
            Outcome::Failed { failure, .. } => ("failed", Some(failure.code)),
            Outcome::Again { code, .. } => ("attempt_failed", Some(*code)),
            // An outage may last: it would fill the timelines.
            Outcome::HandedBack { .. } | Outcome::Done | Outcome::Dead { .. } => return None,
        };
        let milliseconds =
            |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let step = |step: &StepDone| json!({"kind": step.kind, "at": step.at.as_micros(), "duration_ms": milliseconds(step.duration)});
        Some(Self {
            owner_id: work.owner.0,
            document_id: work.document.0,
            kind,
            data: json!({
                "version": work.upload.as_ref().map(|upload| upload.number),
                "attempt": settlement.attempt,
                "duration_ms": milliseconds(now.since(settlement.started_at)),
                "worker": settlement.worker,
                "code": code,
                "steps": settlement.steps.iter().map(step).collect::<Vec<_>>(),
            }),
        })
    }
}
