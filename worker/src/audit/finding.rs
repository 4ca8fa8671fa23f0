//! What an audit finds, in words that operators and programs read.

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
    /// Bytes of another length than their row says.
    WrongLength,
    /// Bytes with another digest than their row says.
    WrongDigest,
    /// A row whose bytes are in no place that the settings name.
    UnknownPlace,
    /// A place that isn't this installation's, as its mark says.
    ForeignPlace,
    /// A place of whose objects too many have no row for all of them to be left behind.
    TooManyStrays,
    /// Bytes that are to be removed although a row needs them.
    DoomedBytes,
    /// A user who is charged for other things than they keep.
    QuotaDrift,
    /// Content that counts other references than it has.
    ReferenceDrift,
    /// A pending version that nobody works on.
    PendingWithoutJob,
    /// A document that shows something else than its version, or waits for none.
    DanglingDocument,
    /// A document whose row can't be read.
    UnreadableDocument,
    /// A job that has nothing to work on.
    JobWithoutSubject,
}

impl FindingKind {
    /// The kind as programs know it.
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
            Self::ForeignPlace => "foreign_place",
            Self::TooManyStrays => "too_many_strays",
            Self::DoomedBytes => "doomed_bytes",
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

/// What was done about a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Remedy {
    /// Nothing was asked for.
    None,
    /// It is as it has to be.
    Mended,
    /// The bytes are in quarantine; they are removed later if nothing refers to them by then.
    Quarantined,
    /// It can't be mended without destroying something: a person has to decide.
    Left,
}

impl Remedy {
    /// The remedy as programs know it.
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

/// Something that doesn't fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of damage it is.
    pub kind: FindingKind,
    /// The URL or the id that it is about.
    pub subject: String,
    /// What was found there.
    pub detail: String,
    /// What was done about it.
    pub remedy: Remedy,
}

/// What an audit found, as numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many findings there are of each kind.
    pub findings: BTreeMap<FindingKind, u64>,
    /// How many objects of storage were looked at.
    pub objects: u64,
    /// How many bytes were read to check their digests.
    pub bytes_read: u64,
    /// How many objects are in quarantine, found by this audit or earlier.
    pub quarantined: u64,
}

impl Summary {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}
