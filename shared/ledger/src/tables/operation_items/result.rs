//! Which items have a result, and whether an operation has any.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Select};

use super::entity::{Column, Entity};
use crate::{DatabaseTransaction, DbError};
use domain::{ItemCode, ItemResult, OperationId};

/// True of items with that result. It is written out, so that the index of failed and skipped ones
/// serves it.
pub fn has_result(result: ItemResult) -> Expr {
    Expr::col(Column::Result).eq(Expr::Constant(result.as_str().into()))
}

/// Whether an item is pending.
pub async fn has_pending(
    transaction: &DatabaseTransaction,
    operation: OperationId,
) -> Result<bool, DbError> {
    let pending = Entity::find().filter(has_result(ItemResult::Pending));
    exists(transaction, pending, operation).await
}

/// Whether an item was skipped with that code.
pub async fn has_skipped(
    transaction: &DatabaseTransaction,
    operation: OperationId,
    code: ItemCode,
) -> Result<bool, DbError> {
    let skipped = Entity::find()
        .filter(has_result(ItemResult::Skipped))
        .filter(Column::Code.eq(code.as_str()));
    exists(transaction, skipped, operation).await
}

async fn exists(
    transaction: &DatabaseTransaction,
    select: Select<Entity>,
    operation: OperationId,
) -> Result<bool, DbError> {
    let found = select
        .filter(Column::OperationId.eq(operation.0))
        .select_only()
        .column(Column::Position)
        .limit(1)
        .into_tuple::<i64>()
        .one(transaction);
    Ok(found.await?.is_some())
}
