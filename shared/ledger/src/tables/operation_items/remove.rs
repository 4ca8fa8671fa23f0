//! Deletes items.

use std::ops::Range;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::entity::{Column, Entity};
use crate::batch::execute;
use crate::{DatabaseTransaction, DbError};
use domain::{OperationId, UserId};

/// Deletes all items of an operation.
pub async fn delete_all(
    transaction: &DatabaseTransaction,
    operation: OperationId,
) -> Result<(), DbError> {
    let delete = Entity::delete_many().filter(Column::OperationId.eq(operation.0));
    delete.exec(transaction).await?;
    Ok(())
}

/// Deletes the items at the positions `range`.
pub async fn delete_range(
    transaction: &DatabaseTransaction,
    operation: OperationId,
    range: Range<i64>,
) -> Result<(), DbError> {
    let delete = Entity::delete_many()
        .filter(Column::OperationId.eq(operation.0))
        .filter(Column::Position.gte(range.start))
        .filter(Column::Position.lt(range.end));
    delete.exec(transaction).await?;
    Ok(())
}

/// Deletes at most `limit` items of an owner's operations that have ended, and returns how many.
pub async fn delete_finished_of_owner(
    transaction: &DatabaseTransaction,
    owner: UserId,
    limit: i64,
) -> Result<u64, DbError> {
    let sql = format!(
        "DELETE FROM operation_items WHERE (operation_id, position) IN \
         (SELECT i.operation_id, i.position FROM operations o JOIN operation_items i \
         ON i.operation_id = o.id WHERE o.owner_id = $1 AND o.finished_at IS NOT NULL LIMIT {limit})"
    );
    execute(transaction, sql, [owner.0.into()]).await
}
