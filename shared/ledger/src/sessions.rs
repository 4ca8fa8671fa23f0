//! The state of a process's sessions with PostgreSQL: whether the server may hang, and which
//! sessions are unusable. The hooks of the pool read it, calls update it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::pool::PoolConnectionMetadata;
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Executor as _};
use tokio::time::{Instant, timeout};

/// How long after an unanswered call sessions are checked before they return to the pool. The call's
/// own session returns at once, or takes as long as a statement may.
const DOUBT: Duration = Duration::from_secs(30);

/// How long a session may take to become idle. The pool would wait forever, and occupy the
/// session's slot until the network gives up, which takes a quarter of an hour.
const REST: Duration = Duration::from_secs(5);

/// Ends the transaction of a session that is in one, and else does nothing: a single `ROLLBACK` would
/// then fill the server's log with warnings.
///
/// A caller who leaves while `BEGIN` is under way leaves a transaction that sqlx 0.9.0 doesn't know
/// (transact-rs/sqlx#4393). Whatever later callers write by that session would never be committed.
const ROLL_BACK: &str = "BEGIN; ROLLBACK";

/// Sessions that were idle longer are tested before use: testing always would cost a round trip for
/// each statement.
const IDLE_BEFORE_TEST: Duration = Duration::from_secs(15);

/// The state. Times are milliseconds since `start`.
#[derive(Debug)]
pub struct Sessions {
    start: Instant,
    in_doubt_until: AtomicU64,
    replaced_before: AtomicU64,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            in_doubt_until: AtomicU64::new(0),
            replaced_before: AtomicU64::new(0),
        }
    }
}

/// A call in progress. If it is dropped before the answer, the server of its session may hang.
pub struct Unanswered<'a>(Option<&'a Sessions>);

impl Unanswered<'_> {
    /// The answer arrived.
    pub fn came(mut self) {
        self.0 = None;
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if let Some(sessions) = self.0 {
            let until = sessions.now() + milliseconds(DOUBT);
            sessions.in_doubt_until.fetch_max(until, Ordering::Relaxed);
        }
    }
}

impl Sessions {
    /// Registers a call that begins.
    pub const fn await_answer(&self) -> Unanswered<'_> {
        Unanswered(Some(self))
    }

    /// The sessions that are open now belong to a read-only server, or lack prepared statements:
    /// none of them is used again.
    pub fn replace_all(&self) {
        self.replaced_before
            .fetch_max(self.now(), Ordering::Relaxed);
    }

    /// Checks whether a session may return to the pool, and ends a transaction that nobody owns. An
    /// error means that it may not, and can't be closed gracefully either.
    pub async fn comes_to_rest(&self, session: &mut PgConnection) -> Result<bool, sqlx::Error> {
        if self.in_doubt_until.load(Ordering::Relaxed) < self.now() {
            return Ok(true);
        }
        timeout(REST, session.execute(sqlx::raw_sql(ROLL_BACK)))
            .await
            .map_err(|_| sqlx::Error::Protocol("a session did not come to rest".to_owned()))?
            .map(|_| true)
    }

    /// Checks whether a session of the pool may be used.
    pub async fn is_of_use(
        &self,
        session: &mut PgConnection,
        known: PoolConnectionMetadata,
    ) -> Result<bool, sqlx::Error> {
        let opened_at = self.now().saturating_sub(milliseconds(known.age));
        if opened_at < self.replaced_before.load(Ordering::Relaxed) {
            return Ok(false);
        }
        if known.idle_for >= IDLE_BEFORE_TEST {
            session.ping().await?;
        }
        Ok(true)
    }

    fn now(&self) -> u64 {
        milliseconds(self.start.elapsed())
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
