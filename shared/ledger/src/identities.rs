//! Identities of tokens: the users they are linked to, and those of deleted users, whose tokens
//! are refused.

use std::collections::{BTreeSet, HashMap, HashSet};

use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::batch::{parameter, query_as};
use super::dialect::Dialect;
use super::readable::unreadable;
use super::tables::identities;
use super::{Commit, Database, DatabaseTransaction, DbError};
use domain::{Account, Caller, Identity, Sha256, Timestamp, User, UserId};

/// Who holds an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityHolder {
    /// It is linked to a user.
    User(Account),
    /// Its user was deleted.
    Deleted,
}

/// Identities that can't be linked.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// One of them is linked to another user.
    #[error("another user has that identity")]
    Taken,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Who is linked to an identity; `None` if it is unknown.
pub async fn find_identity_holder(
    db: &Database,
    identity: &Identity,
) -> Result<Option<IdentityHolder>, DbError> {
    let sql = "SELECT users.id, users.role, users.disabled FROM identities \
         LEFT JOIN users ON users.id = identities.user_id \
         WHERE identities.issuer = $1 AND identities.subject = $2";
    let values = [identity.issuer().into(), identity.subject().into()];
    let found: Vec<HolderRow> = query_as(db.reader(), sql, values).await?;
    let Some(row) = found.into_iter().next() else {
        return Ok(None);
    };
    let (Some(id), Some(role), Some(disabled)) = (row.id, row.role, row.disabled) else {
        return Ok(Some(IdentityHolder::Deleted));
    };
    let role = role
        .parse()
        .map_err(|_| DbError::corrupt("users", "role", id))?;
    let caller = Caller {
        user: UserId(id),
        role,
    };
    Ok(Some(IdentityHolder::User(Account::of_token(
        caller, disabled,
    ))))
}

/// Without a value if the user was deleted.
#[derive(FromQueryResult)]
struct HolderRow {
    id: Option<Uuid>,
    role: Option<String>,
    disabled: Option<bool>,
}

/// Removes an identity, that of a deleted user too: its next token is that of a stranger.
/// `false` if it is not known.
pub async fn forget_identity(
    on: &impl Commit<Option<UserId>>,
    identity: &Identity,
) -> Result<bool, DbError> {
    let transaction = on.database().begin().await?;
    let Some(user) = identities::take(&transaction, identity).await? else {
        return Ok(false);
    };
    on.commit(transaction, &user).await?;
    Ok(true)
}

/// Forgets identities of deleted users, the oldest first, at most `limit`, until `most` are left.
/// Returns how many were forgotten.
pub async fn forget_deleted_identities(
    db: &Database,
    most: u32,
    limit: u32,
) -> Result<u64, DbError> {
    identities::delete_deleted(db.writer(), most, limit).await
}

/// The digests of the identities of users.
pub(super) async fn digests_of(
    db: &Database,
    users: &HashSet<UserId>,
) -> Result<Vec<(UserId, Sha256)>, DbError> {
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT user_id, issuer, subject FROM identities WHERE user_id IN ({})",
        db.dialect().ids()
    );
    let wanted: Vec<_> = users.iter().map(|user| user.0).collect();
    let found: Vec<IdentityRow> = query_as(db.reader(), sql, [parameter(&wanted)?]).await?;
    let digest = |row: IdentityRow| {
        let identity = Identity::new(&row.issuer, &row.subject).ok()?;
        Some((UserId(row.user_id), identity.digest()))
    };
    Ok(found.into_iter().filter_map(digest).collect())
}

/// Fills in the identities of users.
pub(super) async fn load(
    connection: &impl ConnectionTrait,
    users: &mut [User],
) -> Result<(), DbError> {
    if users.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "SELECT user_id, issuer, subject FROM identities WHERE user_id IN ({})",
        Dialect::of(connection).ids()
    );
    let wanted: Vec<_> = users.iter().map(|user| user.id.0).collect();
    let mut of: HashMap<Uuid, Vec<Identity>> = HashMap::new();
    let found: Vec<IdentityRow> = query_as(connection, sql, [parameter(&wanted)?]).await?;
    for row in found {
        match Identity::new(&row.issuer, &row.subject) {
            Ok(identity) => of.entry(row.user_id).or_default().push(identity),
            Err(_) => unreadable(&DbError::corrupt("identities", "subject", row.user_id)),
        }
    }
    for user in users {
        user.identities = of.remove(&user.id.0).unwrap_or_default();
        user.identities.sort();
    }
    Ok(())
}

#[derive(FromQueryResult)]
struct IdentityRow {
    user_id: Uuid,
    issuer: String,
    subject: String,
}

/// Links identities to a user who is there, also those of deleted users.
pub(super) async fn link(
    transaction: &DatabaseTransaction,
    user: UserId,
    wanted: &BTreeSet<&Identity>,
    now: Timestamp,
) -> Result<(), LinkError> {
    if wanted.is_empty() {
        return Ok(());
    }
    let linked = identities::link(transaction, user, wanted.iter().copied(), now).await?;
    if linked < wanted.len() as u64 {
        return Err(LinkError::Taken);
    }
    Ok(())
}

/// Has a user be linked to these identities and no others. What they were linked to before is
/// a stranger's.
pub(super) async fn replace(
    transaction: &DatabaseTransaction,
    user: &User,
    wanted: &[Identity],
    now: Timestamp,
) -> Result<(), LinkError> {
    let (before, wanted): (BTreeSet<_>, BTreeSet<_>) =
        (user.identities.iter().collect(), wanted.iter().collect());
    let gone: Vec<_> = before.difference(&wanted).copied().collect();
    if !gone.is_empty() {
        identities::delete(transaction, &gone).await?;
    }
    let new = wanted.difference(&before).copied().collect();
    link(transaction, user.id, &new, now).await
}

/// Marks the identities of a user who is about to be deleted: their tokens are refused until an
/// admin links them to somebody, or forgets them.
pub(super) async fn mark_deleted(
    transaction: &DatabaseTransaction,
    user: UserId,
    now: Timestamp,
) -> Result<(), DbError> {
    identities::mark_deleted(transaction, user, now).await
}
