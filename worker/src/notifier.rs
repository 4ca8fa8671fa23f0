//! Notifies the feed of settled documents, ended operations and new jobs, off the path of an
//! outcome: a slow or unavailable feed delays no job, and a lost notification only delays its
//! waiters by a moment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::{DocumentId, JobId, OperationId};
use queue::{Awaited, Feed, FeedError, Queue};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tracing::warn;

use crate::background::outlive_panic;

/// Notifications that may wait for a slow feed before they are dropped.
const BACKLOG: usize = 256;

#[derive(Debug)]
enum Notification {
    Settled(Vec<Awaited>),
    Enqueued(Queue, Vec<JobId>),
}

/// A handle to the notifier task. The task ends when every clone is dropped and the last
/// notification is sent.
#[derive(Clone, Debug)]
pub struct Notifier {
    notifications: mpsc::Sender<Notification>,
}

impl Notifier {
    /// Starts the task.
    pub fn start(feed: Arc<dyn Feed>) -> (Self, JoinHandle<()>) {
        let (notifications, waiting) = mpsc::channel(BACKLOG);
        (Self { notifications }, tokio::spawn(run(feed, waiting)))
    }

    /// Queues a notification that documents have left `pending`.
    pub fn documents_settled(&self, documents: impl Iterator<Item = DocumentId>) {
        let settled: Vec<_> = documents.map(Awaited::Document).collect();
        if !settled.is_empty() {
            self.enqueue(Notification::Settled(settled));
        }
    }

    /// Queues a notification that an operation has ended.
    pub fn operation_ended(&self, operation: OperationId) {
        self.enqueue(Notification::Settled(vec![Awaited::Operation(operation)]));
    }

    /// Queues a notification of committed jobs.
    pub fn jobs_enqueued(&self, queue: Queue, jobs: Vec<JobId>) {
        if !jobs.is_empty() {
            self.enqueue(Notification::Enqueued(queue, jobs));
        }
    }

    /// Notifies of a job once it is due. If the notification is lost, polling finds the job.
    pub fn job_due_in(self, pause: Duration, queue: Queue, job: JobId) {
        tokio::spawn(async move {
            sleep(pause).await;
            self.jobs_enqueued(queue, vec![job]);
        });
    }

    /// If the backlog is full, waiters learn from the database.
    fn enqueue(&self, notification: Notification) {
        let _ = self.notifications.try_send(notification);
    }
}

async fn run(feed: Arc<dyn Feed>, mut waiting: mpsc::Receiver<Notification>) {
    let mut notifications = Vec::new();
    while waiting.recv_many(&mut notifications, BACKLOG).await > 0 {
        outlive_panic(
            "notifier",
            publish(&*feed, std::mem::take(&mut notifications)),
        )
        .await;
    }
}

async fn publish(feed: &dyn Feed, notifications: Vec<Notification>) {
    let mut settled = Vec::new();
    let mut enqueued = BTreeMap::<Queue, Vec<JobId>>::new();
    for notification in notifications {
        match notification {
            Notification::Settled(more) => settled.extend(more),
            Notification::Enqueued(queue, jobs) => enqueued.entry(queue).or_default().extend(jobs),
        }
    }
    for (queue, jobs) in enqueued {
        log_failure(feed.announce(queue, &jobs).await);
    }
    if !settled.is_empty() {
        log_failure(feed.announce_settled(&settled).await);
    }
}

fn log_failure(outcome: Result<(), FeedError>) {
    if let Err(error) = outcome {
        warn!(
            error = &error as &dyn std::error::Error,
            "failed to send a notification; waiters learn from the database"
        );
    }
}
