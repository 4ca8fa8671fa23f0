//! Users and their limits.

use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

use super::batch::{parameter, query};
use super::dialect::Dialect;
use super::identities::{self, LinkError};
use super::readable::ReadablePage;
use super::tables::users as user;
use super::{Commit, Database, DatabaseTransaction, DbError, Tries};
use domain::{ByteSize, Identity, Quota, Role, Timestamp, User, UserId, UserName};

/// Another user has what must be theirs alone.
#[derive(Debug, thiserror::Error)]
pub enum UserNameTaken {
    /// The name is not free.
    #[error("another user has that name")]
    Taken,
    /// One of the identities is not free.
    #[error("another user has that identity")]
    IdentityTaken,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<LinkError> for UserNameTaken {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Taken => Self::IdentityTaken,
            LinkError::Database(error) => Self::Database(error),
        }
    }
}

/// A user who can't be deleted or changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeUserError {
    /// Nobody could manage the service any more.
    #[error("the last admin can't be deleted, demoted or disabled")]
    LastAdmin,
    /// Another user has the name that was wanted.
    #[error("another user has that name")]
    NameTaken,
    /// Another user has an identity that was wanted.
    #[error("another user has that identity")]
    IdentityTaken,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sea_orm::DbErr> for ChangeUserError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Database(error.into())
    }
}

impl From<LinkError> for ChangeUserError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Taken => Self::IdentityTaken,
            LinkError::Database(error) => Self::Database(error),
        }
    }
}

/// What changes of a user; `None` stays, `Some(None)` goes back to the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChanges {
    /// A new name.
    pub name: Option<UserName>,
    /// A new role.
    pub role: Option<Role>,
    /// Whether they may do nothing from now on.
    pub disabled: Option<bool>,
    /// The identities that they are linked to from now on.
    pub identities: Option<Vec<Identity>>,
    /// A new limit of bytes.
    pub quota_bytes: Option<Option<ByteSize>>,
    /// A new limit of documents.
    pub quota_documents: Option<Option<u32>>,
}

impl UserChanges {
    /// Whether an admin may cease to be one that can manage the service.
    fn may_lose_admin(&self) -> bool {
        self.role == Some(Role::User) || self.disabled == Some(true)
    }
}

/// A user before and after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedUser {
    /// What they were.
    pub before: User,
    /// What they are.
    pub after: User,
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
            disabled: row.disabled,
            identities: Vec::new(),
            quota: quota(&row)?,
            created_at: Timestamp::from_micros(row.created_at),
        })
    }
}

/// The limits of a user, whatever else is in the row.
pub(super) fn quota(row: &user::Model) -> Result<Quota, DbError> {
    let corrupt = |_| DbError::corrupt("users", "quota_documents", row.id);
    let bytes = row.quota_bytes;
    let documents = row.quota_documents.map(u32::try_from);
    Ok(Quota {
        bytes: bytes.map(|bytes| ByteSize::new(bytes.unsigned_abs())),
        documents: documents.transpose().map_err(corrupt)?,
    })
}

/// Adds a user with their identities.
pub async fn add_user(on: &impl Commit<User>, user: &User) -> Result<(), UserNameTaken> {
    let transaction = on.database().begin().await?;
    insert_user(&transaction, user).await?;
    Ok(on.commit(transaction, user).await?)
}

async fn insert_user(transaction: &DatabaseTransaction, user: &User) -> Result<(), UserNameTaken> {
    let row = user::ActiveModel {
        id: Set(user.id.0),
        name: Set(user.name.to_string()),
        role: Set(user.role.to_string()),
        disabled: Set(user.disabled),
        quota_bytes: Set(user.quota.bytes.map(ByteSize::as_i64)),
        quota_documents: Set(user.quota.documents.map(i64::from)),
        used_bytes: Set(0),
        reserved_bytes: Set(0),
        used_documents: Set(0),
        created_at: Set(user.created_at.as_micros()),
        removed_at: Set(None),
    };
    match user::Entity::insert(row)
        .exec_without_returning(transaction)
        .await
        .map_err(DbError::from)
    {
        Ok(_) => {}
        Err(DbError::Constraint(_)) => return Err(UserNameTaken::Taken),
        Err(error) => return Err(error.into()),
    }
    let identities = user.identities.iter().collect();
    identities::link(transaction, user.id, &identities, user.created_at).await?;
    Ok(())
}

/// The user with that id.
pub async fn find_user(db: &Database, id: UserId) -> Result<Option<User>, DbError> {
    let select = user::Entity::find_by_id(id.0).filter(user::Column::RemovedAt.is_null());
    let row = select.one(db.reader()).await?;
    with_identities(db.reader(), row).await
}

/// The user whom an operator names: by id, or else by name. Nobody else is found by a name.
pub async fn find_user_named(db: &Database, named: &str) -> Result<Option<User>, DbError> {
    if let Ok(id) = named.parse()
        && let Some(user) = find_user(db, id).await?
    {
        return Ok(Some(user));
    }
    let select = user::Entity::find()
        .filter(user::Column::Name.eq(named))
        .filter(user::Column::RemovedAt.is_null());
    let row = select.one(db.reader()).await?;
    with_identities(db.reader(), row).await
}

async fn with_identities(
    connection: &impl ConnectionTrait,
    row: Option<user::Model>,
) -> Result<Option<User>, DbError> {
    let Some(row) = row else {
        return Ok(None);
    };
    let mut users = [User::try_from(row)?];
    identities::load(connection, &mut users).await?;
    let [user] = users;
    Ok(Some(user))
}

/// A page of users, newest first.
pub async fn list_users(db: &Database, page: UserPage) -> Result<Vec<User>, DbError> {
    let mut found = ReadablePage::behind(page.before.map(|before| before.0), page.limit);
    while found.wants_more() {
        let mut select = user::Entity::find()
            .filter(user::Column::RemovedAt.is_null())
            .order_by_desc(user::Column::Id)
            .limit(page.limit);
        if let Some(before) = found.behind {
            select = select.filter(user::Column::Id.lt(before));
        }
        let rows = select.all(db.reader()).await?;
        found.add(rows, |row| Ok(row.id), User::try_from)?;
    }
    let mut users = found.into_items();
    identities::load(db.reader(), &mut users).await?;
    Ok(users)
}

/// Changes a user and returns what they are now; `None` if there is no such user.
pub async fn change_user(
    on: &impl Commit<ChangedUser>,
    id: UserId,
    changes: &UserChanges,
    now: Timestamp,
) -> Result<Option<User>, ChangeUserError> {
    let mut tries = Tries::default();
    loop {
        match try_change(on, id, changes, now).await {
            Err(ChangeUserError::Database(error)) if tries.again(&error) => {}
            answer => return answer,
        }
    }
}

async fn try_change(
    on: &impl Commit<ChangedUser>,
    id: UserId,
    changes: &UserChanges,
    now: Timestamp,
) -> Result<Option<User>, ChangeUserError> {
    let transaction = on.database().begin().await?;
    // Before the user's own row, or two admins who demote each other would wait in a circle.
    let other_admin = !changes.may_lose_admin() || other_admin(&transaction, id).await?;
    let mut select = user::Entity::find_by_id(id.0).filter(user::Column::RemovedAt.is_null());
    if transaction.dialect().locks_rows() {
        select = select.lock_exclusive();
    }
    let Some(row) = select.one(&transaction).await? else {
        return Ok(None);
    };
    let Some(before) = with_identities(&transaction, Some(row.clone())).await? else {
        return Ok(None);
    };
    if before.is_enabled_admin() && !other_admin {
        return Err(ChangeUserError::LastAdmin);
    }
    let row = write_changes(&transaction, row, changes).await?;
    if let Some(identities) = &changes.identities {
        identities::replace(&transaction, &before, identities, now).await?;
    }
    let after = with_identities(&transaction, Some(row)).await?;
    let user = ChangedUser {
        after: after.unwrap_or_else(|| before.clone()),
        before,
    };
    on.commit(transaction, &user).await?;
    Ok(Some(user.after))
}

async fn write_changes(
    transaction: &DatabaseTransaction,
    row: user::Model,
    changes: &UserChanges,
) -> Result<user::Model, ChangeUserError> {
    let mut row: user::ActiveModel = row.into();
    if let Some(name) = &changes.name {
        row.name = Set(name.to_string());
    }
    if let Some(role) = changes.role {
        row.role = Set(role.to_string());
    }
    if let Some(disabled) = changes.disabled {
        row.disabled = Set(disabled);
    }
    if let Some(bytes) = changes.quota_bytes {
        row.quota_bytes = Set(bytes.map(ByteSize::as_i64));
    }
    if let Some(documents) = changes.quota_documents {
        row.quota_documents = Set(documents.map(i64::from));
    }
    // An update without a changed column is no statement at all.
    let row = if row.is_changed() {
        row.update(transaction).await
    } else {
        row.try_into()
    };
    match row.map_err(DbError::from) {
        Ok(row) => Ok(row),
        Err(DbError::Constraint(_)) => Err(ChangeUserError::NameTaken),
        Err(error) => Err(error.into()),
    }
}

/// Whether there is an enabled admin besides `id`. The rows are locked, so that two
/// admins can't remove each other at once.
pub(super) async fn other_admin(
    transaction: &impl ConnectionTrait,
    id: UserId,
) -> Result<bool, DbError> {
    let mut select = user::Entity::find()
        .filter(user::Column::Role.eq(Role::Admin.as_str()))
        .filter(user::Column::Disabled.eq(false))
        .order_by_asc(user::Column::Id);
    if Dialect::of(transaction).locks_rows() {
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
    let dialect = transaction.dialect();
    if dialect.has_one_writer() || users.len() < 2 {
        return Ok(());
    }
    let hold = format!(
        "SELECT id FROM users WHERE id IN ({}) ORDER BY id FOR NO KEY UPDATE",
        dialect.ids()
    );
    query(transaction, hold, [parameter(users)?]).await?;
    Ok(())
}
