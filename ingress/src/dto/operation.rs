//! Bulk operations and their items.

use domain::{
    Action, DocumentId, ItemReason, ItemResult, Operation, OperationFailure, OperationId,
    OperationItem, OperationStatus, RunMode,
};
use poem_openapi::{Enum, Object};

use super::{Id, Moment};

/// What is done to each item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "Action", rename_all = "lowercase")]
pub enum ActionBody {
    /// Archive.
    Archive,
    /// Undo.
    Restore,
    /// Deleted with all versions.
    Delete,
    /// Edited by the same patch.
    Update,
    /// The latest version tried again.
    Retry,
    /// Written into an archive.
    Export,
    /// Read from an archive.
    Import,
    /// Made what it was before another operation.
    Undo,
}

/// The status of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "OperationStatus", rename_all = "lowercase")]
pub enum OperationStatusBody {
    /// Not begun.
    Pending,
    /// Some items may be dealt with.
    Running,
    /// Every item has been dealt with.
    Completed,
    /// It was stopped; the rest was skipped.
    Cancelled,
    /// It could not go on.
    Error,
}

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "ItemResult", rename_all = "lowercase")]
pub enum ItemResultBody {
    /// Not dealt with yet.
    Pending,
    /// Done, or in a dry run: would be done.
    Succeeded,
    /// Not possible; the code says why.
    Failed,
    /// Nothing was to be done, or no longer.
    Skipped,
}

/// Why an operation failed as a whole.
#[derive(Debug, Object)]
#[oai(rename = "OperationFailure")]
pub struct OperationFailureBody {
    /// The code, for programs.
    pub code: String,
    /// A sentence, for people.
    pub detail: String,
}

/// A bulk operation.
#[derive(Debug, Object)]
#[oai(rename = "Operation")]
pub struct OperationBody {
    /// Its id.
    pub id: Id<OperationId>,
    /// What it does to each item.
    pub action: ActionBody,
    /// Its status.
    pub status: OperationStatusBody,
    /// The number of items.
    pub total: u32,
    /// Items that succeeded, or would.
    pub succeeded: u32,
    /// Items that failed, or would.
    pub failed: u32,
    /// Items that were skipped: there was nothing to do.
    pub skipped: u32,
    /// Whether it reports what would happen to each item without changing it.
    pub dry_run: bool,
    /// When it was accepted.
    pub created_at: Moment,
    /// When it was begun.
    #[oai(nullable)]
    pub started_at: Option<Moment>,
    /// When it ended.
    #[oai(nullable)]
    pub finished_at: Option<Moment>,
    /// Why it failed as a whole.
    #[oai(nullable)]
    pub error: Option<OperationFailureBody>,
}

/// A page of operations.
#[derive(Debug, Object)]
#[oai(rename = "OperationPage")]
pub struct OperationPageBody {
    /// The operations, newest first.
    pub items: Vec<OperationBody>,
    /// The `cursor` of the next page, if there is one.
    #[oai(nullable)]
    pub next_cursor: Option<String>,
}

/// An item of an operation.
#[derive(Debug, Object)]
#[oai(rename = "OperationItem")]
pub struct OperationItemBody {
    /// The document.
    #[oai(nullable)]
    pub document_id: Option<Id<DocumentId>>,
    /// Its name when the operation began.
    #[oai(nullable)]
    pub name: Option<String>,
    /// What became of it.
    pub result: ItemResultBody,
    /// Why it failed or was skipped, for programs.
    #[oai(nullable)]
    pub code: Option<String>,
    /// The same, for people.
    #[oai(nullable)]
    pub detail: Option<String>,
}

/// A page of an operation's items.
#[derive(Debug, Object)]
#[oai(rename = "OperationItemPage")]
pub struct OperationItemPageBody {
    /// The items, in the operation's order.
    pub items: Vec<OperationItemBody>,
    /// The `cursor` of the next page, if there is one.
    #[oai(nullable)]
    pub next_cursor: Option<String>,
}

impl From<Operation> for OperationBody {
    fn from(operation: Operation) -> Self {
        let (state, tally) = (&operation.state, operation.tally);
        Self {
            id: Id(operation.id),
            action: operation.action.into(),
            status: state.status().into(),
            total: tally.total,
            succeeded: tally.succeeded,
            failed: tally.failed,
            skipped: tally.skipped,
            dry_run: operation.mode == RunMode::Dry,
            created_at: Moment(operation.created_at),
            started_at: state.started_at().map(Moment),
            finished_at: state.finished_at().map(Moment),
            error: state.failure().map(Into::into),
        }
    }
}

impl From<&OperationFailure> for OperationFailureBody {
    fn from(failure: &OperationFailure) -> Self {
        Self {
            code: failure.code.to_string(),
            detail: failure.detail.clone(),
        }
    }
}

impl From<OperationItem> for OperationItemBody {
    fn from(item: OperationItem) -> Self {
        let (code, detail) = item
            .reason
            .map(|ItemReason { code, detail }| (code, detail))
            .unzip();
        Self {
            document_id: item.document.map(Id),
            name: item.name,
            result: item.result.into(),
            code: code.map(|code| code.to_string()),
            detail,
        }
    }
}

impl From<Action> for ActionBody {
    fn from(action: Action) -> Self {
        match action {
            Action::Archive => Self::Archive,
            Action::Restore => Self::Restore,
            Action::Delete => Self::Delete,
            Action::Update => Self::Update,
            Action::Retry => Self::Retry,
            Action::Export => Self::Export,
            Action::Import => Self::Import,
            Action::Undo => Self::Undo,
        }
    }
}

impl From<OperationStatus> for OperationStatusBody {
    fn from(status: OperationStatus) -> Self {
        match status {
            OperationStatus::Pending => Self::Pending,
            OperationStatus::Running => Self::Running,
            OperationStatus::Completed => Self::Completed,
            OperationStatus::Cancelled => Self::Cancelled,
            OperationStatus::Error => Self::Error,
        }
    }
}

impl From<ItemResult> for ItemResultBody {
    fn from(result: ItemResult) -> Self {
        match result {
            ItemResult::Pending => Self::Pending,
            ItemResult::Succeeded => Self::Succeeded,
            ItemResult::Failed => Self::Failed,
            ItemResult::Skipped => Self::Skipped,
        }
    }
}

impl From<ItemResultBody> for ItemResult {
    fn from(result: ItemResultBody) -> Self {
        match result {
            ItemResultBody::Pending => Self::Pending,
            ItemResultBody::Succeeded => Self::Succeeded,
            ItemResultBody::Failed => Self::Failed,
            ItemResultBody::Skipped => Self::Skipped,
        }
    }
}
