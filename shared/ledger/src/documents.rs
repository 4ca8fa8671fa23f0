//! Documents as their owners read them.

use sea_orm::{ConnectionTrait, FromQueryResult, QueryResult};
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::warn;
use url::Url;
use uuid::Uuid;

use super::batch::{Columns, Kind, parameter, query};
use super::dialect::Dialect;
use super::{Database, DbError};
use domain::{
    ByteSize, Current, Document, DocumentId, Failure, Lifecycle, Metadata, Status, Timestamp,
    UniqueName, UserId, Visibility, read_json,
};

/// A row of `documents`, as [`columns`] gives it.
#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    owner_id: Uuid,
    name: String,
    unique_name: Option<String>,
    is_public: bool,
    metadata: String,
    status: String,
    declared_type: Option<String>,
    mime_type: Option<String>,
    type_mismatch: bool,
    size_bytes: i64,
    sha256: String,
    version: Option<i64>,
    latest_version: i64,
    storage_url: Option<String>,
    error_code: Option<String>,
    error_detail: Option<String>,
    revision: i64,
    created_at: i64,
    updated_at: i64,
    archived_at: Option<i64>,
}

/// The columns that [`document`] reads.
pub(super) fn columns(dialect: Dialect) -> String {
    let metadata = dialect.metadata();
    let plain = "id, owner_id, name, unique_name, is_public, status, declared_type, mime_type, type_mismatch, \
         size_bytes, sha256, version, latest_version, storage_url, error_code, error_detail, revision, \
         created_at, updated_at, archived_at";
    let plain = plain.replace(", ", ", documents.");
    format!("documents.{plain}, {metadata}")
}

/// Reads a document from a row with [`columns`].
pub(super) fn document(row: &QueryResult) -> Result<Document, DbError> {
    let row = Row::from_query_result(row, "")?;
    let id = row.id;
    let corrupt = |column| DbError::corrupt("documents", column, id);
    let unique_name = row
        .unique_name
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|_| corrupt("unique_name"))?;
    let metadata: Map<String, Value> =
        read_json(row.metadata.as_bytes()).map_err(|_| corrupt("metadata"))?;
    Ok(Document {
        id: DocumentId(id),
        owner: UserId(row.owner_id),
        visibility: Visibility::new(unique_name, row.is_public)
            .ok_or_else(|| corrupt("is_public"))?,
        metadata: Metadata::stored(metadata),
        declared_type: row
            .declared_type
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(|_| corrupt("declared_type"))?,
        size: ByteSize::new(row.size_bytes.unsigned_abs()),
        sha256: row.sha256.parse().map_err(|_| corrupt("sha256"))?,
        latest_version: u32::try_from(row.latest_version).map_err(|_| corrupt("latest_version"))?,
        lifecycle: lifecycle(&row)?,
        revision: row.revision.unsigned_abs(),
        created_at: Timestamp::from_micros(row.created_at),
        updated_at: Timestamp::from_micros(row.updated_at),
        name: row.name.parse().map_err(|_| corrupt("name"))?,
    })
}

/// Documents that were found together, with those of them that can't be read.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Those that can be read, in the order of their rows.
    pub documents: Vec<Document>,
    /// The others.
    pub unreadable: Vec<DocumentId>,
}

impl Found {
    /// Reads rows with [`columns`]. A row that can't be read is passed by, with a warning: it
    /// harms nobody but its own document.
    pub fn read(rows: &[QueryResult]) -> Result<Self, DbError> {
        let mut found = Self::default();
        for row in rows {
            match document(row) {
                Ok(document) => found.documents.push(document),
                Err(error) => {
                    let id = DocumentId(row.try_get("", "id")?);
                    warn!(document.id = %id, %error, "the row of a document can't be read");
                    found.unreadable.push(id);
                }
            }
        }
        Ok(found)
    }
}

fn lifecycle(row: &Row) -> Result<Lifecycle, DbError> {
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

/// The only document that meets a condition on `$1`, `$2`, …
pub(super) async fn find(
    connection: &impl ConnectionTrait,
    condition: &str,
    values: impl IntoIterator<Item = sea_orm::Value>,
) -> Result<Option<Document>, DbError> {
    let columns = columns(Dialect::of(connection));
    let sql = format!("SELECT {columns} FROM documents WHERE {condition}");
    let found = query(connection, sql, values).await?;
    found.first().map(document).transpose()
}

/// The document with that id, whoever owns it.
pub async fn find_document(db: &Database, id: DocumentId) -> Result<Option<Document>, DbError> {
    find(db.reader(), "id = $1", [id.0.into()]).await
}

/// The document of `owner` with that unique name.
pub async fn find_named(
    db: &Database,
    owner: UserId,
    name: &UniqueName,
) -> Result<Option<Document>, DbError> {
    let values = [name.as_str().into(), owner.0.into()];
    find(db.reader(), "unique_name = $1 AND owner_id = $2", values).await
}

/// The condition for what everybody may read under the name `$1`. It finds users by the owner's
/// key alone: who reads pages of the public waits for no list of users.
pub(super) const PUBLIC: &str = "unique_name = $1 AND is_public AND status = 'active' AND EXISTS \
     (SELECT 1 FROM users WHERE users.id = documents.owner_id AND NOT users.disabled)";

/// The document that everybody may read under that name: public, active, and of a user who isn't
/// disabled.
pub async fn find_public(db: &Database, name: &UniqueName) -> Result<Option<Document>, DbError> {
    find(db.reader(), PUBLIC, [name.as_str().into()]).await
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
    let wanted = db.dialect().rows(COLUMNS);
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
    let wanted = db.dialect().rows(COLUMNS);
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
