//! How many deliveries are pending, for the metrics. It looks at a bounded number of them, so it costs
//! the same whatever waits.

use sea_orm::FromQueryResult;

use crate::batch::query_as;
use crate::{Database, DbError};
use domain::Timestamp;

/// The most deliveries that are counted.
const MOST_COUNTED: i64 = 10_000;

/// The pending deliveries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeliveryLevel {
    /// How many there are, up to ten thousand.
    pub pending: u64,
    /// When the first of them is due. Those of disabled users are not attempted, and left out.
    pub first_due_at: Option<Timestamp>,
}

#[derive(FromQueryResult)]
struct Row {
    pending: i64,
    first_due_at: Option<i64>,
}

/// Returns how many deliveries are pending, and since when the first one is due.
pub async fn delivery_level(db: &Database) -> Result<DeliveryLevel, DbError> {
    let sql = "SELECT count(*) AS pending, \
         min(CASE WHEN NOT u.disabled AND u.removed_at IS NULL THEN p.next_attempt_at END) AS first_due_at \
         FROM (SELECT webhook_id, next_attempt_at FROM webhook_deliveries WHERE status = 'pending' \
         ORDER BY next_attempt_at LIMIT $1) AS p \
         JOIN webhooks w ON w.id = p.webhook_id JOIN users u ON u.id = w.owner_id";
    let rows: Vec<Row> = query_as(db.reader(), sql, [MOST_COUNTED.into()]).await?;
    let level = rows.first().map(|row| DeliveryLevel {
        pending: row.pending.unsigned_abs(),
        first_due_at: row.first_due_at.map(Timestamp::from_micros),
    });
    Ok(level.unwrap_or_default())
}
