//! Uploads that clients write straight into the storage. Their rows are those of all uploads, and
//! reserve the declared size. Completed, they become documents whose bytes nobody has read yet; the
//! worker records what it finds.

use url::Url;

use super::error::UploadError;
use super::upload::{Upload, UploadPurpose, column};
use crate::batch::query;
use crate::discards::{self, Discard};
use crate::intake::{Accepting, Arrival, accept_by};
use crate::retry_on_conflict::retry_on_conflict;
use crate::tables::uploads::{self, Completion};
use crate::tables::users::Charges;
use crate::tables::versions;
use crate::{Commit, Database, DatabaseTransaction, DbError, JobRef, documents};
use domain::{
    ByteSize, Document, DocumentId, JobId, Limits, Sha256, Timestamp, UploadId, UploadProtocol,
    UserId, VersionId,
};

/// The end of an upload that a client has written.
#[derive(Clone, Debug)]
pub struct DirectEnd {
    /// The upload as it was found. As long as it is open, nothing of it changes but its times.
    pub upload: Upload,
    /// The W3C trace context of the request, if it had one.
    pub traceparent: Option<String>,
    /// The current time.
    pub at: Timestamp,
}

/// Returns an upload of a user that is written straight into the storage.
pub async fn find_direct_upload(
    db: &Database,
    (owner, id): (UserId, UploadId),
) -> Result<Option<Upload>, DbError> {
    let found = uploads::find(db, id.0).await?;
    let found = found.filter(|row| row.owner_id == owner.0 && is_direct(&row.protocol));
    found.map(Upload::try_from).transpose()
}

/// Deletes an upload; a document that it has become stays. If its signed requests may still write until
/// `writable_until`, its bytes are removed only then, and its owner is charged for all that it may have
/// until then: otherwise a user could store any number of bytes by requests of uploads that have ended.
/// Returns whether it was open: then its bytes are nobody's.
pub async fn end_direct_upload(
    on: &impl Commit<()>,
    (owner, id): (UserId, UploadId),
    writable_until: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, UploadError> {
    retry_on_conflict(|| async {
        let transaction = on.database().begin().await?;
        let row = uploads::lock(&transaction, id.0).await?;
        let row = row.filter(|row| row.owner_id == owner.0 && is_direct(&row.protocol));
        let row = row.ok_or(UploadError::NotFound)?;
        let removal = writable_until.map(|until| {
            let until = until.min(Timestamp::from_micros(row.expires_at));
            (until.max(now), row.length_bytes.unwrap_or_default())
        });
        let (at, size) = removal.unwrap_or((now, 0));
        let mut charges = Charges::default();
        let charge = charges.to(row.owner_id);
        charge.reserved_bytes -= row.reserved_bytes;
        charge.used_documents -= row.reserved_documents;
        // It has none once it belongs to a document.
        let written = row.staged_url.iter();
        let written = written.map(|url| Discard::of(row.owner_id, url.clone(), size));
        let written: Vec<_> = written.collect();
        discards::add_charged(&transaction, &written, &mut charges, at).await?;
        charges.write(&transaction).await?;
        uploads::delete(&transaction, &[row.id]).await?;
        on.commit(transaction, &()).await?;
        Ok::<_, UploadError>(row.staged_url.is_some())
    })
    .await
}

fn is_direct(protocol: &str) -> bool {
    protocol == UploadProtocol::Direct.as_str()
}

/// Completes an upload, once: a repetition returns what it became. Returns the document, and the job
/// that was enqueued for it. What the intake refuses leaves the upload as it was.
pub async fn complete_direct_upload(
    on: &impl Commit<Document>,
    limits: &Limits,
    end: &DirectEnd,
) -> Result<(Document, Option<JobId>), UploadError> {
    retry_on_conflict(|| async {
        let transaction = on.database().begin().await?;
        let (document, job) = complete(&transaction, limits, end).await?;
        on.commit(transaction, &document).await?;
        Ok::<_, UploadError>((document, job))
    })
    .await
}

async fn complete(
    transaction: &DatabaseTransaction,
    limits: &Limits,
    end: &DirectEnd,
) -> Result<(Document, Option<JobId>), UploadError> {
    let Some(arrival) = arrival(&end.upload, end) else {
        return Ok((completed_before(transaction, &end.upload).await?, None));
    };
    let completion = Completion {
        id: end.upload.id.0,
        staged: None,
        reserved: (0, 0),
        document: Some(end.upload.id.0),
        version: Some(1),
        expires_at: end.at.plus(limits.uploads.expires),
        now: end.at,
    };
    if !uploads::complete_direct(transaction, completion).await? {
        return Ok((completed_before(transaction, &end.upload).await?, None));
    }
    let by = Accepting {
        held: (column(end.upload.reserved), end.upload.purpose.documents()),
        is_direct: true,
        ..Accepting::default()
    };
    let (document, job) = (arrival.document(), arrival.job);
    for answer in accept_by(transaction, limits, &[arrival], &by).await? {
        answer.map_err(UploadError::Refused)?;
    }
    Ok((document, Some(job)))
}

/// What the upload has become already.
async fn completed_before(
    transaction: &DatabaseTransaction,
    upload: &Upload,
) -> Result<Document, UploadError> {
    let row = uploads::lock(transaction, upload.id.0).await?;
    let row = row.filter(|row| row.owner_id == upload.owner.0 && is_direct(&row.protocol));
    let row = row.ok_or(UploadError::NotFound)?;
    let Some(became) = row.document_id else {
        return Err(UploadError::NotOpen);
    };
    let found = documents::find(transaction, "id = $1", [became.into()]);
    found.await?.ok_or(UploadError::NotFound)
}

/// The document that an upload becomes; `None` if it was found to have ended.
fn arrival(upload: &Upload, end: &DirectEnd) -> Option<Arrival> {
    let UploadPurpose::Document {
        name,
        visibility,
        metadata,
        declared_type,
    } = upload.purpose.clone()
    else {
        return None;
    };
    Some(Arrival {
        document: DocumentId::from(upload.id),
        version: VersionId::new(end.at),
        job: JobId::new(end.at),
        owner: upload.owner,
        name,
        visibility,
        metadata,
        declared_type,
        staged: upload.growing.as_ref()?.url.clone(),
        body: None,
        size: ByteSize::new(upload.length?),
        sha256: upload.expected.unwrap_or(Sha256::UNKNOWN),
        traceparent: end.traceparent.clone(),
        at: end.at,
        receipt: None,
    })
}

/// What a worker has read of a version whose bytes a client wrote.
#[derive(Clone, Debug)]
pub struct DirectBytes<'a> {
    /// The claim of its job.
    pub job: JobRef,
    /// The version.
    pub version: VersionId,
    /// Where the client wrote them.
    pub written: &'a Url,
    /// Until when it can write there again.
    pub written_until: Timestamp,
    /// Where they were copied to.
    pub copy: &'a Url,
    /// Their digest.
    pub sha256: Sha256,
}

/// Records what a worker has read: the version has the copy and its digest from then on, and what the
/// client may still write elsewhere is discarded once it can write no more. Returns whether the
/// version is still pending and the claim holds; otherwise nothing was changed.
pub async fn record_direct_bytes(db: &Database, read: &DirectBytes<'_>) -> Result<bool, DbError> {
    retry_on_conflict(|| async {
        let transaction = db.begin().await?;
        if !is_claimed(&transaction, read).await? {
            return Ok(false);
        }
        let new = (read.copy.as_str(), read.sha256);
        versions::receive_direct(&transaction, read.version, new).await?;
        let written = [read.written.as_str()];
        discards::add(&transaction, &written, read.written_until).await?;
        transaction.commit().await?;
        Ok::<_, DbError>(true)
    })
    .await
}

/// Locks the version and its job. Returns whether the version is pending and unread, and the claim
/// holds.
async fn is_claimed(
    transaction: &DatabaseTransaction,
    read: &DirectBytes<'_>,
) -> Result<bool, DbError> {
    let dialect = transaction.dialect();
    let sql = format!(
        "SELECT v.id FROM versions v JOIN documents d ON d.id = v.document_id WHERE v.id = $1 \
         AND v.settled_at IS NULL AND v.is_direct AND v.staged_url = $2{}",
        dialect.lock_rows("d, v")
    );
    let values = [read.version.0.into(), read.written.as_str().into()];
    if query(transaction, sql, values).await?.is_empty() {
        return Ok(false);
    }
    let sql = format!(
        "SELECT jobs.id FROM jobs WHERE id = $1 AND fence = $2 AND worker IS NOT NULL{}",
        dialect.lock_rows("jobs")
    );
    let values = [read.job.id.0.into(), read.job.fence.into()];
    Ok(!query(transaction, sql, values).await?.is_empty())
}

impl Upload {
    /// Returns what the storage has to know to sign requests; `None` once it has ended.
    #[must_use]
    pub fn direct(&self) -> Option<storage::DirectUpload> {
        let growing = self.growing.as_ref()?;
        Some(storage::DirectUpload {
            url: growing.url.clone(),
            size: ByteSize::new(self.length?),
            parts: growing.parts.clone(),
        })
    }
}
