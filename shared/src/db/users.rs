//! Users and their limits.

use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, DbBackend,
    EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::batch::{parameter, query};
use super::entities::user;
use super::ledger_sql::ids;
use super::{Commit, Database, DbError};
use crate::domain::{ByteSize, Caller, Limits, Quota, Role, Timestamp, User, UserId, UserName};

/// Another user has that name.
#[derive(Debug, thiserror::Error)]
pub enum UserNameTaken {
    /// The name is not free.
    #[error("another user has that name")]
    Taken,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// A user who can't be deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteUserError {
    /// Nobody could manage the service any more.
    #[error("the last admin can't be deleted or demoted")]
    LastAdmin,
    /// Another user has the name that was wanted.
    #[error("another user has that name")]
    NameTaken,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sea_orm::DbErr> for DeleteUserError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Database(error.into())
    }
}

/// What changes of a user; `None` stays, `Some(None)` goes back to the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChanges {
    /// A new name.
    pub name: Option<UserName>,
    /// A new role.
    pub role: Option<Role>,
    /// A new limit of bytes.
    pub quota_bytes: Option<Option<ByteSize>>,
    /// A new limit of documents.
    pub quota_documents: Option<Option<u32>>,
}

/// A page of users, newest first: those made before `before`.
#[derive(Clone, Copy, Debug)]
pub struct UserPage {
    /// The last user of the page before.
    pub before: Option<UserId>,
    /// The most users.
    pub limit: u64,
}

impl TryFrom<user::Model> for User {
    type Error = DbError;

    fn try_from(row: user::Model) -> Result<Self, DbError> {
        let corrupt = |column| DbError::corrupt("users", column, row.id);
        Ok(Self {
            id: UserId(row.id),
            name: row.name.parse().map_err(|_| corrupt("name"))?,
            role: row.role.parse().map_err(|_| corrupt("role"))?,
            quota: Quota {
                bytes: row
                    .quota_bytes
                    .map(|bytes| ByteSize::new(bytes.unsigned_abs())),
                documents: row
                    .quota_documents
                    .map(|count| u32::try_from(count).map_err(|_| corrupt("quota_documents")))
                    .transpose()?,
            },
            created_at: Timestamp::from_micros(row.created_at),
        })
    }
}

/// Adds a user.
pub async fn add_user(on: &impl Commit<User>, user: &User) -> Result<(), UserNameTaken> {
    let transaction = on.database().begin().await?;
    let row = user::ActiveModel {
        id: Set(user.id.0),
        name: Set(user.name.to_string()),
        role: Set(user.role.to_string()),
        quota_bytes: Set(user.quota.bytes.map(ByteSize::as_i64)),
        quota_documents: Set(user.quota.documents.map(i64::from)),
        used_bytes: Set(0),
        reserved_bytes: Set(0),
        used_documents: Set(0),
        created_at: Set(user.created_at.as_micros()),
    };
    match user::Entity::insert(row)
        .exec_without_returning(&transaction)
        .await
        .map_err(DbError::from)
    {
        Ok(_) => Ok(on.commit(transaction, user).await?),
        Err(DbError::Constraint(_)) => Err(UserNameTaken::Taken),
        Err(error) => Err(error.into()),
    }
}

/// The user with that id.
pub async fn find_user(db: &Database, id: UserId) -> Result<Option<User>, DbError> {
    user::Entity::find_by_id(id.0)
        .one(db.reader())
        .await?
        .map(User::try_from)
        .transpose()
}

/// The user a token speaks of: by id, or else by name.
pub async fn find_subject(db: &Database, subject: &str) -> Result<Option<Caller>, DbError> {
    let by_name = user::Column::Name.eq(subject);
    let mut condition = Condition::any().add(by_name);
    if let Ok(id) = subject.parse::<UserId>() {
        condition = condition.add(user::Column::Id.eq(id.0));
    }
    let rows = user::Entity::find()
        .filter(condition)
        .limit(2)
        .all(db.reader())
        .await?;
    let users = rows
        .into_iter()
        .map(User::try_from)
        .collect::<Result<Vec<_>, _>>()?;
    let by_id = users.iter().find(|user| user.id.to_string() == subject);
    Ok(by_id.or(users.first()).map(|user| Caller {
        user: user.id,
        role: user.role,
    }))
}

/// A page of users, newest first.
pub async fn list_users(db: &Database, page: UserPage) -> Result<Vec<User>, DbError> {
    let mut select = user::Entity::find()
        .order_by_desc(user::Column::Id)
        .limit(page.limit);
    if let Some(before) = page.before {
        select = select.filter(user::Column::Id.lt(before.0));
    }
    select
        .all(db.reader())
        .await?
        .into_iter()
        .map(User::try_from)
        .collect()
}

/// Changes a user and returns what they are now; `None` if there is no such user.
pub async fn change_user(
    on: &impl Commit<User>,
    id: UserId,
    changes: UserChanges,
) -> Result<Option<User>, DeleteUserError> {
    let transaction = on.database().begin().await?;
    let Some(row) = user::Entity::find_by_id(id.0).one(&transaction).await? else {
        return Ok(None);
    };
    if changes.role == Some(Role::User)
        && row.role == Role::Admin.as_str()
        && !other_admin(&transaction, id).await?
    {
        return Err(DeleteUserError::LastAdmin);
    }
    let mut row: user::ActiveModel = row.into();
    if let Some(name) = changes.name {
        row.name = Set(name.to_string());
    }
    if let Some(role) = changes.role {
        row.role = Set(role.to_string());
    }
    if let Some(bytes) = changes.quota_bytes {
        row.quota_bytes = Set(bytes.map(ByteSize::as_i64));
    }
    if let Some(documents) = changes.quota_documents {
        row.quota_documents = Set(documents.map(i64::from));
    }
    // An update without a changed column is no statement at all.
    let row = if row.is_changed() {
        row.update(&transaction).await
    } else {
        row.try_into()
    };
    let row = match row.map_err(DbError::from) {
        Ok(row) => row,
        Err(DbError::Constraint(_)) => return Err(DeleteUserError::NameTaken),
        Err(error) => return Err(error.into()),
    };
    let user = row.try_into()?;
    on.commit(transaction, &user).await?;
    Ok(Some(user))
}

/// Whether there is an admin besides `id`. The rows are locked, so that two
/// admins can't remove each other at once.
pub(super) async fn other_admin(
    transaction: &impl ConnectionTrait,
    id: UserId,
) -> Result<bool, DbError> {
    let mut select = user::Entity::find().filter(user::Column::Role.eq(Role::Admin.as_str()));
    select = select.order_by_asc(user::Column::Id);
    if transaction.get_database_backend() == sea_orm::DbBackend::Postgres {
        select = select.lock_exclusive();
    }
    let admins = select.all(transaction).await?;
    Ok(admins.iter().any(|admin| admin.id != id.0))
}

/// Locks the rows of several users in the order of their ids, so that two transactions over the
/// same users queue up instead of dying in a deadlock. One user needs no order.
///
/// It is a statement of its own: one that locks a row and then changes it looks for the row as it
/// was before the lock was waited for, and can come to wait for itself behind others. SQLite has
/// one writer and needs none of it.
pub(super) async fn hold_users(
    transaction: &DatabaseTransaction,
    users: &[Uuid],
) -> Result<(), DbError> {
    let backend = transaction.get_database_backend();
    if backend != DbBackend::Postgres || users.len() < 2 {
        return Ok(());
    }
    let hold = format!(
        "SELECT id FROM users WHERE id IN ({}) ORDER BY id FOR NO KEY UPDATE",
        ids(backend)
    );
    query(transaction, hold, [parameter(users)?]).await?;
    Ok(())
}

/// What an upload takes at least of its owner's quota.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    /// Bytes.
    pub size: ByteSize,
    /// Documents that count: none, if it is for one that counts already.
    pub documents: u32,
}

/// Whether what an upload demands clearly passes the quota of `owner`. The binding answer is given by the intake, where it is counted.
pub async fn quota_is_spent(
    db: &Database,
    owner: UserId,
    demand: Demand,
    limits: &Limits,
) -> Result<bool, DbError> {
    let Some(row) = user::Entity::find_by_id(owner.0).one(db.reader()).await? else {
        return Ok(false);
    };
    let (held, documents) = (row.used_bytes + row.reserved_bytes, row.used_documents);
    let quota = User::try_from(row)?.quota;
    let bytes = held.saturating_add(demand.size.as_i64());
    let too_many = demand.documents > 0
        && documents + i64::from(demand.documents) > i64::from(quota.document_limit(limits));
    Ok(too_many || bytes > quota.byte_limit(limits).as_i64())
}
