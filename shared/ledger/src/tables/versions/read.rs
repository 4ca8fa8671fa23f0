//! Decoding versions.

use url::Url;

use super::Model;
use crate::DbError;
use domain::{
    BlobId, ByteSize, DocumentId, Failure, Timestamp, Version, VersionId, VersionState,
    VersionStatus,
};

impl TryFrom<Model> for Version {
    type Error = DbError;

    fn try_from(row: Model) -> Result<Self, DbError> {
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

fn state(row: &Model) -> Result<VersionState, DbError> {
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
            activated_at: row
                .settled_at
                .map(Timestamp::from_micros)
                .ok_or_else(|| corrupt("settled_at"))?,
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
