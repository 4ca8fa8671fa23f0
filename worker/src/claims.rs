//! Claims jobs of one queue: waits for a hint or the poll interval, claims as many jobs as there
//! are free slots, and passes them on. Runs in its own task, so that a claim never waits for a
//! handler, nor a handler for a claim that nobody polls.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use beat::until_next;
use crash_points::CrashPoint;
use domain::{Clock, Limits, Timestamp, UserId, VersionId};
use ledger::{
    ClaimRequest, ClaimedJob, ConflictRetries, Database, DbError, JobRef, OwnerShare, PendingWork,
};
use queue::{Feed, Hints, JobKind, Listener, Queue};
use telemetry::{Hint, Meters};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use uuid::Uuid;

use crate::circuits::{Circuits, Outage};
use crate::due_jobs::DueJobs;
use crate::lease::Leases;
use crate::shares::Shares;
use crate::work::Work;

/// The poll interval: without a hint the ledger is polled after this time, so a lost hint costs no
/// more. All queues are polled at once.
const SWEEP: Duration = Duration::from_secs(1);

/// The pause before polling again after a hint without a job: another worker may have locked the
/// rows and then claimed others.
const SECOND_LOOK: Duration = Duration::from_millis(20);

/// The pause before claiming the next crash suspect after one has started. It doubles up to the
/// poll interval while that one runs.
const NEXT_SUSPECT: Duration = Duration::from_millis(20);

/// How long a worker that is more than half busy waits for more free slots, so that one claim fills
/// the slots that one group commit frees.
const GATHERING: Duration = Duration::from_millis(3);

/// The same while jobs wait: no job starts later for it than behind those before it, and claims of
/// many jobs cost the database less than many claims.
const GATHERING_OF_BACKLOG: Duration = Duration::from_millis(10);

/// How long to wait for hints at a time while an owner has used up their share.
const GLANCE: Duration = Duration::from_millis(20);

/// The most hints attributed to jobs that were claimed before their hints arrived.
const STALE_HINTS: usize = 1000;

/// The pause after a first failure of the database, and the longest one.
const RESTS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// The time limit for releasing jobs. Their rows may be locked, for instance by the transaction of
/// an aborted attempt; a worker that stops doesn't wait for that.
const RETURNING: Duration = Duration::from_secs(5);

/// Releases jobs: returns them to the ledger.
#[derive(Clone, Debug)]
pub struct Returns {
    /// The ledger.
    pub db: Database,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Returns {
    /// Releases jobs that were not started or not finished: they are due immediately and the
    /// attempt does not count. If that fails or takes too long, their leases expire.
    pub async fn hand_back(&self, jobs: &[JobRef]) {
        match timeout(RETURNING, self.try_hand_back(jobs)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(
                error = &error as &dyn std::error::Error,
                jobs = jobs.len(),
                "failed to release jobs; they run again when their leases expire"
            ),
            Err(_) => warn!(
                jobs = jobs.len(),
                "failed to release jobs in time; they run again when their leases expire"
            ),
        }
    }

    async fn try_hand_back(&self, jobs: &[JobRef]) -> Result<(), DbError> {
        // A renewal of their leases may still be running.
        let mut retries = ConflictRetries::default();
        loop {
            match ledger::hand_back(&self.db, jobs, self.clock.now()).await {
                Err(error) if retries.should_retry(&error) => {}
                answer => return answer,
            }
        }
    }
}

/// Claims jobs of one queue.
pub struct Claims {
    /// The queue.
    pub queue: Queue,
    /// The worker's name.
    pub worker: Arc<str>,
    /// Where hints come from.
    pub feed: Arc<dyn Feed>,
    /// Which polls are worth a claim.
    pub due: Arc<DueJobs>,
    /// The ledger, and how jobs are released to it.
    pub returns: Returns,
    /// The circuit breakers.
    pub circuits: Circuits,
    /// The metrics of this process.
    pub meters: Meters,
    /// The operator's limits.
    pub limits: Arc<Limits>,
    /// The duration of a lease without renewal.
    pub lease: Duration,
    /// The leases that are renewed.
    pub leases: Leases,
    /// One permit for each job that may be in flight.
    pub slots: Arc<Semaphore>,
    /// The permit of the one crash suspect that may be in flight.
    pub alone: Arc<Semaphore>,
    /// How many slots one owner may have.
    pub shares: Shares,
    /// The number of free slots worth a claim even if the worker is busy.
    pub enough: u32,
    /// Receives claimed jobs.
    pub claimed: mpsc::UnboundedSender<Arc<Work>>,
}

/// State kept from one claim to the next.
struct Round {
    /// The last owner of the previous claim.
    after: UserId,
    /// Received hints that are not yet acknowledged.
    hints: Hints,
    /// Jobs that were claimed before their hints arrived.
    unheard: usize,
    /// Whether more jobs may be due than the last claim returned.
    more: bool,
    /// Whether jobs may be due of an owner who has used up their share.
    is_short: bool,
    /// How long to wait for hints.
    patience: Duration,
    /// The pause after the next failure.
    rest: Duration,
    /// Whether a claim may have committed without this worker receiving the answer.
    unsure: bool,
}

impl Round {
    /// Whether nothing calls for a claim but the time.
    fn only_polls(&self) -> bool {
        self.hints.jobs == 0 && !self.is_short && !self.unsure && self.patience == SWEEP
    }
}

/// A claim after crash suspects were set aside.
struct Sifted {
    /// The jobs to start.
    begun: Vec<ClaimedJob>,
    /// The permit of the suspect among them, if any.
    alone: Option<OwnedSemaphorePermit>,
    /// How many jobs were released.
    set_aside: usize,
}

impl Claims {
    /// Claims jobs until `shutdown`. Jobs claimed but not passed on by then are released.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut listener = self.feed.listen(self.queue, &self.worker).await;
        let mut round = Round {
            after: UserId(Uuid::nil()),
            hints: Hints::default(),
            unheard: 0,
            more: true,
            is_short: false,
            patience: SWEEP,
            rest: RESTS.0,
            unsure: false,
        };
        while shutdown
            .run_until_cancelled(self.can_claim(&round))
            .await
            .is_some()
        {
            if !round.more {
                let hints = self.next_hints(&round, &mut *listener);
                let Some(hints) = shutdown.run_until_cancelled(hints).await else {
                    return;
                };
                self.meters.hinted(self.queue, hints.jobs, Hint::Heard);
                round.hints = hints;
                if round.only_polls() && !self.due.may_be_in(self.queue).await {
                    continue;
                }
            }
            if let Err(error) = self
                .claim_round(&mut round, &mut *listener, &shutdown)
                .await
            {
                warn!(
                    error = &error as &dyn std::error::Error,
                    queue = %self.queue,
                    "failed to claim jobs; will retry"
                );
                round.unsure |= error.may_be_committed();
                round.more = true;
                if error.will_pass() && self.circuits.confirm(Outage::Database).await {
                    continue;
                }
                shutdown.run_until_cancelled(sleep(round.rest)).await;
                round.rest = (round.rest * 2).min(RESTS.1);
            }
        }
    }

    /// Waits for hints. If an owner has used up their share, the end of one of their jobs counts as
    /// a hint as well.
    async fn next_hints(&self, round: &Round, listener: &mut dyn Listener) -> Hints {
        let most = self.slots.available_permits() + round.unheard;
        if !round.is_short {
            let patience = round.patience.min(until_next(SWEEP));
            return listener.next(most, patience).await;
        }
        let begin = Instant::now();
        loop {
            if timeout(GATHERING, self.shares.freed()).await.is_ok() {
                return Hints::default();
            }
            let hints = listener.next(most, GLANCE).await;
            if hints.jobs > 0 || begin.elapsed() >= round.patience {
                return hints;
            }
        }
    }

    /// Waits until jobs could be started.
    async fn can_claim(&self, round: &Round) {
        self.circuits.lets_claim(self.queue).await;
        // The semaphore is never closed.
        drop(self.slots.acquire().await);
        let patience = if round.more || round.is_short {
            GATHERING_OF_BACKLOG
        } else {
            GATHERING
        };
        let _ = timeout(patience, self.slots.acquire_many(self.enough)).await;
    }

    async fn claim_round(
        &self,
        round: &mut Round,
        listener: &mut dyn Listener,
        shutdown: &CancellationToken,
    ) -> Result<(), DbError> {
        if round.unsure {
            self.hand_back_unacknowledged().await?;
            round.unsure = false;
        }
        let wanted = self.slots.available_permits();
        round.is_short = self.shares.are_short();
        let mut share = self.shares.used();
        let mut claimed = self.claim(wanted, round.after, &share).await?;
        if claimed.is_empty() && round.hints.jobs > round.unheard {
            shutdown.run_until_cancelled(sleep(SECOND_LOOK)).await;
            share = self.shares.used();
            claimed = self.claim(wanted, round.after, &share).await?;
        }
        let found = claimed.len();
        let was_capped = fills_a_share(&claimed, &share);
        let last = claimed.iter().map(|job| job.owner).max();
        let full = found == wanted;
        // A claim goes up to the last owner. A short one that started in the middle has not yet
        // covered the first owners.
        let half = found > 0 && !full && !round.after.0.is_nil();
        round.after = last.filter(|_| full).unwrap_or(UserId(Uuid::nil()));
        let sifted = self.sift(claimed).await;
        let count = sifted.begun.len();
        round.more = (full || half) && sifted.set_aside == 0;
        round.patience = match (sifted.set_aside, &sifted.alone) {
            (0, _) => SWEEP,
            (_, Some(_)) => NEXT_SUSPECT,
            (_, None) => (round.patience * 2).min(SWEEP),
        };
        self.pass_on(sifted, shutdown).await?;
        // A share that the claim filled may have been freed meanwhile: nothing tells of that any
        // more, and the owner's other jobs must not wait for the next poll.
        let is_full = self.shares.are_short();
        round.more |= was_capped && !is_full;
        round.is_short |= is_full;
        round.rest = RESTS.0;
        let hints = std::mem::take(&mut round.hints);
        round.unheard = (round.unheard + count)
            .saturating_sub(hints.jobs)
            .min(STALE_HINTS);
        listener.acknowledge(hints).await;
        Ok(())
    }

    async fn claim(
        &self,
        limit: usize,
        after: UserId,
        share: &OwnerShare,
    ) -> Result<Vec<ClaimedJob>, DbError> {
        let request = ClaimRequest {
            queue: self.queue,
            worker: &self.worker,
            limit,
            lease: self.lease,
            after,
            now: self.now(),
        };
        let kinds = self.circuits.kinds_of(self.queue);
        if kinds.is_empty() {
            return Ok(Vec::new());
        }
        ledger::claim_within(&self.returns.db, &request, &kinds, share).await
    }

    /// Releases the jobs of a claim whose answer was lost: nobody works on them, and their attempts
    /// would count as crashes.
    async fn hand_back_unacknowledged(&self) -> Result<(), DbError> {
        let held = self.leases.held_of(self.queue);
        let (db, now) = (&self.returns.db, self.now());
        let jobs =
            ledger::hand_back_unacknowledged(db, self.queue, &self.worker, &held, now).await?;
        if jobs > 0 {
            warn!(queue = %self.queue, jobs, "released jobs of claims whose answer was lost");
        }
        Ok(())
    }

    /// Starts only one job at a time of those whose earlier attempts may have crashed their worker,
    /// so that the others don't crash with it again and again. The others are released before it
    /// starts.
    async fn sift(&self, claimed: Vec<ClaimedJob>) -> Sifted {
        let (mut suspects, mut begun): (Vec<_>, Vec<_>) =
            claimed.into_iter().partition(ClaimedJob::is_suspect);
        let mut alone = None;
        if !suspects.is_empty() {
            alone = Arc::clone(&self.alone).try_acquire_owned().ok();
        }
        if alone.is_some() {
            // The one with the fewest attempts last.
            suspects.sort_by_key(|job| std::cmp::Reverse(job.attempt));
            begun.extend(suspects.pop());
        }
        let set_aside: Vec<_> = suspects.iter().map(|job| job.job).collect();
        self.returns.hand_back(&set_aside).await;
        Sifted {
            begun,
            alone,
            set_aside: set_aside.len(),
        }
    }

    /// Loads what claimed jobs need to start, and passes them on.
    async fn pass_on(&self, sifted: Sifted, shutdown: &CancellationToken) -> Result<(), DbError> {
        let (claimed, mut alone) = (sifted.begun, sifted.alone);
        if claimed.is_empty() {
            return Ok(());
        }
        let jobs: Vec<_> = claimed.iter().map(|job| job.job).collect();
        let pending = self.load_pending(&claimed).await;
        let stops = shutdown.is_cancelled();
        if stops || pending.is_err() {
            self.returns.hand_back(&jobs).await;
        }
        let mut pending = pending?;
        for upload in pending.values().filter_map(|work| work.upload.as_ref()) {
            crash_points::reach_with(CrashPoint::AfterClaim, upload.name.as_str());
        }
        if stops {
            return Ok(());
        }
        let started_at = self.now();
        for claimed in claimed {
            let slot = Arc::clone(&self.slots).try_acquire_owned();
            let Ok(slot) = slot else {
                continue;
            };
            let subject = claimed.subject.map(VersionId);
            let work = Work {
                pending: subject.and_then(|version| pending.remove(&version)),
                received: OnceLock::new(),
                worker: Arc::clone(&self.worker),
                started_at,
                steps: Mutex::default(),
                held: self.leases.hold(self.queue, claimed.job),
                _alone: if claimed.is_suspect() {
                    alone.take()
                } else {
                    None
                },
                _share: self.shares.hold(claimed.owner),
                _slot: slot,
                claimed,
            };
            // The receiving worker may be gone; the lease then expires.
            let _ = self.claimed.send(Arc::new(work));
        }
        Ok(())
    }

    async fn load_pending(
        &self,
        claimed: &[ClaimedJob],
    ) -> Result<HashMap<VersionId, PendingWork>, DbError> {
        let versions: Vec<_> = claimed
            .iter()
            .filter(|job| job.kind == JobKind::ProcessVersion)
            .filter_map(|job| job.subject.map(VersionId))
            .collect();
        if versions.is_empty() {
            return Ok(HashMap::new());
        }
        let found = ledger::load_pending(&self.returns.db, &versions, &self.limits).await?;
        Ok(found.into_iter().map(|work| (work.version, work)).collect())
    }

    fn now(&self) -> Timestamp {
        self.returns.clock.now()
    }
}

/// Whether an owner got as many jobs as their share allowed: more of them may be due.
fn fills_a_share(claimed: &[ClaimedJob], share: &OwnerShare) -> bool {
    let mut counts: HashMap<UserId, usize> = HashMap::new();
    for job in claimed {
        *counts.entry(job.owner).or_default() += 1;
    }
    counts.into_iter().any(|(owner, count)| {
        let held = share.held.iter().find(|(holder, _)| *holder == owner);
        count + held.map_or(0, |(_, jobs)| *jobs) >= share.most
    })
}
