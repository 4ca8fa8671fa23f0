//! A webhook as its row describes it.

use crate::retry_on_conflict::MayConflict;
use crate::tables::webhooks::Model;
use crate::{DbError, FeedError, SecretError};
use domain::{
    DisabledReason, Timestamp, UserId, WebhookId, WebhookStatus, WebhookTypes, read_json,
};

/// The most webhooks of a user.
pub(super) const MOST: u64 = 20;

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Its owner.
    pub owner: UserId,
    /// Where events are delivered.
    pub url: String,
    /// Which events.
    pub types: WebhookTypes,
    /// The owner's words.
    pub description: Option<String>,
    /// Its status.
    pub status: WebhookStatus,
    /// Why it is disabled.
    pub disabled_reason: Option<DisabledReason>,
    /// When a delivery succeeded last.
    pub last_success_at: Option<Timestamp>,
    /// When an attempt failed last.
    pub last_failure_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A refused change of webhooks or their deliveries.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// There is no such webhook or delivery, or another user owns it.
    #[error("there is no such webhook or delivery")]
    NotFound,
    /// The owner has as many webhooks as allowed.
    #[error("the user has {MOST} webhooks, which is the limit")]
    TooMany,
    /// As many deliveries are pending as allowed.
    #[error("too many deliveries are pending")]
    TooManyPending,
    /// The webhook is disabled.
    #[error("the webhook is disabled")]
    Disabled,
    /// The owner has been deleted.
    #[error("the owner is gone")]
    OwnerGone,
    /// Events after the place were removed.
    #[error("events after the cursor are not kept any more")]
    Expired,
    /// The secret can't be sealed or opened.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl MayConflict for WebhookError {
    fn database_error(&self) -> Option<&DbError> {
        match self {
            Self::Database(error) => Some(error),
            _ => None,
        }
    }
}

impl From<FeedError> for WebhookError {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Expired => Self::Expired,
            FeedError::NoOwner => Self::OwnerGone,
            FeedError::Database(error) => Self::Database(error),
        }
    }
}

/// Types as they are in a row. Those that this release doesn't know are left out.
pub(super) fn read_types(text: &str) -> Option<WebhookTypes> {
    let words: Vec<String> = read_json(text.as_bytes()).ok()?;
    if words.is_empty() {
        return Some(WebhookTypes::All);
    }
    let known = words.iter().filter_map(|word| word.parse().ok());
    Some(WebhookTypes::Some(known.collect()))
}

/// Types as a row has them.
pub(super) fn write_types(types: &WebhookTypes) -> String {
    let words = match types {
        WebhookTypes::All => Vec::new(),
        WebhookTypes::Some(_) => types.words(),
    };
    // A list of names can always be written.
    serde_json::to_string(&words).unwrap_or_default()
}

impl TryFrom<Model> for Webhook {
    type Error = DbError;

    fn try_from(row: Model) -> Result<Self, DbError> {
        let corrupt = |column| DbError::corrupt("webhooks", column, row.id);
        let reason = row.disabled_reason.as_deref().map(str::parse).transpose();
        Ok(Self {
            id: WebhookId(row.id),
            owner: UserId(row.owner_id),
            types: read_types(&row.types).ok_or_else(|| corrupt("types"))?,
            url: row.url,
            description: row.description,
            status: row.status.parse().map_err(|_| corrupt("status"))?,
            disabled_reason: reason.map_err(|_| corrupt("disabled_reason"))?,
            last_success_at: row.last_success_at.map(Timestamp::from_micros),
            last_failure_at: row.last_failure_at.map(Timestamp::from_micros),
            created_at: Timestamp::from_micros(row.created_at),
        })
    }
}
