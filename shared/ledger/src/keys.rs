//! API keys: only their SHA-256 is kept.

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::audit_log::write_audit_log;
use super::batch::{execute, query};
use super::tables::api_keys as api_key;
use super::{Commit, Database, DatabaseTransaction, DbError};
use domain::{
    Account, AuditEntry, AuditEvent, AuditKind, AuditOrigin, Caller, KeyId, Role, Sha256,
    Timestamp, UserId,
};

/// The name of the user that the bootstrap key belongs to.
const BOOTSTRAP_USER: &str = "admin";
/// How many names are tried for them, if ordinary users have those before.
const MOST_NAMES: u32 = 100;

/// An API key as its user's admin sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// Whose it is.
    pub user: UserId,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Who holds the key with that hash.
pub async fn find_key_holder(db: &Database, hash: Sha256) -> Result<Option<Account>, DbError> {
    let sql = "SELECT users.id, users.role, users.disabled FROM api_keys \
         JOIN users ON users.id = api_keys.user_id WHERE api_keys.hash = $1";
    let rows = query(db.reader(), sql, [hash.to_string().into()]).await?;
    rows.first()
        .map(|row| {
            let (id, role): (Uuid, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            let role = role
                .parse()
                .map_err(|_| DbError::corrupt("users", "role", id))?;
            let user = UserId(id);
            Ok(Account {
                caller: Caller { user, role },
                disabled: row.try_get_by_index(2)?,
            })
        })
        .transpose()
}

/// Adds a key; `false` if there is no such user.
pub async fn add_key(on: &impl Commit<ApiKey>, key: ApiKey, hash: Sha256) -> Result<bool, DbError> {
    let transaction = on.database().begin().await?;
    let row = api_key::ActiveModel {
        id: Set(key.id.0),
        user_id: Set(key.user.0),
        hash: Set(hash.to_string()),
        origin: Set("issued".to_owned()),
        created_at: Set(key.created_at.as_micros()),
    };
    match api_key::Entity::insert(row)
        .exec_without_returning(&transaction)
        .await
        .map_err(DbError::from)
    {
        Ok(_) => {
            on.commit(transaction, &key).await?;
            Ok(true)
        }
        Err(DbError::Constraint(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The keys of a user, newest first, made before `before`.
pub async fn list_keys(
    db: &Database,
    user: UserId,
    before: Option<KeyId>,
    limit: u64,
) -> Result<Vec<ApiKey>, DbError> {
    let mut select = api_key::Entity::find().filter(api_key::Column::UserId.eq(user.0));
    if let Some(before) = before {
        select = select.filter(api_key::Column::Id.lt(before.0));
    }
    let rows = select
        .order_by_desc(api_key::Column::Id)
        .limit(limit)
        .all(db.reader())
        .await?;
    let key = |row: api_key::Model| ApiKey {
        id: KeyId(row.id),
        user: UserId(row.user_id),
        created_at: Timestamp::from_micros(row.created_at),
    };
    Ok(rows.into_iter().map(key).collect())
}

/// Removes a key of a user; `false` if they have no such key.
pub async fn remove_key(on: &impl Commit<()>, user: UserId, key: KeyId) -> Result<bool, DbError> {
    let transaction = on.database().begin().await?;
    let sql = "DELETE FROM api_keys WHERE user_id = $1 AND id = $2";
    if execute(&transaction, sql, [user.0.into(), key.0.into()]).await? == 0 {
        return Ok(false);
    }
    on.commit(transaction, &()).await?;
    Ok(true)
}

/// A bootstrap key that can't be put in force.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapKeyError {
    /// It would have two holders.
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

/// Makes the bootstrap key the one with `hash`: another one stops working. It stays with the user
/// who has it, whatever they are called by now; if nobody does, it goes to the admin of the first
/// start, who is added if need be.
pub async fn ensure_bootstrap_key(
    db: &Database,
    hash: Sha256,
    now: Timestamp,
) -> Result<(), BootstrapKeyError> {
    let transaction = db.begin().await?;
    let issued = "SELECT id FROM api_keys WHERE hash = $1 AND origin <> 'bootstrap'";
    let issued = query(&transaction, issued, [hash.to_string().into()]).await?;
    if !issued.is_empty() {
        return Err(BootstrapKeyError::Issued);
    }
    let holder = "SELECT user_id FROM api_keys WHERE origin = 'bootstrap' ORDER BY id LIMIT 1";
    let admin: Uuid = match query(&transaction, holder, []).await?.first() {
        Some(row) => row.try_get_by_index(0)?,
        None => first_admin(&transaction, now).await?,
    };
    let removed = execute(
        &transaction,
        "DELETE FROM api_keys WHERE origin = 'bootstrap' AND hash <> $1",
        [hash.to_string().into()],
    )
    .await?;
    let key = "INSERT INTO api_keys (id, user_id, hash, origin, created_at) VALUES ($1, $2, $3, 'bootstrap', $4) \
               ON CONFLICT (hash) DO NOTHING";
    let values = [
        KeyId::new(now).0.into(),
        admin.into(),
        hash.to_string().into(),
        now.as_micros().into(),
    ];
    let made = execute(&transaction, key, values).await?;
    let changed = (removed + made > 0).then(|| bootstrap_key_changed(admin, now));
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

/// The admin of that name, or a new one. An ordinary user of that name is none, whoever named
/// them so.
async fn first_admin(transaction: &DatabaseTransaction, now: Timestamp) -> Result<Uuid, DbError> {
    let add = "INSERT INTO users (id, name, role, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING";
    let named = "SELECT id FROM users WHERE name = $1 AND role = $2";
    let role = Role::Admin.as_str();
    for turn in 1.. {
        let name = match turn {
            1 => BOOTSTRAP_USER.to_owned(),
            turn => format!("{BOOTSTRAP_USER} ({turn})"),
        };
        let new = [
            UserId::new(now).0.into(),
            name.as_str().into(),
            role.into(),
            now.as_micros().into(),
        ];
        execute(transaction, add, new).await?;
        let found = query(transaction, named, [name.into(), role.into()]).await?;
        if let Some(row) = found.first() {
            return Ok(row.try_get_by_index(0)?);
        }
        if turn >= MOST_NAMES {
            break;
        }
    }
    Err(DbError::corrupt("users", "name", BOOTSTRAP_USER))
}
