//! Decoding documents.

use sea_orm::{FromQueryResult, QueryResult};
use serde::Deserialize;
use serde_json::{Map, Value};
use tracing::warn;
use url::Url;
use uuid::Uuid;

use crate::DbError;
use crate::dialect::Dialect;
use domain::{
    ByteSize, Current, Document, DocumentId, Failure, Lifecycle, Metadata, Status, Timestamp,
    UserId, Visibility, read_json,
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
pub fn columns(dialect: Dialect) -> String {
    let metadata = dialect.metadata();
    let plain = "id, owner_id, name, unique_name, is_public, status, declared_type, mime_type, type_mismatch, \
         size_bytes, sha256, version, latest_version, storage_url, error_code, error_detail, revision, \
         created_at, updated_at, archived_at";
    let plain = plain.replace(", ", ", documents.");
    format!("documents.{plain}, {metadata}")
}

/// Reads a document from a row with [`columns`].
pub fn document(row: &QueryResult) -> Result<Document, DbError> {
    let row = Row::from_query_result(row, "")?;
    let corrupt = || DbError::corrupt("documents", "metadata", row.id);
    let metadata = read_json(row.metadata.as_bytes()).map_err(|_| corrupt())?;
    decode(&row, metadata)
}

/// The state of a document in one value, in the order of `Dialect::document_shape`.
#[derive(Deserialize)]
struct Shape {
    name: String,
    status: String,
    declared_type: Option<String>,
    mime_type: Option<String>,
    type_mismatch: u8,
    size_bytes: i64,
    sha256: String,
    version: Option<i64>,
    latest_version: i64,
    unique_name: Option<String>,
    is_public: u8,
    error_code: Option<String>,
    error_detail: Option<String>,
    revision: i64,
    created_at: i64,
    updated_at: i64,
    archived_at: Option<i64>,
    metadata: Map<String, Value>,
}

impl Shape {
    fn into_document(
        self,
        (id, owner_id): (Uuid, Uuid),
        storage_url: Option<String>,
    ) -> Result<Document, DbError> {
        let row = Row {
            id,
            owner_id,
            name: self.name,
            unique_name: self.unique_name,
            is_public: self.is_public != 0,
            metadata: String::new(),
            status: self.status,
            declared_type: self.declared_type,
            mime_type: self.mime_type,
            type_mismatch: self.type_mismatch != 0,
            size_bytes: self.size_bytes,
            sha256: self.sha256,
            version: self.version,
            latest_version: self.latest_version,
            storage_url,
            error_code: self.error_code,
            error_detail: self.error_detail,
            revision: self.revision,
            created_at: self.created_at,
            updated_at: self.updated_at,
            archived_at: self.archived_at,
        };
        decode(&row, self.metadata)
    }
}

/// Where the bytes of a document were isn't kept by its events: they may have moved since.
const NOT_KEPT: &str = "event:/";

/// Reads a document from the shape that an event keeps.
pub fn document_of_event(of: (Uuid, Uuid), shape: &str) -> Result<Document, DbError> {
    let kept: Result<Shape, _> = read_json(shape.as_bytes());
    let kept = kept.map_err(|_| DbError::corrupt("events", "shape", of.0))?;
    let location = kept.version.map(|_| NOT_KEPT.to_owned());
    kept.into_document(of, location)
}

/// The columns that [`Found::read_shapes`] reads: of many rows, few values each. The driver of SQLite
/// copies each value under a lock, which took a third of the time of a page with twenty values a row.
pub fn shapes(dialect: Dialect) -> String {
    let shape = dialect.document_shape();
    format!("documents.id, documents.owner_id, documents.storage_url, {shape} AS shape")
}

fn document_of_shape(row: &QueryResult) -> Result<Document, DbError> {
    let of: (Uuid, Uuid) = (row.try_get("", "id")?, row.try_get("", "owner_id")?);
    let shape: String = row.try_get("", "shape")?;
    let shape: Result<Shape, _> = read_json(shape.as_bytes());
    let shape = shape.map_err(|_| DbError::corrupt("documents", "metadata", of.0))?;
    shape.into_document(of, row.try_get("", "storage_url")?)
}

fn decode(row: &Row, metadata: Map<String, Value>) -> Result<Document, DbError> {
    let id = row.id;
    let corrupt = |column| DbError::corrupt("documents", column, id);
    let unique_name = row
        .unique_name
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|_| corrupt("unique_name"))?;
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
        lifecycle: lifecycle(row)?,
        revision: row.revision.unsigned_abs(),
        created_at: Timestamp::from_micros(row.created_at),
        updated_at: Timestamp::from_micros(row.updated_at),
        name: row.name.parse().map_err(|_| corrupt("name"))?,
    })
}

/// Documents that were found together, with those of them that can't be read.
#[derive(Debug, Default)]
pub struct Found {
    /// Those that can be read, in the order of their rows.
    pub documents: Vec<Document>,
    /// The others.
    pub unreadable: Vec<DocumentId>,
}

impl Found {
    /// Reads rows with [`columns`]. A row that can't be read is passed by, with a warning: it
    /// harms nobody but its own document.
    pub fn read(rows: &[QueryResult]) -> Result<Self, DbError> {
        Self::read_by(document, rows)
    }

    /// The same of rows with [`shapes`].
    pub fn read_shapes(rows: &[QueryResult]) -> Result<Self, DbError> {
        Self::read_by(document_of_shape, rows)
    }

    fn read_by(
        document: fn(&QueryResult) -> Result<Document, DbError>,
        rows: &[QueryResult],
    ) -> Result<Self, DbError> {
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
