//! Claims jobs of one queue: waits for a hint or the sweep, asks the ledger for as many jobs as
//! there are free slots, and passes them on. It runs in a task of its own, so that a claim never
//! waits for a handler, nor a handler for a claim that nobody polls.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crash_points::CrashPoint;
use domain::{Clock, Limits, Timestamp, UserId, VersionId};
use ledger::{ClaimRequest, ClaimedJob, Database, DbError, JobRef, PendingWork, Tries};
use queue::{Feed, Hints, JobKind, Listener, Queue};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use uuid::Uuid;

use crate::circuits::{Circuits, Suspect};
use crate::lease::Leases;
use crate::shares::Shares;
use crate::work::Work;

/// How long hints are waited for: then the ledger is asked without one, so that a lost
/// hint costs no more than this.
const SWEEP: Duration = Duration::from_secs(1);

/// How long after hints that led to nothing the ledger is asked once more: another worker
/// may have locked the rows and taken other ones.
const SECOND_LOOK: Duration = Duration::from_millis(20);

/// How long after a suspect was begun the ledger is asked for the next one. The pause doubles,
/// up to the sweep, while it goes on.
const NEXT_SUSPECT: Duration = Duration::from_millis(20);

/// How long a worker that is more than half busy waits for further slots: those that one
/// group of outcomes frees are then filled by one claim.
const GATHERING: Duration = Duration::from_millis(3);

/// How long hints are waited for at a time while an owner has used up their share.
const GLANCE: Duration = Duration::from_millis(20);

/// The most hints that are taken for jobs which were claimed before they were heard of.
const STALE_HINTS: usize = 1000;

/// The rest after a first failure of the database, and after many.
const RESTS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// How long jobs are handed back at most. Somebody may hold their rows, such as the transaction of
/// an attempt that was cut off; who stops doesn't wait for that.
const RETURNING: Duration = Duration::from_secs(5);

/// Whoever gives jobs back to the ledger.
#[derive(Clone, Debug)]
pub struct Returns {
    /// The ledger.
    pub db: Database,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Returns {
    /// Gives back jobs that were not begun, or not finished: due at once, the attempt not
    /// counted. If that fails, or takes too long, their lease runs out.
    pub async fn hand_back(&self, jobs: &[JobRef]) {
        match timeout(RETURNING, self.try_hand_back(jobs)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(
                error = &error as &dyn std::error::Error,
                jobs = jobs.len(),
                "jobs were not handed back; their leases bring them back"
            ),
            Err(_) => warn!(
                jobs = jobs.len(),
                "jobs were not handed back in time; their leases bring them back"
            ),
        }
    }

    async fn try_hand_back(&self, jobs: &[JobRef]) -> Result<(), DbError> {
        // A renewal of their leases may still be under way.
        let mut tries = Tries::default();
        loop {
            match ledger::hand_back(&self.db, jobs, self.clock.now()).await {
                Err(error) if tries.again(&error) => {}
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
    /// The ledger, and the way back to it.
    pub returns: Returns,
    /// What is known to be away.
    pub circuits: Circuits,
    /// What the operator allows.
    pub limits: Arc<Limits>,
    /// How long a claim lasts without renewal.
    pub lease: Duration,
    /// Where leases are renewed.
    pub leases: Leases,
    /// As many permits as jobs may be in flight.
    pub slots: Arc<Semaphore>,
    /// The permit of the one suspect that may be in flight.
    pub alone: Arc<Semaphore>,
    /// How many of them one owner may have.
    pub shares: Shares,
    /// So many of them are worth a claim even of a busy worker.
    pub enough: u32,
    /// Where claimed jobs go.
    pub claimed: mpsc::UnboundedSender<Arc<Work>>,
}

/// What is remembered from one claim to the next.
struct Round {
    /// The owner with whom the last claim ended.
    after: UserId,
    /// Heard, not yet acknowledged.
    hints: Hints,
    /// Jobs that were claimed before their hints were heard.
    unheard: usize,
    /// Whether more jobs may be due than the last claim took.
    more: bool,
    /// Whether some may be due of an owner who has used up their share.
    is_short: bool,
    /// How long hints are waited for.
    patience: Duration,
    /// The rest after the next failure.
    rest: Duration,
    /// Whether jobs may have been claimed of which this worker never heard.
    unsure: bool,
}

/// What is left of a claim once suspects were set aside.
struct Sifted {
    /// Those that are begun.
    begun: Vec<ClaimedJob>,
    /// What the suspect among them holds, if there is one.
    alone: Option<OwnedSemaphorePermit>,
    /// How many were handed back.
    set_aside: usize,
}

impl Claims {
    /// Claims until `shutdown`. What it claimed by then is handed back.
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
            .run_until_cancelled(self.can_claim())
            .await
            .is_some()
        {
            if !round.more {
                let Some(hints) = shutdown
                    .run_until_cancelled(self.next_hints(&round, &mut *listener))
                    .await
                else {
                    return;
                };
                round.hints = hints;
            }
            if let Err(error) = self
                .claim_round(&mut round, &mut *listener, &shutdown)
                .await
            {
                warn!(
                    error = &error as &dyn std::error::Error,
                    queue = %self.queue,
                    "no jobs were claimed for now"
                );
                round.unsure |= error.may_be_committed();
                round.more = true;
                if error.will_pass() && self.circuits.confirm(Suspect::Database).await {
                    continue;
                }
                shutdown.run_until_cancelled(sleep(round.rest)).await;
                round.rest = (round.rest * 2).min(RESTS.1);
            }
        }
    }

    /// Waits for hints. Where an owner has used up their share, no hint tells that another job of
    /// theirs may be begun: the end of one does.
    async fn next_hints(&self, round: &Round, listener: &mut dyn Listener) -> Hints {
        let most = self.slots.available_permits() + round.unheard;
        if !round.is_short {
            return listener.next(most, round.patience).await;
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

    /// Returns once jobs could be begun.
    async fn can_claim(&self) {
        self.circuits.lets_claim(self.queue).await;
        // The slots never close: then there would be no one to wait for.
        drop(self.slots.acquire().await);
        let _ = timeout(GATHERING, self.slots.acquire_many(self.enough)).await;
    }

    async fn claim_round(
        &self,
        round: &mut Round,
        listener: &mut dyn Listener,
        shutdown: &CancellationToken,
    ) -> Result<(), DbError> {
        if round.unsure {
            self.hand_back_unheard().await?;
            round.unsure = false;
        }
        let wanted = self.slots.available_permits();
        round.is_short = self.shares.are_short();
        let mut claimed = self.claim(wanted, round.after).await?;
        if claimed.is_empty() && round.hints.jobs > round.unheard {
            shutdown.run_until_cancelled(sleep(SECOND_LOOK)).await;
            claimed = self.claim(wanted, round.after).await?;
        }
        let found = claimed.len();
        let last = claimed.iter().map(|job| job.owner).max();
        let full = found == wanted;
        // A claim goes up to the last owner: a short one that began in the middle has not
        // yet asked the first ones.
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
        round.is_short |= self.shares.are_short();
        round.rest = RESTS.0;
        let hints = std::mem::take(&mut round.hints);
        round.unheard = (round.unheard + count)
            .saturating_sub(hints.jobs)
            .min(STALE_HINTS);
        listener.acknowledge(hints).await;
        Ok(())
    }

    async fn claim(&self, limit: usize, after: UserId) -> Result<Vec<ClaimedJob>, DbError> {
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
        let share = self.shares.used();
        ledger::claim_within(&self.returns.db, &request, &kinds, &share).await
    }

    /// Gives back what a claim took whose answer was lost: nobody works on it, and its attempt
    /// would count as one that took its worker along.
    async fn hand_back_unheard(&self) -> Result<(), DbError> {
        let held = self.leases.held_of(self.queue);
        let (db, now) = (&self.returns.db, self.now());
        let jobs = ledger::hand_back_unheard(db, self.queue, &self.worker, &held, now).await?;
        if jobs > 0 {
            warn!(queue = %self.queue, jobs, "jobs of lost claims were handed back");
        }
        Ok(())
    }

    /// Of several jobs that may have taken their worker along, one is begun at a time, so that
    /// the others don't die with it again and again. They are handed back before it is begun.
    async fn sift(&self, claimed: Vec<ClaimedJob>) -> Sifted {
        let (mut suspects, mut begun): (Vec<_>, Vec<_>) =
            claimed.into_iter().partition(ClaimedJob::is_suspect);
        let mut alone = None;
        if !suspects.is_empty() {
            alone = Arc::clone(&self.alone).try_acquire_owned().ok();
        }
        if alone.is_some() {
            // The one that was begun least often last.
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

    /// Passes claimed jobs on with what is needed to begin them.
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
            // The worker that listens may be gone: the lease then runs out.
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
