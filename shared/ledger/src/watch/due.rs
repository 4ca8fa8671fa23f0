//! Which queues have jobs to claim. Idle workers ask once a second, for all their queues, so its cost
//! doesn't depend on what waits or runs.

use crate::batch::query_column;
use crate::{Database, DbError};
use domain::Timestamp;
use queue::Queue;

/// Returns those of `queues` with a job that is due, or whose lease is over, at `now`. A claim may still
/// find none: others claim them, or the queue is paused. Two index lookups a queue at most.
pub async fn queues_with_due_jobs(
    db: &Database,
    queues: &[Queue],
    now: Timestamp,
) -> Result<Vec<Queue>, DbError> {
    let due = |queue: Queue, state| {
        format!(
            "EXISTS (SELECT 1 FROM jobs WHERE queue = '{queue}' AND state = '{state}' AND run_at <= $1)"
        )
    };
    // Each condition repeats that of the index that serves it.
    let each = queues.iter().map(|queue| {
        let (ready, leased) = (due(*queue, "ready"), due(*queue, "running"));
        format!("SELECT '{queue}' AS queue WHERE {ready} OR {leased}")
    });
    let sql = each.collect::<Vec<_>>().join(" UNION ALL ");
    if sql.is_empty() {
        return Ok(Vec::new());
    }
    let found: Vec<String> = query_column(db.reader(), sql, [now.as_micros().into()]).await?;
    Ok(queues
        .iter()
        .filter(|queue| found.iter().any(|name| name == queue.as_str()))
        .copied()
        .collect())
}
