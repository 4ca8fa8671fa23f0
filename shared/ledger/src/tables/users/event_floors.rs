//! Up to where events of users were removed from their feeds.

use serde::Serialize;
use uuid::Uuid;

use super::locks::lock_all;
use crate::batch::{Columns, Kind, execute, parameter};
use crate::{DatabaseTransaction, DbError};

/// The newest removed event of a user's feed.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct EventFloor {
    pub owner_id: Uuid,
    pub floor: i64,
}

/// Raises the floors of users' feeds, one for each user.
pub async fn raise_event_floors(
    transaction: &DatabaseTransaction,
    floors: &[EventFloor],
) -> Result<(), DbError> {
    const COLUMNS: &Columns = &[("owner_id", Kind::Uuid), ("floor", Kind::Integer)];
    if floors.is_empty() {
        return Ok(());
    }
    let owners: Vec<_> = floors.iter().map(|floor| floor.owner_id).collect();
    lock_all(transaction, &owners).await?;
    let sql = format!(
        "UPDATE users SET events_floor = x.floor FROM {} \
         WHERE users.id = x.owner_id AND users.events_floor < x.floor",
        transaction.dialect().rows(COLUMNS)
    );
    execute(transaction, sql, [parameter(floors)?]).await?;
    Ok(())
}
