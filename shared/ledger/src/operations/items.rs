//! Items on their way through a chunk: which are next, and what became of them.

use serde::Serialize;
use uuid::Uuid;

use super::former::Former;
use crate::DatabaseTransaction;
use crate::DbError;
use crate::batch::{Columns, Kind, execute, parameter, query};
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
    let sql = format!(
        "SELECT i.position, i.document_id, CAST(COALESCE(undone.before, i.before) AS text), i.revision FROM operation_items i \
         JOIN operations o ON o.id = i.operation_id LEFT JOIN operation_items undone \
         ON undone.operation_id = o.undoes AND undone.position = i.undoes_position \
         WHERE i.operation_id = $1 AND i.position >= $2 ORDER BY i.position LIMIT {limit}"
    );
    let found = query(transaction, sql, [operation.0.into(), position.into()]).await?;
    let corrupt = |column| DbError::corrupt("operation_items", column, operation);
    found
        .iter()
        .map(|row| {
            let document: Option<Uuid> = row.try_get_by_index(1)?;
            let before: Option<String> = row.try_get_by_index(2)?;
            let revision: Option<i64> = row.try_get_by_index(3)?;
            let former = before.and_then(|before| read_json(before.as_bytes()).ok());
            let former = former.zip(revision.map(i64::unsigned_abs));
            Ok(DueItem {
                position: row.try_get_by_index(0)?,
                document: DocumentId(document.ok_or_else(|| corrupt("document_id"))?),
                former,
            })
        })
        .collect()
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
pub async fn record(
    transaction: &DatabaseTransaction,
    operation: OperationId,
    dealt: &[Dealt],
) -> Result<Tally, DbError> {
    // The id of the operation is in every row: as a parameter of its own it would lead SQLite
    // to go through all items of the operation for each row.
    const COLUMNS: &Columns = &[
        ("operation_id", Kind::Uuid),
        ("position", Kind::Integer),
        ("result", Kind::Text),
        ("code", Kind::Text),
        ("detail", Kind::Text),
        ("before", Kind::Json),
        ("revision", Kind::Integer),
    ];

    #[derive(Serialize)]
    struct Row<'a> {
        operation_id: OperationId,
        position: i64,
        result: &'static str,
        code: Option<&'static str>,
        detail: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        before: Option<&'a Former>,
        revision: Option<u64>,
    }

    fn row(operation_id: OperationId, dealt: &Dealt) -> Row<'_> {
        Row {
            operation_id,
            position: dealt.position,
            result: dealt.result.as_str(),
            code: dealt.reason.as_ref().map(|reason| reason.code.as_str()),
            detail: dealt.reason.as_ref().map(|reason| reason.detail.as_str()),
            before: dealt.former.as_ref().map(|(former, _)| former),
            revision: dealt.former.as_ref().map(|(_, revision)| *revision),
        }
    }

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
    let list = transaction.dialect().rows(COLUMNS);
    let sql = format!(
        "UPDATE operation_items SET result = x.result, code = x.code, detail = x.detail, \
         before = x.before, revision = x.revision FROM {list} \
         WHERE operation_items.operation_id = x.operation_id AND operation_items.position = x.position"
    );
    let dealt: Vec<_> = dealt.iter().map(|one| row(operation, one)).collect();
    execute(transaction, sql, [parameter(&dealt)?]).await?;
    Ok(tally)
}

/// Skips the items from `position` up to `end`, which were not begun.
pub async fn skip(
    transaction: &DatabaseTransaction,
    operation: OperationId,
    position: i64,
    end: i64,
) -> Result<Tally, DbError> {
    let sql = "UPDATE operation_items SET result = 'skipped', code = $4, detail = $5 \
         WHERE operation_id = $1 AND position >= $2 AND position < $3 AND result = 'pending'";
    let values = [
        operation.0.into(),
        position.into(),
        end.into(),
        ItemCode::Cancelled.as_str().into(),
        ItemCode::Cancelled.detail().into(),
    ];
    let skipped = execute(transaction, sql, values).await?;
    let skipped = u32::try_from(skipped).unwrap_or(u32::MAX);
    Ok(Tally {
        total: skipped,
        skipped,
        ..Tally::default()
    })
}
