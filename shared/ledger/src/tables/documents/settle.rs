//! What the end of its versions makes of a document.

use sea_orm::ConnectionTrait;
use serde::Serialize;
use uuid::Uuid;

use crate::DbError;
use crate::batch::{Columns, Kind, execute, parameter, query_column};
use crate::dialect::Dialect;
use domain::{ByteSize, DocumentId, ErrorCode, MediaType, Sha256, Timestamp};

/// A version that readers get from now on.
#[derive(Debug, Serialize)]
pub struct CurrentVersion<'a> {
    pub document_id: DocumentId,
    pub number: u32,
    pub mime_type: &'a MediaType,
    pub type_mismatch: bool,
    pub declared_type: Option<&'a MediaType>,
    pub size_bytes: ByteSize,
    pub sha256: Sha256,
    pub storage_url: &'a str,
}

/// Makes documents show versions that became active, one for each document, unless they show
/// a newer one. Pending documents become active.
pub async fn show_versions(
    connection: &impl ConnectionTrait,
    versions: &[CurrentVersion<'_>],
    now: Timestamp,
) -> Result<(), DbError> {
    const COLUMNS: &Columns = &[
        ("document_id", Kind::Uuid),
        ("number", Kind::Integer),
        ("mime_type", Kind::Text),
        ("type_mismatch", Kind::Boolean),
        ("declared_type", Kind::Text),
        ("size_bytes", Kind::Integer),
        ("sha256", Kind::Text),
        ("storage_url", Kind::Text),
    ];
    let sql = format!(
        "UPDATE documents SET status = CASE documents.status WHEN 'pending' THEN 'active' ELSE documents.status END, \
         version = x.number, mime_type = x.mime_type, type_mismatch = x.type_mismatch, \
         declared_type = x.declared_type, size_bytes = x.size_bytes, sha256 = x.sha256, storage_url = x.storage_url, \
         revision = revision + 1, updated_at = $2 FROM {} WHERE documents.id = x.document_id \
         AND (documents.version IS NULL OR documents.version < x.number)",
        Dialect::of(connection).rows(COLUMNS)
    );
    let values = [parameter(versions)?, now.as_micros().into()];
    execute(connection, sql, values).await?;
    Ok(())
}

/// A document of which a version failed.
#[derive(Debug, Serialize)]
pub struct FailedDocument<'a> {
    pub id: DocumentId,
    pub error_code: ErrorCode,
    pub error_detail: &'a str,
}

/// Ends pending documents of which no version is pending any more in `error`. Returns their ids.
pub async fn fail_documents<C>(
    connection: &impl ConnectionTrait,
    documents: &[FailedDocument<'_>],
    now: Timestamp,
) -> Result<C, DbError>
where
    C: IntoIterator<Item = Uuid> + FromIterator<Uuid>,
{
    const COLUMNS: &Columns = &[
        ("id", Kind::Uuid),
        ("error_code", Kind::Text),
        ("error_detail", Kind::Text),
    ];
    let sql = format!(
        "UPDATE documents SET status = 'error', error_code = x.error_code, error_detail = x.error_detail, \
         revision = revision + 1, updated_at = $2 FROM {} \
         WHERE documents.id = x.id AND documents.status = 'pending' \
         AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.document_id = documents.id AND v.status = 'pending') \
         RETURNING documents.id",
        Dialect::of(connection).rows(COLUMNS)
    );
    let values = [parameter(documents)?, now.as_micros().into()];
    query_column(connection, sql, values).await
}

/// Makes a document show its newest active version, whatever it shows. Returns whether it has one.
/// The caller keeps the content of its versions where it is.
pub async fn show_newest_active(
    connection: &impl ConnectionTrait,
    id: DocumentId,
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = "UPDATE documents SET status = CASE documents.status WHEN 'archived' THEN 'archived' ELSE 'active' END, \
         error_code = NULL, error_detail = NULL, version = v.number, mime_type = v.mime_type, \
         type_mismatch = v.type_mismatch, declared_type = v.declared_type, size_bytes = v.size_bytes, \
         sha256 = v.sha256, storage_url = v.storage_url, revision = documents.revision + 1, updated_at = $2 \
         FROM (SELECT n.*, b.storage_url FROM versions n JOIN blobs b ON b.id = n.blob_id \
         WHERE n.document_id = $1 AND n.status = 'active' ORDER BY n.number DESC LIMIT 1) AS v \
         WHERE documents.id = $1";
    let values = [id.0.into(), now.as_micros().into()];
    Ok(execute(connection, sql, values).await? > 0)
}
