//! Limits how much costly work runs at once, for each owner and for the whole process. A request
//! without a slot waits for a while, first behind others of the same owner.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::DbError;
use domain::UserId;

/// How long a request waits for a slot: longer than most work holds one.
const PATIENCE: Duration = Duration::from_secs(10);

/// With more owners than this, those without a slot are forgotten.
const REMEMBERED: usize = 1_024;

/// Slots for one kind of work.
#[derive(Debug)]
pub struct Slots {
    all: Arc<Semaphore>,
    of_one: usize,
    patience: Duration,
    owners: Mutex<HashMap<UserId, Weak<Semaphore>>>,
}

/// A slot, until it is dropped.
#[derive(Debug)]
pub struct Slot {
    _own: OwnedSemaphorePermit,
    _shared: OwnedSemaphorePermit,
}

impl Slots {
    /// `all` slots, of which one owner gets at most `of_one`.
    pub fn new(all: usize, of_one: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(all)),
            of_one,
            patience: PATIENCE,
            owners: Mutex::default(),
        }
    }

    /// A slot for work of `owner`; [`DbError::Busy`] if none gets free for too long.
    pub async fn take(&self, owner: UserId) -> Result<Slot, DbError> {
        let own = self.of(owner);
        let slot = async {
            // The owner's own first: an owner with many requests waits behind their own alone.
            let own = own.acquire_owned().await?;
            let shared = Arc::clone(&self.all).acquire_owned().await?;
            Ok::<_, tokio::sync::AcquireError>(Slot {
                _own: own,
                _shared: shared,
            })
        };
        match timeout(self.patience, slot).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_)) | Err(_) => Err(DbError::Busy),
        }
    }

    /// Waits for a slot without an owner, without a time limit: for jobs, whose number is bounded.
    pub async fn wait(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.all).acquire_owned().await.ok()
    }

    fn of(&self, owner: UserId) -> Arc<Semaphore> {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = owners.get(&owner).and_then(Weak::upgrade) {
            return known;
        }
        if owners.len() >= REMEMBERED {
            owners.retain(|_, slots| slots.strong_count() > 0);
        }
        let own = Arc::new(Semaphore::new(self.of_one));
        owners.insert(owner, Arc::downgrade(&own));
        own
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use domain::Timestamp;

    fn user(number: i64) -> UserId {
        UserId::new(Timestamp::from_micros(number * 1_000_000))
    }

    #[tokio::test]
    async fn one_owner_leaves_slots_for_others() {
        let slots = Slots::new(3, 2);
        let [greedy, other, third] = [1, 2, 3].map(user);
        let mut held = vec![
            slots.take(greedy).await.unwrap(),
            slots.take(greedy).await.unwrap(),
        ];
        assert!(slots.take(greedy).now_or_never().is_none());
        held.push(slots.take(other).now_or_never().unwrap().unwrap());
        assert!(slots.take(third).now_or_never().is_none());
        held.remove(0);
        assert!(slots.take(third).now_or_never().unwrap().is_ok());
        assert!(slots.take(greedy).now_or_never().unwrap().is_ok());
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let slots = Slots {
            patience: Duration::from_millis(1),
            ..Slots::new(1, 1)
        };
        let _held = slots.take(user(1)).await.unwrap();
        assert!(matches!(slots.take(user(1)).await, Err(DbError::Busy)));
        assert!(matches!(slots.take(user(2)).await, Err(DbError::Busy)));
    }

    #[tokio::test]
    async fn owners_without_a_slot_are_forgotten() {
        let slots = Slots::new(1, 1);
        for number in 0..3_000 {
            slots.take(user(number)).await.unwrap();
        }
        assert!(slots.owners.lock().unwrap().len() <= REMEMBERED);
    }
}
