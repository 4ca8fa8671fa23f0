//! What a process knows of its sessions with PostgreSQL: whether the server may hang, and which
//! sessions are of no use any more. The pool's hooks ask; calls tell.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::pool::PoolConnectionMetadata;
use sqlx::postgres::PgConnection;
use tokio::time::{Instant, timeout};

/// For how long after a call without an answer sessions are looked at before they are kept.
const DOUBT: Duration = Duration::from_secs(30);

/// How long a session may take to come to rest. The pool would wait for ever, and the session's
/// place with it: until the network gives up, which takes a quarter of an hour.
const REST: Duration = Duration::from_secs(5);

/// Sessions that lay idle longer are tried before use: testing each time costs a round trip a
/// statement.
const IDLE_BEFORE_TEST: Duration = Duration::from_secs(15);

/// What is known. Times are milliseconds since `start`.
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

/// A call that waits for its answer. If it is dropped before, its session may be that of a server
/// that hangs.
pub struct Unanswered<'a>(Option<&'a Sessions>);

impl Unanswered<'_> {
    /// The answer came.
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
    /// A call begins.
    pub const fn await_answer(&self) -> Unanswered<'_> {
        Unanswered(Some(self))
    }

    /// The sessions that are open now lead to a server that can't write, or don't know what they
    /// should: none of them is used again.
    pub fn replace_all(&self) {
        self.replaced_before
            .fetch_max(self.now(), Ordering::Relaxed);
    }

    /// Whether a session may go back to the pool. An error says that it may not, and that there
    /// is no use in saying goodbye.
    pub async fn comes_to_rest(&self, session: &mut PgConnection) -> Result<bool, sqlx::Error> {
        if self.in_doubt_until.load(Ordering::Relaxed) < self.now() {
            return Ok(true);
        }
        timeout(REST, session.ping())
            .await
            .map_err(|_| sqlx::Error::Protocol("a session did not come to rest".to_owned()))?
            .map(|()| true)
    }

    /// Whether a session of the pool may be used.
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
