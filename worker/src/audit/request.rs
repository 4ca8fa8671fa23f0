//! The options of an audit, and how it reports findings.

use std::sync::Arc;

use domain::{ByteSize, Clock, Retention, Timestamp};
use ledger::ownership::{Ownership, OwnershipError};
use ledger::{Database, DbError};
use storage::{StorageError, StorageRouter};

use super::finding::{Finding, FindingKind, Remedy, Summary};
use crate::pace::Pace;

/// Whether findings are repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing is changed.
    DryRun,
    /// Repairs what can be repaired safely.
    Repair,
}

/// Whether bytes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deep {
    /// Compares lengths only.
    No,
    /// Recomputes digests, reading at most this many bytes per second.
    Digests(ByteSize),
}

/// The configuration of an audit.
#[derive(Clone, Debug)]
pub struct AuditRequest {
    /// The ledger.
    pub db: Database,
    /// The bytes.
    pub places: StorageRouter,
    /// Verifies that the places belong to the ledger.
    pub ownership: Ownership,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The retention settings.
    pub retention: Retention,
    /// Whether findings are repaired.
    pub mode: Mode,
    /// Whether bytes are read.
    pub deep: Deep,
}

/// An audit that failed.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The ledger failed.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The marks of the places could not be verified.
    #[error(transparent)]
    Ownership(#[from] OwnershipError),
}

/// An audit in progress.
pub struct Audit<'a> {
    /// The configuration.
    pub request: &'a AuditRequest,
    /// The read rate.
    pub pace: Option<Pace>,
    /// The totals so far.
    pub summary: Summary,
    /// Whether bytes without a row are quarantined.
    pub quarantines: bool,
    report: &'a mut (dyn FnMut(Finding) + Send),
}

impl<'a> Audit<'a> {
    /// Creates an audit that passes each finding to `report`.
    pub fn new(request: &'a AuditRequest, report: &'a mut (dyn FnMut(Finding) + Send)) -> Self {
        Self {
            request,
            pace: match request.deep {
                Deep::No => None,
                Deep::Digests(rate) => Some(Pace::of(rate)),
            },
            summary: Summary::default(),
            quarantines: request.mode == Mode::Repair,
            report,
        }
    }

    /// Reports a finding.
    pub fn tell(&mut self, kind: FindingKind, subject: String, detail: String, remedy: Remedy) {
        *self.summary.findings.entry(kind).or_default() += 1;
        (self.report)(Finding {
            kind,
            subject,
            detail,
            remedy,
        });
    }

    /// Whether findings are repaired.
    pub fn repairs(&self) -> bool {
        self.request.mode == Mode::Repair
    }

    /// Returns `remedy` if findings are repaired.
    pub fn remedy(&self, remedy: Remedy) -> Remedy {
        if self.repairs() { remedy } else { Remedy::None }
    }

    /// Bytes written before this time are too old to belong to an upload in progress.
    pub fn stray_before(&self) -> Timestamp {
        let now = self.request.clock.now();
        now.minus(self.request.retention.stray)
    }
}
