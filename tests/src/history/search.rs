//! Looks for an order in which one document could have taken all calls of a history: each
//! between its begin and its end (Wing and Gong's search, with Lowe's memory of where it has
//! been). It knows calls by their times alone; what they mean is the model's.

use std::collections::HashSet;

use super::model::Document;
use super::record::Entry;

/// There is no such order.
#[derive(Clone, Debug)]
pub struct Impossible {
    /// The document after the most calls that could be put in order.
    pub reached: Document,
    /// The calls that were in that order, as they began.
    pub ordered: Vec<Entry>,
    /// The calls of which one had to be the next, and none could be.
    pub stuck: Vec<Entry>,
}

/// Which calls have happened, and what the document is after them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Node {
    happened: Vec<bool>,
    document: Document,
}

/// Holds a history of one document against the model.
pub fn linearise(history: &[Entry]) -> Result<(), Box<Impossible>> {
    let begin = Node {
        happened: vec![false; history.len()],
        document: Document::Absent,
    };
    let mut best = begin.clone();
    let mut seen = HashSet::from([begin.clone()]);
    let mut open = vec![begin];
    while let Some(node) = open.pop() {
        if node.answered(history) > best.answered(history) {
            best = node.clone();
        }
        if node.first_end(history).is_none() {
            return Ok(());
        }
        for next in node.successors(history) {
            if seen.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    let pick = |wanted: &dyn Fn(usize) -> bool| {
        let places = (0..history.len()).filter(|place| wanted(*place));
        places.map(|place| history[place].clone()).collect()
    };
    Err(Box::new(Impossible {
        stuck: pick(&|place| best.may_be_next(history, place)),
        ordered: pick(&|place| best.happened[place]),
        reached: best.document,
    }))
}

impl Node {
    /// How many of the calls that happened were answered.
    fn answered(&self, history: &[Entry]) -> usize {
        let places = self.happened.iter().zip(history);
        places
            .filter(|(happened, entry)| **happened && entry.ended.is_some())
            .count()
    }

    /// When the first of the calls ended that have not happened; `None` if all that were
    /// answered have.
    fn first_end(&self, history: &[Entry]) -> Option<u64> {
        let places = self.happened.iter().zip(history);
        places
            .filter(|(happened, _)| !**happened)
            .filter_map(|(_, entry)| Some(entry.ended.as_ref()?.0))
            .min()
    }

    /// Whether the call has begun before every other one, that has not happened, ended.
    fn may_be_next(&self, history: &[Entry], place: usize) -> bool {
        let first_end = self.first_end(history).unwrap_or(u64::MAX);
        !self.happened[place] && history[place].begun < first_end
    }

    /// What may come next; the likeliest last.
    fn successors(&self, history: &[Entry]) -> Vec<Self> {
        let first_end = self.first_end(history).unwrap_or(u64::MAX);
        let mut places: Vec<_> = (0..history.len())
            .filter(|place| !self.happened[*place] && history[*place].begun < first_end)
            .collect();
        places.sort_by_key(|place| std::cmp::Reverse(end_of(&history[*place])));
        let settled = self.document.settling().map(|document| Self {
            document,
            ..self.clone()
        });
        let (mut unlikely, mut likely) = (settled.collect::<Vec<_>>(), Vec::new());
        for place in places {
            let entry = &history[place];
            let after = match &entry.ended {
                Some((_, answer)) => self.document.told(&entry.call, answer),
                None => self.document.after(&entry.call).ok(),
            };
            let Some(document) = after else { continue };
            let is_news = entry.ended.is_some() || document != self.document;
            if !is_news {
                continue;
            }
            let mut happened = self.happened.clone();
            happened[place] = true;
            let next = Self { happened, document };
            if entry.ended.is_some() {
                likely.push(next);
            } else {
                unlikely.push(next);
            }
        }
        unlikely.append(&mut likely);
        unlikely
    }
}

fn end_of(entry: &Entry) -> u64 {
    entry.ended.as_ref().map_or(u64::MAX, |(end, _)| *end)
}
