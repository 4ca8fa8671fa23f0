//! Operations whose job is given up end in `error`, in the transaction that gives it up, and
//! every item says so. They go on where they were if an operator has the job tried again.

use uuid::Uuid;

use super::archives::{count, forget_written, held_of};
use super::import::settle_items;
use crate::DatabaseTransaction;
use crate::DbError;
use crate::accounts::Charges;
use crate::batch::{execute, parameter, query};
use crate::readable::unreadable;
use domain::{Action, ItemCode, JobId, OperationErrorCode, OperationId, Tally, Timestamp, UserId};

/// What is said of a document that an import has made, and that was not settled when it ended.
const UNSETTLED: &str =
    "The import could not go on before the document was settled; the document tells its end.";

/// Ends the operations of jobs that are given up, before those jobs are. Gives what they had
/// reserved, which the caller gives back.
pub async fn end_with_dead_jobs(
    transaction: &DatabaseTransaction,
    jobs: &[JobId],
    now: Timestamp,
) -> Result<Charges, DbError> {
    let mut reserved = Charges::default();
    if jobs.is_empty() {
        return Ok(reserved);
    }
    let dialect = transaction.dialect();
    let sql = format!(
        "SELECT id, action, dry_run, owner_id, held_bytes FROM operations WHERE status IN ('pending', 'running') \
         AND id IN (SELECT subject_id FROM jobs WHERE id IN ({})) ORDER BY id{}",
        dialect.ids(),
        dialect.lock_rows("operations"),
    );
    for row in query(transaction, sql, [parameter(jobs)?]).await? {
        let id: Uuid = row.try_get_by_index(0)?;
        let action: String = row.try_get_by_index(1)?;
        let is_dry: bool = row.try_get_by_index(2)?;
        let Ok(action) = action.parse::<Action>() else {
            unreadable(&DbError::corrupt("operations", "action", id));
            continue;
        };
        if action == Action::Export && !is_dry {
            forget_written(transaction, OperationId(id)).await?;
        }
        tell_the_rest(transaction, OperationId(id), action).await?;
        end(transaction, OperationId(id), now).await?;
        let (owner, held): (Uuid, i64) = (row.try_get_by_index(3)?, row.try_get_by_index(4)?);
        *held_of(&mut reserved, UserId(owner), action) += held;
    }
    Ok(reserved)
}

/// Says of each item that is pending that the operation could not go on.
pub(super) async fn tell_the_rest(
    transaction: &DatabaseTransaction,
    id: OperationId,
    action: Action,
) -> Result<(), DbError> {
    if action == Action::Import {
        let all = ("position >= $2", 0_i64.into());
        let settled = settle_items(transaction, id, all).await?;
        count(transaction, id, settled).await?;
    }
    let code = ItemCode::Interrupted;
    let mut told = Tally::default();
    for (result, which, detail, told) in [
        ("failed", "version IS NOT NULL", UNSETTLED, &mut told.failed),
        (
            "skipped",
            "version IS NULL",
            code.detail(),
            &mut told.skipped,
        ),
    ] {
        let sql = format!(
            "UPDATE operation_items SET result = '{result}', code = $2, detail = $3 \
             WHERE operation_id = $1 AND result = 'pending' AND {which}"
        );
        let values = [id.0.into(), code.as_str().into(), detail.into()];
        *told = number(execute(transaction, sql, values).await?);
    }
    count(transaction, id, told).await
}

async fn end(
    transaction: &DatabaseTransaction,
    id: OperationId,
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "UPDATE operations SET status = 'error', error_code = $3, error_detail = $4, \
         held_bytes = 0, started_at = COALESCE(started_at, $2), finished_at = $2 WHERE id = $1";
    let code = OperationErrorCode::Internal;
    let values = [
        id.0.into(),
        now.as_micros().into(),
        code.as_str().into(),
        code.detail().into(),
    ];
    execute(transaction, sql, values).await?;
    Ok(())
}

fn number(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
