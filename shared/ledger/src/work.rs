//! What a worker needs to know of the versions it claimed, in one question.

use serde::Serialize;
use url::Url;
use uuid::Uuid;

use super::batch::{Columns, Kind, parameter, query};
use super::readable::{readable, unreadable};
use super::{Database, DbError};
use domain::{
    ByteSize, DocumentId, DocumentName, Limits, MediaType, Quota, Sha256, UserId, VersionId,
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
    /// Computed digest.
    pub sha256: Sha256,
    /// Where the bytes were staged.
    pub staged: Url,
    /// Where the same content is stored already, if it is.
    pub stored: Option<Url>,
}

#[derive(Serialize)]
struct IdRow {
    id: Uuid,
}

/// Those of `versions` that are pending.
pub async fn load_pending(
    db: &Database,
    versions: &[VersionId],
    limits: &Limits,
) -> Result<Vec<PendingWork>, DbError> {
    const COLUMNS: &Columns = &[("id", Kind::Uuid)];
    let wanted = db.dialect().rows(COLUMNS);
    let sql = format!(
        "SELECT v.id, v.document_id, v.owner_id, v.number, v.name, v.declared_type, v.size_bytes, v.sha256, \
         v.staged_url, blobs.storage_url AS stored_url, \
         users.used_bytes + users.reserved_bytes > COALESCE(users.quota_bytes, $2) AS over_quota, users.quota_bytes \
         FROM {wanted} JOIN versions v ON v.id = x.id JOIN users ON users.id = v.owner_id \
         LEFT JOIN blobs ON blobs.sha256 = v.sha256 AND blobs.size_bytes = v.size_bytes \
         WHERE v.status = 'pending'"
    );
    let list: Vec<_> = versions
        .iter()
        .map(|version| IdRow { id: version.0 })
        .collect();
    let found = query(
        db.reader(),
        sql,
        [
            parameter(&list)?,
            limits.default_quota_bytes.as_i64().into(),
        ],
    )
    .await?;
    Ok(readable(&found, |row| pending_work(row, limits)))
}

fn pending_work(row: &sea_orm::QueryResult, limits: &Limits) -> Result<PendingWork, DbError> {
    let size: i64 = row.try_get("", "size_bytes")?;
    let quota: Option<i64> = row.try_get("", "quota_bytes")?;
    let quota = Quota {
        bytes: quota.map(|bytes| ByteSize::new(bytes.unsigned_abs())),
        documents: None,
    };
    Ok(PendingWork {
        version: VersionId(row.try_get("", "id")?),
        document: DocumentId(row.try_get("", "document_id")?),
        owner: UserId(row.try_get("", "owner_id")?),
        size: ByteSize::new(size.unsigned_abs()),
        over_quota: row.try_get("", "over_quota")?,
        staging_allowance: limits.staging_allowance(&quota),
        upload: pending_upload(row).inspect_err(unreadable).ok(),
    })
}

fn pending_upload(row: &sea_orm::QueryResult) -> Result<PendingUpload, DbError> {
    let id: Uuid = row.try_get("", "id")?;
    let corrupt = |column| DbError::corrupt("versions", column, id);
    let text = |column| -> Result<String, DbError> { Ok(row.try_get("", column)?) };
    let number: i64 = row.try_get("", "number")?;
    let declared_type: Option<String> = row.try_get("", "declared_type")?;
    let stored: Option<String> = row.try_get("", "stored_url")?;
    Ok(PendingUpload {
        number: u32::try_from(number).map_err(|_| corrupt("number"))?,
        name: text("name")?.parse().map_err(|_| corrupt("name"))?,
        declared_type: declared_type
            .map(|text| text.parse())
            .transpose()
            .map_err(|_| corrupt("declared_type"))?,
        sha256: text("sha256")?.parse().map_err(|_| corrupt("sha256"))?,
        staged: Url::parse(&text("staged_url")?).map_err(|_| corrupt("staged_url"))?,
        stored: stored
            .map(|text| Url::parse(&text))
            .transpose()
            .map_err(|_| corrupt("stored_url"))?,
    })
}
