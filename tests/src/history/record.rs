//! Writes down who asked what and was told what, in an order that all clients agree on.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::model::{Answer, Call};

/// A call, when it began, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The moment before it was sent.
    pub begun: u64,
    /// The moment after its answer came, and the answer; without one it may have happened at any
    /// time since, or never.
    pub ended: Option<(u64, Answer)>,
    /// What was asked.
    pub call: Call,
}

/// The histories of all documents, by their ids.
#[derive(Debug, Default)]
pub struct Recorder {
    moments: AtomicU64,
    histories: Mutex<HashMap<String, Vec<Entry>>>,
}

impl Recorder {
    /// A moment after all those before: a call that ended before another one began has the
    /// smaller one.
    #[must_use]
    pub fn moment(&self) -> u64 {
        self.moments.fetch_add(1, Ordering::SeqCst)
    }

    /// Writes down a call about a document. What ended is written down as ending now.
    pub fn write(&self, document: &str, call: Call, begun: u64, answer: Option<Answer>) {
        let entry = Entry {
            begun,
            ended: answer.map(|answer| (self.moment(), answer)),
            call,
        };
        let mut histories = self
            .histories
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        histories
            .entry(document.to_owned())
            .or_default()
            .push(entry);
    }

    /// All histories so far, by the documents' ids.
    #[must_use]
    pub fn histories(&self) -> HashMap<String, Vec<Entry>> {
        let histories = self.histories.lock();
        histories.unwrap_or_else(PoisonError::into_inner).clone()
    }
}
