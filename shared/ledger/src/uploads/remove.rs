//! Ends uploads without a document: terminated by their clients, expired, or of users who are
//! removed. Their bytes are discarded, and what they hold of the quota is given back, in the same
//! transaction.

use std::time::Duration;

use url::Url;
use uuid::Uuid;

use super::error::UploadError;
use super::upload::{Upload, bytes, column};
use crate::discards::{self, Discard};
use crate::retry_on_conflict::retry_on_conflict;
use crate::tables::events::{EventData, NewEvent, insert_events};
use crate::tables::uploads::{self, Creation, Model};
use crate::tables::users::Charges;
use crate::tickets::give_back;
use crate::{Commit, Database, DatabaseTransaction, DbError};
use domain::{EventKind, TicketId, Timestamp, UploadId, UploadStatus, UserId};

/// Uploads that one transaction ends.
const BATCH: i64 = 100;

/// Ended uploads that one transaction forgets.
const FORGOTTEN: i64 = 2_000;

/// How long the writer of an upload whose time is over may give no sign of life: longer than a request
/// waits for memory. One that receives bytes gives a sign every two seconds.
const SILENCE: Duration = Duration::from_mins(15);

/// By how much clocks of processes differ at most.
const SKEW: Duration = Duration::from_mins(10);

/// Deletes an upload. A document that it has become stays. With a fence, only while it is open and
/// nobody has taken it over since; otherwise it is [`UploadError::Superseded`].
pub async fn terminate_upload(
    on: &impl Commit<()>,
    (owner, id): (UserId, UploadId),
    fence: Option<u64>,
    now: Timestamp,
) -> Result<(), UploadError> {
    retry_on_conflict(|| async {
        let transaction = on.database().begin().await?;
        let row = uploads::lock(&transaction, id.0).await?;
        let row = row.filter(|row| row.owner_id == owner.0);
        let row = row.ok_or(UploadError::NotFound)?;
        let is_open = row.status == UploadStatus::Open.as_str();
        if fence.is_some_and(|fence| !is_open || bytes(row.fence) != fence) {
            return Err(UploadError::Superseded);
        }
        end_all(&transaction, std::slice::from_ref(&row), now).await?;
        uploads::delete(&transaction, &[row.id]).await?;
        Ok(on.commit(transaction, &()).await?)
    })
    .await
}

/// Discards the bytes of a tail that no upload refers to, whose removal failed. Its owner is charged
/// for them until they are gone.
pub async fn discard_tail(
    db: &Database,
    owner: UserId,
    (tail, size): (&Url, u64),
    now: Timestamp,
) -> Result<(), DbError> {
    let discard = Discard::of(owner.0, tail.to_string(), column(size));
    retry_on_conflict(|| async {
        let transaction = db.begin().await?;
        let mut charges = Charges::default();
        discards::add_charged(
            &transaction,
            std::slice::from_ref(&discard),
            &mut charges,
            now,
        )
        .await?;
        charges.write(&transaction).await?;
        Ok(transaction.commit().await?)
    })
    .await
}

/// Takes uploads back to `now` that were changed while the clock was ahead, so that they don't hold their
/// reservations until then, and returns how many. Offsets and fences stay.
pub async fn take_back_uploads(db: &Database, now: Timestamp) -> Result<u64, DbError> {
    retry_on_conflict(|| async {
        let transaction = db.begin().await?;
        let taken = uploads::take_back(&transaction, now, now.plus(SKEW), BATCH).await?;
        transaction.commit().await?;
        Ok(taken)
    })
    .await
}

/// Expires uploads whose time is over, and returns how many. One that a request writes to stays, also if
/// the clock has jumped.
pub async fn expire_uploads(
    db: &Database,
    now: Timestamp,
    forget_at: Timestamp,
) -> Result<u64, DbError> {
    retry_on_conflict(|| async {
        let transaction = db.begin().await?;
        uploads::ask_writers(&transaction, now).await?;
        let due = uploads::due(&transaction, now, now.minus(SILENCE), BATCH).await?;
        end_all(&transaction, &due, now).await?;
        let ids: Vec<Uuid> = due.iter().map(|row| row.id).collect();
        if !ids.is_empty() {
            uploads::expire(&transaction, &ids, forget_at, now).await?;
        }
        let events: Vec<_> = due.iter().map(|row| expired(row, now)).collect();
        insert_events(&transaction, &events).await?;
        transaction.commit().await?;
        Ok(due.len() as u64)
    })
    .await
}

/// The event of an upload that expired.
fn expired(row: &Model, now: Timestamp) -> NewEvent {
    let upload = EventData::Upload {
        upload: UploadId(row.id),
        name: row.name.clone(),
        offset: row.offset_bytes,
        length: row.length_bytes,
    };
    NewEvent::new(UserId(row.owner_id), EventKind::UploadExpired, upload, now)
}

/// Forgets uploads that ended long enough ago, and returns how many.
pub async fn forget_uploads(db: &Database, now: Timestamp) -> Result<u64, DbError> {
    let transaction = db.begin().await?;
    let forgotten = uploads::forget(&transaction, now, FORGOTTEN).await?;
    transaction.commit().await?;
    Ok(forgotten)
}

/// Deletes a batch of a removed user's uploads. Returns whether there were any.
pub(crate) async fn remove_uploads_of(
    transaction: &DatabaseTransaction,
    owner: UserId,
    now: Timestamp,
) -> Result<bool, DbError> {
    let rows = uploads::lock_of_owner(transaction, owner, BATCH).await?;
    discard_all(transaction, &rows, now).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    if !ids.is_empty() {
        uploads::delete(transaction, &ids).await?;
    }
    Ok(!rows.is_empty())
}

/// Deletes a batch of a ticket's open uploads. Returns whether there were any.
pub(crate) async fn end_uploads_of_ticket(
    transaction: &DatabaseTransaction,
    ticket: Uuid,
    now: Timestamp,
) -> Result<bool, DbError> {
    let rows = uploads::lock_of_ticket(transaction, ticket, BATCH).await?;
    discard_all(transaction, &rows, now).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    if !ids.is_empty() {
        uploads::delete(transaction, &ids).await?;
    }
    Ok(!rows.is_empty())
}

/// Ends an upload of a ticket that an equal request has created, and to which none has written: its
/// client has not got the answer, or has lost it, and begins once more. Uploads that were begun are
/// never ended so, and nobody gets more uses by it.
pub(super) async fn end_untouched(
    transaction: &DatabaseTransaction,
    ticket: TicketId,
    creation: Creation<'_>,
    now: Timestamp,
) -> Result<(), DbError> {
    let Some(row) = uploads::lock_untouched(transaction, ticket.0, creation).await? else {
        return Ok(());
    };
    end_all(transaction, std::slice::from_ref(&row), now).await?;
    uploads::delete(transaction, &[row.id]).await
}

/// Discards the bytes of locked uploads, frees the parts that they join, and gives back the uses of
/// their tickets for which no byte came: otherwise a stranger could upload and delete for ever.
async fn end_all(
    transaction: &DatabaseTransaction,
    rows: &[Model],
    now: Timestamp,
) -> Result<(), DbError> {
    discard_all(transaction, rows, now).await?;
    for row in rows {
        free_parts(transaction, row).await?;
        if let Some(ticket) = row
            .ticket_id
            .filter(|_| row.status == UploadStatus::Open.as_str() && row.offset_bytes == 0)
        {
            give_back(transaction, ticket, now).await?;
        }
    }
    Ok(())
}

/// Discards the bytes of locked uploads, and gives back what they hold of the quota. The caller
/// deletes or expires them.
pub(super) async fn discard_all(
    transaction: &DatabaseTransaction,
    rows: &[Model],
    now: Timestamp,
) -> Result<(), DbError> {
    let (mut discards, mut charges) = (Vec::new(), Charges::default());
    for row in rows {
        let charge = charges.to(row.owner_id);
        charge.reserved_bytes -= row.reserved_bytes;
        charge.used_documents -= row.reserved_documents;
        let urls = row.staged_url.iter().chain(&row.tail_url).cloned();
        discards.extend(Discard::at_any(
            row.owner_id,
            urls.collect(),
            row.offset_bytes,
        ));
    }
    discards::add_charged(transaction, &discards, &mut charges, now).await?;
    charges.write(transaction).await
}

/// Frees the parts of an upload that joins others.
async fn free_parts(transaction: &DatabaseTransaction, row: &Model) -> Result<(), DbError> {
    if row.joins.is_none() {
        return Ok(());
    }
    let upload = Upload::try_from(row.clone())?;
    let parts = upload.joins.unwrap_or_default();
    let parts: Vec<_> = parts.iter().map(|part| part.0).collect();
    uploads::leave(transaction, row.id, &parts).await
}
