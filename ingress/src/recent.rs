//! Recent answers of the ledger: whoever sends many requests a second is looked up ten times in it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long an answer is good. At a thousand requests a second this saves 99 lookups of 100; it is
/// shorter than anybody needs to change a user elsewhere and to send the next request.
pub(crate) const RECENT: Duration = Duration::from_millis(100);

/// The most answers that are kept: about a hundred bytes each.
const MOST: usize = 16_384;

/// Recent answers of the ledger, by what was asked.
#[derive(Debug)]
pub(crate) struct Recent<K, V>(Mutex<Answers<K, V>>);

#[derive(Debug)]
struct Answers<K, V> {
    /// Counts how often all answers were dropped.
    generation: u64,
    found: HashMap<K, (V, Instant)>,
}

/// When a lookup began: its answer is kept if nothing was dropped since.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lookup {
    generation: u64,
    began: Instant,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self(Mutex::new(Answers {
            generation: 0,
            found: HashMap::new(),
        }))
    }
}

impl<K: Copy + Eq + Hash, V: Copy> Recent<K, V> {
    /// The recent answer, or else the lookup that has to be made.
    pub(crate) fn get(&self, key: K) -> Result<V, Lookup> {
        let answers = self.answers();
        match answers.found.get(&key) {
            Some((answer, began)) if began.elapsed() < RECENT => Ok(*answer),
            _ => Err(Lookup {
                generation: answers.generation,
                began: Instant::now(),
            }),
        }
    }

    /// Keeps the answer of a lookup.
    pub(crate) fn insert(&self, lookup: Lookup, key: K, answer: V) {
        let mut answers = self.answers();
        if answers.generation != lookup.generation {
            return;
        }
        if answers.found.len() >= MOST {
            answers
                .found
                .retain(|_, (_, began)| began.elapsed() < RECENT);
        }
        if answers.found.len() < MOST || answers.found.contains_key(&key) {
            answers.found.insert(key, (answer, lookup.began));
        }
    }

    /// Drops all answers, those of lookups under way included.
    pub(crate) fn clear(&self) {
        let mut answers = self.answers();
        answers.generation += 1;
        answers.found.clear();
    }

    fn answers(&self) -> MutexGuard<'_, Answers<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_until_all_are_dropped() {
        let recent = Recent::default();
        let lookup = recent.get(1).unwrap_err();
        recent.insert(lookup, 1, "one");
        assert_eq!(recent.get(1).unwrap(), "one");
        recent.clear();
        recent.get(1).unwrap_err();
    }

    #[test]
    fn the_answer_of_a_lookup_that_began_before_a_change_is_not_kept() {
        let recent = Recent::default();
        let lookup = recent.get(1).unwrap_err();
        recent.clear();
        recent.insert(lookup, 1, "one");
        recent.get(1).unwrap_err();
    }

    #[test]
    fn an_answer_is_as_old_as_its_lookup() {
        let recent = Recent::default();
        let lookup = recent.get(1).unwrap_err();
        let began = lookup.began.checked_sub(RECENT).unwrap();
        recent.insert(Lookup { began, ..lookup }, 1, "one");
        recent.get(1).unwrap_err();
    }

    #[test]
    fn no_more_answers_are_kept_than_there_is_room_for() {
        let recent = Recent::default();
        // None of them grows old before the last is there.
        let began = Instant::now() + Duration::from_hours(1);
        for key in 0..=MOST {
            let lookup = recent.get(key).unwrap_err();
            recent.insert(Lookup { began, ..lookup }, key, ());
        }
        assert_eq!(recent.answers().found.len(), MOST);
    }
}
