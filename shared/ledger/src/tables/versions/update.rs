//! What becomes of versions: active, failed, pending again, without staged bytes.

use sea_orm::{ConnectionTrait, FromQueryResult};
use serde::Serialize;
use uuid::Uuid;

use crate::DbError;
use crate::batch::{Columns, Kind, execute, parameter, query_as};
use crate::dialect::Dialect;
use domain::{DocumentId, ErrorCode, MediaType, Sha256, Timestamp, VersionId};

/// A version that passed the pipeline.
#[derive(Debug, Serialize)]
pub struct ActivatedVersion<'a> {
    pub id: VersionId,
    pub mime_type: &'a MediaType,
    pub type_mismatch: bool,
    pub blob_id: Uuid,
}

/// Makes pending versions active.
pub async fn activate_versions(
    connection: &impl ConnectionTrait,
    versions: &[ActivatedVersion<'_>],
    now: Timestamp,
) -> Result<(), DbError> {
    const COLUMNS: &Columns = &[
        ("id", Kind::Uuid),
        ("mime_type", Kind::Text),
        ("type_mismatch", Kind::Boolean),
        ("blob_id", Kind::Uuid),
    ];
    let sql = format!(
        "UPDATE versions SET status = 'active', mime_type = x.mime_type, type_mismatch = x.type_mismatch, \
         blob_id = x.blob_id, staged_url = NULL, body = NULL, settled_at = $2 FROM {} WHERE versions.id = x.id",
        Dialect::of(connection).rows(COLUMNS)
    );
    let values = [parameter(versions)?, now.as_micros().into()];
    execute(connection, sql, values).await?;
    Ok(())
}

/// A version that failed for good.
#[derive(Debug, Serialize)]
pub struct FailedVersion<'a> {
    pub id: VersionId,
    pub document_id: DocumentId,
    pub error_code: ErrorCode,
    pub error_detail: &'a str,
    /// Whether it keeps its staged bytes if it is the latest of its document.
    pub may_be_kept: bool,
}

/// Makes pending versions fail. Returns those that keep their staged bytes.
pub async fn fail_versions<C>(
    connection: &impl ConnectionTrait,
    versions: &[FailedVersion<'_>],
    now: Timestamp,
) -> Result<C, DbError>
where
    C: FromIterator<Uuid>,
{
    const COLUMNS: &Columns = &[
        ("id", Kind::Uuid),
        ("document_id", Kind::Uuid),
        ("error_code", Kind::Text),
        ("error_detail", Kind::Text),
        ("may_be_kept", Kind::Boolean),
    ];

    #[derive(FromQueryResult)]
    struct Failed {
        id: Uuid,
        is_kept: bool,
    }

    const IS_KEPT: &str = "x.may_be_kept AND versions.number = \
         (SELECT d.latest_version FROM documents d WHERE d.id = x.document_id)";
    let sql = format!(
        "UPDATE versions SET status = 'error', error_code = x.error_code, error_detail = x.error_detail, \
         settled_at = $2, staged_url = CASE WHEN {IS_KEPT} THEN versions.staged_url END, \
         body = CASE WHEN {IS_KEPT} THEN versions.body END \
         FROM {} WHERE versions.id = x.id RETURNING versions.id, versions.staged_url IS NOT NULL AS is_kept",
        Dialect::of(connection).rows(COLUMNS)
    );
    let values = [parameter(versions)?, now.as_micros().into()];
    let failed: Vec<Failed> = query_as(connection, sql, values).await?;
    let kept = failed.into_iter().filter(|version| version.is_kept);
    Ok(kept.map(|version| version.id).collect())
}

/// Gives a version whose bytes a client wrote straight into the storage a copy of them, and their
/// digest.
pub async fn receive_direct(
    connection: &impl ConnectionTrait,
    version: VersionId,
    (copy, sha256): (&str, Sha256),
) -> Result<(), DbError> {
    let sql = "UPDATE versions SET is_direct = false, staged_url = $2, sha256 = $3 WHERE id = $1";
    let values = [version.0.into(), copy.into(), sha256.to_string().into()];
    execute(connection, sql, values).await?;
    Ok(())
}

/// Makes failed versions pending again.
pub async fn return_to_pending(
    connection: &impl ConnectionTrait,
    versions: &[VersionId],
) -> Result<(), DbError> {
    let sql = format!(
        "UPDATE versions SET status = 'pending', error_code = NULL, error_detail = NULL, settled_at = NULL \
         WHERE id IN ({})",
        Dialect::of(connection).ids()
    );
    execute(connection, sql, [parameter(versions)?]).await?;
    Ok(())
}

/// Takes the staged bytes from failed versions, which can't be retried any more.
pub async fn forget_staged_bytes(
    connection: &impl ConnectionTrait,
    versions: &[Uuid],
) -> Result<(), DbError> {
    let sql = format!(
        "UPDATE versions SET staged_url = NULL, body = NULL WHERE id IN ({})",
        Dialect::of(connection).ids()
    );
    execute(connection, sql, [parameter(versions)?]).await?;
    Ok(())
}

/// What was forgotten of a failed version.
#[derive(Debug, FromQueryResult)]
pub struct ForgottenBytes {
    pub owner_id: Uuid,
    pub size_bytes: i64,
}

/// Takes the staged bytes at `url` from a version, if it has failed and still has them.
pub async fn forget_missing_bytes(
    connection: &impl ConnectionTrait,
    version: Uuid,
    url: &str,
) -> Result<Option<ForgottenBytes>, DbError> {
    let sql = format!(
        "UPDATE versions SET staged_url = NULL, body = NULL WHERE id = $1 AND status = 'error' AND staged_url{} = $2 \
         RETURNING owner_id, size_bytes",
        Dialect::of(connection).bytewise()
    );
    let forgotten = query_as(connection, sql, [version.into(), url.into()]).await?;
    Ok(forgotten.into_iter().next())
}
