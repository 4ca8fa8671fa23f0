//! Whom tokens speak of: identities, the users they are linked to, and those of deleted users,
//! whose tokens bring nobody back.

use std::collections::{BTreeSet, HashMap};

use sea_orm::ConnectionTrait;
use serde::Serialize;
use uuid::Uuid;

use super::batch::{Columns, Kind, execute, parameter, query};
use super::dialect::Dialect;
use super::readable::unreadable;
use super::{Commit, Database, DatabaseTransaction, DbError};
use domain::{Account, Caller, Identity, Timestamp, User, UserId};

/// What is known of an identity.
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

const IDENTITIES: &Columns = &[("issuer", Kind::Text), ("subject", Kind::Text)];

/// Who is linked to an identity; `None` if nobody ever was.
pub async fn find_identity_holder(
    db: &Database,
    identity: &Identity,
) -> Result<Option<IdentityHolder>, DbError> {
    let sql = "SELECT users.id, users.role, users.disabled FROM identities \
         LEFT JOIN users ON users.id = identities.user_id \
         WHERE identities.issuer = $1 AND identities.subject = $2";
    let values = [identity.issuer().into(), identity.subject().into()];
    let found = query(db.reader(), sql, values).await?;
    let Some(row) = found.first() else {
        return Ok(None);
    };
    let (Some(id), Some(role), Some(disabled)): (Option<Uuid>, Option<String>, Option<bool>) = (
        row.try_get_by_index(0)?,
        row.try_get_by_index(1)?,
        row.try_get_by_index(2)?,
    ) else {
        return Ok(Some(IdentityHolder::Deleted));
    };
    let role = role
        .parse()
        .map_err(|_| DbError::corrupt("users", "role", id))?;
    let caller = Caller {
        user: UserId(id),
        role,
    };
    Ok(Some(IdentityHolder::User(Account { caller, disabled })))
}

/// Removes an identity, that of a deleted user too: its next token is that of a stranger.
/// `false` if it is not known.
pub async fn forget_identity(
    on: &impl Commit<Option<UserId>>,
    identity: &Identity,
) -> Result<bool, DbError> {
    let transaction = on.database().begin().await?;
    let sql = "DELETE FROM identities WHERE issuer = $1 AND subject = $2 RETURNING user_id";
    let values = [identity.issuer().into(), identity.subject().into()];
    let forgotten = query(&transaction, sql, values).await?;
    let Some(row) = forgotten.first() else {
        return Ok(false);
    };
    let user: Option<Uuid> = row.try_get_by_index(0)?;
    on.commit(transaction, &user.map(UserId)).await?;
    Ok(true)
}

/// Forgets identities of deleted users, the oldest first, at most `limit`, until `most` are left.
/// Says how many it forgot.
pub async fn forget_deleted_identities(
    db: &Database,
    most: u32,
    limit: u32,
) -> Result<u64, DbError> {
    let sql = "DELETE FROM identities WHERE user_id IS NULL AND (issuer, subject) IN \
         (SELECT issuer, subject FROM identities WHERE user_id IS NULL \
         ORDER BY deleted_at DESC LIMIT $2 OFFSET $1)";
    execute(
        db.writer(),
        sql,
        [i64::from(most).into(), i64::from(limit).into()],
    )
    .await
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
    for row in query(connection, sql, [parameter(&wanted)?]).await? {
        let user: Uuid = row.try_get_by_index(0)?;
        let (issuer, subject): (String, String) =
            (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        match Identity::new(&issuer, &subject) {
            Ok(identity) => of.entry(user).or_default().push(identity),
            Err(_) => unreadable(&DbError::corrupt("identities", "subject", user)),
        }
    }
    for user in users {
        user.identities = of.remove(&user.id.0).unwrap_or_default();
        user.identities.sort();
    }
    Ok(())
}

#[derive(Serialize)]
struct NewIdentity<'a> {
    #[serde(flatten)]
    identity: &'a Identity,
    user_id: Uuid,
    created_at: i64,
}

/// Links identities to a user who is there, also those of deleted users.
pub(super) async fn link(
    transaction: &DatabaseTransaction,
    user: UserId,
    identities: &BTreeSet<&Identity>,
    now: Timestamp,
) -> Result<(), LinkError> {
    if identities.is_empty() {
        return Ok(());
    }
    let columns = [
        IDENTITIES,
        &[("user_id", Kind::Uuid), ("created_at", Kind::Integer)],
    ]
    .concat();
    // The condition tells SQLite's parser that ON belongs to the insert.
    let sql = format!(
        "INSERT INTO identities (issuer, subject, user_id, created_at) \
         SELECT x.issuer, x.subject, x.user_id, x.created_at FROM {} WHERE true \
         ON CONFLICT (issuer, subject) DO UPDATE SET user_id = excluded.user_id, \
         created_at = excluded.created_at, deleted_at = NULL \
         WHERE identities.user_id IS NULL OR identities.user_id = excluded.user_id",
        transaction.dialect().rows(&columns)
    );
    let row = |identity| NewIdentity {
        identity,
        user_id: user.0,
        created_at: now.as_micros(),
    };
    let list: Vec<_> = identities.iter().copied().map(row).collect();
    let linked = execute(transaction, sql, [parameter(&list)?]).await?;
    if linked < list.len() as u64 {
        return Err(LinkError::Taken);
    }
    Ok(())
}

/// Has a user be linked to these identities and no others. What they were linked to before is
/// a stranger's.
pub(super) async fn replace(
    transaction: &DatabaseTransaction,
    user: &User,
    identities: &[Identity],
    now: Timestamp,
) -> Result<(), LinkError> {
    let (before, wanted): (BTreeSet<_>, BTreeSet<_>) = (
        user.identities.iter().collect(),
        identities.iter().collect(),
    );
    let gone: Vec<_> = before.difference(&wanted).copied().collect();
    if !gone.is_empty() {
        let list = transaction.dialect().rows(IDENTITIES);
        let sql = format!(
            "DELETE FROM identities WHERE (issuer, subject) IN (SELECT x.issuer, x.subject FROM {list})"
        );
        execute(transaction, sql, [parameter(&gone)?]).await?;
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
    let sql = "UPDATE identities SET user_id = NULL, deleted_at = $2 WHERE user_id = $1";
    execute(transaction, sql, [user.0.into(), now.as_micros().into()]).await?;
    Ok(())
}
