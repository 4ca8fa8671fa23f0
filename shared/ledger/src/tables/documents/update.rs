//! Changing documents: by their owners, and with new versions.

use sea_orm::{ActiveModelTrait, ConnectionTrait};
use serde::Serialize;
use uuid::Uuid;

use super::DocumentUpdate;
use crate::batch::{Columns, Kind, execute, parameter};
use crate::dialect::Dialect;
use crate::{DbError, verbatim_json};
use domain::{
    ByteSize, Document, DocumentId, DocumentName, MediaType, Metadata, Sha256, Status, Timestamp,
    UniqueName,
};

/// Updates one row.
pub async fn update_document(
    connection: &impl ConnectionTrait,
    row: DocumentUpdate,
) -> Result<(), DbError> {
    row.update(connection).await?;
    Ok(())
}

/// Writes what owners can edit: names, visibility and metadata. Fails as a whole if a unique name
/// is taken.
pub async fn update_edited(
    connection: &impl ConnectionTrait,
    documents: &[&Document],
    now: Timestamp,
) -> Result<(), DbError> {
    const COLUMNS: &Columns = &[
        ("id", Kind::Uuid),
        ("name", Kind::Text),
        ("name_folded", Kind::Text),
        ("unique_name", Kind::Text),
        ("is_public", Kind::Boolean),
        ("metadata", Kind::Json),
        ("metadata_text", Kind::Text),
    ];

    #[derive(Serialize)]
    struct Row<'a> {
        id: Uuid,
        name: &'a DocumentName,
        name_folded: String,
        unique_name: Option<&'a UniqueName>,
        is_public: bool,
        metadata: &'a Metadata,
        metadata_text: Option<String>,
    }

    fn row(document: &Document) -> Row<'_> {
        Row {
            id: document.id.0,
            name: &document.name,
            name_folded: document.name.folded(),
            unique_name: document.visibility.unique_name(),
            is_public: document.visibility.is_public(),
            metadata: &document.metadata,
            metadata_text: verbatim_json::verbatim_text(&document.metadata),
        }
    }

    let sql = format!(
        "UPDATE documents SET name = x.name, name_folded = x.name_folded, unique_name = x.unique_name, \
         is_public = x.is_public, metadata = x.metadata, metadata_text = x.metadata_text, \
         revision = revision + 1, updated_at = $2 FROM {} WHERE documents.id = x.id",
        Dialect::of(connection).rows(COLUMNS)
    );
    let documents: Vec<_> = documents.iter().copied().map(row).collect();
    let values = [parameter(&documents)?, now.as_micros().into()];
    execute(connection, sql, values).await?;
    Ok(())
}

/// A document that comes to another status than `error`.
#[derive(Clone, Copy, Debug)]
pub struct StatusChange {
    pub id: DocumentId,
    pub status: Status,
    /// Of one that is archived: since when.
    pub archived_at: Option<Timestamp>,
}

/// Writes statuses that owners or operators bring documents to: archived, restored, retried.
pub async fn set_statuses(
    connection: &impl ConnectionTrait,
    changes: &[StatusChange],
    now: Timestamp,
) -> Result<(), DbError> {
    const COLUMNS: &Columns = &[
        ("id", Kind::Uuid),
        ("status", Kind::Text),
        ("archived_at", Kind::Integer),
    ];

    #[derive(Serialize)]
    struct Row {
        id: DocumentId,
        status: &'static str,
        archived_at: Option<Timestamp>,
    }

    let row = |change: &StatusChange| Row {
        id: change.id,
        status: change.status.as_str(),
        archived_at: change.archived_at,
    };
    let sql = format!(
        "UPDATE documents SET status = x.status, archived_at = x.archived_at, error_code = NULL, \
         error_detail = NULL, revision = revision + 1, updated_at = $2 FROM {} WHERE documents.id = x.id",
        Dialect::of(connection).rows(COLUMNS)
    );
    let rows: Vec<_> = changes.iter().map(row).collect();
    let values = [parameter(&rows)?, now.as_micros().into()];
    execute(connection, sql, values).await?;
    Ok(())
}

/// A document that gets versions, with the number of the last one.
#[derive(Debug, Serialize)]
pub struct NewLatest<'a> {
    pub id: DocumentId,
    pub latest: u32,
    /// 1 if its owner sees a change: it was there before.
    pub revisions: u8,
    /// 1 if it goes from `error` back to `pending`, and shows what the last version says.
    pub revives: u8,
    pub size_bytes: ByteSize,
    pub sha256: Sha256,
    pub declared_type: Option<&'a MediaType>,
}

/// Raises the latest numbers of documents.
pub async fn raise_latest(
    connection: &impl ConnectionTrait,
    documents: &[NewLatest<'_>],
    now: Timestamp,
) -> Result<(), DbError> {
    const COLUMNS: &Columns = &[
        ("id", Kind::Uuid),
        ("latest", Kind::Integer),
        ("revisions", Kind::Integer),
        ("revives", Kind::Integer),
        ("size_bytes", Kind::Integer),
        ("sha256", Kind::Text),
        ("declared_type", Kind::Text),
    ];
    let sql = format!(
        "UPDATE documents SET latest_version = x.latest, revision = revision + x.revisions, \
         updated_at = CASE WHEN x.revisions = 1 THEN $2 ELSE updated_at END, \
         status = CASE WHEN x.revives = 1 THEN 'pending' ELSE status END, \
         error_code = CASE WHEN x.revives = 1 THEN NULL ELSE error_code END, \
         error_detail = CASE WHEN x.revives = 1 THEN NULL ELSE error_detail END, \
         size_bytes = CASE WHEN x.revives = 1 THEN x.size_bytes ELSE documents.size_bytes END, \
         sha256 = CASE WHEN x.revives = 1 THEN x.sha256 ELSE documents.sha256 END, \
         declared_type = CASE WHEN x.revives = 1 THEN x.declared_type ELSE documents.declared_type END \
         FROM {} WHERE documents.id = x.id",
        Dialect::of(connection).rows(COLUMNS)
    );
    let values = [parameter(documents)?, now.as_micros().into()];
    execute(connection, sql, values).await?;
    Ok(())
}
