//! Ends long-running requests when what admitted them is revoked: the key removed or expired, the
//! identity unlinked, the user disabled or deleted, or without the role that the request needs.
//!
//! One query per second covers all of them; requests answered within a second never register. More than
//! a few are checked when the security log tells of a revocation, and every ten seconds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use beat::ticks;
use domain::{Clock, Timestamp};
use ledger::{Admission, Database, DbError, NewestRevocations, Revocation};
use ledger::{find_revoked, newest_revocations};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::waiting::Looks;

/// The poll interval: how long a running request may outlive its admission.
pub(super) const LOOK: Duration = Duration::from_secs(1);
/// Admissions checked by one query.
const BATCH: usize = 5_000;
/// So many are checked every time: that costs little.
const FEW: usize = 200;

type Watched = HashMap<Admission, Arc<Entry>>;

/// What admitted long-running requests.
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
    admission: Admission,
    entry: Arc<Entry>,
    revocations: Revocations,
}

impl Revocations {
    pub(super) fn watch(&self, admission: Admission) -> Watch {
        Watch {
            admission,
            entry: Arc::clone(self.watched().entry(admission).or_default()),
            revocations: self.clone(),
        }
    }

    /// Polls for revoked admissions, forever.
    pub async fn run(&self, db: &Database, clock: &dyn Clock) {
        let mut look = ticks(LOOK);
        let mut looks = Looks::default();
        loop {
            look.tick().await;
            if let Err(error) = self.look(db, clock.now(), &mut looks).await {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, "failed to check for revoked keys and users");
            }
        }
    }

    async fn look(
        &self,
        db: &Database,
        now: Timestamp,
        looks: &mut Looks<NewestRevocations>,
    ) -> Result<(), DbError> {
        let watched: Vec<_> = self.watched().keys().copied().collect();
        if watched.len() > FEW && !looks.is_due(newest_revocations(db).await?) {
            return Ok(());
        }
        for batch in watched.chunks(BATCH) {
            self.end(&find_revoked(db, batch, now).await?);
        }
        Ok(())
    }

    pub(super) fn end(&self, revoked: &[(Admission, Revocation)]) {
        let mut watched = self.watched();
        for (admission, why) in revoked {
            if let Some(entry) = watched.remove(admission) {
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
    /// Waits until the admission is revoked, and returns why.
    pub(super) async fn revoked(&self) -> Revocation {
        self.entry.over.cancelled().await;
        self.entry.why.get().copied().unwrap_or(Revocation::Gone)
    }

    /// Waits until the admission is revoked.
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
            watched.remove(&self.admission);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use domain::{Role, Sha256};
    use ledger::Credential;

    use super::*;
    use crate::tests::app::App;

    /// The admission of a request that needs no more than a user's role.
    fn by_key(key: &str) -> Admission {
        Admission {
            credential: Credential::Key(Sha256::of(key.as_bytes())),
            role: Role::User,
        }
    }

    #[tokio::test]
    async fn a_place_is_held_until_the_last_one_leaves() {
        let revocations = Revocations::default();
        let admission = by_key("a key");
        let (first, second) = (revocations.watch(admission), revocations.watch(admission));
        drop(first);
        assert_eq!(revocations.watched().len(), 1);
        revocations.end(&[(admission, Revocation::Disabled)]);
        assert_eq!(second.revoked().await, Revocation::Disabled);
        let third = revocations.watch(admission);
        drop(second);
        assert_eq!(revocations.watched().len(), 1, "it is another request's");
        drop(third);
        assert_eq!(revocations.watched().len(), 0);
    }

    #[tokio::test]
    async fn many_are_checked_once_the_log_tells_of_a_revocation() {
        let app = App::start().await;
        let alice = app.alice().await;
        let issued = alice.post_json("/v1/keys", &serde_json::json!({})).await;
        let issued = issued.json();
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let mut db = app.service.db.clone();
        db.observe(move |_, _| {
            counter.fetch_add(1, Ordering::SeqCst);
        });
        let revocations = Revocations::default();
        // Keys that don't exist: whoever checks them ends them.
        let admission = |number| by_key(&format!("key {number}"));
        let watched = (0..=FEW).map(|number| revocations.watch(admission(number)));
        let watched: Vec<_> = watched.collect();
        let newest = newest_revocations(&db).await.unwrap();
        let (mut looks, now) = (Looks::at_rest(newest), app.service.clock.now());
        asked.store(0, Ordering::SeqCst);
        for _ in 0..3 {
            revocations.look(&db, now, &mut looks).await.unwrap();
        }
        assert_eq!(revocations.watched().len(), FEW + 1);
        assert_eq!(asked.load(Ordering::SeqCst), 3);
        let key = format!("/v1/keys/{}", issued["id"].as_str().unwrap());
        assert_eq!(alice.delete(&key).await.status, 204);
        asked.store(0, Ordering::SeqCst);
        revocations.look(&db, now, &mut looks).await.unwrap();
        assert!(revocations.watched().is_empty());
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        drop(watched);
        // Few are checked at once.
        let one = revocations.watch(admission(0));
        revocations.look(&db, now, &mut looks).await.unwrap();
        assert_eq!(one.revoked().await, Revocation::Gone);
    }
}
