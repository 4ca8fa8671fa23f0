//! Changes the name, visibility and metadata of documents; archives and restores them.

use std::collections::HashMap;

use sea_orm::ActiveValue::Set;
use sea_orm::FromQueryResult;
use serde_json::Value;
use uuid::Uuid;

use super::lock::{lock_document, record_event, reload};
use super::{ChangeError, Target};
use crate::batch::{parameter, query_as};
use crate::retry_on_conflict::retry_on_conflict;
use crate::tables::documents::{
    DocumentUpdate, StatusChange, set_statuses, update_document, update_edited,
};
use crate::{Commit, DatabaseTransaction, DbError};
use domain::{
    Document, DocumentId, DocumentName, EventKind, Status, Timestamp, Transition, UniqueName,
    Visibility,
};

/// The changes to a document; `None` keeps the value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DocumentChanges {
    /// The new name.
    pub name: Option<DocumentName>,
    /// The new unique name, or none.
    pub unique_name: Option<Option<UniqueName>>,
    /// Whether it is public.
    pub is_public: Option<bool>,
    /// A merge patch (RFC 7396) of the metadata.
    pub metadata: Option<Value>,
}

/// Edits a document. The revision stays the same if nothing changes.
pub async fn edit_document(
    on: &impl Commit<Document>,
    target: &Target,
    changes: DocumentChanges,
    now: Timestamp,
) -> Result<Document, ChangeError> {
    retry_on_conflict(|| async {
        let _slot = on.database().change_slot(target.owner).await?;
        let transaction = on.database().begin().await?;
        let before = lock_document(&transaction, target).await?;
        let Some(after) = edited(&before, &changes)? else {
            on.commit(transaction, &before).await?;
            return Ok(before);
        };
        match update_edited(&transaction, &[&after], now).await {
            Err(DbError::Constraint(_)) => return Err(ChangeError::UniqueNameTaken),
            written => written?,
        }
        record_event(&transaction, &before, EventKind::Edited, None, now).await?;
        finish(on, transaction, &before).await
    })
    .await
}

/// Returns the document after the changes; `None` if they change nothing.
pub(crate) fn edited(
    before: &Document,
    changes: &DocumentChanges,
) -> Result<Option<Document>, ChangeError> {
    let unique_name = match &changes.unique_name {
        Some(unique_name) => unique_name.clone(),
        None => before.visibility.unique_name().cloned(),
    };
    let is_public = changes
        .is_public
        .unwrap_or_else(|| before.visibility.is_public());
    let visibility =
        Visibility::new(unique_name, is_public).ok_or(ChangeError::PublicWithoutName)?;
    let metadata = match &changes.metadata {
        Some(patch) => before.metadata.merged(patch.clone())?,
        None => before.metadata.clone(),
    };
    let after = Document {
        name: changes.name.clone().unwrap_or_else(|| before.name.clone()),
        visibility,
        metadata,
        ..before.clone()
    };
    Ok(Some(after).filter(|after| after != before))
}

/// Archives an active document.
pub async fn archive_document(
    on: &impl Commit<Document>,
    target: &Target,
    now: Timestamp,
) -> Result<Document, ChangeError> {
    move_document(on, target, Transition::Archive, now).await
}

/// Restores an archived document.
pub async fn restore_document(
    on: &impl Commit<Document>,
    target: &Target,
    now: Timestamp,
) -> Result<Document, ChangeError> {
    move_document(on, target, Transition::Restore, now).await
}

async fn move_document(
    on: &impl Commit<Document>,
    target: &Target,
    verb: Transition,
    now: Timestamp,
) -> Result<Document, ChangeError> {
    retry_on_conflict(|| async {
        let _slot = on.database().change_slot(target.owner).await?;
        let transaction = on.database().begin().await?;
        let before = lock_document(&transaction, target).await?;
        let status = before.lifecycle.status().after(verb)?;
        let moved = Move::new(before.id, status, now);
        write_moves(&transaction, &[moved], now).await?;
        record_event(&transaction, &before, moved.event(), None, now).await?;
        finish(on, transaction, &before).await
    })
    .await
}

/// A document to be archived or restored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Move(StatusChange);

impl Move {
    /// A document that changes to `status`; if archived, at `archived_at`.
    pub(crate) fn new(document: DocumentId, status: Status, archived_at: Timestamp) -> Self {
        Self(StatusChange {
            id: document,
            status,
            archived_at: (status == Status::Archived).then_some(archived_at),
        })
    }

    /// The document.
    pub(crate) const fn document(&self) -> DocumentId {
        self.0.id
    }

    /// The kind of its event.
    pub(crate) const fn event(&self) -> EventKind {
        if self.0.archived_at.is_some() {
            EventKind::Archived
        } else {
            EventKind::Restored
        }
    }
}

/// Writes the new statuses of locked documents.
pub(crate) async fn write_moves(
    transaction: &DatabaseTransaction,
    moves: &[Move],
    now: Timestamp,
) -> Result<(), DbError> {
    let changes: Vec<_> = moves.iter().map(|moved| moved.0).collect();
    set_statuses(transaction, &changes, now).await
}

/// Returns which documents have which of `names`.
pub(crate) async fn holders(
    transaction: &DatabaseTransaction,
    names: &[&UniqueName],
) -> Result<HashMap<String, DocumentId>, DbError> {
    #[derive(FromQueryResult)]
    struct Holder {
        unique_name: String,
        id: Uuid,
    }

    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!(
        "SELECT unique_name, id FROM documents WHERE unique_name IN ({})",
        transaction.dialect().texts()
    );
    let found: Vec<Holder> = query_as(transaction, sql, [parameter(names)?]).await?;
    let found = found.into_iter();
    Ok(found
        .map(|holder| (holder.unique_name, DocumentId(holder.id)))
        .collect())
}

/// The row of a change that the owner sees.
pub(super) fn revised(before: &Document, now: Timestamp) -> DocumentUpdate {
    DocumentUpdate {
        id: Set(before.id.0),
        revision: Set((before.revision + 1).cast_signed()),
        updated_at: Set(now.as_micros()),
        ..Default::default()
    }
}

/// Updates the document's row; only a unique name can be refused.
pub(super) async fn update(
    transaction: &DatabaseTransaction,
    row: DocumentUpdate,
) -> Result<(), ChangeError> {
    match update_document(transaction, row).await {
        Ok(()) => Ok(()),
        Err(DbError::Constraint(_)) => Err(ChangeError::UniqueNameTaken),
        Err(error) => Err(error.into()),
    }
}

/// Commits, and returns the document as of then.
pub(super) async fn finish(
    on: &impl Commit<Document>,
    transaction: DatabaseTransaction,
    before: &Document,
) -> Result<Document, ChangeError> {
    let after = reload(&transaction, before.id).await?;
    on.commit(transaction, &after).await?;
    Ok(after)
}
