//! Inserting documents.

use std::collections::HashSet;

use sea_orm::ConnectionTrait;
use serde::Serialize;
use uuid::Uuid;

use crate::DbError;
use crate::batch::{Columns, Kind, parameter, query_column};
use crate::dialect::Dialect;
use domain::{
    ByteSize, DocumentId, DocumentName, MediaType, Metadata, Sha256, Timestamp, UniqueName, UserId,
};

/// A document with its first version, which is pending.
#[derive(Debug, Serialize)]
pub struct NewDocument<'a> {
    pub id: DocumentId,
    pub owner_id: UserId,
    pub name: &'a DocumentName,
    pub name_folded: String,
    pub unique_name: Option<&'a UniqueName>,
    pub is_public: bool,
    pub metadata: &'a Metadata,
    /// The metadata as it was sent, if `jsonb` would write it in another way.
    pub metadata_text: Option<String>,
    pub declared_type: Option<&'a MediaType>,
    pub size_bytes: ByteSize,
    pub sha256: Sha256,
    /// Where the bytes of the first version are staged.
    pub staged_url: &'a str,
    pub created_at: Timestamp,
}

/// Inserts the documents whose owner exists, whose unique name is free and whose bytes are not to
/// be removed. Returns their ids. Names are taken in one order, so that two groups don't wait for
/// each other.
pub async fn insert_documents(
    connection: &impl ConnectionTrait,
    documents: &[NewDocument<'_>],
) -> Result<HashSet<Uuid>, DbError> {
    const COLUMNS: &Columns = &[
        ("id", Kind::Uuid),
        ("owner_id", Kind::Uuid),
        ("name", Kind::Text),
        ("name_folded", Kind::Text),
        ("unique_name", Kind::Text),
        ("is_public", Kind::Boolean),
        ("metadata", Kind::Json),
        ("metadata_text", Kind::Text),
        ("declared_type", Kind::Text),
        ("size_bytes", Kind::Integer),
        ("sha256", Kind::Text),
        ("staged_url", Kind::Text),
        ("created_at", Kind::Integer),
    ];
    let sql = format!(
        "INSERT INTO documents (id, owner_id, name, name_folded, unique_name, is_public, metadata, metadata_text, \
         status, declared_type, type_mismatch, size_bytes, sha256, latest_version, revision, created_at, updated_at) \
         SELECT x.id, x.owner_id, x.name, x.name_folded, x.unique_name, x.is_public, x.metadata, x.metadata_text, \
         'pending', x.declared_type, false, x.size_bytes, x.sha256, 1, 1, x.created_at, x.created_at \
         FROM {} JOIN users ON users.id = x.owner_id \
         WHERE NOT EXISTS (SELECT 1 FROM discards WHERE discards.url = x.staged_url) \
         ORDER BY x.unique_name ON CONFLICT (unique_name) DO NOTHING RETURNING id",
        Dialect::of(connection).rows(COLUMNS)
    );
    query_column(connection, sql, [parameter(documents)?]).await
}
