//! Revoked keys and users: checked all at once, for long-running requests.

use sea_orm::{FromQueryResult, QueryResult};
use serde::Serialize;
use uuid::Uuid;

use super::batch::{Columns, Kind, parameter, query, query_as};
use super::readable::readable;
use super::{Database, DbError};
use domain::{AuditKind, Sha256, Timestamp, UserId};

/// What a request was authenticated by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Credential {
    /// An API key, by its hash.
    Key(Sha256),
    /// A token of a user.
    Token(UserId),
}

/// Why a credential is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// The key was removed or has expired, or its user was deleted.
    Gone,
    /// The user is disabled.
    Disabled,
}

/// The newest lines of the security log that tell of a revocation: one of each kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewestRevocations(Vec<Option<Uuid>>);

#[derive(Serialize)]
struct KeyRow {
    hash: String,
}

#[derive(Serialize)]
struct UserRow {
    id: Uuid,
}

/// Those of `credentials` that are revoked: at most one query for each kind.
pub async fn find_revoked(
    db: &Database,
    credentials: &[Credential],
    now: Timestamp,
) -> Result<Vec<(Credential, Revocation)>, DbError> {
    let (mut keys, mut users) = (Vec::new(), Vec::new());
    for credential in credentials {
        match credential {
            Credential::Key(hash) => keys.push(KeyRow {
                hash: hash.to_string(),
            }),
            Credential::Token(user) => users.push(UserRow { id: user.0 }),
        }
    }
    let mut revoked = Vec::new();
    if !keys.is_empty() {
        const COLUMNS: &Columns = &[("hash", Kind::Text)];
        let sql = format!(
            "SELECT users.disabled, x.hash FROM {} LEFT JOIN api_keys ON api_keys.hash = x.hash \
             AND (api_keys.expires_at IS NULL OR api_keys.expires_at > $2) LEFT JOIN users ON users.id = api_keys.user_id WHERE users.id IS NULL OR users.disabled",
            db.dialect().rows(COLUMNS)
        );
        let found = query(
            db.reader(),
            sql,
            [parameter(&keys)?, now.as_micros().into()],
        )
        .await?;
        revoked.extend(readable(found, |row| {
            let hash: String = row.try_get("", "hash")?;
            let key = hash.parse();
            let key = key.map_err(|_| DbError::corrupt("api_keys", "hash", &hash))?;
            Ok((Credential::Key(key), why(&row)?))
        }));
    }
    if !users.is_empty() {
        const COLUMNS: &Columns = &[("id", Kind::Uuid)];
        let sql = format!(
            "SELECT users.disabled, x.id FROM {} LEFT JOIN users ON users.id = x.id \
             WHERE users.id IS NULL OR users.disabled",
            db.dialect().rows(COLUMNS)
        );
        let found = query(db.reader(), sql, [parameter(&users)?]).await?;
        revoked.extend(readable(found, |row| {
            let user = UserId(row.try_get("", "id")?);
            Ok((Credential::Token(user), why(&row)?))
        }));
    }
    Ok(revoked)
}

/// The newest lines that tell of a revocation. They change with every one of them, unless the clock of
/// the process that wrote it is behind that of another.
pub async fn newest_revocations(db: &Database) -> Result<NewestRevocations, DbError> {
    const COLUMNS: &Columns = &[("kind", Kind::Text)];

    #[derive(Serialize)]
    struct KindRow {
        kind: &'static str,
    }

    #[derive(FromQueryResult)]
    struct Newest {
        id: Option<Uuid>,
    }

    let sql = format!(
        "SELECT (SELECT id FROM audit_log WHERE audit_log.kind = x.kind ORDER BY id DESC LIMIT 1) AS id \
         FROM {}",
        db.dialect().rows(COLUMNS)
    );
    let kinds = AuditKind::REVOKING.iter().map(|kind| KindRow {
        kind: kind.as_str(),
    });
    let kinds: Vec<_> = kinds.collect();
    let found: Vec<Newest> = query_as(db.reader(), sql, [parameter(&kinds)?]).await?;
    let mut newest: Vec<_> = found.into_iter().map(|newest| newest.id).collect();
    newest.sort_unstable();
    Ok(NewestRevocations(newest))
}

fn why(row: &QueryResult) -> Result<Revocation, DbError> {
    let disabled: Option<bool> = row.try_get("", "disabled")?;
    Ok(disabled.map_or(Revocation::Gone, |_| Revocation::Disabled))
}
