//! What exports and imports have in common: both run for long under one claim, and write
//! only while it holds.

use serde_json::Value;

use super::revive::revive;
use super::rows;
use crate::accounts::Charges;
use crate::batch::{execute, query};
use crate::discards::Discard;
use crate::{Database, DatabaseTransaction, DbError, JobRef, discards};
use domain::{Action, Operation, OperationId, OperationStatus, Tally, Timestamp, UserId};

/// An operation that this transaction has taken hold of.
pub(super) struct Held {
    pub(super) operation: Operation,
    pub(super) options: Value,
    pub(super) next: i64,
    pub(super) source: Option<String>,
    pub(super) is_cancelled: bool,
    /// The length of the source.
    pub(super) source_size: i64,
    /// What the job at work has reserved.
    pub(super) reserved: i64,
}

/// What a writing under a claim found.
pub(super) enum Hold {
    /// It may be written.
    Held(Box<Held>),
    /// There is nothing left to do.
    Over,
    /// Somebody else holds the claim.
    LeaseLost,
}

/// Takes hold of an operation that isn't over, and of the job that it is done by.
pub(super) async fn hold(
    transaction: &DatabaseTransaction,
    (id, action): (OperationId, Action),
    job: JobRef,
) -> Result<Hold, DbError> {
    let held = hold_operation(transaction, (id, action)).await?;
    if !holds_claim(transaction, job).await? {
        return Ok(Hold::LeaseLost);
    }
    Ok(held.map_or(Hold::Over, |held| Hold::Held(Box::new(held))))
}

/// Takes hold of an operation that isn't over: for those who take hold of documents before
/// they end their job. One that could not go on goes on if an operator has its job run again.
pub(super) async fn hold_operation(
    transaction: &DatabaseTransaction,
    (id, action): (OperationId, Action),
) -> Result<Option<Held>, DbError> {
    let sql = format!(
        "SELECT {}, options, next_position, source_url, source_size, held_bytes, cancel_requested \
         FROM operations WHERE id = $1 AND expired_at IS NULL{}",
        rows::OPERATION,
        transaction.dialect().lock_rows("operations"),
    );
    let found = query(transaction, sql, [id.0.into()]).await?;
    let Some(row) = found.first() else {
        return Ok(None);
    };
    let operation = rows::operation(row)?;
    let is_over = matches!(
        operation.state.status(),
        OperationStatus::Completed | OperationStatus::Cancelled
    );
    if is_over || operation.action != action {
        return Ok(None);
    }
    if operation.state.status() == OperationStatus::Error {
        revive(transaction, id).await?;
    }
    Ok(Some(Held {
        operation,
        options: row.try_get("", "options")?,
        next: row.try_get("", "next_position")?,
        source: row.try_get("", "source_url")?,
        is_cancelled: row.try_get("", "cancel_requested")?,
        source_size: row.try_get("", "source_size")?,
        reserved: row.try_get("", "held_bytes")?,
    }))
}

/// Where bytes count that the job of an operation has reserved: an import's of the quota, an
/// export's of the result allowance.
pub(super) fn held_of(charges: &mut Charges, owner: UserId, action: Action) -> &mut i64 {
    let charge = charges.of(owner.0);
    match action {
        Action::Export => &mut charge.results,
        _ => &mut charge.reserved,
    }
}

/// Gives back what the job of an operation has reserved.
pub(super) async fn release_held(
    transaction: &DatabaseTransaction,
    held: &Held,
) -> Result<(), DbError> {
    if held.reserved == 0 {
        return Ok(());
    }
    let Operation {
        id, owner, action, ..
    } = held.operation;
    let forget = "UPDATE operations SET held_bytes = 0 WHERE id = $1";
    execute(transaction, forget, [id.0.into()]).await?;
    let mut charges = Charges::default();
    *held_of(&mut charges, owner, action) += held.reserved;
    charges.give_back(transaction).await
}

/// Whether the claim holds; its row is locked, so that this stays true.
async fn holds_claim(transaction: &DatabaseTransaction, job: JobRef) -> Result<bool, DbError> {
    let sql = format!(
        "SELECT jobs.id FROM jobs WHERE id = $1 AND fence = $2 AND state = 'running'{}",
        transaction.dialect().lock_rows("jobs"),
    );
    let held = query(transaction, sql, [job.id.0.into(), job.fence.into()]).await?;
    Ok(!held.is_empty())
}

/// Forgets what was found out about the items of an operation that is begun anew.
pub(super) async fn begin_anew(
    transaction: &DatabaseTransaction,
    id: OperationId,
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "UPDATE operations SET status = 'running', started_at = COALESCE(started_at, $2), \
         finished_at = NULL, error_code = NULL, error_detail = NULL, \
         succeeded = 0, failed = 0, skipped = 0, next_position = 0 WHERE id = $1";
    execute(transaction, sql, [id.0.into(), now.as_micros().into()]).await?;
    Ok(())
}

/// Forgets which items are in an archive that nobody gets.
pub(super) async fn forget_written(
    transaction: &DatabaseTransaction,
    id: OperationId,
) -> Result<(), DbError> {
    for sql in [
        "UPDATE operation_items SET result = 'pending' WHERE operation_id = $1 AND result = 'succeeded'",
        "UPDATE operations SET succeeded = 0 WHERE id = $1",
    ] {
        execute(transaction, sql, [id.0.into()]).await?;
    }
    Ok(())
}

/// Counts what was dealt with.
pub(super) async fn count(
    transaction: &DatabaseTransaction,
    id: OperationId,
    dealt: Tally,
) -> Result<(), DbError> {
    let sql = "UPDATE operations SET succeeded = succeeded + $2, failed = failed + $3, \
         skipped = skipped + $4 WHERE id = $1";
    let values = [
        id.0.into(),
        i64::from(dealt.succeeded).into(),
        i64::from(dealt.failed).into(),
        i64::from(dealt.skipped).into(),
    ];
    execute(transaction, sql, values).await?;
    Ok(())
}

/// Ends an operation whose items have all been dealt with.
pub(super) async fn end(
    transaction: &DatabaseTransaction,
    id: OperationId,
    status: OperationStatus,
    now: Timestamp,
) -> Result<(), DbError> {
    let sql =
        "UPDATE operations SET status = $2, finished_at = $3, next_position = total WHERE id = $1";
    let values = [id.0.into(), status.as_str().into(), now.as_micros().into()];
    execute(transaction, sql, values).await?;
    Ok(())
}

/// Lets go of archives that nobody may ask for any more: results that have expired, and
/// what was imported or could not be, a day after the operation ended.
pub async fn expire_archives(
    db: &Database,
    ended_before: Timestamp,
    now: Timestamp,
) -> Result<u64, DbError> {
    let transaction = db.begin().await?;
    let mut let_go = Vec::new();
    // The old value, which RETURNING doesn't give, is read first, under the row's lock.
    let lock = transaction.dialect().lock_rows("operations");
    let due = format!(
        "SELECT id, COALESCE(result_url, source_url), owner_id, COALESCE(result_size, 0), \
         CASE WHEN source_url IS NULL THEN 0 ELSE source_size END FROM operations \
         WHERE (result_expires_at IS NOT NULL AND result_expires_at <= $1) \
         OR (source_url IS NOT NULL AND finished_at <= $2) ORDER BY id LIMIT 500{lock}"
    );
    let values = [now.as_micros().into(), ended_before.as_micros().into()];
    let mut gone: Vec<uuid::Uuid> = Vec::new();
    let mut charges = Charges::default();
    for row in query(&transaction, due, values).await? {
        gone.push(row.try_get_by_index(0)?);
        let owner: uuid::Uuid = row.try_get_by_index(2)?;
        let (result, source): (i64, i64) = (row.try_get_by_index(3)?, row.try_get_by_index(4)?);
        let_go.push(Discard::of(
            owner,
            row.try_get_by_index(1)?,
            result.max(source),
        ));
        let charge = charges.of(owner);
        charge.results += result;
        charge.staging += source;
    }
    let forget = format!(
        "UPDATE operations SET source_url = NULL, source_size = 0, result_url = NULL, result_size = NULL, \
         result_sha256 = NULL, result_expires_at = NULL WHERE id IN ({})",
        transaction.dialect().ids()
    );
    execute(&transaction, forget, [crate::batch::parameter(&gone)?]).await?;
    discards::add_charged(&transaction, &let_go, &mut charges, now).await?;
    charges.give_back(&transaction).await?;
    transaction.commit().await?;
    Ok(let_go.len() as u64)
}
