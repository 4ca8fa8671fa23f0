//! How many jobs of each owner a worker runs, so that one owner never fills all slots of a queue:
//! another owner's job starts immediately, however long the others take.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::UserId;
use ledger::OwnerShare;
use queue::Queue;
use tokio::sync::Notify;

/// The shares of one queue.
#[derive(Clone, Debug)]
pub struct Shares {
    most: usize,
    held: Arc<Mutex<HashMap<UserId, usize>>>,
    freed: Arc<Notify>,
}

/// A job that counts against its owner's share until this value is dropped.
#[derive(Debug)]
pub struct Share {
    shares: Shares,
    owner: UserId,
}

impl Shares {
    /// Creates the shares of a queue with `slots` slots.
    ///
    /// Bulk jobs may take hours, and an owner has one for each operation, so half of the slots are
    /// left to others. Uploads are usually short, so an eighth is.
    pub fn of(queue: Queue, slots: usize) -> Self {
        let left = match queue {
            Queue::Ingest => (slots / 8).max(1),
            Queue::Bulk => slots.div_ceil(2),
            // All of these jobs belong to the service.
            Queue::Maintenance => 0,
            // A slow endpoint keeps its job for as long as a turn lasts, and an owner may have
            // several.
            Queue::Deliver => slots - slots.div_ceil(4),
        };
        Self {
            most: slots.saturating_sub(left).max(1),
            held: Arc::default(),
            freed: Arc::default(),
        }
    }

    /// Counts a job of `owner` until the returned value is dropped.
    pub fn hold(&self, owner: UserId) -> Share {
        *self.held().entry(owner).or_default() += 1;
        Share {
            shares: self.clone(),
            owner,
        }
    }

    /// Returns how many jobs each owner has in flight.
    pub fn used(&self) -> OwnerShare {
        OwnerShare {
            most: self.most,
            held: self
                .held()
                .iter()
                .map(|(owner, jobs)| (*owner, *jobs))
                .collect(),
        }
    }

    /// Returns whether an owner has used up their share: more of their jobs may be due.
    pub fn are_short(&self) -> bool {
        self.held().values().any(|jobs| *jobs >= self.most)
    }

    /// Waits until an owner who had used up their share has a free slot again.
    pub async fn freed(&self) {
        self.freed.notified().await;
    }

    fn held(&self) -> MutexGuard<'_, HashMap<UserId, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.shares.held();
        let Some(jobs) = held.get_mut(&self.owner) else {
            return;
        };
        if *jobs >= self.shares.most {
            self.shares.freed.notify_one();
        }
        *jobs -= 1;
        if *jobs == 0 {
            held.remove(&self.owner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_owner_never_has_all_slots_if_there_are_two() {
        for slots in 1..=64 {
            for queue in [Queue::Ingest, Queue::Bulk, Queue::Deliver] {
                let most = Shares::of(queue, slots).most;
                assert!(most >= 1 && (slots == 1 || most < slots), "{queue} {slots}");
            }
            assert_eq!(Shares::of(Queue::Maintenance, slots).most, slots);
        }
    }

    #[test]
    fn a_share_is_free_again_once_a_job_ends() {
        let owner = UserId(uuid::Uuid::from_u128(7));
        let shares = Shares::of(Queue::Bulk, 4);
        let held = [shares.hold(owner), shares.hold(owner)];
        assert!(shares.are_short());
        drop(held);
        assert!(!shares.are_short() && shares.used().held.is_empty());
    }
}
