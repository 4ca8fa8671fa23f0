//! The outcome of each item of an import chunk, and how it is recorded.

use url::Url;
use uuid::Uuid;

use super::chunk::ImportChunk;
use crate::operations::item_outcome::{DueItem, ItemOutcome, write_outcomes};
use crate::tables::operation_items::{self, VersionRow};
use crate::tables::operations;
use crate::{DatabaseTransaction, DbError, IntakeRefusal};
use domain::{DocumentId, DocumentName, ItemCode};

/// The outcome of an item.
#[derive(Clone, Debug)]
pub(super) enum EntryOutcome {
    /// It becomes a new document of this name.
    NewDocument(DocumentName, DocumentId),
    /// It becomes new versions of this document.
    NewVersions(DocumentId),
    /// It was accepted; its last version has this number.
    Accepted(DocumentId, u32),
    /// It is skipped.
    Skipped(ItemCode),
    /// It has failed.
    Failed(ItemCode),
}

/// Records the outcomes and the position of the operation. Returns the staged bytes that were not
/// accepted.
pub(super) async fn write_entry_outcomes(
    transaction: &DatabaseTransaction,
    request: &ImportChunk<'_>,
    outcomes: &[EntryOutcome],
) -> Result<Vec<Url>, DbError> {
    let (mut written, mut accepted) = (Vec::new(), Vec::new());
    for (staged, outcome) in request.items.iter().zip(outcomes) {
        let item = DueItem {
            position: staged.position,
            document: DocumentId(Uuid::nil()),
            previous: None,
        };
        match outcome {
            EntryOutcome::Accepted(document, number) => accepted.push(VersionRow {
                position: staged.position,
                document_id: document.0,
                version: *number,
            }),
            EntryOutcome::Skipped(code) => written.push(ItemOutcome::skipped(&item, *code)),
            EntryOutcome::Failed(code) => written.push(ItemOutcome::failed(&item, *code)),
            EntryOutcome::NewDocument(..) | EntryOutcome::NewVersions(_) => {
                written.push(ItemOutcome::failed(&item, ItemCode::Internal));
            }
        }
    }
    let operation = request.operation;
    if !written.is_empty() {
        let tally = write_outcomes(transaction, operation, &written).await?;
        operations::count_items(transaction, operation, tally).await?;
    }
    operation_items::write_versions(transaction, operation, &accepted).await?;
    if let Some(last) = request.items.last() {
        operations::set_next_position(transaction, operation, last.position + 1).await?;
    }
    let unused = request.items.iter().zip(outcomes);
    let unused = unused.filter(|(_, outcome)| !matches!(outcome, EntryOutcome::Accepted(..)));
    Ok(unused.flat_map(|(item, _)| item.staged()).collect())
}

impl EntryOutcome {
    /// The existing document that gets its versions.
    pub(super) fn target(&self) -> Option<DocumentId> {
        match self {
            Self::NewVersions(id) => Some(*id),
            _ => None,
        }
    }
}

/// The code of an item that the intake refused.
pub(super) fn code_of(refusal: IntakeRefusal) -> ItemCode {
    match refusal {
        IntakeRefusal::QuotaExceeded => ItemCode::QuotaExceeded,
        IntakeRefusal::UniqueNameTaken => ItemCode::UniqueNameTaken,
        IntakeRefusal::OwnerGone | IntakeRefusal::BytesDiscarded => ItemCode::Internal,
    }
}
