//! Taking an operation back: another operation, whose items remember what they were.

use std::ops::Range;

use super::draft::{Draft, ITEMS};
use super::edits::Edit;
use super::former::WayBack;
use super::items::Dealt;
use super::room::{NoRoom, check_open, make_room};
use super::turn::{EDITED_VALUES, Turn};
use crate::change::Move;
use crate::jobs::{NewJob, enqueue};
use crate::slots::Slot;
use crate::tables::{operation_items, operations};
use crate::{Commit, Database, DatabaseTransaction, DbError};
use domain::{
    Action, ItemCode, JobId, Judgement, NotUndoable, Operation, OperationId, OperationLimits,
    RunMode, Timestamp, UserId,
};
use queue::JobKind;

/// An operation that was not taken back.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// There is no such operation, or it belongs to somebody else.
    #[error("there is no such operation")]
    NotFound,
    /// It can't be taken back, or has been.
    #[error(transparent)]
    NotUndoable(#[from] NotUndoable),
    /// The owner has as much of operations as they may.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// An operation that is to take another one back.
#[derive(Clone, Copy, Debug)]
pub struct NewUndo {
    /// Its id.
    pub id: OperationId,
    /// The one that it takes back.
    pub undoes: OperationId,
    /// Whose both are.
    pub owner: UserId,
    /// When it was asked for.
    pub at: Timestamp,
}

/// Accepts an operation that takes back what another one did to documents. Its items are those
/// that succeeded. Gives it, and the job that begins it.
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

/// The transaction that makes an operation whole.
struct LastPart {
    transaction: DatabaseTransaction,
    /// How many items it has, if that isn't known to be right already.
    written: Option<u64>,
    _slot: Slot,
}

/// An operation that takes another one back, without items as yet.
enum Begun {
    /// Its items are few: they are written by the same transaction.
    Whole(LastPart),
    /// They are written by several, until it is whole. So many items are looked through.
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
    check_open::<UndoError>(&transaction, new.owner, limits).await?;
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
    make_room::<UndoError>(&transaction, new.owner, limits, new.at).await?;
    let draft = Draft::hide(&transaction, new.id, new.at).await?;
    transaction.commit().await.map_err(DbError::from)?;
    Ok(Begun::Draft(draft, i64::from(undone.tally.total)))
}

/// Writes the items of a draft part by part. Gives the transaction that writes the last ones.
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
        draft.hold(&transaction).await?;
        let end = from.saturating_add(i64::try_from(ITEMS).unwrap_or(i64::MAX));
        draft.written += copy_items(&transaction, new, from..end, draft.written).await?;
        if end >= positions {
            draft.finish(&transaction).await?;
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

/// Copies those of the items at the positions `range` that succeeded behind those that are
/// written, and returns how many. What the documents were stays with those alone.
async fn copy_items(
    transaction: &DatabaseTransaction,
    new: &NewUndo,
    range: Range<i64>,
    written: u64,
) -> Result<u64, DbError> {
    operation_items::copy_succeeded(transaction, (new.undoes, new.id), range, written).await
}

/// Has a job begin it.
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
    make_room::<UndoError>(&transaction, new.owner, limits, new.at).await?;
    let job = NewJob {
        subject: Some(new.id.0),
        ..NewJob::without_subject(JobKind::RunOperation, new.owner, new.at)
    };
    enqueue(&transaction, std::slice::from_ref(&job), new.at).await?;
    let made = operations::find(&transaction, new.id).await?;
    let made = made.ok_or(UndoError::NotFound)?;
    on.commit(transaction, &made).await?;
    Ok((made, job.id))
}

impl Turn<'_> {
    /// Makes the documents what they were, but for those that were changed since.
    pub async fn ways_back(&self) -> Result<Vec<Dealt>, DbError> {
        let (mut dealt, mut moves, mut edits) = (Vec::new(), Vec::new(), Vec::new());
        let mut values = 0;
        for found in self.found() {
            let (item, document) = match found {
                Ok(found) => found,
                Err(item) if self.held.unreadable.contains(&item.document) => {
                    dealt.push(self.missing(item));
                    continue;
                }
                Err(item) => {
                    dealt.push(Dealt::skipped(item, ItemCode::NotFound));
                    continue;
                }
            };
            // What can't be read any more harms no other item.
            let Some((former, revision)) = &item.former else {
                dealt.push(Dealt::failed(item, ItemCode::Internal));
                continue;
            };
            if document.revision != *revision {
                dealt.push(Dealt::skipped(item, ItemCode::RevisionMismatch));
                continue;
            }
            let Ok(way_back) = former.clone().way_back(document, self.now) else {
                dealt.push(Dealt::failed(item, ItemCode::Internal));
                continue;
            };
            match way_back {
                WayBack::Edit(after) => {
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
                WayBack::Move(verb, status, since) => {
                    dealt.push(match document.lifecycle.status().judge(verb) {
                        Judgement::AlreadyThere => Dealt::skipped(item, ItemCode::Unchanged),
                        Judgement::Refused(refused) => Dealt::failed(item, refused),
                        Judgement::Leads(_) => {
                            moves.push(Move::new(document.id, status, since));
                            Dealt::succeeded(item)
                        }
                    });
                }
            }
        }
        self.write_moves(&moves).await?;
        dealt.extend(self.edit(edits).await?);
        Ok(dealt)
    }
}
