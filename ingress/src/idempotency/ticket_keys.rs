//! Bounds what strangers with the URL of a ticket can do by keys, which are kept with those of the ticket's
//! owner: how many they use, and how many repetitions are read at once. Each process counts by itself, in
//! memory. What is refused to them is not kept, or they could use the owner's keys up without an upload.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{TicketId, Timestamp};
use ledger::KEPT_FOR;

use crate::problem::{Code, Problem};

/// A ticket may use this part of its owner's keys.
const SHARE: u32 = 10;

/// With more tickets than this, all are forgotten.
const REMEMBERED: usize = 1 << 16;

/// The keys of tickets; clones share the counts.
#[derive(Clone, Debug)]
pub(super) struct TicketKeys {
    most: u32,
    tickets: Arc<Mutex<HashMap<TicketId, Used>>>,
}

/// What was used by a ticket.
#[derive(Debug)]
struct Used {
    since: Timestamp,
    keys: u32,
    is_repeating: bool,
}

/// A repetition that is being read, until it is dropped.
#[derive(Debug)]
pub struct Repetition {
    of: TicketKeys,
    ticket: TicketId,
}

impl TicketKeys {
    /// Allows each ticket its part of the keys of an owner.
    pub(super) fn new(keys_of_owner: u32) -> Self {
        Self {
            most: (keys_of_owner / SHARE).max(1),
            tickets: Arc::default(),
        }
    }

    /// Whether a ticket may use another key.
    pub(super) fn has_room(&self, ticket: TicketId, now: Timestamp) -> bool {
        self.with(ticket, now, |used| used.keys < self.most)
    }

    /// Counts a key.
    pub(super) fn count(&self, ticket: TicketId, now: Timestamp) {
        self.with(ticket, now, |used| used.keys = used.keys.saturating_add(1));
    }

    /// Begins a repetition. Its body takes no use of the ticket, so there is one at a time.
    pub(super) fn repeat(&self, ticket: TicketId, now: Timestamp) -> Result<Repetition, Problem> {
        let was_repeating = self.with(ticket, now, |used| {
            std::mem::replace(&mut used.is_repeating, true)
        });
        if was_repeating {
            return Err(Code::IdempotencyInProgress.into());
        }
        Ok(Repetition {
            of: self.clone(),
            ticket,
        })
    }

    fn with<T>(&self, ticket: TicketId, now: Timestamp, change: impl FnOnce(&mut Used) -> T) -> T {
        let mut tickets = self.lock();
        if tickets.len() >= REMEMBERED && !tickets.contains_key(&ticket) {
            tickets.clear();
        }
        let used = tickets.entry(ticket).or_insert(Used {
            since: now,
            keys: 0,
            is_repeating: false,
        });
        if now.since(used.since) >= KEPT_FOR {
            (used.since, used.keys) = (now, 0);
        }
        change(used)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TicketId, Used>> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Repetition {
    fn drop(&mut self) {
        if let Some(used) = self.of.lock().get_mut(&self.ticket) {
            used.is_repeating = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    #[test]
    fn a_ticket_has_a_part_of_its_owner_s_keys_for_a_day() {
        let keys = TicketKeys::new(20);
        let (one, other) = (TicketId::new(NOW), TicketId::new(NOW));
        for _ in 0..2 {
            assert!(keys.has_room(one, NOW));
            keys.count(one, NOW);
        }
        assert!(!keys.has_room(one, NOW));
        assert!(keys.has_room(other, NOW));
        assert!(keys.has_room(one, NOW.plus(KEPT_FOR)));
    }

    #[test]
    fn one_repetition_is_read_at_a_time() {
        let keys = TicketKeys::new(20);
        let ticket = TicketId::new(NOW);
        let first = keys.repeat(ticket, NOW).unwrap();
        let second = keys.repeat(ticket, NOW).unwrap_err();
        assert_eq!(second.code(), Code::IdempotencyInProgress);
        drop(first);
        assert!(keys.repeat(ticket, NOW).is_ok());
    }
}
