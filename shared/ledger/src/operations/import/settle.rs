//! The end of an import: items are settled with the versions that they became.

use std::time::Duration;

use sea_orm::Value;

use crate::accounts::Charges;
use crate::backlog::postpone;
use crate::batch::{execute, parameter, query};
use crate::discards::Discard;
use crate::operations::archives::{Hold, count, end, hold};
use crate::operations::standing::Standing;
use crate::settle::finish_jobs;
use crate::{Database, DatabaseTransaction, DbError, Settlement, discards};
use crash_points::CrashPoint;
use domain::{Action, ItemCode, OperationId, OperationStatus, Tally, Timestamp};

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
    let settled = settled_positions(db, id).await?;
    let _turn = db.bulk_turn().await;
    let transaction = db.begin().await?;
    let held = match hold(&transaction, (id, Action::Import), settlement.job).await? {
        Hold::Held(held) => held,
        Hold::Over => return Ok(Standing::Over),
        Hold::LeaseLost => return Ok(Standing::LeaseLost),
    };
    if !settled.is_empty() {
        let some = format!("position IN ({})", db.dialect().integers());
        let tally = settle_items(&transaction, id, (&some, parameter(&settled)?)).await?;
        count(&transaction, id, tally).await?;
    }
    let left =
        "SELECT 1 FROM operation_items WHERE operation_id = $1 AND result = 'pending' LIMIT 1";
    if !query(&transaction, left, [id.0.into()]).await?.is_empty() {
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
    let status = if held.is_cancelled && was_cut_short(&transaction, id).await? {
        OperationStatus::Cancelled
    } else {
        OperationStatus::Completed
    };
    end(&transaction, id, status, now).await?;
    let forget = "UPDATE operations SET source_url = NULL, source_size = 0 WHERE id = $1";
    execute(&transaction, forget, [id.0.into()]).await?;
    if let Some(source) = &held.source {
        let mut charges = Charges::default();
        let owner = held.operation.owner.0;
        charges.of(owner).staging += held.source_size;
        let source = [Discard::of(owner, source.clone(), held.source_size)];
        discards::add_charged(&transaction, &source, &mut charges, now).await?;
        charges.give_back(&transaction).await?;
    }
    crash_points::reach(CrashPoint::BeforeImportEnd);
    transaction.commit().await?;
    crash_points::reach(CrashPoint::AfterImportEnd);
    Ok(Standing::Goes(ImportProgress::Ended(held.source)))
}

/// Whether anything was left out when its owner wanted it to stop. If that came too late,
/// all was done.
async fn was_cut_short(
    transaction: &DatabaseTransaction,
    id: OperationId,
) -> Result<bool, DbError> {
    let sql = "SELECT 1 FROM operation_items WHERE operation_id = $1 AND result = 'skipped' \
         AND code = $2 LIMIT 1";
    let values = [id.0.into(), ItemCode::Cancelled.as_str().into()];
    Ok(!query(transaction, sql, values).await?.is_empty())
}

/// True of an item whose versions are settled, or gone.
const SETTLED: &str = "operation_id = $1 AND result = 'pending' AND document_id IS NOT NULL AND NOT EXISTS \
     (SELECT 1 FROM versions v WHERE v.document_id = operation_items.document_id \
     AND v.status = 'pending' AND v.number <= operation_items.version)";

/// Where items are whose versions are settled: so many as one transaction writes. They are looked
/// for before it, so that nobody waits meanwhile.
async fn settled_positions(db: &Database, id: OperationId) -> Result<Vec<i64>, DbError> {
    let sql = format!(
        "SELECT position FROM operation_items WHERE {SETTLED} ORDER BY position LIMIT {ITEMS}"
    );
    let found = query(db.reader(), sql, [id.0.into()]).await?;
    found
        .into_iter()
        .map(|row| Ok(row.try_get_by_index(0)?))
        .collect()
}

/// Settles those of the items that are among `some`, a condition with `$2`.
///
/// An item is settled once its version is, and those before it. It is what the archive
/// promised only if all versions are active that the archive has of it; else the last one
/// that failed says why.
pub(in crate::operations) async fn settle_items(
    transaction: &DatabaseTransaction,
    id: OperationId,
    (some, parameter): (&str, Value),
) -> Result<Tally, DbError> {
    // Each question is about the versions of one item: a join would lead SQLite to go through
    // the items for each version.
    let of_item = "FROM versions v WHERE v.document_id = operation_items.document_id";
    let settled = format!("WHERE {SETTLED} AND {some}");
    let values = || [id.0.into(), parameter.clone()];
    let contents = transaction
        .dialect()
        .array_length("operation_items.entry", "contents");
    let refused = format!(
        "{of_item} AND v.status = 'error' AND v.number <= operation_items.version \
         AND v.number > operation_items.version - {contents}"
    );
    let failed = format!(
        "UPDATE operation_items SET result = 'failed', \
         code = (SELECT v.error_code {refused} ORDER BY v.number DESC LIMIT 1), \
         detail = (SELECT CASE WHEN {contents} > 1 THEN 'Version ' || CAST(v.number AS text) || ': ' ELSE '' END \
         || COALESCE(v.error_detail, v.error_code) {refused} ORDER BY v.number DESC LIMIT 1) \
         {settled} AND EXISTS (SELECT 1 {refused})"
    );
    let failed = execute(transaction, failed, values()).await?;
    let succeeded = format!(
        "UPDATE operation_items SET result = 'succeeded' {settled} AND EXISTS \
         (SELECT 1 {of_item} AND v.number = operation_items.version AND v.status = 'active') \
         AND NOT EXISTS (SELECT 1 {refused})"
    );
    let succeeded = execute(transaction, succeeded, values()).await?;
    // Deleted by its owner meanwhile.
    let gone = format!(
        "UPDATE operation_items SET result = 'failed', code = $3, detail = $4 \
         WHERE operation_id = $1 AND result = 'pending' AND document_id IS NOT NULL AND {some} \
         AND NOT EXISTS (SELECT 1 {of_item} AND v.number = operation_items.version)"
    );
    let code = ItemCode::NotFound;
    let [id, parameter] = values();
    let values = [id, parameter, code.as_str().into(), code.detail().into()];
    let gone = execute(transaction, gone, values).await?;
    let number = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(Tally {
        total: number(succeeded + failed + gone),
        succeeded: number(succeeded),
        failed: number(failed + gone),
        skipped: 0,
    })
}
