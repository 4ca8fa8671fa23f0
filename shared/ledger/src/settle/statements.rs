//! The statements of an outcome transaction, one for each table and group.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::blobs::ContentKey;
use super::rows::{
    ACTIVATIONS, ActivationRow, EVENTS, EventRow, FAILURES, FailureRow, JOBS, JobRow,
};
use super::{Outcome, Settlement};
use crate::DatabaseTransaction;
use crate::DbError;
use crate::batch::{execute, parameter, query};
use crate::tables::users::Charges;
use domain::Timestamp;

/// Locks those of `versions` that are pending, and their documents. What is pending isn't asked by
/// its status: PostgreSQL might go through the index of all that is.
pub async fn hold_pending(
    transaction: &DatabaseTransaction,
    versions: &[Uuid],
) -> Result<HashSet<Uuid>, DbError> {
    if versions.is_empty() {
        return Ok(HashSet::new());
    }
    let dialect = transaction.dialect();
    let lock = dialect.lock_rows("d, v");
    let sql = format!(
        "SELECT v.id FROM versions v JOIN documents d ON d.id = v.document_id \
         WHERE {} AND v.settled_at IS NULL ORDER BY d.id, v.id{lock}",
        dialect.is_one_of("v.id"),
    );
    let held = query(transaction, sql, [parameter(versions)?]).await?;
    held.into_iter()
        .map(|row| Ok(row.try_get_by_index(0)?))
        .collect()
}

/// Ends the jobs whose claim still holds, and gives their ids. Running jobs have a worker; asked by
/// their state, PostgreSQL might go through the index of all that waits.
pub async fn finish_jobs(
    transaction: &DatabaseTransaction,
    settlements: &[Settlement],
    now: Timestamp,
) -> Result<HashSet<Uuid>, DbError> {
    let list = transaction.dialect().rows(JOBS);
    let sql = format!(
        "UPDATE jobs SET state = x.state, run_at = x.run_at, last_error = x.last_error, \
         finished_at = x.finished_at, attempts = attempts - x.uncounted, worker = NULL FROM {list} \
         WHERE jobs.id = x.id AND jobs.fence = x.fence AND jobs.worker IS NOT NULL RETURNING jobs.id"
    );
    let list: Vec<_> = settlements
        .iter()
        .map(|settlement| JobRow::new(settlement, now))
        .collect();
    let held = query(transaction, sql, [parameter(&list)?]).await?;
    held.into_iter()
        .map(|row| Ok(row.try_get_by_index(0)?))
        .collect()
}

/// Makes versions active, and their documents where the version is the newest active one.
pub async fn activate<'a>(
    transaction: &DatabaseTransaction,
    live: &[&'a Settlement],
    blobs: &'a HashMap<ContentKey, (Uuid, String)>,
    now: Timestamp,
) -> Result<(), DbError> {
    let row = |settlement: &'a Settlement| match (&settlement.outcome, &settlement.work) {
        (Outcome::Activated(activation), Some(work)) => {
            let blob = blobs.get(&ContentKey::of(work)?)?;
            let upload = work.upload.as_ref()?;
            Some(ActivationRow::new(work, upload, activation, blob))
        }
        _ => None,
    };
    let activations: Vec<_> = live.iter().copied().filter_map(row).collect();
    if activations.is_empty() {
        return Ok(());
    }
    let list = transaction.dialect().rows(ACTIVATIONS);
    let versions = format!(
        "UPDATE versions SET status = 'active', mime_type = x.mime_type, type_mismatch = x.type_mismatch, \
         blob_id = x.blob_id, staged_url = NULL, settled_at = $2 FROM {list} WHERE versions.id = x.version_id"
    );
    execute(
        transaction,
        versions,
        [parameter(&activations)?, now.as_micros().into()],
    )
    .await?;

    // An update takes one row for each document, so of several versions only the newest goes along.
    let mut newest: HashMap<Uuid, ActivationRow<'_>> = HashMap::new();
    for activation in activations {
        let known = newest
            .get(&activation.document_id)
            .map_or(0, |known| known.number);
        if activation.number > known {
            newest.insert(activation.document_id, activation);
        }
    }
    let newest: Vec<_> = newest.into_values().collect();
    let documents = format!(
        "UPDATE documents SET status = CASE documents.status WHEN 'pending' THEN 'active' ELSE documents.status END, \
         version = x.number, mime_type = x.mime_type, type_mismatch = x.type_mismatch, \
         declared_type = x.declared_type, size_bytes = x.size_bytes, sha256 = x.sha256, storage_url = x.storage_url, \
         revision = revision + 1, updated_at = $2 FROM {list} WHERE documents.id = x.document_id \
         AND (documents.version IS NULL OR documents.version < x.number)"
    );
    execute(
        transaction,
        documents,
        [parameter(&newest)?, now.as_micros().into()],
    )
    .await?;
    Ok(())
}

/// What became of versions that failed.
#[derive(Debug, Default)]
pub struct FailedRows {
    /// The documents that end in `error`: a pending one does with its last pending version.
    pub ended: HashSet<Uuid>,
    /// The versions whose bytes may still be kept: the latest of their documents, of which another
    /// try may make something.
    pub keepable: HashSet<Uuid>,
}

/// Makes versions fail.
pub async fn fail<'a>(
    transaction: &DatabaseTransaction,
    live: &[&'a Settlement],
    now: Timestamp,
) -> Result<FailedRows, DbError> {
    let row = |settlement: &'a Settlement| match (&settlement.outcome, &settlement.work) {
        (Outcome::Failed { failure, .. }, Some(work)) => Some(FailureRow::new(work, failure)),
        _ => None,
    };
    let failures: Vec<_> = live.iter().copied().filter_map(row).collect();
    if failures.is_empty() {
        return Ok(FailedRows::default());
    }
    let list = transaction.dialect().rows(FAILURES);
    let versions = format!(
        "UPDATE versions SET status = 'error', error_code = x.error_code, error_detail = x.error_detail, \
         settled_at = $2, staged_url = CASE WHEN x.may_be_kept AND versions.number = \
         (SELECT d.latest_version FROM documents d WHERE d.id = x.document_id) THEN versions.staged_url END \
         FROM {list} WHERE versions.id = x.version_id RETURNING versions.id, versions.staged_url"
    );
    let failed = query(
        transaction,
        versions,
        [parameter(&failures)?, now.as_micros().into()],
    )
    .await?;
    let mut keepable = HashSet::new();
    for row in failed {
        if row.try_get_by_index::<Option<String>>(1)?.is_some() {
            keepable.insert(row.try_get_by_index(0)?);
        }
    }
    let documents = format!(
        "UPDATE documents SET status = 'error', error_code = x.error_code, error_detail = x.error_detail, \
         revision = revision + 1, updated_at = $2 FROM {list} \
         WHERE documents.id = x.document_id AND documents.status = 'pending' \
         AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.document_id = documents.id AND v.status = 'pending') \
         RETURNING documents.id"
    );
    let ended = query(
        transaction,
        documents,
        [parameter(&failures)?, now.as_micros().into()],
    )
    .await?;
    let ended = ended
        .into_iter()
        .map(|row| Ok(row.try_get_by_index(0)?))
        .collect::<Result<_, DbError>>()?;
    Ok(FailedRows { ended, keepable })
}

/// Turns reservations into use, or releases them.
pub async fn account(
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

/// Writes what happened into the timelines.
pub async fn record(
    transaction: &DatabaseTransaction,
    live: &[&Settlement],
    now: Timestamp,
) -> Result<(), DbError> {
    let event =
        |settlement: &&Settlement| EventRow::new(settlement.work.as_ref()?, settlement, now);
    let events: Vec<_> = live.iter().filter_map(event).collect();
    if events.is_empty() {
        return Ok(());
    }
    let list = transaction.dialect().rows(EVENTS);
    let sql = format!(
        "INSERT INTO events (owner_id, document_id, kind, data, at) \
         SELECT x.owner_id, x.document_id, x.kind, x.data, $2 FROM {list}"
    );
    execute(
        transaction,
        sql,
        [parameter(&events)?, now.as_micros().into()],
    )
    .await?;
    Ok(())
}
