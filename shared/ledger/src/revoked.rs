//! Revoked keys, users, roles and identities: checked all at once, for long-running requests.

use std::collections::{HashMap, HashSet};

use sea_orm::{FromQueryResult, QueryResult};
use serde::Serialize;
use uuid::Uuid;

use super::batch::{Columns, Kind, parameter, query, query_as};
use super::identities::digests_of;
use super::readable::readable;
use super::{Database, DbError};
use domain::{AuditKind, Role, Sha256, Timestamp, UserId};

/// What a request was authenticated by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Credential {
    /// An API key, by its hash.
    Key(Sha256),
    /// A token of a user.
    Token {
        /// The user.
        user: UserId,
        /// The digest of the identity that the token names.
        identity: Sha256,
    },
}

/// What a request was admitted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Admission {
    /// The credential.
    pub credential: Credential,
    /// The role that the request needs.
    pub role: Role,
}

/// Why an admission is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// The key was removed or has expired, the identity was unlinked, or the user was deleted.
    Gone,
    /// The user is disabled.
    Disabled,
    /// The user has a lower role.
    Demoted,
}

/// The newest lines of the security log that tell of a revocation: one of each kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewestRevocations(Vec<Option<Uuid>>);

#[derive(Serialize)]
struct KeyRow {
    hash: String,
    role: &'static str,
}

#[derive(Serialize)]
struct TokenRow {
    id: Uuid,
    role: &'static str,
}

/// Whether the user of a row lacks what `x` needs.
const IS_REVOKED: &str =
    "(users.id IS NULL OR users.disabled OR (x.role = 'admin' AND users.role <> 'admin'))";

/// Those of `admissions` that are revoked: at most one query for keys, and two for tokens.
pub async fn find_revoked(
    db: &Database,
    admissions: &[Admission],
    now: Timestamp,
) -> Result<Vec<(Admission, Revocation)>, DbError> {
    let (mut keys, mut tokens) = (Vec::new(), Vec::new());
    for admission in admissions {
        match admission.credential {
            Credential::Key(hash) => keys.push((hash, admission.role)),
            Credential::Token { user, .. } => tokens.push((user, admission.role)),
        }
    }
    let keys = revoked_keys(db, &keys, now).await?;
    let users = revoked_users(db, &tokens).await?;
    let tokens: HashSet<_> = tokens.into_iter().map(|(user, _)| user).collect();
    let linked: HashSet<_> = digests_of(db, &tokens).await?.into_iter().collect();
    let cause = |admission: &Admission| match admission.credential {
        Credential::Key(hash) => keys.get(&(hash, admission.role)).copied(),
        Credential::Token { user, identity } => {
            let unlinked = (!linked.contains(&(user, identity))).then_some(Revocation::Gone);
            users.get(&(user, admission.role)).copied().or(unlinked)
        }
    };
    let revoked = admissions
        .iter()
        .filter_map(|admission| Some((*admission, cause(admission)?)));
    Ok(revoked.collect())
}

async fn revoked_keys(
    db: &Database,
    keys: &[(Sha256, Role)],
    now: Timestamp,
) -> Result<HashMap<(Sha256, Role), Revocation>, DbError> {
    const COLUMNS: &Columns = &[("hash", Kind::Text), ("role", Kind::Text)];
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!(
        "SELECT users.disabled, x.hash, x.role FROM {} LEFT JOIN api_keys ON api_keys.hash = x.hash \
         AND (api_keys.expires_at IS NULL OR api_keys.expires_at > $2) \
         LEFT JOIN users ON users.id = api_keys.user_id WHERE {IS_REVOKED}",
        db.dialect().rows(COLUMNS)
    );
    let rows = keys.iter().map(|(hash, role)| KeyRow {
        hash: hash.to_string(),
        role: role.as_str(),
    });
    let rows: Vec<_> = rows.collect();
    let values = [parameter(&rows)?, now.as_micros().into()];
    let found = query(db.reader(), sql, values).await?;
    let revoked = readable(found, |row| {
        let hash: String = row.try_get("", "hash")?;
        let key = hash.parse();
        let key = key.map_err(|_| DbError::corrupt("api_keys", "hash", &hash))?;
        Ok(((key, role(&row)?), why(&row)?))
    });
    Ok(revoked.into_iter().collect())
}

async fn revoked_users(
    db: &Database,
    users: &[(UserId, Role)],
) -> Result<HashMap<(UserId, Role), Revocation>, DbError> {
    const COLUMNS: &Columns = &[("id", Kind::Uuid), ("role", Kind::Text)];
    if users.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!(
        "SELECT users.disabled, x.id, x.role FROM {} LEFT JOIN users ON users.id = x.id WHERE {IS_REVOKED}",
        db.dialect().rows(COLUMNS)
    );
    let rows = users.iter().map(|(user, role)| TokenRow {
        id: user.0,
        role: role.as_str(),
    });
    let rows: Vec<_> = rows.collect();
    let found = query(db.reader(), sql, [parameter(&rows)?]).await?;
    let revoked = readable(found, |row| {
        let user = UserId(row.try_get("", "id")?);
        Ok(((user, role(&row)?), why(&row)?))
    });
    Ok(revoked.into_iter().collect())
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

/// The role that was asked for.
fn role(row: &QueryResult) -> Result<Role, DbError> {
    let role: String = row.try_get("", "role")?;
    role.parse()
        .map_err(|_| DbError::corrupt("users", "role", &role))
}

fn why(row: &QueryResult) -> Result<Revocation, DbError> {
    let disabled: Option<bool> = row.try_get("", "disabled")?;
    Ok(match disabled {
        None => Revocation::Gone,
        Some(true) => Revocation::Disabled,
        Some(false) => Revocation::Demoted,
    })
}
