//! The table `api_keys`: digests of keys, and whose they are.
//!
//! - `UNIQUE (hash)` finds who holds a key, with each request that carries one.
//! - `api_keys_of_user` pages the keys of a user, and has them deleted with the user.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use serde::Serialize;

use crate::batch::{Columns, Kind, execute, parameter, query_column};
use crate::dialect::Dialect;
use crate::{DatabaseTransaction, DbError};
use domain::{KeyId, KeyName, Scopes, Sha256, Timestamp, UserId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: Uuid,
    pub hash: String,
    pub origin: String,
    pub created_at: i64,
    pub name: Option<String>,
    pub starts_with: Option<String>,
    /// Separated by spaces; `None` if it may be used for all that its user may do.
    pub scopes: Option<String>,
    pub expires_at: Option<i64>,
    /// To the minute.
    pub last_used_at: Option<i64>,
    /// Whether somebody got it by signing in.
    pub by_sign_in: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Keys that admins issue.
pub const ISSUED: &str = "issued";

/// The key that the service is started with.
pub const BOOTSTRAP: &str = "bootstrap";

/// A key that is inserted.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Its id.
    pub id: KeyId,
    /// Whose it is.
    pub user: UserId,
    /// The digest of the key.
    pub hash: Sha256,
    /// [`ISSUED`] or [`BOOTSTRAP`].
    pub origin: &'static str,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its label.
    pub name: Option<KeyName>,
    /// Its first characters.
    pub starts_with: Option<String>,
    /// What it may be used for, if not for everything.
    pub scopes: Option<Scopes>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Whether somebody got it by signing in.
    pub by_sign_in: bool,
}

impl From<NewKey> for ActiveModel {
    fn from(key: NewKey) -> Self {
        Self {
            id: Set(key.id.0),
            user_id: Set(key.user.0),
            hash: Set(key.hash.to_string()),
            origin: Set(key.origin.to_owned()),
            created_at: Set(key.created_at.as_micros()),
            name: Set(key.name.map(|name| name.to_string())),
            starts_with: Set(key.starts_with),
            scopes: Set(key.scopes.map(|scopes| scopes.to_string())),
            expires_at: Set(key.expires_at.map(Timestamp::as_micros)),
            last_used_at: Set(None),
            by_sign_in: Set(key.by_sign_in),
        }
    }
}

/// Inserts a key; [`DbError::Constraint`] if its user is gone, or if it is there already.
pub async fn insert(transaction: &DatabaseTransaction, key: NewKey) -> Result<(), DbError> {
    let insert = Entity::insert(ActiveModel::from(key));
    insert.exec_without_returning(transaction).await?;
    Ok(())
}

/// Inserts a key, unless it is there already. Returns whether it was inserted.
pub async fn insert_new(transaction: &DatabaseTransaction, key: NewKey) -> Result<bool, DbError> {
    let mut on_conflict = OnConflict::column(Column::Hash);
    let insert =
        Entity::insert(ActiveModel::from(key)).on_conflict(on_conflict.do_nothing().to_owned());
    Ok(insert.exec_without_returning(transaction).await? > 0)
}

/// Deletes a key of a user. Returns whether there was one.
pub async fn delete(
    transaction: &DatabaseTransaction,
    user: UserId,
    key: KeyId,
) -> Result<bool, DbError> {
    let delete = Entity::delete_many()
        .filter(Column::UserId.eq(user.0))
        .filter(Column::Id.eq(key.0));
    Ok(delete.exec(transaction).await?.rows_affected > 0)
}

/// Deletes keys of a user that ended before `before`.
pub async fn delete_expired(
    transaction: &DatabaseTransaction,
    user: UserId,
    before: Timestamp,
) -> Result<(), DbError> {
    let delete = Entity::delete_many()
        .filter(Column::UserId.eq(user.0))
        .filter(Column::ExpiresAt.lt(before.as_micros()));
    delete.exec(transaction).await?;
    Ok(())
}

/// Deletes all but the newest `kept` keys that a user got by signing in, and returns which.
pub async fn delete_older_by_sign_in(
    transaction: &DatabaseTransaction,
    user: UserId,
    kept: u32,
) -> Result<Vec<KeyId>, DbError> {
    let sql = "DELETE FROM api_keys WHERE user_id = $1 AND by_sign_in AND id NOT IN \
         (SELECT id FROM api_keys WHERE user_id = $1 AND by_sign_in ORDER BY id DESC LIMIT $2) \
         RETURNING id";
    let values = [user.0.into(), i64::from(kept).into()];
    let gone: Vec<Uuid> = query_column(transaction, sql, values).await?;
    Ok(gone.into_iter().map(KeyId).collect())
}

/// A use of a key.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct KeyUse {
    /// The digest of the key.
    pub hash: Sha256,
    /// When, to the minute.
    pub at: Timestamp,
}

/// Records when keys were last used. Keys that are gone are passed over.
pub async fn record_use(connection: &impl ConnectionTrait, uses: &[KeyUse]) -> Result<(), DbError> {
    const COLUMNS: &Columns = &[("hash", Kind::Text), ("at", Kind::Integer)];
    let sql = format!(
        "UPDATE api_keys SET last_used_at = x.at FROM {} WHERE api_keys.hash = x.hash \
         AND (api_keys.last_used_at IS NULL OR api_keys.last_used_at < x.at)",
        Dialect::of(connection).rows(COLUMNS)
    );
    execute(connection, sql, [parameter(uses)?]).await?;
    Ok(())
}

/// Deletes all keys of a user.
pub async fn delete_of_user(
    transaction: &DatabaseTransaction,
    user: UserId,
) -> Result<(), DbError> {
    let delete = Entity::delete_many().filter(Column::UserId.eq(user.0));
    delete.exec(transaction).await?;
    Ok(())
}

/// Deletes bootstrap keys other than the one with `hash`. Returns how many were deleted.
pub async fn delete_other_bootstrap_keys(
    transaction: &DatabaseTransaction,
    hash: Sha256,
) -> Result<u64, DbError> {
    let delete = Entity::delete_many()
        .filter(Column::Origin.eq(BOOTSTRAP))
        .filter(Column::Hash.ne(hash.to_string()));
    Ok(delete.exec(transaction).await?.rows_affected)
}
