//! What comes often is counted here and written a moment later, by one statement for all:
//! refusals, and reads of what is another user's. Nobody waits for it, and a flood writes a
//! bounded number of rows a minute.

use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{AuditEntry, AuditEvent, AuditId, AuditOrigin, Clock, DocumentId, Timestamp};
use ledger::{Database, write_audit_log};
use tokio::time::MissedTickBehavior;

/// How long what was counted waits to be written.
const FLUSH: Duration = Duration::from_secs(1);
/// Rows that one process writes in a minute before it counts strangers and owners as one.
const MOST_ROWS: usize = 200;
/// Documents that are named by one entry.
const MOST_NAMED: usize = 100;

/// What waits to be written, shared by all requests.
#[derive(Clone, Debug)]
pub struct AuditTrail {
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Not written yet.
    waiting: BTreeMap<AuditId, Counted>,
    /// Those that were seen in the present minute.
    seen: BTreeSet<AuditId>,
    minute: Option<AuditId>,
}

#[derive(Debug)]
struct Counted {
    entry: AuditEntry,
    documents: BTreeSet<DocumentId>,
    /// Whether its line is in the log of the process: the first of a minute is.
    is_told: bool,
}

impl AuditTrail {
    /// An empty one.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            state: Arc::default(),
        }
    }

    /// Where its time comes from.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Counts something that happened now, to `document` if it was one.
    pub(crate) fn count(
        &self,
        origin: AuditOrigin,
        event: AuditEvent,
        document: Option<DocumentId>,
    ) {
        let now = self.clock.now();
        self.state().count(origin, event, document, now);
    }

    /// Writes what was counted, for as long as it is polled.
    pub async fn run(&self, db: &Database) {
        let mut ticks = tokio::time::interval(FLUSH);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.flush(db).await;
        }
    }

    /// Writes what was counted. What the database doesn't take now waits on.
    pub async fn flush(&self, db: &Database) {
        let waiting = std::mem::take(&mut self.state().waiting);
        let entries: Vec<_> = waiting.values().map(Counted::entry).collect();
        for (counted, entry) in waiting.values().zip(&entries) {
            if !counted.is_told {
                entry.log();
            }
        }
        if let Err(error) = write_audit_log(db.writer(), &entries).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the security log was not written; it is tried again");
            self.state().put_back(waiting);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn count(
        &mut self,
        origin: AuditOrigin,
        event: AuditEvent,
        document: Option<DocumentId>,
        now: Timestamp,
    ) {
        let minute = AuditId::lowest_at(now);
        if self.minute.replace(minute) != Some(minute) {
            self.seen.clear();
        }
        let mut entry = AuditEntry::counted(origin, event, now);
        if !self.seen.contains(&entry.id) && self.seen.len() >= MOST_ROWS {
            let (mut origin, mut event) = (entry.origin, entry.event);
            origin.address = None;
            event.subject = None;
            entry = AuditEntry::counted(origin, event, now);
        }
        let is_told = !self.seen.insert(entry.id);
        let counted = match self.waiting.entry(entry.id) {
            btree_map::Entry::Occupied(counted) => {
                let counted = counted.into_mut();
                counted.entry.count += 1;
                counted
            }
            btree_map::Entry::Vacant(place) => place.insert(Counted {
                entry,
                documents: BTreeSet::new(),
                is_told,
            }),
        };
        if counted.documents.len() < MOST_NAMED {
            counted.documents.extend(document);
        }
    }

    /// Takes back what was not written. While the database is away nothing else is added to it
    /// than there was room for in its minutes.
    fn put_back(&mut self, waiting: BTreeMap<AuditId, Counted>) {
        for (id, mut counted) in waiting {
            counted.is_told = true;
            match self.waiting.entry(id) {
                btree_map::Entry::Occupied(mut later) => {
                    later.get_mut().entry.count += counted.entry.count;
                    later.get_mut().entry.at = counted.entry.at;
                }
                btree_map::Entry::Vacant(place) => {
                    place.insert(counted);
                }
            }
        }
        // An hour's worth: the oldest go first.
        while self.waiting.len() > 60 * MOST_ROWS {
            self.waiting.pop_first();
        }
    }
}

impl Counted {
    fn entry(&self) -> AuditEntry {
        let mut entry = self.entry.clone();
        if !self.documents.is_empty() {
            let documents = serde_json::json!(self.documents);
            entry
                .event
                .detail
                .insert("document_ids".to_owned(), documents);
        }
        entry
    }
}

#[cfg(test)]
mod tests {
    use domain::{Actor, AuditKind};
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    fn refused(state: &mut State, address: String, now: Timestamp) {
        let origin = AuditOrigin {
            actor: Actor::Unknown,
            address: Some(address),
            request_id: None,
        };
        let event = AuditEvent {
            subject: None,
            ..AuditEvent::new(AuditKind::AuthenticationRefused, "", json!({}))
        };
        state.count(origin, event, None, now);
    }

    #[test]
    fn a_flood_from_everywhere_writes_a_bounded_number_of_rows_a_minute() {
        let mut state = State::default();
        for number in 0..10_000 {
            refused(&mut state, format!("address {number}"), NOW);
        }
        assert_eq!(state.waiting.len(), MOST_ROWS + 1);
        let count: u64 = state.waiting.values().map(|one| one.entry.count).sum();
        assert_eq!(count, 10_000);
        refused(
            &mut state,
            "another".to_owned(),
            NOW.plus(Duration::from_mins(1)),
        );
        assert_eq!(state.waiting.len(), MOST_ROWS + 2);
    }

    #[test]
    fn a_database_that_is_away_for_long_costs_bounded_memory() {
        let mut state = State::default();
        for minute in 0..200 {
            let now = NOW.plus(Duration::from_mins(minute));
            for number in 0..300 {
                refused(&mut state, format!("address {number}"), now);
            }
            let waiting = std::mem::take(&mut state.waiting);
            state.put_back(waiting);
        }
        assert_eq!(state.waiting.len(), 60 * MOST_ROWS);
    }

    #[test]
    fn one_who_comes_again_is_counted_and_told_once() {
        let mut state = State::default();
        for _ in 0..3 {
            refused(&mut state, "address".to_owned(), NOW);
        }
        let first = std::mem::take(&mut state.waiting);
        assert_eq!(
            first
                .values()
                .map(|one| (one.entry.count, one.is_told))
                .collect::<Vec<_>>(),
            [(3, false)]
        );
        refused(&mut state, "address".to_owned(), NOW);
        assert!(state.waiting.values().all(|one| one.is_told));
    }
}
