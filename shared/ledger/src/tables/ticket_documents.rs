//! The table `ticket_documents`: which document was uploaded by which ticket.
//!
//! - The primary key finds the ticket of a document, and goes with it.
//! - `ticket_documents_of_ticket` finds the documents of a ticket that is deleted.

use uuid::Uuid;

use crate::batch::{execute, query};
use crate::{Database, DatabaseTransaction, DbError};

/// Records that a document was uploaded by a ticket.
pub async fn insert(
    transaction: &DatabaseTransaction,
    document: Uuid,
    ticket: Uuid,
) -> Result<(), DbError> {
    let sql = "INSERT INTO ticket_documents (document_id, ticket_id) VALUES ($1, $2)";
    execute(transaction, sql, [document.into(), ticket.into()]).await?;
    Ok(())
}

/// Returns whether a document was uploaded by a ticket.
pub async fn has(db: &Database, document: Uuid, ticket: Uuid) -> Result<bool, DbError> {
    let sql = "SELECT 1 FROM ticket_documents WHERE document_id = $1 AND ticket_id = $2";
    let found = query(db.reader(), sql, [document.into(), ticket.into()]).await?;
    Ok(!found.is_empty())
}
