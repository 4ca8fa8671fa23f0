//! Operations whose job is given up end in `error`, in the transaction that gives it up.

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use crate::db::DbError;
use crate::db::batch::{execute, parameter};
use crate::db::ledger_sql::ids;
use crate::domain::{JobId, OperationErrorCode, Timestamp};

/// Ends the operations of jobs that are given up, before those jobs are.
pub async fn end_with_dead_jobs(
    transaction: &DatabaseTransaction,
    jobs: &[JobId],
    now: Timestamp,
) -> Result<(), DbError> {
    if jobs.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "UPDATE operations SET status = 'error', error_code = $3, error_detail = $4, \
         started_at = COALESCE(started_at, $2), finished_at = $2 WHERE status IN ('pending', 'running') \
         AND id IN (SELECT subject_id FROM jobs WHERE id IN ({}))",
        ids(transaction.get_database_backend())
    );
    let code = OperationErrorCode::Internal;
    let values = [
        parameter(jobs)?,
        now.as_micros().into(),
        code.as_str().into(),
        code.detail().into(),
    ];
    execute(transaction, sql, values).await?;
    Ok(())
}
