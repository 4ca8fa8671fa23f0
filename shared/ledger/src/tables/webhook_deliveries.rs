//! The table `webhook_deliveries`: events that are, were or weren't delivered to a webhook, and tests.
//!
//! - The primary key finds one.
//! - `UNIQUE (webhook_id, sequence)` finds that of an event, which is replayed.
//! - `webhook_deliveries_of_webhook` and `webhook_deliveries_of_status` page those of a webhook.
//! - `webhook_deliveries_due` finds those that are to be attempted next.
//! - `webhook_deliveries_pending` finds those of all webhooks that are due next.
//! - `webhook_deliveries_settled` finds those that are too old to be kept.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{FromQueryResult, QueryOrder, QuerySelect};
use serde::Serialize;

use crate::batch::{Columns, Kind, execute, parameter, query_as};
use crate::{Database, DatabaseTransaction, DbError};
use domain::{DeliveryId, Timestamp, UserId, WebhookId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_deliveries")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub webhook_id: Uuid,
    pub sequence: Option<i64>,
    #[sea_orm(column_name = "type")]
    pub kind: String,
    pub status: String,
    pub tries: i64,
    pub next_attempt_at: Option<i64>,
    pub attempts: String,
    pub created_at: i64,
    pub settled_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A delivery to be inserted.
#[derive(Debug, Serialize)]
pub struct NewDelivery {
    pub id: DeliveryId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<i64>,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub status: &'static str,
}

/// Inserts deliveries of a webhook. One of an event that has one is pending again.
pub async fn insert(
    transaction: &DatabaseTransaction,
    webhook: Uuid,
    deliveries: &[NewDelivery],
    now: Timestamp,
) -> Result<(), DbError> {
    const COLUMNS: &Columns = &[
        ("id", Kind::Uuid),
        ("sequence", Kind::Integer),
        ("type", Kind::Text),
        ("status", Kind::Text),
    ];
    if deliveries.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "INSERT INTO webhook_deliveries (id, webhook_id, sequence, type, status, tries, next_attempt_at, attempts, \
         created_at, settled_at) SELECT x.id, $2, x.sequence, x.type, x.status, 0, \
         CASE WHEN x.status = 'pending' THEN $3 END, '[]', $3, CASE WHEN x.status <> 'pending' THEN $3 END \
         FROM {} WHERE true ON CONFLICT (webhook_id, sequence) DO UPDATE SET status = 'pending', tries = 0, \
         next_attempt_at = excluded.next_attempt_at, settled_at = NULL WHERE webhook_deliveries.status <> 'pending'",
        transaction.dialect().rows(COLUMNS)
    );
    let values = [
        parameter(deliveries)?,
        webhook.into(),
        now.as_micros().into(),
    ];
    execute(transaction, sql, values).await?;
    Ok(())
}

/// Returns how many deliveries of a webhook are pending, up to `most`.
pub async fn pending(
    transaction: &DatabaseTransaction,
    webhook: Uuid,
    most: i64,
) -> Result<i64, DbError> {
    #[derive(FromQueryResult)]
    struct Count {
        pending: i64,
    }

    let sql = "SELECT count(*) AS pending FROM (SELECT 1 FROM webhook_deliveries \
         WHERE webhook_id = $1 AND status = 'pending' LIMIT $2) AS counted";
    let found: Vec<Count> = query_as(transaction, sql, [webhook.into(), most.into()]).await?;
    Ok(found.first().map_or(0, |count| count.pending))
}

/// Returns when the next delivery of a webhook is due.
pub async fn next_due(
    transaction: &DatabaseTransaction,
    webhook: Uuid,
) -> Result<Option<i64>, DbError> {
    #[derive(FromQueryResult)]
    struct Due {
        next_attempt_at: i64,
    }

    let sql = "SELECT next_attempt_at FROM webhook_deliveries WHERE webhook_id = $1 AND status = 'pending' \
         ORDER BY next_attempt_at LIMIT 1";
    let found: Vec<Due> = query_as(transaction, sql, [webhook.into()]).await?;
    Ok(found.first().map(|due| due.next_attempt_at))
}

/// Returns at most `limit` pending deliveries of a webhook that are due, those that are due for longest
/// first.
pub async fn due(
    transaction: &DatabaseTransaction,
    webhook: Uuid,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<Model>, DbError> {
    let select = Entity::find()
        .filter(Column::WebhookId.eq(webhook))
        .filter(Column::Status.eq("pending"))
        .filter(Column::NextAttemptAt.lte(now.as_micros()))
        .order_by_asc(Column::NextAttemptAt)
        .order_by_asc(Column::Sequence)
        .limit(limit);
    Ok(select.all(transaction).await?)
}

/// What attempts made of a delivery.
#[derive(Debug, Serialize)]
pub struct Attempted {
    pub id: DeliveryId,
    pub status: &'static str,
    pub tries: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    pub attempts: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Timestamp>,
}

/// Records attempts. Of a delivery that was ended meanwhile, as when its webhook was disabled, only a
/// success changes the status.
pub async fn record(
    transaction: &DatabaseTransaction,
    attempted: &[Attempted],
) -> Result<(), DbError> {
    const COLUMNS: &Columns = &[
        ("id", Kind::Uuid),
        ("status", Kind::Text),
        ("tries", Kind::Integer),
        ("next_attempt_at", Kind::Integer),
        ("attempts", Kind::Text),
        ("settled_at", Kind::Integer),
    ];
    const IS_PENDING: &str = "webhook_deliveries.status = 'pending'";
    let sql = format!(
        "UPDATE webhook_deliveries SET tries = x.tries, attempts = x.attempts, \
         status = CASE WHEN {IS_PENDING} OR x.status = 'delivered' THEN x.status ELSE webhook_deliveries.status END, \
         next_attempt_at = CASE WHEN {IS_PENDING} THEN x.next_attempt_at END, \
         settled_at = CASE WHEN {IS_PENDING} THEN x.settled_at ELSE webhook_deliveries.settled_at END FROM {} \
         WHERE webhook_deliveries.id = x.id AND webhook_deliveries.status <> 'delivered'",
        transaction.dialect().rows(COLUMNS)
    );
    execute(transaction, sql, [parameter(attempted)?]).await?;
    Ok(())
}

/// Makes pending deliveries of a webhook due that no endpoint has been asked for, and returns whether
/// there are any.
pub async fn hasten(
    transaction: &DatabaseTransaction,
    webhook: Uuid,
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = "UPDATE webhook_deliveries SET next_attempt_at = $2 \
         WHERE webhook_id = $1 AND status = 'pending' AND tries = 0 AND next_attempt_at > $2";
    let hastened = execute(transaction, sql, [webhook.into(), now.as_micros().into()]).await?;
    Ok(hastened > 0)
}

/// Ends all pending deliveries of a webhook as failed.
pub async fn fail_pending(
    transaction: &DatabaseTransaction,
    webhook: Uuid,
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "UPDATE webhook_deliveries SET status = 'failed', next_attempt_at = NULL, settled_at = $2 \
         WHERE webhook_id = $1 AND status = 'pending'";
    execute(transaction, sql, [webhook.into(), now.as_micros().into()]).await?;
    Ok(())
}

/// Makes a delivery pending and due, with all attempts of the schedule.
pub async fn retry(
    transaction: &DatabaseTransaction,
    id: Uuid,
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "UPDATE webhook_deliveries SET status = 'pending', tries = 0, next_attempt_at = $2, \
         settled_at = NULL WHERE id = $1";
    execute(transaction, sql, [id.into(), now.as_micros().into()]).await?;
    Ok(())
}

/// Returns a delivery of a webhook.
pub async fn find(
    connection: &impl ConnectionTrait,
    webhook: Uuid,
    id: Uuid,
) -> Result<Option<Model>, DbError> {
    let found = Entity::find_by_id(id).one(connection).await?;
    Ok(found.filter(|row| row.webhook_id == webhook))
}

/// Returns at most `limit` deliveries of a webhook, newest first, after the one with id `before`, and
/// whether there are more. The attempts of all but the last take at most `bytes`.
pub async fn list(
    db: &Database,
    (webhook, status): (WebhookId, Option<&'static str>),
    before: Option<Uuid>,
    (limit, bytes): (u16, i64),
) -> Result<(Vec<Model>, bool), DbError> {
    #[derive(FromQueryResult)]
    struct Size {
        id: Uuid,
        bytes: i64,
    }

    let mut select = Entity::find().filter(Column::WebhookId.eq(webhook.0));
    if let Some(status) = status {
        select = select.filter(Column::Status.eq(status));
    }
    if let Some(before) = before {
        select = select.filter(Column::Id.lt(before));
    }
    let size = Expr::cust("CAST(octet_length(attempts) AS bigint)");
    let select = select.select_only().column(Column::Id);
    let select = select.expr_as(size, "bytes");
    let select = select.order_by_desc(Column::Id).limit(u64::from(limit) + 1);
    let found: Vec<Size> = select.into_model::<Size>().all(db.reader()).await?;
    let mut room = bytes;
    let fits = |one: &&Size| {
        let fits = room >= 0;
        room -= one.bytes;
        fits
    };
    let page = found.iter().take(limit.into()).take_while(fits);
    let page: Vec<_> = page.map(|one| one.id).collect();
    let more = page.len() < found.len();
    let select = Entity::find().filter(Column::Id.is_in(page));
    let rows = select.order_by_desc(Column::Id).all(db.reader()).await?;
    Ok((rows, more))
}

/// Deletes ended deliveries of a webhook beyond the newest `kept`.
pub async fn trim(
    transaction: &DatabaseTransaction,
    webhook: Uuid,
    kept: i64,
) -> Result<(), DbError> {
    let sql = "DELETE FROM webhook_deliveries WHERE webhook_id = $1 AND status <> 'pending' AND id <= \
         (SELECT id FROM webhook_deliveries WHERE webhook_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)";
    execute(transaction, sql, [webhook.into(), kept.into()]).await?;
    Ok(())
}

/// Deletes at most `limit` deliveries that ended before `before`, and returns how many.
pub async fn forget(
    connection: &impl ConnectionTrait,
    before: Timestamp,
    limit: i64,
) -> Result<u64, DbError> {
    let sql = "DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM webhook_deliveries \
         WHERE settled_at IS NOT NULL AND settled_at < $1 ORDER BY settled_at LIMIT $2)";
    execute(connection, sql, [before.as_micros().into(), limit.into()]).await
}

/// Deletes at most `limit` deliveries to webhooks of a user, and returns how many.
pub async fn delete_of_owner(
    transaction: &DatabaseTransaction,
    owner: UserId,
    limit: i64,
) -> Result<u64, DbError> {
    let sql = "DELETE FROM webhook_deliveries WHERE id IN (SELECT d.id FROM webhooks w \
         JOIN webhook_deliveries d ON d.webhook_id = w.id WHERE w.owner_id = $1 LIMIT $2)";
    execute(transaction, sql, [owner.0.into(), limit.into()]).await
}
