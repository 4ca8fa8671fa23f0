//! The acknowledgement of an attempt: one that failed, panicked or took too long is settled
//! here, and said in the log. One that passed has settled itself.

use std::convert::Infallible;
use std::sync::Arc;

use apalis::prelude::{Acknowledge, BoxDynError, ExecutionContext};
use futures::FutureExt;
use futures::future::BoxFuture;
use shared::db::Outcome;
use shared::domain::Clock;
use shared::metrics::{Attempt, Meters};
use tracing::{error, info, warn};

use crate::settler::Settler;
use crate::verdict::verdict;
use crate::work::Work;

/// Settles what failed.
#[derive(Clone, Debug)]
pub struct Acknowledger {
    /// Where outcomes become true.
    pub settler: Settler,
    /// The time.
    pub clock: Arc<dyn Clock>,
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
        let now = self.clock.now();
        let ended = |end| {
            let took = now.since(work.started_at);
            self.meters.attempted(work.claimed.kind, end, took);
        };
        let Err(error) = result else {
            ended(if work.is_crash_loop() {
                Attempt::Dead
            } else {
                Attempt::Done
            });
            return futures::future::ready(Ok(())).boxed();
        };
        let outcome = verdict(&**error, &work, now);
        ended(outcome.as_ref().map_or(Attempt::LeaseLost, end_of));
        let settler = self.settler.clone();
        async move {
            if let Some(outcome) = outcome {
                settle(&settler, &work, outcome).await;
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

/// Settles an outcome that ends an attempt, and says so.
pub async fn settle(settler: &Settler, work: &Work, outcome: Outcome) {
    report(work, &outcome);
    if let Err(error) = settler.settle(work.settlement(outcome)).await {
        warn!(
            job.id = %work.claimed.job.id,
            error = &error as &dyn std::error::Error,
            "a job was not settled; its lease brings it back"
        );
    }
}

const fn end_of(outcome: &Outcome) -> Attempt {
    match outcome {
        Outcome::Activated(_) | Outcome::Done => Attempt::Done,
        Outcome::Again { .. } => Attempt::Retried,
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
        Outcome::Failed {
            failure,
            gave_up: Some(cause),
        } => error!(
            job.id = %job, job.attempt = attempt, document.id = document, code = %failure.code, cause,
            "a document failed for good"
        ),
        Outcome::Failed {
            failure,
            gave_up: None,
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
