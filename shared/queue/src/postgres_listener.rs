//! Listens to PostgreSQL's notifications and passes them to the listeners of this process; connects
//! again when the connection is lost. The feed starts it once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::Executor as _;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::inprocess::InProcessFeed;
use super::payload::{Heard, JOBS, SETTLED, read};

/// The timeout of connecting, and of an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// After so long a silence the connection is tested: a lost peer is silent, too.
const SILENCE: Duration = Duration::from_secs(10);

/// The pause before connecting again, and the longest one.
const RESTS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// Listens, forever. `hears` tells whether it is connected.
pub async fn listen(options: PgConnectOptions, local: InProcessFeed, hears: Arc<AtomicBool>) {
    let (mut rest, mut is_told) = (RESTS.0, false);
    loop {
        let lost = match connect(&options).await {
            Ok(listener) => {
                hears.store(true, Ordering::Relaxed);
                if std::mem::take(&mut is_told) {
                    info!("listening for hints again");
                }
                rest = RESTS.0;
                pass_on(listener, &local).await
            }
            Err(error) => error,
        };
        hears.store(false, Ordering::Relaxed);
        if !is_told {
            warn!(
                error = &lost as &dyn std::error::Error,
                "lost the connection that listens for hints; reconnecting, polling continues"
            );
            is_told = true;
        }
        sleep(rest).await;
        rest = (rest * 2).min(RESTS.1);
    }
}

async fn connect(options: &PgConnectOptions) -> Result<PgListener, sqlx::Error> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .acquire_timeout(PATIENCE)
        .connect_lazy_with(options.clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.ignore_pool_close_event(true);
    listener.eager_reconnect(false);
    in_time(listener.listen_all([JOBS, SETTLED])).await?;
    Ok(listener)
}

/// Passes on what comes until the connection is lost.
async fn pass_on(mut listener: PgListener, local: &InProcessFeed) -> sqlx::Error {
    loop {
        // Cancelling it loses nothing: a message is taken only when all of it is there.
        match timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(notification))) => {
                match read(notification.channel(), notification.payload()) {
                    Heard::Jobs(queue, jobs) => local.ring(queue, jobs),
                    Heard::Settled(settled) => local.tell(settled),
                    Heard::Nothing => {}
                }
            }
            Ok(Ok(None)) => return closed(),
            Ok(Err(error)) => return error,
            Err(_) => {
                if let Err(error) = in_time(listener.execute("SELECT 1")).await {
                    return error;
                }
            }
        }
    }
}

async fn in_time<T>(call: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    timeout(PATIENCE, call)
        .await
        .unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

fn closed() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::ConnectionAborted.into())
}
