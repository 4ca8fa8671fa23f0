//! Has SQLite stop a search whose time is over. PostgreSQL does so by a setting of the transaction.

use std::time::{Duration, Instant};

use sqlx::sqlite::SqliteConnection;

/// How many steps of SQLite's machine pass between two looks at the time: some microseconds.
const STEPS: i32 = 1_000;

tokio::task_local! {
    /// How long the search may take for which a connection is acquired: hooks of the pool run
    /// within the task that acquires.
    static LIMIT: Duration;
}

/// Begins a search that may take as long as `limit`, on a connection that it acquires.
pub async fn within<T>(limit: Duration, begin: impl Future<Output = T>) -> T {
    LIMIT.scope(limit, begin).await
}

/// Has SQLite look at the time while it works for the search that acquires `connection`, and
/// stop when that is over.
pub async fn limit_time(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut handle = connection.lock_handle().await?;
    // Outside of a search nobody acquires one but the pool itself, whose first statement reads the whole
    // schema.
    let Ok(limit) = LIMIT.try_with(|limit| *limit) else {
        handle.remove_progress_handler();
        return Ok(());
    };
    let deadline = Instant::now() + limit;
    handle.set_progress_handler(STEPS, move || Instant::now() < deadline);
    Ok(())
}
