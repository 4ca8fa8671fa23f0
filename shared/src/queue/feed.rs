//! The port: how word of new jobs and settled documents travels between processes.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use futures::Stream;

use super::Queue;
use crate::domain::{DocumentId, JobId};

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

/// Documents that left `pending`, as they do. It never ends; while the server
/// is away it is silent, so whoever listens looks into the database as well.
pub type SettledStream = Pin<Box<dyn Stream<Item = Vec<DocumentId>> + Send>>;

/// Carries word of jobs from those who enqueue to those who work.
#[async_trait]
pub trait Feed: Send + Sync + fmt::Debug {
    /// Tells of jobs that were committed; one round trip for all of them.
    async fn announce(&self, queue: Queue, jobs: &[JobId]) -> Result<(), FeedError>;

    /// Listens for jobs of a queue as `consumer`, a name no other process uses.
    async fn listen(&self, queue: Queue, consumer: &str) -> Box<dyn Listener>;

    /// Tells of documents that left `pending`.
    async fn announce_settled(&self, documents: &[DocumentId]) -> Result<(), FeedError>;

    /// Hears of documents that leave `pending`, in whatever process.
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
