//! The table `identities`: issuer and subject of tokens, and the users they are linked to.
//!
//! - The primary key finds whom a token speaks of, with each request that carries one.
//! - `identities_of_user` finds the identities of a user.
//! - `identities_of_nobody` finds the oldest of those whose users were deleted.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use serde::Serialize;

use crate::batch::{Columns, Kind, execute, parameter, query};
use crate::{DatabaseTransaction, DbError};
use domain::{Identity, Timestamp, UserId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "identities")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub issuer: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    pub user_id: Option<Uuid>,
    pub created_at: i64,
    pub deleted_at: Option<i64>,
    /// Whether the issuer decides about the role of the user.
    pub decides_role: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

const KEY: &Columns = &[("issuer", Kind::Text), ("subject", Kind::Text)];

#[derive(Serialize)]
struct LinkRow<'a> {
    #[serde(flatten)]
    identity: &'a Identity,
    user_id: Uuid,
    created_at: i64,
}

/// Links identities to a user, those of deleted users too. Returns how many were linked: one that
/// another user has stays theirs.
pub async fn link(
    transaction: &DatabaseTransaction,
    user: UserId,
    identities: impl Iterator<Item = &Identity>,
    now: Timestamp,
) -> Result<u64, DbError> {
    let columns = [
        KEY,
        &[("user_id", Kind::Uuid), ("created_at", Kind::Integer)],
    ]
    .concat();
    // The condition tells SQLite's parser that ON belongs to the insert.
    let sql = format!(
        "INSERT INTO identities (issuer, subject, user_id, created_at) \
         SELECT x.issuer, x.subject, x.user_id, x.created_at FROM {} WHERE true \
         ON CONFLICT (issuer, subject) DO UPDATE SET user_id = excluded.user_id, \
         created_at = excluded.created_at, deleted_at = NULL, decides_role = false \
         WHERE identities.user_id IS NULL OR identities.user_id = excluded.user_id",
        transaction.dialect().rows(&columns)
    );
    let row = |identity| LinkRow {
        identity,
        user_id: user.0,
        created_at: now.as_micros(),
    };
    let rows: Vec<_> = identities.map(row).collect();
    execute(transaction, sql, [parameter(&rows)?]).await
}

/// Has the issuer of an identity decide about the role of its user.
pub async fn let_decide_role(
    transaction: &DatabaseTransaction,
    identity: &Identity,
) -> Result<(), DbError> {
    let decide = Entity::update_many()
        .col_expr(Column::DecidesRole, Expr::value(true))
        .filter(Column::Issuer.eq(identity.issuer()))
        .filter(Column::Subject.eq(identity.subject()));
    decide.exec(transaction).await?;
    Ok(())
}

/// Marks the identities of a user as those of a deleted one.
pub async fn mark_deleted(
    transaction: &DatabaseTransaction,
    user: UserId,
    now: Timestamp,
) -> Result<(), DbError> {
    let mark = Entity::update_many()
        .col_expr(Column::UserId, Expr::value(None::<Uuid>))
        .col_expr(Column::DeletedAt, Expr::value(now.as_micros()))
        .filter(Column::UserId.eq(user.0));
    mark.exec(transaction).await?;
    Ok(())
}

/// Deletes identities of any user.
pub async fn delete(
    transaction: &DatabaseTransaction,
    identities: &[&Identity],
) -> Result<(), DbError> {
    let sql = format!(
        "DELETE FROM identities WHERE (issuer, subject) IN (SELECT x.issuer, x.subject FROM {})",
        transaction.dialect().rows(KEY)
    );
    execute(transaction, sql, [parameter(identities)?]).await?;
    Ok(())
}

/// Deletes an identity, and gives the user it was linked to; `None` if it isn't there.
pub async fn take(
    transaction: &DatabaseTransaction,
    identity: &Identity,
) -> Result<Option<Option<UserId>>, DbError> {
    let sql = "DELETE FROM identities WHERE issuer = $1 AND subject = $2 RETURNING user_id";
    let values = [identity.issuer().into(), identity.subject().into()];
    let taken = query(transaction, sql, values).await?;
    let Some(row) = taken.first() else {
        return Ok(None);
    };
    let user: Option<Uuid> = row.try_get_by_index(0)?;
    Ok(Some(user.map(UserId)))
}

/// Deletes at most `limit` identities of deleted users, the oldest first, of those beyond `most`.
/// Returns how many were deleted.
pub async fn delete_deleted(
    connection: &impl ConnectionTrait,
    most: u32,
    limit: u32,
) -> Result<u64, DbError> {
    let sql = "DELETE FROM identities WHERE user_id IS NULL AND (issuer, subject) IN \
         (SELECT issuer, subject FROM identities WHERE user_id IS NULL \
         ORDER BY deleted_at DESC LIMIT $2 OFFSET $1)";
    let values = [i64::from(most).into(), i64::from(limit).into()];
    execute(connection, sql, values).await
}
