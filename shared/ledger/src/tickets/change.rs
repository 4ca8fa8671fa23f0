//! Tickets are made, revoked and expire. What they reserve of their owner's quota changes in the same
//! transaction.

use sea_orm::DbErr;

use super::ticket::Ticket;
use crate::retry_on_conflict::{MayConflict, retry_on_conflict};
use crate::tables::tickets::{self, Model};
use crate::tables::users::{self, Charge, Charges, QuotaCharge, charge_quota};
use crate::uploads::end_uploads_of_ticket;
use crate::{Commit, Database, DatabaseTransaction, DbError};
use domain::{Limits, Sha256, TicketId, Timestamp, UserId};

/// The most tickets of a user, whatever their status.
const MOST: u64 = 1_000;

/// Tickets that one transaction deals with.
const BATCH: i64 = 100;

/// A refused change of tickets.
#[derive(Debug, thiserror::Error)]
pub enum TicketError {
    /// There is no such ticket, or another user owns it.
    #[error("there is no such ticket")]
    NotFound,
    /// The owner has as many tickets as allowed.
    #[error("the user has {MOST} tickets, which is the limit")]
    TooMany,
    /// The owner's quota is used up.
    #[error("the quota is used up")]
    QuotaExceeded,
    /// The owner has been deleted.
    #[error("the owner is gone")]
    OwnerGone,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl MayConflict for TicketError {
    fn database_error(&self) -> Option<&DbError> {
        match self {
            Self::Database(error) => Some(error),
            _ => None,
        }
    }
}

/// Makes a ticket, and reserves for all its uses.
pub async fn create_ticket(
    on: &impl Commit<Ticket>,
    ticket: &Ticket,
    secret: Sha256,
    limits: &Limits,
) -> Result<(), TicketError> {
    retry_on_conflict(|| create(on, ticket, secret, limits)).await
}

async fn create(
    on: &impl Commit<Ticket>,
    ticket: &Ticket,
    secret: Sha256,
    limits: &Limits,
) -> Result<(), TicketError> {
    let transaction = on.database().begin().await?;
    if users::lock(&transaction, ticket.owner.0).await?.is_none() {
        return Err(TicketError::OwnerGone);
    }
    if tickets::count(&transaction, ticket.owner).await? >= MOST {
        return Err(TicketError::TooMany);
    }
    let reserved = ticket.reservation().saturating_mul(ticket.uses.into());
    let charge = QuotaCharge::of(Charge {
        reserved_bytes: reserved,
        ..Charge::to(ticket.owner.0)
    });
    if charge_quota(&transaction, limits, &[charge])
        .await?
        .is_empty()
    {
        return Err(TicketError::QuotaExceeded);
    }
    let types: Vec<_> = ticket
        .allowed_types
        .iter()
        .map(ToString::to_string)
        .collect();
    let json = |error: serde_json::Error| DbError::from(DbErr::Json(error.to_string()));
    let row = Model {
        id: ticket.id.0,
        owner_id: ticket.owner.0,
        secret_sha256: secret.to_string(),
        name: ticket.name.as_ref().map(ToString::to_string),
        metadata: serde_json::to_string(&ticket.metadata).map_err(json)?,
        uses: ticket.uses.into(),
        uses_left: ticket.uses_left.into(),
        max_bytes: ticket.max_bytes.map(domain::ByteSize::as_i64),
        allowed_types: serde_json::to_string(&types).map_err(json)?,
        cors_origin: ticket.cors_origin.clone(),
        reserved_bytes: reserved,
        revoked_at: None,
        created_at: ticket.created_at.as_micros(),
        expires_at: ticket.expires_at.as_micros(),
    };
    tickets::insert(&transaction, row).await?;
    on.commit(transaction, ticket).await?;
    Ok(())
}

/// Revokes a ticket at once: uploads in progress end with it.
pub async fn revoke_ticket(
    on: &impl Commit<()>,
    (owner, id): (UserId, TicketId),
    now: Timestamp,
) -> Result<(), TicketError> {
    retry_on_conflict(|| async {
        let transaction = on.database().begin().await?;
        let row = tickets::lock(&transaction, id.0).await?;
        let row = row.filter(|row| row.owner_id == owner.0);
        let row = row.ok_or(TicketError::NotFound)?;
        tickets::revoke(&transaction, row.id, now).await?;
        while end_uploads_of_ticket(&transaction, row.id, now).await? {}
        release(&transaction, std::slice::from_ref(&row)).await?;
        Ok(on.commit(transaction, &()).await?)
    })
    .await
}

/// Releases what expired tickets reserve, and returns how many there were.
pub async fn expire_tickets(db: &Database, now: Timestamp) -> Result<u64, DbError> {
    retry_on_conflict(|| async {
        let transaction = db.begin().await?;
        let due = tickets::due(&transaction, now, BATCH).await?;
        let ids: Vec<_> = due.iter().map(|row| row.id).collect();
        if !ids.is_empty() {
            tickets::clear(&transaction, &ids).await?;
            release(&transaction, &due).await?;
        }
        transaction.commit().await?;
        Ok(due.len() as u64)
    })
    .await
}

/// Forgets tickets that expired before `before`, and returns how many.
pub async fn forget_tickets(db: &Database, before: Timestamp) -> Result<u64, DbError> {
    let transaction = db.begin().await?;
    let forgotten = tickets::forget(&transaction, before, BATCH).await?;
    transaction.commit().await?;
    Ok(forgotten)
}

async fn release(transaction: &DatabaseTransaction, rows: &[Model]) -> Result<(), DbError> {
    let mut charges = Charges::default();
    for row in rows {
        charges.to(row.owner_id).reserved_bytes -= row.reserved_bytes;
    }
    charges.write(transaction).await
}
