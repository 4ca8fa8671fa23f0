//! Receipts: the response to a request with a key, stored by the same transaction as its change. So
//! if the process dies, either the change was not made, or it has its response.

use std::future::Future;

use super::tables::idempotency::{self, NewAnswer, RequestClaim, SavedAnswer};
use super::{Database, DatabaseTransaction, DbError};
use domain::Timestamp;

/// The response to a request, at the time of its change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The request.
    pub claim: RequestClaim,
    /// The response.
    pub answer: SavedAnswer,
    /// Until when its process may replace the response, as for requests that wait. A repetition
    /// before then is told that the request is running.
    pub open_until: Option<Timestamp>,
}

impl Receipt {
    /// Charges the stored bytes to the owner.
    pub(super) fn charge(&self, db: &Database) {
        let bytes = self.answer.body.len();
        db.keys().charge(self.claim.owner, bytes);
    }
}

/// Commits a change: ends the transaction in which the change was made, and returns its result.
pub trait Commit<T>: Sync {
    /// The database of the change.
    fn database(&self) -> &Database;

    /// Commits. An error means that nothing was changed, or that the commit is uncertain.
    fn commit(
        &self,
        transaction: DatabaseTransaction,
        made: &T,
    ) -> impl Future<Output = Result<(), DbError>> + Send;
}

/// A change of a request without a key.
impl<T: Sync> Commit<T> for Database {
    fn database(&self) -> &Database {
        self
    }

    async fn commit(&self, transaction: DatabaseTransaction, _: &T) -> Result<(), DbError> {
        Ok(transaction.commit().await?)
    }
}

/// A change that stores its response, if `receipt` returns one.
#[derive(Clone, Debug)]
pub struct WithReceipt<F> {
    /// The database of the change.
    pub db: Database,
    /// The receipt for the result of the change.
    pub receipt: F,
}

impl<T, F, G> Commit<T> for WithReceipt<F>
where
    T: Sync,
    F: Fn(&T) -> G + Send + Sync,
    G: Future<Output = Option<Receipt>> + Send,
{
    fn database(&self) -> &Database {
        &self.db
    }

    async fn commit(&self, transaction: DatabaseTransaction, made: &T) -> Result<(), DbError> {
        let Some(receipt) = (self.receipt)(made).await else {
            return Ok(transaction.commit().await?);
        };
        keep_receipts(&transaction, std::slice::from_ref(&receipt)).await?;
        transaction.commit().await?;
        receipt.charge(&self.db);
        Ok(())
    }
}

/// Stores the responses, as the last step of a transaction. Fails if one of the requests was taken
/// over: then another process makes its change, and this one must not.
pub(super) async fn keep_receipts(
    transaction: &DatabaseTransaction,
    receipts: &[Receipt],
) -> Result<(), DbError> {
    if receipts.is_empty() {
        return Ok(());
    }
    let answers = receipts.iter().map(|receipt| NewAnswer {
        claim: &receipt.claim,
        answer: &receipt.answer,
        open_until: receipt.open_until,
    });
    let kept = idempotency::keep_answers(transaction, answers).await?;
    if kept == receipts.len() as u64 {
        Ok(())
    } else {
        Err(DbError::TakenOver)
    }
}
