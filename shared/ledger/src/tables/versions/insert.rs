//! Inserting versions.

use bytes::Bytes;
use sea_orm::ConnectionTrait;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::DbError;
use crate::batch::{Columns, Kind, execute, parameter};
use crate::dialect::Dialect;
use domain::{ByteSize, DocumentId, DocumentName, MediaType, Sha256, Timestamp, UserId, VersionId};

/// A version that is pending.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct NewVersion<'a> {
    pub id: VersionId,
    pub document_id: DocumentId,
    pub owner_id: UserId,
    pub number: u32,
    /// The document's name at that time.
    pub name: &'a DocumentName,
    pub declared_type: Option<&'a MediaType>,
    pub size_bytes: ByteSize,
    pub sha256: Sha256,
    pub staged_url: &'a str,
    #[serde(rename = "body_from")]
    pub body: Body<'a>,
    /// Whether its client writes the bytes straight into the storage.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_direct: bool,
    pub created_at: Timestamp,
}

/// The bytes, if the row is to keep them. Those of all rows travel as one parameter, and each row
/// says where its own begin.
#[derive(Clone, Copy, Debug, Default)]
pub struct Body<'a> {
    bytes: Option<&'a Bytes>,
    /// From 1.
    from: Option<usize>,
}

impl<'a> From<Option<&'a Bytes>> for Body<'a> {
    fn from(bytes: Option<&'a Bytes>) -> Self {
        Self { bytes, from: None }
    }
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.from.serialize(serializer)
    }
}

/// Inserts pending versions.
pub async fn insert_versions(
    connection: &impl ConnectionTrait,
    versions: &[NewVersion<'_>],
) -> Result<(), DbError> {
    insert(connection, versions, "true").await?;
    Ok(())
}

/// Inserts those of the versions whose bytes are not to be removed. Returns how many these are.
pub async fn insert_undiscarded(
    connection: &impl ConnectionTrait,
    versions: &[NewVersion<'_>],
) -> Result<u64, DbError> {
    let condition = "NOT EXISTS (SELECT 1 FROM discards WHERE discards.url = x.staged_url)";
    insert(connection, versions, condition).await
}

async fn insert(
    connection: &impl ConnectionTrait,
    versions: &[NewVersion<'_>],
    condition: &str,
) -> Result<u64, DbError> {
    const COLUMNS: &Columns = &[
        ("id", Kind::Uuid),
        ("document_id", Kind::Uuid),
        ("owner_id", Kind::Uuid),
        ("number", Kind::Integer),
        ("name", Kind::Text),
        ("declared_type", Kind::Text),
        ("size_bytes", Kind::Integer),
        ("sha256", Kind::Text),
        ("staged_url", Kind::Text),
        ("created_at", Kind::Integer),
        ("body_from", Kind::Integer),
        ("is_direct", Kind::Boolean),
    ];
    let (mut rows, mut bodies) = (versions.to_vec(), Vec::new());
    for Body { bytes, from } in rows.iter_mut().map(|row| &mut row.body) {
        if let Some(bytes) = bytes {
            *from = Some(bodies.len() + 1);
            bodies.extend_from_slice(bytes);
        }
    }
    let rows = parameter(&rows)?;
    let sql = format!(
        "INSERT INTO versions (id, document_id, owner_id, number, status, name, declared_type, type_mismatch, \
         size_bytes, sha256, staged_url, created_at, body, is_direct) \
         SELECT x.id, x.document_id, x.owner_id, x.number, 'pending', x.name, x.declared_type, false, \
         x.size_bytes, x.sha256, x.staged_url, x.created_at, CASE WHEN x.body_from IS NOT NULL \
         THEN substr($2, CAST(x.body_from AS integer), CAST(x.size_bytes AS integer)) END, \
         COALESCE(x.is_direct, false) \
         FROM {} WHERE {condition}",
        Dialect::of(connection).rows(COLUMNS)
    );
    execute(connection, sql, [rows, bodies.into()]).await
}

/// Inserts an active version with the content of another one of the same document. The caller
/// has counted the reference.
pub async fn copy_version(
    connection: &impl ConnectionTrait,
    original: Uuid,
    (id, number): (VersionId, u32),
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "INSERT INTO versions (id, document_id, owner_id, number, status, name, declared_type, mime_type, \
         type_mismatch, size_bytes, sha256, blob_id, created_at, settled_at) \
         SELECT $1, document_id, owner_id, $2, 'active', name, declared_type, mime_type, type_mismatch, \
         size_bytes, sha256, blob_id, $3, $3 FROM versions WHERE id = $4";
    let values = [
        id.0.into(),
        i64::from(number).into(),
        now.as_micros().into(),
        original.into(),
    ];
    execute(connection, sql, values).await?;
    Ok(())
}
