//! Notifies workers of committed jobs through the feed. If a notification is lost, polling finds
//! the job.

use std::sync::Arc;
use std::time::Duration;

use domain::JobId;
use queue::{Feed, Queue};
use telemetry::{Hint, Meters};
use tokio::sync::mpsc;

/// Notifications that may wait to be sent; more are dropped.
const ROOM: usize = 4_096;
/// The most jobs in one message.
const GROUP: usize = 256;
/// The timeout of a message; after it polling finds the jobs.
const PATIENCE: Duration = Duration::from_secs(2);

/// Takes notifications from handlers and sends them in the background: no request waits for the feed.
#[derive(Clone, Debug)]
pub struct JobNotifier {
    jobs: mpsc::Sender<(Queue, JobId)>,
    meters: Meters,
}

impl JobNotifier {
    /// Starts a task that sends to `feed`.
    #[must_use]
    pub fn start(feed: Arc<dyn Feed>, meters: Meters) -> Self {
        let (jobs, waiting) = mpsc::channel(ROOM);
        tokio::spawn(announce(feed, meters.clone(), waiting));
        Self { jobs, meters }
    }

    /// Notifies workers that `job` was committed.
    pub fn notify(&self, queue: Queue, job: JobId) {
        if self.jobs.try_send((queue, job)).is_err() {
            self.meters.hinted(queue, 1, Hint::Lost);
        }
    }
}

/// Sends pending notifications, one message for each queue.
async fn announce(
    feed: Arc<dyn Feed>,
    meters: Meters,
    mut waiting: mpsc::Receiver<(Queue, JobId)>,
) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, GROUP).await > 0 {
        while let Some(&(queue, _)) = batch.first() {
            let jobs: Vec<_> = batch
                .extract_if(.., |(other, _)| *other == queue)
                .map(|(_, job)| job)
                .collect();
            let hint = send(feed.as_ref(), queue, &jobs).await;
            meters.hinted(queue, jobs.len(), hint);
        }
    }
}

async fn send(feed: &dyn Feed, queue: Queue, jobs: &[JobId]) -> Hint {
    match tokio::time::timeout(PATIENCE, feed.announce(queue, jobs)).await {
        Ok(Ok(())) => return Hint::Sent,
        Ok(Err(error)) => {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "a job notification was lost"
            );
        }
        Err(_) => tracing::debug!("a job notification timed out"),
    }
    Hint::Lost
}
