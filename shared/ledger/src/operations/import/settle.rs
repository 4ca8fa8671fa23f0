//! The end of an import: items are settled with the versions that they became.

use std::time::Duration;

use crate::backlog::postpone;
use crate::operations::archives::discard_source;
use crate::operations::lock::{JobLock, lock_for_job};
use crate::operations::standing::Standing;
use crate::settle::finish_jobs;
use crate::tables::operation_items::{self, Settleable};
use crate::tables::operations;
use crate::{Database, DbError, Settlement};
use crash_points::CrashPoint;
use domain::{Action, ItemCode, OperationId, OperationStatus, Timestamp};

/// Items that one transaction settles.
const ITEMS: usize = 2_000;

/// How far an import is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportProgress {
    /// Versions are still under way, or many are settled: the same job looks again after a while.
    Waits(Duration),
    /// It has ended; its archive is not needed any more.
    Ended(Option<String>),
}

/// Settles the items whose versions are settled. Ends the import if these were the last, else
/// has the same job look again after `pause`.
pub async fn settle_import(
    db: &Database,
    id: OperationId,
    settlement: &Settlement,
    pause: Duration,
    now: Timestamp,
) -> Result<Standing<ImportProgress>, DbError> {
    // They are looked for before the transaction, so that nobody waits meanwhile.
    let settled = operation_items::settleable(db.reader(), id, ITEMS).await?;
    let _turn = db.bulk_turn().await;
    let transaction = db.begin().await?;
    let locked = match lock_for_job(&transaction, (id, Action::Import), settlement.job).await? {
        JobLock::Locked(locked) => locked,
        JobLock::Finished => return Ok(Standing::Over),
        JobLock::LeaseLost => return Ok(Standing::LeaseLost),
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
        return Ok(Standing::Goes(ImportProgress::Waits(pause)));
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
    crash_points::reach(CrashPoint::BeforeImportEnd);
    transaction.commit().await?;
    crash_points::reach(CrashPoint::AfterImportEnd);
    Ok(Standing::Goes(ImportProgress::Ended(locked.source_url)))
}
