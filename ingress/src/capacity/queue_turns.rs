//! How long owners wait for their turn in a queue, computed from periodic samples. Never queries
//! the database.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::Duration;

use domain::{JobId, Timestamp, UserId};
use ledger::OwnerHead;

/// The owners waiting in a queue.
#[derive(Debug, Default)]
pub struct Turns {
    waiting: BTreeMap<UserId, Waiting>,
    /// Whether there was a sample before: at the first, nothing is known about past turns.
    is_known: bool,
}

/// A waiting owner.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    /// Their next job.
    job: JobId,
    /// Since when it is due.
    due: Timestamp,
    /// When they were last served, as far as known, or began to wait.
    since: Timestamp,
}

impl Turns {
    /// Adds a sample of the owners after `after`, up to `last` or to the end.
    ///
    /// An owner was served if their next job has changed, or while a worker runs one of theirs: an
    /// owner waiting behind their own long jobs doesn't wait for others.
    pub fn see(
        &mut self,
        after: UserId,
        last: Option<UserId>,
        found: &[(UserId, Option<OwnerHead>)],
        now: Timestamp,
    ) {
        let range = (
            Bound::Excluded(after),
            last.map_or(Bound::Unbounded, Bound::Included),
        );
        let before: BTreeMap<_, _> = self
            .waiting
            .range(range)
            .map(|(owner, waiting)| (*owner, *waiting))
            .collect();
        self.waiting.retain(|owner, _| !before.contains_key(owner));
        let heads = || found.iter().filter_map(|(_, head)| head.as_ref());
        let somebody_is_served = heads().any(|head| head.is_served);
        for (owner, head) in found {
            let Some(head) = head else {
                continue;
            };
            let due = now.minus(head.waited);
            let since = match before.get(owner) {
                _ if head.is_served => now,
                Some(before) if before.job == head.job => before.since,
                Some(_) => now,
                None if !self.is_known && somebody_is_served => now,
                None => due,
            };
            let waiting = Waiting {
                job: head.job,
                due,
                since,
            };
            self.waiting.insert(*owner, waiting);
        }
        self.is_known |= last.is_none();
    }

    /// Adds recently served owners: an owner's next job may stay the same although others of theirs
    /// were claimed.
    pub fn serve(&mut self, served: &[(UserId, Timestamp)]) {
        for (owner, at) in served {
            if let Some(waiting) = self.waiting.get_mut(owner) {
                waiting.since = waiting.since.max(*at);
            }
        }
    }

    /// Whether nobody waits.
    pub fn are_none(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Returns the longest wait for a turn: a round over all owners takes this long, or no worker
    /// runs.
    pub fn longest(&self, now: Timestamp) -> Duration {
        let waits = self.waiting.values().map(|owner| now.since(owner.since));
        waits.max().unwrap_or_default()
    }

    /// Returns the owners whose next job has been due for longer than `bound`.
    pub fn owners_behind(&self, bound: Duration, now: Timestamp) -> impl Iterator<Item = UserId> {
        let is_behind = move |waiting: &Waiting| now.since(waiting.due) > bound;
        self.waiting
            .iter()
            .filter(move |(_, waiting)| is_behind(waiting))
            .map(|(owner, _)| *owner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
    const ALL: UserId = UserId(Uuid::nil());

    fn owner(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    fn at(seconds: u64) -> Timestamp {
        START.plus(Duration::from_secs(seconds))
    }

    fn next(number: u128, job: u128, waited: u64) -> (UserId, Option<OwnerHead>) {
        let head = OwnerHead {
            job: JobId(Uuid::from_u128(job)),
            waited: Duration::from_secs(waited),
            is_served: false,
        };
        (owner(number), Some(head))
    }

    fn held((owner, head): (UserId, Option<OwnerHead>)) -> (UserId, Option<OwnerHead>) {
        let is_served = true;
        (owner, head.map(|head| OwnerHead { is_served, ..head }))
    }

    #[test]
    fn whoever_has_piled_work_up_waits_alone() {
        let mut turns = Turns::default();
        for second in 0..100 {
            let page = [
                next(1, u128::from(second), second),
                next(2, 1000 + u128::from(second), 0),
            ];
            turns.see(ALL, None, &page, at(second));
        }
        assert_eq!(turns.longest(at(100)), Duration::from_secs(1));
        let behind: Vec<_> = turns
            .owners_behind(Duration::from_secs(30), at(99))
            .collect();
        assert_eq!(behind, [owner(1)]);
    }

    #[test]
    fn a_turn_that_does_not_come_is_waited_for_by_everybody() {
        let mut turns = Turns::default();
        for second in 0..50 {
            turns.see(ALL, None, &[next(1, 1, second)], at(second));
        }
        assert_eq!(turns.longest(at(49)), Duration::from_secs(49));
        turns.see(ALL, None, &[next(1, 2, 50)], at(50));
        assert_eq!(turns.longest(at(50)), Duration::ZERO);
    }

    #[test]
    fn whoever_had_another_job_done_was_served() {
        let mut turns = Turns::default();
        turns.see(ALL, None, &[next(1, 1, 0)], START);
        turns.see(ALL, None, &[next(1, 1, 50)], at(50));
        turns.serve(&[(owner(1), at(48)), (owner(2), at(49))]);
        assert_eq!(turns.longest(at(50)), Duration::from_secs(2));
        turns.serve(&[(owner(1), at(40))]);
        assert_eq!(turns.longest(at(50)), Duration::from_secs(2));
    }

    #[test]
    fn who_waits_behind_long_jobs_of_their_own_does_not_wait_for_a_turn() {
        let mut turns = Turns::default();
        for second in 0..50 {
            turns.see(ALL, None, &[held(next(1, 1, second))], at(second));
        }
        assert_eq!(turns.longest(at(49)), Duration::ZERO);
        assert_eq!(
            turns.owners_behind(Duration::from_secs(30), at(49)).count(),
            1
        );
    }

    #[test]
    fn what_was_there_at_the_start_counts_unless_somebody_is_served() {
        let old = next(1, 1, 600);
        let mut turns = Turns::default();
        turns.see(ALL, None, &[old], START);
        assert_eq!(turns.longest(START), Duration::from_mins(10));
        let mut turns = Turns::default();
        turns.see(ALL, None, &[old, held(next(2, 2, 600))], START);
        assert_eq!(turns.longest(START), Duration::ZERO);
    }

    #[test]
    fn owners_are_seen_page_by_page_and_forgotten_when_nothing_of_theirs_is_due() {
        let mut turns = Turns::default();
        turns.see(
            ALL,
            Some(owner(2)),
            &[next(1, 1, 10), next(2, 2, 20)],
            START,
        );
        turns.see(owner(2), None, &[next(3, 3, 30)], START);
        assert_eq!(turns.longest(START), Duration::from_secs(30));
        turns.see(
            ALL,
            Some(owner(2)),
            &[(owner(1), None), next(2, 2, 21)],
            at(1),
        );
        let behind: Vec<_> = turns.owners_behind(Duration::from_secs(5), at(1)).collect();
        assert_eq!(behind, [owner(2), owner(3)]);
        turns.see(owner(2), None, &[], at(1));
        assert_eq!(turns.owners_behind(Duration::ZERO, at(2)).count(), 1);
    }
}
