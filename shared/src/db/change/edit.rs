//! Changes of what a document is called, says of itself, and whether readers get it.

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, DatabaseTransaction};
use serde_json::Value;

use super::hold::{again, hold, note};
use super::{ChangeError, Target};
use crate::db::entities::document;
use crate::db::{Commit, DbError};
use crate::domain::{
    Document, DocumentName, Metadata, Timestamp, Transition, UniqueName, Visibility,
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
    let transaction = on.database().begin().await?;
    let before = hold(&transaction, target).await?;
    let unique_name = changes
        .unique_name
        .unwrap_or_else(|| before.visibility.unique_name().cloned());
    let is_public = changes
        .is_public
        .unwrap_or_else(|| before.visibility.is_public());
    let visibility =
        Visibility::new(unique_name, is_public).ok_or(ChangeError::PublicWithoutName)?;
    let metadata = match changes.metadata {
        Some(patch) => before.metadata.merged(patch)?,
        None => before.metadata.clone(),
    };
    let after = Document {
        name: changes.name.unwrap_or_else(|| before.name.clone()),
        visibility,
        metadata,
        ..before.clone()
    };
    if after == before {
        on.commit(transaction, &before).await?;
        return Ok(before);
    }
    let row = document::ActiveModel {
        name: Set(after.name.to_string()),
        name_folded: Set(after.name.folded()),
        unique_name: Set(after.visibility.unique_name().map(UniqueName::to_string)),
        is_public: Set(after.visibility.is_public()),
        metadata: Set(Value::Object(Metadata::as_object(&after.metadata).clone())),
        ..revised(&before, now)
    };
    update(&transaction, row).await?;
    note(&transaction, &before, "edited", None, now).await?;
    finish(on, transaction, &before).await
}

/// Puts an active document away.
pub async fn archive_document(
    on: &impl Commit<Document>,
    target: &Target,
    now: Timestamp,
) -> Result<Document, ChangeError> {
    move_document(on, target, Transition::Archive, Some(now), now).await
}

/// Takes an archived document back.
pub async fn restore_document(
    on: &impl Commit<Document>,
    target: &Target,
    now: Timestamp,
) -> Result<Document, ChangeError> {
    move_document(on, target, Transition::Restore, None, now).await
}

async fn move_document(
    on: &impl Commit<Document>,
    target: &Target,
    verb: Transition,
    archived_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Document, ChangeError> {
    let transaction = on.database().begin().await?;
    let before = hold(&transaction, target).await?;
    let status = before.lifecycle.status().after(verb)?;
    let row = document::ActiveModel {
        status: Set(status.to_string()),
        archived_at: Set(archived_at.map(Timestamp::as_micros)),
        ..revised(&before, now)
    };
    update(&transaction, row).await?;
    let kind = if archived_at.is_some() {
        "archived"
    } else {
        "restored"
    };
    note(&transaction, &before, kind, None, now).await?;
    finish(on, transaction, &before).await
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
