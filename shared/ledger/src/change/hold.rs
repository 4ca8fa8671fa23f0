//! Taking hold of documents for a change, and what is charged and noted with it.

use std::collections::{HashMap, HashSet};

use super::ChangeError;
use crate::batch::{execute, parameter, query};
use crate::documents::{self, Found, columns};
use crate::events::NewEvent;
use crate::{DatabaseTransaction, DbError, events};
use domain::{Allowances, ByteSize, Document, DocumentId, Limits, Timestamp, UserId};

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
    let mut held = hold_all(transaction, target.owner, &[target.document]).await?;
    if held.unreadable.contains(&target.document) {
        let corrupt = DbError::corrupt("documents", "row", target.document);
        return Err(corrupt.into());
    }
    let document = held.documents.remove(&target.document);
    let document = document.ok_or(ChangeError::NotFound)?;
    match &target.precondition {
        Precondition::OneOf(revisions) if !revisions.contains(&document.revision) => {
            Err(ChangeError::RevisionMismatch)
        }
        _ => Ok(document),
    }
}

/// Documents that are locked, and those that are as well, but can't be read.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pub documents: HashMap<DocumentId, Document>,
    pub unreadable: HashSet<DocumentId>,
}

/// Locks the rows of those of `documents` that are the owner's, in one order, and gives them.
pub(crate) async fn hold_all(
    transaction: &DatabaseTransaction,
    owner: UserId,
    documents: &[DocumentId],
) -> Result<Held, DbError> {
    let dialect = transaction.dialect();
    // Not `owner_id = $2` alone: that would lead SQLite to go through all that the owner has.
    let sql = format!(
        "SELECT {} FROM documents WHERE id IN ({}) AND (owner_id = $2) IS TRUE ORDER BY id{}",
        columns(dialect),
        dialect.ids(),
        dialect.lock_rows("documents"),
    );
    let values = [parameter(documents)?, owner.0.into()];
    let found = Found::read(&query(transaction, sql, values).await?)?;
    let documents = found.documents.into_iter();
    Ok(Held {
        documents: documents.map(|document| (document.id, document)).collect(),
        unreadable: found.unreadable.into_iter().collect(),
    })
}

/// The document as it is within the transaction.
pub(super) async fn again(
    transaction: &DatabaseTransaction,
    id: DocumentId,
) -> Result<Document, ChangeError> {
    let found = documents::find(transaction, "id = $1", [id.0.into()]).await?;
    found.ok_or(ChangeError::NotFound)
}

/// Reserves or uses bytes and documents of the owner if they fit.
pub(crate) async fn charge(
    transaction: &DatabaseTransaction,
    owner: UserId,
    charge: Charge,
    limits: &Limits,
) -> Result<(), ChangeError> {
    let sql = "UPDATE users SET used_bytes = used_bytes + $2, reserved_bytes = reserved_bytes + $3, \
         used_documents = used_documents + $4, staging_bytes = staging_bytes - $7, \
         failed_versions = failed_versions - $8 WHERE id = $1 \
         AND used_bytes + reserved_bytes + $2 + $3 <= COALESCE(quota_bytes, $5) \
         AND ($4 = 0 OR used_documents + $4 <= COALESCE(quota_documents, $6)) \
         AND ($9 IS NULL OR (SELECT count(*) FROM versions WHERE document_id = $9) < $10) \
         AND ($11 = 0 OR failed_versions < $12 OR failed_versions < COALESCE(quota_documents, $6))";
    let values = [
        owner.0.into(),
        charge.used.as_i64().into(),
        charge.reserved.as_i64().into(),
        charge.documents.into(),
        limits.default_quota_bytes.as_i64().into(),
        i64::from(limits.default_quota_documents).into(),
        charge.retried_bytes.as_i64().into(),
        charge.retried_versions.into(),
        charge.crowded.map(|document| document.0).into(),
        i64::from(limits.rows.versions).into(),
        charge.may_fail.into(),
        i64::from(Allowances::FAILED_VERSIONS).into(),
    ];
    match execute(transaction, sql, values).await? {
        0 => Err(ChangeError::QuotaExceeded),
        _ => Ok(()),
    }
}

/// Gives back what was charged by the same transaction.
pub(crate) async fn release(
    transaction: &DatabaseTransaction,
    owner: UserId,
    charge: Charge,
) -> Result<(), DbError> {
    let sql = "UPDATE users SET used_bytes = used_bytes - $2, reserved_bytes = reserved_bytes - $3, \
         used_documents = used_documents - $4 WHERE id = $1";
    let values = [
        owner.0.into(),
        charge.used.as_i64().into(),
        charge.reserved.as_i64().into(),
        charge.documents.into(),
    ];
    execute(transaction, sql, values).await?;
    Ok(())
}

impl Charge {
    /// With a new version of `document`. Its versions are counted only where there can be too
    /// many: some may have been removed.
    pub(super) fn with_version_of(self, document: &Document, limits: &Limits) -> Self {
        let crowded = document.latest_version >= limits.rows.versions;
        Self {
            crowded: crowded.then_some(document.id),
            ..self
        }
    }
}

/// What is taken from an owner's quota.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Charge {
    pub used: ByteSize,
    pub reserved: ByteSize,
    pub documents: i64,
    /// Staged bytes of failed versions that are pending again, which no longer count as such.
    pub retried_bytes: ByteSize,
    /// How many versions these are.
    pub retried_versions: i64,
    /// The document that gets a version, if it may have as many as it can already.
    pub crowded: Option<DocumentId>,
    /// How many new versions there are that may come to nothing.
    pub may_fail: i64,
}

/// Those of `wanted`, in their order, that fit into the owner's quota one after the other.
/// The owner's row is locked, so that this stays true until the end of the transaction.
pub(super) async fn fitting(
    transaction: &DatabaseTransaction,
    owner: UserId,
    wanted: &[(DocumentId, Charge)],
    limits: &Limits,
) -> Result<HashSet<DocumentId>, DbError> {
    let sql = format!(
        "SELECT COALESCE(quota_bytes, $2) - used_bytes - reserved_bytes, \
         COALESCE(quota_documents, $3) - used_documents FROM users WHERE id = $1{}",
        transaction.dialect().lock_rows("users"),
    );
    let values = [
        owner.0.into(),
        limits.default_quota_bytes.as_i64().into(),
        i64::from(limits.default_quota_documents).into(),
    ];
    let found = query(transaction, sql, values).await?;
    let Some(row) = found.first() else {
        return Ok(HashSet::new());
    };
    let (mut bytes, mut documents): (i64, i64) =
        (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    let mut fitting = HashSet::new();
    for (document, charge) in wanted {
        let needed = charge.used.as_i64() + charge.reserved.as_i64();
        if needed <= bytes && (charge.documents == 0 || charge.documents <= documents) {
            bytes -= needed;
            documents -= charge.documents;
            fitting.insert(*document);
        }
    }
    Ok(fitting)
}

/// Writes an event of the document's owner into its timeline.
pub(super) async fn note(
    transaction: &DatabaseTransaction,
    document: &Document,
    kind: &'static str,
    version: Option<u32>,
    now: Timestamp,
) -> Result<(), DbError> {
    let event = NewEvent {
        owner: document.owner,
        document: document.id,
        kind,
        version,
    };
    events::add(transaction, &[event], now).await
}
