//! Counts the work of SQLite for tests that hold its cost, as PostgreSQL's buffers are for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Database, DbError};

/// Runs `work` on the writing connection, and returns how many hundred steps of its machine
/// SQLite took.
pub async fn count_steps<T>(
    db: &Database,
    work: impl Future<Output = T>,
) -> Result<(T, u64), DbError> {
    let steps = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&steps);
    let pool = db.writer().pool.get_sqlite_connection_pool();
    {
        let mut connection = pool.acquire().await.map_err(refused)?;
        let mut handle = connection.lock_handle().await.map_err(refused)?;
        handle.set_progress_handler(100, move || {
            counter.fetch_add(1, Ordering::Relaxed);
            true
        });
    }
    let done = work.await;
    let mut connection = pool.acquire().await.map_err(refused)?;
    let mut handle = connection.lock_handle().await.map_err(refused)?;
    handle.remove_progress_handler();
    Ok((done, steps.load(Ordering::Relaxed)))
}

fn refused(error: sqlx::Error) -> DbError {
    sea_orm::DbErr::Conn(sea_orm::RuntimeErr::SqlxError(error.into())).into()
}
