//! What a worker needs to know of the versions it claimed, in one question.

use bytes::Bytes;
use sea_orm::{FromQueryResult, QueryResult};
use serde::Serialize;
use url::Url;
use uuid::Uuid;

use super::batch::{Columns, Kind, parameter, query};
use super::readable::{readable, unreadable};
use super::tickets::read_types;
use super::{Database, DbError};
use domain::{
    ByteSize, DocumentId, DocumentName, Limits, MediaType, Quota, Sha256, TypePattern, UserId,
    VersionId,
};

/// A pending version and what is known beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingWork {
    /// The version.
    pub version: VersionId,
    /// Its document.
    pub document: DocumentId,
    /// Its owner.
    pub owner: UserId,
    /// Counted length.
    pub size: ByteSize,
    /// Whether the owner holds more than the quota, as after it was lowered.
    pub over_quota: bool,
    /// The most bytes that the owner may have in staging.
    pub staging_allowance: ByteSize,
    /// The types that the ticket of its document allows, if it has one.
    pub allowed_types: Vec<TypePattern>,
    /// What was uploaded. `None` if that part of the row can't be read: the version can only fail.
    pub upload: Option<PendingUpload>,
}

/// What the row of a pending version says of the upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingUpload {
    /// The number of the version.
    pub number: u32,
    /// The document's name when it was uploaded.
    pub name: DocumentName,
    /// What the client said the bytes are.
    pub declared_type: Option<MediaType>,
    /// Computed digest; of direct bytes what the client declared, if it did.
    pub sha256: Sha256,
    /// Whether a client wrote the bytes straight into the storage, and nobody has read them yet.
    pub is_direct: bool,
    /// Where the bytes were staged.
    pub staged: Url,
    /// The bytes themselves if the row has them: nothing lies at `staged` then.
    pub body: Option<Bytes>,
    /// Where the same content is stored already, if it is.
    pub stored: Option<Url>,
}

/// A pending version with its owner's quota and equal content, if there is any.
#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    document_id: Uuid,
    owner_id: Uuid,
    size_bytes: i64,
    over_quota: bool,
    quota_bytes: Option<i64>,
    allowed_types: Option<String>,
}

/// What it says of the upload, which is decoded apart: without it the version can still fail.
#[derive(FromQueryResult)]
struct UploadRow {
    id: Uuid,
    number: i64,
    name: String,
    declared_type: Option<String>,
    sha256: String,
    is_direct: bool,
    staged_url: String,
    body: Option<Vec<u8>>,
    stored_url: Option<String>,
}

/// Those of `versions` that are pending.
pub async fn load_pending(
    db: &Database,
    versions: &[VersionId],
    limits: &Limits,
) -> Result<Vec<PendingWork>, DbError> {
    const COLUMNS: &Columns = &[("id", Kind::Uuid)];

    #[derive(Serialize)]
    struct Wanted {
        id: VersionId,
    }

    let wanted = db.dialect().rows(COLUMNS);
    let sql = format!(
        "SELECT v.id, v.document_id, v.owner_id, v.number, v.name, v.declared_type, v.size_bytes, v.sha256, v.is_direct, \
         v.staged_url, v.body, blobs.storage_url AS stored_url, \
         users.used_bytes + users.reserved_bytes > COALESCE(users.quota_bytes, $2) AS over_quota, users.quota_bytes, \
         tickets.allowed_types \
         FROM {wanted} JOIN versions v ON v.id = x.id JOIN users ON users.id = v.owner_id \
         LEFT JOIN blobs ON blobs.sha256 = v.sha256 AND blobs.size_bytes = v.size_bytes \
         LEFT JOIN ticket_documents ON ticket_documents.document_id = v.document_id AND v.number = 1 \
         LEFT JOIN tickets ON tickets.id = ticket_documents.ticket_id \
         WHERE v.status = 'pending'"
    );
    let list: Vec<_> = versions
        .iter()
        .map(|version| Wanted { id: *version })
        .collect();
    let quota = limits.default_quota_bytes.as_i64();
    let values = [parameter(&list)?, quota.into()];
    let found = query(db.reader(), sql, values).await?;
    Ok(readable(&found, |row| pending_work(row, limits)))
}

fn pending_work(row: &QueryResult, limits: &Limits) -> Result<PendingWork, DbError> {
    let upload = pending_upload(row).inspect_err(unreadable).ok();
    let row = Row::from_query_result(row, "")?;
    let quota = Quota {
        bytes: row
            .quota_bytes
            .map(|bytes| ByteSize::new(bytes.unsigned_abs())),
        documents: None,
    };
    Ok(PendingWork {
        version: VersionId(row.id),
        document: DocumentId(row.document_id),
        owner: UserId(row.owner_id),
        size: ByteSize::new(row.size_bytes.unsigned_abs()),
        over_quota: row.over_quota,
        // Types that can't be read allow what the operator does.
        allowed_types: row
            .allowed_types
            .as_deref()
            .and_then(read_types)
            .unwrap_or_default(),
        staging_allowance: limits.staging_allowance(&quota),
        upload,
    })
}

fn pending_upload(row: &QueryResult) -> Result<PendingUpload, DbError> {
    let row = UploadRow::from_query_result(row, "")?;
    let corrupt = |column| DbError::corrupt("versions", column, row.id);
    let declared_type = row.declared_type.as_deref().map(str::parse).transpose();
    let stored = row.stored_url.as_deref().map(Url::parse).transpose();
    Ok(PendingUpload {
        number: u32::try_from(row.number).map_err(|_| corrupt("number"))?,
        name: row.name.parse().map_err(|_| corrupt("name"))?,
        declared_type: declared_type.map_err(|_| corrupt("declared_type"))?,
        sha256: row.sha256.parse().map_err(|_| corrupt("sha256"))?,
        is_direct: row.is_direct,
        staged: Url::parse(&row.staged_url).map_err(|_| corrupt("staged_url"))?,
        body: row.body.map(Bytes::from),
        stored: stored.map_err(|_| corrupt("stored_url"))?,
    })
}
