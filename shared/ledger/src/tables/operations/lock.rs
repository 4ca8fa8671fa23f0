//! Locks the row of one operation: before its documents, its job and its owner are locked.

use sea_orm::sea_query::LockType;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Select};
use serde_json::Value;

use super::entity::{Column, Entity, Model};
use super::row::OperationRow;
use crate::{DatabaseTransaction, DbError};
use domain::{Operation, OperationId, Timestamp, UserId};

/// An operation whose row this transaction has locked.
#[derive(Clone, Debug)]
pub struct Locked {
    /// The operation.
    pub operation: Operation,
    /// What its action needs to know.
    pub options: Value,
    /// The position of the first item without an outcome.
    pub next_position: i64,
    /// Whether its owner has cancelled it.
    pub is_cancelled: bool,
    /// Where the archive of an import is.
    pub source_url: Option<String>,
    /// How long that archive is.
    pub source_size: i64,
    /// The archive of an export.
    pub result: Option<StoredResult>,
    /// Bytes that its running job has reserved.
    pub held_bytes: i64,
}

/// The archive of an export.
#[derive(Clone, Debug)]
pub struct StoredResult {
    /// Where it is.
    pub url: String,
    /// How many bytes it has.
    pub size: i64,
}

/// Locks an operation; `None` if there is none, or it has expired.
pub async fn lock_operation(
    transaction: &DatabaseTransaction,
    id: OperationId,
) -> Result<Option<Locked>, DbError> {
    let select = Entity::find_by_id(id.0).filter(Column::ExpiredAt.is_null());
    lock(transaction, select).await
}

/// Locks an operation of `owner`, like [`lock_operation`].
pub async fn lock_operation_of(
    transaction: &DatabaseTransaction,
    id: OperationId,
    owner: UserId,
) -> Result<Option<Locked>, DbError> {
    let select = Entity::find_by_id(id.0)
        .filter(Column::OwnerId.eq(owner.0))
        .filter(Column::ExpiredAt.is_null());
    lock(transaction, select).await
}

/// Locks a draft that is to expire at `expires_at`; `None` if its items are being deleted.
pub async fn lock_draft(
    transaction: &DatabaseTransaction,
    id: OperationId,
    expires_at: Timestamp,
) -> Result<Option<Locked>, DbError> {
    let select = Entity::find_by_id(id.0)
        .filter(Column::ExpiredAt.eq(expires_at.as_micros()))
        .filter(Column::NextPosition.eq(0_i64));
    lock(transaction, select).await
}

async fn lock(
    transaction: &DatabaseTransaction,
    select: Select<Entity>,
) -> Result<Option<Locked>, DbError> {
    let locked = select.lock(LockType::NoKeyUpdate).one(transaction).await?;
    locked.map(Locked::try_from).transpose()
}

impl TryFrom<Model> for Locked {
    type Error = DbError;

    fn try_from(row: Model) -> Result<Self, DbError> {
        let operation = OperationRow::from(&row).try_into()?;
        let size = row.result_size.unwrap_or_default();
        Ok(Self {
            operation,
            options: row.options,
            next_position: row.next_position,
            is_cancelled: row.cancel_requested,
            source_url: row.source_url,
            source_size: row.source_size,
            result: row.result_url.map(|url| StoredResult { url, size }),
            held_bytes: row.held_bytes,
        })
    }
}
