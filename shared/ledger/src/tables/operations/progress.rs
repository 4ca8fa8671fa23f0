//! Writes how far operations are: their status, their counts and their position.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, Func};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, UpdateMany};

use super::entity::{ActiveModel, Column, Entity};
use crate::{DatabaseTransaction, DbError};
use domain::{OperationErrorCode, OperationId, OperationStatus, Tally, Timestamp, UserId};

/// The outcome of a chunk.
#[derive(Clone, Copy, Debug)]
pub struct Advance {
    /// The status after the chunk.
    pub status: OperationStatus,
    /// The position after the chunk.
    pub next_position: i64,
    /// What became of its items.
    pub tally: Tally,
    /// How many bytes of previous states its items keep.
    pub before_bytes: i64,
    /// When it was committed.
    pub now: Timestamp,
}

/// Counts a chunk and moves on behind it. The operation has started, and ends if `status` is final.
pub async fn advance(
    transaction: &DatabaseTransaction,
    id: OperationId,
    chunk: &Advance,
) -> Result<(), DbError> {
    let now = chunk.now.as_micros();
    let has_ended = chunk.status != OperationStatus::Running;
    let row = ActiveModel {
        status: Set(chunk.status.as_str().to_owned()),
        next_position: Set(chunk.next_position),
        finished_at: Set(has_ended.then_some(now)),
        error_code: Set(None),
        error_detail: Set(None),
        ..ActiveModel::default()
    };
    let before = Expr::col(Column::BeforeBytes).add(chunk.before_bytes);
    let update = counting(started(update(id).set(row), now), chunk.tally);
    let update = update.col_expr(Column::BeforeBytes, before);
    update.exec(transaction).await?;
    Ok(())
}

/// Counts outcomes of items.
pub async fn count_items(
    transaction: &DatabaseTransaction,
    id: OperationId,
    tally: Tally,
) -> Result<(), DbError> {
    counting(update(id), tally).exec(transaction).await?;
    Ok(())
}

/// Counts items that were added, `failed` of which have failed already.
pub async fn add_items(
    transaction: &DatabaseTransaction,
    id: OperationId,
    added: i64,
    failed: i64,
) -> Result<(), DbError> {
    let update = update(id)
        .col_expr(Column::Total, Expr::col(Column::Total).add(added))
        .col_expr(Column::Failed, Expr::col(Column::Failed).add(failed));
    update.exec(transaction).await?;
    Ok(())
}

/// Sets the position of the next item.
pub async fn set_next_position(
    transaction: &DatabaseTransaction,
    id: OperationId,
    position: i64,
) -> Result<(), DbError> {
    let row = ActiveModel {
        next_position: Set(position),
        ..ActiveModel::default()
    };
    update(id).set(row).exec(transaction).await?;
    Ok(())
}

/// Starts an operation from its first item, whatever an earlier attempt counted.
pub async fn restart(
    transaction: &DatabaseTransaction,
    id: OperationId,
    now: Timestamp,
) -> Result<(), DbError> {
    let row = ActiveModel {
        succeeded: Set(0),
        failed: Set(0),
        skipped: Set(0),
        next_position: Set(0),
        ..running()
    };
    let update = started(update(id).set(row), now.as_micros());
    update.exec(transaction).await?;
    Ok(())
}

/// Resumes an operation that had failed, `reopened` items of which are pending again.
pub async fn resume(
    transaction: &DatabaseTransaction,
    id: OperationId,
    reopened: Tally,
) -> Result<(), DbError> {
    let failed = Expr::col(Column::Failed).sub(i64::from(reopened.failed));
    let skipped = Expr::col(Column::Skipped).sub(i64::from(reopened.skipped));
    let update = update(id)
        .set(running())
        .col_expr(Column::Failed, failed)
        .col_expr(Column::Skipped, skipped);
    update.exec(transaction).await?;
    Ok(())
}

/// Sets the count of succeeded items to zero: they are pending again.
pub async fn reset_succeeded(
    transaction: &DatabaseTransaction,
    id: OperationId,
) -> Result<(), DbError> {
    let row = ActiveModel {
        succeeded: Set(0),
        ..ActiveModel::default()
    };
    update(id).set(row).exec(transaction).await?;
    Ok(())
}

/// Ends an operation all of whose items have an outcome.
pub async fn finish(
    transaction: &DatabaseTransaction,
    id: OperationId,
    status: OperationStatus,
    now: Timestamp,
) -> Result<(), DbError> {
    let row = ActiveModel {
        status: Set(status.as_str().to_owned()),
        finished_at: Set(Some(now.as_micros())),
        ..ActiveModel::default()
    };
    let update = update(id)
        .set(row)
        .col_expr(Column::NextPosition, Expr::col(Column::Total));
    update.exec(transaction).await?;
    Ok(())
}

/// Ends an operation with an error.
pub async fn fail(
    transaction: &DatabaseTransaction,
    id: OperationId,
    code: OperationErrorCode,
    now: Timestamp,
) -> Result<(), DbError> {
    let row = ActiveModel {
        status: Set(OperationStatus::Error.as_str().to_owned()),
        error_code: Set(Some(code.as_str().to_owned())),
        error_detail: Set(Some(code.detail().to_owned())),
        finished_at: Set(Some(now.as_micros())),
        ..ActiveModel::default()
    };
    let update = started(update(id).set(row), now.as_micros());
    update.exec(transaction).await?;
    Ok(())
}

/// Asks the job of an operation to cancel it.
pub async fn request_cancel(
    transaction: &DatabaseTransaction,
    id: OperationId,
) -> Result<(), DbError> {
    update(id).set(cancelling()).exec(transaction).await?;
    Ok(())
}

/// Asks the jobs of all unfinished operations of an owner to cancel them.
pub async fn request_cancel_of_owner(
    transaction: &DatabaseTransaction,
    owner: UserId,
) -> Result<(), DbError> {
    let update = Entity::update_many()
        .set(cancelling())
        .filter(Column::OwnerId.eq(owner.0))
        // Written out, so that the index of unfinished ones serves it.
        .filter(Expr::cust("status IN ('pending', 'running')"));
    update.exec(transaction).await?;
    Ok(())
}

fn update(id: OperationId) -> UpdateMany<Entity> {
    Entity::update_many().filter(Column::Id.eq(id.0))
}

/// With `started_at`, unless it is set.
fn started(update: UpdateMany<Entity>, now: i64) -> UpdateMany<Entity> {
    let started_at = Func::coalesce([Expr::col(Column::StartedAt), Expr::val(now)]);
    update.col_expr(Column::StartedAt, started_at.into())
}

/// With the counts of succeeded, failed and skipped items added.
fn counting(update: UpdateMany<Entity>, tally: Tally) -> UpdateMany<Entity> {
    let counts = [
        (Column::Succeeded, tally.succeeded),
        (Column::Failed, tally.failed),
        (Column::Skipped, tally.skipped),
    ];
    counts.into_iter().fold(update, |update, (column, count)| {
        update.col_expr(column, Expr::col(column).add(i64::from(count)))
    })
}

fn running() -> ActiveModel {
    ActiveModel {
        status: Set(OperationStatus::Running.as_str().to_owned()),
        finished_at: Set(None),
        error_code: Set(None),
        error_detail: Set(None),
        ..ActiveModel::default()
    }
}

fn cancelling() -> ActiveModel {
    ActiveModel {
        cancel_requested: Set(true),
        ..ActiveModel::default()
    }
}
