//! Accepts staged uploads: one transaction for all uploads that arrive together, then notifies
//! workers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crash_points::CrashPoint;
use domain::{Clock, Document, Limits};
use ledger::{
    Arrival, ChangeError, Commit, Database, DbError, GroupCommit, GroupCommitError, GroupWriter,
    IntakeRefusal, NewContent, Target, accept, add_version,
};
use queue::Queue;
use telemetry::Meters;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, debug_span};

use super::in_flight::InFlight;
use super::inline::InlineRoom;
use super::staged::StagedBytes;
use crate::problem::{Code, Problem};
use crate::service::Service;
use crate::waiting::JobNotifier;

/// The most uploads in one transaction. Larger groups save little and delay everyone in them.
const GROUP: usize = 256;
/// Accepts staged uploads in groups.
#[derive(Clone, Debug)]
pub struct Intake {
    door: GroupCommit<Writer>,
    limits: Arc<Limits>,
    notifier: JobNotifier,
    meters: Meters,
    clock: Arc<dyn Clock>,
    patience: Duration,
    running: TaskTracker,
    in_flight: InFlight,
    inline: InlineRoom,
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
    /// Starts the group commit. Small uploads are kept in the database from `inline_from` on. Small uploads are kept in the database from
    /// `inline_from` on.
    #[must_use]
    pub fn open(service: &Service, notifier: JobNotifier, inline_from: Instant) -> Self {
        let (db, limits) = (service.db.clone(), Arc::clone(&service.limits));
        let writer = Writer {
            db,
            limits: Arc::clone(&limits),
        };
        Self {
            inline: InlineRoom::new(limits.inline, inline_from),
            door: GroupCommit::start(writer, GROUP),
            limits,
            notifier,
            meters: service.meters.clone(),
            clock: Arc::clone(&service.clock),
            patience: service.server.upload,
            running: TaskTracker::new(),
            in_flight: InFlight::new(
                service.db.clone(),
                Arc::clone(&service.clock),
                Arc::clone(&service.limits),
                service.meters.clone(),
            ),
        }
    }

    /// Accepts a document. Runs to its end, or removes its bytes, even if the returned future is
    /// dropped because the client hung up.
    pub async fn take_in(&self, arrival: Arrival, bytes: StagedBytes) -> Result<Document, Problem> {
        let intake = self.clone();
        let submitting = async move { intake.submit(arrival, bytes).await };
        let taking = self
            .running
            .spawn(submitting.instrument(debug_span!("intake")));
        taking.await.map_err(Problem::internal)?
    }

    /// Accepts a new version, with the same guarantee; `on` commits it.
    pub async fn take_in_version(
        &self,
        on: impl Commit<Document> + Send + 'static,
        target: Target,
        content: NewContent,
        bytes: StagedBytes,
    ) -> Result<Document, Problem> {
        let intake = self.clone();
        let adding = async move { intake.add_version(&on, &target, &content, bytes).await };
        let taking = self.running.spawn(adding.instrument(debug_span!("intake")));
        taking.await.map_err(Problem::internal)?
    }

    /// The uploads in progress.
    #[must_use]
    pub const fn in_flight(&self) -> &InFlight {
        &self.in_flight
    }

    /// The memory for small uploads.
    #[must_use]
    pub const fn inline(&self) -> &InlineRoom {
        &self.inline
    }

    /// Runs `running` to its end, even if the returned handle is dropped.
    pub fn keep_running<F>(&self, running: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.running.spawn(running)
    }

    /// Waits for running tasks.
    pub async fn close(&self) {
        self.running.close();
        self.running.wait().await;
        self.in_flight.end().await;
    }

    async fn add_version(
        &self,
        on: &impl Commit<Document>,
        target: &Target,
        content: &NewContent,
        bytes: StagedBytes,
    ) -> Result<Document, Problem> {
        self.check_in_time(&bytes)?;
        crash_points::reach(CrashPoint::Staged);
        match add_version(on, target, content, &self.limits).await {
            Ok(document) => {
                bytes.keep();
                self.meters.took_in(content.size);
                self.notifier.notify(Queue::Ingest, content.job);
                Ok(document)
            }
            Err(error) => {
                if matches!(&error, ChangeError::Database(error) if error.may_be_committed()) {
                    bytes.keep();
                }
                Err(error.into())
            }
        }
    }

    /// Bytes staged for too long may be swept at any moment.
    fn check_in_time(&self, bytes: &StagedBytes) -> Result<(), Problem> {
        if self.clock.now().since(bytes.staged().begun_at) > self.patience {
            return Err(Code::RequestTimeout.into());
        }
        Ok(())
    }

    async fn submit(&self, arrival: Arrival, bytes: StagedBytes) -> Result<Document, Problem> {
        self.check_in_time(&bytes)?;
        let (document, job) = (arrival.document(), arrival.job);
        crash_points::reach(CrashPoint::Staged);
        match self.door.submit(arrival).await {
            Ok(Ok(())) => {
                bytes.keep();
                self.meters.took_in(document.size);
                crash_points::reach(CrashPoint::BeforeHint);
                self.notifier.notify(Queue::Ingest, job);
                Ok(document)
            }
            // Dropping the bytes removes them.
            Ok(Err(refusal)) => Err(refusal.into()),
            Err(error) => {
                if outcome_is_unknown(&error) {
                    // A row may refer to them; if not, the cleanup removes them.
                    bytes.keep();
                }
                Err(not_committed(error))
            }
        }
    }
}

/// Returns whether the transaction may have been committed although its answer was lost.
fn outcome_is_unknown(error: &GroupCommitError) -> bool {
    match error {
        GroupCommitError::Failed(error) => error.may_be_committed(),
        GroupCommitError::Panicked | GroupCommitError::Closed => true,
    }
}

fn not_committed(error: GroupCommitError) -> Problem {
    let code = match &error {
        GroupCommitError::Failed(error) if error.is_out_of_room() => Code::StorageFull,
        GroupCommitError::Failed(error) => match **error {
            _ if error.will_pass() => Code::Unavailable,
            DbError::TakenOver => Code::IdempotencyInProgress,
            _ => Code::Internal,
        },
        GroupCommitError::Panicked | GroupCommitError::Closed => Code::Unavailable,
    };
    Problem::from(code).because(error)
}
