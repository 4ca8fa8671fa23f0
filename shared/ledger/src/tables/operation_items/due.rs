//! Reads the items that a job works on next.

use sea_orm::{
    ColumnTrait, DerivePartialModel, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

use super::entity::{Column, Entity};
use crate::batch::query;
use crate::{Connection, DatabaseTransaction, DbError};
use domain::OperationId;

/// An item of a bulk operation.
#[derive(Clone, Debug, FromQueryResult)]
pub struct DueRow {
    /// Its position.
    pub position: i64,
    /// Its document.
    pub document_id: Option<Uuid>,
    /// The previous state that an undo restores, as JSON.
    pub before: Option<String>,
    /// The revision that the document must have for that.
    pub revision: Option<i64>,
}

/// The items from `position` on, at most `limit`, with the previous states of those that they undo.
pub async fn due_items(
    transaction: &DatabaseTransaction,
    operation: OperationId,
    position: i64,
    limit: u32,
) -> Result<Vec<DueRow>, DbError> {
    let sql = format!(
        "SELECT i.position, i.document_id, CAST(COALESCE(undone.before, i.before) AS text) AS before, i.revision \
         FROM operation_items i \
         JOIN operations o ON o.id = i.operation_id LEFT JOIN operation_items undone \
         ON undone.operation_id = o.undoes AND undone.position = i.undoes_position \
         WHERE i.operation_id = $1 AND i.position >= $2 ORDER BY i.position LIMIT {limit}"
    );
    let found = query(transaction, sql, [operation.0.into(), position.into()]).await?;
    read(&found)
}

/// An item of an export.
#[derive(Clone, Debug, DerivePartialModel)]
#[sea_orm(entity = "Entity")]
pub struct PlaceRow {
    /// Its position.
    pub position: i64,
    /// Its document.
    pub document_id: Option<Uuid>,
}

/// The documents of the items from `position` on, at most `limit`.
pub async fn places(
    connection: &Connection,
    operation: OperationId,
    position: i64,
    limit: u32,
) -> Result<Vec<PlaceRow>, DbError> {
    let select = Entity::find()
        .filter(Column::OperationId.eq(operation.0))
        .filter(Column::Position.gte(position))
        .order_by_asc(Column::Position)
        .limit(u64::from(limit));
    let found = select.into_partial_model::<PlaceRow>().all(connection);
    Ok(found.await?)
}

/// An item of an import.
#[derive(Clone, Debug, FromQueryResult)]
pub struct ImportRow {
    /// Its position.
    pub position: i64,
    /// Its name.
    pub name: String,
    /// The entry of the archive, as JSON.
    pub entry: Option<String>,
}

/// True of items of an import that wait to be staged.
const WAITING: &str =
    "operation_id = $1 AND position >= $2 AND result = 'pending' AND document_id IS NULL";

/// How many versions each of the waiting items of an import has, from `position` on.
pub async fn count_contents(
    transaction: &DatabaseTransaction,
    operation: OperationId,
    position: i64,
    limit: u32,
) -> Result<Vec<i64>, DbError> {
    #[derive(FromQueryResult)]
    struct Row {
        contents: Option<i64>,
    }

    let contents = transaction.dialect().array_length("entry", "contents");
    let sql = format!(
        "SELECT CAST({contents} AS bigint) AS contents FROM operation_items WHERE {WAITING} \
         ORDER BY position LIMIT {limit}"
    );
    let found = query(transaction, sql, [operation.0.into(), position.into()]).await?;
    let rows: Vec<Row> = read(&found)?;
    let counts = rows.into_iter().map(|row| row.contents.unwrap_or_default());
    Ok(counts.collect())
}

/// The waiting items of an import from `position` on, at most `limit`.
pub async fn due_imported(
    transaction: &DatabaseTransaction,
    operation: OperationId,
    position: i64,
    limit: u32,
) -> Result<Vec<ImportRow>, DbError> {
    let sql = format!(
        "SELECT position, name, CAST(entry AS text) AS entry FROM operation_items WHERE {WAITING} \
         ORDER BY position LIMIT {limit}"
    );
    let found = query(transaction, sql, [operation.0.into(), position.into()]).await?;
    read(&found)
}

fn read<T: FromQueryResult>(rows: &[sea_orm::QueryResult]) -> Result<Vec<T>, DbError> {
    let rows = rows.iter().map(|row| T::from_query_result(row, ""));
    Ok(rows.collect::<Result<_, _>>()?)
}
