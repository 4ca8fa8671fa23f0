//! Locks documents for a change, charges the quota, and records events.

use std::collections::{HashMap, HashSet};

use super::ChangeError;
use crate::batch::{parameter, query};
use crate::documents;
use crate::tables::documents::{Found, columns};
use crate::tables::events::{NewEvent, insert_events};
use crate::tables::users::{self, Charge, QuotaCharge, charge_quota};
use crate::{DatabaseTransaction, DbError};
use domain::{Document, DocumentId, EventKind, Limits, Timestamp, UserId};
use uuid::Uuid;

/// The condition of `If-Match` on the document's revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// No condition.
    #[default]
    None,
    /// One of these revisions.
    OneOf(Vec<u64>),
}

impl Precondition {
    /// Whether a document of this revision fulfils it.
    #[must_use]
    pub fn admits(&self, revision: u64) -> bool {
        match self {
            Self::None => true,
            Self::OneOf(revisions) => revisions.contains(&revision),
        }
    }
}

/// A document to be changed, and its owner.
#[derive(Clone, Debug)]
pub struct Target {
    /// The document.
    pub document: DocumentId,
    /// The user who changes it; must be the owner.
    pub owner: UserId,
    /// The condition on its revision.
    pub precondition: Precondition,
}

/// Locks the document's row and returns the document.
pub(super) async fn lock_document(
    transaction: &DatabaseTransaction,
    target: &Target,
) -> Result<Document, ChangeError> {
    let mut locked = lock_documents(transaction, target.owner, &[target.document]).await?;
    if locked.unreadable.contains(&target.document) {
        let corrupt = DbError::corrupt("documents", "row", target.document);
        return Err(corrupt.into());
    }
    let document = locked.documents.remove(&target.document);
    let document = document.ok_or(ChangeError::NotFound)?;
    match &target.precondition {
        Precondition::OneOf(revisions) if !revisions.contains(&document.revision) => {
            Err(ChangeError::RevisionMismatch)
        }
        _ => Ok(document),
    }
}

/// Locked documents, and those of them that can't be decoded.
#[derive(Debug, Default)]
pub(crate) struct LockedDocuments {
    pub documents: HashMap<DocumentId, Document>,
    pub unreadable: HashSet<DocumentId>,
}

/// Locks the rows of those of `documents` that belong to the owner, in one order, and returns them.
pub(crate) async fn lock_documents(
    transaction: &DatabaseTransaction,
    owner: UserId,
    documents: &[DocumentId],
) -> Result<LockedDocuments, DbError> {
    let dialect = transaction.dialect();
    // Not `owner_id = $2` alone: SQLite would then scan all rows of the owner.
    let sql = format!(
        "SELECT {} FROM documents WHERE id IN ({}) AND (owner_id = $2) IS TRUE ORDER BY id{}",
        columns(dialect),
        dialect.ids(),
        dialect.lock_rows("documents"),
    );
    let values = [parameter(documents)?, owner.0.into()];
    let found = Found::read(&query(transaction, sql, values).await?)?;
    let documents = found.documents.into_iter();
    Ok(LockedDocuments {
        documents: documents.map(|document| (document.id, document)).collect(),
        unreadable: found.unreadable.into_iter().collect(),
    })
}

/// Reads the document as the transaction sees it.
pub(super) async fn reload(
    transaction: &DatabaseTransaction,
    id: DocumentId,
) -> Result<Document, ChangeError> {
    let found = documents::find(transaction, "id = $1", [id.0.into()]).await?;
    found.ok_or(ChangeError::NotFound)
}

/// Charges the owner's quota if it fits.
pub(crate) async fn charge(
    transaction: &DatabaseTransaction,
    charge: QuotaCharge,
    limits: &Limits,
) -> Result<(), ChangeError> {
    let crowded = charge.crowded_id;
    let fitting = charge_quota(transaction, limits, &[charge]).await?;
    if fitting.is_empty() {
        return Err(if has_most_versions(transaction, crowded, limits).await? {
            ChangeError::TooManyVersions(limits.rows.versions)
        } else {
            ChangeError::QuotaExceeded
        });
    }
    Ok(())
}

/// Whether a charge was refused because of the limit of versions rather than the quota.
async fn has_most_versions(
    transaction: &DatabaseTransaction,
    document: Option<Uuid>,
    limits: &Limits,
) -> Result<bool, DbError> {
    let Some(document) = document else {
        return Ok(false);
    };
    let sql = "SELECT count(*) AS versions FROM versions WHERE document_id = $1";
    let found = query(transaction, sql, [document.into()]).await?;
    let row = found.first().map(|row| row.try_get::<i64>("", "versions"));
    Ok(row.transpose()?.unwrap_or(0) >= i64::from(limits.rows.versions))
}

/// Returns the charge with a new version of `document`. The versions are counted only if there may
/// be too many: some may have been removed.
pub(super) fn with_version_of(
    charge: QuotaCharge,
    document: &Document,
    limits: &Limits,
) -> QuotaCharge {
    let crowded = document.latest_version >= limits.rows.versions;
    QuotaCharge {
        crowded_id: crowded.then_some(document.id.0),
        ..charge
    }
}

/// Returns those of `wanted` that fit into the owner's quota one after the other, in their order.
/// Locks the owner's row, so that this stays true until the end of the transaction.
pub(super) async fn fitting(
    transaction: &DatabaseTransaction,
    owner: UserId,
    wanted: &[(DocumentId, Charge)],
    limits: &Limits,
) -> Result<HashSet<DocumentId>, DbError> {
    let Some(user) = users::lock(transaction, owner.0).await? else {
        return Ok(HashSet::new());
    };
    let (mut bytes, mut documents) = (user.bytes_left(limits), user.documents_left(limits));
    let mut fitting = HashSet::new();
    for (document, charge) in wanted {
        let needed = charge.used_bytes + charge.reserved_bytes;
        if needed <= bytes && (charge.used_documents == 0 || charge.used_documents <= documents) {
            bytes -= needed;
            documents -= charge.used_documents;
            fitting.insert(*document);
        }
    }
    Ok(fitting)
}

/// Records an event of a document. All rows that others may lock are locked by then.
pub(super) async fn record_event(
    transaction: &DatabaseTransaction,
    document: &Document,
    kind: EventKind,
    version: Option<u32>,
    now: Timestamp,
) -> Result<(), DbError> {
    let event = NewEvent::new(document.owner, kind, version, now).of(document.id);
    insert_events(transaction, &[event]).await
}
