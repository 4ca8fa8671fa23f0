//! Bytes that are on their way into staging. A process counts its own in memory, and asks for a
//! grant once a user has many of them, so that all processes together keep to the allowance.
//!
//! A grant is a row with an end, which its process puts off while it lives.

use uuid::Uuid;

use super::batch::{execute, parameter, query};
use super::{Database, DatabaseTransaction, DbError};
use domain::{ByteSize, Limits, Quota, Timestamp, UserId};

/// How long after its end a grant is forgotten, in microseconds: its process may only have been
/// cut off from the database.
const FORGOTTEN_AFTER: i64 = 600_000_000;

/// What a user may still upload, as the ledger has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadRoom {
    /// Bytes that are left of the quota.
    pub bytes: u64,
    /// Documents that are left of it.
    pub documents: u64,
    /// Whether more versions may fail.
    pub may_fail: bool,
    /// Bytes that are left of the staging allowance beside what other processes were granted.
    pub staging: u64,
    /// Bytes that may still be let go of before some of those that wait are removed.
    pub removal: u64,
}

/// What `owner` may still upload, for the process `holder`; `None` if there is no such user.
pub async fn upload_room(
    db: &Database,
    (owner, holder): (UserId, Uuid),
    limits: &Limits,
    now: Timestamp,
) -> Result<Option<UploadRoom>, DbError> {
    let sql = "SELECT quota_bytes, quota_documents, used_bytes + reserved_bytes AS held_bytes, used_documents, \
         failed_versions, discarded_bytes, staging_bytes + (SELECT CAST(COALESCE(sum(g.bytes), 0) AS bigint) FROM upload_grants g \
         WHERE g.user_id = users.id AND g.holder <> $2 AND g.expires_at > $3) AS staged_bytes \
         FROM users WHERE id = $1";
    let values = [owner.0.into(), holder.into(), now.as_micros().into()];
    let found = query(db.reader(), sql, values).await?;
    let Some(row) = found.first() else {
        return Ok(None);
    };
    let number = |column| -> Result<i64, DbError> { Ok(row.try_get("", column)?) };
    let quota = quota(
        row.try_get("", "quota_bytes")?,
        row.try_get("", "quota_documents")?,
    );
    let left = |limit: i64, held: i64| limit.saturating_sub(held).max(0).unsigned_abs();
    let documents = i64::from(quota.document_limit(limits));
    Ok(Some(UploadRoom {
        bytes: left(quota.byte_limit(limits).as_i64(), number("held_bytes")?),
        documents: left(documents, number("used_documents")?),
        may_fail: number("failed_versions")? < i64::from(limits.failed_version_limit(&quota)),
        staging: left(
            limits.staging_allowance(&quota).as_i64(),
            number("staged_bytes")?,
        ),
        removal: left(
            limits.removal_allowance(&quota).as_i64(),
            number("discarded_bytes")?,
        ),
    }))
}

fn quota(bytes: Option<i64>, documents: Option<i64>) -> Quota {
    Quota {
        bytes: bytes.map(|bytes| ByteSize::new(bytes.unsigned_abs())),
        documents: documents.map(|count| u32::try_from(count).unwrap_or(u32::MAX)),
    }
}

/// What a process asks for.
#[derive(Clone, Copy, Debug)]
pub struct GrantRequest {
    /// Whose uploads they are.
    pub owner: UserId,
    /// The process.
    pub holder: Uuid,
    /// The least that helps, of all that it has on its way.
    pub needed: u64,
    /// What would last for a while.
    pub wanted: u64,
    /// Until when it is granted.
    pub until: Timestamp,
    /// The present moment.
    pub now: Timestamp,
}

/// Grants bytes to a process in place of what it had been granted for that user; gives how many,
/// or `None` if there are fewer left than are needed, and then nothing changes.
pub async fn draw_grant(
    db: &Database,
    request: &GrantRequest,
    limits: &Limits,
) -> Result<Option<u64>, DbError> {
    let transaction = db.begin().await?;
    let Some(left) = left_for(&transaction, request, limits).await? else {
        // Whoever takes the upload in says that its owner is gone.
        return Ok(Some(request.needed));
    };
    if request.needed > left {
        return Ok(None);
    }
    let granted = request.wanted.max(request.needed).min(left);
    let sql = "INSERT INTO upload_grants (user_id, holder, bytes, expires_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (user_id, holder) DO UPDATE SET bytes = excluded.bytes, expires_at = excluded.expires_at";
    let values = [
        request.owner.0.into(),
        request.holder.into(),
        i64::try_from(granted).unwrap_or(i64::MAX).into(),
        request.until.as_micros().into(),
    ];
    execute(&transaction, sql, values).await?;
    transaction.commit().await?;
    Ok(Some(granted))
}

/// What the allowance has left for a process; the user's row is locked.
async fn left_for(
    transaction: &DatabaseTransaction,
    request: &GrantRequest,
    limits: &Limits,
) -> Result<Option<u64>, DbError> {
    let sql = format!(
        "SELECT quota_bytes, staging_bytes FROM users WHERE id = $1{}",
        transaction.dialect().lock_rows("users")
    );
    let found = query(transaction, sql, [request.owner.0.into()]).await?;
    let Some(row) = found.first() else {
        return Ok(None);
    };
    let quota = quota(row.try_get_by_index(0)?, None);
    let staged: i64 = row.try_get_by_index(1)?;
    let others = "SELECT CAST(COALESCE(sum(bytes), 0) AS bigint) FROM upload_grants \
         WHERE user_id = $1 AND holder <> $2 AND expires_at > $3";
    let values = [
        request.owner.0.into(),
        request.holder.into(),
        request.now.as_micros().into(),
    ];
    let found = query(transaction, others, values).await?;
    let others: i64 = found.first().map_or(Ok(0), |row| row.try_get_by_index(0))?;
    let left = limits.staging_allowance(&quota).as_i64();
    let left = left.saturating_sub(staged).saturating_sub(others);
    Ok(Some(left.max(0).unsigned_abs()))
}

/// Puts off the end of what a process was granted, and forgets grants of processes that are gone.
pub async fn renew_grants(
    db: &Database,
    holder: Uuid,
    until: Timestamp,
    now: Timestamp,
) -> Result<(), DbError> {
    let renew = "UPDATE upload_grants SET expires_at = $2 WHERE holder = $1";
    execute(
        db.writer(),
        renew,
        [holder.into(), until.as_micros().into()],
    )
    .await?;
    let forget = "DELETE FROM upload_grants WHERE expires_at < $1";
    let gone = now.as_micros() - FORGOTTEN_AFTER;
    execute(db.writer(), forget, [gone.into()]).await?;
    Ok(())
}

/// Gives up what a process was granted for some users.
pub async fn give_up_grants(db: &Database, holder: Uuid, owners: &[UserId]) -> Result<(), DbError> {
    let sql = format!(
        "DELETE FROM upload_grants WHERE user_id IN ({}) AND holder = $2",
        db.dialect().ids()
    );
    execute(db.writer(), sql, [parameter(owners)?, holder.into()]).await?;
    Ok(())
}
