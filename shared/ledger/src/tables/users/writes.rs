//! Users are added, changed, marked and deleted.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::row::{ActiveModel, Column, Entity, Model};
use crate::batch::{execute, parameter};
use crate::dialect::Dialect;
use crate::{DatabaseTransaction, DbError};
use domain::{ByteSize, Role, Timestamp, User, UserId};

/// Inserts a user, without identities; [`DbError::Constraint`] if another one has the name.
pub async fn insert(transaction: &DatabaseTransaction, user: &User) -> Result<(), DbError> {
    let row = ActiveModel {
        id: Set(user.id.0),
        name: Set(user.name.to_string()),
        role: Set(user.role.to_string()),
        disabled: Set(user.disabled),
        quota_bytes: Set(user.quota.bytes.map(ByteSize::as_i64)),
        quota_documents: Set(user.quota.documents.map(i64::from)),
        created_at: Set(user.created_at.as_micros()),
        ..Default::default()
    };
    let insert = Entity::insert(row);
    insert.exec_without_returning(transaction).await?;
    Ok(())
}

/// Inserts an admin of that name, unless somebody has it.
pub async fn insert_admin(
    transaction: &DatabaseTransaction,
    name: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    let row = ActiveModel {
        id: Set(UserId::new(now).0),
        name: Set(name.to_owned()),
        role: Set(Role::Admin.to_string()),
        created_at: Set(now.as_micros()),
        ..Default::default()
    };
    let insert =
        Entity::insert(row).on_conflict(OnConflict::column(Column::Name).do_nothing().to_owned());
    insert.exec_without_returning(transaction).await?;
    Ok(())
}

/// Writes what an admin changes of a user, and nothing if nothing changed; [`DbError::Constraint`]
/// if another user has the name.
pub async fn update(
    transaction: &DatabaseTransaction,
    before: Model,
    after: &Model,
) -> Result<(), DbError> {
    let mut row = ActiveModel::from(before);
    row.name.set_if_not_equals(after.name.clone());
    row.role.set_if_not_equals(after.role.clone());
    row.disabled.set_if_not_equals(after.disabled);
    row.quota_bytes.set_if_not_equals(after.quota_bytes);
    row.quota_documents.set_if_not_equals(after.quota_documents);
    if row.is_changed() {
        Entity::update(row).exec(transaction).await?;
    }
    Ok(())
}

/// Marks a user as removed, which disables them too. Returns whether there was one without a mark.
pub async fn mark_removed(
    transaction: &DatabaseTransaction,
    id: Uuid,
    now: Timestamp,
) -> Result<bool, DbError> {
    let mark = Entity::update_many()
        .col_expr(Column::RemovedAt, Expr::value(now.as_micros()))
        .col_expr(Column::Disabled, Expr::value(true))
        .filter(Column::Id.eq(id))
        .filter(Column::RemovedAt.is_null());
    Ok(mark.exec(transaction).await?.rows_affected > 0)
}

/// Deletes a user, with all rows of other tables that refer to them.
pub async fn delete(transaction: &DatabaseTransaction, id: Uuid) -> Result<(), DbError> {
    Entity::delete_by_id(id).exec(transaction).await?;
    Ok(())
}

/// Charges nothing any more to those of `users` of whom nothing waits to be removed.
pub async fn clear_discarded(
    connection: &impl ConnectionTrait,
    users: &[Uuid],
) -> Result<(), DbError> {
    let sql = format!(
        "UPDATE users SET discarded_bytes = 0 WHERE id IN ({}) \
         AND NOT EXISTS (SELECT 1 FROM discards d WHERE d.owner_id = users.id)",
        Dialect::of(connection).ids()
    );
    execute(connection, sql, [parameter(users)?]).await?;
    Ok(())
}
