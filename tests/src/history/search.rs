//! Searches for an order in which one document could have executed all calls of a history, each
//! between its start and its end (Wing and Gong's algorithm, with Lowe's memoization). It knows
//! only the times of calls; the model knows their meaning.

use std::collections::HashSet;

use super::model::Document;
use super::record::Entry;

/// No such order exists.
#[derive(Clone, Debug)]
pub struct Impossible {
    /// The document after the longest sequence of calls that could be ordered.
    pub reached: Document,
    /// The calls of that sequence, by their start.
    pub ordered: Vec<Entry>,
    /// The calls of which one had to be next, while none was possible.
    pub stuck: Vec<Entry>,
}

/// The calls that have been executed, and the document after them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Node {
    happened: Vec<bool>,
    document: Document,
}

/// Checks a history of one document against the model.
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
    /// The number of executed calls with a response.
    fn answered(&self, history: &[Entry]) -> usize {
        let places = self.happened.iter().zip(history);
        places
            .filter(|(happened, entry)| **happened && entry.ended.is_some())
            .count()
    }

    /// The earliest end of the calls not executed; `None` if all with a response have been.
    fn first_end(&self, history: &[Entry]) -> Option<u64> {
        let places = self.happened.iter().zip(history);
        places
            .filter(|(happened, _)| !**happened)
            .filter_map(|(_, entry)| Some(entry.ended.as_ref()?.0))
            .min()
    }

    /// Returns whether the call began before the end of every other call not executed.
    fn may_be_next(&self, history: &[Entry], place: usize) -> bool {
        let first_end = self.first_end(history).unwrap_or(u64::MAX);
        !self.happened[place] && history[place].begun < first_end
    }

    /// The possible next states; the likeliest last.
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
