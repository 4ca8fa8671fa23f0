//! Records calls and their results, in an order that all clients agree on.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::model::{Answer, Call};

/// A call, with its start and its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The time before it was sent.
    pub begun: u64,
    /// The time after the response, and the response; a call without one may have taken effect at
    /// any time since, or never.
    pub ended: Option<(u64, Answer)>,
    /// The call.
    pub call: Call,
}

/// The histories of all documents, by id.
#[derive(Debug, Default)]
pub struct Recorder {
    moments: AtomicU64,
    histories: Mutex<HashMap<String, Vec<Entry>>>,
}

impl Recorder {
    /// Returns a time after all previous ones: if a call ended before another one began, its time
    /// is smaller.
    #[must_use]
    pub fn moment(&self) -> u64 {
        self.moments.fetch_add(1, Ordering::SeqCst)
    }

    /// Records a call about a document, as ending now if it has a result.
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

    /// All histories so far, by the ids of the documents.
    #[must_use]
    pub fn histories(&self) -> HashMap<String, Vec<Entry>> {
        let histories = self.histories.lock();
        histories.unwrap_or_else(PoisonError::into_inner).clone()
    }
}
