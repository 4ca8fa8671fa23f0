//! Makes items pending again.

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, UpdateMany};

use super::entity::{ActiveModel, Column, Entity};
use super::outcome::count;
use super::result::has_result;
use crate::{DatabaseTransaction, DbError};
use domain::{ItemCode, ItemResult, OperationId, Tally};

/// Resets every item that has an outcome.
pub async fn reset_all(
    transaction: &DatabaseTransaction,
    operation: OperationId,
) -> Result<(), DbError> {
    let others = Column::Result.ne(ItemResult::Pending.as_str());
    pending(operation).filter(others).exec(transaction).await?;
    Ok(())
}

/// Resets the items that have succeeded.
pub async fn reset_succeeded(
    transaction: &DatabaseTransaction,
    operation: OperationId,
) -> Result<(), DbError> {
    let succeeded = Column::Result.eq(ItemResult::Succeeded.as_str());
    pending(operation)
        .filter(succeeded)
        .exec(transaction)
        .await?;
    Ok(())
}

/// Resets the items that were interrupted, and counts them by the result that they had.
pub async fn reset_interrupted(
    transaction: &DatabaseTransaction,
    operation: OperationId,
) -> Result<Tally, DbError> {
    let failed = reset_code(transaction, operation, ItemResult::Failed).await?;
    let skipped = reset_code(transaction, operation, ItemResult::Skipped).await?;
    Ok(Tally {
        total: failed + skipped,
        failed,
        skipped,
        ..Tally::default()
    })
}

async fn reset_code(
    transaction: &DatabaseTransaction,
    operation: OperationId,
    result: ItemResult,
) -> Result<u32, DbError> {
    let update = pending(operation)
        .filter(has_result(result))
        .filter(Column::Code.eq(ItemCode::Interrupted.as_str()));
    Ok(count(update.exec(transaction).await?.rows_affected))
}

fn pending(operation: OperationId) -> UpdateMany<Entity> {
    let row = ActiveModel {
        result: Set(ItemResult::Pending.as_str().to_owned()),
        code: Set(None),
        detail: Set(None),
        ..ActiveModel::default()
    };
    Entity::update_many()
        .set(row)
        .filter(Column::OperationId.eq(operation.0))
}
