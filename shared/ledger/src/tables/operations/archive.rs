//! Writes what operations say of their archives, and what their jobs have reserved.

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use url::Url;

use super::entity::{ActiveModel, Column, Entity};
use crate::batch::{execute, parameter};
use crate::{DatabaseTransaction, DbError};
use domain::{ByteSize, OperationId, Sha256, Timestamp};

/// The archive of an export.
#[derive(Clone, Copy, Debug)]
pub struct NewResult<'a> {
    /// Where it is.
    pub url: &'a Url,
    /// How many bytes it has.
    pub size: ByteSize,
    /// Their digest.
    pub sha256: Sha256,
    /// Until when it is kept.
    pub expires_at: Timestamp,
}

/// Publishes the archive of an export.
pub async fn set_result(
    transaction: &DatabaseTransaction,
    id: OperationId,
    archive: NewResult<'_>,
) -> Result<(), DbError> {
    let row = ActiveModel {
        result_url: Set(Some(archive.url.as_str().to_owned())),
        result_size: Set(Some(archive.size.as_i64())),
        result_sha256: Set(Some(archive.sha256.to_string())),
        result_expires_at: Set(Some(archive.expires_at.as_micros())),
        ..ActiveModel::default()
    };
    let update = Entity::update_many().set(row).filter(Column::Id.eq(id.0));
    update.exec(transaction).await?;
    Ok(())
}

/// Forgets the archives of operations, imported or exported. The caller discards their bytes.
pub async fn clear_archives(
    transaction: &DatabaseTransaction,
    operations: &[OperationId],
) -> Result<(), DbError> {
    let sql = format!(
        "UPDATE operations SET source_url = NULL, source_size = 0, result_url = NULL, result_size = NULL, \
         result_sha256 = NULL, result_expires_at = NULL WHERE id IN ({})",
        transaction.dialect().ids()
    );
    execute(transaction, sql, [parameter(operations)?]).await?;
    Ok(())
}

/// Sets how many bytes the running job has reserved. The caller charges the owner.
pub async fn set_held_bytes(
    transaction: &DatabaseTransaction,
    id: OperationId,
    bytes: i64,
) -> Result<(), DbError> {
    let row = ActiveModel {
        held_bytes: Set(bytes),
        ..ActiveModel::default()
    };
    let update = Entity::update_many().set(row).filter(Column::Id.eq(id.0));
    update.exec(transaction).await?;
    Ok(())
}
