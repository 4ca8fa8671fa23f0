//! Reads the next items of an operation, and records their outcomes.

use std::ops::Range;

use super::previous_state::PreviousState;
use crate::DatabaseTransaction;
use crate::DbError;
use crate::tables::operation_items::{self, DueRow, OutcomeRow};
use domain::{DocumentId, ItemCode, ItemReason, ItemResult, OperationId, Tally, read_json};

/// An item of the current chunk.
#[derive(Clone, Debug)]
pub struct DueItem {
    /// Its position in the operation.
    pub position: i64,
    /// Its document.
    pub document: DocumentId,
    /// For an undo, the state to restore and the revision that the document must have; `None` if
    /// they can't be read.
    pub previous: Option<(PreviousState, u64)>,
}

/// Returns the next items of an operation: at most `limit` from `position` on.
pub async fn due_items(
    transaction: &DatabaseTransaction,
    operation: OperationId,
    position: i64,
    limit: u32,
) -> Result<Vec<DueItem>, DbError> {
    let corrupt = |column| DbError::corrupt("operation_items", column, operation);
    let found = operation_items::due_items(transaction, operation, position, limit).await?;
    let item = |row: DueRow| {
        let document = row.document_id.ok_or_else(|| corrupt("document_id"))?;
        let previous = row
            .before
            .and_then(|before| read_json(before.as_bytes()).ok());
        Ok(DueItem {
            position: row.position,
            document: DocumentId(document),
            previous: previous.zip(row.revision.map(i64::unsigned_abs)),
        })
    };
    found.into_iter().map(item).collect()
}

/// The outcome of an item.
#[derive(Clone, Debug)]
pub struct ItemOutcome {
    position: i64,
    result: ItemResult,
    reason: Option<ItemReason>,
    /// The document's previous state, and the revision it got.
    previous: Option<(PreviousState, u64)>,
}

impl ItemOutcome {
    /// The action succeeded, or would.
    pub const fn succeeded(item: &DueItem) -> Self {
        Self {
            position: item.position,
            result: ItemResult::Succeeded,
            reason: None,
            previous: None,
        }
    }

    /// The document was changed from `previous`, and got `revision`.
    pub fn changed(item: &DueItem, previous: PreviousState, revision: u64) -> Self {
        Self {
            previous: Some((previous, revision)),
            ..Self::succeeded(item)
        }
    }

    /// The action isn't possible.
    pub fn failed(item: &DueItem, reason: impl Into<ItemReason>) -> Self {
        Self {
            result: ItemResult::Failed,
            reason: Some(reason.into()),
            ..Self::succeeded(item)
        }
    }

    /// There was nothing to do.
    pub fn skipped(item: &DueItem, code: ItemCode) -> Self {
        Self {
            result: ItemResult::Skipped,
            reason: Some(code.into()),
            ..Self::succeeded(item)
        }
    }
}

/// Returns how many bytes of previous states items keep.
pub fn previous_state_bytes(outcomes: &[ItemOutcome]) -> i64 {
    let previous = outcomes.iter().filter_map(|one| one.previous.as_ref());
    previous.map(|(previous, _)| previous.size()).sum()
}

/// Records outcomes and counts them.
pub async fn write_outcomes<'a>(
    transaction: &DatabaseTransaction,
    operation: OperationId,
    outcomes: &'a [ItemOutcome],
) -> Result<Tally, DbError> {
    let mut tally = Tally::default();
    for one in outcomes {
        match one.result {
            ItemResult::Succeeded => tally.succeeded += 1,
            ItemResult::Failed => tally.failed += 1,
            ItemResult::Skipped => tally.skipped += 1,
            ItemResult::Pending => {}
        }
        tally.total += 1;
    }
    let row = |one: &'a ItemOutcome| OutcomeRow {
        operation_id: operation,
        position: one.position,
        result: one.result.as_str(),
        code: one.reason.as_ref().map(|reason| reason.code.as_str()),
        detail: one.reason.as_ref().map(|reason| reason.detail.as_str()),
        before: one.previous.as_ref().map(|(previous, _)| previous),
        revision: one.previous.as_ref().map(|(_, revision)| *revision),
    };
    let rows: Vec<_> = outcomes.iter().map(row).collect();
    operation_items::write_outcomes(transaction, &rows).await?;
    Ok(tally)
}

/// Skips the pending items at the positions `range` of a cancelled operation.
pub async fn skip(
    transaction: &DatabaseTransaction,
    operation: OperationId,
    range: Range<i64>,
) -> Result<Tally, DbError> {
    let reason = ItemCode::Cancelled.into();
    let skipped = operation_items::skip_pending(transaction, operation, range, &reason).await?;
    Ok(Tally {
        total: skipped,
        skipped,
        ..Tally::default()
    })
}
