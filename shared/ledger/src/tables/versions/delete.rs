//! Deleting versions.

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use uuid::Uuid;

use crate::DbError;
use crate::batch::query_as;

/// A version whose row was deleted.
#[derive(Debug, FromQueryResult)]
pub struct DeletedVersion {
    pub id: Uuid,
    pub owner_id: Uuid,
    pub document_id: Uuid,
    pub number: i64,
    pub status: String,
    pub size_bytes: i64,
    pub blob_id: Option<Uuid>,
    pub staged_url: Option<String>,
    pub is_direct: bool,
}

/// Deletes the versions whose ids `subquery` gives, with `$1` as its parameter.
pub async fn delete_versions(
    connection: &impl ConnectionTrait,
    subquery: &str,
    parameter: Value,
) -> Result<Vec<DeletedVersion>, DbError> {
    let sql = format!(
        "DELETE FROM versions WHERE id IN ({subquery}) \
         RETURNING id, owner_id, document_id, number, status, size_bytes, blob_id, staged_url, is_direct"
    );
    query_as(connection, sql, [parameter]).await
}
