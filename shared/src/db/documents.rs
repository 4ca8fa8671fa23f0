//! Documents as their owners read them.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait};
use serde::Serialize;
use url::Url;
use uuid::Uuid;

use super::batch::{Columns, Kind, parameter, query, rows};
use super::entities::{document, user};
use super::{Database, DbError};
use crate::domain::{
    ByteSize, Current, Document, DocumentId, Failure, Lifecycle, Metadata, Status, Timestamp,
    UniqueName, UserId, Visibility,
};

impl TryFrom<document::Model> for Document {
    type Error = DbError;

    fn try_from(row: document::Model) -> Result<Self, DbError> {
        let id = row.id;
        let corrupt = |column| DbError::corrupt("documents", column, id);
        let unique_name = row
            .unique_name
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(|_| corrupt("unique_name"))?;
        Ok(Self {
            id: DocumentId(id),
            owner: UserId(row.owner_id),
            visibility: Visibility::new(unique_name, row.is_public)
                .ok_or_else(|| corrupt("is_public"))?,
            metadata: Metadata::try_from(row.metadata.clone()).map_err(|_| corrupt("metadata"))?,
            declared_type: row
                .declared_type
                .as_deref()
                .map(str::parse)
                .transpose()
                .map_err(|_| corrupt("declared_type"))?,
            size: ByteSize::new(row.size_bytes.unsigned_abs()),
            sha256: row.sha256.parse().map_err(|_| corrupt("sha256"))?,
            latest_version: u32::try_from(row.latest_version)
                .map_err(|_| corrupt("latest_version"))?,
            lifecycle: lifecycle(&row)?,
            revision: row.revision.unsigned_abs(),
            created_at: Timestamp::from_micros(row.created_at),
            updated_at: Timestamp::from_micros(row.updated_at),
            name: row.name.parse().map_err(|_| corrupt("name"))?,
        })
    }
}

fn lifecycle(row: &document::Model) -> Result<Lifecycle, DbError> {
    let corrupt = |column| DbError::corrupt("documents", column, row.id);
    let status: Status = row.status.parse().map_err(|_| corrupt("status"))?;
    let current = || -> Result<Current, DbError> {
        let version = row.version.and_then(|number| u32::try_from(number).ok());
        let media_type = row.mime_type.as_deref().and_then(|text| text.parse().ok());
        let location = row
            .storage_url
            .as_deref()
            .and_then(|text| Url::parse(text).ok());
        Ok(Current {
            version: version.ok_or_else(|| corrupt("version"))?,
            media_type: media_type.ok_or_else(|| corrupt("mime_type"))?,
            type_mismatch: row.type_mismatch,
            location: location.ok_or_else(|| corrupt("storage_url"))?,
        })
    };
    Ok(match status {
        Status::Pending => Lifecycle::Pending,
        Status::Active => Lifecycle::Active(current()?),
        Status::Archived => {
            let since = row
                .archived_at
                .map(Timestamp::from_micros)
                .ok_or_else(|| corrupt("archived_at"))?;
            Lifecycle::Archived {
                current: current()?,
                since,
            }
        }
        Status::Error => {
            let code = row.error_code.as_deref().and_then(|text| text.parse().ok());
            let code = code.ok_or_else(|| corrupt("error_code"))?;
            Lifecycle::Error(Failure {
                code,
                detail: row.error_detail.clone().unwrap_or_default(),
            })
        }
    })
}

/// The document with that id, whoever owns it.
pub async fn find_document(db: &Database, id: DocumentId) -> Result<Option<Document>, DbError> {
    document::Entity::find_by_id(id.0)
        .one(db.reader())
        .await?
        .map(Document::try_from)
        .transpose()
}

/// The document of `owner` with that unique name.
pub async fn find_named(
    db: &Database,
    owner: UserId,
    name: &UniqueName,
) -> Result<Option<Document>, DbError> {
    let select = document::Entity::find()
        .filter(document::Column::UniqueName.eq(name.as_str()))
        .filter(document::Column::OwnerId.eq(owner.0));
    select
        .one(db.reader())
        .await?
        .map(Document::try_from)
        .transpose()
}

/// The document that everybody may read under that name: public, active, and of a user who isn't
/// disabled.
pub async fn find_public(db: &Database, name: &UniqueName) -> Result<Option<Document>, DbError> {
    let select = document::Entity::find()
        .filter(document::Column::UniqueName.eq(name.as_str()))
        .filter(document::Column::IsPublic.eq(true))
        .filter(document::Column::Status.eq(Status::Active.as_str()))
        .filter(
            // By the owner's key alone: who reads pages of the public waits for no list of users.
            document::Column::OwnerId.in_subquery(
                user::Entity::find()
                    .select_only()
                    .column(user::Column::Id)
                    .filter(
                        Expr::col((user::Entity, user::Column::Id))
                            .equals((document::Entity, document::Column::OwnerId)),
                    )
                    .filter(user::Column::Disabled.eq(false))
                    .into_query(),
            ),
        );
    select
        .one(db.reader())
        .await?
        .map(Document::try_from)
        .transpose()
}

#[derive(Serialize)]
struct IdRow {
    id: Uuid,
}

/// Those of `documents` that aren't pending, gone ones included: one question for all who wait.
pub async fn find_settled(
    db: &Database,
    documents: &[DocumentId],
) -> Result<Vec<DocumentId>, DbError> {
    const COLUMNS: &Columns = &[("id", Kind::Uuid)];
    let list: Vec<_> = documents
        .iter()
        .map(|document| IdRow { id: document.0 })
        .collect();
    let wanted = rows(db.backend(), COLUMNS);
    let sql = format!(
        "SELECT x.id FROM {wanted} LEFT JOIN documents ON documents.id = x.id \
         WHERE documents.status IS NULL OR documents.status <> 'pending'"
    );
    let found = query(db.reader(), sql, [parameter(&list)?]).await?;
    found
        .into_iter()
        .map(|row| Ok(DocumentId(row.try_get_by_index(0)?)))
        .collect()
}

#[derive(Serialize)]
struct NumberRow {
    id: Uuid,
    number: u32,
}

/// Those of `versions`, by document and number, that aren't pending, gone ones included.
pub async fn find_settled_versions(
    db: &Database,
    versions: &[(DocumentId, u32)],
) -> Result<Vec<(DocumentId, u32)>, DbError> {
    const COLUMNS: &Columns = &[("id", Kind::Uuid), ("number", Kind::Integer)];
    let list: Vec<_> = versions
        .iter()
        .map(|(document, number)| NumberRow {
            id: document.0,
            number: *number,
        })
        .collect();
    let wanted = rows(db.backend(), COLUMNS);
    let sql = format!(
        "SELECT x.id, CAST(x.number AS bigint) FROM {wanted} \
         LEFT JOIN versions ON versions.document_id = x.id AND versions.number = x.number \
         WHERE versions.status IS NULL OR versions.status <> 'pending'"
    );
    let found = query(db.reader(), sql, [parameter(&list)?]).await?;
    found
        .into_iter()
        .map(|row| {
            let number: i64 = row.try_get_by_index(1)?;
            let number = u32::try_from(number)
                .map_err(|_| DbError::corrupt("versions", "number", number))?;
            Ok((DocumentId(row.try_get_by_index(0)?), number))
        })
        .collect()
}
