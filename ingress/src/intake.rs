//! From staged bytes to an accepted document: one transaction for what arrives together, then a hint.

use std::sync::Arc;
use std::time::Duration;

use shared::db::{
    Arrival, Database, DbError, GroupCommit, GroupCommitError, GroupWriter, IntakeRefusal, accept,
};
use shared::domain::{Document, JobId, Limits};
use shared::queue::{Feed, Queue};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::problem::{Code, Problem};
use crate::upload::StagedBytes;

/// Uploads that share a transaction. Larger groups save little and make everyone in them wait.
const GROUP: usize = 256;
/// Hints that wait to be sent. One that finds no room is dropped: the sweeper finds its job.
const HINTS: usize = 4_096;
/// A feed that takes longer is out of order, and the sweeper does its work.
const HINT_PATIENCE: Duration = Duration::from_secs(2);

/// The door through which documents come in.
#[derive(Clone, Debug)]
pub struct Intake {
    door: GroupCommit<Writer>,
    hints: mpsc::Sender<JobId>,
    running: TaskTracker,
}

struct Writer {
    db: Database,
    limits: Arc<Limits>,
}

impl GroupWriter for Writer {
    type Item = Arrival;
    type Answer = Result<(), IntakeRefusal>;

    async fn write(&self, items: &[Arrival]) -> Result<Vec<Self::Answer>, DbError> {
        accept(&self.db, &self.limits, items).await
    }
}

impl Intake {
    /// Opens the door.
    #[must_use]
    pub fn open(db: Database, limits: Arc<Limits>, feed: Arc<dyn Feed>) -> Self {
        let (hints, waiting) = mpsc::channel(HINTS);
        tokio::spawn(announce(feed, waiting));
        let door = GroupCommit::start(Writer { db, limits }, GROUP);
        Self {
            door,
            hints,
            running: TaskTracker::new(),
        }
    }

    /// Takes a document in. It is taken in, or its bytes removed, even if the
    /// returned future is dropped because the client hung up.
    pub async fn take_in(&self, arrival: Arrival, bytes: StagedBytes) -> Result<Document, Problem> {
        let intake = self.clone();
        let taking = self
            .running
            .spawn(async move { intake.submit(arrival, bytes).await });
        taking.await.map_err(Problem::internal)?
    }

    /// Waits for what is under way.
    pub async fn close(&self) {
        self.running.close();
        self.running.wait().await;
    }

    async fn submit(&self, arrival: Arrival, bytes: StagedBytes) -> Result<Document, Problem> {
        let (document, job) = (arrival.document(), arrival.job);
        match self.door.submit(arrival).await {
            Ok(Ok(())) => {
                bytes.keep();
                let _ = self.hints.try_send(job);
                Ok(document)
            }
            // Dropping the bytes removes them.
            Ok(Err(refusal)) => Err(refused(refusal)),
            Err(error) => {
                if outcome_is_unknown(&error) {
                    // A row may refer to them. If none does, the cleanup finds that out.
                    bytes.keep();
                }
                Err(not_committed(error))
            }
        }
    }
}

/// Tells the feed of new jobs, as many at once as have come up.
async fn announce(feed: Arc<dyn Feed>, mut waiting: mpsc::Receiver<JobId>) {
    let mut jobs = Vec::new();
    while waiting.recv_many(&mut jobs, GROUP).await > 0 {
        let told = feed.announce(Queue::Ingest, &jobs);
        match tokio::time::timeout(HINT_PATIENCE, told).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "a hint was lost");
            }
            Err(_) => tracing::debug!("a hint took too long"),
        }
        jobs.clear();
    }
}

fn refused(refusal: IntakeRefusal) -> Problem {
    let code = match refusal {
        IntakeRefusal::UniqueNameTaken => Code::UniqueNameTaken,
        IntakeRefusal::QuotaExceeded => Code::QuotaExceeded,
        IntakeRefusal::OwnerGone => Code::Unauthorized,
    };
    Problem::from(code).because(refusal)
}

/// Whether the transaction may have been committed all the same: the database
/// went silent in the middle. What it refused, it has not committed.
fn outcome_is_unknown(error: &GroupCommitError) -> bool {
    match error {
        GroupCommitError::Failed(error) => {
            matches!(**error, DbError::Unavailable(_) | DbError::Corrupt { .. })
        }
        GroupCommitError::Closed => true,
    }
}

fn not_committed(error: GroupCommitError) -> Problem {
    let code = match &error {
        GroupCommitError::Failed(error) => match **error {
            DbError::Unavailable(_) | DbError::Conflict(_) => Code::Unavailable,
            _ => Code::Internal,
        },
        GroupCommitError::Closed => Code::Unavailable,
    };
    Problem::from(code).because(error)
}
