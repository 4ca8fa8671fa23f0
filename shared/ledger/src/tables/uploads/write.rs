//! Uploads are created, written, joined and completed.

use sea_orm::{EntityTrait, IntoActiveModel};
use uuid::Uuid;

use super::entity::{Entity, Model};
use crate::batch::{execute, parameter, query_as};
use crate::{Connection, DatabaseTransaction, DbError};
use domain::Timestamp;

/// Inserts an upload.
pub async fn insert(transaction: &DatabaseTransaction, upload: Model) -> Result<(), DbError> {
    let insert = Entity::insert(upload.into_active_model());
    insert.exec_without_returning(transaction).await?;
    Ok(())
}

/// A request that is about to write.
#[derive(Clone, Copy, Debug)]
pub struct Hold {
    /// The upload.
    pub id: Uuid,
    /// Its owner.
    pub owner_id: Uuid,
    /// How many parts it may write before it records them.
    pub parts: i64,
    /// When the upload expires if nothing comes; as before if that is unsaid, or with a ticket.
    pub expires_at: Option<Timestamp>,
    /// The current time.
    pub now: Timestamp,
}

/// Gives the next fence of an open upload to a request. Returns the upload; `None` if it isn't open.
pub async fn hold(connection: &Connection, hold: Hold) -> Result<Option<Model>, DbError> {
    let sql = "UPDATE uploads SET fence = fence + 1, skipped_parts = skipped_parts + held_parts, \
         held_parts = $3, updated_at = $4, \
         expires_at = CASE WHEN ticket_id IS NULL THEN COALESCE($5, expires_at) ELSE expires_at END \
         WHERE id = $1 AND owner_id = $2 AND status = 'open' AND protocol <> 'direct' RETURNING *";
    let values = [
        hold.id.into(),
        hold.owner_id.into(),
        hold.parts.into(),
        hold.now.as_micros().into(),
        hold.expires_at.map(Timestamp::as_micros).into(),
    ];
    let found = query_as(connection, sql, values).await?;
    Ok(found.into_iter().next())
}

/// What is durable of an upload.
#[derive(Clone, Debug)]
pub struct Progress<'a> {
    /// The upload.
    pub id: Uuid,
    /// The fence of its writer.
    pub fence: i64,
    /// The durable bytes.
    pub offset: i64,
    /// The state of the digest after them.
    pub digest: &'a str,
    /// The tail of the object.
    pub tail: Option<&'a str>,
    /// What the storage has to know.
    pub parts: &'a str,
    /// Whether nothing follows, whatever the length was.
    pub ends: bool,
    /// How many parts the writer may write unrecorded from now on.
    pub held_parts: i64,
    /// When it expires.
    pub expires_at: Timestamp,
    /// The current time.
    pub now: Timestamp,
}

/// Records progress. Returns whether the writer still held the upload.
pub async fn record(connection: &Connection, progress: Progress<'_>) -> Result<bool, DbError> {
    let sql = "UPDATE uploads SET offset_bytes = $3, digest = $4, tail_url = $5, parts = $6, \
         held_parts = $7, expires_at = $8, updated_at = $9, ends = ends OR $10, \
         length_bytes = CASE WHEN $10 THEN $3 ELSE length_bytes END \
         WHERE id = $1 AND fence = $2 AND status = 'open'";
    let values = [
        progress.id.into(),
        progress.fence.into(),
        progress.offset.into(),
        progress.digest.into(),
        progress.tail.map(str::to_owned).into(),
        progress.parts.into(),
        progress.held_parts.into(),
        progress.expires_at.as_micros().into(),
        progress.now.as_micros().into(),
        progress.ends.into(),
    ];
    Ok(execute(connection, sql, values).await? > 0)
}

/// Puts off the expiry. Returns whether the writer still held the upload.
pub async fn touch(
    connection: &Connection,
    (id, fence): (Uuid, i64),
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = "UPDATE uploads SET expires_at = $3, updated_at = $4 \
         WHERE id = $1 AND fence = $2 AND status = 'open'";
    let values = [
        id.into(),
        fence.into(),
        expires_at.as_micros().into(),
        now.as_micros().into(),
    ];
    Ok(execute(connection, sql, values).await? > 0)
}

/// Ends the hold of a writer that has recorded everything it has written.
pub async fn release(connection: &Connection, (id, fence): (Uuid, i64)) -> Result<(), DbError> {
    let sql = "UPDATE uploads SET held_parts = 0 WHERE id = $1 AND fence = $2";
    execute(connection, sql, [id.into(), fence.into()]).await?;
    Ok(())
}

/// Sets the length and the reserved bytes of a locked upload.
pub async fn reserve(
    transaction: &DatabaseTransaction,
    id: Uuid,
    length: Option<i64>,
    reserved: i64,
) -> Result<(), DbError> {
    let sql = "UPDATE uploads SET length_bytes = $2, reserved_bytes = $3 WHERE id = $1";
    execute(
        transaction,
        sql,
        [id.into(), length.into(), reserved.into()],
    )
    .await?;
    Ok(())
}

/// Has the upload `by` take those of `parts` that are complete parts of the owner and that no other
/// one has taken. Returns how many it took.
pub async fn join(
    transaction: &DatabaseTransaction,
    (by, owner): (Uuid, Uuid),
    parts: &[Uuid],
) -> Result<u64, DbError> {
    let sql = format!(
        "UPDATE uploads SET joined_by = $2 WHERE id IN ({}) AND owner_id = $3 \
         AND status = 'complete' AND staged_url IS NOT NULL AND joined_by IS NULL",
        transaction.dialect().ids()
    );
    execute(
        transaction,
        sql,
        [parameter(parts)?, by.into(), owner.into()],
    )
    .await
}

/// Frees the parts that `by` has taken.
pub async fn leave(
    transaction: &DatabaseTransaction,
    by: Uuid,
    parts: &[Uuid],
) -> Result<(), DbError> {
    let sql = format!(
        "UPDATE uploads SET joined_by = NULL WHERE id IN ({}) AND joined_by = $2",
        transaction.dialect().ids()
    );
    execute(transaction, sql, [parameter(parts)?, by.into()]).await?;
    Ok(())
}

/// What an upload became.
#[derive(Clone, Copy, Debug)]
pub struct Completion<'a> {
    /// The upload.
    pub id: Uuid,
    /// Where its bytes are, if they are still its own.
    pub staged: Option<&'a str>,
    /// What it still holds of the quota.
    pub reserved: (i64, i64),
    /// The document.
    pub document: Option<Uuid>,
    /// The version.
    pub version: Option<i64>,
    /// When it expires, or is forgotten.
    pub expires_at: Timestamp,
    /// The current time.
    pub now: Timestamp,
}

/// Completes a locked upload.
pub async fn complete(
    transaction: &DatabaseTransaction,
    end: Completion<'_>,
) -> Result<(), DbError> {
    complete_where(transaction, end, "true").await?;
    Ok(())
}

/// Completes an upload that its client has written straight into the storage, and locks it. Returns
/// whether it was open.
pub async fn complete_direct(
    transaction: &DatabaseTransaction,
    end: Completion<'_>,
) -> Result<bool, DbError> {
    let is_open = "status = 'open' AND protocol = 'direct'";
    Ok(complete_where(transaction, end, is_open).await? > 0)
}

async fn complete_where(
    transaction: &DatabaseTransaction,
    end: Completion<'_>,
    condition: &str,
) -> Result<u64, DbError> {
    let sql = format!(
        "UPDATE uploads SET status = 'complete', staged_url = $2, tail_url = NULL, parts = '', \
         held_parts = 0, reserved_bytes = $3, reserved_documents = $4, document_id = $5, version = $6, \
         expires_at = $7, updated_at = $8 WHERE id = $1 AND {condition}"
    );
    let values = [
        end.id.into(),
        end.staged.map(str::to_owned).into(),
        end.reserved.0.into(),
        end.reserved.1.into(),
        end.document.into(),
        end.version.into(),
        end.expires_at.as_micros().into(),
        end.now.as_micros().into(),
    ];
    execute(transaction, sql, values).await
}
