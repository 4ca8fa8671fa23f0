//! API keys: only their SHA-256 is stored.

use std::time::Duration;

use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::audit_log::write_audit_log;
use super::batch::query_as;
use super::tables::api_keys::{self, NewKey};
use super::tables::users;
use super::{Commit, Database, DatabaseTransaction, DbError};
use domain::{
    Account, AuditEntry, AuditEvent, AuditKind, AuditOrigin, Caller, KeyId, KeyName, Role, Scopes,
    Sha256, Timestamp, UserId,
};

pub use super::tables::api_keys::KeyUse;

/// The default name of the bootstrap key's user.
const BOOTSTRAP_USER: &str = "admin";
/// How long keys are kept once they have expired, so that their users see what became of them.
const EXPIRED_KEPT: Duration = Duration::from_hours(24 * 30);
/// The maximum number of names that are tried, if ordinary users have the first ones.
const MOST_NAMES: u32 = 100;

/// An API key as its user and admins see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// Its user.
    pub user: UserId,
    /// When it was created.
    pub created_at: Timestamp,
    /// Its label.
    pub name: Option<KeyName>,
    /// Its first characters; `None` if they weren't kept.
    pub starts_with: Option<String>,
    /// What it may be used for; `None` for all that its user may do.
    pub scopes: Option<Scopes>,
    /// When it ends; `None` if it doesn't.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

impl ApiKey {
    /// The maximum number of keys of a user, expired ones not counted.
    pub const MAX_PER_USER: u64 = 1_000;

    /// Creates a key of `user` that may be used for all that they may do.
    #[must_use]
    pub fn new(user: UserId, now: Timestamp) -> Self {
        Self {
            id: KeyId::new(now),
            user,
            created_at: now,
            name: None,
            starts_with: None,
            scopes: None,
            expires_at: None,
            last_used_at: None,
        }
    }
}

/// A key that was not added.
#[derive(Debug, thiserror::Error)]
pub enum AddKeyError {
    /// There is no such user.
    #[error("there is no such user")]
    NoUser,
    /// The user has as many keys as they may have.
    #[error("the user has too many keys")]
    TooMany,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sea_orm::DbErr> for AddKeyError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Database(error.into())
    }
}

/// Returns the user of the key with this hash, and what it may be used for. Whether it has expired
/// is for the caller to see.
pub async fn find_key_holder(db: &Database, hash: Sha256) -> Result<Option<Account>, DbError> {
    let sql = "SELECT users.id, users.role, users.disabled, api_keys.scopes, api_keys.expires_at FROM api_keys \
         JOIN users ON users.id = api_keys.user_id WHERE api_keys.hash = $1";
    let holders: Vec<HolderRow> = query_as(db.reader(), sql, [hash.to_string().into()]).await?;
    let holder = holders.into_iter().next();
    holder.map(HolderRow::into_account).transpose()
}

#[derive(FromQueryResult)]
struct HolderRow {
    id: Uuid,
    role: String,
    disabled: bool,
    scopes: Option<String>,
    expires_at: Option<i64>,
}

impl HolderRow {
    fn into_account(self) -> Result<Account, DbError> {
        let corrupt = |_| DbError::corrupt("users", "role", self.id);
        // Scopes of a later release can't be read: such a key is of no use here.
        let scopes = self.scopes.map(|scopes| scopes.parse());
        let unknown = |_| DbError::corrupt("api_keys", "scopes", self.id);
        Ok(Account {
            caller: Caller {
                user: UserId(self.id),
                role: self.role.parse().map_err(corrupt)?,
            },
            disabled: self.disabled,
            scopes: scopes.transpose().map_err(unknown)?.unwrap_or(Scopes::ALL),
            expires_at: self.expires_at.map(Timestamp::from_micros),
        })
    }
}

/// The row of a key, which its user got by signing in or otherwise.
pub(crate) fn issued(key: &ApiKey, hash: Sha256, by_sign_in: bool) -> NewKey {
    NewKey {
        id: key.id,
        user: key.user,
        hash,
        origin: api_keys::ISSUED,
        created_at: key.created_at,
        name: key.name.clone(),
        starts_with: key.starts_with.clone(),
        scopes: key.scopes,
        expires_at: key.expires_at,
        by_sign_in,
    }
}

/// Adds a key. Expired keys of its user that have been of no use for a month are deleted.
pub async fn add_key(
    on: &impl Commit<ApiKey>,
    key: ApiKey,
    hash: Sha256,
) -> Result<(), AddKeyError> {
    let transaction = on.database().begin().await?;
    // One after the other, so that together they don't pass the limit.
    if users::lock(&transaction, key.user.0).await?.is_none() {
        return Err(AddKeyError::NoUser);
    }
    api_keys::delete_expired(&transaction, key.user, key.created_at.minus(EXPIRED_KEPT)).await?;
    let known = api_keys::Entity::find().filter(api_keys::Column::UserId.eq(key.user.0));
    if known.count(&transaction).await? >= ApiKey::MAX_PER_USER {
        return Err(AddKeyError::TooMany);
    }
    api_keys::insert(&transaction, issued(&key, hash, false)).await?;
    on.commit(transaction, &key).await?;
    Ok(())
}

/// Returns the keys of a user, newest first, created before `before`.
pub async fn list_keys(
    db: &Database,
    user: UserId,
    before: Option<KeyId>,
    limit: u64,
) -> Result<Vec<ApiKey>, DbError> {
    let mut select = api_keys::Entity::find().filter(api_keys::Column::UserId.eq(user.0));
    if let Some(before) = before {
        select = select.filter(api_keys::Column::Id.lt(before.0));
    }
    let rows = select
        .order_by_desc(api_keys::Column::Id)
        .limit(limit)
        .all(db.reader())
        .await?;
    rows.into_iter().map(ApiKey::try_from).collect()
}

/// Returns the key with this hash, if it exists.
pub async fn find_key(db: &Database, hash: Sha256) -> Result<Option<ApiKey>, DbError> {
    let key = api_keys::Entity::find().filter(api_keys::Column::Hash.eq(hash.to_string()));
    key.one(db.reader())
        .await?
        .map(ApiKey::try_from)
        .transpose()
}

/// Returns a key of a user, if they have it.
pub async fn find_key_of(
    db: &Database,
    user: UserId,
    key: KeyId,
) -> Result<Option<ApiKey>, DbError> {
    let key = api_keys::Entity::find_by_id(key.0).filter(api_keys::Column::UserId.eq(user.0));
    key.one(db.reader())
        .await?
        .map(ApiKey::try_from)
        .transpose()
}

impl TryFrom<api_keys::Model> for ApiKey {
    type Error = DbError;

    fn try_from(row: api_keys::Model) -> Result<Self, DbError> {
        let corrupt = |column| DbError::corrupt("api_keys", column, row.id);
        let name = row.name.map(|name| name.parse()).transpose();
        let scopes = row.scopes.map(|scopes| scopes.parse()).transpose();
        Ok(Self {
            id: KeyId(row.id),
            user: UserId(row.user_id),
            created_at: Timestamp::from_micros(row.created_at),
            name: name.map_err(|_| corrupt("name"))?,
            starts_with: row.starts_with,
            scopes: scopes.map_err(|_| corrupt("scopes"))?,
            expires_at: row.expires_at.map(Timestamp::from_micros),
            last_used_at: row.last_used_at.map(Timestamp::from_micros),
        })
    }
}

/// Records when keys were last used.
pub async fn record_key_use(db: &Database, uses: &[KeyUse]) -> Result<(), DbError> {
    if uses.is_empty() {
        return Ok(());
    }
    api_keys::record_use(db.writer(), uses).await
}

/// Removes a key of a user; `false` if they have no such key.
pub async fn remove_key(on: &impl Commit<()>, user: UserId, key: KeyId) -> Result<bool, DbError> {
    let transaction = on.database().begin().await?;
    if !api_keys::delete(&transaction, user, key).await? {
        return Ok(false);
    }
    on.commit(transaction, &()).await?;
    Ok(true)
}

/// A bootstrap key that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapKeyError {
    /// Another user has the key already.
    #[error("it is a key that was issued to a user: choose another")]
    Issued,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sea_orm::DbErr> for BootstrapKeyError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Database(error.into())
    }
}

/// Makes the key with `hash` the bootstrap key, and revokes the previous one. It stays with its
/// user, even if renamed; if it has none, it belongs to the admin of the first start, who is
/// created if necessary.
pub async fn ensure_bootstrap_key(
    db: &Database,
    hash: Sha256,
    now: Timestamp,
) -> Result<(), BootstrapKeyError> {
    let transaction = db.begin().await?;
    let issued = api_keys::Entity::find()
        .filter(api_keys::Column::Hash.eq(hash.to_string()))
        .filter(api_keys::Column::Origin.ne(api_keys::BOOTSTRAP));
    if issued.one(&transaction).await?.is_some() {
        return Err(BootstrapKeyError::Issued);
    }
    let holder = api_keys::Entity::find()
        .filter(api_keys::Column::Origin.eq(api_keys::BOOTSTRAP))
        .order_by_asc(api_keys::Column::Id);
    let admin = match holder.one(&transaction).await? {
        Some(key) => key.user_id,
        None => first_admin(&transaction, now).await?,
    };
    let removed = api_keys::delete_other_bootstrap_keys(&transaction, hash).await?;
    let key = NewKey {
        id: KeyId::new(now),
        user: UserId(admin),
        hash,
        origin: api_keys::BOOTSTRAP,
        created_at: now,
        name: None,
        starts_with: None,
        scopes: None,
        expires_at: None,
        by_sign_in: false,
    };
    let is_new = api_keys::insert_new(&transaction, key).await?;
    let changed = (removed > 0 || is_new).then(|| bootstrap_key_changed(admin, now));
    write_audit_log(&transaction, changed.as_slice()).await?;
    transaction.commit().await?;
    changed.iter().for_each(AuditEntry::log);
    Ok(())
}

fn bootstrap_key_changed(admin: Uuid, now: Timestamp) -> AuditEntry {
    let kind = AuditKind::BootstrapKeyChanged;
    let event = AuditEvent::new(kind, admin, serde_json::json!({}));
    AuditEntry::single(AuditOrigin::OPERATOR, event, now)
}

/// Returns the admin with that name, or creates one. An ordinary user with that name doesn't count.
async fn first_admin(transaction: &DatabaseTransaction, now: Timestamp) -> Result<Uuid, DbError> {
    for turn in 1.. {
        let name = match turn {
            1 => BOOTSTRAP_USER.to_owned(),
            turn => format!("{BOOTSTRAP_USER} ({turn})"),
        };
        users::insert_admin(transaction, &name, now).await?;
        let found = users::Entity::find()
            .filter(users::Column::Name.eq(name))
            .filter(users::Column::Role.eq(Role::Admin.as_str()));
        if let Some(admin) = found.one(transaction).await? {
            return Ok(admin.id);
        }
        if turn >= MOST_NAMES {
            break;
        }
    }
    Err(DbError::corrupt("users", "name", BOOTSTRAP_USER))
}
