//! Users and their limits.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::dialect::Dialect;
use super::identities::{self, LinkError};
use super::readable::ReadablePage;
use super::retry_on_conflict::{MayConflict, retry_on_conflict};
use super::tables::users;
use super::{Commit, Database, DatabaseTransaction, DbError};
use domain::{ByteSize, Identity, Role, Timestamp, User, UserId, UserName};

/// A conflict with another user.
#[derive(Debug, thiserror::Error)]
pub enum UserNameTaken {
    /// The name is taken.
    #[error("another user has that name")]
    Taken,
    /// One of the identities is taken.
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
    /// There would be no enabled admin left.
    #[error("the last admin can't be deleted, demoted or disabled")]
    LastAdmin,
    /// Another user has the name.
    #[error("another user has that name")]
    NameTaken,
    /// Another user has one of the identities.
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

/// Changes of a user; `None` keeps the value, `Some(None)` resets it to the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChanges {
    /// A new name.
    pub name: Option<UserName>,
    /// A new role.
    pub role: Option<Role>,
    /// Whether they are disabled.
    pub disabled: Option<bool>,
    /// The identities that they are linked to.
    pub identities: Option<Vec<Identity>>,
    /// A new byte limit.
    pub quota_bytes: Option<Option<ByteSize>>,
    /// A new document limit.
    pub quota_documents: Option<Option<u32>>,
}

impl UserChanges {
    /// Whether an admin may lose the right to manage the service.
    fn may_lose_admin(&self) -> bool {
        self.role == Some(Role::User) || self.disabled == Some(true)
    }
}

/// A user before and after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedUser {
    /// The user before.
    pub before: User,
    /// The user after.
    pub after: User,
}

/// A page of users, newest first: those created before `before`.
#[derive(Clone, Copy, Debug)]
pub struct UserPage {
    /// The last user of the previous page.
    pub before: Option<UserId>,
    /// The maximum number of users.
    pub limit: u64,
}

/// Adds a user with their identities.
pub async fn add_user(on: &impl Commit<User>, user: &User) -> Result<(), UserNameTaken> {
    let transaction = on.database().begin().await?;
    insert_user(&transaction, user).await?;
    Ok(on.commit(transaction, user).await?)
}

/// Inserts a user with their identities.
pub(super) async fn insert_user(
    transaction: &DatabaseTransaction,
    user: &User,
) -> Result<(), UserNameTaken> {
    match users::insert(transaction, user).await {
        Err(DbError::Constraint(_)) => return Err(UserNameTaken::Taken),
        inserted => inserted?,
    }
    let identities = user.identities.iter().collect();
    identities::link(transaction, user.id, &identities, user.created_at).await?;
    Ok(())
}

/// Returns the user with this id.
pub async fn find_user(db: &Database, id: UserId) -> Result<Option<User>, DbError> {
    let select = users::Entity::find_by_id(id.0).filter(users::Column::RemovedAt.is_null());
    let row = select.one(db.reader()).await?;
    with_identities(db.reader(), row).await
}

/// Returns the user an operator names, by id or by name. Nothing else looks up users by name.
pub async fn find_user_named(db: &Database, named: &str) -> Result<Option<User>, DbError> {
    if let Ok(id) = named.parse()
        && let Some(user) = find_user(db, id).await?
    {
        return Ok(Some(user));
    }
    let select = users::Entity::find()
        .filter(users::Column::Name.eq(named))
        .filter(users::Column::RemovedAt.is_null());
    let row = select.one(db.reader()).await?;
    with_identities(db.reader(), row).await
}

async fn with_identities(
    connection: &impl ConnectionTrait,
    row: Option<users::Model>,
) -> Result<Option<User>, DbError> {
    let Some(row) = row else {
        return Ok(None);
    };
    let mut users = [User::try_from(row)?];
    identities::load(connection, &mut users).await?;
    let [user] = users;
    Ok(Some(user))
}

/// Returns a page of users, newest first.
pub async fn list_users(db: &Database, page: UserPage) -> Result<Vec<User>, DbError> {
    let mut found = ReadablePage::behind(page.before.map(|before| before.0), page.limit);
    while found.wants_more() {
        let mut select = users::Entity::find()
            .filter(users::Column::RemovedAt.is_null())
            .order_by_desc(users::Column::Id)
            .limit(page.limit);
        if let Some(before) = found.behind {
            select = select.filter(users::Column::Id.lt(before));
        }
        let rows = select.all(db.reader()).await?;
        found.add(rows, |row| Ok(row.id), User::try_from)?;
    }
    let mut users = found.into_items();
    identities::load(db.reader(), &mut users).await?;
    Ok(users)
}

/// Changes a user and returns the new values; `None` if there is no such user.
pub async fn change_user(
    on: &impl Commit<ChangedUser>,
    id: UserId,
    changes: &UserChanges,
    now: Timestamp,
) -> Result<Option<User>, ChangeUserError> {
    retry_on_conflict(|| try_change(on, id, changes, now)).await
}

async fn try_change(
    on: &impl Commit<ChangedUser>,
    id: UserId,
    changes: &UserChanges,
    now: Timestamp,
) -> Result<Option<User>, ChangeUserError> {
    let transaction = on.database().begin().await?;
    // Before the user's own row: otherwise two admins who demote each other would deadlock.
    let other_admin = !changes.may_lose_admin() || other_admin(&transaction, id).await?;
    let mut select = users::Entity::find_by_id(id.0).filter(users::Column::RemovedAt.is_null());
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
    before: users::Model,
    changes: &UserChanges,
) -> Result<users::Model, ChangeUserError> {
    let mut after = before.clone();
    if let Some(name) = &changes.name {
        after.name = name.to_string();
    }
    if let Some(role) = changes.role {
        after.role = role.to_string();
    }
    if let Some(disabled) = changes.disabled {
        after.disabled = disabled;
    }
    if let Some(bytes) = changes.quota_bytes {
        after.quota_bytes = bytes.map(ByteSize::as_i64);
    }
    if let Some(documents) = changes.quota_documents {
        after.quota_documents = documents.map(i64::from);
    }
    match users::update(transaction, before, &after).await {
        Err(DbError::Constraint(_)) => Err(ChangeUserError::NameTaken),
        updated => Ok(updated.map(|()| after)?),
    }
}

/// Returns whether there is an enabled admin besides `id`. Locks the rows, so that two admins can't
/// remove each other concurrently.
pub(super) async fn other_admin(
    transaction: &impl ConnectionTrait,
    id: UserId,
) -> Result<bool, DbError> {
    let mut select = users::Entity::find()
        .filter(users::Column::Role.eq(Role::Admin.as_str()))
        .filter(users::Column::Disabled.eq(false))
        .order_by_asc(users::Column::Id);
    if Dialect::of(transaction).locks_rows() {
        select = select.lock_exclusive();
    }
    let admins = select.all(transaction).await?;
    Ok(admins.iter().any(|admin| admin.id != id.0))
}

impl MayConflict for ChangeUserError {
    fn database_error(&self) -> Option<&DbError> {
        match self {
            Self::Database(error) => Some(error),
            _ => None,
        }
    }
}
