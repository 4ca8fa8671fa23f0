//! Taking hold of a document for a change: it exists, is the caller's, and has the expected revision.

use sea_orm::sea_query::LockType;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};

use super::ChangeError;
use crate::db::batch::execute;
use crate::db::entities::document;
use crate::db::{DbError, events};
use crate::domain::{ByteSize, Document, DocumentId, Limits, Timestamp, UserId};

/// What `If-Match` demands of the document's revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing.
    #[default]
    None,
    /// One of these revisions.
    OneOf(Vec<u64>),
}

/// The document that is to be changed, and by whom.
#[derive(Clone, Debug)]
pub struct Target {
    /// The document.
    pub document: DocumentId,
    /// Who changes it; it must be theirs.
    pub owner: UserId,
    /// What must be true of it.
    pub precondition: Precondition,
}

/// Locks the document's row and gives the document.
pub(super) async fn hold(
    transaction: &DatabaseTransaction,
    target: &Target,
) -> Result<Document, ChangeError> {
    let select = document::Entity::find_by_id(target.document.0)
        .filter(document::Column::OwnerId.eq(target.owner.0))
        .lock(LockType::NoKeyUpdate);
    let row = select
        .one(transaction)
        .await?
        .ok_or(ChangeError::NotFound)?;
    let document = Document::try_from(row)?;
    match &target.precondition {
        Precondition::OneOf(revisions) if !revisions.contains(&document.revision) => {
            Err(ChangeError::RevisionMismatch)
        }
        _ => Ok(document),
    }
}

/// The document as it is within the transaction.
pub(super) async fn again(
    transaction: &DatabaseTransaction,
    id: DocumentId,
) -> Result<Document, ChangeError> {
    let row = document::Entity::find_by_id(id.0)
        .one(transaction)
        .await?
        .ok_or(ChangeError::NotFound)?;
    Ok(Document::try_from(row)?)
}

/// Reserves or uses bytes and documents of the owner if they fit.
pub(super) async fn charge(
    transaction: &DatabaseTransaction,
    owner: UserId,
    charge: Charge,
    limits: &Limits,
) -> Result<(), ChangeError> {
    let sql = "UPDATE users SET used_bytes = used_bytes + $2, reserved_bytes = reserved_bytes + $3, \
         used_documents = used_documents + $4 WHERE id = $1 \
         AND used_bytes + reserved_bytes + $2 + $3 <= COALESCE(quota_bytes, $5) \
         AND ($4 = 0 OR used_documents + $4 <= COALESCE(quota_documents, $6))";
    let values = [
        owner.0.into(),
        charge.used.as_i64().into(),
        charge.reserved.as_i64().into(),
        charge.documents.into(),
        limits.default_quota_bytes.as_i64().into(),
        i64::from(limits.default_quota_documents).into(),
    ];
    match execute(transaction, sql, values).await? {
        0 => Err(ChangeError::QuotaExceeded),
        _ => Ok(()),
    }
}

/// What is taken from an owner's quota.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Charge {
    pub used: ByteSize,
    pub reserved: ByteSize,
    pub documents: i64,
}

/// Writes an event of the document's owner into its timeline.
pub(super) async fn note(
    transaction: &DatabaseTransaction,
    document: &Document,
    kind: &'static str,
    version: Option<u32>,
    now: Timestamp,
) -> Result<(), DbError> {
    events::add(transaction, document.owner, document.id, kind, version, now).await
}
