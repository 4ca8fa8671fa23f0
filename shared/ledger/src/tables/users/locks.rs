//! Locks on rows of `users`. SQLite has one writer and needs none of them.

use sea_orm::EntityTrait;
use uuid::Uuid;

use super::row::{Entity, Model};
use crate::batch::{parameter, query};
use crate::{DatabaseTransaction, DbError};

/// Locks a user's row against other changes, and returns it; `None` if there is no such user.
pub async fn lock(transaction: &DatabaseTransaction, id: Uuid) -> Result<Option<Model>, DbError> {
    let select = transaction.dialect().lock(Entity::find_by_id(id));
    Ok(select.one(transaction).await?)
}

/// Locks the rows of several users in the order of their ids, so that two transactions over the
/// same users wait for each other without a deadlock. One user needs no order.
///
/// This is a separate statement: one that locks and changes a row sees it as it was before the wait
/// for the lock, and may deadlock with others.
pub async fn lock_all(transaction: &DatabaseTransaction, users: &[Uuid]) -> Result<(), DbError> {
    let dialect = transaction.dialect();
    if dialect.has_one_writer() || users.len() < 2 {
        return Ok(());
    }
    let sql = format!(
        "SELECT id FROM users WHERE id IN ({}) ORDER BY id{}",
        dialect.ids(),
        dialect.lock_rows("users")
    );
    query(transaction, sql, [parameter(users)?]).await?;
    Ok(())
}
