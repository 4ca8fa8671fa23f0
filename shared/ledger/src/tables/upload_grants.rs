//! The table `upload_grants`: bytes that a process may have on their way into staging, by user and
//! process. The primary key finds the grants of a user; rows are few, and end.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, OnConflict};

use crate::batch::{execute, parameter};
use crate::dialect::Dialect;
use crate::{DatabaseTransaction, DbError};
use domain::{Timestamp, UserId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "upload_grants")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub holder: Uuid,
    pub bytes: i64,
    pub expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Writes a grant in place of the one that its process had for the same user.
pub async fn upsert(transaction: &DatabaseTransaction, grant: Model) -> Result<(), DbError> {
    let row = ActiveModel {
        user_id: Set(grant.user_id),
        holder: Set(grant.holder),
        bytes: Set(grant.bytes),
        expires_at: Set(grant.expires_at),
    };
    let mut on_conflict = OnConflict::columns([Column::UserId, Column::Holder]);
    on_conflict.update_columns([Column::Bytes, Column::ExpiresAt]);
    let upsert = Entity::insert(row).on_conflict(on_conflict);
    upsert.exec_without_returning(transaction).await?;
    Ok(())
}

/// Bytes that processes other than `holder` are granted for a user.
pub async fn granted_to_others(
    transaction: &DatabaseTransaction,
    (user, holder): (UserId, Uuid),
    now: Timestamp,
) -> Result<i64, DbError> {
    let grants = Entity::find()
        .filter(Column::UserId.eq(user.0))
        .filter(Column::Holder.ne(holder))
        .filter(Column::ExpiresAt.gt(now.as_micros()));
    let grants = grants.all(transaction).await?;
    let add = |sum: i64, grant: &Model| sum.saturating_add(grant.bytes);
    Ok(grants.iter().fold(0, add))
}

/// Puts off the end of all grants of a process.
pub async fn renew(
    connection: &impl ConnectionTrait,
    holder: Uuid,
    until: Timestamp,
) -> Result<(), DbError> {
    let renew = Entity::update_many()
        .col_expr(Column::ExpiresAt, Expr::value(until.as_micros()))
        .filter(Column::Holder.eq(holder));
    renew.exec(connection).await?;
    Ok(())
}

/// Deletes grants that ended before a moment, in microseconds.
pub async fn delete_ended(connection: &impl ConnectionTrait, before: i64) -> Result<(), DbError> {
    let delete = Entity::delete_many().filter(Column::ExpiresAt.lt(before));
    delete.exec(connection).await?;
    Ok(())
}

/// Deletes what a process is granted for some users.
pub async fn delete(
    connection: &impl ConnectionTrait,
    holder: Uuid,
    users: &[UserId],
) -> Result<(), DbError> {
    let sql = format!(
        "DELETE FROM upload_grants WHERE user_id IN ({}) AND holder = $2",
        Dialect::of(connection).ids()
    );
    execute(connection, sql, [parameter(users)?, holder.into()]).await?;
    Ok(())
}
