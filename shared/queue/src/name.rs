//! The queues, each with its own concurrency.

use std::fmt;
use std::str::FromStr;

/// A queue of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Queue {
    /// Uploads on their way to active.
    Ingest,
    /// Chunks of bulk operations.
    Bulk,
    /// Removal of bytes, cleanup, audit.
    Maintenance,
    /// Deliveries to webhooks.
    Deliver,
}

/// A text that is not a queue.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a queue: ingest, bulk, maintenance or deliver")]
pub struct UnknownQueue(String);

impl Queue {
    /// Every queue.
    pub const ALL: [Self; 4] = [Self::Ingest, Self::Bulk, Self::Maintenance, Self::Deliver];

    /// Returns the name of the queue, as stored in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Bulk => "bulk",
            Self::Maintenance => "maintenance",
            Self::Deliver => "deliver",
        }
    }
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Queue {
    type Err = UnknownQueue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|queue| queue.as_str() == text.trim())
            .ok_or_else(|| UnknownQueue(text.to_owned()))
    }
}
