//! Webhooks are created, edited and deleted, and get new secrets.

use super::audit::ChangedWebhook;
use super::webhook::{MOST, Webhook, WebhookError, write_types};
use crate::feed::feed_end;
use crate::retry_on_conflict::retry_on_conflict;
use crate::tables::webhooks::{self, Model};
use crate::tables::{users, webhook_deliveries};
use crate::{Commit, DatabaseTransaction};
use domain::{DisabledReason, Schedule, Timestamp, UserId, WebhookId, WebhookStatus, WebhookTypes};

/// A webhook to be created.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    /// Its id.
    pub id: WebhookId,
    /// Its owner.
    pub owner: UserId,
    /// Where events are delivered: a URL that was checked.
    pub url: String,
    /// Which events.
    pub types: WebhookTypes,
    /// The owner's words.
    pub description: Option<String>,
    /// Its secret, sealed.
    pub secret: String,
}

/// Changes of a webhook.
#[derive(Clone, Debug, Default)]
pub struct WebhookChanges {
    /// Where events are delivered: a URL that was checked.
    pub url: Option<String>,
    /// Which events.
    pub types: Option<WebhookTypes>,
    /// The owner's words.
    pub description: Option<Option<String>>,
    /// Whether anything is delivered.
    pub status: Option<WebhookStatus>,
}

/// Creates a webhook, which is told of events from now on.
pub async fn create_webhook(
    on: &impl Commit<Webhook>,
    new: &NewWebhook,
    now: Timestamp,
) -> Result<Webhook, WebhookError> {
    retry_on_conflict(|| async {
        let position = feed_end(on.database(), new.owner).await?;
        let transaction = on.database().begin().await?;
        if users::lock(&transaction, new.owner.0).await?.is_none() {
            return Err(WebhookError::OwnerGone);
        }
        if webhooks::count(&transaction, new.owner).await? >= MOST {
            return Err(WebhookError::TooMany);
        }
        let row = Model {
            id: new.id.0,
            owner_id: new.owner.0,
            url: new.url.clone(),
            types: write_types(&new.types),
            description: new.description.clone(),
            status: WebhookStatus::Enabled.as_str().to_owned(),
            disabled_reason: None,
            secret: new.secret.clone(),
            old_secret: None,
            old_secret_until: None,
            position: position.0,
            is_full: false,
            due_at: None,
            job_id: None,
            failing_since: None,
            last_success_at: None,
            last_failure_at: None,
            created_at: now.as_micros(),
        };
        let created = Webhook::try_from(row.clone())?;
        webhooks::insert(&transaction, row).await?;
        on.commit(transaction, &created).await?;
        Ok(created)
    })
    .await
}

/// Edits a webhook. One that is enabled again is told of events from now on.
pub async fn edit_webhook(
    on: &impl Commit<ChangedWebhook>,
    (owner, id): (UserId, WebhookId),
    changes: &WebhookChanges,
    now: Timestamp,
) -> Result<Webhook, WebhookError> {
    retry_on_conflict(|| async {
        let position = feed_end(on.database(), owner).await?;
        let transaction = on.database().begin().await?;
        let mut row = lock_own(&transaction, owner, id).await?;
        let before = Webhook::try_from(row.clone())?;
        if let Some(url) = &changes.url {
            row.url.clone_from(url);
        }
        if let Some(types) = &changes.types {
            row.types = write_types(types);
        }
        if let Some(description) = &changes.description {
            row.description.clone_from(description);
        }
        match changes.status {
            Some(WebhookStatus::Enabled) if !is_enabled(&row) => {
                WebhookStatus::Enabled.as_str().clone_into(&mut row.status);
                row.disabled_reason = None;
                row.failing_since = None;
                row.position = row.position.max(position.0);
            }
            Some(WebhookStatus::Disabled) if is_enabled(&row) => {
                disable(&transaction, &mut row, DisabledReason::Requested, now).await?;
            }
            _ => {}
        }
        let edited = ChangedWebhook {
            before,
            after: Webhook::try_from(row.clone())?,
        };
        webhooks::update(&transaction, row).await?;
        on.commit(transaction, &edited).await?;
        Ok(edited.after)
    })
    .await
}

/// Gives a webhook another secret. The one before signs as well for a day. What waits for a secret is
/// due.
pub async fn rotate_webhook(
    on: &impl Commit<Webhook>,
    (owner, id): (UserId, WebhookId),
    secret: &str,
    now: Timestamp,
) -> Result<Webhook, WebhookError> {
    retry_on_conflict(|| async {
        let transaction = on.database().begin().await?;
        let mut row = lock_own(&transaction, owner, id).await?;
        let old = std::mem::replace(&mut row.secret, secret.to_owned());
        row.old_secret = Some(old);
        row.old_secret_until = Some(now.plus(Schedule::ROTATED).as_micros());
        if webhook_deliveries::hasten(&transaction, row.id, now).await? {
            row.due_at = Some(now.as_micros());
        }
        let rotated = Webhook::try_from(row.clone())?;
        webhooks::update(&transaction, row).await?;
        on.commit(transaction, &rotated).await?;
        Ok(rotated)
    })
    .await
}

/// Deletes a webhook, with its deliveries.
pub async fn delete_webhook(
    on: &impl Commit<()>,
    (owner, id): (UserId, WebhookId),
) -> Result<(), WebhookError> {
    retry_on_conflict(|| async {
        let transaction = on.database().begin().await?;
        let row = lock_own(&transaction, owner, id).await?;
        webhooks::delete(&transaction, row.id).await?;
        Ok(on.commit(transaction, &()).await?)
    })
    .await
}

/// Locks a webhook of a user.
pub(super) async fn lock_own(
    transaction: &DatabaseTransaction,
    owner: UserId,
    id: WebhookId,
) -> Result<Model, WebhookError> {
    let row = webhooks::lock(transaction, id.0).await?;
    let row = row.filter(|row| row.owner_id == owner.0);
    row.ok_or(WebhookError::NotFound)
}

pub(super) fn is_enabled(row: &Model) -> bool {
    row.status == WebhookStatus::Enabled.as_str()
}

/// Disables a locked webhook, which is to be written: what is pending has failed.
pub(super) async fn disable(
    transaction: &DatabaseTransaction,
    row: &mut Model,
    reason: DisabledReason,
    now: Timestamp,
) -> Result<(), WebhookError> {
    WebhookStatus::Disabled.as_str().clone_into(&mut row.status);
    row.disabled_reason = Some(reason.as_str().to_owned());
    row.due_at = None;
    row.is_full = false;
    webhook_deliveries::fail_pending(transaction, row.id, now).await?;
    Ok(())
}
