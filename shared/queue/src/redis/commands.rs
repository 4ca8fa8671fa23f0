//! The connection that a process shares for commands which nobody's answer depends on. It is made at
//! the first one, and made anew when it is lost or leads to a server that is no master any more.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use redis::{Pipeline, RedisError};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::connection::Connection;
use super::servers::Servers;

/// The timeout of a command.
pub(super) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Sends commands over a shared connection, one pipeline after another.
#[derive(Clone)]
pub(super) struct Commands {
    servers: Servers,
    kept: Arc<Mutex<Option<Connection>>>,
}

impl Commands {
    pub(super) fn new(servers: Servers) -> Self {
        Self {
            servers,
            kept: Arc::default(),
        }
    }

    /// Runs commands that have the same key.
    ///
    /// It goes on if its caller gives up, for a few seconds at most: what it learns of the connection
    /// is true for the next call as well.
    pub(super) async fn run(&self, commands: Pipeline) -> Result<(), RedisError> {
        let kept = Arc::clone(&self.kept).lock_owned().await;
        let running = tokio::spawn(run(self.servers.clone(), kept, commands));
        running
            .await
            .unwrap_or_else(|ended| Err(io::Error::other(ended).into()))
    }
}

/// Takes the connection out of `kept`, and puts one back that has just worked.
async fn run(
    servers: Servers,
    mut kept: OwnedMutexGuard<Option<Connection>>,
    commands: Pipeline,
) -> Result<(), RedisError> {
    if let Some(mut connection) = kept.take() {
        match commands.exec_async(&mut connection).await {
            Ok(()) => {
                *kept = Some(connection);
                return Ok(());
            }
            Err(error) if error.is_timeout() => return Err(error),
            // It may have been closed while it was idle, or its server been demoted: once more with a
            // fresh one.
            Err(_) => {}
        }
    }
    let mut connection = servers.connect(RESPONSE_TIMEOUT).await?;
    commands.exec_async(&mut connection).await?;
    *kept = Some(connection);
    Ok(())
}
