//! Inserting versions.

use sea_orm::ConnectionTrait;
use serde::Serialize;
use uuid::Uuid;

use crate::DbError;
use crate::batch::{Columns, Kind, execute, parameter};
use crate::dialect::Dialect;
use domain::{ByteSize, DocumentId, DocumentName, MediaType, Sha256, Timestamp, UserId, VersionId};

/// A version that is pending.
#[derive(Debug, Serialize)]
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
    pub created_at: Timestamp,
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
    ];
    let sql = format!(
        "INSERT INTO versions (id, document_id, owner_id, number, status, name, declared_type, type_mismatch, \
         size_bytes, sha256, staged_url, created_at) \
         SELECT x.id, x.document_id, x.owner_id, x.number, 'pending', x.name, x.declared_type, false, \
         x.size_bytes, x.sha256, x.staged_url, x.created_at FROM {} WHERE {condition}",
        Dialect::of(connection).rows(COLUMNS)
    );
    execute(connection, sql, [parameter(versions)?]).await
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
