//! Finds uploads.

use super::upload::{Upload, bytes};
use crate::batch::query;
use crate::readable::readable;
use crate::tables::uploads;
use crate::{Database, DbError};
use domain::{Timestamp, UploadId, UploadProtocol, UserId};

/// Uploads that one statement finds to be finished.
const UNFINISHED: i64 = 100;

/// The most uploads counted for the metrics.
const MOST_COUNTED: i64 = 1_000_000;

/// Returns an upload of a user that passes through the service.
pub async fn find_upload(
    db: &Database,
    (owner, id): (UserId, UploadId),
) -> Result<Option<Upload>, DbError> {
    let found = uploads::find(db, id.0).await?;
    let direct = UploadProtocol::Direct.as_str();
    let found = found.filter(|row| row.owner_id == owner.0 && row.protocol != direct);
    found.map(Upload::try_from).transpose()
}

/// Returns at most `limit` uploads of a user, newest first, after the one with id `before`.
pub async fn list_uploads(
    db: &Database,
    owner: UserId,
    before: Option<UploadId>,
    limit: u64,
) -> Result<Vec<Upload>, DbError> {
    let rows = uploads::list(db, owner, before.map(|id| id.0), limit).await?;
    Ok(readable(rows, Upload::try_from))
}

/// Returns uploads that have all their bytes or join others, and that nothing has happened to since
/// `before`: whoever was to finish them may have died.
pub async fn unfinished_uploads(db: &Database, before: Timestamp) -> Result<Vec<Upload>, DbError> {
    let rows = uploads::unfinished(db, before, UNFINISHED).await?;
    Ok(readable(rows, Upload::try_from))
}

/// Uploads with bytes, and what they reserve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UploadLevel {
    /// Uploads that are open or wait to be joined, up to a million.
    pub uploads: u64,
    /// The bytes that these reserve of their owners' quotas.
    pub reserved: u64,
}

/// Returns how many uploads have bytes, for the metrics.
pub async fn upload_level(db: &Database) -> Result<UploadLevel, DbError> {
    let sql = "SELECT count(*) AS uploads, CAST(COALESCE(sum(u.reserved_bytes), 0) AS bigint) AS reserved \
         FROM (SELECT reserved_bytes FROM uploads WHERE staged_url IS NOT NULL LIMIT $1) AS u";
    let found = query(db.reader(), sql, [MOST_COUNTED.into()]).await?;
    let Some(row) = found.first() else {
        return Ok(UploadLevel::default());
    };
    Ok(UploadLevel {
        uploads: bytes(row.try_get("", "uploads")?),
        reserved: bytes(row.try_get("", "reserved")?),
    })
}
