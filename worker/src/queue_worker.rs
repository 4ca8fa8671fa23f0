//! Runs the apalis worker of one queue: builds its layers, starts it, and shuts it down within the
//! grace period.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use apalis::layers::WorkerBuilderExt;
use apalis::layers::catch_panic::CatchPanicLayer;
use apalis::layers::tracing::TraceLayer;
use apalis::prelude::{AcknowledgementExt, Task, WorkerBuilder, WorkerContext};
use domain::TraceContext;
use queue::Queue;
use telemetry::follow_trace;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::{Span, info_span, warn};

use crate::acknowledge::Acknowledger;
use crate::attempt;
use crate::backend::LedgerBackend;
use crate::claims::{Claims, Returns};
use crate::due_jobs::DueJobs;
use crate::lease::Leases;
use crate::role::{WorkerError, WorkerRole};
use crate::shares::Shares;
use crate::tools::Tools;
use crate::webhooks::delivering;
use crate::work::Work;

/// The time limit of an attempt: long enough to copy the largest document at a few megabytes a
/// second, short enough to retry a hanging one the same day.
const LONGEST_ATTEMPT: Duration = Duration::from_hours(1);

/// The time limit of an attempt at a bulk job, such as an export of terabytes. Its staged bytes are
/// not swept before.
const LONGEST_BULK: Duration = Duration::from_hours(12);

/// The most concurrent jobs of a queue whose jobs handle thousands of documents each.
const MOST_BULK: usize = 32;

/// A handler that panicked.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the attempt panicked: {0}")]
struct Panicked(String);

/// Works on one queue until `shutdown`, and then for at most the grace period. Jobs unfinished by
/// then are released.
pub async fn work_on(
    queue: Queue,
    role: &WorkerRole,
    (worker, due): (&Arc<str>, Arc<DueJobs>),
    leases: &Leases,
    tools: Arc<Tools>,
    shutdown: CancellationToken,
) -> Result<(), WorkerError> {
    let (sender, claimed) = mpsc::unbounded_channel();
    let concurrency = match queue {
        Queue::Ingest => role.concurrency,
        Queue::Bulk | Queue::Maintenance => role.concurrency.min(MOST_BULK),
        Queue::Deliver => delivering(role.concurrency),
    };
    let returns = Returns {
        db: role.db.clone(),
        clock: Arc::clone(&role.clock),
    };
    let claims = Claims {
        queue,
        worker: Arc::clone(worker),
        feed: Arc::clone(&role.feed),
        due,
        returns: returns.clone(),
        circuits: tools.circuits.clone(),
        meters: role.meters.clone(),
        limits: Arc::clone(&role.limits),
        lease: role.lease,
        leases: leases.clone(),
        slots: Arc::new(Semaphore::new(concurrency)),
        alone: Arc::new(Semaphore::new(1)),
        shares: Shares::of(queue, concurrency),
        enough: u32::try_from(concurrency.div_ceil(2)).unwrap_or(u32::MAX),
        claimed: sender,
    };
    let acknowledger = Acknowledger {
        tools: Arc::clone(&tools),
        meters: role.meters.clone(),
    };
    let context = WorkerContext::new(&format!("{worker}/{queue}"));
    let running = WorkerBuilder::new(&context)
        .backend(LedgerBackend::new(claimed, returns.clone()))
        .concurrency(concurrency)
        .ack_with(acknowledger)
        .timeout(match queue {
            // A move may copy a very large object at a low rate.
            Queue::Bulk | Queue::Maintenance => LONGEST_BULK,
            Queue::Ingest | Queue::Deliver => LONGEST_ATTEMPT,
        })
        .layer(
            TraceLayer::new()
                .make_span_with(span_of)
                .on_request(|_: &Task<Arc<Work>>, _: &Span| {})
                .on_response(())
                .on_failure(()),
        )
        .layer(CatchPanicLayer::with_panic_handler(panicked))
        .build(move |work: Arc<Work>| attempt::run(work, Arc::clone(&tools)))
        .run();
    let mut running = Box::pin(running);
    let claims = AbortOnDropHandle::new(tokio::spawn(claims.run(shutdown.clone())));
    tokio::select! {
        biased;
        ended = &mut running => return ended.map_err(|source| WorkerError::Ended { queue, source }),
        // It ends before shutdown only if it panics.
        ended = claims => ended.map_err(|source| WorkerError::Died { queue, source })?,
    }
    let _ = context.stop();
    if let Ok(ended) = timeout(role.grace, &mut running).await {
        return ended.map_err(|source| WorkerError::Ended { queue, source });
    }
    let unfinished = leases.held_of(queue);
    drop(running);
    warn!(queue = %queue, jobs = unfinished.len(), "grace period over; releasing unfinished jobs");
    returns.hand_back(&unfinished).await;
    Ok(())
}

fn span_of(task: &Task<Arc<Work>>) -> Span {
    let claimed = &task.args.claimed;
    let pending = task.args.pending.as_ref();
    let trace = claimed.traceparent.as_deref();
    let trace = trace.and_then(|trace| trace.parse::<TraceContext>().ok());
    let span = info_span!(
        "job",
        job.id = %claimed.job.id,
        job.kind = %claimed.kind,
        job.queue = %claimed.kind.queue(),
        job.attempt = claimed.attempt,
        document.id = pending.map(|pending| pending.document.to_string()),
        size_bytes = pending.map(|pending| pending.size.bytes()),
        job.outcome = tracing::field::Empty,
        trace.id = trace.as_ref().map(TraceContext::trace_id),
    );
    if let Some(trace) = &trace {
        follow_trace(&span, trace);
    }
    span
}

fn panicked(panic: &Box<dyn Any + Send>) -> Panicked {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Panicked(text.unwrap_or("without a message").to_owned())
}
