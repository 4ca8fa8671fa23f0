//! Charges that are made only where they fit: the condition stands in the statement that charges,
//! so that nobody else can use up the room in between.

use std::collections::HashSet;

use serde::Serialize;
use uuid::Uuid;

use super::charges::{ADD, COLUMNS, Charge};
use super::locks::lock_all;
use crate::batch::{Columns, Kind, parameter, query};
use crate::{DatabaseTransaction, DbError};
use domain::{Allowances, Limits, Timestamp};

/// What is taken from a user's quota.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct QuotaCharge {
    /// What it adds to the counters.
    #[serde(flatten)]
    pub charge: Charge,
    /// The document that gets a version, if it may have as many as it can already.
    pub crowded_id: Option<Uuid>,
    /// Whether versions are added that may fail.
    pub may_fail: bool,
}

impl QuotaCharge {
    /// Of what can't fail.
    pub const fn of(charge: Charge) -> Self {
        Self {
            charge,
            crowded_id: None,
            may_fail: false,
        }
    }
}

/// Makes those of `charges`, one for each user, that fit into the quota; gives their users.
pub async fn charge_quota(
    transaction: &DatabaseTransaction,
    limits: &Limits,
    charges: &[QuotaCharge],
) -> Result<HashSet<Uuid>, DbError> {
    const CONDITIONS: &Columns = &[("crowded_id", Kind::Uuid), ("may_fail", Kind::Boolean)];
    if charges.is_empty() {
        return Ok(HashSet::new());
    }
    let owners: Vec<_> = charges.iter().map(|one| one.charge.owner_id).collect();
    lock_all(transaction, &owners).await?;
    let list = transaction.dialect().rows(&[COLUMNS, CONDITIONS].concat());
    let sql = format!(
        "{ADD} FROM {list} WHERE users.id = x.owner_id \
         AND users.used_bytes + users.reserved_bytes + x.used_bytes + x.reserved_bytes \
         <= COALESCE(users.quota_bytes, $2) \
         AND (x.used_documents = 0 \
         OR users.used_documents + x.used_documents <= COALESCE(users.quota_documents, $3)) \
         AND (NOT x.may_fail OR users.failed_versions < $4 \
         OR users.failed_versions < COALESCE(users.quota_documents, $3)) \
         AND (x.crowded_id IS NULL \
         OR (SELECT count(*) FROM versions v WHERE v.document_id = x.crowded_id) < $5) RETURNING users.id"
    );
    let values = [
        parameter(charges)?,
        limits.default_quota_bytes.as_i64().into(),
        i64::from(limits.default_quota_documents).into(),
        i64::from(Allowances::FAILED_VERSIONS).into(),
        i64::from(limits.rows.versions).into(),
    ];
    let fitting = query(transaction, sql, values).await?;
    fitting
        .into_iter()
        .map(|row| Ok(row.try_get_by_index(0)?))
        .collect()
}

/// Bytes that a user keeps in staging; their counter must not pass `most` by it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct StagingCharge {
    /// Whose they are.
    pub owner_id: Uuid,
    /// How many.
    pub bytes: i64,
    /// The most, together with what is granted to uploads under way.
    pub most: i64,
}

/// Makes those of `charges`, one for each user, that fit; gives their users. The caller has locked
/// the rows.
pub async fn charge_staging(
    transaction: &DatabaseTransaction,
    charges: &[StagingCharge],
    now: Timestamp,
) -> Result<HashSet<Uuid>, DbError> {
    const COLUMNS: &Columns = &[
        ("owner_id", Kind::Uuid),
        ("bytes", Kind::Integer),
        ("most", Kind::Integer),
    ];
    let list = transaction.dialect().rows(COLUMNS);
    let sql = format!(
        "UPDATE users SET staging_bytes = staging_bytes + x.bytes FROM {list} WHERE users.id = x.owner_id \
         AND users.staging_bytes + x.bytes + (SELECT CAST(COALESCE(sum(g.bytes), 0) AS bigint) \
         FROM upload_grants g WHERE g.user_id = users.id AND g.expires_at > $2) <= x.most RETURNING users.id"
    );
    let values = [parameter(charges)?, now.as_micros().into()];
    let fitting = query(transaction, sql, values).await?;
    fitting
        .into_iter()
        .map(|row| Ok(row.try_get_by_index(0)?))
        .collect()
}
