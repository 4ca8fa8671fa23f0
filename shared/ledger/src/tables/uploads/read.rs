//! Reads and locks uploads.

use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::entity::{Column, Entity, Model};
use crate::batch::query_as;
use crate::{Database, DatabaseTransaction, DbError};
use domain::{TicketId, Timestamp, UploadProtocol, UploadStatus, UserId};

/// Returns the upload with this id.
pub async fn find(db: &Database, id: Uuid) -> Result<Option<Model>, DbError> {
    Ok(Entity::find_by_id(id).one(db.reader()).await?)
}

/// Returns at most `limit` uploads of a user that pass through the service, newest first, after the
/// one with id `before`.
pub async fn list(
    db: &Database,
    owner: UserId,
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Model>, DbError> {
    let mut select = Entity::find()
        .filter(Column::OwnerId.eq(owner.0))
        .filter(Column::Protocol.ne(UploadProtocol::Direct.as_str()));
    if let Some(before) = before {
        select = select.filter(Column::Id.lt(before));
    }
    let select = select.order_by_desc(Column::Id).limit(limit);
    Ok(select.all(db.reader()).await?)
}

/// Locks an upload, and returns it.
pub async fn lock(transaction: &DatabaseTransaction, id: Uuid) -> Result<Option<Model>, DbError> {
    let select = transaction.dialect().lock(Entity::find_by_id(id));
    Ok(select.one(transaction).await?)
}

/// The uploads of a user.
#[derive(Clone, Copy, Debug, FromQueryResult)]
pub struct UploadCount {
    /// Their own that hold a place: open ones, and parts that wait to be joined. Those with tickets
    /// don't count: strangers must not take the owner's places.
    pub open: i64,
    /// Whether more have ended than are kept.
    pub has_surplus: bool,
}

/// Counts the uploads of a user, of which `kept` that have ended are kept.
pub async fn count(
    transaction: &DatabaseTransaction,
    owner: UserId,
    kept: u32,
) -> Result<UploadCount, DbError> {
    let sql = "SELECT (SELECT count(*) FROM uploads WHERE owner_id = $1 AND ticket_id IS NULL \
         AND staged_url IS NOT NULL) AS open, EXISTS (SELECT 1 FROM uploads WHERE owner_id = $1 \
         AND staged_url IS NULL ORDER BY id DESC LIMIT 1 OFFSET $2) AS has_surplus";
    let values = [owner.0.into(), i64::from(kept).into()];
    let counted = query_as(transaction, sql, values).await?;
    let none = UploadCount {
        open: 0,
        has_surplus: false,
    };
    Ok(counted.into_iter().next().unwrap_or(none))
}

/// Returns how many uploads of a ticket are open.
pub async fn count_open_of_ticket(
    transaction: &DatabaseTransaction,
    ticket: TicketId,
) -> Result<u64, DbError> {
    let select = Entity::find()
        .filter(Column::TicketId.eq(ticket.0))
        .filter(Column::StagedUrl.is_not_null());
    Ok(select.count(transaction).await?)
}

/// Locks at most `limit` uploads with bytes whose time is over, but for those that others have
/// locked, and for parts that are being joined: these go with the upload that joins them. One that is
/// held is due if its writer was asked for a sign of life before `silent_since`, see
/// [`super::ask_writers`].
pub async fn due(
    transaction: &DatabaseTransaction,
    now: Timestamp,
    silent_since: Timestamp,
    limit: i64,
) -> Result<Vec<Model>, DbError> {
    let sql = format!(
        "SELECT uploads.* FROM uploads WHERE expires_at <= $1 AND staged_url IS NOT NULL \
         AND joined_by IS NULL AND (held_parts = 0 OR ticket_id IS NOT NULL \
         OR updated_at >= expires_at AND updated_at <= $2) ORDER BY expires_at, id LIMIT $3{}",
        transaction.dialect().lock_free_rows("uploads")
    );
    let (now, silent_since) = (now.as_micros(), silent_since.as_micros());
    query_as(
        transaction,
        sql,
        [now.into(), silent_since.into(), limit.into()],
    )
    .await
}

/// Locks at most `limit` uploads of a user.
pub async fn lock_of_owner(
    transaction: &DatabaseTransaction,
    owner: UserId,
    limit: i64,
) -> Result<Vec<Model>, DbError> {
    let sql = format!(
        "SELECT uploads.* FROM uploads WHERE owner_id = $1 ORDER BY id LIMIT $2{}",
        transaction.dialect().lock_rows("uploads")
    );
    query_as(transaction, sql, [owner.0.into(), limit.into()]).await
}

/// Locks at most `limit` open uploads of a ticket.
pub async fn lock_of_ticket(
    transaction: &DatabaseTransaction,
    ticket: Uuid,
    limit: i64,
) -> Result<Vec<Model>, DbError> {
    let sql = format!(
        "SELECT uploads.* FROM uploads WHERE ticket_id = $1 AND status = '{}' ORDER BY id LIMIT $2{}",
        UploadStatus::Open,
        transaction.dialect().lock_rows("uploads")
    );
    query_as(transaction, sql, [ticket.into(), limit.into()]).await
}

/// What the request that created an upload said.
#[derive(Clone, Copy, Debug)]
pub struct Creation<'a> {
    /// The protocol.
    pub protocol: &'a str,
    /// `Upload-Metadata`
    pub metadata: &'a str,
    /// All bytes, if known.
    pub length: Option<i64>,
}

/// Locks an open upload of a ticket that an equal request has created, and to which none has written.
/// Without metadata requests can't be told apart: such as bring their bytes with them.
pub async fn lock_untouched(
    transaction: &DatabaseTransaction,
    ticket: Uuid,
    creation: Creation<'_>,
) -> Result<Option<Model>, DbError> {
    let sql = format!(
        "SELECT uploads.* FROM uploads WHERE ticket_id = $1 AND status = '{}' AND protocol = $2 \
         AND metadata = $3 AND metadata <> '' AND COALESCE(length_bytes, -1) = $4 AND concat = '' AND fence = 0 \
         ORDER BY id LIMIT 1{}",
        UploadStatus::Open,
        transaction.dialect().lock_rows("uploads")
    );
    let values = [
        ticket.into(),
        creation.protocol.into(),
        creation.metadata.into(),
        creation.length.unwrap_or(-1).into(),
    ];
    let found = query_as(transaction, sql, values).await?;
    Ok(found.into_iter().next())
}

/// Returns at most `limit` open uploads that have all their bytes, or whose bytes are those of others,
/// and that nothing has happened to since `before`.
pub async fn unfinished(
    db: &Database,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<Model>, DbError> {
    let sql = format!(
        "SELECT uploads.* FROM uploads WHERE status = '{}' \
         AND (ends AND offset_bytes = length_bytes OR joins IS NOT NULL) \
         AND updated_at < $1 ORDER BY updated_at, id LIMIT $2",
        UploadStatus::Open
    );
    query_as(db.reader(), sql, [before.as_micros().into(), limit.into()]).await
}
