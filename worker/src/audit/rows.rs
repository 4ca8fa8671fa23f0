//! Checks the ledger for consistency.

use domain::{Timestamp, UserId, VersionId};
use ledger::audit::{
    Inconsistency, QuotaDrift, blob_drift, end_jobs_without_subject, enqueue_lost_jobs,
    inconsistent_documents, jobs_without_subject, needed_discards, pending_without_job,
    quota_drift, repair_blob_drift, repair_document, repair_quota_drift, unmark_needed,
    unreadable_documents,
};
use ledger::{Database, DbError};
use uuid::Uuid;

use super::finding::{FindingKind, Remedy};
use super::request::Audit;

/// Rows checked by one query.
const PAGE: u32 = 1_000;

/// Rows read completely by one query: they may be long.
const WHOLE_ROWS: u32 = 200;

/// Users checked by one query: each may have many documents.
const USERS: u32 = 50;

/// The most findings of an unpaged kind in one audit, a bound on memory. Run the audit again after
/// a repair.
const MOST: u32 = 10_000;

/// Runs all checks, repairing first what others depend on: discarded bytes before their removal,
/// rows before their counters.
pub async fn check_rows(audit: &mut Audit<'_>) -> Result<(), DbError> {
    check_needed_discards(audit).await?;
    check_readable(audit).await?;
    check_documents(audit).await?;
    check_jobs(audit).await?;
    check_blobs(audit).await?;
    check_quotas(audit).await
}

/// Enqueues pending versions without a job, and returns them.
pub async fn enqueue_lost(db: &Database, now: Timestamp) -> Result<Vec<VersionId>, DbError> {
    let lost = pending_without_job(db, PAGE).await?;
    if lost.is_empty() {
        return Ok(lost);
    }
    enqueue_lost_jobs(db, &lost, now).await
}

/// Reports every user whose counters are wrong.
pub async fn report_quota_drift(
    db: &Database,
    report: &mut (dyn FnMut(UserId, String) + Send),
) -> Result<(), DbError> {
    let mut after = Some(Uuid::nil());
    while let Some(user) = after {
        let page = quota_drift(db, user, USERS).await?;
        for drift in page.found {
            report(drift.user, told(&drift));
        }
        after = page.next;
    }
    Ok(())
}

async fn check_needed_discards(audit: &mut Audit<'_>) -> Result<(), DbError> {
    let db = &audit.request.db;
    let needed = needed_discards(db, MOST).await?;
    if audit.repairs() && !needed.is_empty() {
        unmark_needed(db, &needed).await?;
    }
    let remedy = audit.remedy(Remedy::Mended);
    for url in needed {
        let detail = "to be removed, although a row needs them".to_owned();
        audit.tell(FindingKind::NeededDiscard, url, detail, remedy);
    }
    Ok(())
}

async fn check_documents(audit: &mut Audit<'_>) -> Result<(), DbError> {
    let (db, now) = (&audit.request.db, audit.request.clock.now());
    let mut after = Some(Uuid::nil());
    while let Some(document) = after {
        let page = inconsistent_documents(db, document, PAGE).await?;
        for document in page.found {
            let is_repaired =
                audit.repairs() && repair_document(db, document.document, now).await?;
            let detail = match document.inconsistency {
                Inconsistency::WrongVersion => "shows something else than its version",
                Inconsistency::NothingPending => "is pending, and none of its versions is",
            };
            let remedy = audit.remedy(if is_repaired {
                Remedy::Mended
            } else {
                Remedy::Left
            });
            let subject = document.document.to_string();
            audit.tell(
                FindingKind::DanglingDocument,
                subject,
                detail.to_owned(),
                remedy,
            );
        }
        after = page.next;
    }
    Ok(())
}

/// Unreadable rows are only reported.
async fn check_readable(audit: &mut Audit<'_>) -> Result<(), DbError> {
    let mut after = Some(Uuid::nil());
    while let Some(document) = after {
        let page = unreadable_documents(&audit.request.db, document, WHOLE_ROWS).await?;
        for document in page.found {
            let detail = "has a row that can't be read".to_owned();
            let remedy = audit.remedy(Remedy::Left);
            audit.tell(
                FindingKind::UnreadableDocument,
                document.to_string(),
                detail,
                remedy,
            );
        }
        after = page.next;
    }
    Ok(())
}

async fn check_jobs(audit: &mut Audit<'_>) -> Result<(), DbError> {
    let (db, now) = (&audit.request.db, audit.request.clock.now());
    let lost = pending_without_job(db, MOST).await?;
    if audit.repairs() && !lost.is_empty() {
        enqueue_lost_jobs(db, &lost, now).await?;
    }
    let remedy = audit.remedy(Remedy::Mended);
    for version in lost {
        let detail = "is pending, and no job is about it".to_owned();
        audit.tell(
            FindingKind::PendingWithoutJob,
            version.to_string(),
            detail,
            remedy,
        );
    }
    let idle = jobs_without_subject(db, audit.stray_before(), MOST).await?;
    let mut remedy = Remedy::None;
    if audit.repairs() && !idle.is_empty() {
        let ended = end_jobs_without_subject(db, &idle, now).await?;
        // A running job ends by itself.
        remedy = if ended == idle.len() as u64 {
            Remedy::Mended
        } else {
            Remedy::Left
        };
    }
    for job in idle {
        let detail = "has no pending version to work on".to_owned();
        audit.tell(
            FindingKind::JobWithoutSubject,
            job.to_string(),
            detail,
            remedy,
        );
    }
    Ok(())
}

async fn check_blobs(audit: &mut Audit<'_>) -> Result<(), DbError> {
    let (db, now) = (&audit.request.db, audit.request.clock.now());
    let mut after = Some(Uuid::nil());
    while let Some(blob) = after {
        let page = blob_drift(db, blob, PAGE).await?;
        for drift in page.found {
            if audit.repairs() {
                repair_blob_drift(db, drift.blob, now).await?;
            }
            let (counted, actual) = (drift.counted, drift.actual);
            let detail = format!("counts {counted} references, and has {actual}");
            let remedy = match actual {
                0 => audit.remedy(Remedy::Quarantined),
                _ => audit.remedy(Remedy::Mended),
            };
            audit.tell(
                FindingKind::ReferenceDrift,
                drift.blob.to_string(),
                detail,
                remedy,
            );
        }
        after = page.next;
    }
    Ok(())
}

async fn check_quotas(audit: &mut Audit<'_>) -> Result<(), DbError> {
    let db = &audit.request.db;
    let mut after = Some(Uuid::nil());
    while let Some(user) = after {
        let page = quota_drift(db, user, USERS).await?;
        for drift in page.found {
            if audit.repairs() {
                repair_quota_drift(db, drift.user).await?;
            }
            let remedy = audit.remedy(Remedy::Mended);
            audit.tell(
                FindingKind::QuotaDrift,
                drift.user.to_string(),
                told(&drift),
                remedy,
            );
        }
        after = page.next;
    }
    Ok(())
}

/// Describes a drift.
fn told(drift: &QuotaDrift) -> String {
    let words = |[
        used,
        reserved,
        documents,
        staging,
        results,
        failed,
        discarded,
    ]: [i64; 7]| {
        format!(
            "{used} bytes, {reserved} reserved, {documents} documents, {staging} bytes in staging, \
             {results} of results, {failed} failed versions, {discarded} bytes to be removed"
        )
    };
    let (counted, actual) = (words(drift.counted), words(drift.actual));
    format!("is charged {counted}, and keeps {actual}")
}
