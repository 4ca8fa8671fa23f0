//! The kinds of jobs. The meaning of a kind never changes; a new meaning gets a new kind.

use std::fmt;
use std::str::FromStr;

use super::Queue;

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Takes a pending version through the pipeline. Subject: the version.
    ProcessVersion,
    /// Runs one chunk of a bulk operation. Subject: the operation.
    RunOperation,
    /// Writes the archive of an export. Subject: the operation.
    Export,
    /// Reads the directory of an import's archive. Subject: the operation.
    ReadArchive,
    /// Imports the next entries of an archive. Subject: the operation.
    ImportEntries,
    /// Settles the items of an import once their versions are settled. Subject: the operation.
    SettleImport,
    /// Removes bytes that no row refers to any more. No subject.
    RemoveDiscarded,
    /// Deletes expired idempotency keys. No subject.
    ForgetRequests,
    /// Discards the staged bytes of versions that failed long ago. No subject.
    ExpireFailed,
    /// Deletes documents that were archived long ago. No subject.
    PurgeArchived,
    /// Deletes old versions of documents that have many. No subject.
    PruneVersions,
    /// Deletes jobs that ended long ago. No subject.
    ForgetJobs,
    /// Discards staged bytes that no row refers to, and unfinished writes. No subject.
    SweepStaging,
    /// Quarantines stored bytes that no row refers to, and discards them when their quarantine
    /// expires. No subject.
    SweepStore,
    /// Checks the ledger for consistency, and enqueues pending versions without a job. No subject.
    CheckLedger,
    /// Discards archives that are no longer needed. No subject.
    ExpireArchives,
    /// Deletes expired operations. No subject.
    ForgetOperations,
    /// Deletes expired events, and surplus events of documents that have very many. No subject.
    TrimEvents,
    /// Deletes documents and versions that failed long ago. No subject.
    ForgetFailures,
    /// Deletes expired entries of the security log, and all but the latest identities of deleted
    /// users. No subject.
    ForgetAuditLog,
    /// Finishes resumable uploads that have all their bytes, if whoever received the last ones
    /// died. No subject.
    FinishUploads,
    /// Expires resumable uploads whose time is over, and forgets ended ones. No subject.
    ExpireUploads,
    /// Finishes the removal of a user. Subject: the user.
    RemoveUser,
    /// Moves the next objects of a move to another place. Subject: the move.
    MoveObjects,
    /// Delivers what is due to a webhook. Subject: the webhook.
    DeliverWebhook,
}

/// A text that is not a kind of job.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a kind of job")]
pub struct UnknownJobKind(String);

impl JobKind {
    /// Every kind.
    pub const ALL: [Self; 25] = [
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
        Self::FinishUploads,
        Self::ExpireUploads,
        Self::RemoveUser,
        Self::MoveObjects,
        Self::DeliverWebhook,
    ];

    /// Returns the name of the kind, as stored in the database.
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
            Self::FinishUploads => "finish_uploads",
            Self::ExpireUploads => "expire_uploads",
            Self::RemoveUser => "remove_user",
            Self::MoveObjects => "move_objects",
            Self::DeliverWebhook => "deliver_webhook",
        }
    }

    /// Returns its queue.
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
            | Self::FinishUploads
            | Self::ExpireUploads
            | Self::RemoveUser
            | Self::MoveObjects => Queue::Maintenance,
            Self::DeliverWebhook => Queue::Deliver,
        }
    }

    /// Returns whether it reads or writes bytes, and so waits while storage is down.
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
                | Self::ExpireUploads
                | Self::RemoveUser
                | Self::DeliverWebhook
        )
    }

    /// Returns its attempts before it is dead, crashes included. Attempts that failed because of an
    /// outage don't count.
    #[must_use]
    pub const fn max_attempts(self) -> u32 {
        match self {
            // With the pauses between them, about thirteen minutes.
            Self::ProcessVersion
            | Self::RunOperation
            | Self::Export
            | Self::ReadArchive
            | Self::ImportEntries
            | Self::SettleImport
            | Self::DeliverWebhook => 8,
            Self::RemoveDiscarded | Self::RemoveUser | Self::MoveObjects => 10,
            // The next job of the same kind does what they leave undone.
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
            | Self::ForgetAuditLog
            | Self::FinishUploads
            | Self::ExpireUploads => 3,
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
