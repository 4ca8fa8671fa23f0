//! Tells the feed of what settled and of new jobs, beside the road of an outcome: a feed that
//! is slow or gone holds up nobody, and a word that is lost costs whoever waits a moment.

use std::sync::Arc;
use std::time::Duration;

use domain::{DocumentId, JobId, OperationId};
use queue::{Awaited, Feed, FeedError, Queue};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tracing::warn;

use crate::background::outlive_panic;

/// Groups that may wait for a slow feed before words are dropped.
const BACKLOG: usize = 256;

#[derive(Debug)]
enum Word {
    Settled(Vec<Awaited>),
    Enqueued(Queue, Vec<JobId>),
}

/// The door to the herald. It ends when every clone is gone and the last word is out.
#[derive(Clone, Debug)]
pub struct Herald {
    words: mpsc::Sender<Word>,
}

impl Herald {
    /// Starts it.
    pub fn start(feed: Arc<dyn Feed>) -> (Self, JoinHandle<()>) {
        let (words, waiting) = mpsc::channel(BACKLOG);
        (Self { words }, tokio::spawn(announce(feed, waiting)))
    }

    /// Announces documents that left `pending`, soon.
    pub fn documents_settled(&self, documents: impl Iterator<Item = DocumentId>) {
        let settled: Vec<_> = documents.map(Awaited::Document).collect();
        if !settled.is_empty() {
            self.tell(Word::Settled(settled));
        }
    }

    /// Announces an operation that ended, soon.
    pub fn operation_ended(&self, operation: OperationId) {
        self.tell(Word::Settled(vec![Awaited::Operation(operation)]));
    }

    /// Announces jobs that were committed, soon.
    pub fn jobs_enqueued(&self, queue: Queue, jobs: Vec<JobId>) {
        if !jobs.is_empty() {
            self.tell(Word::Enqueued(queue, jobs));
        }
    }

    /// Announces a job once it is due. If nobody is told, the sweep finds it.
    pub fn job_due_in(self, pause: Duration, queue: Queue, job: JobId) {
        tokio::spawn(async move {
            sleep(pause).await;
            self.jobs_enqueued(queue, vec![job]);
        });
    }

    /// With a full backlog whoever waits finds out from the database.
    fn tell(&self, word: Word) {
        let _ = self.words.try_send(word);
    }
}

async fn announce(feed: Arc<dyn Feed>, mut waiting: mpsc::Receiver<Word>) {
    let mut words = Vec::new();
    while waiting.recv_many(&mut words, BACKLOG).await > 0 {
        outlive_panic("herald", pass_on(&*feed, std::mem::take(&mut words))).await;
    }
}

async fn pass_on(feed: &dyn Feed, words: Vec<Word>) {
    let mut settled = Vec::new();
    for word in words {
        match word {
            Word::Settled(more) => settled.extend(more),
            Word::Enqueued(queue, jobs) => told(feed.announce(queue, &jobs).await),
        }
    }
    if !settled.is_empty() {
        told(feed.announce_settled(&settled).await);
    }
}

fn told(outcome: Result<(), FeedError>) {
    if let Err(error) = outcome {
        warn!(
            error = &error as &dyn std::error::Error,
            "whoever waits for this word finds out from the database"
        );
    }
}
