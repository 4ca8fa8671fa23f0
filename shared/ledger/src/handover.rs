//! The time after a migration in which processes of the former release may still be working.

use std::time::Duration;

use super::batch::query;
use super::{Database, DbError};
use domain::Timestamp;

/// How long after a migration processes of the former release may still work. They check the schema
/// every few seconds.
pub const HANDOVER: Duration = Duration::from_mins(1);

/// How long it takes until no process of a former release works on this schema any more, at `now`;
/// zero if there never was one.
pub async fn handover_left(db: &Database, now: Timestamp) -> Result<Duration, DbError> {
    let applied = "SELECT min(applied_at), max(applied_at) FROM seaql_migrations";
    let rows = query(db.reader(), applied, []).await?;
    let Some(row) = rows.first() else {
        return Ok(Duration::ZERO);
    };
    let (first, last): (Option<i64>, Option<i64>) =
        (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    let (Some(first), Some(last)) = (first, last) else {
        return Ok(Duration::ZERO);
    };
    let handover = i64::try_from(HANDOVER.as_secs()).unwrap_or(i64::MAX);
    // All migrations at once made a new database.
    if last - first < handover {
        return Ok(Duration::ZERO);
    }
    let age = now.as_micros() / 1_000_000 - last;
    let left = u64::try_from(handover - age).unwrap_or(0);
    Ok(Duration::from_secs(left).min(HANDOVER))
}
