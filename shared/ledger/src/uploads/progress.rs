//! The progress of an upload: a request takes it over, records what is durable, and ends. What the
//! fence of a request doesn't match any more has no effect.

use storage::Growing;

use super::error::UploadError;
use super::upload::{Upload, bytes, column};
use crate::retry_on_conflict::retry_on_conflict;
use crate::tables::uploads::{self, Hold, Model, Progress};
use crate::tables::users::{Charge, QuotaCharge, charge_quota};
use crate::{Database, DatabaseTransaction, DbError};
use domain::{Limits, Timestamp, UploadId, UploadStatus, UserId};

/// Takes an open upload over for a request that may write `parts` parts before it records them, and
/// puts off its expiry to `expires_at` if the request says so. The request before it can record nothing
/// from then on.
pub async fn hold_upload(
    db: &Database,
    (owner, id): (UserId, UploadId),
    parts: u32,
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Upload, UploadError> {
    let hold = Hold {
        id: id.0,
        owner_id: owner.0,
        parts: parts.into(),
        expires_at,
        now,
    };
    let row = uploads::hold(db.writer(), hold).await?;
    row.ok_or(UploadError::NotOpen)?
        .try_into()
        .map_err(Into::into)
}

/// What a request has made durable.
#[derive(Clone, Debug)]
pub struct UploadProgress<'a> {
    /// The upload.
    pub id: UploadId,
    /// The fence of the request.
    pub fence: u64,
    /// The object after that.
    pub growing: &'a Growing,
    /// The state of the digest after its bytes.
    pub digest: &'a str,
    /// Whether nothing follows, whatever the length was.
    pub ends: bool,
    /// How many parts the request may write from then on before it records them; 0 ends it.
    pub parts: u32,
    /// When the upload expires.
    pub expires_at: Timestamp,
    /// The current time.
    pub now: Timestamp,
}

/// Records progress, unless another request has taken the upload over.
pub async fn record_upload(db: &Database, done: &UploadProgress<'_>) -> Result<(), UploadError> {
    let progress = Progress {
        id: done.id.0,
        fence: column(done.fence),
        offset: column(done.growing.length),
        digest: done.digest,
        tail: done.growing.tail.as_ref().map(url::Url::as_str),
        parts: &done.growing.parts,
        ends: done.ends,
        held_parts: done.parts.into(),
        expires_at: done.expires_at,
        now: done.now,
    };
    if uploads::record(db.writer(), progress).await? {
        Ok(())
    } else {
        Err(UploadError::Superseded)
    }
}

/// Puts off the expiry of an upload whose request still receives bytes, unless another one has
/// taken it over.
pub async fn touch_upload(
    db: &Database,
    (id, fence): (UploadId, u64),
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<(), UploadError> {
    let whose = (id.0, column(fence));
    if uploads::touch(db.writer(), whose, expires_at, now).await? {
        Ok(())
    } else {
        Err(UploadError::Superseded)
    }
}

/// Ends a request that has written nothing but what is recorded.
pub async fn release_upload(db: &Database, (id, fence): (UploadId, u64)) -> Result<(), DbError> {
    uploads::release(db.writer(), (id.0, column(fence))).await
}

/// Declares the length of a held upload, or reserves quota for at least `reserved` bytes of one
/// whose length isn't known.
pub async fn reserve_upload(
    db: &Database,
    (id, fence): (UploadId, u64),
    length: Option<u64>,
    reserved: u64,
    limits: &Limits,
) -> Result<(), UploadError> {
    retry_on_conflict(|| async {
        let transaction = db.begin().await?;
        reserve(&transaction, (id, fence), (length, reserved), limits).await?;
        Ok(transaction.commit().await.map_err(DbError::from)?)
    })
    .await
}

async fn reserve(
    transaction: &DatabaseTransaction,
    (id, fence): (UploadId, u64),
    (length, reserved): (Option<u64>, u64),
    limits: &Limits,
) -> Result<(), UploadError> {
    let row = uploads::lock(transaction, id.0).await?;
    let row = row.ok_or(UploadError::NotFound)?;
    if bytes(row.fence) != fence || row.status != UploadStatus::Open.as_str() {
        return Err(UploadError::Superseded);
    }
    let declared = row.length_bytes.map(bytes);
    let length = match (declared, length) {
        (Some(declared), Some(length)) if declared != length => {
            return Err(UploadError::OtherLength);
        }
        (declared, length) => length.or(declared),
    };
    if length.is_some_and(|length| length < bytes(row.offset_bytes)) {
        return Err(UploadError::OtherLength);
    }
    let wanted = match length {
        // What its ticket reserves for it stays: the ticket may get it back.
        Some(length) => column(length).max(of_ticket(&row)),
        None => column(reserved).max(row.reserved_bytes),
    };
    if wanted != row.reserved_bytes {
        let charge = QuotaCharge::of(Charge {
            reserved_bytes: wanted - row.reserved_bytes,
            ..Charge::to(row.owner_id)
        });
        if charge_quota(transaction, limits, &[charge])
            .await?
            .is_empty()
        {
            return Err(UploadError::QuotaExceeded);
        }
    }
    uploads::reserve(transaction, id.0, length.map(column), wanted).await?;
    Ok(())
}

/// What the ticket of an upload reserves for each use.
fn of_ticket(row: &Model) -> i64 {
    row.ticket_id.and(row.max_bytes).unwrap_or(0)
}
