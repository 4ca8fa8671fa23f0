//! Deleting documents.

use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use crate::DbError;
use crate::batch::{parameter, query_as};
use crate::dialect::Dialect;

/// A document whose row was deleted.
#[derive(Debug, FromQueryResult)]
pub struct DeletedDocument {
    pub id: Uuid,
    pub owner_id: Uuid,
    pub status: String,
    /// Its last shape, for its event.
    pub shape: String,
}

/// Deletes documents with what refers to them.
pub async fn delete_documents(
    connection: &impl ConnectionTrait,
    ids: &[Uuid],
) -> Result<Vec<DeletedDocument>, DbError> {
    let dialect = Dialect::of(connection);
    let sql = format!(
        "DELETE FROM documents WHERE id IN ({}) RETURNING id, owner_id, status, {} AS shape",
        dialect.ids(),
        dialect.document_shape()
    );
    query_as(connection, sql, [parameter(ids)?]).await
}
