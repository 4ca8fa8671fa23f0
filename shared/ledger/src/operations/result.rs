//! Results of exports: reserves result allowance before an archive is written, and removes archives
//! for their owner.

use crate::batch::query;
use crate::discards::Discard;
use crate::jobs::{NewJob, enqueue};
use crate::tables::operations;
use crate::tables::users::{self, Charge, Charges};
use crate::{Commit, Database, DbError, JobRef, discards};
use domain::{Action, JobId, Limits, OperationId, Timestamp, UserId};
use queue::JobKind;

use super::export::{Export, VersionScope};
use super::lock::{JobLock, lock_for_job};
use super::step_check::StepCheck;

/// Why a result was not removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveResultError {
    /// There is no such export of that owner, or it has no result.
    #[error("there is no such result")]
    NotFound,
    /// The export has not ended.
    #[error("the export has not ended")]
    NotReady,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sea_orm::DbErr> for RemoveResultError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Database(error.into())
    }
}

/// Returns the sum of the sizes of an export's documents.
pub async fn export_size(db: &Database, export: &Export) -> Result<u64, DbError> {
    // Not `owner_id = $2` alone: that would lead SQLite to go through all that the owner has.
    let documents = "FROM operation_items i JOIN documents d ON d.id = i.document_id";
    let wanted = "WHERE i.operation_id = $1 AND (d.owner_id = $2) IS TRUE AND d.status = 'active'";
    let sql = match export.scope {
        VersionScope::Current => {
            format!("SELECT CAST(COALESCE(sum(d.size_bytes), 0) AS bigint) {documents} {wanted}")
        }
        VersionScope::All => format!(
            "SELECT CAST(COALESCE(sum(v.size_bytes), 0) AS bigint) {documents} \
             JOIN versions v ON v.document_id = d.id AND v.status = 'active' {wanted}"
        ),
    };
    let values = [export.id.0.into(), export.owner.0.into()];
    let found = query(db.reader(), sql, values).await?;
    let size: i64 = found.first().map_or(Ok(0), |row| row.try_get_by_index(0))?;
    Ok(size.unsigned_abs())
}

/// The allowance to reserve for an archive, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReservationRequest {
    /// The least that is of use.
    pub needed: u64,
    /// What is reserved if there is enough.
    pub wanted: u64,
}

/// Reserves allowance for the archive of an export, instead of what it had reserved, while the claim
/// holds. Returns how much; `None` if less is left than needed, and then nothing changes.
pub async fn reserve_result(
    db: &Database,
    id: OperationId,
    job: JobRef,
    request: ReservationRequest,
    limits: &Limits,
) -> Result<StepCheck<Option<u64>>, DbError> {
    let transaction = db.begin().await?;
    let locked = match lock_for_job(&transaction, (id, Action::Export), job).await? {
        JobLock::Locked(locked) if locked.is_cancelled => return Ok(StepCheck::CancelRequested),
        JobLock::Locked(locked) => locked,
        JobLock::Finished => return Ok(StepCheck::Finished),
        JobLock::LeaseLost => return Ok(StepCheck::LeaseLost),
    };
    let owner = locked.operation.owner;
    let Some(user) = users::lock(&transaction, owner.0).await? else {
        return Ok(StepCheck::Finished);
    };
    let quota = user.lenient_quota();
    if user.discarded_bytes >= limits.removal_allowance(&quota).as_i64() {
        return Ok(StepCheck::Continue(None));
    }
    let others = user.result_bytes.saturating_sub(locked.held_bytes).max(0);
    let left = limits
        .result_allowance(&quota)
        .as_i64()
        .saturating_sub(others);
    let left = left.max(0).unsigned_abs();
    if request.needed > left {
        return Ok(StepCheck::Continue(None));
    }
    let reserved = request.wanted.max(request.needed).min(left);
    let bytes = i64::try_from(reserved).unwrap_or(i64::MAX);
    operations::set_held_bytes(&transaction, id, bytes).await?;
    let additional = Charge {
        result_bytes: bytes - locked.held_bytes,
        ..Charge::to(owner.0)
    };
    users::charge(&transaction, [additional]).await?;
    transaction.commit().await?;
    Ok(StepCheck::Continue(Some(reserved)))
}

/// Removes the archive of an export. Returns the job that removes its bytes.
pub async fn remove_result(
    on: &impl Commit<()>,
    owner: UserId,
    id: OperationId,
    now: Timestamp,
) -> Result<JobId, RemoveResultError> {
    let transaction = on.database().begin().await?;
    let locked = operations::lock_operation_of(&transaction, id, owner).await?;
    let locked = locked.filter(|locked| locked.operation.action == Action::Export);
    let locked = locked.ok_or(RemoveResultError::NotFound)?;
    if !locked.operation.state.has_ended() {
        return Err(RemoveResultError::NotReady);
    }
    let archive = locked.result.ok_or(RemoveResultError::NotFound)?;
    operations::clear_archives(&transaction, &[id]).await?;
    let job = NewJob::without_subject(JobKind::RemoveDiscarded, owner, now);
    enqueue(&transaction, std::slice::from_ref(&job), now).await?;
    let mut charges = Charges::default();
    charges.to(owner.0).result_bytes -= archive.size;
    let archive = [Discard::of(owner.0, archive.url, archive.size)];
    discards::add_charged(&transaction, &archive, &mut charges, now).await?;
    charges.write(&transaction).await?;
    on.commit(transaction, &()).await?;
    Ok(job.id)
}
