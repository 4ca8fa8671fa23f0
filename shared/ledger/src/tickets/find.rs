//! Finds tickets, and what was uploaded by them.

use super::ticket::Ticket;
use crate::readable::readable;
use crate::tables::{ticket_documents, tickets};
use crate::{Database, DbError};
use domain::{DocumentId, Sha256, TicketId, UserId};

/// Returns a ticket of a user.
pub async fn find_ticket(
    db: &Database,
    (owner, id): (UserId, TicketId),
) -> Result<Option<Ticket>, DbError> {
    let found = tickets::find(db, id.0).await?;
    let found = found.filter(|row| row.owner_id == owner.0);
    found.map(Ticket::try_from).transpose()
}

/// Returns the ticket whose secret has this digest. The secret itself is compared with nothing, so
/// the time that this takes tells nothing of it.
pub async fn find_ticket_by_secret(
    db: &Database,
    secret: Sha256,
) -> Result<Option<Ticket>, DbError> {
    let found = tickets::find_by_secret(db, &secret.to_string()).await?;
    found.map(Ticket::try_from).transpose()
}

/// Returns at most `limit` tickets of a user, newest first, after the one with id `before`.
pub async fn list_tickets(
    db: &Database,
    owner: UserId,
    before: Option<TicketId>,
    limit: u64,
) -> Result<Vec<Ticket>, DbError> {
    let rows = tickets::list(db, owner, before.map(|id| id.0), limit).await?;
    Ok(readable(rows, Ticket::try_from))
}

/// Returns whether a document was uploaded by a ticket.
pub async fn is_of_ticket(
    db: &Database,
    document: DocumentId,
    ticket: TicketId,
) -> Result<bool, DbError> {
    ticket_documents::has(db, document.0, ticket.0).await
}
