//! The steps of an outcome transaction, one statement for each table and group.

use std::collections::{HashMap, HashSet};

use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::blobs::ContentKey;
use super::rows::{Activated, ended_job, event, failed_document, failed_version};
use super::{Outcome, Settlement};
use crate::DatabaseTransaction;
use crate::DbError;
use crate::batch::{parameter, query_as};
use crate::tables::documents::{fail_documents, show_versions};
use crate::tables::events::insert_events;
use crate::tables::jobs::settle_jobs;
use crate::tables::users::Charges;
use crate::tables::versions::{activate_versions, fail_versions};
use domain::{DocumentId, EventKind, Timestamp};

/// A locked version that is pending, and whether its document is.
#[derive(FromQueryResult)]
struct Pending {
    id: Uuid,
    document_pends: bool,
}

/// Locks those of `versions` that are pending, and their documents. Returns them, and whether their
/// documents are pending too. The query doesn't filter by status: PostgreSQL might scan the index of
/// all pending versions.
pub async fn lock_pending(
    transaction: &DatabaseTransaction,
    versions: &[Uuid],
) -> Result<HashMap<Uuid, bool>, DbError> {
    if versions.is_empty() {
        return Ok(HashMap::new());
    }
    let dialect = transaction.dialect();
    let lock = dialect.lock_rows("d, v");
    let sql = format!(
        "SELECT v.id, d.status = 'pending' AS document_pends \
         FROM versions v JOIN documents d ON d.id = v.document_id \
         WHERE {} AND v.settled_at IS NULL ORDER BY d.id, v.id{lock}",
        dialect.is_one_of("v.id"),
    );
    let found: Vec<Pending> = query_as(transaction, sql, [parameter(versions)?]).await?;
    let found = found.into_iter();
    Ok(found.map(|one| (one.id, one.document_pends)).collect())
}

/// Records the end of attempts whose claim still holds, and returns the ids of their jobs.
pub async fn finish_jobs(
    transaction: &DatabaseTransaction,
    settlements: &[Settlement],
    now: Timestamp,
) -> Result<HashSet<Uuid>, DbError> {
    let ended = settlements
        .iter()
        .map(|settlement| ended_job(settlement, now));
    settle_jobs(transaction, &ended.collect::<Vec<_>>()).await
}

/// Activates versions, and makes each the current one of its document if it is the newest.
pub async fn activate<'a>(
    transaction: &DatabaseTransaction,
    live: &[&'a Settlement],
    blobs: &'a HashMap<ContentKey, (Uuid, String)>,
    now: Timestamp,
) -> Result<(), DbError> {
    let row = |settlement: &'a Settlement| match (&settlement.outcome, &settlement.work) {
        (Outcome::Activated(activation), Some(work)) => Some(Activated {
            work,
            upload: work.upload.as_ref()?,
            activation,
            blob: blobs.get(&ContentKey::of(work)?)?,
        }),
        _ => None,
    };
    let activated: Vec<_> = live.iter().copied().filter_map(row).collect();
    if activated.is_empty() {
        return Ok(());
    }
    let versions: Vec<_> = activated.iter().map(|one| one.version()).collect();
    activate_versions(transaction, &versions, now).await?;

    // An update changes a row once, so of several versions of a document only the newest is passed.
    let mut newest: HashMap<DocumentId, Activated<'_>> = HashMap::new();
    for one in activated {
        let known = newest.entry(one.work.document).or_insert(one);
        if one.upload.number > known.upload.number {
            *known = one;
        }
    }
    let documents: Vec<_> = newest.into_values().map(Activated::document).collect();
    show_versions(transaction, &documents, now).await
}

/// The effects of failed versions.
#[derive(Debug, Default)]
pub struct FailedRows {
    /// The documents that end in `error`: a pending one does with its last pending version.
    pub ended: HashSet<Uuid>,
    /// The versions whose bytes may be kept: the latest of their documents, if a retry may succeed.
    pub keepable: HashSet<Uuid>,
}

/// Marks versions as failed.
pub async fn fail<'a>(
    transaction: &DatabaseTransaction,
    live: &[&'a Settlement],
    now: Timestamp,
) -> Result<FailedRows, DbError> {
    let failed = |settlement: &'a Settlement| match (&settlement.outcome, &settlement.work) {
        (Outcome::Failed { failure, .. }, Some(work)) => Some((work, failure)),
        _ => None,
    };
    let failed: Vec<_> = live.iter().copied().filter_map(failed).collect();
    if failed.is_empty() {
        return Ok(FailedRows::default());
    }
    let versions = failed
        .iter()
        .map(|(work, failure)| failed_version(work, failure));
    let keepable = fail_versions(transaction, &versions.collect::<Vec<_>>(), now).await?;
    let documents = failed
        .iter()
        .map(|(work, failure)| failed_document(work, failure));
    let ended = fail_documents(transaction, &documents.collect::<Vec<_>>(), now).await?;
    Ok(FailedRows { ended, keepable })
}

/// Turns reservations into use, or releases them.
pub async fn charge_owners(
    transaction: &DatabaseTransaction,
    live: &[&Settlement],
    ended: &HashSet<Uuid>,
) -> Result<(), DbError> {
    let mut charges = Charges::default();
    // A document ends once, however many of its versions failed together.
    let mut given_back = HashSet::new();
    for settlement in live {
        let Some(work) = &settlement.work else {
            continue;
        };
        let charge = charges.to(work.owner.0);
        match settlement.outcome {
            Outcome::Activated(_) => {
                charge.used_bytes += work.size.as_i64();
                charge.reserved_bytes -= work.size.as_i64();
            }
            Outcome::Failed { .. } => {
                charge.reserved_bytes -= work.size.as_i64();
                charge.failed_versions += 1;
                let document = work.document.0;
                let ends = ended.contains(&document) && given_back.insert(document);
                charge.used_documents -= i64::from(ends);
            }
            Outcome::Again { .. }
            | Outcome::HandedBack { .. }
            | Outcome::Done
            | Outcome::Dead { .. } => {}
        }
    }
    charges.write(transaction).await
}

/// Writes the events of the outcomes. `pending` says of each version whether its document was
/// pending, `ended` which documents ended in `error`.
pub async fn record_events(
    transaction: &DatabaseTransaction,
    live: &[&Settlement],
    pending: &HashMap<Uuid, bool>,
    ended: &HashSet<Uuid>,
    now: Timestamp,
) -> Result<(), DbError> {
    // Of several versions of a document, one makes it active, and one is the last to fail.
    let (mut activated, mut failed) = (HashSet::new(), HashSet::new());
    let mut events = Vec::with_capacity(live.len());
    for settlement in live {
        let Some(work) = &settlement.work else {
            continue;
        };
        let document = work.document;
        let pends = pending.get(&work.version.0).copied().unwrap_or_default();
        let kind = match &settlement.outcome {
            Outcome::Activated(_) => EventKind::Activated {
                is_first: pends && activated.insert(document),
            },
            Outcome::Failed { .. } => EventKind::Failed {
                is_last: ended.contains(&document.0) && failed.insert(document),
            },
            Outcome::Again { .. } => EventKind::AttemptFailed,
            // No event: a long outage would fill the timelines.
            Outcome::HandedBack { .. } | Outcome::Done | Outcome::Dead { .. } => continue,
        };
        events.push(event(work, settlement, kind, now));
    }
    insert_events(transaction, &events).await
}
