//! The uses of a ticket: an upload that begins takes one, with what is reserved for it, and one that
//! ends without a byte gives it back.

use uuid::Uuid;

use super::ticket::Ticket;
use crate::tables::events::{EventData, NewEvent, insert_events};
use crate::tables::tickets;
use crate::tables::users::Charges;
use crate::{DatabaseTransaction, DbError};
use domain::{EventKind, TicketId, TicketStatus, Timestamp, UploadId};

/// Returns whether a ticket has a use left. The caller has locked the owner.
pub(crate) async fn has_uses(
    transaction: &DatabaseTransaction,
    id: TicketId,
) -> Result<bool, DbError> {
    let row = tickets::lock(transaction, id.0).await?;
    Ok(row.is_some_and(|row| row.uses_left > 0))
}

/// A use that an upload has taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TakenUse {
    /// What the upload has to reserve at least.
    pub(crate) least: i64,
    /// What of that the ticket had reserved, and does no more: less if its time was over already for the
    /// job that releases it, whose clock was ahead.
    pub(crate) moved: i64,
}

/// Takes one use of a ticket for an upload that begins, and what is reserved for it, and tells of it.
/// `None` if it may not begin. The caller has locked the owner.
pub(crate) async fn take_use(
    transaction: &DatabaseTransaction,
    id: TicketId,
    upload: UploadId,
    now: Timestamp,
) -> Result<Option<TakenUse>, DbError> {
    let Some(row) = tickets::lock(transaction, id.0).await? else {
        return Ok(None);
    };
    let (uses_left, reserved) = (row.uses_left, row.reserved_bytes);
    let ticket = Ticket::try_from(row)?;
    if ticket.status(now) != TicketStatus::Open {
        return Ok(None);
    }
    let least = ticket.reservation();
    let moved = least.min(reserved);
    let uses_left = uses_left - 1;
    tickets::set_left(transaction, id.0, uses_left, reserved - moved).await?;
    let used = EventData::Ticket {
        ticket: id,
        uses_left,
    };
    let event = NewEvent::new(ticket.owner, EventKind::TicketUsed, used, now);
    insert_events(transaction, &[event.of(upload.into())]).await?;
    Ok(Some(TakenUse { least, moved }))
}

/// Gives a use back whose upload ended without a byte, unless the ticket has ended meanwhile. The upload
/// held at least what the ticket reserves for a use, and has just released it.
pub(crate) async fn give_back(
    transaction: &DatabaseTransaction,
    id: Uuid,
    now: Timestamp,
) -> Result<(), DbError> {
    let Some(row) = tickets::lock(transaction, id).await? else {
        return Ok(());
    };
    let (uses_left, reserved, owner) = (row.uses_left, row.reserved_bytes, row.owner_id);
    let ticket = Ticket::try_from(row)?;
    if ticket.revoked_at.is_some() || ticket.expires_at <= now {
        return Ok(());
    }
    let one = ticket.reservation();
    let mut charges = Charges::default();
    charges.to(owner).reserved_bytes += one;
    charges.write(transaction).await?;
    tickets::set_left(transaction, id, uses_left + 1, reserved + one).await
}
