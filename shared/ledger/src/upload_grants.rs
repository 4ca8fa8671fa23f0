//! Bytes of uploads in progress. A process counts its own in memory, and draws a grant once a user
//! has many of them, so that all processes together respect the allowance.
//!
//! A grant is a row with an expiry, which its process renews.

use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::batch::query;
use super::tables::{upload_grants, users};
use super::{Database, DatabaseTransaction, DbError};
use domain::{Limits, Timestamp, UserId};

/// How long after its expiry a grant is deleted, in microseconds: its process may only have been
/// disconnected from the database.
const FORGOTTEN_AFTER: i64 = 600_000_000;

/// The remaining allowances of a user, by the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadRoom {
    /// The remaining bytes of the quota.
    pub bytes: u64,
    /// The quota in bytes.
    pub byte_limit: u64,
    /// The remaining documents of the quota.
    pub documents: u64,
    /// The quota in documents.
    pub document_limit: u64,
    /// Whether more versions may fail.
    pub may_fail: bool,
    /// The remaining bytes of the staging allowance, apart from grants of other processes.
    pub staging: u64,
    /// The bytes that may still be discarded before some of those waiting are removed.
    pub removal: u64,
}

/// Returns what `owner` may still upload, for the process `holder`; `None` if there is no such
/// user.
pub async fn upload_room(
    db: &Database,
    (owner, holder): (UserId, Uuid),
    limits: &Limits,
    now: Timestamp,
) -> Result<Option<UploadRoom>, DbError> {
    let sql = "SELECT users.*, \
         (SELECT CAST(COALESCE(sum(g.bytes), 0) AS bigint) FROM upload_grants g \
         WHERE g.user_id = users.id AND g.holder <> $2 AND g.expires_at > $3) AS granted_bytes \
         FROM users WHERE id = $1";
    let values = [owner.0.into(), holder.into(), now.as_micros().into()];
    let found = query(db.reader(), sql, values).await?;
    let Some(row) = found.first() else {
        return Ok(None);
    };
    let user = users::Model::from_query_result(row, "")?;
    let granted: i64 = row.try_get("", "granted_bytes")?;
    let quota = user.lenient_quota();
    let left = |left: i64| left.max(0).unsigned_abs();
    let staging = limits.staging_allowance(&quota).as_i64();
    let removal = limits.removal_allowance(&quota).as_i64();
    Ok(Some(UploadRoom {
        bytes: left(user.bytes_left(limits)),
        byte_limit: quota.byte_limit(limits).bytes(),
        documents: left(user.documents_left(limits)),
        document_limit: quota.document_limit(limits).into(),
        may_fail: user.failed_versions < i64::from(limits.failed_version_limit(&quota)),
        staging: left(
            staging
                .saturating_sub(user.staging_bytes)
                .saturating_sub(granted),
        ),
        removal: left(removal.saturating_sub(user.discarded_bytes)),
    }))
}

/// A request for a grant.
#[derive(Clone, Copy, Debug)]
pub struct GrantRequest {
    /// The owner of the uploads.
    pub owner: UserId,
    /// The process.
    pub holder: Uuid,
    /// The minimum, including what the process has in progress.
    pub needed: u64,
    /// The preferred amount.
    pub wanted: u64,
    /// The expiry.
    pub until: Timestamp,
    /// The current time.
    pub now: Timestamp,
}

/// Replaces the grant of a process for a user, and returns the granted bytes; `None` if less than
/// the minimum is left, and then nothing changes.
pub async fn draw_grant(
    db: &Database,
    request: &GrantRequest,
    limits: &Limits,
) -> Result<Option<u64>, DbError> {
    let transaction = db.begin().await?;
    let Some(left) = left_for(&transaction, request, limits).await? else {
        // The intake reports that the owner doesn't exist.
        return Ok(Some(request.needed));
    };
    if request.needed > left {
        return Ok(None);
    }
    let granted = request.wanted.max(request.needed).min(left);
    let grant = upload_grants::Model {
        user_id: request.owner.0,
        holder: request.holder,
        bytes: i64::try_from(granted).unwrap_or(i64::MAX),
        expires_at: request.until.as_micros(),
    };
    upload_grants::upsert(&transaction, grant).await?;
    transaction.commit().await?;
    Ok(Some(granted))
}

/// Returns what is left of the allowance for a process. The caller has locked the user's row.
async fn left_for(
    transaction: &DatabaseTransaction,
    request: &GrantRequest,
    limits: &Limits,
) -> Result<Option<u64>, DbError> {
    let Some(user) = users::lock(transaction, request.owner.0).await? else {
        return Ok(None);
    };
    let process = (request.owner, request.holder);
    let others = upload_grants::granted_to_others(transaction, process, request.now).await?;
    let allowance = limits.staging_allowance(&user.lenient_quota()).as_i64();
    let left = allowance
        .saturating_sub(user.staging_bytes)
        .saturating_sub(others);
    Ok(Some(left.max(0).unsigned_abs()))
}

/// Renews the grants of a process, and deletes those of dead processes.
pub async fn renew_grants(
    db: &Database,
    holder: Uuid,
    until: Timestamp,
    now: Timestamp,
) -> Result<(), DbError> {
    upload_grants::renew(db.writer(), holder, until).await?;
    upload_grants::delete_ended(db.writer(), now.as_micros() - FORGOTTEN_AFTER).await
}

/// Releases the grants of a process for some users.
pub async fn give_up_grants(db: &Database, holder: Uuid, owners: &[UserId]) -> Result<(), DbError> {
    upload_grants::delete(db.writer(), holder, owners).await
}
