//! Acknowledges attempts: settles and logs one that failed, panicked or timed out. A successful
//! attempt has already settled its job.

use std::convert::Infallible;
use std::sync::Arc;

use apalis::prelude::{Acknowledge, BoxDynError, ExecutionContext};
use futures::FutureExt;
use futures::future::BoxFuture;
use ledger::{Outcome, Settled};
use telemetry::{Attempt, Meters};
use tracing::{error, info, warn};
use url::Url;

use crate::circuits::{Circuits, Outage, outage_of, url_of};
use crate::retry_policy::{handed_back, outcome_of_failure};
use crate::tools::Tools;
use crate::work::Work;

/// Settles failed attempts.
#[derive(Clone, Debug)]
pub struct Acknowledger {
    /// Commits outcomes, removes discarded bytes, and confirms outages.
    pub tools: Arc<Tools>,
    /// The process's metrics.
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
        let outcome = outcome_of_failure(&**error, &work, now);
        let uncounted =
            outage_of(&**error).map(|outage| (outage, handed_back(outage, &**error, &work, now)));
        let at = url_of(&**error);
        let Self { tools, meters } = self.clone();
        async move {
            let outcome = match uncounted {
                Some((outage, outcome))
                    if is_to_blame(&tools.circuits, (outage, at.as_ref()), &work).await =>
                {
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
                    "lease lost: the worker that holds it now settles the job"
                );
            }
            Ok(())
        }
        .boxed()
    }
}

/// Returns whether the attempt failed because of an outage. On a full disk, an accepted document
/// waits for space even if there is some for others. Anything else that finds no space, such as an
/// archive larger than the disk, has filled it by itself and counts as failed.
async fn is_to_blame(
    circuits: &Circuits,
    (outage, at): (Outage, Option<&Url>),
    work: &Work,
) -> bool {
    let is_away = circuits.confirm_at(outage, at).await;
    is_away || (outage == Outage::StorageFull && work.pending.is_some())
}

/// Logs and commits the outcome of an attempt. Removes the staged bytes of a failed version unless
/// they are kept for a retry.
pub async fn settle(tools: &Tools, work: &Work, mut outcome: Outcome) {
    report(work, &outcome);
    let pending = work.pending();
    let upload = pending.and_then(|pending| pending.upload.as_ref());
    if let (Outcome::Failed { leftovers, .. }, Some(upload)) = (&mut outcome, upload) {
        *leftovers = tools.places.traces(&upload.staged);
    }
    match tools.committer.commit(work.settlement(outcome)).await {
        Ok(Settled::Committed { removable }) => tools.remover.remove(removable),
        Ok(Settled::LeaseLost) => {}
        Err(error) => warn!(
            job.id = %work.claimed.job.id,
            error = &error as &dyn std::error::Error,
            "failed to commit an outcome; the job runs again when its lease expires"
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
            "attempt failed; it will be retried"
        ),
        Outcome::HandedBack { cause, .. } => warn!(
            job.id = %job, job.attempt = attempt, document.id = document, cause,
            "attempt failed because of an outage; it will be retried and does not count"
        ),
        Outcome::Failed {
            failure,
            gave_up: Some(cause),
            ..
        } => error!(
            job.id = %job, job.attempt = attempt, document.id = document, code = %failure.code, cause,
            "document failed permanently"
        ),
        Outcome::Failed {
            failure,
            gave_up: None,
            ..
        } => info!(
            job.id = %job, job.attempt = attempt, document.id = document, code = %failure.code,
            "document rejected"
        ),
        Outcome::Dead { cause } => error!(
            job.id = %job, job.attempt = attempt, cause,
            "job failed permanently"
        ),
        Outcome::Activated(_) | Outcome::Done => {}
    }
}
