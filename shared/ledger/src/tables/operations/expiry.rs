//! Finds, hides and deletes operations that are not kept any longer.

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter};
use uuid::Uuid;

use super::entity::{ActiveModel, Column, Entity};
use crate::batch::{execute, parameter, query};
use crate::{DatabaseTransaction, DbError};
use domain::{OperationId, Timestamp};

/// Operations that ended before `before` and are still seen, with whatever undoes them, at most
/// `limit`. Those with an archive are left out.
pub async fn find_due(
    transaction: &DatabaseTransaction,
    before: Timestamp,
    limit: u32,
) -> Result<Vec<Uuid>, DbError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
    }

    let sql = "SELECT o.id AS id FROM operations o WHERE o.finished_at IS NOT NULL AND o.expired_at IS NULL \
         AND o.undoes IS NULL AND o.finished_at < $1 AND o.source_url IS NULL AND o.result_url IS NULL \
         AND NOT EXISTS (SELECT 1 FROM operations u WHERE u.undoes = o.id \
         AND (u.finished_at IS NULL OR u.finished_at >= $1)) ORDER BY o.finished_at LIMIT $2";
    let values = [before.as_micros().into(), i64::from(limit).into()];
    let found = query(transaction, sql, values).await?;
    let ids = found.iter().map(|row| Row::from_query_result(row, ""));
    ids.map(|row| Ok(row?.id)).collect()
}

/// Sets when an operation expires; with `None` everybody sees it again.
pub async fn set_expiry(
    transaction: &DatabaseTransaction,
    id: OperationId,
    expires_at: Option<Timestamp>,
) -> Result<(), DbError> {
    let row = ActiveModel {
        expired_at: Set(expires_at.map(Timestamp::as_micros)),
        ..ActiveModel::default()
    };
    let update = Entity::update_many().set(row).filter(Column::Id.eq(id.0));
    update.exec(transaction).await?;
    Ok(())
}

/// Hides operations together with those that undo them, and lets their items be deleted from the
/// first one on.
pub async fn expire(
    transaction: &DatabaseTransaction,
    operations: &[Uuid],
    now: Timestamp,
) -> Result<(), DbError> {
    let wanted = transaction.dialect().ids();
    let sql = format!(
        "UPDATE operations SET expired_at = $2, next_position = 0 WHERE id IN ({wanted}) OR undoes IN ({wanted})"
    );
    let values = [parameter(operations)?, now.as_micros().into()];
    execute(transaction, sql, values).await?;
    Ok(())
}

/// Deletes an operation with the items that it still has.
pub async fn delete(transaction: &DatabaseTransaction, id: OperationId) -> Result<(), DbError> {
    Entity::delete_by_id(id.0).exec(transaction).await?;
    Ok(())
}
