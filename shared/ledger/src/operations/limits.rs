//! Limits what an owner has of operations: unfinished ones, kept ones, their items, and bytes of
//! previous states. The oldest ended ones are evicted for new ones.

use std::collections::HashMap;

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::expire::hide;
use crate::jobs::{NewJob, enqueue};
use crate::tables::operations::{self, KeptRow};
use crate::{Database, DatabaseTransaction, DbError};
use domain::{OperationLimits, Timestamp, UserId};
use queue::JobKind;

/// An owner can't have another operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitReached {
    /// Too many have not ended yet.
    #[error("too many operations have not ended yet")]
    TooManyOpen,
    /// Too many, or too many items of them, can't be evicted yet.
    #[error("too many operations, or too many items of them, have to be kept")]
    TooManyKept,
}

/// Whether more previous states can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndoSpace {
    /// They can.
    Available,
    /// They can't, and no operation can be evicted.
    Full,
}

/// Why an operation can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A limit is reached.
    #[error(transparent)]
    LimitReached(#[from] LimitReached),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Checks that an owner may open another operation. Ask before reading a large body.
pub async fn may_open_operation(
    db: &Database,
    owner: UserId,
    limits: &OperationLimits,
) -> Result<(), OpenError> {
    check_open_limit(db.reader(), owner, limits).await
}

/// Refuses an owner who has too many unfinished operations.
pub(super) async fn check_open_limit<E: From<LimitReached> + From<DbError>>(
    connection: &impl ConnectionTrait,
    owner: UserId,
    limits: &OperationLimits,
) -> Result<(), E> {
    let most = i64::from(limits.open);
    if operations::count_open(connection, owner, most).await? >= most {
        return Err(LimitReached::TooManyOpen.into());
    }
    Ok(())
}

/// Evicts the oldest ended operations of an owner, if the one that this transaction has inserted is
/// too many.
pub(super) async fn evict_for_new<E: From<LimitReached> + From<DbError>>(
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
    let evicted = kept.evicted_for(limits)?;
    if evicted.is_empty() {
        return Ok(());
    }
    evict(transaction, owner, &evicted, now).await?;
    Ok(())
}

/// Hides operations, and enqueues the job that deletes their rows.
async fn evict(
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

/// Evicts the oldest ended operations that keep previous states, if an owner keeps too much of them,
/// before a chunk keeps more.
pub(super) async fn evict_for_previous_states(
    transaction: &DatabaseTransaction,
    owner: UserId,
    limits: &OperationLimits,
    now: Timestamp,
) -> Result<UndoSpace, DbError> {
    let before = operations::sum_before_bytes(transaction, owner).await?;
    if before < limits.before.as_i64() {
        return Ok(UndoSpace::Available);
    }
    let kept = Kept::of(transaction, owner).await?;
    let (evicted, room) = kept.evicted_for_previous_states(limits);
    if !evicted.is_empty() {
        evict(transaction, owner, &evicted, now).await?;
    }
    Ok(room)
}

/// An operation, with its undo: they are evicted together.
#[derive(Debug, Default)]
struct Unit {
    id: Uuid,
    operations: i64,
    items: i64,
    /// Bytes of previous states.
    before: i64,
    /// Whether it has ended and has no archive.
    is_evictable: bool,
}

impl Unit {
    fn add(&mut self, other: &Self) {
        self.operations += other.operations;
        self.items += other.items;
        self.before += other.before;
        self.is_evictable &= other.is_evictable;
    }
}

/// All operations of an owner, the oldest first.
#[derive(Debug, Default)]
struct Kept {
    units: Vec<Unit>,
    /// Hidden ones whose rows still exist.
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
                is_evictable: row.has_ended && !row.has_archive,
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

    /// Chooses the oldest to evict: a tenth more than needed, so that the next ones find room at once.
    fn evicted_for(&self, limits: &OperationLimits) -> Result<Vec<Uuid>, LimitReached> {
        let (most, most_items) = (i64::from(limits.kept), i64::from(limits.items));
        let mut operations: i64 = self.units.iter().map(|unit| unit.operations).sum();
        let mut items: i64 = self.units.iter().map(|unit| unit.items).sum();
        // Hidden rows count as well, or they could be created faster than they are deleted.
        let rows = operations + self.expired.operations;
        let row_items = items + self.expired.items;
        let mut evicted = Vec::new();
        if operations > most || items > most_items {
            for unit in self.units.iter().filter(|unit| unit.is_evictable) {
                if operations <= most - most / 10 && items <= most_items - most_items / 10 {
                    break;
                }
                operations -= unit.operations;
                items -= unit.items;
                evicted.push(unit.id);
            }
        }
        if items > most_items || rows > 2 * most || row_items > 2 * most_items {
            return Err(LimitReached::TooManyKept);
        }
        Ok(evicted)
    }

    /// Chooses the oldest to evict for previous states. Hidden operations may keep as much again.
    fn evicted_for_previous_states(&self, limits: &OperationLimits) -> (Vec<Uuid>, UndoSpace) {
        let most = limits.before.as_i64();
        let mut before: i64 = self.units.iter().map(|unit| unit.before).sum();
        let mut waiting = self.expired.before;
        let mut evicted = Vec::new();
        if before >= most {
            let is_evictable = |unit: &&Unit| unit.is_evictable && unit.before > 0;
            for unit in self.units.iter().filter(is_evictable) {
                if before <= most - most / 10 {
                    break;
                }
                before -= unit.before;
                waiting += unit.before;
                evicted.push(unit.id);
            }
        }
        let room = if before >= most || waiting > most {
            UndoSpace::Full
        } else {
            UndoSpace::Available
        };
        (evicted, room)
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

    fn unit(number: u128, items: i64, is_evictable: bool) -> Unit {
        Unit {
            id: Uuid::from_u128(number),
            operations: 1,
            items,
            before: items << 30,
            is_evictable,
        }
    }

    fn evicted(units: Vec<Unit>, expired: i64) -> Result<Vec<u128>, LimitReached> {
        let kept = Kept {
            units,
            expired: unit(0, expired, false),
        };
        let evicted = kept.evicted_for(&LIMITS)?;
        Ok(evicted.iter().map(Uuid::as_u128).collect())
    }

    #[test]
    fn the_oldest_that_have_ended_make_room() {
        let many = |count| {
            (1..=count)
                .map(|number| unit(number, 1, number != 1))
                .collect()
        };
        assert_eq!(evicted(many(10), 0), Ok(vec![]));
        assert_eq!(evicted(many(11), 0), Ok(vec![2, 3]));
        let large = |last| vec![unit(1, 400, true), unit(2, 400, true), unit(3, last, false)];
        assert_eq!(evicted(large(200), 0), Ok(vec![]));
        assert_eq!(evicted(large(300), 0), Ok(vec![1]));
        assert_eq!(evicted(large(900), 0), Ok(vec![1, 2]));
    }

    #[test]
    fn room_for_what_documents_were_is_made_likewise() {
        let freed = |units: Vec<Unit>, waiting| {
            let kept = Kept {
                units,
                expired: unit(0, waiting, false),
            };
            let (evicted, room) = kept.evicted_for_previous_states(&LIMITS);
            let evicted: Vec<_> = evicted.iter().map(Uuid::as_u128).collect();
            (evicted, room)
        };
        let large = || vec![unit(1, 400, true), unit(2, 400, true), unit(3, 300, false)];
        assert_eq!(freed(large(), 0), (vec![1], UndoSpace::Available));
        assert_eq!(freed(large(), 601), (vec![1], UndoSpace::Full));
        let open = vec![unit(1, 0, true), unit(2, 1_000, false)];
        assert_eq!(freed(open, 0), (vec![], UndoSpace::Full));
        // What waits is counted with the rest, but leaves room.
        let few = vec![unit(1, 500, true), unit(2, 400, false)];
        assert_eq!(freed(few, 900), (vec![], UndoSpace::Available));
    }

    #[test]
    fn without_any_that_can_go_there_is_no_room() {
        let open = vec![unit(1, 600, false), unit(2, 500, false)];
        assert_eq!(evicted(open, 0), Err(LimitReached::TooManyKept));
        let fits = || vec![unit(1, 600, true), unit(2, 500, false)];
        assert_eq!(evicted(fits(), 900), Ok(vec![1]));
        assert_eq!(evicted(fits(), 901), Err(LimitReached::TooManyKept));
    }
}
