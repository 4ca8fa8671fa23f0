//! Drafts: operations whose items are too many for one transaction, until all are written.
//!
//! A draft is an operation that will expire unless it is published: it is listed nowhere, it has
//! no job, and what a crashed process leaves behind is deleted like any expired operation.

use std::time::Duration;

use crate::tables::operations;
use crate::{DatabaseTransaction, DbError};
use domain::{OperationId, Timestamp};

/// The most items that one transaction writes.
pub(super) const ITEMS: usize = 2_000;

/// The time after which an unpublished draft expires.
const TIME: Duration = Duration::from_mins(10);

/// An operation whose items are still being written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draft {
    id: OperationId,
    expires: Timestamp,
    /// How many items are written.
    pub written: u64,
}

impl Draft {
    /// Makes a draft of an operation that this transaction has inserted.
    pub async fn begin(
        transaction: &DatabaseTransaction,
        id: OperationId,
        now: Timestamp,
    ) -> Result<Self, DbError> {
        let expires = now.plus(TIME);
        operations::set_expiry(transaction, id, Some(expires)).await?;
        Ok(Self {
            id,
            expires,
            written: 0,
        })
    }

    /// Locks it. [`DbError::Busy`] means that it has expired: the server is overloaded.
    pub async fn lock(&self, transaction: &DatabaseTransaction) -> Result<(), DbError> {
        let locked = operations::lock_draft(transaction, self.id, self.expires).await?;
        locked.map(drop).ok_or(DbError::Busy)
    }

    /// Publishes it. The caller has locked it, and written its last items.
    pub async fn publish(self, transaction: &DatabaseTransaction) -> Result<(), DbError> {
        operations::set_expiry(transaction, self.id, None).await
    }
}
