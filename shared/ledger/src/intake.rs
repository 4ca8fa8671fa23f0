//! The intake transaction: what was staged becomes documents, versions, reservations and jobs, or nothing.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use url::Url;
use uuid::Uuid;

use super::batch::{Columns, Kind, execute, parameter, query};
use super::jobs::{NewJob, enqueue};
use super::receipt::{Receipt, keep_receipts};
use super::tables::users::{Charge, QuotaCharge, charge_quota};
use super::{Database, DatabaseTransaction, DbError, discards, respelled};
use crash_points::CrashPoint;
use domain::{
    ByteSize, Document, DocumentId, DocumentName, JobId, Lifecycle, Limits, MediaType, Metadata,
    Sha256, Timestamp, UniqueName, UserId, VersionId, Visibility,
};
use queue::JobKind;

/// An upload whose bytes are staged.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The id of the document it becomes.
    pub document: DocumentId,
    /// The id of its first version.
    pub version: VersionId,
    /// The id of the job that processes it.
    pub job: JobId,
    /// Whose it is.
    pub owner: UserId,
    /// Its name.
    pub name: DocumentName,
    /// Who can find it.
    pub visibility: Visibility,
    /// What the owner says of it.
    pub metadata: Metadata,
    /// What the client said the bytes are.
    pub declared_type: Option<MediaType>,
    /// Where the bytes are staged.
    pub staged: Url,
    /// Their counted length.
    pub size: ByteSize,
    /// Their digest.
    pub sha256: Sha256,
    /// The W3C trace context of the request, if it had one.
    pub traceparent: Option<String>,
    /// When it was accepted.
    pub at: Timestamp,
    /// What its request is answered, if it has a key.
    pub receipt: Option<Receipt>,
}

impl Arrival {
    /// The document as it stands right after the intake.
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

/// An upload that is not taken in; its staged bytes are the caller's to remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IntakeRefusal {
    /// Another document has the unique name.
    #[error("another document has that unique name")]
    UniqueNameTaken,
    /// It doesn't fit into the owner's quota.
    #[error("the quota is used up")]
    QuotaExceeded,
    /// The owner has been deleted.
    #[error("the owner is gone")]
    OwnerGone,
    /// The staged bytes were taken for left behind: they took too long.
    #[error("the staged bytes are to be removed")]
    BytesDiscarded,
}

const DOCUMENTS: &Columns = &[
    ("id", Kind::Uuid),
    ("version_id", Kind::Uuid),
    ("owner_id", Kind::Uuid),
    ("name", Kind::Text),
    ("name_folded", Kind::Text),
    ("unique_name", Kind::Text),
    ("is_public", Kind::Boolean),
    ("metadata", Kind::Json),
    ("metadata_text", Kind::Text),
    ("declared_type", Kind::Text),
    ("staged_url", Kind::Text),
    ("size_bytes", Kind::Integer),
    ("sha256", Kind::Text),
    ("at", Kind::Integer),
];

#[derive(Serialize)]
struct DocumentRow<'a> {
    id: Uuid,
    version_id: Uuid,
    owner_id: Uuid,
    name: &'a str,
    name_folded: String,
    unique_name: Option<&'a str>,
    is_public: bool,
    metadata: &'a Metadata,
    metadata_text: Option<String>,
    declared_type: Option<&'a str>,
    staged_url: &'a str,
    size_bytes: i64,
    sha256: String,
    at: i64,
}

impl<'a> From<&'a Arrival> for DocumentRow<'a> {
    fn from(arrival: &'a Arrival) -> Self {
        Self {
            id: arrival.document.0,
            version_id: arrival.version.0,
            owner_id: arrival.owner.0,
            name: arrival.name.as_str(),
            name_folded: arrival.name.folded(),
            unique_name: arrival.visibility.unique_name().map(UniqueName::as_str),
            is_public: arrival.visibility.is_public(),
            metadata: &arrival.metadata,
            metadata_text: respelled::text_of(&arrival.metadata),
            declared_type: arrival.declared_type.as_ref().map(MediaType::as_str),
            staged_url: arrival.staged.as_str(),
            size_bytes: arrival.size.as_i64(),
            sha256: arrival.sha256.to_string(),
            at: arrival.at.as_micros(),
        }
    }
}

/// Takes in what arrived together, in one transaction with a handful of
/// statements; the answers are in the order of `arrivals`. Once it returns
/// `Ok`, those accepted are durable.
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

/// Takes in what arrived together within the caller's transaction.
pub(super) async fn accept_within(
    transaction: &DatabaseTransaction,
    limits: &Limits,
    arrivals: &[Arrival],
) -> Result<Vec<Result<(), IntakeRefusal>>, DbError> {
    if arrivals.is_empty() {
        return Ok(Vec::new());
    }
    let inserted = insert_documents(transaction, arrivals).await?;
    let named = arrivals
        .iter()
        .filter(|arrival| inserted.contains(&arrival.document.0));
    let reserved = reserve(transaction, limits, &named.collect::<Vec<_>>()).await?;
    let refused: Vec<_> = inserted.difference(&reserved).copied().collect();
    if !refused.is_empty() {
        let sql = format!(
            "DELETE FROM documents WHERE id IN ({})",
            transaction.dialect().ids()
        );
        execute(transaction, sql, [parameter(&refused)?]).await?;
    }
    let accepted: Vec<_> = arrivals
        .iter()
        .filter(|arrival| reserved.contains(&arrival.document.0))
        .collect();
    if !accepted.is_empty() {
        insert_versions(transaction, &accepted).await?;
        let receipts = accepted
            .iter()
            .filter_map(|arrival| arrival.receipt.clone());
        keep_receipts(transaction, &receipts.collect::<Vec<_>>()).await?;
    }
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

/// Inserts the documents whose owner exists, whose unique name is free and whose bytes aren't to
/// be removed, and gives their ids.
async fn insert_documents(
    transaction: &DatabaseTransaction,
    arrivals: &[Arrival],
) -> Result<HashSet<Uuid>, DbError> {
    let list = transaction.dialect().rows(DOCUMENTS);
    // In the order of their unique names, so that two groups don't wait for each other.
    let sql = format!(
        "INSERT INTO documents (id, owner_id, name, name_folded, unique_name, is_public, metadata, metadata_text, status, declared_type, \
         type_mismatch, size_bytes, sha256, latest_version, revision, created_at, updated_at) \
         SELECT x.id, x.owner_id, x.name, x.name_folded, x.unique_name, x.is_public, x.metadata, x.metadata_text, 'pending', x.declared_type, \
         false, x.size_bytes, x.sha256, 1, 1, x.at, x.at FROM {list} JOIN users ON users.id = x.owner_id \
         WHERE NOT EXISTS (SELECT 1 FROM discards WHERE discards.url = x.staged_url) ORDER BY x.unique_name ON CONFLICT (unique_name) DO NOTHING RETURNING id"
    );
    let list: Vec<_> = arrivals.iter().map(DocumentRow::from).collect();
    let inserted = query(transaction, sql, [parameter(&list)?]).await?;
    inserted
        .into_iter()
        .map(|row| Ok(row.try_get_by_index(0)?))
        .collect()
}

/// Reserves bytes and documents for each owner as a whole, or, where that
/// doesn't fit, for as many as do; gives the ids of those that fit.
async fn reserve(
    transaction: &DatabaseTransaction,
    limits: &Limits,
    arrivals: &[&Arrival],
) -> Result<HashSet<Uuid>, DbError> {
    let mut sums: HashMap<Uuid, QuotaCharge> = HashMap::new();
    for arrival in arrivals {
        let one = reservation(arrival);
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
            || !charge_quota(transaction, limits, &[reservation(arrival)])
                .await?
                .is_empty()
        {
            reserved.insert(arrival.document.0);
        }
    }
    Ok(reserved)
}

/// What an upload takes from the quota.
fn reservation(arrival: &Arrival) -> QuotaCharge {
    QuotaCharge {
        may_fail: true,
        ..QuotaCharge::of(Charge {
            reserved_bytes: arrival.size.as_i64(),
            used_documents: 1,
            ..Charge::to(arrival.owner.0)
        })
    }
}

/// Inserts versions, events and jobs of accepted documents.
async fn insert_versions(
    transaction: &DatabaseTransaction,
    accepted: &[&Arrival],
) -> Result<(), DbError> {
    let dialect = transaction.dialect();
    let list = dialect.rows(DOCUMENTS);
    let parameter = parameter(
        &accepted
            .iter()
            .copied()
            .map(DocumentRow::from)
            .collect::<Vec<_>>(),
    )?;
    let versions = format!(
        "INSERT INTO versions (id, document_id, owner_id, number, status, name, declared_type, type_mismatch, \
         size_bytes, sha256, staged_url, created_at) \
         SELECT x.version_id, x.id, x.owner_id, 1, 'pending', x.name, x.declared_type, false, \
         x.size_bytes, x.sha256, x.staged_url, x.at FROM {list}"
    );
    execute(transaction, versions, [parameter.clone()]).await?;
    let data = dialect.json_object("version", "1");
    let events = format!(
        "INSERT INTO events (owner_id, document_id, kind, data, at) \
         SELECT x.owner_id, x.id, 'accepted', {data}, x.at FROM {list} ORDER BY x.id"
    );
    execute(transaction, events, [parameter]).await?;
    let job = |arrival: &&Arrival| NewJob {
        id: arrival.job,
        kind: JobKind::ProcessVersion,
        subject: Some(arrival.version.0),
        owner: arrival.owner,
        dedupe_key: None,
        run_at: arrival.at,
        traceparent: arrival.traceparent.clone(),
    };
    let now = accepted
        .iter()
        .map(|arrival| arrival.at)
        .max()
        .unwrap_or(Timestamp::from_micros(0));
    enqueue(
        transaction,
        &accepted.iter().map(job).collect::<Vec<_>>(),
        now,
    )
    .await
}
