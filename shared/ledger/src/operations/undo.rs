//! Undoes an operation: by another operation, whose items are those that succeeded.

use std::ops::Range;

use super::active_chunk::{ActiveChunk, AppliedChunk, EDITED_VALUES};
use super::draft::{Draft, ITEMS};
use super::edits::Edit;
use super::item_outcome::ItemOutcome;
use super::limits::{LimitReached, check_open_limit, evict_for_new};
use super::previous_state::UndoStep;
use super::tell::tell;
use crate::change::Move;
use crate::jobs::{NewJob, enqueue};
use crate::slots::Slot;
use crate::tables::{operation_items, operations};
use crate::{Commit, Database, DatabaseTransaction, DbError};
use domain::{
    Action, EventKind, ItemCode, JobId, NotUndoable, Operation, OperationId, OperationLimits,
    RunMode, Timestamp, TransitionOutcome, UserId,
};
use queue::JobKind;

/// Why an operation was not undone.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// There is no such operation, or another user owns it.
    #[error("there is no such operation")]
    NotFound,
    /// It can't be undone, or has been.
    #[error(transparent)]
    NotUndoable(#[from] NotUndoable),
    /// The owner has too many operations.
    #[error(transparent)]
    LimitReached(#[from] LimitReached),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// A new operation that undoes another one.
#[derive(Clone, Copy, Debug)]
pub struct NewUndo {
    /// Its id.
    pub id: OperationId,
    /// The one that it undoes.
    pub undoes: OperationId,
    /// The owner of both.
    pub owner: UserId,
    /// When it was requested.
    pub at: Timestamp,
}

/// Creates an operation that undoes another one. Its items are those that succeeded. Returns it
/// with its first job.
pub async fn undo_operation(
    on: &impl Commit<Operation>,
    new: &NewUndo,
    limits: &OperationLimits,
) -> Result<(Operation, JobId), UndoError> {
    let last = match begin(on.database(), new, limits).await? {
        Begun::Whole(all) => {
            copy_items(&all.transaction, new, 0..i64::MAX, 0).await?;
            all
        }
        Begun::Draft(draft, positions) => copy_parts(on.database(), new, draft, positions).await?,
    };
    finish(on, last, new, limits).await
}

/// The transaction that completes an operation.
struct LastPart {
    transaction: DatabaseTransaction,
    /// How many items it has, if its row doesn't say so yet.
    written: Option<u64>,
    _slot: Slot,
}

/// A new undo without items.
enum Begun {
    /// Its items are few: this transaction writes them.
    Whole(LastPart),
    /// Several transactions write them, from so many items of the undone operation.
    Draft(Draft, i64),
}

async fn begin(db: &Database, new: &NewUndo, limits: &OperationLimits) -> Result<Begun, UndoError> {
    let slot = db.bulk_slot(new.owner).await?;
    let transaction = db.begin().await?;
    let locked = operations::lock_operation_of(&transaction, new.undoes, new.owner).await?;
    let undone = locked.ok_or(UndoError::NotFound)?.operation;
    if operations::is_undone(&transaction, new.undoes).await? {
        return Err(NotUndoable.into());
    }
    undone.may_be_undone()?;
    check_open_limit::<UndoError>(&transaction, new.owner, limits).await?;
    let row = operations::Insert {
        id: new.id,
        owner: new.owner,
        action: Action::Undo,
        mode: RunMode::Real,
        options: serde_json::json!({}),
        undoes: Some(new.undoes),
        total: undone.tally.succeeded.into(),
        source: None,
        at: new.at,
    };
    operations::insert(&transaction, row).await?;
    if undone.tally.total as usize <= ITEMS {
        return Ok(Begun::Whole(LastPart {
            transaction,
            written: None,
            _slot: slot,
        }));
    }
    evict_for_new::<UndoError>(&transaction, new.owner, limits, new.at).await?;
    let draft = Draft::begin(&transaction, new.id, new.at).await?;
    transaction.commit().await.map_err(DbError::from)?;
    Ok(Begun::Draft(draft, i64::from(undone.tally.total)))
}

/// Writes the items of a draft in parts. Returns the transaction that has written the last ones.
async fn copy_parts(
    db: &Database,
    new: &NewUndo,
    mut draft: Draft,
    positions: i64,
) -> Result<LastPart, UndoError> {
    let mut from = 0_i64;
    loop {
        let slot = db.bulk_slot(new.owner).await?;
        let transaction = db.begin().await?;
        draft.lock(&transaction).await?;
        let end = from.saturating_add(i64::try_from(ITEMS).unwrap_or(i64::MAX));
        draft.written += copy_items(&transaction, new, from..end, draft.written).await?;
        if end >= positions {
            draft.publish(&transaction).await?;
            return Ok(LastPart {
                transaction,
                written: Some(draft.written),
                _slot: slot,
            });
        }
        transaction.commit().await.map_err(DbError::from)?;
        from = end;
    }
}

/// Copies those of the items at the positions `range` that succeeded behind the `written` ones,
/// and returns how many.
async fn copy_items(
    transaction: &DatabaseTransaction,
    new: &NewUndo,
    range: Range<i64>,
    written: u64,
) -> Result<u64, DbError> {
    operation_items::copy_succeeded(transaction, (new.undoes, new.id), range, written).await
}

/// Enqueues its first job, and commits.
async fn finish(
    on: &impl Commit<Operation>,
    last: LastPart,
    new: &NewUndo,
    limits: &OperationLimits,
) -> Result<(Operation, JobId), UndoError> {
    let LastPart {
        transaction,
        written,
        _slot,
    } = last;
    if let Some(written) = written {
        let total = i64::try_from(written).unwrap_or(i64::MAX);
        operations::set_total(&transaction, new.id, total).await?;
    }
    evict_for_new::<UndoError>(&transaction, new.owner, limits, new.at).await?;
    let job = NewJob {
        subject: Some(new.id.0),
        ..NewJob::without_subject(JobKind::RunOperation, new.owner, new.at)
    };
    enqueue(&transaction, std::slice::from_ref(&job), new.at).await?;
    let this = (new.owner, new.id);
    tell(&transaction, this, EventKind::OperationCreated, new.at).await?;
    let made = operations::find(&transaction, new.id).await?;
    let made = made.ok_or(UndoError::NotFound)?;
    on.commit(transaction, &made).await?;
    Ok((made, job.id))
}

impl ActiveChunk<'_> {
    /// Gives the documents their previous state back, except those that were changed since.
    pub async fn undo(&self) -> Result<AppliedChunk, DbError> {
        let (mut outcomes, mut moves, mut edits) = (Vec::new(), Vec::new(), Vec::new());
        let mut values = 0;
        for found in self.found() {
            let (item, document) = match found {
                Ok(found) => found,
                Err(item) if self.held.unreadable.contains(&item.document) => {
                    outcomes.push(self.missing(item));
                    continue;
                }
                Err(item) => {
                    outcomes.push(ItemOutcome::skipped(item, ItemCode::NotFound));
                    continue;
                }
            };
            // A previous state that can't be read fails its own item alone.
            let Some((previous, revision)) = &item.previous else {
                outcomes.push(ItemOutcome::failed(item, ItemCode::Internal));
                continue;
            };
            if document.revision != *revision {
                outcomes.push(ItemOutcome::skipped(item, ItemCode::RevisionMismatch));
                continue;
            }
            let Ok(undo_step) = previous.clone().undo_step(document, self.now) else {
                outcomes.push(ItemOutcome::failed(item, ItemCode::Internal));
                continue;
            };
            match undo_step {
                UndoStep::Edit(after) => {
                    values += after.metadata.values();
                    if values > EDITED_VALUES && !edits.is_empty() {
                        break;
                    }
                    edits.push(Edit {
                        item,
                        before: document,
                        after: *after,
                    });
                }
                UndoStep::Move(verb, status, since) => {
                    outcomes.push(match document.lifecycle.status().judge(verb) {
                        TransitionOutcome::AlreadyThere => {
                            ItemOutcome::skipped(item, ItemCode::Unchanged)
                        }
                        TransitionOutcome::Refused(refused) => ItemOutcome::failed(item, refused),
                        TransitionOutcome::Changes(_) => {
                            moves.push(Move::new(document.id, status, since));
                            ItemOutcome::succeeded(item)
                        }
                    });
                }
            }
        }
        let mut events = self.write_moves(&moves).await?;
        let (edited, of_edits) = self.edit(edits).await?;
        outcomes.extend(edited);
        events.extend(of_edits);
        Ok((outcomes, events).into())
    }
}
