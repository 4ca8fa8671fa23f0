//! Writes the outcomes of items.

use std::ops::Range;

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, UpdateMany};
use serde::Serialize;
use uuid::Uuid;

use super::entity::{ActiveModel, Column, Entity};
use crate::batch::{Columns, Kind, execute, parameter};
use crate::{DatabaseTransaction, DbError};
use domain::{ItemReason, ItemResult, OperationId, Tally};

/// The outcome of an item. `B` is the previous state of its document.
#[derive(Debug, Serialize)]
pub struct OutcomeRow<'a, B> {
    // The id is in every row: as a parameter of its own it would lead SQLite to go through all
    // items of the operation for each row.
    /// Its operation.
    pub operation_id: OperationId,
    /// Its position.
    pub position: i64,
    /// The result.
    pub result: &'static str,
    /// Why it failed or was skipped.
    pub code: Option<&'static str>,
    /// The same as a sentence.
    pub detail: Option<&'a str>,
    /// What an undo restores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<&'a B>,
    /// The revision that the document got.
    pub revision: Option<u64>,
}

/// Writes the outcomes of many items.
pub async fn write_outcomes<B: Serialize + Sync>(
    transaction: &DatabaseTransaction,
    outcomes: &[OutcomeRow<'_, B>],
) -> Result<(), DbError> {
    const COLUMNS: &Columns = &[
        ("operation_id", Kind::Uuid),
        ("position", Kind::Integer),
        ("result", Kind::Text),
        ("code", Kind::Text),
        ("detail", Kind::Text),
        ("before", Kind::Json),
        ("revision", Kind::Integer),
    ];
    let sql = format!(
        "UPDATE operation_items SET result = x.result, code = x.code, detail = x.detail, \
         before = x.before, revision = x.revision FROM {} \
         WHERE operation_items.operation_id = x.operation_id AND operation_items.position = x.position",
        transaction.dialect().rows(COLUMNS)
    );
    execute(transaction, sql, [parameter(outcomes)?]).await?;
    Ok(())
}

/// What an item of an import became.
#[derive(Debug, Serialize)]
pub struct VersionRow {
    /// Its position.
    pub position: i64,
    /// The document.
    pub document_id: Uuid,
    /// The number of its last version.
    pub version: u32,
}

/// Writes which documents and versions items of an import became. They stay pending until those
/// are settled.
pub async fn write_versions(
    transaction: &DatabaseTransaction,
    operation: OperationId,
    versions: &[VersionRow],
) -> Result<(), DbError> {
    const COLUMNS: &Columns = &[
        ("position", Kind::Integer),
        ("document_id", Kind::Uuid),
        ("version", Kind::Integer),
    ];
    if versions.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "UPDATE operation_items SET document_id = x.document_id, version = x.version, \
         name = COALESCE((SELECT documents.name FROM documents WHERE documents.id = x.document_id), \
         operation_items.name) FROM {} \
         WHERE operation_items.operation_id = $2 AND operation_items.position = x.position",
        transaction.dialect().rows(COLUMNS)
    );
    execute(transaction, sql, [parameter(versions)?, operation.0.into()]).await?;
    Ok(())
}

/// Skips the pending items at the positions `range`, and returns how many there were.
pub async fn skip_pending(
    transaction: &DatabaseTransaction,
    operation: OperationId,
    range: Range<i64>,
    reason: &ItemReason,
) -> Result<u32, DbError> {
    let update = ended(operation, ItemResult::Skipped, reason)
        .filter(Column::Position.gte(range.start))
        .filter(Column::Position.lt(range.end));
    Ok(count(update.exec(transaction).await?.rows_affected))
}

/// Ends the pending items of an operation that can't go on, and counts them: those whose document
/// an import has created have failed with `failed`, the others are skipped with `skipped`.
pub async fn interrupt_pending(
    transaction: &DatabaseTransaction,
    operation: OperationId,
    failed: &ItemReason,
    skipped: &ItemReason,
) -> Result<Tally, DbError> {
    let fail = ended(operation, ItemResult::Failed, failed).filter(Column::Version.is_not_null());
    let failed = count(fail.exec(transaction).await?.rows_affected);
    let skip = ended(operation, ItemResult::Skipped, skipped).filter(Column::Version.is_null());
    let skipped = count(skip.exec(transaction).await?.rows_affected);
    Ok(Tally {
        total: failed + skipped,
        failed,
        skipped,
        ..Tally::default()
    })
}

/// Gives pending items a result.
fn ended(operation: OperationId, result: ItemResult, reason: &ItemReason) -> UpdateMany<Entity> {
    let row = ActiveModel {
        result: Set(result.as_str().to_owned()),
        code: Set(Some(reason.code.as_str().to_owned())),
        detail: Set(Some(reason.detail.clone())),
        ..ActiveModel::default()
    };
    Entity::update_many()
        .set(row)
        .filter(Column::OperationId.eq(operation.0))
        .filter(Column::Result.eq(ItemResult::Pending.as_str()))
}

/// A number of rows as the number of items that it is.
pub fn count(rows: u64) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}
