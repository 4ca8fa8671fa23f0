//! The table `storage_moves`: moves of documents' bytes from one place to another, of which the
//! latest hundred are kept.
//!
//! | index | serves |
//! | --- | --- |
//! | primary key | a move by id; its order is that of their creation |
//! | `storage_moves_running`, unique | at most one that is running |

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;

use crate::DbError;
use crate::batch::execute;
use domain::{StorageMoveId, Timestamp};

/// How many are kept.
const KEPT: i64 = 100;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "storage_moves")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub from_url: String,
    pub to_url: String,
    pub status: String,
    pub rate_bytes: Option<i64>,
    pub cursor_url: String,
    pub objects: i64,
    pub moved: i64,
    pub bytes: i64,
    pub moved_bytes: i64,
    pub failed: i64,
    pub created_at: i64,
    pub finished_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Inserts a running move, unless one is running. Returns whether it did.
pub async fn insert(connection: &impl ConnectionTrait, row: Model) -> Result<bool, DbError> {
    let row = ActiveModel {
        id: Set(row.id),
        from_url: Set(row.from_url),
        to_url: Set(row.to_url),
        status: Set(row.status),
        rate_bytes: Set(row.rate_bytes),
        cursor_url: Set(row.cursor_url),
        objects: Set(row.objects),
        moved: Set(row.moved),
        bytes: Set(row.bytes),
        moved_bytes: Set(row.moved_bytes),
        failed: Set(row.failed),
        created_at: Set(row.created_at),
        finished_at: Set(row.finished_at),
    };
    let insert = Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
    Ok(insert.exec_without_returning(connection).await? > 0)
}

/// Ends a running move with a status. Returns whether it was running.
pub async fn finish(
    connection: &impl ConnectionTrait,
    id: StorageMoveId,
    status: &'static str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = "UPDATE storage_moves SET status = $2, finished_at = $3 \
         WHERE id = $1 AND status = 'running'";
    let values = [id.0.into(), status.into(), now.as_micros().into()];
    Ok(execute(connection, sql, values).await? > 0)
}

/// Ends a running move whose job is dead, or gone.
pub async fn fail_abandoned(
    connection: &impl ConnectionTrait,
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "UPDATE storage_moves SET status = 'error', finished_at = $1 \
         WHERE status = 'running' AND NOT EXISTS (SELECT 1 FROM jobs j \
         WHERE j.subject_id = storage_moves.id AND j.state IN ('ready', 'running'))";
    execute(connection, sql, [now.as_micros().into()]).await?;
    Ok(())
}

/// Counts an object that was moved, and locks the move. Returns whether it is running.
pub async fn count_moved(
    connection: &impl ConnectionTrait,
    id: StorageMoveId,
    bytes: i64,
) -> Result<bool, DbError> {
    let sql = "UPDATE storage_moves SET moved = moved + 1, moved_bytes = moved_bytes + $2 \
         WHERE id = $1 AND status = 'running'";
    Ok(execute(connection, sql, [id.0.into(), bytes.into()]).await? > 0)
}

/// Advances a running move from one URL to another, and counts objects that can't be moved. Returns
/// whether it was there.
pub async fn advance(
    connection: &impl ConnectionTrait,
    id: StorageMoveId,
    (from, to): (&str, &str),
    failed: i64,
) -> Result<bool, DbError> {
    let sql = "UPDATE storage_moves SET cursor_url = $3, failed = failed + $4 \
         WHERE id = $1 AND cursor_url = $2 AND status = 'running'";
    let values = [id.0.into(), from.into(), to.into(), failed.into()];
    Ok(execute(connection, sql, values).await? > 0)
}

/// Deletes all but the latest moves.
pub async fn prune(connection: &impl ConnectionTrait) -> Result<(), DbError> {
    let sql = "DELETE FROM storage_moves WHERE status <> 'running' AND id NOT IN \
         (SELECT id FROM storage_moves ORDER BY id DESC LIMIT $1)";
    execute(connection, sql, [KEPT.into()]).await?;
    Ok(())
}
