//! Operations on many documents.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{DocumentChanges, DocumentFilter, Timestamp};

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Archives documents.
    Archive,
    /// Restores archived documents.
    Restore,
    /// Deletes documents.
    Delete,
    /// Changes documents.
    Update,
    /// Retries failed documents.
    Retry,
    /// Makes a ZIP archive of documents.
    Export,
    /// Makes documents of a ZIP archive.
    Import,
    /// Undoes an operation.
    Undo,
}

/// An operation to start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewOperation {
    /// What is done to each document.
    pub action: Action,
    /// To which documents.
    pub select: Selection,
    /// The changes of an update.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<DocumentChanges>,
    /// Whether an export has all versions.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub versions: bool,
    /// Whether it only tells what it would do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

impl NewOperation {
    /// An operation of this kind on these documents.
    #[must_use]
    pub const fn new(action: Action, select: Selection) -> Self {
        Self {
            action,
            select,
            changes: None,
            versions: false,
            dry_run: false,
        }
    }
}

/// Which documents an operation means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Selection {
    /// Those with these ids.
    Ids(Vec<Uuid>),
    /// Those that match when the operation is created.
    Filter(Box<DocumentFilter>),
}

/// What an import does with an entry whose name a document has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    /// Skips it.
    Skip,
    /// Gives it another name.
    Rename,
    /// Makes it a new version of that document.
    NewVersion,
    /// Fails this entry.
    Fail,
}

/// An operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Operation {
    /// Its id.
    pub id: Uuid,
    /// What it does to each item.
    pub action: Action,
    /// Its status.
    pub status: OperationStatus,
    /// How many items it has.
    pub total: u32,
    /// How many of them succeeded.
    pub succeeded: u32,
    /// How many of them failed.
    pub failed: u32,
    /// How many of them were skipped.
    pub skipped: u32,
    /// Whether it only tells what it would do.
    pub dry_run: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Why it failed as a whole, if it did.
    pub error: Option<OperationFailure>,
}

/// The status of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OperationStatus {
    /// It hasn't begun.
    Pending,
    /// It runs.
    Running,
    /// It ended; its items have results of their own.
    Completed,
    /// It was cancelled.
    Cancelled,
    /// It failed as a whole.
    Error,
}

/// Why an operation failed as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OperationFailure {
    /// One of a closed list of codes.
    pub code: String,
    /// What happened.
    pub detail: String,
}

/// An item of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OperationItem {
    /// The document, if there is one.
    pub document_id: Option<Uuid>,
    /// Its name, if it is known.
    pub name: Option<String>,
    /// What became of it.
    pub result: ItemResult,
    /// Why it failed.
    pub code: Option<String>,
    /// What happened.
    pub detail: Option<String>,
}

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ItemResult {
    /// Nothing yet.
    Pending,
    /// It was done.
    Succeeded,
    /// It couldn't be done.
    Failed,
    /// There was nothing to do.
    Skipped,
}
