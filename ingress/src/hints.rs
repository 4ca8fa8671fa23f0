//! Word to the workers that a job was committed. A lost one costs a moment: the sweeper finds the job.

use std::sync::Arc;
use std::time::Duration;

use domain::JobId;
use queue::{Feed, Queue};
use telemetry::{Hint, Meters};
use tokio::sync::mpsc;

/// Hints that wait to be sent. One that finds no room is dropped.
const ROOM: usize = 4_096;
/// The most hints of one message.
const GROUP: usize = 256;
/// A feed that takes longer is out of order, and the sweeper does its work.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where handlers leave word of jobs; nobody waits for the feed.
#[derive(Clone, Debug)]
pub struct Hints {
    hints: mpsc::Sender<(Queue, JobId)>,
    meters: Meters,
}

impl Hints {
    /// Starts to pass word on to `feed`.
    #[must_use]
    pub fn start(feed: Arc<dyn Feed>, meters: Meters) -> Self {
        let (hints, waiting) = mpsc::channel(ROOM);
        tokio::spawn(announce(feed, meters.clone(), waiting));
        Self { hints, meters }
    }

    /// Tells of a job that was committed.
    pub fn give(&self, queue: Queue, job: JobId) {
        if self.hints.try_send((queue, job)).is_err() {
            self.meters.hinted(queue, 1, Hint::Lost);
        }
    }
}

/// Tells the feed of new jobs, as many at once as have come up.
async fn announce(
    feed: Arc<dyn Feed>,
    meters: Meters,
    mut waiting: mpsc::Receiver<(Queue, JobId)>,
) {
    let mut hints = Vec::new();
    while waiting.recv_many(&mut hints, GROUP).await > 0 {
        while let Some(&(queue, _)) = hints.first() {
            let jobs: Vec<_> = hints
                .extract_if(.., |(other, _)| *other == queue)
                .map(|(_, job)| job)
                .collect();
            let hint = tell(feed.as_ref(), queue, &jobs).await;
            meters.hinted(queue, jobs.len(), hint);
        }
    }
}

async fn tell(feed: &dyn Feed, queue: Queue, jobs: &[JobId]) -> Hint {
    match tokio::time::timeout(PATIENCE, feed.announce(queue, jobs)).await {
        Ok(Ok(())) => return Hint::Sent,
        Ok(Err(error)) => {
            tracing::debug!(error = &error as &dyn std::error::Error, "a hint was lost");
        }
        Err(_) => tracing::debug!("a hint took too long"),
    }
    Hint::Lost
}
