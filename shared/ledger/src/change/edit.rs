//! Changes of what documents are called, say of themselves, and whether readers get them.

use std::collections::HashMap;

use sea_orm::ActiveModelTrait;
use sea_orm::ActiveValue::Set;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::anew::anew;
use super::hold::{again, hold, note};
use super::{ChangeError, Target};
use crate::batch::{Columns, Kind, execute, parameter, query};
use crate::tables::documents as document;
use crate::{Commit, DatabaseTransaction, DbError, respelled};
use domain::{
    Document, DocumentId, DocumentName, Metadata, Status, Timestamp, Transition, UniqueName,
    Visibility,
};

/// What changes of a document; `None` stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DocumentChanges {
    /// A new name.
    pub name: Option<DocumentName>,
    /// Another unique name, or none.
    pub unique_name: Option<Option<UniqueName>>,
    /// Whether everybody may read it.
    pub is_public: Option<bool>,
    /// A merge patch (RFC 7396) of the metadata.
    pub metadata: Option<Value>,
}

/// Edits a document. Changes that change nothing leave the revision as it is.
pub async fn edit_document(
    on: &impl Commit<Document>,
    target: &Target,
    changes: DocumentChanges,
    now: Timestamp,
) -> Result<Document, ChangeError> {
    anew(|| async {
        let _slot = on.database().change_slot(target.owner).await?;
        let transaction = on.database().begin().await?;
        let before = hold(&transaction, target).await?;
        let Some(after) = edited(&before, &changes)? else {
            on.commit(transaction, &before).await?;
            return Ok(before);
        };
        match write_edits(&transaction, &[&after], now).await {
            Err(DbError::Constraint(_)) => return Err(ChangeError::UniqueNameTaken),
            written => written?,
        }
        note(&transaction, &before, "edited", None, now).await?;
        finish(on, transaction, &before).await
    })
    .await
}

/// What a document becomes by changes; `None` if they change nothing.
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

/// Puts an active document away.
pub async fn archive_document(
    on: &impl Commit<Document>,
    target: &Target,
    now: Timestamp,
) -> Result<Document, ChangeError> {
    move_document(on, target, Transition::Archive, now).await
}

/// Takes an archived document back.
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
    anew(|| async {
        let _slot = on.database().change_slot(target.owner).await?;
        let transaction = on.database().begin().await?;
        let before = hold(&transaction, target).await?;
        let status = before.lifecycle.status().after(verb)?;
        let moved = Move::new(before.id, status, now);
        write_moves(&transaction, &[moved], now).await?;
        note(&transaction, &before, moved.event(), None, now).await?;
        finish(on, transaction, &before).await
    })
    .await
}

/// A document that is put away, or taken back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Move {
    document: DocumentId,
    status: Status,
    archived_at: Option<Timestamp>,
}

impl Move {
    /// A document that comes to `status`; when it is put away, at `archived_at`.
    pub(crate) fn new(document: DocumentId, status: Status, archived_at: Timestamp) -> Self {
        Self {
            document,
            status,
            archived_at: (status == Status::Archived).then_some(archived_at),
        }
    }

    /// The document.
    pub(crate) const fn document(&self) -> DocumentId {
        self.document
    }

    /// What its timeline says.
    pub(crate) const fn event(&self) -> &'static str {
        if self.archived_at.is_some() {
            "archived"
        } else {
            "restored"
        }
    }
}

/// Writes moves of documents that are held.
pub(crate) async fn write_moves(
    transaction: &DatabaseTransaction,
    moves: &[Move],
    now: Timestamp,
) -> Result<(), DbError> {
    const COLUMNS: &Columns = &[
        ("id", Kind::Uuid),
        ("status", Kind::Text),
        ("archived_at", Kind::Integer),
    ];

    #[derive(Serialize)]
    struct Row {
        id: Uuid,
        status: &'static str,
        archived_at: Option<i64>,
    }

    let row = |moved: &Move| Row {
        id: moved.document.0,
        status: moved.status.as_str(),
        archived_at: moved.archived_at.map(Timestamp::as_micros),
    };
    let list = transaction.dialect().rows(COLUMNS);
    let sql = format!(
        "UPDATE documents SET status = x.status, archived_at = x.archived_at, \
         revision = revision + 1, updated_at = $2 FROM {list} WHERE documents.id = x.id"
    );
    let moves: Vec<_> = moves.iter().map(row).collect();
    execute(
        transaction,
        sql,
        [parameter(&moves)?, now.as_micros().into()],
    )
    .await?;
    Ok(())
}

/// Writes what edited documents, which are held, are called and say of themselves. It
/// fails as a whole if a unique name is taken.
pub(crate) async fn write_edits(
    transaction: &DatabaseTransaction,
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
            metadata_text: respelled::text_of(&document.metadata),
        }
    }

    let list = transaction.dialect().rows(COLUMNS);
    let sql = format!(
        "UPDATE documents SET name = x.name, name_folded = x.name_folded, unique_name = x.unique_name, \
         is_public = x.is_public, metadata = x.metadata, metadata_text = x.metadata_text, \
         revision = revision + 1, updated_at = $2 FROM {list} WHERE documents.id = x.id"
    );
    let documents: Vec<_> = documents.iter().copied().map(row).collect();
    execute(
        transaction,
        sql,
        [parameter(&documents)?, now.as_micros().into()],
    )
    .await?;
    Ok(())
}

/// Which documents have which of `names`.
pub(crate) async fn holders(
    transaction: &DatabaseTransaction,
    names: &[&UniqueName],
) -> Result<HashMap<String, DocumentId>, DbError> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!(
        "SELECT unique_name, id FROM documents WHERE unique_name IN ({})",
        transaction.dialect().texts()
    );
    let found = query(transaction, sql, [parameter(names)?]).await?;
    found
        .into_iter()
        .map(|row| {
            Ok((
                row.try_get_by_index(0)?,
                DocumentId(row.try_get_by_index(1)?),
            ))
        })
        .collect()
}

/// The row of a change that its owner sees.
pub(super) fn revised(before: &Document, now: Timestamp) -> document::ActiveModel {
    document::ActiveModel {
        id: Set(before.id.0),
        revision: Set((before.revision + 1).cast_signed()),
        updated_at: Set(now.as_micros()),
        ..Default::default()
    }
}

/// Updates the document's row; only unique names can be refused.
pub(super) async fn update(
    transaction: &DatabaseTransaction,
    row: document::ActiveModel,
) -> Result<(), ChangeError> {
    match row.update(transaction).await.map_err(DbError::from) {
        Ok(_) => Ok(()),
        Err(DbError::Constraint(_)) => Err(ChangeError::UniqueNameTaken),
        Err(error) => Err(error.into()),
    }
}

/// Commits, and gives the document as it is then.
pub(super) async fn finish(
    on: &impl Commit<Document>,
    transaction: DatabaseTransaction,
    before: &Document,
) -> Result<Document, ChangeError> {
    let after = again(&transaction, before.id).await?;
    on.commit(transaction, &after).await?;
    Ok(after)
}
