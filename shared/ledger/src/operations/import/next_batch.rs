//! Chooses the next items of an import, and reserves quota for them before their bytes are staged.

use super::entry::ImportEntry;
use super::read::{Import, import_of};
use crate::operations::lock::{JobLock, lock_for_job};
use crate::operations::step_check::StepCheck;
use crate::tables::operation_items;
use crate::tables::operations::{self, Locked};
use crate::tables::users::{self, Charge};
use crate::{BACKLOG_PAUSE, Database, DatabaseTransaction, DbError, JobRef, backlog};
use domain::{Action, Limits, OperationId, Timestamp, read_json};

/// What a job requests.
#[derive(Clone, Copy, Debug)]
pub struct BatchRequest<'a> {
    /// The import.
    pub id: OperationId,
    /// The job, under its claim.
    pub job: JobRef,
    /// The most items.
    pub items: u32,
    /// The most versions of them together, unless the first one alone has more.
    pub versions: u32,
    /// The most bytes of them, unless the first one alone has more.
    pub bytes: u64,
    /// The operator's limits.
    pub limits: &'a Limits,
    /// The current time.
    pub now: Timestamp,
}

/// An item to stage.
#[derive(Clone, Debug)]
pub struct ImportItem {
    /// Its position in the operation.
    pub position: i64,
    /// Its name.
    pub name: String,
    /// Its entry.
    pub entry: ImportEntry,
    /// Whether the owner's quota has room for it. Otherwise it is not staged.
    pub fits: bool,
}

/// The next items of an import.
#[derive(Clone, Debug)]
pub struct ImportBatch {
    /// The import.
    pub import: Import,
    /// At most as many as requested; none at the end, or if the import is cancelled.
    pub items: Vec<ImportItem>,
}

/// Whether an import continues now.
#[derive(Clone, Debug)]
pub enum NextBatch {
    /// These items are next.
    Ready(ImportBatch),
    /// Its owner has too many jobs waiting: the same job is due again after [`BACKLOG_PAUSE`].
    Postponed,
}

/// Returns the next items of an import. The bytes of those that fit into the quota are reserved,
/// instead of what an earlier attempt had reserved, until the chunk is committed.
pub async fn next_import_batch(
    db: &Database,
    request: &BatchRequest<'_>,
) -> Result<StepCheck<NextBatch>, DbError> {
    let transaction = db.begin().await?;
    let locked = match lock_for_job(&transaction, (request.id, Action::Import), request.job).await?
    {
        JobLock::Locked(locked) => locked,
        JobLock::Finished => return Ok(StepCheck::Finished),
        JobLock::LeaseLost => return Ok(StepCheck::LeaseLost),
    };
    let import = import_of(&locked)?;
    if !locked.is_cancelled && backlog::is_full(&transaction, import.owner).await? {
        let later = request.now.plus(BACKLOG_PAUSE);
        backlog::postpone(&transaction, request.job, later).await?;
        transaction.commit().await?;
        return Ok(StepCheck::Continue(NextBatch::Postponed));
    }
    let mut items = Vec::new();
    if !locked.is_cancelled {
        items = next_items(&transaction, request, locked.next_position).await?;
        reserve(&transaction, request.limits, &locked, &mut items).await?;
    }
    transaction.commit().await?;
    Ok(StepCheck::Continue(NextBatch::Ready(ImportBatch {
        import,
        items,
    })))
}

async fn next_items(
    transaction: &DatabaseTransaction,
    request: &BatchRequest<'_>,
    from: i64,
) -> Result<Vec<ImportItem>, DbError> {
    let id = request.id;
    // Versions are counted first: one item may have ten thousand.
    let contents = operation_items::count_contents(transaction, id, from, request.items).await?;
    let (mut fitting, mut count) = (0, 0);
    for contents in contents {
        count += contents;
        if fitting > 0 && count > i64::from(request.versions) {
            break;
        }
        fitting += 1;
    }
    let mut items: Vec<ImportItem> = Vec::new();
    let mut bytes = 0_u64;
    for row in operation_items::due_imported(transaction, id, from, fitting).await? {
        let entry = row.entry.and_then(|entry| read_json(entry.as_bytes()).ok());
        let item = ImportItem {
            position: row.position,
            name: row.name,
            entry: entry.ok_or_else(|| DbError::corrupt("operation_items", "entry", id))?,
            fits: false,
        };
        bytes = bytes.saturating_add(item.size());
        if !items.is_empty() && bytes > request.bytes {
            break;
        }
        items.push(item);
    }
    Ok(items)
}

/// Reserves the bytes of those items that fit, one after the other, into what is left of the quota.
async fn reserve(
    transaction: &DatabaseTransaction,
    limits: &Limits,
    locked: &Locked,
    items: &mut [ImportItem],
) -> Result<(), DbError> {
    let owner = locked.operation.owner;
    let user = users::lock(transaction, owner.0).await?;
    let left = user.map_or(0, |user| user.bytes_left(limits));
    let mut left = left.saturating_add(locked.held_bytes).max(0).unsigned_abs();
    let mut reserved = 0_u64;
    for item in items {
        if let Some(rest) = left.checked_sub(item.size()) {
            item.fits = true;
            left = rest;
            reserved += item.size();
        }
    }
    let reserved = i64::try_from(reserved).unwrap_or(i64::MAX);
    if reserved == locked.held_bytes {
        return Ok(());
    }
    let id = locked.operation.id;
    operations::set_held_bytes(transaction, id, reserved).await?;
    let additional = Charge {
        reserved_bytes: reserved - locked.held_bytes,
        ..Charge::to(owner.0)
    };
    users::charge(transaction, [additional]).await
}

impl ImportItem {
    /// How many bytes it has, unpacked.
    fn size(&self) -> u64 {
        let contents = self.entry.contents.iter();
        contents.fold(0, |sum, content| content.size.saturating_add(sum))
    }
}
