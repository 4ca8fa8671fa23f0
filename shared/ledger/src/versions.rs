//! Versions as their owners read them.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use url::Url;

use super::readable::ReadablePage;
use super::tables::versions as version;
use super::{Database, DbError};
use domain::{
    BlobId, ByteSize, DocumentId, Failure, Timestamp, Version, VersionId, VersionState,
    VersionStatus,
};

impl TryFrom<version::Model> for Version {
    type Error = DbError;

    fn try_from(row: version::Model) -> Result<Self, DbError> {
        let corrupt = |column| DbError::corrupt("versions", column, row.id);
        let declared_type = row.declared_type.as_deref().map(str::parse).transpose();
        Ok(Self {
            id: VersionId(row.id),
            document: DocumentId(row.document_id),
            number: u32::try_from(row.number).map_err(|_| corrupt("number"))?,
            name: row.name.parse().map_err(|_| corrupt("name"))?,
            declared_type: declared_type.map_err(|_| corrupt("declared_type"))?,
            size: ByteSize::new(row.size_bytes.unsigned_abs()),
            sha256: row.sha256.parse().map_err(|_| corrupt("sha256"))?,
            state: state(&row)?,
            created_at: Timestamp::from_micros(row.created_at),
        })
    }
}

fn state(row: &version::Model) -> Result<VersionState, DbError> {
    let corrupt = |column| DbError::corrupt("versions", column, row.id);
    let staged = row
        .staged_url
        .as_deref()
        .map(Url::parse)
        .transpose()
        .map_err(|_| corrupt("staged_url"))?;
    Ok(match row.status.parse().map_err(|_| corrupt("status"))? {
        VersionStatus::Pending => VersionState::Pending {
            staged: staged.ok_or_else(|| corrupt("staged_url"))?,
        },
        VersionStatus::Active => VersionState::Active {
            blob: row.blob_id.map(BlobId).ok_or_else(|| corrupt("blob_id"))?,
            media_type: row
                .mime_type
                .as_deref()
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| corrupt("mime_type"))?,
            type_mismatch: row.type_mismatch,
        },
        VersionStatus::Error => {
            let code = row.error_code.as_deref().and_then(|text| text.parse().ok());
            let code = code.ok_or_else(|| corrupt("error_code"))?;
            let detail = row.error_detail.clone().unwrap_or_default();
            VersionState::Error {
                failure: Failure { code, detail },
                staged,
            }
        }
    })
}

/// A version of a document by number, and where its bytes are if it is active.
pub async fn find_version(
    db: &Database,
    document: DocumentId,
    number: u32,
) -> Result<Option<(Version, Option<Url>)>, DbError> {
    let select = version::Entity::find()
        .filter(version::Column::DocumentId.eq(document.0))
        .filter(version::Column::Number.eq(i64::from(number)));
    let Some(row) = select.one(db.reader()).await? else {
        return Ok(None);
    };
    let location = match row.blob_id {
        Some(blob) => {
            let sql = "SELECT storage_url FROM blobs WHERE id = $1";
            let found = super::batch::query(db.reader(), sql, [blob.into()]).await?;
            let url: Option<String> = found
                .first()
                .map(|row| row.try_get_by_index(0))
                .transpose()?;
            let url = url.map(|text| Url::parse(&text)).transpose();
            url.map_err(|_| DbError::corrupt("blobs", "storage_url", blob))?
        }
        None => None,
    };
    Ok(Some((row.try_into()?, location)))
}

/// The versions of a document with numbers below `before`, newest first.
pub async fn list_versions(
    db: &Database,
    document: DocumentId,
    before: Option<u32>,
    limit: u64,
) -> Result<Vec<Version>, DbError> {
    let mut found = ReadablePage::behind(before.map(i64::from), limit);
    while found.wants_more() {
        let mut select = version::Entity::find().filter(version::Column::DocumentId.eq(document.0));
        if let Some(before) = found.behind {
            select = select.filter(version::Column::Number.lt(before));
        }
        let select = select.order_by_desc(version::Column::Number).limit(limit);
        let rows = select.all(db.reader()).await?;
        found.add(rows, |row| Ok(row.number), Version::try_from)?;
    }
    Ok(found.into_items())
}
