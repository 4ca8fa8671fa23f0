//! Finds webhooks and their deliveries, and forgets old ones.

use super::delivery::Delivery;
use super::webhook::Webhook;
use crate::readable::readable;
use crate::tables::{webhook_deliveries, webhooks};
use crate::{Database, DbError};
use domain::{DeliveryId, DeliveryStatus, Timestamp, UserId, WebhookId};

/// Deliveries that one statement deletes.
const BATCH: i64 = 1_000;

/// The bytes of attempts that one page reads: an answer is held in memory as often as it is asked for.
const PAGE: i64 = 1 << 20;

/// Some deliveries of a webhook.
#[derive(Clone, Debug)]
pub struct DeliveryPage {
    /// The deliveries.
    pub deliveries: Vec<Delivery>,
    /// After which one the next page goes on, if there is more.
    pub next: Option<DeliveryId>,
}

/// Returns a webhook of a user.
pub async fn find_webhook(
    db: &Database,
    (owner, id): (UserId, WebhookId),
) -> Result<Option<Webhook>, DbError> {
    let found = webhooks::find(db, id.0).await?;
    let found = found.filter(|row| row.owner_id == owner.0);
    found.map(Webhook::try_from).transpose()
}

/// Returns at most `limit` webhooks of a user, newest first, after the one with id `before`.
pub async fn list_webhooks(
    db: &Database,
    owner: UserId,
    before: Option<WebhookId>,
    limit: u64,
) -> Result<Vec<Webhook>, DbError> {
    let rows = webhooks::list(db, owner, before.map(|id| id.0), limit).await?;
    Ok(readable(rows, Webhook::try_from))
}

/// Returns at most `limit` deliveries of a webhook, perhaps of one status, newest first, after the one
/// with id `before`. They are fewer if their attempts take more than a MiB.
pub async fn list_deliveries(
    db: &Database,
    (webhook, status): (WebhookId, Option<DeliveryStatus>),
    before: Option<DeliveryId>,
    limit: u16,
) -> Result<DeliveryPage, DbError> {
    let which = (webhook, status.map(DeliveryStatus::as_str));
    let before = before.map(|id| id.0);
    let (rows, more) = webhook_deliveries::list(db, which, before, (limit, PAGE)).await?;
    let next = rows.last().filter(|_| more).map(|row| DeliveryId(row.id));
    let deliveries = readable(rows, Delivery::try_from);
    Ok(DeliveryPage { deliveries, next })
}

/// Forgets deliveries that ended before `before`. Returns whether there are no more.
pub async fn forget_deliveries(db: &Database, before: Timestamp) -> Result<bool, DbError> {
    let forgotten = webhook_deliveries::forget(db.writer(), before, BATCH).await?;
    Ok(forgotten < BATCH.unsigned_abs())
}
