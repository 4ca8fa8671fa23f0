//! Deleting documents.

use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use crate::DbError;
use crate::batch::{parameter, query_as};
use crate::dialect::Dialect;

/// A document whose row was deleted.
#[derive(Debug, FromQueryResult)]
pub struct DeletedDocument {
    pub owner_id: Uuid,
    pub status: String,
}

/// Deletes documents with what refers to them.
pub async fn delete_documents(
    connection: &impl ConnectionTrait,
    ids: &[Uuid],
) -> Result<Vec<DeletedDocument>, DbError> {
    let sql = format!(
        "DELETE FROM documents WHERE id IN ({}) RETURNING owner_id, status",
        Dialect::of(connection).ids()
    );
    query_as(connection, sql, [parameter(ids)?]).await
}
