//! Removes versions and documents: the transaction that removes them releases what they used.
//! Everything that removes them calls this.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::batch::parameter;
use super::discards::Discard;
use super::readable::unreadable;
use super::tables::blobs::{LostReferences, delete_unreferenced, lock_blobs, take_references};
use super::tables::cleanup_positions::{self, OLD_EVENTS};
use super::tables::events::{NewEvent, forget_timelines, insert_events};
use super::tables::users::Charges;
use super::tables::{documents, versions};
use super::{DatabaseTransaction, DbError, discards};
use domain::{
    DocumentId, EventKind, OperationId, Status, Timestamp, UploadLimits, UserId, VersionStatus,
};

/// A version that was removed.
#[derive(Debug)]
pub(super) struct RemovedVersion {
    owner: UserId,
    document: DocumentId,
    /// `None` if it can't be read.
    number: Option<u32>,
}

impl RemovedVersion {
    /// Its owner and document.
    pub(super) const fn of(&self) -> (UserId, DocumentId) {
        (self.owner, self.document)
    }
}

/// What removed versions and documents used: quota of their owners, references to content, staged
/// bytes.
#[derive(Debug, Default)]
pub(super) struct Holdings {
    charges: Charges,
    /// The removed references by content, and the owner of one of them.
    blobs: BTreeMap<Uuid, (i64, Uuid)>,
    /// The URLs of staged bytes, with their owners and sizes.
    staged: Vec<(String, Uuid, i64)>,
    /// Those that their clients may still write.
    direct: Vec<(String, Uuid, i64)>,
    told: Told,
}

/// What is told of a removal, once all rows are locked.
#[derive(Debug, Default)]
struct Told {
    /// The removed documents, with their last shapes.
    documents: Vec<(UserId, DocumentId, String)>,
    /// The removed versions of documents that stay.
    versions: Vec<(UserId, DocumentId, Option<u32>)>,
    operation: Option<OperationId>,
}

impl Told {
    fn events(self, now: Timestamp) -> Vec<NewEvent> {
        let documents = self.documents.into_iter().map(|(owner, document, shape)| {
            let event = NewEvent::new(owner, EventKind::Deleted, None, now);
            event.of(document).with_shape(shape)
        });
        let versions = self.versions.into_iter().map(|(owner, document, number)| {
            NewEvent::new(owner, EventKind::VersionDeleted, number, now).of(document)
        });
        let events = documents.chain(versions);
        events.map(|event| event.by(self.operation)).collect()
    }
}

/// Deletes the versions whose ids `subquery` selects, with `$1` as its parameter. The caller has
/// locked their documents.
pub(super) async fn delete_versions(
    transaction: &DatabaseTransaction,
    subquery: &str,
    parameter: impl Into<sea_orm::Value>,
) -> Result<(Vec<RemovedVersion>, Holdings), DbError> {
    let (mut removed, mut holdings) = (Vec::new(), Holdings::default());
    for row in versions::delete_versions(transaction, subquery, parameter.into()).await? {
        removed.push(RemovedVersion {
            owner: UserId(row.owner_id),
            document: DocumentId(row.document_id),
            number: u32::try_from(row.number).ok(),
        });
        let (owner_id, size) = (row.owner_id, row.size_bytes);
        let charge = holdings.charges.to(owner_id);
        match row.status.parse() {
            Ok(VersionStatus::Active) => charge.used_bytes -= size,
            Ok(VersionStatus::Pending) => charge.reserved_bytes -= size,
            Ok(VersionStatus::Error) => {
                charge.failed_versions -= 1;
                charge.staging_bytes -= row.staged_url.as_ref().map_or(0, |_| size);
            }
            // The audit finds what it was charged to.
            Err(_) => unreadable(&DbError::corrupt("versions", "status", row.id)),
        }
        if let Some(blob) = row.blob_id {
            holdings.blobs.entry(blob).or_insert((0, owner_id)).0 += 1;
        }
        let staged = if row.is_direct {
            &mut holdings.direct
        } else {
            &mut holdings.staged
        };
        staged.extend(row.staged_url.map(|url| (url, owner_id, size)));
    }
    Ok((removed, holdings))
}

/// Deletes documents with all their versions. The caller has locked them, and releases what they
/// used.
pub(super) async fn delete_documents(
    transaction: &DatabaseTransaction,
    ids: &[Uuid],
) -> Result<Holdings, DbError> {
    let wanted = transaction.dialect().ids();
    let versions = format!("SELECT v.id FROM versions v WHERE v.document_id IN ({wanted})");
    let (_, mut holdings) = delete_versions(transaction, &versions, parameter(ids)?).await?;
    for document in documents::delete_documents(transaction, ids).await? {
        // Documents in `error` aren't counted.
        let is_counted = document.status != Status::Error.as_str();
        holdings.charges.to(document.owner_id).used_documents -= i64::from(is_counted);
        let (owner, id) = (UserId(document.owner_id), DocumentId(document.id));
        holdings.told.documents.push((owner, id, document.shape));
    }
    // What the cleanup has not visited yet, it deletes once it does.
    let visited = cleanup_positions::read(transaction, OLD_EVENTS).await?;
    forget_timelines(transaction, ids, visited).await?;
    Ok(holdings)
}

impl Holdings {
    /// Has the removal of versions recorded, whose documents stay.
    pub(super) fn tell_of(&mut self, removed: &[RemovedVersion]) {
        let versions = removed
            .iter()
            .map(|version| (version.owner, version.document, version.number));
        self.told.versions.extend(versions);
    }

    /// Tells nobody of it: the owner is removed.
    pub(super) fn untold(mut self) -> Self {
        self.told = Told::default();
        self
    }

    /// Names the operation by which it is removed.
    pub(super) fn by(mut self, operation: Option<OperationId>) -> Self {
        self.told.operation = operation;
        self
    }

    /// Releases all of it: discards bytes, removes references and content without any, releases
    /// quota, and tells of it. Rows are locked in the order used everywhere.
    ///
    /// `traces` locates the bytes of a staged upload.
    pub(super) async fn release(
        mut self,
        transaction: &DatabaseTransaction,
        now: Timestamp,
        traces: impl Fn(&str) -> Vec<String> + Send,
    ) -> Result<(), DbError> {
        let discards_of = |staged: Vec<(String, Uuid, i64)>| -> Vec<Discard> {
            let staged = staged.into_iter();
            let staged =
                staged.map(|(url, owner, size)| Discard::at_any(owner, traces(&url), size));
            staged.flatten().collect()
        };
        let mut discarded = discards_of(std::mem::take(&mut self.staged));
        let direct = discards_of(std::mem::take(&mut self.direct));
        discarded.extend(release_blobs(transaction, &self.blobs).await?);
        discards::add_charged(transaction, &discarded, &mut self.charges, now).await?;
        let writable_until = now.plus(UploadLimits::SIGNED);
        discards::add_charged(transaction, &direct, &mut self.charges, writable_until).await?;
        self.charges.write(transaction).await?;
        insert_events(transaction, &self.told.events(now)).await
    }
}

/// Removes references to content. Returns the bytes of content without references, charged to an
/// owner of the last ones.
async fn release_blobs(
    transaction: &DatabaseTransaction,
    blobs: &BTreeMap<Uuid, (i64, Uuid)>,
) -> Result<Vec<Discard>, DbError> {
    if blobs.is_empty() {
        return Ok(Vec::new());
    }
    let lost = blobs.iter().map(|(id, (refs, _))| LostReferences {
        id: *id,
        refs: *refs,
    });
    let ids: Vec<_> = blobs.keys().copied().collect();
    lock_blobs(transaction, &ids).await?;
    take_references(transaction, &lost.collect::<Vec<_>>()).await?;
    let mut discarded = Vec::new();
    for gone in delete_unreferenced(transaction, &ids).await? {
        if let Some((_, owner)) = blobs.get(&gone.id) {
            discarded.push(Discard::of(*owner, gone.storage_url, gone.size_bytes));
        }
    }
    Ok(discarded)
}
