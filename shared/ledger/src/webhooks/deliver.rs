//! What the job of a webhook does with the ledger: it makes deliveries of new events, takes those that
//! are due, and records what became of them.
//!
//! Of a webhook a bounded number is pending; other events wait in the log. If the process dies, what it
//! took is still pending, and is attempted again under the same id.

use std::time::Duration;

use sea_orm::FromQueryResult;
use tracing::warn;

use super::change::{disable, is_enabled};
use super::delivery::{DeliveryAttempt, with_attempt};
use super::webhook::{Webhook, WebhookError, read_types};
use crate::batch::query_as;
use crate::feed::events_at;
use crate::retry_on_conflict::retry_on_conflict;
use crate::tables::webhook_deliveries::{self, Attempted, NewDelivery};
use crate::tables::webhooks::{self, Model};
use crate::{
    Database, DatabaseTransaction, DbError, FeedEvent, FeedPosition, SecretError, SecretSealer,
    WebhookSecret, write_audit_log,
};
use domain::{
    AuditEntry, AuditKind, AuditOrigin, DeliveryId, DeliveryStatus, DisabledReason, EventType,
    Schedule, Timestamp, UserId, WebhookId,
};

/// The most pending deliveries of a webhook; tests and those that are repeated may be beyond it.
pub(super) const MOST_PENDING: i64 = 1_000;

/// Events that one transaction makes deliveries of.
const EVENTS: i64 = 200;

/// Deliveries that are attempted before the next look, if the endpoint's latest answer was a success. Of
/// others it is one, so that an endpoint that hangs holds one connection.
const DUE: u64 = 8;

/// The ended deliveries of a webhook that are kept.
const KEPT: i64 = 10_000;

/// The type of the delivery that tells that a webhook was disabled.
const DISABLED: &str = "webhook.disabled";

/// The type of the delivery that stands for events which left the feed before they were followed.
const EXPIRED: &str = "webhook.events_expired";

/// What is to be delivered now.
#[derive(Debug)]
pub struct Turn {
    /// The URL.
    pub url: String,
    /// The secrets that sign, the newest first; none if they can't be opened.
    pub secrets: Vec<WebhookSecret>,
    /// The deliveries.
    pub due: Vec<DueDelivery>,
    /// Whether there may be more events.
    pub more: bool,
    /// Whether the endpoint has failed since its latest success.
    pub is_failing: bool,
}

/// A delivery that is due.
#[derive(Debug)]
pub struct DueDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// When it was created.
    pub created_at: Timestamp,
    /// The event; none for a test, or if it isn't kept any more.
    pub event: Option<FeedEvent>,
    /// Whether it tests the webhook.
    pub is_test: bool,
    /// Attempts of the schedule that failed.
    pub tries: u32,
    attempts: String,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptEnd {
    /// It succeeded.
    Delivered,
    /// It is attempted again, unless that was the last time.
    Failed {
        /// How long the endpoint asks to wait.
        asked: Option<Duration>,
        /// Spreads the next attempts.
        random: u32,
    },
    /// The endpoint is gone.
    Gone,
    /// The service was unable to send it, which is no failed attempt: it is attempted again.
    Unable,
    /// There is nothing to deliver any more.
    Lost,
}

/// An attempt.
#[derive(Debug)]
pub struct AttemptResult {
    /// What was attempted.
    pub delivery: DueDelivery,
    /// How it went.
    pub attempt: DeliveryAttempt,
    /// What became of it.
    pub end: AttemptEnd,
}

/// Makes deliveries of the next events, and takes those that are due. `None` if the webhook is disabled
/// or gone.
pub async fn begin_turn(
    db: &Database,
    id: WebhookId,
    sealer: &SecretSealer,
    now: Timestamp,
) -> Result<Option<Turn>, WebhookError> {
    let Some((row, due, more)) = retry_on_conflict(|| take(db, id, now)).await? else {
        return Ok(None);
    };
    let mut kept = vec![row.secret.as_str()];
    let is_valid = row
        .old_secret_until
        .is_some_and(|until| until > now.as_micros());
    kept.extend(row.old_secret.as_deref().filter(|_| is_valid));
    let mut secrets = Vec::new();
    for text in kept {
        match sealer.open(db, (id, text), now).await {
            Ok(secret) => secrets.push(secret),
            Err(error @ SecretError::Open(_)) => warn!(%error, "deliveries can't be signed"),
            Err(error) => return Err(error.into()),
        }
    }
    let places: Vec<_> = due.iter().filter_map(|row| row.sequence).collect();
    let places: Vec<_> = places.into_iter().map(FeedPosition).collect();
    let mut events = events_at(db, UserId(row.owner_id), &places).await?;
    let due = due.into_iter().map(|row| {
        let place = row.sequence.map(FeedPosition);
        let found = events
            .iter()
            .position(|event| Some(event.position) == place);
        DueDelivery {
            id: DeliveryId(row.id),
            created_at: Timestamp::from_micros(row.created_at),
            event: found.map(|index| events.swap_remove(index)),
            is_test: place.is_none(),
            tries: u32::try_from(row.tries).unwrap_or(u32::MAX),
            attempts: row.attempts,
        }
    });
    Ok(Some(Turn {
        due: due.collect(),
        url: row.url,
        secrets,
        more,
        is_failing: row.failing_since.is_some(),
    }))
}

type Taken = (Model, Vec<webhook_deliveries::Model>, bool);

async fn take(db: &Database, id: WebhookId, now: Timestamp) -> Result<Option<Taken>, WebhookError> {
    let transaction = db.begin().await?;
    let row = webhooks::lock(&transaction, id.0).await?;
    let Some(mut row) = row.filter(is_enabled) else {
        return Ok(None);
    };
    let before = row.clone();
    let attempted = row.last_success_at.max(row.last_failure_at);
    if attempted.is_none_or(|at| now.since(Timestamp::from_micros(at)) > Schedule::QUIET) {
        row.failing_since = None;
    }
    let pending = webhook_deliveries::pending(&transaction, row.id, MOST_PENDING).await?;
    let more = follow(&transaction, &mut row, MOST_PENDING - pending, now).await?;
    let is_proven = row.last_success_at.is_some() && row.failing_since.is_none();
    let most = if is_proven { DUE } else { 1 };
    let due = webhook_deliveries::due(&transaction, row.id, now, most).await?;
    // Nobody else would look for them if this job died.
    let first = due.first().and_then(|delivery| delivery.next_attempt_at);
    row.due_at = row.due_at.into_iter().chain(first).min();
    if row != before {
        webhooks::update(&transaction, row.clone()).await?;
    }
    transaction.commit().await.map_err(DbError::from)?;
    Ok(Some((row, due, more)))
}

/// The next event, if there is one, and up to where events have left the feed.
#[derive(FromQueryResult)]
struct Told {
    events_floor: i64,
    sequence: Option<i64>,
    kind: Option<String>,
}

/// Makes deliveries of the events behind the webhook's position, at most `room`. Returns whether there
/// may be more.
async fn follow(
    transaction: &DatabaseTransaction,
    row: &mut Model,
    room: i64,
    now: Timestamp,
) -> Result<bool, WebhookError> {
    row.is_full = room <= 0;
    if row.is_full {
        return Ok(false);
    }
    let limit = room.min(EVENTS);
    let sql = "SELECT u.events_floor, e.sequence, e.kind FROM users u LEFT JOIN (SELECT sequence, type AS kind \
         FROM events WHERE (owner_id, sequence) > ($1, $2) AND owner_id <= $1 AND type IS NOT NULL \
         ORDER BY owner_id, sequence LIMIT $3) AS e ON TRUE WHERE u.id = $1 ORDER BY e.sequence";
    let values = [row.owner_id.into(), row.position.into(), limit.into()];
    let events: Vec<Told> = query_as(transaction, sql, values).await?;
    let floor = events.first().map_or(0, |event| event.events_floor);
    // Its event isn't kept, so it ends as failed and says so: the owner sees that there is a gap.
    let gap = (row.position < floor).then(|| NewDelivery {
        id: DeliveryId::new(now),
        sequence: Some(floor),
        kind: EXPIRED,
        status: DeliveryStatus::Pending.as_str(),
    });
    row.position = row.position.max(floor);
    let types =
        read_types(&row.types).ok_or_else(|| DbError::corrupt("webhooks", "types", row.id))?;
    let wanted = |event: &Told| {
        let kind: EventType = event.kind.as_ref()?.parse().ok()?;
        types.has(kind).then(|| NewDelivery {
            id: DeliveryId::new(now),
            sequence: event.sequence,
            kind: kind.as_str(),
            status: DeliveryStatus::Pending.as_str(),
        })
    };
    let deliveries = gap.into_iter().chain(events.iter().filter_map(wanted));
    let deliveries: Vec<_> = deliveries.collect();
    let found = events.iter().filter_map(|event| event.sequence);
    let (last, found) = (found.clone().next_back(), found.count());
    webhook_deliveries::insert(transaction, row.id, &deliveries, now).await?;
    row.position = last.unwrap_or(row.position);
    Ok(i64::try_from(found).is_ok_and(|found| found >= limit))
}

/// Records attempts, and disables a webhook whose endpoint is gone or has failed for too long. Returns
/// whether it is enabled.
pub async fn record_attempts(
    db: &Database,
    id: WebhookId,
    results: &[AttemptResult],
    now: Timestamp,
) -> Result<bool, WebhookError> {
    retry_on_conflict(|| async {
        let transaction = db.begin().await?;
        let Some(mut row) = webhooks::lock(&transaction, id.0).await? else {
            return Ok(false);
        };
        let attempted: Vec<_> = results
            .iter()
            .map(|result| attempted(result, now))
            .collect();
        webhook_deliveries::record(&transaction, &attempted).await?;
        for result in results {
            note(&mut row, result);
        }
        let mut logged = None;
        if let Some(reason) = reason_to_disable(&row, results, now).filter(|_| is_enabled(&row)) {
            logged = Some(disable_and_tell(&transaction, &mut row, reason, now).await?);
        }
        let is_enabled = is_enabled(&row);
        webhooks::update(&transaction, row).await?;
        transaction.commit().await.map_err(DbError::from)?;
        logged.iter().for_each(AuditEntry::log);
        Ok(is_enabled)
    })
    .await
}

/// Disables a locked webhook, which is to be written, and tells its owner by a delivery and admins by the
/// security log.
async fn disable_and_tell(
    transaction: &DatabaseTransaction,
    row: &mut Model,
    reason: DisabledReason,
    now: Timestamp,
) -> Result<AuditEntry, WebhookError> {
    disable(transaction, row, reason, now).await?;
    let told = NewDelivery {
        id: DeliveryId::new(now),
        sequence: None,
        kind: DISABLED,
        status: DeliveryStatus::Failed.as_str(),
    };
    webhook_deliveries::insert(transaction, row.id, &[told], now).await?;
    let event = Webhook::try_from(row.clone())?.event(AuditKind::WebhookDisabled);
    let entry = AuditEntry::single(AuditOrigin::SERVICE, event, now);
    write_audit_log(transaction, std::slice::from_ref(&entry)).await?;
    Ok(entry)
}

fn attempted(result: &AttemptResult, now: Timestamp) -> Attempted {
    let delivery = &result.delivery;
    let is_unable = result.end == AttemptEnd::Unable;
    let tries = delivery.tries.saturating_add(u32::from(!is_unable));
    let next = match result.end {
        AttemptEnd::Unable => Some(Schedule::UNABLE),
        AttemptEnd::Failed { asked, random } => Schedule::pause_after(tries, asked, random),
        AttemptEnd::Delivered | AttemptEnd::Gone | AttemptEnd::Lost => None,
    };
    let status = match (result.end, next) {
        (AttemptEnd::Delivered, _) => DeliveryStatus::Delivered,
        (_, Some(_)) => DeliveryStatus::Pending,
        (_, None) => DeliveryStatus::Failed,
    };
    Attempted {
        id: delivery.id,
        status: status.as_str(),
        tries,
        next_attempt_at: next.map(|pause| now.plus(pause)),
        attempts: with_attempt(&delivery.attempts, &result.attempt),
        settled_at: next.is_none().then_some(now),
    }
}

/// Notes in the row how an attempt went.
fn note(row: &mut Model, result: &AttemptResult) {
    let at = result.attempt.at.as_micros();
    match result.end {
        AttemptEnd::Delivered => {
            row.last_success_at = row.last_success_at.max(Some(at));
            row.failing_since = None;
        }
        AttemptEnd::Failed { .. } | AttemptEnd::Gone => {
            row.last_failure_at = row.last_failure_at.max(Some(at));
            row.failing_since = row.failing_since.or(Some(at));
        }
        AttemptEnd::Unable | AttemptEnd::Lost => {}
    }
}

fn reason_to_disable(
    row: &Model,
    results: &[AttemptResult],
    now: Timestamp,
) -> Option<DisabledReason> {
    if results.iter().any(|result| result.end == AttemptEnd::Gone) {
        return Some(DisabledReason::Gone);
    }
    let since = Timestamp::from_micros(row.failing_since?);
    (now.since(since) >= Schedule::FAILING).then_some(DisabledReason::Failing)
}

/// Notes when the webhook has something to deliver next, not before `earliest`, and forgets surplus
/// deliveries.
pub async fn end_turn(
    db: &Database,
    id: WebhookId,
    earliest: Option<Timestamp>,
) -> Result<(), WebhookError> {
    retry_on_conflict(|| async {
        let transaction = db.begin().await?;
        let row = webhooks::lock(&transaction, id.0).await?;
        let Some(mut row) = row else {
            return Ok(());
        };
        let before = row.clone();
        webhook_deliveries::trim(&transaction, row.id, KEPT).await?;
        if is_enabled(&row) {
            let pending = webhook_deliveries::pending(&transaction, row.id, MOST_PENDING).await?;
            row.is_full = pending >= MOST_PENDING;
            let due = webhook_deliveries::next_due(&transaction, row.id).await?;
            if due.is_none() {
                row.failing_since = None;
            }
            row.due_at = due.max(earliest.filter(|_| due.is_some()).map(Timestamp::as_micros));
        }
        if row != before {
            webhooks::update(&transaction, row).await?;
        }
        transaction.commit().await.map_err(DbError::from)?;
        Ok(())
    })
    .await
}
