//! When keys were last used, to the minute. Written in batches: no request waits for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use beat::ticks;
use domain::{Clock, Sha256, Timestamp};
use ledger::{Database, KeyUse, record_key_use};

/// The write interval.
const FLUSH: Duration = Duration::from_secs(5);

/// The most keys between two writes, about a hundred bytes each; uses of further ones are not
/// recorded.
const MOST: usize = 16_384;

const MINUTE: i64 = 60_000_000;

/// Uses that aren't written yet.
#[derive(Debug)]
pub(crate) struct KeyUses {
    clock: Arc<dyn Clock>,
    unwritten: Mutex<HashMap<Sha256, Timestamp>>,
}

impl KeyUses {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            unwritten: Mutex::default(),
        }
    }

    /// Records that a key is used now.
    pub(super) fn note(&self, key: Sha256) {
        let now = self.clock.now().as_micros();
        let minute = Timestamp::from_micros(now - now.rem_euclid(MINUTE));
        let mut unwritten = self.unwritten();
        if unwritten.len() < MOST || unwritten.contains_key(&key) {
            unwritten.insert(key, minute);
        }
    }

    /// Writes them periodically, forever.
    pub(crate) async fn run(&self, db: &Database) {
        let mut ticks = ticks(FLUSH);
        loop {
            ticks.tick().await;
            self.flush(db).await;
        }
    }

    /// Writes them. What can't be written is dropped: the next use of the key is recorded as well.
    pub(crate) async fn flush(&self, db: &Database) {
        let uses = std::mem::take(&mut *self.unwritten());
        let uses: Vec<_> = uses
            .into_iter()
            .map(|(hash, at)| KeyUse { hash, at })
            .collect();
        if let Err(error) = record_key_use(db, &uses).await {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, "failed to record when keys were used");
        }
    }

    fn unwritten(&self) -> MutexGuard<'_, HashMap<Sha256, Timestamp>> {
        self.unwritten
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use domain::ManualClock;

    use super::*;

    #[test]
    fn a_use_is_recorded_to_the_minute() {
        let clock = ManualClock::starting_at(Timestamp::from_micros(7 * MINUTE + 1));
        let uses = KeyUses::new(Arc::new(clock));
        let key = Sha256::of(b"key");
        uses.note(key);
        assert_eq!(
            uses.unwritten().get(&key),
            Some(&Timestamp::from_micros(7 * MINUTE))
        );
    }

    #[test]
    fn no_more_keys_are_kept_than_there_is_room_for() {
        let clock = ManualClock::starting_at(Timestamp::from_micros(0));
        let uses = KeyUses::new(Arc::new(clock));
        for key in 0..=MOST {
            uses.note(Sha256::of(&key.to_le_bytes()));
        }
        assert_eq!(uses.unwritten().len(), MOST);
    }
}
