//! Items on their way through a chunk: which are next, and what became of them.

use std::ops::Range;

use super::former::Former;
use crate::DatabaseTransaction;
use crate::DbError;
use crate::tables::operation_items::{self, DueRow, OutcomeRow};
use domain::{DocumentId, ItemCode, ItemReason, ItemResult, OperationId, Tally, read_json};

/// An item whose turn it is.
#[derive(Clone, Debug)]
pub struct DueItem {
    /// Its place in the operation.
    pub position: i64,
    /// The document it is about.
    pub document: DocumentId,
    /// What the document is to become again, and the revision that it must have for that, if
    /// the operation takes another one back, and that can be read.
    pub former: Option<(Former, u64)>,
}

/// The next items of an operation, in their order: at most `limit` from `position` on.
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
        let former = row
            .before
            .and_then(|before| read_json(before.as_bytes()).ok());
        Ok(DueItem {
            position: row.position,
            document: DocumentId(document),
            former: former.zip(row.revision.map(i64::unsigned_abs)),
        })
    };
    found.into_iter().map(item).collect()
}

/// What became of an item.
#[derive(Clone, Debug)]
pub struct Dealt {
    position: i64,
    result: ItemResult,
    reason: Option<ItemReason>,
    /// What the document was, and the revision it got.
    former: Option<(Former, u64)>,
}

impl Dealt {
    /// It was done, or would be.
    pub const fn succeeded(item: &DueItem) -> Self {
        Self {
            position: item.position,
            result: ItemResult::Succeeded,
            reason: None,
            former: None,
        }
    }

    /// It was done; it was `former` and got `revision`.
    pub fn changed(item: &DueItem, former: Former, revision: u64) -> Self {
        Self {
            former: Some((former, revision)),
            ..Self::succeeded(item)
        }
    }

    /// It can't be done.
    pub fn failed(item: &DueItem, reason: impl Into<ItemReason>) -> Self {
        Self {
            result: ItemResult::Failed,
            reason: Some(reason.into()),
            ..Self::succeeded(item)
        }
    }

    /// Nothing was to be done.
    pub fn skipped(item: &DueItem, code: ItemCode) -> Self {
        Self {
            result: ItemResult::Skipped,
            reason: Some(code.into()),
            ..Self::succeeded(item)
        }
    }
}

/// How many bytes items keep of what documents were.
pub fn size_before(dealt: &[Dealt]) -> i64 {
    let former = dealt.iter().filter_map(|one| one.former.as_ref());
    former.map(|(former, _)| former.size()).sum()
}

/// Writes what became of items, and counts them.
pub async fn record<'a>(
    transaction: &DatabaseTransaction,
    operation: OperationId,
    dealt: &'a [Dealt],
) -> Result<Tally, DbError> {
    let mut tally = Tally::default();
    for one in dealt {
        match one.result {
            ItemResult::Succeeded => tally.succeeded += 1,
            ItemResult::Failed => tally.failed += 1,
            ItemResult::Skipped => tally.skipped += 1,
            ItemResult::Pending => {}
        }
        tally.total += 1;
    }
    let row = |one: &'a Dealt| OutcomeRow {
        operation_id: operation,
        position: one.position,
        result: one.result.as_str(),
        code: one.reason.as_ref().map(|reason| reason.code.as_str()),
        detail: one.reason.as_ref().map(|reason| reason.detail.as_str()),
        before: one.former.as_ref().map(|(former, _)| former),
        revision: one.former.as_ref().map(|(_, revision)| *revision),
    };
    let rows: Vec<_> = dealt.iter().map(row).collect();
    operation_items::write_outcomes(transaction, &rows).await?;
    Ok(tally)
}

/// Skips the items at the positions `range`, which were not begun.
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
