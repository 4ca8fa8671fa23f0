//! The table `tickets`: what somebody without a key may upload as its owner.
//!
//! - The primary key finds one.
//! - `UNIQUE (secret_sha256)` finds one by the digest of its secret.
//! - `tickets_of_owner` pages those of a user.
//! - `tickets_due` finds those whose time is over.

use sea_orm::entity::prelude::*;
use sea_orm::{IntoActiveModel, QueryOrder, QuerySelect};

use crate::batch::{execute, parameter, query_as};
use crate::{Database, DatabaseTransaction, DbError};
use domain::{Timestamp, UserId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tickets")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub owner_id: Uuid,
    pub secret_sha256: String,
    pub name: Option<String>,
    pub metadata: String,
    pub uses: i64,
    pub uses_left: i64,
    pub max_bytes: Option<i64>,
    pub allowed_types: String,
    pub cors_origin: Option<String>,
    pub reserved_bytes: i64,
    pub revoked_at: Option<i64>,
    pub created_at: i64,
    pub expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Inserts a ticket.
pub async fn insert(transaction: &DatabaseTransaction, ticket: Model) -> Result<(), DbError> {
    let insert = Entity::insert(ticket.into_active_model());
    insert.exec_without_returning(transaction).await?;
    Ok(())
}

/// Returns the ticket with this id.
pub async fn find(db: &Database, id: Uuid) -> Result<Option<Model>, DbError> {
    Ok(Entity::find_by_id(id).one(db.reader()).await?)
}

/// Returns the ticket whose secret has this digest.
pub async fn find_by_secret(db: &Database, digest: &str) -> Result<Option<Model>, DbError> {
    let select = Entity::find().filter(Column::SecretSha256.eq(digest));
    Ok(select.one(db.reader()).await?)
}

/// Returns at most `limit` tickets of a user, newest first, after the one with id `before`.
pub async fn list(
    db: &Database,
    owner: UserId,
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Model>, DbError> {
    let mut select = Entity::find().filter(Column::OwnerId.eq(owner.0));
    if let Some(before) = before {
        select = select.filter(Column::Id.lt(before));
    }
    let select = select.order_by_desc(Column::Id).limit(limit);
    Ok(select.all(db.reader()).await?)
}

/// Returns how many tickets a user has.
pub async fn count(transaction: &DatabaseTransaction, owner: UserId) -> Result<u64, DbError> {
    let select = Entity::find().filter(Column::OwnerId.eq(owner.0));
    Ok(sea_orm::PaginatorTrait::count(select, transaction).await?)
}

/// Locks a ticket, and returns it.
pub async fn lock(transaction: &DatabaseTransaction, id: Uuid) -> Result<Option<Model>, DbError> {
    let select = transaction.dialect().lock(Entity::find_by_id(id));
    Ok(select.one(transaction).await?)
}

/// Sets how many uses are left of a locked ticket, and what it reserves for them.
pub async fn set_left(
    transaction: &DatabaseTransaction,
    id: Uuid,
    uses_left: i64,
    reserved: i64,
) -> Result<(), DbError> {
    let sql = "UPDATE tickets SET uses_left = $2, reserved_bytes = $3 WHERE id = $1";
    let values = [id.into(), uses_left.into(), reserved.into()];
    execute(transaction, sql, values).await?;
    Ok(())
}

/// Revokes a locked ticket, which reserves nothing any more.
pub async fn revoke(
    transaction: &DatabaseTransaction,
    id: Uuid,
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "UPDATE tickets SET revoked_at = COALESCE(revoked_at, $2), reserved_bytes = 0 \
         WHERE id = $1";
    execute(transaction, sql, [id.into(), now.as_micros().into()]).await?;
    Ok(())
}

/// Locks at most `limit` tickets whose time is over and that still reserve something, but for those
/// that others have locked.
pub async fn due(
    transaction: &DatabaseTransaction,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Model>, DbError> {
    let sql = format!(
        "SELECT tickets.* FROM tickets WHERE expires_at <= $1 AND reserved_bytes > 0 \
         ORDER BY expires_at, id LIMIT $2{}",
        transaction.dialect().lock_free_rows("tickets")
    );
    query_as(transaction, sql, [now.as_micros().into(), limit.into()]).await
}

/// Clears what locked tickets reserve.
pub async fn clear(transaction: &DatabaseTransaction, ids: &[Uuid]) -> Result<(), DbError> {
    let sql = format!(
        "UPDATE tickets SET reserved_bytes = 0 WHERE id IN ({})",
        transaction.dialect().ids()
    );
    execute(transaction, sql, [parameter(ids)?]).await?;
    Ok(())
}

/// Deletes at most `limit` tickets whose time was over `before`, and returns how many.
pub async fn forget(
    transaction: &DatabaseTransaction,
    before: Timestamp,
    limit: i64,
) -> Result<u64, DbError> {
    let sql = format!(
        "DELETE FROM tickets WHERE id IN (SELECT id FROM tickets WHERE expires_at <= $1 \
         AND reserved_bytes = 0 ORDER BY expires_at, id LIMIT $2{})",
        transaction.dialect().lock_free_rows("tickets")
    );
    execute(transaction, sql, [before.as_micros().into(), limit.into()]).await
}
