//! The feed over PostgreSQL: one NOTIFY after a commit, and one listening connection of a process.
//!
//! A notification is a transaction of its own that writes no row: PostgreSQL lets only one
//! transaction with notifications commit at a time, and this one waits for no disk meanwhile. Every
//! process hears every hint; claims in the ledger decide who works.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::inprocess::InProcessFeed;
use super::payload::{announce_jobs, announce_settled};
use super::postgres_listener::listen;
use super::{Awaited, Feed, FeedError, Hints, Listener, Queue, SettledStream};
use domain::JobId;

/// The timeout of a notification, with connecting.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The name of its two sessions in `pg_stat_activity`.
const NAME: &str = "dossier hints";

/// How a process hears of hints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// It listens on a connection of its own.
    Listens,
    /// A pooler gives each transaction another session, so nothing would come: polling alone finds
    /// jobs. Notifications are sent all the same, for processes that do listen.
    Polls,
}

/// A feed over a PostgreSQL server.
pub struct PostgresFeed {
    options: PgConnectOptions,
    /// The session that notifies. A call takes it out, so that one which fails or is cancelled
    /// leaves no session in doubt behind.
    session: Mutex<Option<PgConnection>>,
    /// Passes what is heard to the listeners of this process.
    local: InProcessFeed,
    /// Whether hints arrive, or aren't expected to.
    hears: Arc<AtomicBool>,
    /// Ends with the feed.
    _listening: JoinSet<()>,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("the database gave no answer within {:?}", RESPONSE_TIMEOUT)]
    TimedOut,
    #[error("the connection that listens is lost; reconnecting")]
    NotListening,
}

impl std::fmt::Debug for PostgresFeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresFeed")
            .field("hears", &self.hears)
            .finish_non_exhaustive()
    }
}

impl PostgresFeed {
    /// Creates a feed over the database with this URL. It connects in the background, again and
    /// again if a connection is lost. Call it on a runtime.
    pub fn new(url: &str, hearing: Hearing) -> Result<Self, FeedError> {
        let options: PgConnectOptions = url
            .parse()
            .map_err(CallError::Database)
            .map_err(FeedError::of("read its URL"))?;
        // Poolers refuse the parameter that the driver would add.
        let options = options
            .extra_float_digits(None)
            .application_name(NAME)
            .disable_statement_logging();
        let local = InProcessFeed::default();
        let hears = Arc::new(AtomicBool::new(hearing == Hearing::Polls));
        let mut listening = JoinSet::new();
        if hearing == Hearing::Listens {
            listening.spawn(listen(options.clone(), local.clone(), Arc::clone(&hears)));
        }
        Ok(Self {
            options,
            session: Mutex::default(),
            local,
            hears,
            _listening: listening,
        })
    }

    async fn call(&self, sql: String) -> Result<(), CallError> {
        timeout(RESPONSE_TIMEOUT, self.call_unlimited(sql))
            .await
            .map_err(|_| CallError::TimedOut)?
    }

    /// A simple query: one round trip, and no prepared statement that a pooler would have to know.
    async fn call_unlimited(&self, sql: String) -> Result<(), CallError> {
        let mut kept = self.session.lock().await;
        if let Some(mut session) = kept.take()
            && run(&mut session, sql.clone()).await.is_ok()
        {
            *kept = Some(session);
            return Ok(());
        }
        // It may have been closed while it was idle: once more with a fresh one.
        let mut session = PgConnection::connect_with(&self.options).await?;
        run(&mut session, sql).await?;
        *kept = Some(session);
        Ok(())
    }
}

async fn run(session: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    // Its only values are ids and numbers.
    session
        .execute(sqlx::raw_sql(AssertSqlSafe(sql)))
        .await
        .map(drop)
}

#[async_trait]
impl Feed for PostgresFeed {
    async fn announce(&self, queue: Queue, jobs: &[JobId]) -> Result<(), FeedError> {
        self.call(announce_jobs(queue, jobs.len()))
            .await
            .map_err(FeedError::of("announce jobs"))
    }

    async fn listen(&self, queue: Queue, consumer: &str) -> Box<dyn Listener> {
        let all = self.local.listen(queue, consumer).await;
        Box::new(PostgresListener { all })
    }

    async fn announce_settled(&self, settled: &[Awaited]) -> Result<(), FeedError> {
        self.call(announce_settled(settled))
            .await
            .map_err(FeedError::of("announce settled documents"))
    }

    async fn settled(&self) -> SettledStream {
        self.local.settled().await
    }

    async fn check(&self) -> Result<(), FeedError> {
        let answered = self.call("SELECT 1".to_owned()).await;
        answered.map_err(FeedError::of("reach its server"))?;
        if self.hears.load(Ordering::Relaxed) {
            Ok(())
        } else {
            Err(FeedError::of("listen")(CallError::NotListening))
        }
    }
}

struct PostgresListener {
    all: Box<dyn Listener>,
}

#[async_trait]
impl Listener for PostgresListener {
    /// All hints at once: other workers have heard them, too, so that a claim for each of a long
    /// series would find nothing.
    async fn next(&mut self, _most: usize, patience: Duration) -> Hints {
        self.all.next(usize::MAX, patience).await
    }

    async fn acknowledge(&mut self, _hints: Hints) {}
}
