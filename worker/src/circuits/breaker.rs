//! Circuit breakers for the database and the storage places. While a circuit is open, jobs that
//! need the dependency are not claimed, and attempts that failed because of it are released without
//! being counted. A failure opens a circuit only if a probe fails as well; a job that fails while
//! the dependency is healthy is itself at fault.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::Clock;
use futures::future::join_all;
use ledger::Database;
use queue::{JobKind, Queue};
use storage::StorageRouter;
use telemetry::{Circuit, Meters};
use tokio::sync::{self, watch};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};
use url::Url;

use super::outage::Outage;
use super::probe;

/// The pause after the first failed probe. It doubles up to the maximum.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause between probes of storage.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The longest pause between probes of the database, on which every job depends.
const LONGEST_DATABASE_PAUSE: Duration = Duration::from_secs(5);

/// A circuit that reopens within this time continues with its previous pause.
const RELAPSE: Duration = Duration::from_secs(30);

/// A probe this recent is reused: of jobs that fail together, one probes.
const FRESH: Duration = Duration::from_millis(250);

/// How long jobs are not claimed after the database recovers, so that every worker first renews its
/// leases, which may have expired.
const RENEWAL: Duration = Duration::from_secs(2);

/// How often the database is probed without a failure: its schema may change.
const WATCH: Duration = Duration::from_secs(10);

/// The circuits of a worker; clones share them.
#[derive(Clone)]
pub struct Circuits(Arc<Inner>);

struct Inner {
    db: Database,
    places: StorageRouter,
    clock: Arc<dyn Clock>,
    meters: Meters,
    open: watch::Sender<Open>,
    /// When storage and database were last probed. One probe runs at a time.
    looks: [sync::Mutex<Option<Instant>>; 2],
    /// The further places that were away when storage was last probed.
    more_away: Mutex<Vec<Url>>,
    /// The current pause of each circuit, and when it last closed.
    pauses: Mutex<[(Duration, Option<Instant>); Circuit::ALL.len()]>,
}

/// Which circuits are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Open([bool; Circuit::ALL.len()]);

impl Open {
    const fn has(self, circuit: Circuit) -> bool {
        self.0[circuit as usize]
    }

    const fn storage(self) -> bool {
        self.has(Circuit::Staging) || self.has(Circuit::Store)
    }

    /// Returns the kinds of jobs of a queue that need no open circuit.
    fn kinds_of(self, queue: Queue) -> Vec<JobKind> {
        let goes = |kind: &JobKind| {
            kind.queue() == queue
                && !self.has(Circuit::Database)
                && !(self.storage() && kind.needs_storage())
        };
        JobKind::ALL.into_iter().filter(goes).collect()
    }
}

impl fmt::Debug for Circuits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Circuits")
            .field(&*self.0.open.borrow())
            .finish()
    }
}

impl Circuits {
    /// Creates the circuits, all closed.
    pub fn new(db: Database, places: StorageRouter, clock: Arc<dyn Clock>, meters: Meters) -> Self {
        Self(Arc::new(Inner {
            db,
            places,
            clock,
            meters,
            open: watch::Sender::new(Open::default()),
            looks: Default::default(),
            more_away: Mutex::default(),
            pauses: Mutex::new([(FIRST_PAUSE, None); Circuit::ALL.len()]),
        }))
    }

    /// Probes the dependencies of `outage`, and returns whether one of them is down.
    pub async fn confirm(&self, outage: Outage) -> bool {
        self.confirm_at(outage, None).await
    }

    /// Like [`Self::confirm`]. If the URL that failed is known, further places that don't have it
    /// aren't to blame.
    pub async fn confirm_at(&self, outage: Outage, at: Option<&Url>) -> bool {
        let (circuits, look): (&[Circuit], _) = match outage {
            Outage::Database => (&[Circuit::Database], &self.0.looks[0]),
            Outage::Storage | Outage::StorageFull => {
                (&[Circuit::Staging, Circuit::Store], &self.0.looks[1])
            }
            Outage::UnknownPlace => return true,
        };
        let is_open = || circuits.iter().any(|circuit| self.is_open(*circuit));
        let mut last = look.lock().await;
        if is_open() {
            return true;
        }
        let is_storage = circuits.contains(&Circuit::Store);
        if last.is_some_and(|at| at.elapsed() < FRESH) {
            return is_storage && self.0.is_more_away(at);
        }
        *last = Some(Instant::now());
        for circuit in circuits {
            if let Err(error) = self.probe(*circuit).await {
                self.open(*circuit, &*error);
            }
        }
        if !is_storage || is_open() {
            return is_open();
        }
        // Jobs that need none of the further places go on, so these have no circuit.
        let away = self.further_places_away().await;
        *self.0.more_away() = away;
        self.0.is_more_away(at)
    }

    async fn further_places_away(&self) -> Vec<Url> {
        let Inner { places, clock, .. } = &*self.0;
        let probes = places.more().iter().map(|place| async move {
            let error = probe::place(places, place, clock.now()).await.err()?;
            warn!(storage.place = %place.place(), error = &*error as &dyn std::error::Error, "a further place is away");
            Some(place.place().clone())
        });
        join_all(probes).await.into_iter().flatten().collect()
    }

    /// Probes the database periodically, forever.
    pub async fn watch(self) {
        loop {
            self.confirm(Outage::Database).await;
            sleep(WATCH).await;
        }
    }

    /// Returns the kinds of jobs of a queue that can be claimed now.
    pub fn kinds_of(&self, queue: Queue) -> Vec<JobKind> {
        let open = *self.0.open.borrow();
        open.kinds_of(queue)
    }

    /// Waits until jobs of a queue can be claimed: immediately, or a while after the database has
    /// recovered.
    pub async fn lets_claim(&self, queue: Queue) {
        let mut open = self.0.open.subscribe();
        loop {
            let was_away = open.borrow_and_update().has(Circuit::Database);
            // The sender cannot be gone: it is in `self`.
            let _ = open.wait_for(|open| !open.kinds_of(queue).is_empty()).await;
            if !was_away {
                return;
            }
            sleep(RENEWAL).await;
        }
    }

    /// Waits until the database circuit is closed.
    pub async fn database_is_back(&self) {
        let mut open = self.0.open.subscribe();
        let _ = open.wait_for(|open| !open.has(Circuit::Database)).await;
    }

    fn is_open(&self, circuit: Circuit) -> bool {
        self.0.open.borrow().has(circuit)
    }

    async fn probe(&self, circuit: Circuit) -> Result<(), probe::Failure> {
        let Inner {
            db, places, clock, ..
        } = &*self.0;
        match circuit {
            Circuit::Database => probe::database(db).await,
            Circuit::Staging => probe::place(places, places.staging(), clock.now()).await,
            Circuit::Store if places.are_one() => Ok(()),
            Circuit::Store => probe::place(places, places.store(), clock.now()).await,
        }
    }

    fn open(&self, circuit: Circuit, cause: &(dyn std::error::Error + 'static)) {
        let opened = self
            .0
            .open
            .send_if_modified(|open| !std::mem::replace(&mut open.0[circuit as usize], true));
        if !opened {
            return;
        }
        warn!(
            circuit = circuit.as_str(),
            error = cause,
            "circuit opened: jobs that need this dependency wait"
        );
        self.0.meters.circuit(circuit, true);
        tokio::spawn(Self::close_when_well(Arc::downgrade(&self.0), circuit));
    }

    /// Probes until the dependency is healthy or the worker is gone.
    async fn close_when_well(circuits: std::sync::Weak<Inner>, circuit: Circuit) {
        let begun = Instant::now();
        loop {
            let Some(inner) = circuits.upgrade() else {
                return;
            };
            let pause = inner.next_pause(circuit, begun);
            drop(inner);
            sleep(pause).await;
            let Some(this) = circuits.upgrade().map(Self) else {
                return;
            };
            if this.probe(circuit).await.is_ok() {
                this.close(circuit, begun);
                return;
            }
        }
    }

    fn close(&self, circuit: Circuit, opened_at: Instant) {
        self.0.pauses()[circuit as usize].1 = Some(Instant::now());
        self.0.meters.circuit(circuit, false);
        self.0
            .open
            .send_modify(|open| open.0[circuit as usize] = false);
        info!(
            circuit = circuit.as_str(),
            away_ms = u64::try_from(opened_at.elapsed().as_millis()).unwrap_or(u64::MAX),
            "circuit closed: jobs that need this dependency continue"
        );
    }
}

impl Inner {
    /// Returns the pause before the next probe of a circuit opened at `opened_at`.
    fn next_pause(&self, circuit: Circuit, opened_at: Instant) -> Duration {
        let longest = match circuit {
            Circuit::Database => LONGEST_DATABASE_PAUSE,
            Circuit::Staging | Circuit::Store => LONGEST_PAUSE,
        };
        let (pause, closed_at) = &mut self.pauses()[circuit as usize];
        // The first pause since it opened; a relapse continues where the last outage ended.
        if let Some(closed) = closed_at.take()
            && opened_at.duration_since(closed) > RELAPSE
        {
            *pause = FIRST_PAUSE;
        }
        let now = *pause;
        *pause = (now * 2).min(longest);
        now
    }

    /// Returns whether a further place is away that may have caused a failure at this URL.
    fn is_more_away(&self, at: Option<&Url>) -> bool {
        let away = self.more_away();
        let is_there = |place: &Url| at.is_none_or(|url| url.as_str().starts_with(place.as_str()));
        away.iter().any(is_there)
    }

    fn more_away(&self) -> std::sync::MutexGuard<'_, Vec<Url>> {
        self.more_away
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn pauses(
        &self,
    ) -> std::sync::MutexGuard<'_, [(Duration, Option<Instant>); Circuit::ALL.len()]> {
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
