//! Turns the directory of an archive into items. Each attempt starts again, until the job ends.

use url::Url;

use super::create::ConflictPolicy;
use super::entry::{ImportEntry, NewImportItem};
use crate::jobs::{NewJob, enqueue};
use crate::operations::archives::discard_source;
use crate::operations::lock::{JobLock, lock_for_job};
use crate::operations::step_check::StepCheck;
use crate::operations::tell::tell;
use crate::settle::finish_jobs;
use crate::tables::operation_items::{self, ImportedRow};
use crate::tables::operations::{self, Locked};
use crate::{Database, DbError, JobRef, Settlement};
use crash_points::CrashPoint;
use domain::{
    Action, EventKind, ItemResult, JobId, OperationErrorCode, OperationId, Timestamp, UserId,
};
use queue::JobKind;

/// A running import.
#[derive(Clone, Debug)]
pub struct Import {
    /// The operation.
    pub id: OperationId,
    /// The owner of the documents.
    pub owner: UserId,
    /// Where the archive is.
    pub source: Url,
    /// What to do with names that are taken.
    pub on_conflict: ConflictPolicy,
    /// When it started.
    pub began: Timestamp,
}

pub(super) fn import_of(locked: &Locked) -> Result<Import, DbError> {
    let id = locked.operation.id;
    let corrupt = |column| DbError::corrupt("operations", column, id);
    let source = locked
        .source_url
        .as_deref()
        .ok_or_else(|| corrupt("source_url"))?;
    let began = locked.operation.state.started_at();
    let word = locked.options["on_conflict"].as_str().unwrap_or_default();
    let policy = ConflictPolicy::ALL
        .into_iter()
        .find(|policy| policy.as_str() == word);
    Ok(Import {
        id,
        owner: locked.operation.owner,
        source: Url::parse(source).map_err(|_| corrupt("source_url"))?,
        on_conflict: policy.ok_or_else(|| corrupt("options"))?,
        began: began.unwrap_or(locked.operation.created_at),
    })
}

/// Starts an import without items, whatever an earlier attempt has added.
pub async fn begin_import(
    db: &Database,
    id: OperationId,
    job: JobRef,
    now: Timestamp,
) -> Result<StepCheck<Import>, DbError> {
    let transaction = db.begin().await?;
    let locked = match lock_for_job(&transaction, (id, Action::Import), job).await? {
        JobLock::Locked(locked) => locked,
        JobLock::Finished => return Ok(StepCheck::Finished),
        JobLock::LeaseLost => return Ok(StepCheck::LeaseLost),
    };
    let import = import_of(&locked)?;
    operation_items::delete_all(&transaction, id).await?;
    operations::restart(&transaction, id, now).await?;
    operations::set_total(&transaction, id, 0).await?;
    transaction.commit().await?;
    Ok(StepCheck::Continue(import))
}

/// Adds items, while the claim holds.
pub async fn add_import_items(
    db: &Database,
    id: OperationId,
    job: JobRef,
    items: &[NewImportItem],
) -> Result<StepCheck<()>, DbError> {
    fn row(item: &NewImportItem) -> ImportedRow<'_, ImportEntry> {
        let code = item.entry.as_ref().err();
        ImportedRow {
            position: item.position,
            name: &item.name,
            result: match code {
                None => ItemResult::Pending.as_str(),
                Some(_) => ItemResult::Failed.as_str(),
            },
            code: code.map(|code| code.as_str()),
            detail: code.map(|code| code.detail()),
            entry: item.entry.as_ref().ok(),
        }
    }

    let transaction = db.begin().await?;
    match lock_for_job(&transaction, (id, Action::Import), job).await? {
        JobLock::Locked(_) => {}
        JobLock::Finished => return Ok(StepCheck::Finished),
        JobLock::LeaseLost => return Ok(StepCheck::LeaseLost),
    }
    let rows: Vec<_> = items.iter().map(row).collect();
    operation_items::insert_imported(&transaction, id, &rows).await?;
    let failed = items.iter().filter(|item| item.entry.is_err()).count();
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    operations::add_items(&transaction, id, count(items.len()), count(failed)).await?;
    transaction.commit().await?;
    Ok(StepCheck::Continue(()))
}

/// Ends the job that has read the archive, and enqueues the one that imports its entries.
pub async fn start_import(
    db: &Database,
    import: &Import,
    settlement: &Settlement,
    now: Timestamp,
) -> Result<StepCheck<JobId>, DbError> {
    let transaction = db.begin().await?;
    let standing = lock_for_job(&transaction, (import.id, Action::Import), settlement.job).await?;
    if matches!(standing, JobLock::LeaseLost) {
        return Ok(StepCheck::LeaseLost);
    }
    finish_jobs(&transaction, std::slice::from_ref(settlement), now).await?;
    let job = NewJob {
        subject: Some(import.id.0),
        ..NewJob::without_subject(JobKind::ImportEntries, import.owner, now)
    };
    enqueue(&transaction, std::slice::from_ref(&job), now).await?;
    crash_points::reach(CrashPoint::BeforeDirectory);
    transaction.commit().await?;
    crash_points::reach(CrashPoint::AfterDirectory);
    Ok(StepCheck::Continue(job.id))
}

/// Fails an import whose archive was refused, and discards the archive.
pub async fn refuse_import(
    db: &Database,
    import: &Import,
    settlement: &Settlement,
    code: OperationErrorCode,
    now: Timestamp,
) -> Result<StepCheck<()>, DbError> {
    let transaction = db.begin().await?;
    let locked =
        match lock_for_job(&transaction, (import.id, Action::Import), settlement.job).await? {
            JobLock::Locked(locked) => locked,
            JobLock::Finished => return Ok(StepCheck::Finished),
            JobLock::LeaseLost => return Ok(StepCheck::LeaseLost),
        };
    finish_jobs(&transaction, std::slice::from_ref(settlement), now).await?;
    operations::fail(&transaction, import.id, code, now).await?;
    discard_source(&transaction, &locked, now).await?;
    let this = (locked.operation.owner, import.id);
    tell(&transaction, this, EventKind::OperationFailed, now).await?;
    transaction.commit().await?;
    Ok(StepCheck::Continue(()))
}
