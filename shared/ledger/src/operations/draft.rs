//! Operations with so many items that these are written by several transactions, so that nobody
//! waits for all of them: the operation is a draft until it is whole.
//!
//! A draft is an operation that expires, in a while, unless it is finished: nobody sees it, no job
//! is about it, and what a process leaves half-written is removed as what has expired is.

use std::time::Duration;

use crate::tables::operations;
use crate::{DatabaseTransaction, DbError};
use domain::{OperationId, Timestamp};

/// Items that one transaction writes.
pub(super) const ITEMS: usize = 2_000;

/// How long the items of an operation may take to be written.
const TIME: Duration = Duration::from_mins(10);

/// An operation that isn't whole yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draft {
    id: OperationId,
    expires: Timestamp,
    /// How many items were written.
    pub written: u64,
}

impl Draft {
    /// Hides an operation that this transaction has written, for it is not whole.
    pub async fn hide(
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

    /// Locks it, unless it has expired meanwhile: then too much goes on here.
    pub async fn hold(&self, transaction: &DatabaseTransaction) -> Result<(), DbError> {
        let locked = operations::lock_draft(transaction, self.id, self.expires).await?;
        locked.map(drop).ok_or(DbError::Busy)
    }

    /// Shows it, for it is whole. The caller holds it.
    pub async fn finish(self, transaction: &DatabaseTransaction) -> Result<(), DbError> {
        operations::set_expiry(transaction, self.id, None).await
    }
}
