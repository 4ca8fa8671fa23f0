//! Lets readers find the bytes of documents in another place.

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::DbError;
use crate::batch::execute;

/// Which documents show the content `$1` at another URL than `$2`.
pub const SHOWING_ELSEWHERE: &str = "FROM versions v JOIN documents d \
     ON d.id = v.document_id AND d.version = v.number \
     WHERE v.blob_id = $1 AND d.storage_url <> $2";

/// Lets all documents that show content `blob` find it at a URL. Nothing that clients see changes.
pub async fn relocate(
    connection: &impl ConnectionTrait,
    blob: Uuid,
    url: &str,
) -> Result<(), DbError> {
    let sql = format!(
        "UPDATE documents SET storage_url = $2 WHERE id IN \
         (SELECT v.document_id {SHOWING_ELSEWHERE})"
    );
    execute(connection, sql, [blob.into(), url.into()]).await?;
    Ok(())
}
