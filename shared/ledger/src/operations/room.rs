//! What one owner may have of operations: so many open ones, so many kept ones, so many items
//! of all, and so many bytes of what documents were. The oldest that have ended make room for new ones; where none can, there is none.

use std::collections::HashMap;

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::expire::hide;
use crate::jobs::{NewJob, enqueue};
use crate::tables::operations::{self, KeptRow};
use crate::{Database, DatabaseTransaction, DbError};
use domain::{OperationLimits, Timestamp, UserId};
use queue::JobKind;

/// There is no room for another operation of this owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// As many as may be have not ended yet.
    #[error("too many operations have not ended yet")]
    TooManyOpen,
    /// Those that can't be removed yet are as many as may be, or hold as many items.
    #[error("too many operations, or too many items of them, have to be kept")]
    TooManyKept,
}

/// Whether there is room for more of what documents were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormerRoom {
    /// There is.
    Left,
    /// There is none, and no operation can go.
    Full,
}

/// Why an operation may not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no room for it.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Whether an owner may open another operation: to be asked before anything large is read.
pub async fn may_open_operation(
    db: &Database,
    owner: UserId,
    limits: &OperationLimits,
) -> Result<(), OpenError> {
    check_open(db.reader(), owner, limits).await
}

/// Refuses another operation of an owner who has as many open as they may.
pub(super) async fn check_open<E: From<NoRoom> + From<DbError>>(
    connection: &impl ConnectionTrait,
    owner: UserId,
    limits: &OperationLimits,
) -> Result<(), E> {
    let most = i64::from(limits.open);
    if operations::count_open(connection, owner, most).await? >= most {
        return Err(NoRoom::TooManyOpen.into());
    }
    Ok(())
}

/// Makes room for an operation of an owner that this transaction has written, by removing older
/// ones that have ended.
pub(super) async fn make_room<E: From<NoRoom> + From<DbError>>(
    transaction: &DatabaseTransaction,
    owner: UserId,
    limits: &OperationLimits,
    now: Timestamp,
) -> Result<(), E> {
    let KeptRow { operations, items } = operations::count_kept(transaction, owner).await?;
    if operations <= i64::from(limits.kept) && items <= i64::from(limits.items) {
        return Ok(());
    }
    let kept = Kept::of(transaction, owner).await?;
    let removed = kept.removed_for(limits)?;
    if removed.is_empty() {
        return Ok(());
    }
    forget(transaction, owner, &removed, now).await?;
    Ok(())
}

/// Hides operations, and has a job remove their rows.
async fn forget(
    transaction: &DatabaseTransaction,
    owner: UserId,
    operations: &[Uuid],
    now: Timestamp,
) -> Result<(), DbError> {
    hide(transaction, operations, now).await?;
    let minute = now.as_micros() / 60_000_000;
    let job = NewJob {
        dedupe_key: Some(format!("{}:room:{minute}", JobKind::ForgetOperations)),
        ..NewJob::without_subject(JobKind::ForgetOperations, owner, now)
    };
    enqueue(transaction, std::slice::from_ref(&job), now).await
}

/// Makes room for what documents are before an operation changes them, by removing the oldest
/// operations that have ended and keep some of it, and says whether there is any now.
pub(super) async fn room_for_former(
    transaction: &DatabaseTransaction,
    owner: UserId,
    limits: &OperationLimits,
    now: Timestamp,
) -> Result<FormerRoom, DbError> {
    let before = operations::sum_before_bytes(transaction, owner).await?;
    if before < limits.before.as_i64() {
        return Ok(FormerRoom::Left);
    }
    let kept = Kept::of(transaction, owner).await?;
    let (removed, room) = kept.removed_for_former(limits);
    if !removed.is_empty() {
        forget(transaction, owner, &removed, now).await?;
    }
    Ok(room)
}

/// An operation, or one with the one that takes it back: they go together.
#[derive(Debug, Default)]
struct Unit {
    id: Uuid,
    operations: i64,
    items: i64,
    /// Bytes of what documents were.
    before: i64,
    /// Whether it is seen, and may be removed.
    may_go: bool,
}

impl Unit {
    fn add(&mut self, other: &Self) {
        self.operations += other.operations;
        self.items += other.items;
        self.before += other.before;
        self.may_go &= other.may_go;
    }
}

/// All that an owner has, the oldest first.
#[derive(Debug, Default)]
struct Kept {
    units: Vec<Unit>,
    /// Those that nobody sees any more, and whose rows are still there.
    expired: Unit,
}

impl Kept {
    async fn of(transaction: &DatabaseTransaction, owner: UserId) -> Result<Self, DbError> {
        let (mut kept, mut later) = (Self::default(), Vec::new());
        let mut places: HashMap<Uuid, usize> = HashMap::new();
        for row in operations::kept_of(transaction, owner).await? {
            let one = Unit {
                id: row.id,
                operations: 1,
                items: row.total,
                before: row.before_bytes,
                may_go: row.has_ended && !row.has_archive,
            };
            if row.has_expired {
                kept.expired.add(&one);
            } else if let Some(undoes) = row.undoes {
                later.push((undoes, one));
            } else {
                places.insert(row.id, kept.units.len());
                kept.units.push(one);
            }
        }
        for (undoes, undo) in later {
            match places.get(&undoes) {
                Some(place) => kept.units[*place].add(&undo),
                None => kept.expired.add(&undo),
            }
        }
        Ok(kept)
    }

    /// The oldest ones whose removal makes room: a tenth more than is needed, so that the next ones
    /// find room at once.
    fn removed_for(&self, limits: &OperationLimits) -> Result<Vec<Uuid>, NoRoom> {
        let (most, most_items) = (i64::from(limits.kept), i64::from(limits.items));
        let mut operations: i64 = self.units.iter().map(|unit| unit.operations).sum();
        let mut items: i64 = self.units.iter().map(|unit| unit.items).sum();
        // Rows that wait to be removed count as well, or they could be made faster than they go.
        let rows = operations + self.expired.operations;
        let row_items = items + self.expired.items;
        let mut removed = Vec::new();
        if operations > most || items > most_items {
            for unit in self.units.iter().filter(|unit| unit.may_go) {
                if operations <= most - most / 10 && items <= most_items - most_items / 10 {
                    break;
                }
                operations -= unit.operations;
                items -= unit.items;
                removed.push(unit.id);
            }
        }
        if items > most_items || rows > 2 * most || row_items > 2 * most_items {
            return Err(NoRoom::TooManyKept);
        }
        Ok(removed)
    }

    /// The oldest ones whose removal makes room for what documents were. What waits to be removed
    /// may be as much again.
    fn removed_for_former(&self, limits: &OperationLimits) -> (Vec<Uuid>, FormerRoom) {
        let most = limits.before.as_i64();
        let mut before: i64 = self.units.iter().map(|unit| unit.before).sum();
        let mut waiting = self.expired.before;
        let mut removed = Vec::new();
        if before >= most {
            let may_go = |unit: &&Unit| unit.may_go && unit.before > 0;
            for unit in self.units.iter().filter(may_go) {
                if before <= most - most / 10 {
                    break;
                }
                before -= unit.before;
                waiting += unit.before;
                removed.push(unit.id);
            }
        }
        let room = if before >= most || waiting > most {
            FormerRoom::Full
        } else {
            FormerRoom::Left
        };
        (removed, room)
    }
}

#[cfg(test)]
mod tests {
    use domain::ByteSize;

    use super::*;

    const LIMITS: OperationLimits = OperationLimits {
        open: 10,
        kept: 10,
        items: 1_000,
        before: ByteSize::gibibytes(1_000),
    };

    fn unit(number: u128, items: i64, may_go: bool) -> Unit {
        Unit {
            id: Uuid::from_u128(number),
            operations: 1,
            items,
            before: items << 30,
            may_go,
        }
    }

    fn removed(units: Vec<Unit>, expired: i64) -> Result<Vec<u128>, NoRoom> {
        let kept = Kept {
            units,
            expired: unit(0, expired, false),
        };
        let removed = kept.removed_for(&LIMITS)?;
        Ok(removed.iter().map(Uuid::as_u128).collect())
    }

    #[test]
    fn the_oldest_that_have_ended_make_room() {
        let many = |count| {
            (1..=count)
                .map(|number| unit(number, 1, number != 1))
                .collect()
        };
        assert_eq!(removed(many(10), 0), Ok(vec![]));
        assert_eq!(removed(many(11), 0), Ok(vec![2, 3]));
        let large = |last| vec![unit(1, 400, true), unit(2, 400, true), unit(3, last, false)];
        assert_eq!(removed(large(200), 0), Ok(vec![]));
        assert_eq!(removed(large(300), 0), Ok(vec![1]));
        assert_eq!(removed(large(900), 0), Ok(vec![1, 2]));
    }

    #[test]
    fn room_for_what_documents_were_is_made_likewise() {
        let freed = |units: Vec<Unit>, waiting| {
            let kept = Kept {
                units,
                expired: unit(0, waiting, false),
            };
            let (removed, room) = kept.removed_for_former(&LIMITS);
            let removed: Vec<_> = removed.iter().map(Uuid::as_u128).collect();
            (removed, room)
        };
        let large = || vec![unit(1, 400, true), unit(2, 400, true), unit(3, 300, false)];
        assert_eq!(freed(large(), 0), (vec![1], FormerRoom::Left));
        assert_eq!(freed(large(), 601), (vec![1], FormerRoom::Full));
        let open = vec![unit(1, 0, true), unit(2, 1_000, false)];
        assert_eq!(freed(open, 0), (vec![], FormerRoom::Full));
        // What waits is counted with the rest, but leaves room.
        let few = vec![unit(1, 500, true), unit(2, 400, false)];
        assert_eq!(freed(few, 900), (vec![], FormerRoom::Left));
    }

    #[test]
    fn without_any_that_can_go_there_is_no_room() {
        let open = vec![unit(1, 600, false), unit(2, 500, false)];
        assert_eq!(removed(open, 0), Err(NoRoom::TooManyKept));
        let fits = || vec![unit(1, 600, true), unit(2, 500, false)];
        assert_eq!(removed(fits(), 900), Ok(vec![1]));
        assert_eq!(removed(fits(), 901), Err(NoRoom::TooManyKept));
    }
}
