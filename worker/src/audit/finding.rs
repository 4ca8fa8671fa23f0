//! The findings of an audit, for operators and programs.

use std::collections::BTreeMap;
use std::fmt;

/// A kind of damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FindingKind {
    /// Stored bytes that no row refers to.
    OrphanedBlob,
    /// Staged bytes that no row refers to.
    StaleStaging,
    /// A row whose stored bytes are gone.
    MissingBlob,
    /// A version whose staged bytes are gone.
    MissingStaging,
    /// Bytes whose length differs from their row.
    WrongLength,
    /// Bytes whose digest differs from their row.
    WrongDigest,
    /// A row whose bytes are in a place that isn't configured.
    UnknownPlace,
    /// A place that doesn't answer: its objects weren't checked.
    UnansweredPlace,
    /// A place whose mark names another installation.
    ForeignPlace,
    /// A place with too many objects without a row to be orphans.
    TooManyStrays,
    /// Bytes listed for removal although a row needs them.
    NeededDiscard,
    /// A user whose quota counters differ from their rows.
    QuotaDrift,
    /// A blob whose reference count differs from its references.
    ReferenceDrift,
    /// A pending version without a job.
    PendingWithoutJob,
    /// A document that differs from its current version, or is pending without a pending version.
    DanglingDocument,
    /// A document whose row can't be read.
    UnreadableDocument,
    /// A job without anything to work on.
    JobWithoutSubject,
}

impl FindingKind {
    /// Returns the kind's name in JSON output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrphanedBlob => "orphaned_blob",
            Self::StaleStaging => "stale_staging",
            Self::MissingBlob => "missing_blob",
            Self::MissingStaging => "missing_staging",
            Self::WrongLength => "wrong_length",
            Self::WrongDigest => "wrong_digest",
            Self::UnknownPlace => "unknown_place",
            Self::UnansweredPlace => "unanswered_place",
            Self::ForeignPlace => "foreign_place",
            Self::TooManyStrays => "too_many_strays",
            Self::NeededDiscard => "doomed_bytes",
            Self::QuotaDrift => "quota_drift",
            Self::ReferenceDrift => "reference_drift",
            Self::PendingWithoutJob => "pending_without_job",
            Self::DanglingDocument => "dangling_document",
            Self::UnreadableDocument => "unreadable_document",
            Self::JobWithoutSubject => "job_without_subject",
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The remedy of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Remedy {
    /// None: a dry run.
    None,
    /// Repaired.
    Mended,
    /// The bytes are quarantined, and removed later if nothing refers to them by then.
    Quarantined,
    /// Left: it can't be repaired without destroying something, so an operator has to decide.
    Left,
}

impl Remedy {
    /// Returns the remedy's name in JSON output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Mended => "mended",
            Self::Quarantined => "quarantined",
            Self::Left => "left",
        }
    }
}

/// An inconsistency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its kind.
    pub kind: FindingKind,
    /// The URL or id of its subject.
    pub subject: String,
    /// A description.
    pub detail: String,
    /// Its remedy.
    pub remedy: Remedy,
}

/// The totals of an audit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The number of findings of each kind.
    pub findings: BTreeMap<FindingKind, u64>,
    /// The number of objects checked.
    pub objects: u64,
    /// The number of bytes read to check digests.
    pub bytes_read: u64,
    /// The number of objects in quarantine, including those of earlier audits.
    pub quarantined: u64,
}

impl Summary {
    /// Returns whether nothing was found.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}
