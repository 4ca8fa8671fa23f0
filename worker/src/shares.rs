//! How many jobs of each owner a worker holds, so that those of one owner never fill all slots of a
//! queue: another owner's job is begun at once, however long the others take.

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

/// A job that counts until this is dropped.
#[derive(Debug)]
pub struct Share {
    shares: Shares,
    owner: UserId,
}

impl Shares {
    /// Shares of so many slots.
    ///
    /// Bulk jobs may take hours, and an owner has as many as operations: half of the slots are left
    /// to others. Of uploads, which are short as a rule, an eighth is.
    pub fn of(queue: Queue, slots: usize) -> Self {
        let left = match queue {
            Queue::Ingest => (slots / 8).max(1),
            Queue::Bulk => slots.div_ceil(2),
            // All of them are the service's own.
            Queue::Maintenance => 0,
        };
        Self {
            most: slots.saturating_sub(left).max(1),
            held: Arc::default(),
            freed: Arc::default(),
        }
    }

    /// Counts a job of `owner`.
    pub fn hold(&self, owner: UserId) -> Share {
        *self.held().entry(owner).or_default() += 1;
        Share {
            shares: self.clone(),
            owner,
        }
    }

    /// What of them is used up.
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

    /// Whether an owner has used their share up: more of their jobs may be due.
    pub fn are_short(&self) -> bool {
        self.held().values().any(|jobs| *jobs >= self.most)
    }

    /// Returns once an owner who had used their share up has room again.
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
            for queue in [Queue::Ingest, Queue::Bulk] {
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
