//! Dates of the current content of documents, for `Last-Modified`. No other change of a document
//! affects them.

use crate::batch::query;
use crate::tables::documents::{columns, document};
use crate::{Database, DbError};
use domain::{Document, DocumentId, Timestamp, UniqueName};

/// The most events of a document that are looked at.
const LATEST: u32 = 1_000;

/// A document, with the date of its current content.
#[derive(Clone, Debug, PartialEq)]
pub struct DatedDocument {
    /// The document.
    pub document: Document,
    /// When its current version became active. Of a document without one, its last change.
    pub content_since: Timestamp,
}

/// Returns the document with this id, of any owner, with the date of its content.
pub async fn find_dated(db: &Database, id: DocumentId) -> Result<Option<DatedDocument>, DbError> {
    find(db, "documents.id = $1", id.0).await
}

/// Returns the public document with this name, as [`find_public`](super::find_public) does, with
/// the date of its content.
pub async fn find_public_dated(
    db: &Database,
    name: &UniqueName,
) -> Result<Option<DatedDocument>, DbError> {
    find(db, super::documents::PUBLIC, name.as_str()).await
}

async fn find(
    db: &Database,
    condition: &str,
    value: impl Into<sea_orm::Value>,
) -> Result<Option<DatedDocument>, DbError> {
    let reader = db.reader();
    // By the key of versions instead of a join, which a planner might start at its other end.
    let sql = format!(
        "SELECT {}, (SELECT v.settled_at FROM versions v WHERE v.document_id = documents.id \
         AND v.number = documents.version) AS content_since FROM documents WHERE {condition}",
        columns(reader.dialect())
    );
    let found = query(reader, sql, [value.into()]).await?;
    let Some(row) = found.first() else {
        return Ok(None);
    };
    let document = document(row)?;
    let since: Option<i64> = row.try_get("", "content_since")?;
    Ok(Some(DatedDocument {
        content_since: since.map_or(document.updated_at, Timestamp::from_micros),
        document,
    }))
}

/// Whether an earlier content of the document was current in the same second: then the date doesn't
/// distinguish them.
pub async fn is_second_shared(db: &Database, dated: &DatedDocument) -> Result<bool, DbError> {
    let Some(current) = dated.document.lifecycle.current() else {
        return Ok(false);
    };
    if current.version == 1 {
        // There was no content before it.
        return Ok(false);
    }
    // Versions are pruned, and the oldest events are trimmed. If an event from before that second
    // is kept, so are those within it; if all former versions are kept, no event is needed. Of very
    // many events the newest are looked at: they are as good as trimmed ones.
    let activated = "at >= $2 AND at < $3 AND kind IN ('activated', 'version_restored')";
    let sql = format!(
        "WITH latest AS (SELECT at, kind FROM events WHERE document_id <= $1 AND document_id >= $1 \
         ORDER BY document_id DESC, sequence DESC LIMIT {LATEST}) \
         SELECT (SELECT count(*) FROM latest WHERE {activated}) > 1 \
         OR EXISTS (SELECT 1 FROM versions WHERE document_id = $1 AND number <> $4 \
         AND status = 'active' AND settled_at >= $2 AND settled_at < $3) \
         OR NOT (EXISTS (SELECT 1 FROM latest WHERE at < $2) \
         OR (SELECT count(*) FROM versions WHERE document_id = $1 AND number < $4) = $4 - 1)"
    );
    let start = dated.content_since.as_micros().div_euclid(1_000_000) * 1_000_000;
    let values = [
        dated.document.id.0.into(),
        start.into(),
        (start + 1_000_000).into(),
        i64::from(current.version).into(),
    ];
    let rows = query(db.reader(), sql, values).await?;
    let shared: Option<bool> = rows
        .first()
        .map(|row| row.try_get_by_index(0))
        .transpose()?;
    Ok(shared.unwrap_or(true))
}
