//! Limits the idempotency keys of an owner and the bytes of their answers. Each process counts in
//! memory, and in the database after each sixteenth of the limit: so a request costs no statement,
//! and each process exceeds the limit by a sixteenth at most.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::DbError;
use super::tables::idempotency;
use domain::{RowLimits, Timestamp, UserId};
use sea_orm::ConnectionTrait;

/// Bytes that the answers of an owner may have, for each key that there may be.
const BYTES_OF_KEY: u64 = 4 << 10;

/// This part of the limit may be used between two counts in the database.
const SHARE: u64 = 16;

/// How long an owner without room is refused without another count.
const FULL_FOR: Duration = Duration::from_secs(10);

/// How long other requests are admitted while one counts.
const COUNTING_FOR: Duration = Duration::from_secs(10);

/// With more owners than this, all are forgotten.
const REMEMBERED: usize = 1 << 16;

/// The keys of owners, as far as this process knows them.
#[derive(Debug)]
pub(super) struct KeyRoom {
    most: u64,
    owners: Mutex<HashMap<UserId, Credit>>,
}

/// What an owner may use before it is counted again.
#[derive(Clone, Copy, Debug)]
struct Credit {
    keys: u64,
    bytes: u64,
    /// Until when another request counts.
    counting_until: Option<Timestamp>,
    /// Until when there is no room.
    full_until: Option<Timestamp>,
}

/// Whether there is room for another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyAdmission {
    /// There is.
    Room,
    /// There is none.
    Full,
}

/// What is kept for an owner.
#[derive(Clone, Copy, Debug)]
struct Kept {
    keys: u64,
    bytes: u64,
}

impl Default for KeyRoom {
    fn default() -> Self {
        Self::new(RowLimits::default().keys)
    }
}

impl KeyRoom {
    /// Allows each owner so many keys.
    pub(super) fn new(most: u32) -> Self {
        Self {
            most: u64::from(most),
            owners: Mutex::default(),
        }
    }

    /// Admits the next key of `owner`, if there is room.
    pub(super) async fn admit(
        &self,
        connection: &impl ConnectionTrait,
        owner: UserId,
        now: Timestamp,
    ) -> Result<KeyAdmission, DbError> {
        if let Some(known) = self.take(owner, now) {
            return Ok(known);
        }
        let kept = idempotency::kept_of(connection, owner).await?;
        let kept = Kept {
            keys: kept.keys.unsigned_abs(),
            bytes: kept.bytes.unsigned_abs(),
        };
        Ok(self.counted(owner, kept, now))
    }

    /// Whether `owner` was found to have no room a moment ago.
    pub(super) fn is_full(&self, owner: UserId, now: Timestamp) -> bool {
        let owners = self.lock();
        let full_until = owners.get(&owner).and_then(|credit| credit.full_until);
        full_until.is_some_and(|end| end > now)
    }

    /// Counts the bytes of an answer that is kept.
    pub(super) fn charge(&self, owner: UserId, bytes: usize) {
        if let Some(credit) = self.lock().get_mut(&owner) {
            credit.bytes = credit.bytes.saturating_sub(bytes as u64);
        }
    }

    /// Decides without a count in the database; `None` if the caller has to count.
    fn take(&self, owner: UserId, now: Timestamp) -> Option<KeyAdmission> {
        let mut owners = self.lock();
        if owners.len() >= REMEMBERED {
            owners.clear();
        }
        let credit = owners.entry(owner).or_insert_with(|| Credit {
            keys: self.share(),
            bytes: self.share() * BYTES_OF_KEY,
            counting_until: None,
            full_until: None,
        });
        if credit.full_until.is_some_and(|end| end > now) {
            return Some(KeyAdmission::Full);
        }
        if credit.keys == 0 || credit.bytes == 0 {
            if credit.counting_until.is_some_and(|end| end > now) {
                return Some(KeyAdmission::Room);
            }
            credit.counting_until = Some(now.plus(COUNTING_FOR));
            return None;
        }
        credit.keys -= 1;
        Some(KeyAdmission::Room)
    }

    fn counted(&self, owner: UserId, kept: Kept, now: Timestamp) -> KeyAdmission {
        let keys = self.most.saturating_sub(kept.keys).min(self.share());
        let bytes = (self.most * BYTES_OF_KEY).saturating_sub(kept.bytes);
        let is_full = keys == 0 || bytes == 0;
        let credit = Credit {
            // One of them is the caller's.
            keys: keys.saturating_sub(1),
            bytes: bytes.min(self.share() * BYTES_OF_KEY),
            counting_until: None,
            full_until: is_full.then(|| now.plus(FULL_FOR)),
        };
        self.lock().insert(owner, credit);
        if is_full {
            KeyAdmission::Full
        } else {
            KeyAdmission::Room
        }
    }

    fn share(&self) -> u64 {
        (self.most / SHARE).max(1)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Credit>> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    fn kept(keys: u64, bytes: u64) -> Kept {
        Kept { keys, bytes }
    }

    #[test]
    fn it_is_counted_after_each_sixteenth() {
        let (room, owner) = (KeyRoom::new(160), UserId::new(NOW));
        for _ in 0..10 {
            assert_eq!(room.take(owner, NOW), Some(KeyAdmission::Room));
        }
        assert_eq!(room.take(owner, NOW), None);
        // Others continue while one counts, but not forever.
        assert_eq!(room.take(owner, NOW), Some(KeyAdmission::Room));
        assert_eq!(room.take(owner, NOW.plus(COUNTING_FOR)), None);
        assert_eq!(room.counted(owner, kept(157, 0), NOW), KeyAdmission::Room);
        for _ in 0..2 {
            assert_eq!(room.take(owner, NOW), Some(KeyAdmission::Room));
        }
        assert_eq!(room.take(owner, NOW), None);
        assert_eq!(room.counted(owner, kept(160, 0), NOW), KeyAdmission::Full);
        assert_eq!(room.take(owner, NOW), Some(KeyAdmission::Full));
        assert!(room.is_full(owner, NOW));
        assert_eq!(room.take(owner, NOW.plus(FULL_FOR)), None);
    }

    #[test]
    fn large_answers_are_counted_sooner() {
        let (room, owner) = (KeyRoom::new(160), UserId::new(NOW));
        assert_eq!(room.take(owner, NOW), Some(KeyAdmission::Room));
        room.charge(owner, 10 * 4_096);
        assert_eq!(room.take(owner, NOW), None);
        assert_eq!(
            room.counted(owner, kept(3, 160 * 4_096), NOW),
            KeyAdmission::Full
        );
    }

    #[test]
    fn owners_are_forgotten_when_there_are_very_many() {
        let room = KeyRoom::new(1);
        for _ in 0..=REMEMBERED {
            room.take(UserId::new(NOW), NOW);
        }
        assert!(room.lock().len() <= REMEMBERED);
    }
}
