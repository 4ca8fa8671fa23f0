//! The ledger of jobs: enqueue, claim with a lease and a fence, renew, hand back.

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::tables::jobs;
use super::{Database, DbError, OwnerShare};
use domain::{Timestamp, UserId};
use queue::{JobKind, Queue};

pub use super::tables::jobs::{ClaimRequest, ClaimedJob, JobRef, NewJob};

/// Enqueues jobs within the caller's transaction; those whose dedupe key is taken are left out.
pub async fn enqueue(
    connection: &impl ConnectionTrait,
    jobs: &[NewJob],
    now: Timestamp,
) -> Result<(), DbError> {
    jobs::insert_jobs(connection, jobs, now).await
}

/// Claims due jobs of a queue, ready ones and those whose lease is over, in
/// rounds over their owners. Each gets a new fence and one attempt more.
pub async fn claim_jobs(
    db: &Database,
    request: &ClaimRequest<'_>,
) -> Result<Vec<ClaimedJob>, DbError> {
    claim_jobs_of(db, request, &JobKind::ALL).await
}

/// The same, of these kinds alone.
pub async fn claim_jobs_of(
    db: &Database,
    request: &ClaimRequest<'_>,
    kinds: &[JobKind],
) -> Result<Vec<ClaimedJob>, DbError> {
    claim_within(db, request, kinds, &OwnerShare::unlimited()).await
}

/// The same, for a worker of which each owner may use at most `share`.
pub async fn claim_within(
    db: &Database,
    request: &ClaimRequest<'_>,
    kinds: &[JobKind],
    share: &OwnerShare,
) -> Result<Vec<ClaimedJob>, DbError> {
    let claimed = jobs::claim(db.writer(), request, (kinds, share), request.after).await?;
    if claimed.is_empty() && !request.after.0.is_nil() {
        // The round is over: the next one begins with the first owner.
        let first = UserId(Uuid::nil());
        return jobs::claim(db.writer(), request, (kinds, share), first).await;
    }
    Ok(claimed)
}

/// Returns PostgreSQL's plan of a claim, line by line, planned for its parameters or once for all.
/// The claim is run, to count buffers.
#[cfg(feature = "test-support")]
pub async fn explain_claim(
    db: &Database,
    request: &ClaimRequest<'_>,
    share: &OwnerShare,
    is_generic: bool,
) -> Result<Vec<String>, DbError> {
    let transaction = db.begin().await?;
    let plan = jobs::explain_claim(&transaction, request, share, is_generic).await?;
    transaction.commit().await?;
    Ok(plan)
}

/// Extends the leases of running jobs to `until`. Returns those that are lost: another worker has
/// claimed them. A job that was settled under its claim isn't lost: its worker may not know yet that
/// the outcome is committed, and must not be interrupted before.
pub async fn renew_leases(
    db: &Database,
    jobs: &[JobRef],
    until: Timestamp,
) -> Result<Vec<JobRef>, DbError> {
    let renewed = jobs::extend_leases(db.writer(), jobs, until).await?;
    if renewed == jobs.len() as u64 {
        return Ok(Vec::new());
    }
    jobs::lost_claims(db.reader(), jobs).await
}

/// Hands back jobs that were claimed but not begun: due at once, the attempt not counted.
pub async fn hand_back(db: &Database, jobs: &[JobRef], now: Timestamp) -> Result<(), DbError> {
    if jobs.is_empty() {
        return Ok(());
    }
    jobs::hand_back(db.writer(), jobs, now).await?;
    Ok(())
}

/// Hands back what `worker` has claimed of a queue without knowing it, because the answer was lost:
/// all but `held`. Due at once, the attempt not counted. Returns how many jobs these were.
pub async fn hand_back_unacknowledged(
    db: &Database,
    queue: Queue,
    worker: &str,
    held: &[JobRef],
    now: Timestamp,
) -> Result<u64, DbError> {
    jobs::hand_back_others(db.writer(), (queue, worker), held, now).await
}
