//! The database's clock, as estimated by this process. Leases, and all times that processes compare
//! with each other, come from it: a process with a wrong clock can't take over jobs.

use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::{debug, warn};

use super::batch::query;
use super::{Database, DbError};
use domain::{Clock, SystemClock, Timestamp};

/// The interval between comparisons of the clocks.
const PERIOD: Duration = Duration::from_secs(30);

/// A slower answer is too imprecise.
const ROUND_TRIP: Duration = Duration::from_secs(1);

/// A larger difference of the process's clock is logged.
const WORTH_TELLING: Duration = Duration::from_secs(2);

/// A clock that is set by the database's and runs by itself in between, whatever happens to the
/// process's own clock.
#[derive(Debug)]
pub struct DatabaseClock {
    /// The time it showed, and when that was.
    set: RwLock<Option<(Timestamp, Instant)>>,
    /// The clock until it is set.
    own: Arc<dyn Clock>,
}

impl DatabaseClock {
    /// Creates a clock that shows the time of `own` until it is set.
    #[must_use]
    pub fn starting_with(own: Arc<dyn Clock>) -> Self {
        Self {
            set: RwLock::new(None),
            own,
        }
    }

    /// Creates the clock of a process that uses `db`, which is synchronized as long as it is used.
    /// On SQLite it is the process's own clock.
    pub async fn of(db: &Database) -> Arc<dyn Clock> {
        if !db.dialect().has_clock() {
            return Arc::new(SystemClock);
        }
        let clock = Arc::new(Self::starting_with(Arc::new(SystemClock)));
        clock.set_by_or_say(db).await;
        let off = SystemClock
            .now()
            .since(clock.now())
            .max(clock.now().since(SystemClock.now()));
        if off > WORTH_TELLING {
            warn!(
                off_ms = u64::try_from(off.as_millis()).unwrap_or(u64::MAX),
                "the clocks of this process and of the database differ: the database's is used"
            );
        }
        tokio::spawn(Self::keep(Arc::downgrade(&clock), db.clone()));
        clock
    }

    async fn keep(clock: Weak<Self>, db: Database) {
        loop {
            sleep(PERIOD).await;
            let Some(clock) = clock.upgrade() else {
                return;
            };
            clock.set_by_or_say(&db).await;
        }
    }

    async fn set_by_or_say(&self, db: &Database) {
        if let Err(error) = self.set_by(db).await {
            debug!(
                error = &error as &dyn std::error::Error,
                "the clocks were not compared; it goes on by itself"
            );
        }
    }

    /// Sets it by the database's clock, unless the difference is within the precision of the
    /// answer.
    pub async fn set_by(&self, db: &Database) -> Result<(), DbError> {
        let sql = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)";
        let asked_at = Instant::now();
        let rows = query(db.reader(), sql, []).await?;
        let answered_at = Instant::now();
        let Some(row) = rows.first() else {
            return Ok(());
        };
        let round_trip = answered_at.duration_since(asked_at);
        let shown = Timestamp::from_micros(row.try_get_by_index(0)?).plus(round_trip / 2);
        let mut set = self.set.write().unwrap_or_else(PoisonError::into_inner);
        let is_right = set.is_some_and(|(then, at)| {
            let own = then.plus(answered_at.duration_since(at));
            own.since(shown).max(shown.since(own)) <= round_trip
        });
        if set.is_none() || (!is_right && round_trip < ROUND_TRIP) {
            *set = Some((shown, answered_at));
        }
        Ok(())
    }
}

impl Clock for DatabaseClock {
    fn now(&self) -> Timestamp {
        let set = *self.set.read().unwrap_or_else(PoisonError::into_inner);
        match set {
            Some((then, at)) => then.plus(at.elapsed()),
            None => self.own.now(),
        }
    }
}
