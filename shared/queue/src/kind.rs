//! The list of jobs. A kind's meaning never changes; a new meaning is a new kind.

use std::fmt;
use std::str::FromStr;

use super::Queue;

/// What a job does to its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Takes a pending version through the pipeline. Subject: the version.
    ProcessVersion,
    /// Deals with one chunk of a bulk operation. Subject: the operation.
    RunOperation,
    /// Writes the archive of an export. Subject: the operation.
    Export,
    /// Reads the directory of an import's archive. Subject: the operation.
    ReadArchive,
    /// Takes in the next entries of an import. Subject: the operation.
    ImportEntries,
    /// Settles the items of an import with their versions. Subject: the operation.
    SettleImport,
    /// Removes bytes that no row refers to any more. No subject.
    RemoveDiscarded,
    /// Forgets idempotency keys whose time is over. No subject.
    ForgetRequests,
    /// Lets go of the staged bytes of versions that failed long ago. No subject.
    ExpireFailed,
    /// Deletes documents that were archived long ago. No subject.
    PurgeArchived,
    /// Removes old versions of documents that have many. No subject.
    PruneVersions,
    /// Forgets jobs that ended long ago. No subject.
    ForgetJobs,
    /// Discards bytes in staging that no row refers to, and writes that never ended. No subject.
    SweepStaging,
    /// Puts bytes of the store that no row refers to into quarantine, and ends it. No subject.
    SweepStore,
    /// Holds the ledger against itself and enqueues what nobody works on. No subject.
    CheckLedger,
    /// Lets go of archives that nobody needs any more. No subject.
    ExpireArchives,
    /// Forgets operations whose time is over. No subject.
    ForgetOperations,
    /// Forgets events whose time is over, and those of documents that have very many. No subject.
    TrimEvents,
    /// Forgets documents and versions that failed long ago. No subject.
    ForgetFailures,
    /// Forgets what of the security log was kept long enough, and all but the latest identities
    /// of deleted users. No subject.
    ForgetAuditLog,
    /// Finishes the removal of a user. Subject: the user.
    RemoveUser,
}

/// A text that is not a kind of job.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a kind of job")]
pub struct UnknownJobKind(String);

impl JobKind {
    /// Every kind.
    pub const ALL: [Self; 21] = [
        Self::ProcessVersion,
        Self::RunOperation,
        Self::Export,
        Self::ReadArchive,
        Self::ImportEntries,
        Self::SettleImport,
        Self::RemoveDiscarded,
        Self::ForgetRequests,
        Self::ExpireFailed,
        Self::PurgeArchived,
        Self::PruneVersions,
        Self::ForgetJobs,
        Self::SweepStaging,
        Self::SweepStore,
        Self::CheckLedger,
        Self::ExpireArchives,
        Self::ForgetOperations,
        Self::TrimEvents,
        Self::ForgetFailures,
        Self::ForgetAuditLog,
        Self::RemoveUser,
    ];

    /// The kind as operators and the database know it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProcessVersion => "process_version",
            Self::RunOperation => "run_operation",
            Self::Export => "export",
            Self::ReadArchive => "read_archive",
            Self::ImportEntries => "import_entries",
            Self::SettleImport => "settle_import",
            Self::RemoveDiscarded => "remove_discarded",
            Self::ForgetRequests => "forget_requests",
            Self::ExpireFailed => "expire_failed",
            Self::PurgeArchived => "purge_archived",
            Self::PruneVersions => "prune_versions",
            Self::ForgetJobs => "forget_jobs",
            Self::SweepStaging => "sweep_staging",
            Self::SweepStore => "sweep_store",
            Self::CheckLedger => "check_ledger",
            Self::ExpireArchives => "expire_archives",
            Self::ForgetOperations => "forget_operations",
            Self::TrimEvents => "trim_events",
            Self::ForgetFailures => "forget_failures",
            Self::ForgetAuditLog => "forget_audit_log",
            Self::RemoveUser => "remove_user",
        }
    }

    /// The queue it goes through.
    #[must_use]
    pub const fn queue(self) -> Queue {
        match self {
            Self::ProcessVersion => Queue::Ingest,
            Self::RunOperation
            | Self::Export
            | Self::ReadArchive
            | Self::ImportEntries
            | Self::SettleImport => Queue::Bulk,
            Self::RemoveDiscarded
            | Self::ForgetRequests
            | Self::ExpireFailed
            | Self::PurgeArchived
            | Self::PruneVersions
            | Self::ForgetJobs
            | Self::SweepStaging
            | Self::SweepStore
            | Self::CheckLedger
            | Self::ExpireArchives
            | Self::ForgetOperations
            | Self::TrimEvents
            | Self::ForgetFailures
            | Self::ForgetAuditLog
            | Self::RemoveUser => Queue::Maintenance,
        }
    }

    /// Whether it reads or writes bytes: it waits while a place is away.
    #[must_use]
    pub const fn needs_storage(self) -> bool {
        !matches!(
            self,
            Self::RunOperation
                | Self::SettleImport
                | Self::ForgetRequests
                | Self::ExpireFailed
                | Self::PurgeArchived
                | Self::PruneVersions
                | Self::ForgetJobs
                | Self::CheckLedger
                | Self::ExpireArchives
                | Self::RemoveUser
        )
    }

    /// How often it is begun before it is given up, crashes included. Attempts that meet a fault
    /// of the infrastructure don't count.
    #[must_use]
    pub const fn max_attempts(self) -> u32 {
        match self {
            // With the pauses between them, about thirteen minutes of a fault of its own.
            Self::ProcessVersion
            | Self::RunOperation
            | Self::Export
            | Self::ReadArchive
            | Self::ImportEntries
            | Self::SettleImport => 8,
            Self::RemoveDiscarded | Self::RemoveUser => 10,
            // What they leave undone, the next of the same kind does.
            Self::ForgetRequests
            | Self::ExpireFailed
            | Self::PurgeArchived
            | Self::PruneVersions
            | Self::ForgetJobs
            | Self::SweepStaging
            | Self::SweepStore
            | Self::CheckLedger
            | Self::ExpireArchives
            | Self::ForgetOperations
            | Self::TrimEvents
            | Self::ForgetFailures
            | Self::ForgetAuditLog => 3,
        }
    }
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for JobKind {
    type Err = UnknownJobKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownJobKind(text.to_owned()))
    }
}
