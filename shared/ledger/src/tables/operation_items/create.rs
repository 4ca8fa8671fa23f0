//! Inserts items: of named or found documents, of an undo, and of an import's entries.

use std::ops::Range;

use serde::Serialize;

use crate::batch::{Columns, Kind, execute, parameter};
use crate::{DatabaseTransaction, DbError};
use domain::{DocumentId, OperationId, UserId};

/// Inserts items for `documents`, from position `from` on, and returns how many.
pub async fn insert_documents(
    transaction: &DatabaseTransaction,
    (operation, owner): (OperationId, UserId),
    documents: &[DocumentId],
    from: u64,
    which: Which,
) -> Result<u64, DbError> {
    let (position, join) = match which {
        Which::All => (
            "x.position",
            "LEFT JOIN documents ON documents.id = x.id AND documents.owner_id = $3",
        ),
        Which::Existing => (
            "row_number() OVER (ORDER BY x.position) - 1",
            "CROSS JOIN documents WHERE documents.id = x.id AND documents.owner_id = $3",
        ),
    };
    let sql = format!(
        "INSERT INTO operation_items (operation_id, position, document_id, name, result) \
         SELECT $2, $4 + {position}, x.id, documents.name, 'pending' FROM {} {join}",
        transaction.dialect().numbered_ids()
    );
    let values = [
        parameter(documents)?,
        operation.0.into(),
        owner.0.into(),
        position_of(from).into(),
    ];
    execute(transaction, sql, values).await
}

/// Which documents become items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Each of them; one that is gone, or isn't the owner's, without a name.
    All,
    /// Those of the owner that still exist.
    Existing,
}

/// Copies the succeeded items of `undone` at the positions `range` to `undo`, from position
/// `from` on, and returns how many. Previous states are not copied.
pub async fn copy_succeeded(
    transaction: &DatabaseTransaction,
    (undone, undo): (OperationId, OperationId),
    range: Range<i64>,
    from: u64,
) -> Result<u64, DbError> {
    let sql = "INSERT INTO operation_items (operation_id, position, document_id, name, result, undoes_position, revision) \
         SELECT $2, $5 + row_number() OVER (ORDER BY position) - 1, document_id, name, 'pending', position, revision \
         FROM operation_items WHERE operation_id = $1 AND position >= $3 AND position < $4 AND result = 'succeeded'";
    let values = [
        undone.0.into(),
        undo.0.into(),
        range.start.into(),
        range.end.into(),
        position_of(from).into(),
    ];
    execute(transaction, sql, values).await
}

fn position_of(written: u64) -> i64 {
    i64::try_from(written).unwrap_or(i64::MAX)
}

/// An item of an import. `E` is the entry of the archive.
#[derive(Debug, Serialize)]
pub struct ImportedRow<'a, E> {
    /// Its position.
    pub position: i64,
    /// Its name, or its path if that can't be a name.
    pub name: &'a str,
    /// Whether it is pending or has failed.
    pub result: &'static str,
    /// Why it has failed.
    pub code: Option<&'static str>,
    /// The same as a sentence.
    pub detail: Option<&'static str>,
    /// The entry, while it is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<&'a E>,
}

/// Inserts items of an import.
pub async fn insert_imported<E: Serialize + Sync>(
    transaction: &DatabaseTransaction,
    operation: OperationId,
    items: &[ImportedRow<'_, E>],
) -> Result<(), DbError> {
    const COLUMNS: &Columns = &[
        ("position", Kind::Integer),
        ("name", Kind::Text),
        ("result", Kind::Text),
        ("code", Kind::Text),
        ("detail", Kind::Text),
        ("entry", Kind::Json),
    ];
    let sql = format!(
        "INSERT INTO operation_items (operation_id, position, name, result, code, detail, entry) \
         SELECT $2, x.position, x.name, x.result, x.code, x.detail, x.entry FROM {}",
        transaction.dialect().rows(COLUMNS)
    );
    execute(transaction, sql, [parameter(items)?, operation.0.into()]).await?;
    Ok(())
}
