//! Counted entries that are not written yet. Bounds rows per minute under a flood, and memory while
//! the database is down.

use std::collections::{BTreeMap, BTreeSet, btree_map};

use domain::{AuditEntry, AuditEvent, AuditId, AuditOrigin, DocumentId, Timestamp};

/// Rows that one process writes per minute before it merges addresses and owners.
const MOST_ROWS: usize = 200;
/// Documents named by one entry.
const MOST_NAMED: usize = 100;

#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Not written yet.
    pub(super) waiting: BTreeMap<AuditId, Counted>,
    /// Entries of the current minute.
    seen: BTreeSet<AuditId>,
    minute: Option<AuditId>,
}

#[derive(Debug)]
pub(super) struct Counted {
    entry: AuditEntry,
    documents: BTreeSet<DocumentId>,
    /// Whether it is in the process's log already: the first of a minute is.
    pub(super) is_told: bool,
}

impl Counts {
    pub(super) fn count(
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

    /// Puts unwritten entries back. While the database is down, no more is added than the bound of
    /// each minute.
    pub(super) fn put_back(&mut self, waiting: BTreeMap<AuditId, Counted>) {
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
        // An hour's worth; the oldest are dropped first.
        while self.waiting.len() > 60 * MOST_ROWS {
            self.waiting.pop_first();
        }
    }
}

impl Counted {
    pub(super) fn entry(&self) -> AuditEntry {
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
    use std::time::Duration;

    use domain::{Actor, AuditKind};
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    fn refused(counts: &mut Counts, address: String, now: Timestamp) {
        let origin = AuditOrigin {
            actor: Actor::Unknown,
            address: Some(address),
            request_id: None,
        };
        let event = AuditEvent {
            subject: None,
            ..AuditEvent::new(AuditKind::AuthenticationRefused, "", json!({}))
        };
        counts.count(origin, event, None, now);
    }

    #[test]
    fn a_flood_from_everywhere_writes_a_bounded_number_of_rows_a_minute() {
        let mut counts = Counts::default();
        for number in 0..10_000 {
            refused(&mut counts, format!("address {number}"), NOW);
        }
        assert_eq!(counts.waiting.len(), MOST_ROWS + 1);
        let count: u64 = counts.waiting.values().map(|one| one.entry.count).sum();
        assert_eq!(count, 10_000);
        refused(
            &mut counts,
            "another".to_owned(),
            NOW.plus(Duration::from_mins(1)),
        );
        assert_eq!(counts.waiting.len(), MOST_ROWS + 2);
    }

    #[test]
    fn a_database_that_is_away_for_long_costs_bounded_memory() {
        let mut counts = Counts::default();
        for minute in 0..200 {
            let now = NOW.plus(Duration::from_mins(minute));
            for number in 0..300 {
                refused(&mut counts, format!("address {number}"), now);
            }
            let waiting = std::mem::take(&mut counts.waiting);
            counts.put_back(waiting);
        }
        assert_eq!(counts.waiting.len(), 60 * MOST_ROWS);
    }

    #[test]
    fn one_who_comes_again_is_counted_and_told_once() {
        let mut counts = Counts::default();
        for _ in 0..3 {
            refused(&mut counts, "address".to_owned(), NOW);
        }
        let first = std::mem::take(&mut counts.waiting);
        assert_eq!(
            first
                .values()
                .map(|one| (one.entry.count, one.is_told))
                .collect::<Vec<_>>(),
            [(3, false)]
        );
        refused(&mut counts, "address".to_owned(), NOW);
        assert!(counts.waiting.values().all(|one| one.is_told));
    }
}
