//! The intake transaction: turns staged uploads into documents, versions, reservations and jobs.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use url::Url;
use uuid::Uuid;

use super::jobs::{NewJob, enqueue};
use super::receipt::{Receipt, keep_receipts};
use super::tables::documents::{NewDocument, delete_documents, insert_documents};
use super::tables::events::{NewEvent, insert_events};
use super::tables::jobs::delete_jobs;
use super::tables::users::{Charge, QuotaCharge, charge_quota};
use super::tables::versions::{NewVersion, insert_versions};
use super::{Database, DatabaseTransaction, DbError, discards, verbatim_json};
use crash_points::CrashPoint;
use domain::{
    ByteSize, Document, DocumentId, DocumentName, EventKind, JobId, Lifecycle, Limits, MediaType,
    Metadata, OperationId, Sha256, Timestamp, UserId, VersionId, Visibility,
};
use queue::JobKind;

/// An upload whose bytes are staged.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The id of the new document.
    pub document: DocumentId,
    /// The id of its first version.
    pub version: VersionId,
    /// The id of the job that processes it.
    pub job: JobId,
    /// Its owner.
    pub owner: UserId,
    /// Its name.
    pub name: DocumentName,
    /// Its visibility.
    pub visibility: Visibility,
    /// Its metadata.
    pub metadata: Metadata,
    /// The declared media type.
    pub declared_type: Option<MediaType>,
    /// The URL of the staged bytes.
    pub staged: Url,
    /// The bytes themselves if they are few: nothing lies at `staged` then.
    pub body: Option<Bytes>,
    /// Their counted length.
    pub size: ByteSize,
    /// Their digest.
    pub sha256: Sha256,
    /// The W3C trace context of the request, if it had one.
    pub traceparent: Option<String>,
    /// When it was accepted.
    pub at: Timestamp,
    /// The response to its request, if that has a key.
    pub receipt: Option<Receipt>,
}

impl Arrival {
    /// The document right after the intake.
    #[must_use]
    pub fn document(&self) -> Document {
        Document {
            id: self.document,
            owner: self.owner,
            name: self.name.clone(),
            visibility: self.visibility.clone(),
            metadata: self.metadata.clone(),
            declared_type: self.declared_type.clone(),
            size: self.size,
            sha256: self.sha256,
            latest_version: 1,
            lifecycle: Lifecycle::Pending,
            revision: 1,
            created_at: self.at,
            updated_at: self.at,
        }
    }
}

/// A refused upload; the caller removes its staged bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IntakeRefusal {
    /// Another document has the unique name.
    #[error("another document has that unique name")]
    UniqueNameTaken,
    /// The owner's quota is used up.
    #[error("the quota is used up")]
    QuotaExceeded,
    /// The owner has been deleted.
    #[error("the owner is gone")]
    OwnerGone,
    /// The staged bytes were discarded as orphaned: the upload took too long.
    #[error("the staged bytes are to be removed")]
    BytesDiscarded,
}

impl<'a> From<&'a Arrival> for NewDocument<'a> {
    fn from(arrival: &'a Arrival) -> Self {
        Self {
            id: arrival.document,
            owner_id: arrival.owner,
            name: &arrival.name,
            name_folded: arrival.name.folded(),
            unique_name: arrival.visibility.unique_name(),
            is_public: arrival.visibility.is_public(),
            metadata: &arrival.metadata,
            metadata_text: verbatim_json::verbatim_text(&arrival.metadata),
            declared_type: arrival.declared_type.as_ref(),
            size_bytes: arrival.size,
            sha256: arrival.sha256,
            staged_url: arrival.staged.as_str(),
            created_at: arrival.at,
        }
    }
}

impl<'a> From<&'a Arrival> for NewVersion<'a> {
    fn from(arrival: &'a Arrival) -> Self {
        Self {
            id: arrival.version,
            document_id: arrival.document,
            owner_id: arrival.owner,
            number: 1,
            name: &arrival.name,
            declared_type: arrival.declared_type.as_ref(),
            size_bytes: arrival.size,
            sha256: arrival.sha256,
            staged_url: arrival.staged.as_str(),
            body: arrival.body.as_ref().into(),
            is_direct: false,
            created_at: arrival.at,
        }
    }
}

/// Accepts uploads that arrived together, in one transaction with a handful of statements; the
/// results are in the order of `arrivals`. Once it returns `Ok`, the accepted ones are durable.
pub async fn accept(
    db: &Database,
    limits: &Limits,
    arrivals: &[Arrival],
) -> Result<Vec<Result<(), IntakeRefusal>>, DbError> {
    let transaction = db.begin().await?;
    let answers = accept_within(&transaction, limits, arrivals).await?;
    crash_points::reach(CrashPoint::BeforeIntake);
    transaction.commit().await?;
    crash_points::reach(CrashPoint::AfterIntake);
    for receipt in arrivals.iter().filter_map(|one| one.receipt.as_ref()) {
        receipt.charge(db);
    }
    Ok(answers)
}

/// Accepts uploads within the caller's transaction.
pub(super) async fn accept_within(
    transaction: &DatabaseTransaction,
    limits: &Limits,
    arrivals: &[Arrival],
) -> Result<Vec<Result<(), IntakeRefusal>>, DbError> {
    accept_by(transaction, limits, arrivals, &Accepting::default()).await
}

/// By what uploads are accepted, if not by a request that brought their bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Accepting {
    /// The operation.
    pub operation: Option<OperationId>,
    /// What the only upload holds of its owner's quota already, as bytes and documents: it is passed on.
    pub held: (i64, i64),
    /// Whether its client wrote the bytes straight into the storage.
    pub is_direct: bool,
}

/// The same, by something else.
pub(super) async fn accept_by(
    transaction: &DatabaseTransaction,
    limits: &Limits,
    arrivals: &[Arrival],
    by: &Accepting,
) -> Result<Vec<Result<(), IntakeRefusal>>, DbError> {
    if arrivals.is_empty() {
        return Ok(Vec::new());
    }
    let documents: Vec<_> = arrivals.iter().map(NewDocument::from).collect();
    let inserted = insert_documents(transaction, &documents).await?;
    let named = arrivals
        .iter()
        .filter(|arrival| inserted.contains(&arrival.document.0));
    let named: Vec<_> = named.collect();
    if !named.is_empty() {
        begin_processing(transaction, &named, by.is_direct).await?;
    }
    // Owners are charged last: others wait for their rows until this transaction ends.
    let reserved = reserve(transaction, limits, &named, by.held).await?;
    let (accepted, refused): (Vec<_>, Vec<_>) = named
        .into_iter()
        .partition(|arrival| reserved.contains(&arrival.document.0));
    withdraw(transaction, &refused).await?;
    let event = |arrival: &&Arrival| {
        let kind = EventKind::Accepted { is_first: true };
        let event = NewEvent::new(arrival.owner, kind, Some(1), arrival.at);
        event.of(arrival.document).by(by.operation)
    };
    insert_events(transaction, &accepted.iter().map(event).collect::<Vec<_>>()).await?;
    let receipts = accepted
        .iter()
        .filter_map(|arrival| arrival.receipt.clone());
    keep_receipts(transaction, &receipts.collect::<Vec<_>>()).await?;
    let discarded = if inserted.len() < arrivals.len() {
        let staged = arrivals.iter().map(|arrival| arrival.staged.as_str());
        discards::among(transaction, &staged.collect::<Vec<_>>()).await?
    } else {
        HashSet::new()
    };
    let answer = |arrival: &Arrival| match (
        inserted.contains(&arrival.document.0),
        reserved.contains(&arrival.document.0),
    ) {
        (true, true) => Ok(()),
        (true, false) => Err(IntakeRefusal::QuotaExceeded),
        (false, _) if discarded.contains(arrival.staged.as_str()) => {
            Err(IntakeRefusal::BytesDiscarded)
        }
        (false, _) if arrival.visibility.unique_name().is_some() => {
            Err(IntakeRefusal::UniqueNameTaken)
        }
        (false, _) => Err(IntakeRefusal::OwnerGone),
    };
    Ok(arrivals.iter().map(answer).collect())
}

/// Deletes what was written of uploads that don't fit into the quota.
async fn withdraw(transaction: &DatabaseTransaction, refused: &[&Arrival]) -> Result<(), DbError> {
    if refused.is_empty() {
        return Ok(());
    }
    let documents: Vec<_> = refused.iter().map(|arrival| arrival.document.0).collect();
    delete_documents(transaction, &documents).await?;
    let jobs: Vec<_> = refused.iter().map(|arrival| arrival.job).collect();
    delete_jobs(transaction, &jobs).await
}

/// Reserves bytes and documents for each owner as a whole, or, if that doesn't fit, for as many as
/// do; returns the ids of those that fit.
async fn reserve(
    transaction: &DatabaseTransaction,
    limits: &Limits,
    arrivals: &[&Arrival],
    held: (i64, i64),
) -> Result<HashSet<Uuid>, DbError> {
    let mut sums: HashMap<Uuid, QuotaCharge> = HashMap::new();
    for arrival in arrivals {
        let one = reservation(arrival, held);
        let sum = sums.entry(arrival.owner.0).or_insert(QuotaCharge {
            charge: Charge::to(arrival.owner.0),
            ..one
        });
        let bytes = &mut sum.charge.reserved_bytes;
        *bytes = bytes.saturating_add(one.charge.reserved_bytes);
        sum.charge.used_documents += one.charge.used_documents;
    }
    let sums: Vec<_> = sums.into_values().collect();
    let whole = charge_quota(transaction, limits, &sums).await?;
    let mut reserved = HashSet::with_capacity(arrivals.len());
    for arrival in arrivals {
        if whole.contains(&arrival.owner.0)
            || !charge_quota(transaction, limits, &[reservation(arrival, held)])
                .await?
                .is_empty()
        {
            reserved.insert(arrival.document.0);
        }
    }
    Ok(reserved)
}

/// The charge of an upload to the quota, of which it holds something already.
fn reservation(arrival: &Arrival, held: (i64, i64)) -> QuotaCharge {
    QuotaCharge {
        may_fail: true,
        ..QuotaCharge::of(Charge {
            reserved_bytes: arrival.size.as_i64() - held.0,
            used_documents: 1 - held.1,
            ..Charge::to(arrival.owner.0)
        })
    }
}

/// Inserts versions and jobs of new documents.
async fn begin_processing(
    transaction: &DatabaseTransaction,
    arrivals: &[&Arrival],
    is_direct: bool,
) -> Result<(), DbError> {
    let versions = arrivals.iter().map(|arrival| NewVersion {
        is_direct,
        ..NewVersion::from(*arrival)
    });
    let versions: Vec<_> = versions.collect();
    insert_versions(transaction, &versions).await?;
    let job = |arrival: &&Arrival| NewJob {
        id: arrival.job,
        kind: JobKind::ProcessVersion,
        subject: Some(arrival.version.0),
        owner: arrival.owner,
        dedupe_key: None,
        run_at: arrival.at,
        traceparent: arrival.traceparent.clone(),
    };
    let now = arrivals
        .iter()
        .map(|arrival| arrival.at)
        .max()
        .unwrap_or(Timestamp::from_micros(0));
    enqueue(
        transaction,
        &arrivals.iter().map(job).collect::<Vec<_>>(),
        now,
    )
    .await
}
