//! Deliveries that an owner asks for: a test, one again, and all from a place on.

use super::change::{is_enabled, lock_own};
use super::deliver::MOST_PENDING;
use super::delivery::Delivery;
use super::webhook::{Webhook, WebhookError};
use crate::retry_on_conflict::retry_on_conflict;
use crate::tables::webhook_deliveries::{self, NewDelivery};
use crate::tables::webhooks::{self, Model};
use crate::{Commit, Database, DatabaseTransaction, DbError, FeedPosition, FeedRequest, read_feed};
use domain::{DeliveryId, DeliveryStatus, Timestamp, UserId, WebhookId};

/// The type of the delivery that tests a webhook.
const TEST: &str = "webhook.test";

/// Creates a delivery that tests a webhook.
pub async fn test_webhook(
    on: &impl Commit<Delivery>,
    (owner, id): (UserId, WebhookId),
    now: Timestamp,
) -> Result<Delivery, WebhookError> {
    retry_on_conflict(|| async {
        let transaction = on.database().begin().await?;
        let row = lock_with_room(&transaction, owner, id).await?;
        let delivery = DeliveryId::new(now);
        let new = NewDelivery {
            id: delivery,
            sequence: None,
            kind: TEST,
            status: DeliveryStatus::Pending.as_str(),
        };
        webhook_deliveries::insert(&transaction, row.id, &[new], now).await?;
        let made = read(&transaction, &row, delivery).await?;
        end(on, transaction, (row, made), now).await
    })
    .await
}

/// Makes a delivery due, with all attempts of the schedule.
pub async fn retry_delivery(
    on: &impl Commit<Delivery>,
    (owner, webhook): (UserId, WebhookId),
    id: DeliveryId,
    now: Timestamp,
) -> Result<Delivery, WebhookError> {
    retry_on_conflict(|| async {
        let transaction = on.database().begin().await?;
        let row = lock_own(&transaction, owner, webhook).await?;
        read(&transaction, &row, id).await?;
        let row = with_room(&transaction, row).await?;
        webhook_deliveries::retry(&transaction, id.0, now).await?;
        let made = read(&transaction, &row, id).await?;
        end(on, transaction, (row, made), now).await
    })
    .await
}

/// Has all events after a place delivered again.
pub async fn replay_webhook(
    on: &impl Commit<Webhook>,
    (owner, id): (UserId, WebhookId),
    after: FeedPosition,
) -> Result<Webhook, WebhookError> {
    check_place(on.database(), owner, after).await?;
    retry_on_conflict(|| async {
        let transaction = on.database().begin().await?;
        let mut row = lock_own(&transaction, owner, id).await?;
        if !is_enabled(&row) {
            return Err(WebhookError::Disabled);
        }
        row.position = row.position.min(after.0);
        let webhook = Webhook::try_from(row.clone())?;
        webhooks::update(&transaction, row).await?;
        on.commit(transaction, &webhook).await?;
        Ok(webhook)
    })
    .await
}

/// Whether all events after the place are kept.
async fn check_place(
    db: &Database,
    owner: UserId,
    after: FeedPosition,
) -> Result<(), WebhookError> {
    let first = FeedRequest {
        owner,
        after: Some(after),
        types: None,
        document: None,
        limit: 1,
        bytes: 0,
    };
    read_feed(db, &first).await?;
    Ok(())
}

async fn lock_with_room(
    transaction: &DatabaseTransaction,
    owner: UserId,
    id: WebhookId,
) -> Result<Model, WebhookError> {
    let row = lock_own(transaction, owner, id).await?;
    with_room(transaction, row).await
}

async fn with_room(transaction: &DatabaseTransaction, row: Model) -> Result<Model, WebhookError> {
    if !is_enabled(&row) {
        return Err(WebhookError::Disabled);
    }
    let pending = webhook_deliveries::pending(transaction, row.id, MOST_PENDING + 1).await?;
    if pending > MOST_PENDING {
        return Err(WebhookError::TooManyPending);
    }
    Ok(row)
}

async fn read(
    transaction: &DatabaseTransaction,
    webhook: &Model,
    id: DeliveryId,
) -> Result<Delivery, WebhookError> {
    let found = webhook_deliveries::find(transaction, webhook.id, id.0).await?;
    Ok(found.ok_or(WebhookError::NotFound)?.try_into()?)
}

/// Has the webhook attempt what is due.
async fn end(
    on: &impl Commit<Delivery>,
    transaction: DatabaseTransaction,
    (mut row, made): (Model, Delivery),
    now: Timestamp,
) -> Result<Delivery, WebhookError> {
    row.due_at = Some(now.as_micros());
    webhooks::update(&transaction, row).await?;
    let committed: Result<(), DbError> = on.commit(transaction, &made).await;
    committed?;
    Ok(made)
}
