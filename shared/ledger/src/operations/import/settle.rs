//! Settles the items of an import with the versions that they became, and ends it after the last.

use std::time::Duration;

use crate::backlog::postpone;
use crate::operations::archives::discard_source;
use crate::operations::lock::{JobLock, lock_for_job};
use crate::operations::step_check::StepCheck;
use crate::operations::tell::{kind_of_status, tell};
use crate::settle::finish_jobs;
use crate::tables::operation_items::{self, Settleable};
use crate::tables::operations;
use crate::{Database, DbError, Settlement};
use crash_points::CrashPoint;
use domain::{Action, ItemCode, OperationId, OperationStatus, Timestamp};

/// The most items that one transaction settles.
const ITEMS: usize = 2_000;

/// How far an import is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportProgress {
    /// Versions are pending, or more items may be settled: the same job is due again after a while.
    Waits(Duration),
    /// It has ended; its archive can be removed.
    Ended(Option<String>),
}

/// Settles the items whose versions are settled. Ends the import after the last one; otherwise the
/// same job is due again after `pause`.
pub async fn settle_import(
    db: &Database,
    id: OperationId,
    settlement: &Settlement,
    pause: Duration,
    now: Timestamp,
) -> Result<StepCheck<ImportProgress>, DbError> {
    // Searched for before the transaction, so that other writers don't wait.
    let settled = operation_items::settleable(db.reader(), id, ITEMS).await?;
    let _turn = db.bulk_turn().await;
    let transaction = db.begin().await?;
    let locked = match lock_for_job(&transaction, (id, Action::Import), settlement.job).await? {
        JobLock::Locked(locked) => locked,
        JobLock::Finished => return Ok(StepCheck::Finished),
        JobLock::LeaseLost => return Ok(StepCheck::LeaseLost),
    };
    if !settled.is_empty() {
        let tally = operation_items::settle(&transaction, id, Settleable::At(&settled)).await?;
        operations::count_items(&transaction, id, tally).await?;
    }
    if operation_items::has_pending(&transaction, id).await? {
        // There may be more of them.
        let pause = if settled.len() < ITEMS {
            pause
        } else {
            Duration::ZERO
        };
        postpone(&transaction, settlement.job, now.plus(pause)).await?;
        transaction.commit().await?;
        return Ok(StepCheck::Continue(ImportProgress::Waits(pause)));
    }
    finish_jobs(&transaction, std::slice::from_ref(settlement), now).await?;
    // A cancel that came after everything was done changes nothing.
    let was_cut_short = locked.is_cancelled
        && operation_items::has_skipped(&transaction, id, ItemCode::Cancelled).await?;
    let status = if was_cut_short {
        OperationStatus::Cancelled
    } else {
        OperationStatus::Completed
    };
    operations::finish(&transaction, id, status, now).await?;
    discard_source(&transaction, &locked, now).await?;
    let this = (locked.operation.owner, id);
    tell(&transaction, this, kind_of_status(status), now).await?;
    crash_points::reach(CrashPoint::BeforeImportEnd);
    transaction.commit().await?;
    crash_points::reach(CrashPoint::AfterImportEnd);
    Ok(StepCheck::Continue(ImportProgress::Ended(
        locked.source_url,
    )))
}
