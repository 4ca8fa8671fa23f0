//! Inserts operations.

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::Value;
use url::Url;

use super::entity::{ActiveModel, Column, Entity};
use crate::{DatabaseTransaction, DbError};
use domain::{Action, ByteSize, OperationId, OperationStatus, RunMode, Timestamp, UserId};

/// A new operation, which is pending.
#[derive(Clone, Debug)]
pub struct Insert<'a> {
    /// Its id.
    pub id: OperationId,
    /// Its owner.
    pub owner: UserId,
    /// Its action.
    pub action: Action,
    /// Whether it changes anything.
    pub mode: RunMode,
    /// What the action needs to know.
    pub options: Value,
    /// The operation that it undoes.
    pub undoes: Option<OperationId>,
    /// How many items it is to have.
    pub total: i64,
    /// The archive of an import.
    pub source: Option<(&'a Url, ByteSize)>,
    /// When it was requested.
    pub at: Timestamp,
}

/// Inserts an operation. A [`DbError::Constraint`] means that its owner is gone.
pub async fn insert(transaction: &DatabaseTransaction, new: Insert<'_>) -> Result<(), DbError> {
    let row = ActiveModel {
        id: Set(new.id.0),
        owner_id: Set(new.owner.0),
        action: Set(new.action.as_str().to_owned()),
        status: Set(OperationStatus::Pending.as_str().to_owned()),
        dry_run: Set(new.mode == RunMode::Dry),
        options: Set(new.options),
        undoes: Set(new.undoes.map(|undone| undone.0)),
        cancel_requested: Set(false),
        total: Set(new.total),
        succeeded: Set(0),
        failed: Set(0),
        skipped: Set(0),
        next_position: Set(0),
        created_at: Set(new.at.as_micros()),
        source_url: Set(new.source.map(|(url, _)| url.as_str().to_owned())),
        source_size: Set(new.source.map_or(0, |(_, size)| size.as_i64())),
        ..ActiveModel::default()
    };
    Entity::insert(row)
        .exec_without_returning(transaction)
        .await?;
    Ok(())
}

/// Sets how many items an operation has.
pub async fn set_total(
    transaction: &DatabaseTransaction,
    id: OperationId,
    total: i64,
) -> Result<(), DbError> {
    let row = ActiveModel {
        total: Set(total),
        ..ActiveModel::default()
    };
    let update = Entity::update_many().set(row).filter(Column::Id.eq(id.0));
    update.exec(transaction).await?;
    Ok(())
}
