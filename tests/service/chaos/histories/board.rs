//! The documents that the clients of a campaign share, and what they know of them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tests::dice::Dice;
use tests::history::Seen;

/// How many documents are worked on at once.
const PLACES: u64 = 20;

/// A document as somebody last saw it.
#[derive(Clone, Debug)]
pub struct Known {
    pub id: String,
    pub revision: u64,
    pub latest: u32,
}

/// Who works on it gets a place: a document, or the task to upload one.
#[derive(Debug, Default)]
pub struct Board(Mutex<Places>);

#[derive(Debug, Default)]
struct Places {
    now: HashMap<u64, String>,
    /// Documents that others have taken the places of.
    former: Vec<String>,
    known: HashMap<String, (u64, u32)>,
}

impl Board {
    /// A place, and the document that is there; one in ten times a former one.
    pub fn draw(&self, dice: &mut Dice) -> (u64, Option<Known>) {
        let place = dice.below(PLACES);
        let places = self.places();
        let former = if dice.below(10) == 0 && !places.former.is_empty() {
            let index = dice.below(places.former.len() as u64);
            usize::try_from(index).ok()
        } else {
            None
        };
        let id = match former {
            Some(index) => Some(&places.former[index]),
            None => places.now.get(&place),
        };
        let known = id.map(|id| {
            let (revision, latest) = places.known.get(id).copied().unwrap_or((1, 1));
            Known {
                id: id.clone(),
                revision,
                latest,
            }
        });
        (place, known)
    }

    /// Puts a new document at a place.
    pub fn put(&self, place: u64, id: &str) {
        let mut places = self.places();
        if let Some(former) = places.now.insert(place, id.to_owned()) {
            places.former.push(former);
        }
    }

    /// Remembers what was seen of a document.
    pub fn saw(&self, id: &str, seen: &Seen) {
        let mut places = self.places();
        places
            .known
            .insert(id.to_owned(), (seen.revision, seen.latest));
    }

    fn places(&self) -> std::sync::MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
