//! The port: how word of new jobs and settled documents travels between processes.

use std::fmt;
use std::pin::Pin;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use futures::Stream;

use super::Queue;
use domain::{DocumentId, JobId, OperationId};

/// A feed that could not pass a word on. Nothing is lost by it but time.
#[derive(Debug, thiserror::Error)]
#[error("the feed could not {action}")]
pub struct FeedError {
    /// What was tried, as a verb.
    pub action: &'static str,
    /// What the server said.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// What somebody may wait for, by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Awaited {
    /// A document, to leave `pending`.
    Document(DocumentId),
    /// A bulk operation, to end.
    Operation(OperationId),
}

/// What comes before the id of an operation, on its way between processes.
const OPERATION: &str = "operation:";

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document(id) => id.fmt(f),
            Self::Operation(id) => write!(f, "{OPERATION}{id}"),
        }
    }
}

impl FromStr for Awaited {
    type Err = <DocumentId as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix(OPERATION) {
            Some(id) => id.parse().map(Self::Operation),
            None => text.parse().map(Self::Document),
        }
    }
}

/// Documents that left `pending` and operations that ended, as they do. It never ends; while the server
/// is away it is silent, so whoever listens looks into the database as well.
pub type SettledStream = Pin<Box<dyn Stream<Item = Vec<Awaited>> + Send>>;

/// Carries word of jobs from those who enqueue to those who work.
#[async_trait]
pub trait Feed: Send + Sync + fmt::Debug {
    /// Tells of jobs that were committed; one round trip for all of them.
    async fn announce(&self, queue: Queue, jobs: &[JobId]) -> Result<(), FeedError>;

    /// Listens for jobs of a queue as `consumer`, a name no other process uses.
    async fn listen(&self, queue: Queue, consumer: &str) -> Box<dyn Listener>;

    /// Tells of documents that left `pending` and operations that ended.
    async fn announce_settled(&self, settled: &[Awaited]) -> Result<(), FeedError>;

    /// Hears of documents that leave `pending` and operations that end, in whatever process.
    async fn settled(&self) -> SettledStream;

    /// Whether the server answers.
    async fn check(&self) -> Result<(), FeedError>;
}

/// What a listener heard: so many jobs may be due. Which ones, the ledger says,
/// because it alone knows whose turn it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// How many jobs were announced.
    pub jobs: usize,
    /// The feed's own names for the hints, to acknowledge them by.
    pub receipts: Vec<String>,
}

/// One consumer's ear on a queue.
#[async_trait]
pub trait Listener: Send {
    /// Waits for at most `most` hints, at most `patience` long. It never fails: a
    /// feed that is out of order waits, so that its caller asks the ledger instead.
    /// Dropping the future loses no hint for longer than a lease.
    async fn next(&mut self, most: usize, patience: Duration) -> Hints;

    /// Acknowledges hints once the ledger was asked.
    async fn acknowledge(&mut self, hints: Hints);
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;

    #[test]
    fn what_is_awaited_is_read_as_it_is_written() {
        let at = Timestamp::from_micros(0);
        for awaited in [
            Awaited::Document(DocumentId::new(at)),
            Awaited::Operation(OperationId::new(at)),
        ] {
            assert_eq!(awaited.to_string().parse(), Ok(awaited));
        }
        assert!("operation:x".parse::<Awaited>().is_err());
    }
}
