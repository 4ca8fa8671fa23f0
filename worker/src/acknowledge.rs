//! The acknowledgement of an attempt: one that failed, panicked or took too long is settled
//! here, and said in the log. One that passed has settled itself.

use std::convert::Infallible;
use std::sync::Arc;

use apalis::prelude::{Acknowledge, BoxDynError, ExecutionContext};
use futures::FutureExt;
use futures::future::BoxFuture;
use ledger::{Outcome, Settled};
use telemetry::{Attempt, Meters};
use tracing::{error, info, warn};

use crate::circuits::{Circuits, Suspect, suspect_of};
use crate::tools::Tools;
use crate::verdict::{handed_back, verdict};
use crate::work::Work;

/// Settles what failed.
#[derive(Clone, Debug)]
pub struct Acknowledger {
    /// Where outcomes become true, and bytes that are not kept go; and whether a part is to blame.
    pub tools: Arc<Tools>,
    /// What is counted.
    pub meters: Meters,
}

impl Acknowledge<()> for Acknowledger {
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<(), Infallible>>;

    fn ack(&mut self, result: &Result<(), BoxDynError>, task: &ExecutionContext) -> Self::Future {
        let work = task.data().get::<Arc<Work>>().cloned();
        let Some(work) = work else {
            return futures::future::ready(Ok(())).boxed();
        };
        let now = self.tools.clock.now();
        let took = now.since(work.started_at);
        let Err(error) = result else {
            let end = if work.is_crash_loop() {
                Attempt::Dead
            } else {
                Attempt::Done
            };
            self.meters.attempted(work.claimed.kind, end, took);
            return futures::future::ready(Ok(())).boxed();
        };
        let outcome = verdict(&**error, &work, now);
        let uncounted = suspect_of(&**error)
            .map(|suspect| (suspect, handed_back(suspect, &**error, &work, now)));
        let Self { tools, meters } = self.clone();
        async move {
            let outcome = match uncounted {
                Some((suspect, outcome)) if is_to_blame(&tools.circuits, suspect, &work).await => {
                    Some(outcome)
                }
                _ => outcome,
            };
            let end = outcome.as_ref().map_or(Attempt::LeaseLost, end_of);
            meters.attempted(work.claimed.kind, end, took);
            if let Some(outcome) = outcome {
                settle(&tools, &work, outcome).await;
            } else {
                warn!(
                    job.id = %work.claimed.job.id,
                    job.attempt = work.claimed.attempt,
                    "the lease was lost; whoever has it settles the job"
                );
            }
            Ok(())
        }
        .boxed()
    }
}

/// Whether the attempt failed by a part that is away. A document that was accepted waits for room,
/// also if there is some for others. Whatever else finds none, such as an archive that is larger
/// than the place, has filled it by itself.
async fn is_to_blame(circuits: &Circuits, suspect: Suspect, work: &Work) -> bool {
    let is_away = circuits.confirm(suspect).await;
    is_away || (suspect == Suspect::Full && work.pending.is_some())
}

/// Settles an outcome that ends an attempt, and says so. Staged bytes of a version that failed and
/// that are not kept are removed.
pub async fn settle(tools: &Tools, work: &Work, mut outcome: Outcome) {
    report(work, &outcome);
    let pending = work.pending.as_ref();
    let upload = pending.and_then(|pending| pending.upload.as_ref());
    if let (Outcome::Failed { leftovers, .. }, Some(upload)) = (&mut outcome, upload) {
        *leftovers = tools.places.traces(&upload.staged);
    }
    match tools.settler.settle(work.settlement(outcome)).await {
        Ok(Settled::Committed { removable }) => tools.remover.remove(removable),
        Ok(Settled::LeaseLost) => {}
        Err(error) => warn!(
            job.id = %work.claimed.job.id,
            error = &error as &dyn std::error::Error,
            "a job was not settled; its lease brings it back"
        ),
    }
}

const fn end_of(outcome: &Outcome) -> Attempt {
    match outcome {
        Outcome::Activated(_) | Outcome::Done => Attempt::Done,
        Outcome::Again { .. } => Attempt::Retried,
        Outcome::HandedBack { .. } => Attempt::HandedBack,
        Outcome::Failed { gave_up: None, .. } => Attempt::Rejected,
        Outcome::Failed {
            gave_up: Some(_), ..
        }
        | Outcome::Dead { .. } => Attempt::Dead,
    }
}

fn report(work: &Work, outcome: &Outcome) {
    let (job, attempt) = (work.claimed.job.id, work.claimed.attempt);
    let document = work.pending.as_ref().map(|pending| pending.document);
    let document = document.map(|document| document.to_string());
    match outcome {
        Outcome::Again { cause, code, .. } => warn!(
            job.id = %job, job.attempt = attempt, document.id = document, code = %code, cause,
            "an attempt failed; another one follows"
        ),
        Outcome::HandedBack { cause, .. } => warn!(
            job.id = %job, job.attempt = attempt, document.id = document, cause,
            "an attempt met a part that is away and doesn't count; another one follows"
        ),
        Outcome::Failed {
            failure,
            gave_up: Some(cause),
            ..
        } => error!(
            job.id = %job, job.attempt = attempt, document.id = document, code = %failure.code, cause,
            "a document failed for good"
        ),
        Outcome::Failed {
            failure,
            gave_up: None,
            ..
        } => info!(
            job.id = %job, job.attempt = attempt, document.id = document, code = %failure.code,
            "a document was rejected"
        ),
        Outcome::Dead { cause } => error!(
            job.id = %job, job.attempt = attempt, cause,
            "a job failed for good"
        ),
        Outcome::Activated(_) | Outcome::Done => {}
    }
}
