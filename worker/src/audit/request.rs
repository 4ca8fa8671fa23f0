//! What an audit is asked for, and how what is found is told.

use std::sync::Arc;

use domain::{ByteSize, Clock, Retention, Timestamp};
use ledger::ownership::{Ownership, OwnershipError};
use ledger::{Database, DbError};
use storage::{StorageError, StorageRouter};

use super::finding::{Finding, FindingKind, Remedy, Summary};
use super::pace::Pace;

/// Whether findings are only told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing is changed.
    DryRun,
    /// What can be mended is.
    Repair,
}

/// Whether bytes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deep {
    /// Lengths are all that is compared.
    No,
    /// Digests are computed anew, reading at most so many bytes a second.
    Digests(ByteSize),
}

/// What is audited, and how.
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
    /// Whether findings are mended.
    pub mode: Mode,
    /// Whether bytes are read.
    pub deep: Deep,
}

/// An audit that could not be done.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The ledger failed.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Whose the storage is could not be told.
    #[error(transparent)]
    Ownership(#[from] OwnershipError),
}

/// An audit under way.
pub struct Audit<'a> {
    /// What is audited.
    pub request: &'a AuditRequest,
    /// How bytes are read.
    pub pace: Option<Pace>,
    /// What was found so far.
    pub summary: Summary,
    /// Whether bytes without a row are put into quarantine.
    pub quarantines: bool,
    report: &'a mut (dyn FnMut(Finding) + Send),
}

impl<'a> Audit<'a> {
    /// One that has found nothing yet, and hands each finding to `report` as it comes.
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

    /// Tells what was found.
    pub fn tell(&mut self, kind: FindingKind, subject: String, detail: String, remedy: Remedy) {
        *self.summary.findings.entry(kind).or_default() += 1;
        (self.report)(Finding {
            kind,
            subject,
            detail,
            remedy,
        });
    }

    /// Whether findings are mended.
    pub fn repairs(&self) -> bool {
        self.request.mode == Mode::Repair
    }

    /// `remedy`, if findings are mended.
    pub fn remedy(&self, remedy: Remedy) -> Remedy {
        if self.repairs() { remedy } else { Remedy::None }
    }

    /// What began before is too old to belong to an upload under way.
    pub fn stray_before(&self) -> Timestamp {
        let now = self.request.clock.now();
        now.minus(self.request.retention.stray)
    }
}
