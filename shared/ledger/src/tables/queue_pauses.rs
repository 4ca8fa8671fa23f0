//! The table `queue_pauses`: queues that were ever paused, and whether they are, one to a handful.
//! Claims read it in their own statement ([`IS_PAUSED`]). The primary key is its only index.

use sea_orm::entity::prelude::*;

use crate::DbError;
use crate::batch::execute;
use domain::Timestamp;
use queue::Queue;

/// Whether the queue `$1` is paused.
pub const IS_PAUSED: &str =
    "EXISTS (SELECT 1 FROM queue_pauses WHERE queue_pauses.queue = $1 AND is_paused)";

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "queue_pauses")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub queue: String,
    pub is_paused: bool,
    pub changed_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Pauses a queue, unless it is paused.
pub async fn pause(
    connection: &impl ConnectionTrait,
    queue: Queue,
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "INSERT INTO queue_pauses (queue, is_paused, changed_at) VALUES ($1, true, $2) \
         ON CONFLICT (queue) DO UPDATE SET is_paused = true, changed_at = excluded.changed_at \
         WHERE NOT queue_pauses.is_paused";
    let values = [queue.as_str().into(), now.as_micros().into()];
    execute(connection, sql, values).await?;
    Ok(())
}

/// Resumes a queue, if it is paused.
pub async fn resume(
    connection: &impl ConnectionTrait,
    queue: Queue,
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "UPDATE queue_pauses SET is_paused = false, changed_at = $2 \
         WHERE queue = $1 AND is_paused";
    let values = [queue.as_str().into(), now.as_micros().into()];
    execute(connection, sql, values).await?;
    Ok(())
}
