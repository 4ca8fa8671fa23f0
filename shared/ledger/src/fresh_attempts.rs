//! Gives failed versions a fresh attempt, because their owner retries a document or an operator a
//! job: reserves their bytes again, and makes them and their documents pending. The caller has
//! locked both, and provides a ready job for each version.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::tables::documents::{StatusChange, set_statuses};
use super::tables::events::{NewEvent, insert_events};
use super::tables::users::{Charge, QuotaCharge, charge_quota};
use super::tables::versions;
use super::{DatabaseTransaction, DbError};
use domain::{
    ByteSize, DocumentId, EventKind, Limits, OperationId, Status, Timestamp, Transition, UserId,
    VersionId,
};

/// The latest version of a document, which failed and whose bytes are still staged.
#[derive(Clone, Copy, Debug)]
pub(super) struct FailedVersion {
    pub id: VersionId,
    pub number: u32,
    pub size: ByteSize,
    pub document: DocumentId,
    pub owner: UserId,
    /// The document's status.
    pub status: Status,
}

impl FailedVersion {
    /// The new status of the document. One with a current version keeps its status.
    fn next_status(&self) -> Status {
        self.status.after(Transition::Retry).unwrap_or(self.status)
    }

    /// Its charge to the quota when it is pending again, and its release as a failed version.
    pub(super) fn charge(&self) -> Charge {
        let size = self.size.as_i64();
        Charge {
            reserved_bytes: size,
            used_documents: i64::from(self.status == Status::Error),
            staging_bytes: -size,
            failed_versions: -1,
            ..Charge::to(self.owner.0)
        }
    }
}

/// Reserves the quota for the versions: for each owner as a whole or, if that doesn't fit, for as
/// many as do. Returns those that fit.
pub(super) async fn reserve(
    transaction: &DatabaseTransaction,
    failed: &[FailedVersion],
    limits: &Limits,
) -> Result<HashSet<VersionId>, DbError> {
    let mut sums: HashMap<Uuid, Charge> = HashMap::new();
    for one in failed {
        let charge = one.charge();
        let owner = charge.owner_id;
        let sum = sums.entry(owner).or_insert(Charge::to(owner));
        sum.reserved_bytes = sum.reserved_bytes.saturating_add(charge.reserved_bytes);
        sum.used_documents += charge.used_documents;
        sum.staging_bytes = -sum.reserved_bytes;
        sum.failed_versions += charge.failed_versions;
    }
    let sums: Vec<_> = sums.into_values().map(QuotaCharge::of).collect();
    let whole = charge_quota(transaction, limits, &sums).await?;
    let mut reserved = HashSet::new();
    for one in failed {
        let fits = whole.contains(&one.owner.0)
            || !charge_quota(transaction, limits, &[QuotaCharge::of(one.charge())])
                .await?
                .is_empty();
        if fits {
            reserved.insert(one.id);
        }
    }
    Ok(reserved)
}

/// Makes the versions pending, and the documents that failed with them; perhaps by an operation.
pub(super) async fn return_to_pending(
    transaction: &DatabaseTransaction,
    failed: &[FailedVersion],
    operation: Option<OperationId>,
    now: Timestamp,
) -> Result<(), DbError> {
    if failed.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = failed.iter().map(|one| one.id).collect();
    versions::return_to_pending(transaction, &ids).await?;
    let change = |one: &FailedVersion| StatusChange {
        id: one.document,
        status: one.next_status(),
        archived_at: None,
    };
    let changes: Vec<_> = failed.iter().map(change).collect();
    set_statuses(transaction, &changes, now).await?;
    let event = |one: &FailedVersion| {
        NewEvent::new(one.owner, EventKind::Retried, Some(one.number), now)
            .of(one.document)
            .by(operation)
    };
    let events: Vec<_> = failed.iter().map(event).collect();
    insert_events(transaction, &events).await
}
