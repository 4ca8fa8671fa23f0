//! Uploads in progress: how many each user has, and their staged bytes without a row. Bytes are
//! counted as they arrive, and released once a row counts them or they are removed.
//!
//! Up to [`SLACK`] of a user's bytes are only counted in this process, so that small uploads cost
//! no statement. More is granted by the ledger in large pieces, so that all processes together keep
//! the user's staging allowance, except for that slack.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{ByteSize, Clock, Limits, UserId};
use ledger::{
    Database, GrantRequest, UploadRoom, draw_grant, give_up_grants, renew_grants, upload_room,
};
use telemetry::Meters;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use crate::problem::{Code, Problem};
use crate::recent::Recent;

/// The bytes of a user's uploads that a process counts by itself.
const SLACK: u64 = 4 << 20;

/// The size of a grant.
const GRANT: u64 = 64 << 20;

/// The size up to which an upload is small compared with [`PLENTY`].
const SMALL: u64 = 1 << 20;

/// Free bytes that a moment of small uploads doesn't use up.
const PLENTY: u64 = 256 << 20;

/// Free documents that a moment of small uploads doesn't use up.
const PLENTY_OF_DOCUMENTS: u64 = 10_000;

/// The most uploads of a user in progress in this process.
const MOST_UPLOADS: u32 = 512;

/// The detail of a refusal because too many deleted bytes wait for removal.
const REMOVAL_WAITS: &str =
    "Too many deleted bytes wait to be removed from storage; try again later.";

/// How long a grant outlives its process.
const GRANTED_FOR: Duration = Duration::from_secs(90);

/// How often grants are renewed, and released if unused.
const RENEWAL: Duration = Duration::from_secs(20);

/// The uploads in progress in this process; clones share them.
#[derive(Clone)]
pub struct InFlight(Arc<Inner>);

struct Inner {
    holder: Uuid,
    db: Database,
    clock: Arc<dyn Clock>,
    limits: Arc<Limits>,
    meters: Meters,
    accounts: Mutex<HashMap<UserId, Arc<Account>>>,
    rooms: Recent<UserId, UploadRoom>,
}

/// The uploads of one user.
#[derive(Debug, Default)]
struct Account {
    state: Mutex<Counts>,
    /// Held while drawing a grant.
    turn: Arc<Turn<()>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    uploads: u32,
    held: u64,
    granted: u64,
}

/// A user whose grant is being released.
struct Idle {
    owner: UserId,
    account: Arc<Account>,
    granted: u64,
    _turn: OwnedMutexGuard<()>,
}

/// The limits of an upload while it streams.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The bytes that the quota has left for it.
    pub quota: u64,
    /// The quota itself.
    pub quota_limit: u64,
    /// The bytes left of the staging allowance when it began.
    pub staging: u64,
}

/// An upload in progress. Clones are the same upload, which ends with the last of them.
#[derive(Clone)]
pub struct Held(Arc<HeldInner>);

struct HeldInner {
    of: InFlight,
    owner: UserId,
    account: Arc<Account>,
    bounds: Bounds,
    bytes: Mutex<Bytes>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Bytes {
    arrived: u64,
    held: u64,
}

impl InFlight {
    /// No uploads in progress.
    pub fn new(db: Database, clock: Arc<dyn Clock>, limits: Arc<Limits>, meters: Meters) -> Self {
        Self(Arc::new(Inner {
            holder: Uuid::new_v4(),
            db,
            clock,
            limits,
            meters,
            accounts: Mutex::default(),
            rooms: Recent::default(),
        }))
    }

    /// Returns what `owner` may still upload; unlimited if there is no such user, whom the intake
    /// refuses. Refuses users with too many deleted bytes waiting for removal.
    pub async fn room(&self, owner: UserId) -> Result<UploadRoom, Problem> {
        let Inner {
            holder,
            db,
            clock,
            limits,
            ..
        } = &*self.0;
        let room = upload_room(db, (owner, *holder), limits, clock.now()).await?;
        if room.is_some_and(|room| room.removal == 0) {
            return Err(Problem::from(Code::StorageFull).with_detail(REMOVAL_WAITS));
        }
        Ok(room.unwrap_or(UploadRoom {
            bytes: u64::MAX,
            byte_limit: u64::MAX,
            documents: u64::MAX,
            document_limit: u64::MAX,
            may_fail: true,
            staging: u64::MAX,
            removal: u64::MAX,
        }))
    }

    /// Returns the same for an upload of `size` bytes, 0 if that is unknown. A small upload of an
    /// owner who had plenty left a moment ago costs no statement: the intake checks the
    /// limits anyway.
    pub async fn room_for(&self, owner: UserId, size: ByteSize) -> Result<UploadRoom, Problem> {
        let is_small = (1..=SMALL).contains(&size.bytes());
        let lookup = match self.0.rooms.get(owner) {
            Ok(room) if is_small && is_plenty(&room) => return Ok(room),
            Ok(_) => None,
            Err(lookup) => Some(lookup),
        };
        let room = self.room(owner).await?;
        if let Some(lookup) = lookup {
            self.0.rooms.insert(lookup, owner, room);
        }
        Ok(room)
    }

    /// Starts an upload of at least `declared` bytes, or refuses it.
    pub async fn begin(
        &self,
        owner: UserId,
        declared: ByteSize,
        bounds: Bounds,
    ) -> Result<Held, Problem> {
        let account = {
            let mut accounts = lock(&self.0.accounts);
            let account = Arc::clone(accounts.entry(owner).or_default());
            let mut counts = lock(&account.state);
            if counts.uploads >= MOST_UPLOADS {
                return Err(too_many_uploads());
            }
            counts.uploads += 1;
            drop(counts);
            account
        };
        let held = Held(Arc::new(HeldInner {
            of: self.clone(),
            owner,
            account,
            bounds,
            bytes: Mutex::default(),
        }));
        held.hold(declared.bytes()).await?;
        Ok(held)
    }

    /// Renews grants and releases unused ones, forever.
    pub async fn keep(&self) {
        let mut ticks = interval(RENEWAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.renew().await {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "failed to renew upload grants"
                );
            }
        }
    }

    /// Releases all grants; no upload may be in progress.
    pub async fn end(&self) {
        let owners: Vec<_> = lock(&self.0.accounts)
            .iter()
            .filter(|(_, account)| lock(&account.state).granted > 0)
            .map(|(owner, _)| *owner)
            .collect();
        if owners.is_empty() {
            return;
        }
        if let Err(error) = give_up_grants(&self.0.db, self.0.holder, &owners).await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "failed to release upload grants; they expire"
            );
        }
    }

    async fn renew(&self) -> Result<(), ledger::DbError> {
        let Inner {
            holder, db, clock, ..
        } = &*self.0;
        let idle = self.take_idle();
        if !idle.is_empty() {
            let owners: Vec<_> = idle.iter().map(|one| one.owner).collect();
            if let Err(error) = give_up_grants(db, *holder, &owners).await {
                for one in &idle {
                    lock(&one.account.state).granted = one.granted;
                }
                return Err(error);
            }
            let mut accounts = lock(&self.0.accounts);
            for one in idle {
                if lock(&one.account.state).uploads == 0 {
                    accounts.remove(&one.owner);
                }
            }
        }
        let is_granted = |account: &Arc<Account>| lock(&account.state).granted > 0;
        if !lock(&self.0.accounts).values().any(is_granted) {
            return Ok(());
        }
        let now = clock.now();
        renew_grants(db, *holder, now.plus(GRANTED_FOR), now).await
    }

    /// Takes the unused grants. Nobody draws grants for these users while the guards are held.
    fn take_idle(&self) -> Vec<Idle> {
        let accounts = lock(&self.0.accounts);
        let idle = accounts.iter().filter_map(|(owner, account)| {
            let turn = Arc::clone(&account.turn).try_lock_owned().ok()?;
            let mut counts = lock(&account.state);
            if counts.granted == 0 || counts.uploads > 0 {
                return None;
            }
            Some(Idle {
                owner: *owner,
                account: Arc::clone(account),
                granted: std::mem::take(&mut counts.granted),
                _turn: turn,
            })
        });
        idle.collect()
    }
}

impl Held {
    /// Counts received bytes, or refuses them.
    pub async fn arrived(&self, bytes: usize) -> Result<(), Problem> {
        let missing = {
            let mut counted = lock(&self.0.bytes);
            counted.arrived = counted.arrived.saturating_add(bytes as u64);
            if counted.arrived > self.0.bounds.quota {
                return Err(out_of_quota(self.0.bounds));
            }
            counted.arrived.saturating_sub(counted.held)
        };
        if missing == 0 {
            return Ok(());
        }
        self.hold(missing).await
    }

    /// Holds more bytes of the allowance.
    async fn hold(&self, more: u64) -> Result<(), Problem> {
        loop {
            let Some(needed) = self.try_hold(more) else {
                return Ok(());
            };
            let account = &self.0.account;
            let _turn = account.turn.lock().await;
            let granted = lock(&account.state).granted;
            if granted >= needed {
                // Another upload of the same user has drawn a grant meanwhile.
                continue;
            }
            let Inner {
                holder,
                db,
                clock,
                limits,
                ..
            } = &*self.0.of.0;
            let now = clock.now();
            let request = GrantRequest {
                owner: self.0.owner,
                holder: *holder,
                needed,
                wanted: needed.saturating_add(GRANT),
                until: now.plus(GRANTED_FOR),
                now,
            };
            match draw_grant(db, &request, limits).await? {
                Some(granted) => lock(&account.state).granted = granted,
                None => return Err(out_of_allowance()),
            }
        }
    }

    /// Holds them if no grant is needed; otherwise returns how much must be granted.
    fn try_hold(&self, more: u64) -> Option<u64> {
        let mut counts = lock(&self.0.account.state);
        let held = counts.held.saturating_add(more);
        let by_itself = counts
            .granted
            .saturating_add(SLACK)
            .min(self.0.bounds.staging);
        if held > counts.granted.max(by_itself) {
            return Some(held);
        }
        counts.held = held;
        drop(counts);
        lock(&self.0.bytes).held += more;
        self.0.of.0.meters.holds(more);
        None
    }
}

/// Too many uploads of one user in this process.
fn too_many_uploads() -> Problem {
    let detail = format!(
        "{MOST_UPLOADS} of your uploads are in progress, which is the limit; wait until one has ended."
    );
    Problem::from(Code::TooManyUploads).with_detail(detail)
}

/// More bytes have arrived than the quota has left.
fn out_of_quota(bounds: Bounds) -> Problem {
    let detail = format!(
        "The upload has more than the {} bytes that are left of the quota of {} bytes.",
        bounds.quota, bounds.quota_limit
    );
    Problem::from(Code::QuotaExceeded).with_detail(detail)
}

/// Refused because the staging allowance is used up.
pub fn out_of_allowance() -> Problem {
    Problem::from(Code::QuotaExceeded).with_detail(
        "Your uploads in progress, imported archives and failed uploads use up the staging allowance; \
         wait for uploads to end, or delete failed ones.",
    )
}

impl Drop for HeldInner {
    fn drop(&mut self) {
        let bytes = lock(&self.bytes).held;
        self.of.0.meters.lets_go(bytes);
        let mut accounts = lock(&self.of.0.accounts);
        let mut counts = lock(&self.account.state);
        counts.held = counts.held.saturating_sub(bytes);
        counts.uploads = counts.uploads.saturating_sub(1);
        let is_over = counts.uploads == 0 && counts.granted == 0;
        drop(counts);
        if is_over {
            accounts.remove(&self.owner);
        }
    }
}

impl fmt::Debug for InFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InFlight").finish_non_exhaustive()
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").finish_non_exhaustive()
    }
}

/// Returns whether there is more room than small uploads use up in a moment.
const fn is_plenty(room: &UploadRoom) -> bool {
    room.bytes >= PLENTY
        && room.documents >= PLENTY_OF_DOCUMENTS
        && room.may_fail
        && room.staging >= PLENTY
        && room.removal >= PLENTY
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
