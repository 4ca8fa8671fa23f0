//! API keys: only their SHA-256 is stored.

use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::audit_log::write_audit_log;
use super::batch::query_as;
use super::tables::api_keys::{self, NewKey};
use super::tables::users;
use super::{Commit, Database, DatabaseTransaction, DbError};
use domain::{
    Account, AuditEntry, AuditEvent, AuditKind, AuditOrigin, Caller, KeyId, Role, Sha256,
    Timestamp, UserId,
};

/// The default name of the bootstrap key's user.
const BOOTSTRAP_USER: &str = "admin";
/// The maximum number of names that are tried, if ordinary users have the first ones.
const MOST_NAMES: u32 = 100;

/// An API key as its user's admin sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// Its user.
    pub user: UserId,
    /// When it was created.
    pub created_at: Timestamp,
}

/// Returns the user of the key with this hash.
pub async fn find_key_holder(db: &Database, hash: Sha256) -> Result<Option<Account>, DbError> {
    let sql = "SELECT users.id, users.role, users.disabled FROM api_keys \
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
}

impl HolderRow {
    fn into_account(self) -> Result<Account, DbError> {
        let corrupt = |_| DbError::corrupt("users", "role", self.id);
        Ok(Account {
            caller: Caller {
                user: UserId(self.id),
                role: self.role.parse().map_err(corrupt)?,
            },
            disabled: self.disabled,
        })
    }
}

/// Adds a key; `false` if there is no such user.
pub async fn add_key(on: &impl Commit<ApiKey>, key: ApiKey, hash: Sha256) -> Result<bool, DbError> {
    let transaction = on.database().begin().await?;
    let new = NewKey {
        id: key.id,
        user: key.user,
        hash,
        origin: api_keys::ISSUED,
        created_at: key.created_at,
    };
    match api_keys::insert(&transaction, new).await {
        Ok(()) => {
            on.commit(transaction, &key).await?;
            Ok(true)
        }
        Err(DbError::Constraint(_)) => Ok(false),
        Err(error) => Err(error),
    }
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
    let key = |row: api_keys::Model| ApiKey {
        id: KeyId(row.id),
        user: UserId(row.user_id),
        created_at: Timestamp::from_micros(row.created_at),
    };
    Ok(rows.into_iter().map(key).collect())
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
