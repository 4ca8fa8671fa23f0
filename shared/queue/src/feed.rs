//! The port that carries notifications of new jobs and settled documents between processes.

use std::fmt;
use std::pin::Pin;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use futures::Stream;

use super::Queue;
use domain::{DocumentId, JobId, OperationId};

/// A failed notification. It costs time, never data.
#[derive(Debug, thiserror::Error)]
#[error("the feed could not {action}")]
pub struct FeedError {
    /// What was tried, as a verb.
    pub action: &'static str,
    /// What the server said.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl FeedError {
    /// Makes the error of what was tried out of what the server said.
    pub(super) fn of<E>(action: &'static str) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        move |error| Self {
            action,
            source: error.into(),
        }
    }
}

/// A subject that requests wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Awaited {
    /// A document leaving `pending`.
    Document(DocumentId),
    /// The end of a bulk operation.
    Operation(OperationId),
}

/// The prefix of an operation's id in messages between processes.
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

/// A stream of documents that left `pending` and operations that ended. It never ends. While the
/// server is down it is silent, so listeners poll the database as well.
pub type SettledStream = Pin<Box<dyn Stream<Item = Vec<Awaited>> + Send>>;

/// Carries hints of new jobs from producers to workers.
#[async_trait]
pub trait Feed: Send + Sync + fmt::Debug {
    /// Announces committed jobs in one round trip.
    async fn announce(&self, queue: Queue, jobs: &[JobId]) -> Result<(), FeedError>;

    /// Subscribes to jobs of a queue as `consumer`, a name that no other process uses.
    async fn listen(&self, queue: Queue, consumer: &str) -> Box<dyn Listener>;

    /// Announces documents that left `pending` and operations that ended.
    async fn announce_settled(&self, settled: &[Awaited]) -> Result<(), FeedError>;

    /// Subscribes to documents that leave `pending` and operations that end, in any process.
    async fn settled(&self) -> SettledStream;

    /// Checks that the server answers.
    async fn check(&self) -> Result<(), FeedError>;
}

/// Hints that jobs may be due. The ledger determines which ones, since only it knows whose turn it
/// is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// The number of announced jobs.
    pub jobs: usize,
    /// The feed's ids of the hints, for acknowledgement.
    pub receipts: Vec<String>,
}

/// One consumer's subscription to a queue.
#[async_trait]
pub trait Listener: Send {
    /// Waits for at most `most` hints and at most `patience`. A feed whose hints reach every
    /// consumer returns all there are: others may claim the jobs. Never fails: if the feed is down
    /// it waits, and the caller then polls the ledger. Dropping the future delays hints by at most a
    /// lease.
    async fn next(&mut self, most: usize, patience: Duration) -> Hints;

    /// Acknowledges hints after the ledger was polled.
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
