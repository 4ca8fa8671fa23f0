//! Ends long-running requests when their credential is revoked: the key removed or expired, the
//! user disabled or deleted.
//!
//! One query per second covers all of them; requests answered within a second never register.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use domain::{Clock, Timestamp};
use ledger::{Credential, Database, Revocation, find_revoked};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// The poll interval: how long a running request may outlive its credential.
pub(super) const LOOK: Duration = Duration::from_secs(1);
/// Credentials checked by one query.
const BATCH: usize = 5_000;

type Watched = HashMap<Credential, Arc<Entry>>;

/// The credentials of long-running requests.
#[derive(Clone, Debug, Default)]
pub struct Revocations(Arc<Mutex<Watched>>);

#[derive(Debug, Default)]
struct Entry {
    over: CancellationToken,
    why: OnceLock<Revocation>,
}

/// A registration, removed on drop.
#[derive(Debug)]
pub(super) struct Watch {
    credential: Credential,
    entry: Arc<Entry>,
    revocations: Revocations,
}

impl Revocations {
    pub(super) fn watch(&self, credential: Credential) -> Watch {
        Watch {
            credential,
            entry: Arc::clone(self.watched().entry(credential).or_default()),
            revocations: self.clone(),
        }
    }

    /// Polls for revoked credentials, forever.
    pub async fn run(&self, db: &Database, clock: &dyn Clock) {
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            look.tick().await;
            self.look(db, clock.now()).await;
        }
    }

    async fn look(&self, db: &Database, now: Timestamp) {
        let watched: Vec<_> = self.watched().keys().copied().collect();
        for batch in watched.chunks(BATCH) {
            match find_revoked(db, batch, now).await {
                Ok(revoked) => self.end(&revoked),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::debug!(error, "failed to check for revoked keys and users");
                }
            }
        }
    }

    pub(super) fn end(&self, revoked: &[(Credential, Revocation)]) {
        let mut watched = self.watched();
        for (credential, why) in revoked {
            if let Some(entry) = watched.remove(credential) {
                entry.why.get_or_init(|| *why);
                entry.over.cancel();
            }
        }
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// Waits until the credential is revoked, and returns why.
    pub(super) async fn revoked(&self) -> Revocation {
        self.entry.over.cancelled().await;
        self.entry.why.get().copied().unwrap_or(Revocation::Gone)
    }

    /// Waits until the credential is revoked.
    pub(super) fn over(&self) -> WaitForCancellationFutureOwned {
        self.entry.over.clone().cancelled_owned()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watched = self.revocations.watched();
        // One reference is the table's, one is this registration's.
        let alone = Arc::strong_count(&self.entry) <= 2;
        if alone && !self.entry.over.is_cancelled() {
            watched.remove(&self.credential);
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::Sha256;

    use super::*;

    #[tokio::test]
    async fn a_place_is_held_until_the_last_one_leaves() {
        let revocations = Revocations::default();
        let credential = Credential::Key(Sha256::of(b"a key"));
        let (first, second) = (revocations.watch(credential), revocations.watch(credential));
        drop(first);
        assert_eq!(revocations.watched().len(), 1);
        revocations.end(&[(credential, Revocation::Disabled)]);
        assert_eq!(second.revoked().await, Revocation::Disabled);
        let third = revocations.watch(credential);
        drop(second);
        assert_eq!(revocations.watched().len(), 1, "it is another request's");
        drop(third);
        assert_eq!(revocations.watched().len(), 0);
    }
}
